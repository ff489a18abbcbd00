"""Sample weights, masks and labels of a call on a device, in the form that kernels read.

How many losses count has to be known in this process where something is divided by it: all such numbers of a
call are counted on the device first and read back at once.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from lossgen.errors import LabelError, WeightError
from lossgen.runtime.cuda import kernels
from lossgen.runtime.cuda.arguments import Argument
from lossgen.runtime.cuda.arrays import DeviceArray
from lossgen.runtime.cuda.batch import DeviceBatch
from lossgen.runtime.cuda.counts import Counts
from lossgen.runtime.cuda.shapes import fitted_shapes
from lossgen.runtime.cuda.site import Site
from lossgen.runtime.cuda.steps import contiguous, fill, line_kernel
from lossgen.runtime.dtypes import FLOAT32
from lossgen.runtime.labels import check_labels, label_array, one_label_a_row
from lossgen.runtime.plan import Plan


class Weighting(NamedTuple):
    """What multiplies each loss, see `lossgen.runtime.weights.Weighting`.

    Args:
        factor: multiplies all of them.
        rows: None, or a line of one number each, 0 where masked.
        shape: that of the unreduced losses; None where it stays as it is.
        summed: sum of `rows` over the losses that count, where it is divided by; None where each counts 1.
    """

    factor: float = 1.0
    rows: DeviceArray | None = None
    shape: tuple[int, ...] | None = None
    summed: float | None = None

    def total(self, valid: int, used: None) -> float:
        """Sum of the weights of the `valid` losses."""
        return self.factor * (valid if self.summed is None else self.summed)


def weigh(
    site: Site, plan: Plan, batch: DeviceBatch, sample_weight: Argument, mask: Argument, reduction: str | None
) -> Weighting:
    """Weights and mask for the losses. The labels are checked and counted with them.

    Args:
        reduction: if "mean_with_sample_weight", the weights are summed.

    Raises:
        WeightError: a shape that does not broadcast to that of the losses, or NaN in the mask.
        LabelError: a label that is to be used names no column.
        ShapeError: there is not one label a row.
    """
    factor, rows, used, shape = 1.0, None, None, None
    if mask is not None:
        used, shape = mask_line(site, batch, mask)
    if isinstance(sample_weight, DeviceArray):
        rows, shape = one_each(site, "sample_weight", sample_weight, batch, batch.computed)
    elif sample_weight is not None:
        factor, shape = float(sample_weight), shape or batch.layout.loss_shape
    labels = None
    if batch.reads_labels:
        batch.check_label_shape(plan)
        labels = contiguous(site, batch.y)
        if labels.dtype.kind == "b":
            labels = replace(labels, dtype=np.dtype(np.uint8))
    if not batch.layout.rows:
        batch.labels = labels
        return Weighting(factor, rows, shape)
    counts = Counts(site, batch.layout.rows)
    if used is not None:
        counts.count_mask(used)
        if rows is not None:
            rows = masked(site, batch, rows, used)
    if labels is not None:
        counts.count_labels(labels, used, batch.layout.columns, plan.ignore_class)
    summed = rows is not None and reduction == "mean_with_sample_weight"
    if summed:
        counts.sum_weights(rows, labels, plan.ignore_class)
    counts.read()
    if counts.undefined:
        raise WeightError("`mask` must hold booleans or numbers. Received: mask with NaN")
    if used is not None and counts.used == batch.layout.rows:
        used = None
    if used is not None and rows is None:
        rows = masked(site, batch, None, used)
    batch.valid = counts.used
    if labels is not None:
        if counts.wrong:
            refuse_labels(site, plan, batch, used)
        batch.use_labels(labels, plan.ignore_class, used, counts.valid)
    return Weighting(factor, rows, shape, counts.weight if summed else None)


def mask_line(site: Site, batch: DeviceBatch, mask: Argument) -> tuple[DeviceArray | None, tuple[int, ...]]:
    """The mask as one number a loss, and the shape of the unreduced losses; None where all count.

    Raises:
        WeightError: its shape does not broadcast to that of the losses, or it is NaN.
    """
    if isinstance(mask, DeviceArray):
        return one_each(site, "mask", mask, batch)
    if mask != mask:
        raise WeightError("`mask` must hold booleans or numbers. Received: mask with NaN")
    if mask:
        return None, batch.layout.loss_shape
    nothing = site.empty((batch.layout.rows,), np.dtype(np.int8))
    fill(site, nothing, 0)
    return nothing, batch.layout.loss_shape


def one_each(
    site: Site, name: str, array: DeviceArray, batch: DeviceBatch, dtype: np.dtype | None = None
) -> tuple[DeviceArray, tuple[int, ...]]:
    """Weights (or a mask) as a line of one number a loss, and the shape of the unreduced losses.

    Raises:
        WeightError: their shape does not broadcast to that of the losses.
    """
    read, shape = fitted_shapes(name, array.shape, batch.layout.loss_shape)
    return contiguous(site, array.with_axes(read).broadcast(shape), dtype), shape


def masked(site: Site, batch: DeviceBatch, rows: DeviceArray | None, used: DeviceArray) -> DeviceArray:
    """The weights (None: 1 each), 0 where the mask is 0."""
    found = site.empty((batch.layout.rows,), batch.computed)
    line_kernel(site, kernels.weigh, rows, used, found)
    return found


def refuse_labels(site: Site, plan: Plan, batch: DeviceBatch, used: DeviceArray | None) -> None:
    """Reads labels and mask back for the error that the host has for them.

    Raises:
        LabelError: names the first label that is wrong, and its position.
    """
    y = batch.y if batch.y.dtype.kind != "V" else contiguous(site, batch.y, FLOAT32)
    labels = label_array(site.read(contiguous(site, y)).reshape(y.shape))
    mask = None if used is None else site.read(used) != 0
    check_labels(one_label_a_row(labels, batch.layout), batch.layout, plan.ignore_class, mask)
    raise LabelError("`y_true` holds labels that were wrong on the device and are right on the host.")
