"""The table of cases: which loss, on how much data, computing what, and the arrays to do it on."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

import numpy as np


@dataclass(frozen=True)
class Case:
    """One piece of work that every peer is asked to do.

    Attributes:
        loss: name in snake_case; `title` is the class.
        data: which targets and predictions the loss reads: a key of `DATA`.
        shape: of the predictions.
        output: "value", "gradient" (value and gradient) or "hessian" (gradient and Hessian, unreduced).
        group: the number of the case in the list of cases, see `GROUPS`.
        weighted: whether each element has a weight.
        threads: how many each peer may use.
        representative: whether `make bench` measures it; others are for `make bench-all`.
        compiled: whether torch.compile takes part in `make bench`: it needs up to 20 s a case.
    """

    loss: str
    data: str
    shape: tuple[int, ...]
    arguments: dict = field(default_factory=dict)
    dtype: str = "float32"
    output: str = "gradient"
    group: int = 1
    weighted: bool = False
    threads: int = 2
    representative: bool = False
    compiled: bool = False

    @property
    def title(self) -> str:
        """Name of the class."""
        words = {"kl": "KL", "nll": "NLL"}
        return "".join(words.get(word, word.capitalize()) for word in self.loss.split("_"))

    @property
    def name(self) -> str:
        """What tells this case from all others."""
        arguments = [key if value is True else f"{key}={value}" for key, value in self.arguments.items()]
        shape = self.shape[:1] if self.shape[1:] == (1,) else self.shape[: 3 if self.weighted else None]
        parts = [self.loss, *arguments, "×".join(short(size) for size in shape)]
        parts += [self.output] * (self.output != "gradient") + [self.dtype] * (self.dtype != "float32")
        parts += ["weights"] * self.weighted + ["1 thread"] * (self.threads == 1)
        return " ".join(parts)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    def plain(self) -> dict:
        """What JSON can hold; `Case(**plain)` is the case."""
        return asdict(self) | {"shape": list(self.shape)}


def short(size: int) -> str:
    """16777216 → 16M for powers of two, 100000 → 100000."""
    for letter, unit in (("M", 1 << 20), ("K", 1 << 10)):
        if size % unit == 0 and size >= 64 * 1024:
            return f"{size // unit}{letter}"
    return str(size)


GROUPS = {
    1: "elementwise losses, loss + gradient",
    2: "losses of rows, loss + gradient",
    3: "segmentation, loss + gradient",
    4: "boosting, gradient + Hessian",
    5: "small calls",
    6: "scaling",
}

# Data --------------------------------------------------------------------------------------------------


def normal(rng, shape, dtype):
    return rng.standard_normal(shape, dtype)


def binary(rng, shape, dtype):
    return (rng.random(shape, np.float32) < 0.5).astype(dtype)


def signs(rng, shape, dtype):
    return 2 * binary(rng, shape, dtype) - 1


def positive(rng, shape, dtype):
    return rng.standard_gamma(2.0, shape, dtype) + dtype(0.125)


def probability(rng, shape, dtype):
    return rng.random(shape, dtype) * dtype(0.998) + dtype(0.001)


def distribution(rng, shape, dtype):
    weights = rng.random(shape, dtype) + dtype(0.5)
    weights /= weights.sum(-1, keepdims=True)
    return weights


def labels(rng, shape, dtype):
    return rng.integers(0, shape[-1], shape[0])


def one_hot(rng, shape, dtype):
    y = np.zeros(shape, dtype)
    y[np.arange(shape[0]), labels(rng, shape, dtype)] = 1
    return y


DATA = {
    "real": (normal, normal),
    "logits": (binary, normal),
    "probabilities": (binary, probability),
    "signs": (signs, normal),
    "amounts": (positive, positive),
    "log amounts": (positive, normal),
    "one-hot": (one_hot, normal),
    "one-hot, probabilities": (one_hot, distribution),
    "distributions": (distribution, distribution),
    "labels": (labels, normal),
    "labels, probabilities": (labels, distribution),
}
"""What makes target and prediction, by the name of the pair."""


def inputs(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Target, prediction, weight or None; the same for everybody who asks."""
    rng = np.random.default_rng(20260101)
    dtype = np.dtype(case.dtype).type
    target, prediction = DATA[case.data]
    y, p = target(rng, case.shape, dtype), prediction(rng, case.shape, dtype)
    return y, p, rng.random(case.shape, dtype) + dtype(0.5) if case.weighted else None


# The table ---------------------------------------------------------------------------------------------

LOGITS = {"from_logits": True}

ELEMENTWISE = (
    ("mean_squared_error", "real", {}),
    ("mean_absolute_error", "real", {}),
    ("mean_absolute_percentage_error", "real", {}),
    ("mean_squared_logarithmic_error", "amounts", {}),
    ("huber", "real", {}),
    ("log_cosh", "real", {}),
    ("smooth_l1", "real", {}),
    ("pseudo_huber", "real", {}),
    ("quantile", "real", {"quantile": 0.9}),
    ("expectile", "real", {"expectile": 0.9}),
    ("cauchy", "real", {}),
    ("charbonnier", "real", {}),
    ("wing", "real", {}),
    ("adaptive_robust", "real", {"alpha": 0.5}),
    ("poisson", "amounts", {}),
    ("poisson_nll", "log amounts", {}),
    ("gamma", "log amounts", {}),
    ("tweedie", "log amounts", {}),
    ("binary_crossentropy", "logits", LOGITS),
    ("binary_crossentropy", "probabilities", {}),
    ("binary_focal_crossentropy", "logits", LOGITS),
    ("binary_focal_crossentropy", "probabilities", {}),
    ("sigmoid_focal", "logits", {}),
    ("asymmetric_loss", "logits", {}),
    ("hinge", "signs", {}),
    ("squared_hinge", "signs", {}),
    ("brier", "probabilities", {}),
)
SIZES = (1 << 16, 1 << 20, 1 << 24)

ROWS = (
    ("categorical_crossentropy", "one-hot", LOGITS),
    ("categorical_focal_crossentropy", "one-hot", LOGITS),
    ("cosine_similarity", "real", {}),
    ("kl_divergence", "distributions", {}),
    ("categorical_hinge", "one-hot", {}),
    ("sparse_categorical_crossentropy", "labels", LOGITS),
)
SHAPES = (
    (100_000, 3), (100_000, 10), (10_000, 100), (10_000, 1_000), (1_000, 32_000), (256, 128_000),
)  # fmt: skip

MORE_ROWS = (
    ("categorical_crossentropy", "one-hot, probabilities", {}),
    ("categorical_focal_crossentropy", "one-hot, probabilities", {}),
    ("sparse_categorical_crossentropy", "labels, probabilities", {}),
    ("categorical_generalized_cross_entropy", "labels, probabilities", {}),
    ("poly1", "one-hot", LOGITS),
    ("poly1", "one-hot, probabilities", {}),
    ("brier", "one-hot", LOGITS),
    ("multi_margin", "labels", {}),
)
"""Variants and losses beyond those that the list of cases names; measured in two shapes."""

REGIONS = ("dice", "tversky", "jaccard", "focal_tversky")
BOOSTING = (
    ("mean_squared_error", "real", {}),
    ("binary_crossentropy", "logits", LOGITS),
    ("poisson_nll", "log amounts", {}),
    ("gamma", "log amounts", {}),
    ("tweedie", "log amounts", {}),
    ("log_cosh", "real", {}),
)
SMALL = (
    ("mean_squared_error", "real", {}),
    ("huber", "real", {}),
    ("binary_crossentropy", "logits", LOGITS),
    ("categorical_crossentropy", "one-hot", LOGITS),
    ("sparse_categorical_crossentropy", "labels", LOGITS),
)
SCALED = (("mean_squared_error", "real", {}), ("binary_crossentropy", "logits", LOGITS))
DECADES = tuple(10**power for power in range(2, 8))

SHOWN_SHAPES = ((100_000, 10), (1_000, 32_000))
SHOWN_AT_16M = ("mean_squared_error", "huber", "binary_crossentropy", "poisson")
COMPILED = (
    "mean_squared_error", "binary_crossentropy", "log_cosh", "categorical_crossentropy", "cosine_similarity",
    "sparse_categorical_crossentropy", "dice",
)  # fmt: skip


def cases() -> Iterator[Case]:
    """Every case of `make bench-all`."""
    for loss, data, arguments in ELEMENTWISE:
        for size in SIZES:
            shown = size == 1 << 20 or (size == 1 << 24 and loss in SHOWN_AT_16M)
            yield Case(loss, data, (size, 1), arguments, representative=shown,
                       compiled=size == 1 << 20 and loss in COMPILED)  # fmt: skip
        yield Case(loss, data, (1 << 20, 1), arguments, dtype="float64")
    for loss, data, arguments in ROWS:
        for shape in SHAPES:
            shown = shape in SHOWN_SHAPES or loss == "sparse_categorical_crossentropy"
            yield Case(loss, data, shape, arguments, group=2, representative=shown,
                       compiled=shape == (100_000, 10) and loss in COMPILED)  # fmt: skip
    for loss, data, arguments in MORE_ROWS:
        for shape in ((100_000, 10), (10_000, 1_000)):
            yield Case(loss, data, shape, arguments, group=2)
    for loss in REGIONS:
        yield Case(loss, "probabilities", (64, 256, 256), group=3, representative=loss in ("dice", "tversky"),
                   compiled=loss in COMPILED)  # fmt: skip
    yield Case("binary_crossentropy", "logits", (64, 256, 256, 1), LOGITS, group=3, weighted=True,
               representative=True)  # fmt: skip
    for loss, data, arguments in BOOSTING:
        yield Case(loss, data, (1_000_000, 1), arguments, output="hessian", group=4, representative=True)
    for loss, data, arguments in SMALL:
        for output in ("gradient", "value"):
            yield Case(loss, data, (32, 10), arguments, output=output, group=5, representative=True,
                       compiled=output == "gradient" and loss in COMPILED[:2])  # fmt: skip
    for loss, data, arguments in SCALED:
        for size in DECADES:
            yield Case(loss, data, (size, 1), arguments, group=6, representative=True)
        for size in SIZES:
            yield Case(loss, data, (size, 1), arguments, group=6, threads=1, representative=size != SIZES[0])
    for size in DECADES:
        loss, data, arguments = ROWS[-1]
        yield Case(loss, data, (size // 20, 20), arguments, group=6)
    for loss, data, arguments in (ROWS[0], ROWS[-1]):
        for shape in ((100_000, 10), (10_000, 1_000)):
            yield Case(loss, data, shape, arguments, group=6, threads=1)
