"""The short way of a call whose arrays need no preparation: all but the arrays is decided once for a shape.

What does not go this way (masks, conversions, unreduced losses, several terms, weights that are not one a
loss, errors) goes through `evaluation`; both give the same bits.
"""

from dataclasses import dataclass

import numpy as np

from lossgen.runtime.dispatch import Chosen, choose, run_kernel
from lossgen.runtime.dtypes import prediction_dtypes, stored_dtype
from lossgen.runtime.labels import NO_LABEL, count_labels
from lossgen.runtime.outputs import new_output
from lossgen.runtime.plan import Plan
from lossgen.runtime.reduction import divisor_of, keeps_losses
from lossgen.runtime.shapes import Layout, layout_of
from lossgen.runtime.weights import UNWEIGHTED

MOST = 256
"""Shapes that an instance remembers; a program with more forgets them all and starts again."""


@dataclass(frozen=True)
class Route:
    """What is known of a call before its arrays."""

    chosen: Chosen
    layout: Layout
    scale: float


class Routes:
    """The routes of one loss, by output, dtypes and shapes."""

    def __init__(self, plan: Plan, reduction: str | None):
        self.plan, self.reduction = plan, reduction
        self.known: dict[tuple, Route | None] = {}
        self.labels = plan.labels
        self.prepare = plan.prepare
        self.ignores = plan.ignore_class is not None
        self.ignored = plan.ignore_class if self.ignores else NO_LABEL

    def run(self, output: str, y, p, weight=None, out: np.ndarray | None = None) -> tuple | None:
        """The value, and for "value_and_gradient" the gradient; None where the call goes the long way."""
        if type(y) is not np.ndarray or type(p) is not np.ndarray:
            return None
        if self.prepare is not None and y.dtype.isnative and y.dtype.kind in "fiub":
            y = self.prepare(y)
        if weight is None:
            key = output, y.dtype, p.dtype, y.shape, p.shape
        elif type(weight) is np.ndarray:
            key = output, y.dtype, p.dtype, y.shape, p.shape, weight.dtype, weight.shape
        else:
            return None
        try:
            route = self.known[key]
        except KeyError:
            route = self.learn(key)
        if route is None or not (y.flags.carray and p.flags.carray):
            return None
        layout, shape = route.layout, route.chosen.shape
        if weight is not None:
            if not weight.flags.carray:
                return None
            weight = weight.reshape(-1)
        others = weight, route.scale, None
        if self.labels:
            valid, wrong = count_labels(y.reshape(-1), layout.columns, self.ignored, self.ignores)
            if wrong or not valid:
                return None
            if valid != layout.rows and layout.loss_shape:
                others = weight, 1.0 / divisor_of(self.reduction, UNWEIGHTED, valid, None), None
            others = *others[:2], self.ignored, None
            y = y.reshape(-1)
        else:
            y = y.reshape(shape)
        if output == "value":
            total = run_kernel(route.chosen, y, p.reshape(shape), others)
            return (p.dtype.type(total),)
        if out is None:
            gradient = new_output(p.shape, p.dtype)
        elif self.is_writable(out, y, p):
            gradient = out
        else:
            return None
        total = run_kernel(route.chosen, y, p.reshape(shape), (*others, gradient.reshape(shape)))
        return p.dtype.type(total), gradient

    def learn(self, key: tuple) -> Route | None:
        """The route for a key, remembered; None where there is none."""
        if len(self.known) >= MOST:
            self.known.clear()
        self.known[key] = route = self.find(*key)
        return route

    def find(
        self, output, y_dtype, p_dtype, y_shape, p_shape, weight_dtype=None, weight_shape=None
    ) -> Route | None:
        """The route, if the arrays are what kernels read."""
        plan = self.plan
        if len(plan.terms) > 1 or 0 in p_shape:
            return None
        if p_dtype not in (np.float32, np.float64) or prediction_dtypes(p_dtype)[0] != p_dtype:
            return None
        if plan.dtype is not None and plan.dtype != p_dtype:
            return None
        term = plan.terms[0]
        layout = layout_of(p_shape, term.scope)
        if layout.order is not None or (keeps_losses(self.reduction) and layout.loss_shape):
            return None
        if self.labels:
            if y_dtype.kind not in "iu" or y_dtype == np.uint64 or y_shape != layout.loss_shape:
                return None
        elif y_shape != p_shape or y_dtype.kind not in "fiub":
            return None
        if not y_dtype.isnative or stored_dtype(y_dtype) != y_dtype:
            return None
        if weight_shape is not None and (
            weight_shape != layout.loss_shape
            or layout.rows == 1
            or weight_dtype != p_dtype
            or self.reduction == "mean_with_sample_weight"
        ):
            return None
        divisor = divisor_of(self.reduction, UNWEIGHTED, layout.rows, None) if layout.loss_shape else 1.0
        return Route(choose(term, output, layout, weight_shape is not None), layout, 1.0 / divisor)

    def is_writable(self, out, y, p) -> bool:
        """Whether kernels may write the gradient there while they read the inputs."""
        return (
            type(out) is np.ndarray
            and out.shape == p.shape
            and out.dtype == p.dtype
            and out.flags.carray
            and not np.may_share_memory(out, p)
            and not np.may_share_memory(out, y)
        )
