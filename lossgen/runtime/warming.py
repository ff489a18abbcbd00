"""Compiling ahead: every kernel that calls of common kinds need, so that Numba's cache on disk has it."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product

import numpy as np

from lossgen.runtime.compiled import Compiled
from lossgen.runtime.dispatch import ALONE_ELEMENTS, LANE_COLUMNS, LANE_ROWS, SPLIT
from lossgen.runtime.loss import Loss
from lossgen.runtime.penalty import Penalty
from lossgen.runtime.variant import OUTPUTS

DTYPES = ("float32", "float64")

FEW, SOME, MANY = 2, 4, LANE_COLUMNS + 1
SHAPES = (
    (FEW, 1),
    (FEW, SOME),
    (LANE_ROWS, SOME),
    (ALONE_ELEMENTS + 1, 1),
    (ALONE_ELEMENTS // SOME + 1, SOME),
    (ALONE_ELEMENTS // MANY + 1, MANY),
    (FEW, SPLIT[0][1]),
)
"""Predictions that between them are seen in every schedule, by one thread and by several."""


def tasks(
    cls: type[Compiled], dtypes: Sequence[str] = DTYPES, outputs: Sequence[str] = OUTPUTS
) -> Iterator[Callable[[], None]]:
    """Calls that together compile the kernels of a class for these dtypes and outputs, or load them.

    Every combination of options counts, parameters at their defaults; targets in the dtype of the
    predictions (labels: int64), weights none and one a row, reduced and for "value" also unreduced losses.
    """
    for key in cls.variants:
        loss = cls(**dict(zip(cls.options, key, strict=True)))
        for dtype, output in product(dtypes, outputs):
            yield lambda loss=loss, dtype=dtype, output=output: _call(loss, dtype, output)


def _call(loss: Loss | Penalty, dtype: str, output: str) -> None:
    """One output for every shape, with and without weights."""
    labels = loss._plan.labels
    for shape in SHAPES:
        if isinstance(loss, Penalty):
            _call_penalty(loss, np.full(shape, 0.5, dtype), output)
            continue
        p = np.full(shape, 0.5, dtype)
        y = np.zeros(shape[0], np.int64) if labels else np.zeros(shape, dtype)
        weights = [None] if loss.axis is None else [None, np.ones(shape[0], dtype)]
        for weight in weights:
            if output == "value":
                loss(y, p, weight)
            elif output == "hessian_vector_product":
                loss.hessian_vector_product(y, p, p, weight)
            else:
                getattr(loss, output)(y, p, weight)
        if output == "value":
            loss.call(y, p)


def _call_penalty(penalty: Penalty, x: np.ndarray, output: str) -> None:
    """One output for one shape."""
    if penalty.preparation is not None:
        x = x[:, :, None]  # the default axes are those of images
    if output == "value":
        penalty(x)
    elif output == "value_and_gradient":
        penalty.value_and_gradient(x)
    elif output == "hessian_vector_product":
        penalty.hessian_vector_product(x, x)
