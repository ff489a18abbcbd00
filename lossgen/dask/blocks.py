"""What runs in one block, on NumPy arrays."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from lossgen.errors import LabelError
from lossgen.runtime import evaluation
from lossgen.runtime.loss import Loss
from lossgen.runtime.plan import Plan
from lossgen.runtime.reduction import keeps_losses, weight_of
from lossgen.runtime.weights import weigh


def block_losses(y, p, weight, mask, loss):
    """The weighted losses of a block."""
    plan = plan_of(loss)
    if plan is None:
        return np.asarray(loss(y, p, weight, mask=mask))
    with of_a_block():
        return np.asarray(evaluation.value_of(plan, "none", y, p, weight, mask))


def block_sums(y, p, weight, mask, loss, rank):
    """Sum and weight of a block, as an array with one block index for each axis of the losses."""
    plan = plan_of(loss)
    if plan is None:
        pair = loss.sum_and_weight(y, p, weight, mask=mask)
    else:
        with of_a_block():
            pair = evaluation.sum_and_weight_of(plan, loss.reduction, y, p, weight, mask)
    return np.array(pair).reshape((1,) * rank + (2,))


def block_weight(rows, weight, mask, loss, rank):
    """0 and what the losses of a block count for, in the same form; `rows` are its labels, or ones."""
    plan, used = loss._plan, np.ones(rows.shape, bool)
    if plan.labels and plan.ignore_class is not None:
        used = rows != plan.ignore_class
    if mask is not None:
        used = used & (np.asarray(mask) != 0)
    weighting = weigh(weight, None, rows.shape, np.dtype(plan.dtype or np.float64))
    total = weight_of(loss.reduction, weighting, int(np.count_nonzero(used)), used.reshape(-1))
    return np.array([0.0, total]).reshape((1,) * rank + (2,))


def block_gradient(y, p, weight, mask, scale, loss):
    """The gradient of a block's share of the reduced value."""
    weight = float(scale) if weight is None else weight * np.float64(scale)
    with of_a_block():
        return evaluation.value_and_gradient_of(plan_of(loss), "sum", y, p, weight, mask, None)[1]


@contextmanager
def of_a_block() -> Iterator[None]:
    """Adds to the error of a label where its position counts: no block knows where it lies in the whole."""
    try:
        yield
    except LabelError as error:
        raise LabelError(f"{error} (The position counts within one block of the Dask array.)") from None


def quotient(total, weight, loss, result, one_loss):
    """What the sums of all blocks come to."""
    kept = one_loss or keeps_losses(loss.reduction) or loss.reduction == "sum"
    divisor = 1.0 if kept else float(weight)
    return np.asarray(total / divisor if divisor else 0.0, result)


def inverse(weight):
    """1 / weight, 0 where nothing counts."""
    return np.asarray(1 / weight if weight else 0.0)


def prepared(y, others, loss):
    """The target step of a loss, if all targets (not only those of this block) allow it."""
    return y if others else loss._plan.prepare(y).astype(y.dtype)


def plan_of(loss: Loss) -> Plan | None:
    """The plan of a loss whose targets are prepared already; None for one written by hand."""
    if not loss.is_compiled or loss._plan.prepare is None:
        return loss._plan if loss.is_compiled else None
    plan = copy.copy(loss._plan)
    plan.prepare = None
    return plan
