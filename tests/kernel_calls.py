"""Calls of generated kernels without the runtime around them, and the comparison of what they leave."""

from collections.abc import Iterator

import numpy as np
from cases import Case, random_inputs

from lossgen import losses
from lossgen.runtime.dispatch import ARRAYS_OUT, TAKES_LOSSES

ROUNDING = {np.float32: 2e-5, np.float64: 1e-13}


def term_of(case: Case):
    """The kernels of a case, and the parameters that they take."""
    plan = getattr(losses, case.declaration.class_name)(**case.keywords)._plan
    return plan.terms[0]


def run(kernel, output, y, p, fixed, weight, scale, ignored=None, vector=None, with_losses=True):
    """One kernel on rows (or a flat line): its total, the losses, the arrays."""
    losses_out = np.full(len(p), np.nan, p.dtype) if output in TAKES_LOSSES and with_losses else None
    arrays = [np.full_like(p, np.nan) for _ in range(ARRAYS_OUT[output])]
    tail = [losses_out] if output in TAKES_LOSSES else [] if vector is None else [vector]
    labels = () if ignored is None else (ignored,)
    total = kernel(y, p, *fixed, weight, scale, *labels, *tail, *arrays)
    return total, losses_out, arrays


def one_row_at_a_time(term, output, y, p, columns, weight, scale, ignored, vector):
    """The yardstick: the rows kernel, called for each row."""
    total, losses_out, arrays = 0.0, np.empty(len(p), p.dtype), [[] for _ in range(ARRAYS_OUT[output])]
    for row in range(len(p)):
        one = slice(row, row + 1)
        part, loss, pieces = run(
            term.rows[output][0], output, y[one], p[one], term.row_parameters(columns),
            None if weight is None else weight[one], scale, ignored, None if vector is None else vector[one],
        )  # fmt: skip
        total += part or 0.0
        losses_out[row] = 0 if loss is None else loss[0]
        for array, piece in zip(arrays, pieces, strict=True):
            array.append(piece[0])
    return total, losses_out, [np.array(array) for array in arrays]


def agree(first, second, dtype) -> None:
    """Totals, losses and arrays are equal to rounding, row by row."""
    rounding = ROUNDING[dtype]
    if first[0] is not None and second[0] is not None:
        size = np.abs(second[1]).sum() if second[1] is not None else abs(second[0])
        np.testing.assert_allclose(first[0], second[0], rtol=rounding, atol=4 * rounding * max(size, 1e-30))
    pairs = list(zip(first[2], second[2], strict=True))
    if first[1] is not None and second[1] is not None:
        pairs.append((first[1][None], second[1][None]))
    for one, two in pairs:
        one, two = one.reshape(two.shape), two
        size = np.abs(two).max(-1, keepdims=True)
        np.testing.assert_array_less(np.abs(one - two), rounding * (np.abs(two) + size) + 1e-30)


def inputs(case: Case, rows: int, columns: int, dtype, seed: int = 0):
    y, p = random_inputs(case, rows, columns, seed)
    return (y if case.labels else y.astype(dtype)), p.astype(dtype)


def settings(output: str, rows: int, dtype) -> Iterator[tuple]:
    """Weights and scales: none; for the main output also one a row with a zero."""
    yield None, 1.0
    if output != "value_and_gradient":
        return
    weight = np.random.default_rng(1).uniform(0.5, 2, rows).astype(dtype)
    weight[rows // 2] = 0
    yield weight, 0.375
