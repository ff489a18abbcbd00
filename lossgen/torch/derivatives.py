"""The derivatives of the operators: losses → gradient → product, and from the third order on array code.

Nothing is dropped silently: a derivative that an operator does not have raises an error.
"""

import torch

from lossgen.errors import NoGradientError
from lossgen.torch import transformed
from lossgen.torch.operators import kernels, library, loss_of
from lossgen.torch.transformed import pulled


def keep(ctx, inputs, output):
    """Saves the tensors among the inputs, and a gradient among the outputs."""
    *tensors, ctx.key = inputs
    ctx.loss = loss_of(ctx.key)  # one of a person's own must live as long as the graph that names it
    several = isinstance(output, tuple)
    ctx.set_materialize_grads(not several)  # the saved gradient is seldom differentiated itself
    ctx.save_for_backward(*tensors, *(output[1:] if several else ()))


def give(ctx, name: str, **derivatives):
    """One derivative an input, computed where it is needed.

    Raises:
        NoGradientError: one is needed that is not among them.
    """
    results = []
    arguments = getattr(kernels, name).default._schema.arguments
    for argument, needed in zip(arguments, ctx.needs_input_grad, strict=True):
        if needed and argument.name not in derivatives:
            raise NoGradientError(
                f"The operator lossgen::{name} has no derivative with respect to `{argument.name}`. Call the "
                "loss of lossgen.torch, which takes another way where that is wanted."
            )
        results.append(derivatives[argument.name]() if needed else None)
    return tuple(results)


def losses(ctx, cotangent):
    y, p = ctx.saved_tensors
    return give(ctx, "losses", y_pred=lambda: kernels.gradient(y, p, cotangent, ctx.key))


def gradient(ctx, vector):
    y, p, cotangent = ctx.saved_tensors
    return give(
        ctx, "gradient",
        y_pred=lambda: kernels.product(y, p, cotangent, vector, ctx.key),
        cotangent=lambda: kernels.slope(y, p, vector, ctx.key),
    )  # fmt: skip


def slope(ctx, cotangent):
    y, p, vector = ctx.saved_tensors
    return give(
        ctx, "slope",
        y_pred=lambda: kernels.product(y, p, cotangent, vector, ctx.key),
        vector=lambda: kernels.gradient(y, p, cotangent, ctx.key),
    )  # fmt: skip


def product(ctx, other):
    y, p, cotangent, vector = ctx.saved_tensors
    plan = loss_of(ctx.key)._plan

    def by_prediction():
        return pulled(lambda p: transformed.product(plan, y, p, cotangent, vector), other, p)[0]

    def by_cotangent():
        return pulled(lambda c: transformed.product(plan, y, p, c, vector), other, cotangent)[0]

    def by_vector():
        return kernels.product(y, p, cotangent, other, ctx.key)

    return give(ctx, "product", y_pred=by_prediction, cotangent=by_cotangent, vector=by_vector)


def value(ctx, scale):
    y, p, weight, mask = ctx.saved_tensors
    return give(
        ctx, "value",
        y_pred=lambda: scale * kernels.value_and_gradient(y, p, weight, mask, ctx.key)[1],
    )  # fmt: skip


def value_and_gradient(ctx, scale, vector):
    y, p, weight, mask, saved = ctx.saved_tensors

    def both():
        first = None if scale is None else scale * saved
        second = None if vector is None else kernels.value_product(y, p, vector, weight, mask, ctx.key)
        return first if second is None else second if first is None else first + second

    return give(ctx, "value_and_gradient", y_pred=both)


def value_product(ctx, other):
    y, p, vector, weight, mask = ctx.saved_tensors
    loss = loss_of(ctx.key)

    def by_prediction():
        return pulled(lambda p: transformed.value_product(loss, y, p, vector, weight, mask), other, p)[0]

    def by_vector():
        return kernels.value_product(y, p, other, weight, mask, ctx.key)

    return give(ctx, "value_product", y_pred=by_prediction, vector=by_vector)


DERIVATIVES = (losses, gradient, product, slope, value, value_and_gradient, value_product)
for _backward in DERIVATIVES:
    torch.library.register_autograd(
        f"lossgen::{_backward.__name__}", _backward, setup_context=keep, lib=library
    )
