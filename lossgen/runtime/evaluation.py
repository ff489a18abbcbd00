"""One call of a loss from its formula: prepare the data, run every term, weigh, reduce, give back.

For several terms the losses are added, each broadcast over the axes that it has reduced and others have not.
So the gradient of the reduced value takes a term with the sum of the weights of all losses that it
contributes to.
"""

import numpy as np

from lossgen.errors import ShapeError
from lossgen.runtime.batch import Batch
from lossgen.runtime.dispatch import run
from lossgen.runtime.dtypes import numbers_array
from lossgen.runtime.plan import Plan
from lossgen.runtime.reduction import divisor_of, keeps_losses
from lossgen.runtime.shapes import Layout, readable
from lossgen.runtime.weights import UNWEIGHTED, Weighting, weigh


def losses_of(plan: Plan, y_true, y_pred):
    """The loss of every row, unweighted."""
    batch = Batch(plan, y_true, y_pred)
    if batch.labels:
        batch.read_labels(plan, None)
    _, losses, _ = run_terms(plan, batch, "value", None, 1.0, losses=True)
    return finish_losses(losses.reshape(batch.layout.loss_shape), batch)


def value_of(plan: Plan, reduction: str | None, y_true, y_pred, sample_weight, mask):
    """The reduced value, or the weighted loss of every row."""
    value, _ = reduce(plan, reduction, "value", y_true, y_pred, sample_weight, mask)
    return value


def value_and_gradient_of(plan: Plan, reduction: str | None, y_true, y_pred, sample_weight, mask, out):
    """The value as `value_of`, and the gradient of the reduced value (unreduced: of the sum)."""
    return reduce(plan, reduction, "value_and_gradient", y_true, y_pred, sample_weight, mask, out=out)


def hessian_vector_product_of(plan: Plan, reduction: str | None, y_true, y_pred, vector, sample_weight, mask):
    """The Hessian of the reduced value times a vector."""
    _, product = reduce(
        plan, reduction, "hessian_vector_product", y_true, y_pred, sample_weight, mask, vector=vector
    )
    return product


def gradient_and_hessian_of(plan: Plan, y_true, y_pred, sample_weight, mask):
    """First and (diagonal) second derivatives of each row's loss, times its weight."""
    batch, weighting = prepare(plan, y_true, y_pred, sample_weight, mask)
    layout, used = batch.layout, weighting.mask
    if len(plan.terms) == 1:
        hidden = hide(batch, weighting)
        _, _, arrays = run_terms(
            plan, batch, "gradient_and_hessian", hidden.rows, hidden.factor, losses=False
        )
        return tuple(finish_array(show(array, layout, used, batch), batch) for array in arrays)
    _, _, arrays = run_terms(plan, batch, "gradient_and_hessian", None, weighting.factor, False, spread=False)
    for array in arrays:
        if weighting.rows is not None:
            array *= weighting.rows.reshape(layout.kept)
        for counted in (used, batch.used):
            if counted is not None:
                array[~np.broadcast_to(counted.reshape(layout.kept), array.shape)] = 0
    return tuple(finish_array(array, batch) for array in arrays)


def reduce(plan: Plan, reduction, output, y_true, y_pred, sample_weight, mask, vector=None, out=None):
    """The value and the array (None for "value") of one output."""
    batch, weighting = prepare(plan, y_true, y_pred, sample_weight, mask)
    layout, used = batch.layout, weighting.mask
    losses_wanted = keeps_losses(reduction) and bool(layout.loss_shape) and output != "hessian_vector_product"
    if vector is not None:
        vector = vector_like(vector, batch)
    if used is not None and len(plan.terms) == 1 and not batch.labels and vector is not None:
        vector = layout.to_rows(vector)[used]
    given, weighting = weighting, hide(batch, weighting, len(plan.terms) == 1)
    divisor = 1.0
    if layout.loss_shape and reduction != "sum" and not keeps_losses(reduction):
        divisor = divisor_of(reduction, weighting, batch.valid, batch.used)
    scale = weighting.factor / divisor if divisor else 0.0
    target = None if out is None else direct_output(out, batch, (y_true, y_pred, sample_weight, vector))
    direct = target if batch.layout is layout else None
    total, losses, arrays = run_terms(
        plan, batch, output, weighting.rows, scale, losses_wanted, vector=vector, out=direct
    )
    if not divisor:
        total, arrays = 0.0, [np.zeros_like(array) for array in arrays]
    value = unreduced(losses, given, layout, used, batch) if losses_wanted else batch.result.type(total)
    if not arrays:
        return value, None
    array = arrays[0]
    if array is target:
        return value, out
    array = finish_array(show(array, layout, used, batch), batch)
    if out is None:
        return value, array
    out[...] = array
    return value, out


def prepare(plan: Plan, y_true, y_pred, sample_weight, mask) -> tuple[Batch, Weighting]:
    """Inputs as kernels read them, labels checked, and the weights of the losses."""
    batch = Batch(plan, y_true, y_pred)
    if sample_weight is None and mask is None:
        weighting = UNWEIGHTED
    else:
        weighting = weigh(sample_weight, mask, batch.layout.loss_shape, batch.p.dtype)
    if batch.labels:
        batch.read_labels(plan, weighting.mask)
    return batch, weighting


def hide(batch: Batch, weighting: Weighting, single: bool = True) -> Weighting:
    """Takes masked rows out of the data, so that what stands in them is never looked at; their weights with
    them.

    Labels carry the mask already; in a sum of several terms masked rows get the weight 0.
    """
    mask, rows = weighting.mask, weighting.rows
    if mask is None or batch.labels:
        return weighting
    if single:
        batch.hide(mask)
        return weighting._replace(rows=None if rows is None else rows[mask])
    batch.valid, batch.used = int(mask.sum()), mask
    ones = np.ones(mask.shape, batch.p.dtype) if rows is None else rows
    return weighting._replace(rows=np.where(mask, ones, 0).astype(batch.p.dtype))


def show(array: np.ndarray, layout: Layout, mask: np.ndarray | None, batch: Batch) -> np.ndarray:
    """The array with the rows that `hide` took out, as zeros."""
    if batch.layout is layout:
        return array
    full = np.zeros((layout.rows, layout.columns), array.dtype)
    full[mask] = array
    return layout.from_rows(full)


def unreduced(losses, weighting: Weighting, layout: Layout, mask, batch: Batch):
    """Weighted losses in their shape; 0 where masked."""
    if batch.layout is not layout:
        full = np.zeros(layout.rows, losses.dtype)
        full[mask] = losses
        losses = full
    if weighting.rows is not None:
        losses *= weighting.rows
    if weighting.factor != 1.0:
        losses *= losses.dtype.type(weighting.factor)
    for counted in (mask, batch.used):
        if counted is not None:
            losses[~counted] = 0
    shape = layout.loss_shape if weighting.shape is None else weighting.shape
    return finish_losses(losses.reshape(shape), batch)


def run_terms(plan: Plan, batch: Batch, output, weight, scale, losses, vector=None, out=None, spread=True):
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
        counted = batch.used.astype(batch.p.dtype)
        weight = counted if weight is None else np.where(batch.used, weight, 0).astype(batch.p.dtype)
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


def direct_output(out, batch: Batch, inputs: tuple) -> np.ndarray | None:
    """`out` as kernels may write it; None where the result has to be copied into it.

    Raises:
        ShapeError: it is no writeable array in the shape and dtype of the gradient.
    """
    if (
        not isinstance(out, np.ndarray)
        or out.shape != batch.given_shape
        or out.dtype != batch.result
        or not out.flags.writeable
    ):
        seen = (
            f"{out.dtype} array of shape {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        )
        raise ShapeError(
            f"`out` must be a writeable array in the shape {batch.given_shape} and dtype {batch.result} "
            f"of the gradient. Received: {seen}"
        )
    if out.dtype != batch.p.dtype or not out.flags.carray:
        return None
    if any(isinstance(array, np.ndarray) and np.may_share_memory(out, array) for array in inputs):
        return None
    return out.reshape(batch.p.shape)
