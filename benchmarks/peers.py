"""The peers without a framework, and the table of all. Each prepares a case as its own users would.

A peer is a class whose `prepare(case, y, p, weight)` returns `Work`, or None where it does not have the loss
or the output. Its module is imported in a process of its own.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec

import numpy as np

from .cases import Case

Arrays = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Work:
    """What is timed, and how its result reads: (value,), (value, gradient) or (gradient, Hessian)."""

    run: Callable[[], object]
    arrays: Callable[[object], Arrays]


def as_arrays(result: object) -> Arrays:
    """The parts of a tuple, or the one number, as arrays."""
    return tuple(np.asarray(part) for part in (result if isinstance(result, tuple) else (result,)))


class Lossgen:
    """The compiled loss, with a fresh gradient every time."""

    given_output = False

    def __init__(self):
        from lossgen import losses

        self.losses = losses

    def prepare(self, case: Case, y, p, weight) -> Work | None:
        set_lossgen_threads(case.threads)
        loss = getattr(self.losses, case.title)(**case.arguments)
        if self.given_output:
            if case.output != "gradient":
                return None
            out = np.empty_like(p)
            return Work(lambda: loss.value_and_gradient(y, p, weight, out=out), as_arrays)
        run = {
            "value": lambda: loss(y, p, weight),
            "gradient": lambda: loss.value_and_gradient(y, p, weight),
            "hessian": lambda: loss.gradient_and_hessian(y, p, weight),
        }[case.output]
        return Work(run, as_arrays)


class LossgenOut(Lossgen):
    """The compiled loss, with the gradient in an array that is given."""

    given_output = True


def set_lossgen_threads(number: int) -> None:
    try:
        from lossgen import set_num_threads
    except ImportError:
        from lossgen.runtime.threads import set_num_threads
    set_num_threads(number)


class NumpyObjective:
    """A boosting objective as people write it in NumPy."""

    def prepare(self, case: Case, y, p, weight) -> Work | None:
        objective = OBJECTIVES.get(case.loss)
        if objective is None or case.output != "hessian":
            return None
        return Work(lambda: objective(y, p), as_arrays)


def squared_objective(y, p):
    return 2 * (p - y), np.full_like(p, 2)


def logistic_objective(y, p):
    probability = 1 / (1 + np.exp(-p))
    return probability - y, probability * (1 - probability)


def poisson_objective(y, p):
    mean = np.exp(p)
    return mean - y, mean


def gamma_objective(y, p):
    share = y * np.exp(-p)
    return 1 - share, share


def tweedie_objective(y, p, rho=1.5):
    mean, share = np.exp((2 - rho) * p), y * np.exp((1 - rho) * p)
    return mean - share, (2 - rho) * mean - (1 - rho) * share


def log_cosh_objective(y, p):
    slope = np.tanh(p - y)
    return slope, 1 - slope**2


OBJECTIVES = {
    "mean_squared_error": squared_objective,
    "binary_crossentropy": logistic_objective,
    "poisson_nll": poisson_objective,
    "gamma": gamma_objective,
    "tweedie": tweedie_objective,
    "log_cosh": log_cosh_objective,
}


class Sklearn:
    """scikit-learn's own losses (`sklearn._loss`): one loss a row, and derivatives that are not divided by n.

    The mean of the losses is taken in the timed part, because a value is asked for; the gradient is rescaled
    in the comparison only.
    """

    def prepare(self, case: Case, y, p, weight) -> Work | None:
        made = self.loss_of(case)
        if made is None or weight is not None or case.output == "value":
            return None
        loss, factor = made
        if len(case.shape) != 2 or (case.shape[1] != 1 and case.data != "labels"):
            return None
        target, prediction = y.astype(p.dtype).reshape(-1), p[:, 0] if case.shape[1] == 1 else p
        threads, shape = case.threads, case.shape
        if case.output == "hessian":
            return Work(
                lambda: loss.gradient_hessian(target, prediction, n_threads=threads),
                lambda result: tuple(factor * part.reshape(shape) for part in result),
            )

        def run():
            losses, gradient = loss.loss_gradient(target, prediction, n_threads=threads)
            return losses.mean(), gradient

        return Work(
            run, lambda result: (factor * result[0], factor / shape[0] * result[1].reshape(shape))
        )

    def loss_of(self, case: Case):
        """The loss, and by what its result is multiplied to be that of lossgen."""
        from sklearn._loss import loss

        logits = case.arguments.get("from_logits", False)
        make = {
            "mean_squared_error": lambda: (loss.HalfSquaredError(), 2),
            "mean_absolute_error": lambda: (loss.AbsoluteError(), 1),
            "quantile": lambda: (loss.PinballLoss(quantile=case.arguments["quantile"]), 1),
            "huber": lambda: (loss.HuberLoss(delta=1.0), 1),
            "poisson_nll": lambda: (loss.HalfPoissonLoss(), 1),
            "gamma": lambda: (loss.HalfGammaLoss(), 1),
            "tweedie": lambda: (loss.HalfTweedieLoss(power=1.5), 1),
            "binary_crossentropy": lambda: (loss.HalfBinomialLoss(), 1) if logits else None,
            "sparse_categorical_crossentropy":
                lambda: (loss.HalfMultinomialLoss(n_classes=case.shape[-1]), 1) if logits else None,
        }.get(case.loss)  # fmt: skip
        return make() if make else None


MODULES = {"scikit-learn": "sklearn"}
"""Modules of packages that are named otherwise."""


@dataclass(frozen=True)
class Peer:
    """Where a peer lives, what it needs, and what its process is told before it starts."""

    module: str
    class_name: str
    needs: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()

    def make(self):
        return getattr(import_module(self.module), self.class_name)()

    def is_present(self) -> bool:
        return all(find_spec(MODULES.get(package, package)) is not None for package in self.needs)

    def versions(self) -> dict[str, str]:
        return {package: metadata.version(package) for package in self.needs}

    def variables(self) -> dict[str, str]:
        return {**os.environ, "NUMBA_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", **dict(self.environment)}


def keras_on(backend: str) -> Peer:
    class_name = f"Keras{backend.capitalize()}"
    return Peer(
        "benchmarks.frameworks", class_name, ("keras", backend), (("KERAS_BACKEND", backend),)
    )


PEERS = {
    "lossgen": Peer("benchmarks.peers", "Lossgen", ("numpy", "numba")),
    "lossgen out=": Peer("benchmarks.peers", "LossgenOut", ("numpy", "numba")),
    "limit": Peer("benchmarks.limit", "Limit", ("numba",)),
    "lossgen torch": Peer("benchmarks.frameworks", "LossgenTorch", ("torch", "numba")),
    "torch": Peer("benchmarks.frameworks", "Torch", ("torch",)),
    "torch.compile": Peer("benchmarks.frameworks", "TorchCompile", ("torch",)),
    "jax": Peer("benchmarks.frameworks", "Jax", ("jax", "jaxlib")),
    "lossgen jax": Peer("benchmarks.frameworks", "LossgenJax", ("jax", "jaxlib")),
    "keras torch": keras_on("torch"),
    "keras jax": keras_on("jax"),
    "keras tensorflow": keras_on("tensorflow"),
    "sklearn": Peer("benchmarks.peers", "Sklearn", ("scikit-learn",)),
    "numpy": Peer("benchmarks.peers", "NumpyObjective", ("numpy",)),
}
"""Every peer by the name that it has in tables. The first two are lossgen; the limit is no competitor."""

OURS = ("lossgen", "lossgen out=")
DOORS = {"lossgen torch": ("torch", "torch.compile"), "lossgen jax": ("jax",)}
"""lossgen through a framework, and the peers that it is measured against there."""
COMPETITORS = tuple(name for name in PEERS if name not in (*OURS, *DOORS, "limit"))
