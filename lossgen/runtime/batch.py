"""The inputs of one call in the form that kernels read."""

from functools import lru_cache

import numpy as np

from lossgen.errors import ShapeError
from lossgen.runtime.dtypes import numbers_array, prediction_array
from lossgen.runtime.labels import NO_LABEL, check_labels, label_array, one_label_a_row
from lossgen.runtime.plan import Plan
from lossgen.runtime.shapes import Layout, layout_of, readable, same_shape


class Batch:
    """Targets and predictions, C-contiguous; the predictions in the dtype that they are computed in.

    Attributes:
        y: targets in the shape of the predictions; one label a row where the loss reads labels.
        p: predictions.
        labels: whether the loss reads labels.
        ignored: the label that kernels skip.
        given_shape: shape of the predictions as they were passed.
        result: dtype of the results.
        layouts: rows × columns of every term.
        layout: rows × columns of the whole loss, whose rows are finer than those of any term.
        valid: number of losses that count.
        used: which count, where labels are ignored; None for all.
    """

    __slots__ = ("given_shape", "ignored", "labels", "layout", "layouts", "p", "result", "used", "valid", "y")

    def __init__(self, plan: Plan, y_true, y_pred):
        p, self.result = prediction_array(y_pred, plan.dtype)
        self.given_shape = p.shape
        self.labels = plan.labels
        if plan.labels:
            y = label_array(y_true)
        else:
            y, p = same_shape(numbers_array("y_true", y_true), p)
            y = readable(y if plan.prepare is None else plan.prepare(y))
        self.y, self.p = y, readable(p)
        self.layouts, self.layout = joint_layout(p.shape, plan.scopes)
        self.ignored, self.valid, self.used = NO_LABEL, self.layout.rows, None

    def read_labels(self, plan: Plan, mask: np.ndarray | None) -> None:
        """Checks the labels; where some are ignored or masked, counts the others."""
        for term, layout in zip(plan.terms, self.layouts, strict=True):
            if term.labels and layout.axes != self.layout.axes:
                raise ShapeError(
                    "Where a sum of losses reads labels, its other terms reduce the same axes or more. "
                    f"Received: `axis` {layout.axes} for the labels and {self.layout.axes} for all."
                )
        line = one_label_a_row(self.y, self.layout)
        self.y, self.ignored, self.valid = check_labels(line, self.layout, plan.ignore_class, mask)
        if self.valid < self.layout.rows:
            self.used = self.y != self.ignored


@lru_cache(maxsize=1024)
def joint_layout(shape: tuple[int, ...], scopes: tuple) -> tuple[tuple[Layout, ...], Layout]:
    """The layout of every scope, and that of their sum: its columns are the axes that all of them reduce."""
    layouts = tuple(layout_of(shape, scope) for scope in scopes)
    if len(layouts) == 1:
        return layouts, layouts[0]
    common = set.intersection(*(set(layout.axes) for layout in layouts))
    return layouts, layout_of(shape, tuple(sorted(common)))
