"""Array code with the analytic derivatives: where kernels cannot run, and everything can be transformed.

`Losses` and `Gradient` are functions that torch.func, forward-mode differentiation and tracers see through;
derivatives of the product are those of torch. Sums of losses of different scopes have no rule for forward
mode, and neither have parameters; torch.compile does not follow functions with one. There torch
differentiates the array code itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from lossgen.runtime.arrays import evaluation as arrays
from lossgen.runtime.arrays.preparation import prepared
from lossgen.runtime.labels import check_labels, label_array
from lossgen.runtime.shapes import layout_of
from lossgen.torch import weighting
from lossgen.torch.choice import is_forward_mode, is_readable
from lossgen.torch.ops import TorchOps
from lossgen.torch.shapes import column_axes

Parameters = Mapping[str, Tensor]


def losses(plan, y: Tensor, p: Tensor, parameters: Parameters | None = None) -> Tensor:
    """The loss of every row, of targets and predictions as a person passes them."""
    y, p = prepare(plan, y, p)
    given = dict(parameters or {})
    without_rule = is_forward_mode() and (given or len(plan.terms) > 1)
    if without_rule or torch.compiler.is_compiling():
        return arrays.losses(TorchOps, plan, y, p, given)
    return Losses.apply(y, p, Static(plan, tuple(given)), *given.values())


def product(plan, y: Tensor, p: Tensor, cotangent: Tensor, vector: Tensor) -> Tensor:
    """The Hessian of Σ cotangent·loss times a vector in the shape of the predictions."""
    shape = p.shape
    y, p = prepare(plan, y, p)
    return arrays.product(TorchOps, plan, y, p, cotangent, vector.reshape(p.shape)).reshape(shape)


def value_product(loss, y: Tensor, p: Tensor, vector: Tensor, weight, mask) -> Tensor:
    """The Hessian of the reduced value times a vector."""
    y, used = weighting.used_labels(loss._plan, y, p, mask)
    cotangent = weighting.row_factors(loss, y, p, used, weight, mask)
    return product(loss._plan, y, p, cotangent, vector)


def prepare(plan, y: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
    """Targets and predictions as array code reads them.

    Labels become int64 (an unsigned type would wrap where labels are compared), and are checked where they
    can be looked at; elsewhere the loss of a label that names no column is NaN.

    Raises:
        LabelError: a label that names no column, or is no whole number.
    """
    if not plan.labels:
        return prepared(TorchOps, plan, y, p)
    is_known = is_readable(y)
    if is_known and y.dtype.is_floating_point:
        label_array(y.detach().numpy())
    y, p = prepared(TorchOps, plan, y.to(torch.int64), p)
    if is_known:
        layout = layout_of(tuple(p.shape), column_axes(plan, p.ndim))
        check_labels(y.detach().numpy(), layout, plan.ignore_class, None)
    return y, p


@dataclass(frozen=True)
class Static:
    """What a call has besides tensors: the plan, and the names of the parameters that are tensors."""

    plan: Any
    names: tuple[str, ...]

    def named(self, values: list[Tensor]) -> dict[str, Tensor]:
        return dict(zip(self.names, values, strict=True))

    def row_sum(self, elements: Tensor) -> Tensor:
        """Σ over the columns, in the shape of the losses."""
        axes = column_axes(self.plan, elements.ndim)
        return elements.sum(axes) if axes else elements


def ones_like_losses(plan, p: Tensor) -> Tensor:
    """A cotangent of 1 for every loss."""
    axes = column_axes(plan, p.ndim)
    return p.new_ones([size for axis, size in enumerate(p.shape) if axis not in axes])


class Losses(Function):
    """The loss of every row; its derivatives are those of the formula."""

    generate_vmap_rule = True

    @staticmethod
    def forward(y, p, static, *values):
        return arrays.losses(TorchOps, static.plan, y, p, static.named(values))

    @staticmethod
    def setup_context(ctx, inputs, output):
        y, p, ctx.static, *values = inputs
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(y, p, *values)
        ctx.save_for_forward(y, p, *values)

    @staticmethod
    def backward(ctx, cotangent):
        if cotangent is None:
            return (None,) * len(ctx.needs_input_grad)
        y, p, *values = ctx.saved_tensors
        plan, named = ctx.static.plan, ctx.static.named(values)
        by_target = by_prediction = None
        by_parameter = {}
        if ctx.needs_input_grad[0]:
            by_target = arrays.target_gradient(TorchOps, plan, y, p, cotangent, named)
        if ctx.needs_input_grad[1]:
            by_prediction = Gradient.apply(y, p, cotangent, ctx.static, *values)
        if any(ctx.needs_input_grad[3:]):
            by_parameter = arrays.parameter_gradients(TorchOps, plan, y, p, cotangent, named)
        return by_target, by_prediction, None, *[by_parameter.get(name) for name in ctx.static.names]

    @staticmethod
    def jvp(ctx, y_tangent, p_tangent, *_):
        y, p = ctx.saved_tensors
        plan = ctx.static.plan
        ones = ones_like_losses(plan, p)
        total = torch.zeros_like(ones)
        if p_tangent is not None:
            total = total + ctx.static.row_sum(Gradient.apply(y, p, ones, ctx.static) * p_tangent)
        if y_tangent is not None and not plan.labels:
            slope = arrays.target_gradient(TorchOps, plan, y, p, ones)
            total = total + ctx.static.row_sum(slope * y_tangent)
        return total


class Gradient(Function):
    """The gradient of Σ cotangent·loss; its derivative by the predictions is the analytic product."""

    generate_vmap_rule = True

    @staticmethod
    def forward(y, p, cotangent, static, *values):
        return arrays.gradient(TorchOps, static.plan, y, p, cotangent, static.named(values))

    @staticmethod
    def setup_context(ctx, inputs, output):
        y, p, cotangent, ctx.static, *values = inputs
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(y, p, cotangent, *values)
        ctx.save_for_forward(y, p, cotangent, *values)

    @staticmethod
    def backward(ctx, vector):
        if vector is None:
            return (None,) * len(ctx.needs_input_grad)
        y, p, cotangent, *values = ctx.saved_tensors
        static, needed = ctx.static, ctx.needs_input_grad
        by_target = by_prediction = by_cotangent = None
        by_values = [None] * len(values)
        if needed[1]:
            by_prediction = arrays.product(
                TorchOps, static.plan, y, p, cotangent, vector, static.named(values)
            )
        if needed[2]:
            # The gradient is linear in the cotangent: its derivative is the same at 1, where none is 0.
            ones = ones_like_losses(static.plan, p)
            (by_cotangent,) = pulled(lambda c: gradient_of(static, y, p, c, values), vector, ones)
        if needed[0]:
            (by_target,) = pulled(lambda y: gradient_of(static, y, p, cotangent, values), vector, y)
        if any(needed[4:]):
            by_values = pulled(lambda *v: gradient_of(static, y, p, cotangent, v), vector, *values)
        return by_target, by_prediction, by_cotangent, None, *by_values

    @staticmethod
    def jvp(ctx, y_tangent, p_tangent, cotangent_tangent, *_):
        y, p, cotangent = ctx.saved_tensors
        static, total = ctx.static, torch.zeros_like(p)
        if y_tangent is not None and not static.plan.labels:
            total = total + pushed(lambda y: gradient_of(static, y, p, cotangent, ()), y, y_tangent)
        if p_tangent is not None:
            total = total + arrays.product(TorchOps, static.plan, y, p, cotangent, p_tangent)
        if cotangent_tangent is not None:
            total = total + Gradient.apply(y, p, cotangent_tangent, static)
        return total


def gradient_of(static: Static, y: Tensor, p: Tensor, cotangent: Tensor, values) -> Tensor:
    """The gradient as plain array code."""
    return arrays.gradient(TorchOps, static.plan, y, p, cotangent, static.named(values))


def pushed(function, argument: Tensor, tangent: Tensor) -> Tensor:
    """The tangent of a result along one of the argument, by two reverse modes: they nest in anything."""
    value, pull = torch.func.vjp(function, argument)
    return torch.func.vjp(lambda cotangent: pull(cotangent)[0], torch.zeros_like(value))[1](tangent)[0]


def pulled(function, cotangent: Tensor, *arguments: Tensor) -> tuple[Tensor, ...]:
    """The cotangent of a result as ones of the arguments; differentiable again."""
    return torch.func.vjp(function, *arguments)[1](cotangent)
