"""Whether a loss is convex in its raw score: as the compiler has proved, else by sampling.

Samples are taken at the values that the parameters have, the same ones in every process; between them a
loss may be otherwise.
"""

from dataclasses import dataclass

import numpy as np

from lossgen.runtime.dense import hessian_matrix_of
from lossgen.runtime.domains import bounds
from lossgen.runtime.links import softmax
from lossgen.runtime.raw_kernels import RawKernels

TARGETS = (-100.0, -10.0, -2.5, -1.0, -0.3, -0.01, 0.0, 0.01, 0.1, 0.5, 0.9, 1.0, 2.0, 7.0, 50.0)
OFFSETS = np.concatenate([np.logspace(-6, 3, 400), np.logspace(-8, 30, 229)])
MULTIPLES = np.concatenate([-np.logspace(-2, 2, 81), [0.0], np.logspace(-2, 2, 81)])
"""Of each parameter's value, around targets: where a loss of its scale bends, and where pieces meet."""

COLUMNS = (2, 3, 6)
ROWS = 300
SCALES = (0.3, 3.0, 30.0)

NOISE = 1e-11
"""How far a gradient may fall, against its size, by rounding."""


@dataclass(frozen=True)
class Examined:
    """What is known of the convexity of a loss.

    Args:
        convex: whether no counterexample is known.
        how: "proved", or "sampled" at the values of the parameters.
        zero: whether the Hessian is 0 wherever there is one.
        where: a counterexample in words; None where the loss is convex.
    """

    convex: bool
    how: str
    zero: bool = False
    where: str | None = None


def examine(loss) -> Examined:
    """Whether a loss is convex in its prediction, and how that is known.

    Raises:
        ShapeError: the rows of the loss do not stand alone.
    """
    curvature = loss.properties.curvature
    if curvature == "zero" or (curvature == "convex" and not loss.parameters):
        return Examined(True, "proved", curvature == "zero")
    if loss.dtype is not None:
        loss = type(loss)(**{**loss.get_config(portable=False), "dtype": None})
    kernels = RawKernels(loss)
    found = sampled_elements(loss, kernels) if kernels.elementwise else sampled_rows(loss, kernels)
    return found if curvature == "unproved" else Examined(True, "proved", found.zero)  # |p − y|ᵃ with a = 1


def sampled_elements(loss, kernels: RawKernels) -> Examined:
    """Along a grid of predictions the gradient must not fall, for targets all over their domain."""
    columns = columns_of(loss) or 1
    targets = np.array(targets_of(loss.properties.target))
    offsets = np.concatenate([OFFSETS, -OFFSETS, *(abs(value) * MULTIPLES for value in values_of(loss))])
    pairs = [(y, predictions_of(loss.properties.prediction, y, offsets)) for y in targets]
    y = np.concatenate([np.full(len(p), y) for y, p in pairs])
    p = np.concatenate([p for _, p in pairs])
    raw = np.repeat(p[:, None], columns, 1)
    gradient, hessian = np.empty_like(raw), np.empty_like(raw)
    with np.errstate(all="ignore"):
        prepared = kernels.targets(np.repeat(y[:, None], columns, 1), raw).astype(np.float64)
        kernels.run(prepared, raw, None, gradient, hessian)
        noise = NOISE * (np.abs(gradient) + np.abs(hessian * raw)) + 1e-290
        falls = gradient[1:] - gradient[:-1] < -(noise[1:] + noise[:-1])
    falls &= (y[1:] == y[:-1])[:, None]
    if not falls.any():
        return Examined(True, "sampled", not hessian[np.isfinite(hessian)].any())
    near = np.zeros(raw.shape, bool)
    near[1:] |= falls
    near[:-1] |= falls
    row, column = np.unravel_index(
        np.argmin(np.where(near & np.isfinite(hessian), hessian, np.inf)), raw.shape
    )
    if hessian[row, column] < 0:
        where = f"at y_true = {y[row]:.4g}, y_pred = {p[row]:.4g} its Hessian is {hessian[row, column]:.4g}"
    else:
        row, column = (int(each) for each in np.argwhere(falls)[0])
        where = (
            f"at y_true = {y[row]:.4g} its gradient falls from {gradient[row, column]:.4g} to "
            f"{gradient[row + 1, column]:.4g} between y_pred = {p[row]:.6g} and {p[row + 1]:.6g}"
        )
    return Examined(False, "sampled", False, where)


def sampled_rows(loss, kernels: RawKernels) -> Examined:
    """The full Hessians of random rows must be positive semidefinite, and slopes along lines not fall."""
    random = np.random.default_rng(0)
    zero = True
    for columns in (columns_of(loss),) if columns_of(loss) else COLUMNS:
        for scale in scales_of(loss):
            y = random_targets(random, loss, columns)
            p, direction = random.normal(size=(2, ROWS, columns)) * scale
            if bounds(loss.properties.prediction)[1] == 1:
                p, direction = softmax(p), direction / 1000 / scale
            found = indefinite(loss, kernels, y, p)
            zero = zero and found is False
            if isinstance(found, str):
                return Examined(False, "sampled", False, found)
            where = falling(kernels, y, p, direction)
            if where is not None:
                return Examined(False, "sampled", False, where)
    return Examined(True, "sampled", zero)


def indefinite(loss, kernels: RawKernels, y: np.ndarray, p: np.ndarray) -> str | bool:
    """Where a Hessian has a negative eigenvalue, beyond rounding; else whether any is not 0."""
    gradient, diagonal = np.empty_like(p), np.empty_like(p)
    kernels.run(kernels.targets(y, p), p, None, gradient, diagonal)
    matrix = hessian_matrix_of(loss._plan, y, p, None)
    finite = np.isfinite(matrix).all(axis=(1, 2))
    eigenvalues = np.linalg.eigvalsh(np.where(finite[:, None, None], matrix, 0.0))
    relative = eigenvalues[:, 0] / np.maximum(np.abs(eigenvalues).max(axis=1), 1e-290)
    negative = (relative < -1e-9) & (eigenvalues[:, 0] < -NOISE * np.abs(gradient).max(axis=1))
    if not negative.any():
        return bool(matrix.any())
    worst = int(np.argmin(np.where(negative, eigenvalues[:, 0], 0.0)))
    return (
        f"at y_true = {np.array2string(y[worst], precision=4)}, "
        f"y_pred = {np.array2string(p[worst], precision=4)} "
        f"its Hessian has the eigenvalue {eigenvalues[worst, 0]:.4g}"
    )


def falling(kernels: RawKernels, y: np.ndarray, p: np.ndarray, direction: np.ndarray) -> str | None:
    """Where the slope along a line through a row falls; None if nowhere."""
    steps = np.linspace(-1, 1, 33)
    raw = (p[:, None] + steps[:, None] * direction[:, None]).reshape(-1, p.shape[1])
    gradient, hessian = np.empty_like(raw), np.empty_like(raw)
    kernels.run(kernels.targets(np.repeat(y, len(steps), axis=0), raw), raw, None, gradient, hessian)
    gradient = gradient.reshape(len(p), len(steps), -1)
    slopes = (gradient * direction[:, None]).sum(axis=-1)
    sizes = np.abs(gradient * direction[:, None]).sum(axis=-1)
    falls = np.diff(slopes) < -1e-9 * (sizes[:, 1:] + sizes[:, :-1])
    if not falls.any():
        return None
    row, step = (int(each) for each in np.argwhere(falls)[0])
    return (
        f"at y_true = {np.array2string(np.asarray(y[row]), precision=4)} its slope falls along a line near "
        f"y_pred = {np.array2string(raw.reshape(*gradient.shape)[row, step], precision=4)}"
    )


def columns_of(loss) -> int | None:
    """How many columns the parameters of an instance ask for; None if any."""
    lengths = [
        len(value)
        for name, parameter in loss.parameters.items()
        if parameter.per_class and isinstance(value := getattr(loss, name), tuple)
    ]
    return lengths[0] if lengths else None


def targets_of(domain) -> list[float]:
    """Targets all over a domain."""
    if domain == "signs":
        return [-1.0, 1.0]
    low, high = bounds(domain)
    inside = [y for y in TARGETS if low <= y <= high and not (domain == "positive" and y == 0)]
    if low > -np.inf and high < np.inf:
        inside += [float(y) for y in np.linspace(low, high, 5)]
    else:
        inside += [low + 0.5] if low > -np.inf else [high - 0.5] if high < np.inf else []
    return sorted(set(inside))


def values_of(loss) -> list[float]:
    """The values of its parameters that are neither 0 nor infinite, each once."""
    values = np.concatenate([np.zeros(1), *(np.ravel(getattr(loss, name)) for name in loss.parameters)])
    return [float(value) for value in np.unique(values) if value and np.isfinite(value)]


def scales_of(loss) -> list[float]:
    """How far apart the random scores of a row lie."""
    return sorted({*SCALES, *(abs(value) * scale for value in values_of(loss) for scale in SCALES)})


def predictions_of(domain, y: float, offsets: np.ndarray) -> np.ndarray:
    """Ascending predictions of a domain: offsets from 0, the target and the ends."""
    low, high = bounds(domain)
    around = [centre + offsets for centre in {0.0, y, low, high} - {-np.inf, np.inf}]
    p = np.unique(np.concatenate([*around, [0.0, y]]))
    return p[(p > low) & (p < high)]


def random_targets(random, loss, columns: int) -> np.ndarray:
    """Targets of `ROWS` rows: labels, distributions (half of them one-hot), or numbers of the domain."""
    domain = loss.properties.target
    hot = random.integers(0, columns, ROWS)
    if domain == "labels":
        return hot
    if domain == "probability":
        y = random.dirichlet(np.ones(columns), ROWS)
        y[::2] = np.eye(columns)[hot[::2]]
        return y
    return random.choice(np.array(targets_of(domain)), size=(ROWS, columns))
