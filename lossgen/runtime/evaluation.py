"""One call of a loss from its formula: prepare the data, run every term, weigh, reduce, give back.

For several terms the losses are added, each broadcast over the axes that it has reduced and others have not.
So the gradient of the reduced value takes a term with the sum of the weights of all losses that it
contributes to.
"""

from itertools import combinations

import numpy as np

from lossgen.errors import ShapeError
from lossgen.runtime.batch import Batch
from lossgen.runtime.copies import warn_of_copies
from lossgen.runtime.dispatch import TAKES_LOSSES, run
from lossgen.runtime.dtypes import numbers_array
from lossgen.runtime.plan import Plan
from lossgen.runtime.reduction import divisor_of, keeps_losses, weight_of
from lossgen.runtime.shapes import Layout, readable
from lossgen.runtime.weights import Weighting, guarded_product, weigh


def losses_of(plan: Plan, y_true, y_pred):
    """The loss of every row, unweighted."""
    warn_of_copies(y_true=y_true, y_pred=y_pred)
    batch = Batch(plan, y_true, y_pred)
    if batch.labels:
        batch.read_labels(plan, None)
    _, losses, _ = run_terms(plan, batch, "value", None, 1.0, losses=True)
    return finish_losses(losses.reshape(batch.layout.loss_shape), batch)


def value_of(plan: Plan, reduction: str | None, y_true, y_pred, sample_weight, mask):
    """The reduced value, or the weighted loss of every row."""
    value, _ = reduce(plan, reduction, "value", y_true, y_pred, sample_weight, mask)
    return value


def sum_and_weight_of(plan: Plan, reduction: str | None, y_true, y_pred, sample_weight, mask):
    """The weighted sum of the losses and what they count for, in float64."""
    batch, weighting = prepare(plan, y_true, y_pred, sample_weight, mask)
    total, _, _ = run_terms(plan, batch, "value", weighting.rows, weighting.factor, False)
    one_loss = not batch.layout.loss_shape
    weight = batch.valid if one_loss else weight_of(reduction, weighting, batch.valid, batch.used)
    return np.float64(total if weighting.factor else 0.0), np.float64(weight)


def value_and_gradient_of(plan: Plan, reduction: str | None, y_true, y_pred, sample_weight, mask, out):
    """The value as `value_of`, and the gradient of the reduced value (unreduced: of the sum)."""
    return reduce(plan, reduction, "value_and_gradient", y_true, y_pred, sample_weight, mask, out=out)


def hessian_vector_product_of(
    plan: Plan, reduction: str | None, y_true, y_pred, vector, sample_weight, mask, out
):
    """The Hessian of the reduced value times a vector."""
    _, product = reduce(
        plan, reduction, "hessian_vector_product", y_true, y_pred, sample_weight, mask, vector=vector, out=out
    )
    return product


def gradient_and_hessian_of(plan: Plan, y_true, y_pred, sample_weight, mask, out):
    """First and (diagonal) second derivatives of each row's loss, times its weight."""
    batch, weighting = prepare(plan, y_true, y_pred, sample_weight, mask)
    single = len(plan.terms) == 1
    weight = weighting.rows if single else None
    direct = () if out is None else direct_outputs(out, 2, batch, (y_true, y_pred, sample_weight))
    _, _, arrays = run_terms(
        plan, batch, "gradient_and_hessian", weight, weighting.factor, False, out=direct, spread=False
    )
    if not single and (weighting.rows is not None or batch.used is not None):
        rows = np.ones(batch.layout.rows, batch.p.dtype) if weighting.rows is None else weighting.rows
        rows = rows if batch.used is None else np.where(batch.used, rows, 0)
        arrays = [guarded_product(rows.reshape(batch.layout.kept), array) for array in arrays]
    places = out or (None, None)
    return tuple(deliver(array, batch, place) for array, place in zip(arrays, places, strict=True))


def reduce(plan: Plan, reduction, output, y_true, y_pred, sample_weight, mask, vector=None, out=None):
    """The value and the array (None for "value") of one output."""
    batch, weighting = prepare(plan, y_true, y_pred, sample_weight, mask, vector)
    one_loss = not batch.layout.loss_shape  # is returned as it is, whatever the reduction
    unreduced = keeps_losses(reduction)
    if vector is not None:
        vector = vector_like(vector, batch)
    divisor = 1.0 if one_loss or unreduced else divisor_of(reduction, weighting, batch.valid, batch.used)
    scale = weighting.factor / divisor if divisor else 0.0
    direct = () if out is None else direct_outputs((out,), 1, batch, (y_true, y_pred, sample_weight, vector))
    losses_wanted = unreduced and not one_loss and output in TAKES_LOSSES
    total, losses, arrays = run_terms(
        plan, batch, output, weighting.rows, scale, losses_wanted, vector=vector, out=direct
    )
    if scale == 0:  # nothing counts, not even what is not finite
        total = 0.0
        for array in arrays:
            array.fill(0)
    value = weighted(losses, weighting, batch) if losses_wanted else batch.result.type(total)
    if not arrays:
        return value, None
    return value, deliver(arrays[0], batch, out)


def prepare(plan: Plan, y_true, y_pred, sample_weight, mask, vector=None) -> tuple[Batch, Weighting]:
    """Inputs as kernels read them, labels checked, and the weights of the losses.

    Warns:
        CopyWarning: more than one of the arguments is copied.
    """
    warn_of_copies(y_true=y_true, y_pred=y_pred, vector=vector, sample_weight=sample_weight)
    batch = Batch(plan, y_true, y_pred)
    weighting = weigh(sample_weight, mask, batch.layout.loss_shape, batch.p.dtype)
    if batch.labels:
        batch.read_labels(plan, weighting.mask)
    elif weighting.mask is not None:
        batch.valid = int(np.count_nonzero(weighting.mask))
    return batch, weighting


def weighted(losses: np.ndarray, weighting: Weighting, batch: Batch):
    """Losses times their weights, in their shape."""
    if weighting.rows is not None:
        losses = guarded_product(weighting.rows, losses)
    if weighting.factor != 1:
        losses = guarded_product(losses.dtype.type(weighting.factor), losses)
    return finish_losses(losses.reshape(weighting.shape or batch.layout.loss_shape), batch)


def run_terms(plan: Plan, batch: Batch, output, weight, scale, losses, vector=None, out=(), spread=True):
    """One output of the sum of all terms: total, losses in the order of rows, arrays.

    Args:
        spread: a term counts once for every loss that it contributes to (False: once).
    """
    if len(plan.terms) == 1:
        return run(plan.terms[0], output, batch, batch.layout, weight, scale, losses, vector, out)
    total, together, sums = 0.0, None, []
    for term, layout in zip(plan.terms, batch.layouts, strict=True):
        row_weight, row_scale = spread_weight(weight, batch, layout, term.labels) if spread else (None, 1.0)
        part, part_losses, arrays = run(
            term, output, batch, layout, row_weight, scale * row_scale, losses, vector
        )
        total += part
        if losses:
            kept = np.broadcast_to(part_losses.reshape(layout.kept), batch.layout.kept)
            together = kept.copy() if together is None else together + kept
        sums = [one + two for one, two in zip(sums, arrays, strict=True)] if sums else arrays
    return total, None if together is None else together.reshape(-1), sums


def spread_weight(weight, batch: Batch, layout: Layout, labels: bool) -> tuple[np.ndarray | None, float]:
    """A term's weight a row (or None) and scale: sums over the losses that a row of the term adds to."""
    fine = batch.layout
    if batch.used is not None and not labels:
        rows = np.ones(fine.rows, batch.p.dtype) if weight is None else weight
        weight = np.where(batch.used, rows, 0).astype(batch.p.dtype)
    axes = tuple(axis for axis in layout.axes if axis not in fine.axes)
    if not axes:
        return weight, 1.0
    if weight is None:
        return None, fine.rows / layout.rows if layout.rows else 0.0
    summed = weight.reshape(fine.kept).sum(axis=axes, dtype=np.float64).astype(weight.dtype).reshape(-1)
    return (None, float(summed[0])) if summed.size == 1 else (summed, 1.0)


def finish_losses(losses: np.ndarray, batch: Batch):
    """Losses in the dtype of the results; a single one as a NumPy scalar."""
    losses = losses if losses.dtype == batch.result else losses.astype(batch.result)
    return losses if losses.ndim else losses[()]


def finish_array(array: np.ndarray, batch: Batch) -> np.ndarray:
    """An element-shaped result in the shape of the predictions as passed and the dtype of the results."""
    if array.shape != batch.given_shape:
        array = array.reshape(batch.given_shape)
    return array if array.dtype == batch.result else array.astype(batch.result)


def vector_like(vector, batch: Batch) -> np.ndarray:
    """The vector of a Hessian-vector product as kernels read it.

    Raises:
        ShapeError: it has not the shape of the predictions.
    """
    array = numbers_array("vector", vector)
    if array.shape != batch.given_shape:
        raise ShapeError(
            "`vector` must have the shape of `y_pred`. "
            f"Received: vector of shape {array.shape} and y_pred of shape {batch.given_shape}"
        )
    return readable(array.astype(batch.p.dtype, copy=False)).reshape(batch.p.shape)


def direct_outputs(out, count: int, batch: Batch, inputs: tuple) -> list[np.ndarray]:
    """The arrays of `out` as kernels may write them; none where the results have to be copied into them.

    Raises:
        ShapeError: they are not `count` writeable arrays in the shape and dtype of the results, or overlap.
    """
    if not isinstance(out, tuple | list) or len(out) != count:
        seen = type(out).__name__ + (f" of {len(out)}" if isinstance(out, tuple | list) else "")
        raise ShapeError(f"`out` must be a tuple of {count} arrays. Received: {seen}")
    for one in out:
        if (
            not isinstance(one, np.ndarray)
            or one.shape != batch.given_shape
            or one.dtype != batch.result
            or not one.flags.writeable
        ):
            seen = (
                f"{'' if one.flags.writeable else 'read-only '}{one.dtype} array of shape {one.shape}"
                if isinstance(one, np.ndarray)
                else type(one).__name__
            )
            raise ShapeError(
                f"`out` must be a writeable array in the shape {batch.given_shape} and dtype {batch.result} "
                f"of the result. Received: {seen}"
            )
    if any(np.may_share_memory(*pair) for pair in combinations(out, 2)):
        raise ShapeError("`out` must be arrays that share no memory. Received: arrays that overlap")
    if any(one.dtype != batch.p.dtype or not one.flags.carray for one in out):
        return []
    others = [array for array in inputs if isinstance(array, np.ndarray)]
    if any(np.may_share_memory(one, array) for one in out for array in others):
        return []
    return [one.reshape(batch.p.shape) for one in out]


def deliver(array: np.ndarray, batch: Batch, out: np.ndarray | None) -> np.ndarray:
    """A result as it is returned: in `out` if that is given, where a kernel may have written it already."""
    finished = finish_array(array, batch)
    if out is None:
        return finished
    if finished.ctypes.data != out.ctypes.data:
        out[...] = finished
    return out
