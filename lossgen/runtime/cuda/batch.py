"""Targets and predictions of one call on a device, in the form that kernels read."""

import numpy as np

from lossgen.errors import ShapeError
from lossgen.runtime.batch import joint_layout
from lossgen.runtime.cuda.arrays import BFLOAT16, DeviceArray
from lossgen.runtime.cuda.grid import grid, line_blocks
from lossgen.runtime.cuda.kernels import count_others, hide_labels, sign_targets, sum_partials
from lossgen.runtime.cuda.shapes import check_label_shape, matched_shapes
from lossgen.runtime.cuda.site import Site
from lossgen.runtime.cuda.steps import contiguous, copy_to, line_kernel
from lossgen.runtime.dtypes import FLOAT32, FLOAT64, prediction_dtypes
from lossgen.runtime.labels import NO_LABEL
from lossgen.runtime.plan import Plan
from lossgen.runtime.shapes import Layout

INT64 = np.dtype(np.int64)


class DeviceBatch:
    """Targets and predictions; nothing is copied before a kernel needs it in another form.

    Attributes:
        y: targets in the shape of the predictions; labels as they were given.
        p: predictions.
        reads_labels: whether the loss reads one label a row.
        labels: these as a line of integers, once they are checked.
        given_shape: shape of the predictions as they were passed.
        computed: dtype that is computed in.
        result: dtype of the results.
        layouts: rows × columns of every term.
        layout: rows × columns of the whole loss, whose rows are finer than those of any term.
        ignored: the label that kernels skip.
        valid: number of losses that count.
        hides: whether labels are skipped.
    """

    def __init__(self, site: Site, plan: Plan, y: DeviceArray, p: DeviceArray):
        self.site = site
        self.given_shape = p.shape
        self.computed, self.result = dtypes_of(p, plan.dtype)
        if not plan.labels:
            y_shape, p_shape = matched_shapes(y.shape, p.shape)
            y, p = y.with_axes(y_shape), p.with_axes(p_shape)
            if plan.prepare is not None and y.size:
                y = signed(site, y)
        self.y, self.p = y, p
        self.layouts, self.layout = joint_layout(p.shape, plan.scopes)
        self.reads_labels = plan.labels
        self.labels: DeviceArray | None = None
        self.ignored, self.valid, self.hides = NO_LABEL, self.layout.rows, False
        self.lines: dict[tuple, DeviceArray] = {}

    def check_label_shape(self, plan: Plan) -> None:
        """Refuses labels that are not one a row of the terms that read them.

        Raises:
            ShapeError: names the shapes.
        """
        for term, layout in zip(plan.terms, self.layouts, strict=True):
            if term.labels and layout.axes != self.layout.axes:
                raise ShapeError(
                    "Where a sum of losses reads labels, its other terms reduce the same axes or more. "
                    f"Received: `axis` {layout.axes} for the labels and {self.layout.axes} for all."
                )
        check_label_shape(self.y.shape, self.layout)

    def use_labels(
        self, labels: DeviceArray, ignore_class: int | None, mask: DeviceArray | None, valid: int
    ) -> None:
        """Takes a line of labels that were checked; masked ones are made ignored ones, others never read."""
        self.ignored = NO_LABEL if ignore_class is None else ignore_class
        self.valid, self.hides = valid, valid < self.layout.rows
        if mask is None and labels.dtype.kind in "iu":
            self.labels = labels
            return
        self.labels = self.site.empty(labels.shape, INT64)
        if mask is None:
            copy_to(self.site, labels, self.labels)
        else:
            line_kernel(self.site, hide_labels, labels, mask, self.ignored, self.labels)

    def predictions(self, layout: Layout) -> DeviceArray:
        """The predictions as a line of rows × columns, in a dtype that is computed in `computed`."""
        halves = self.p.dtype in (np.float16, BFLOAT16) and self.computed == FLOAT32
        return self.line(self.p, layout, None if halves else self.computed)

    def line(self, array: DeviceArray, layout: Layout, dtype: np.dtype | None = None) -> DeviceArray:
        """An array in the shape of the predictions as a line of rows × columns; copied at most once."""
        key = id(array.owner), array.address, layout.order, dtype
        if key not in self.lines:
            moved = array if layout.order is None else array.transposed(layout.order)
            self.lines[key] = contiguous(self.site, moved, dtype)
        return self.lines[key]


SIGNED = {"b1": np.int8, "u1": np.int16, "u2": np.int32, "u4": np.int64, "u8": np.float64}
"""What holds all numbers of an unsigned type, and −1."""


def signed(site: Site, y: DeviceArray) -> DeviceArray:
    """Targets 0 and 1 as −1 and +1, if every element is one of both; any other target as it is.

    Which of both it is, is decided on the device.
    """
    line = contiguous(site, y)
    kind = line.dtype.kind + str(line.dtype.itemsize)
    wanted = np.dtype(SIGNED.get(kind, line.dtype))
    partials = site.empty((line_blocks(line.size),), FLOAT64)
    others = site.empty((1,), FLOAT64)
    site.launch(count_others, partials.size, grid.threads, line, partials)
    site.launch(sum_partials, 1, grid.threads, partials, partials.size, 1.0, others)
    found = site.empty(y.shape, wanted)
    line_kernel(site, sign_targets, line, others, found)
    return found


def dtypes_of(p: DeviceArray, dtype: np.dtype | None) -> tuple[np.dtype, np.dtype]:
    """The dtype that is computed in, and that of the results."""
    if dtype is not None:
        return dtype, dtype
    return (FLOAT32, BFLOAT16) if p.dtype == BFLOAT16 else prediction_dtypes(p.dtype)
