"""One call of a loss: arguments checked, code chosen, weighted and reduced."""

from collections.abc import Mapping

import torch
from torch import Tensor

from lossgen.runtime.reduction import keeps_losses
from lossgen.torch import fused, inputs, transformed, weighting
from lossgen.torch.choice import by_kernels, is_readable
from lossgen.torch.operators import kernels, key_of
from lossgen.torch.shapes import column_axes, loss_shape

Parameters = Mapping[str, Tensor]


def losses_of(loss, y_true, y_pred, parameters: Parameters | None = None) -> Tensor:
    """The loss of every row, unweighted; 0 where the label is ignored."""
    y, p, result = arguments(loss, y_true, y_pred)
    losses, _ = rows(loss, y, p, parameters, None)
    return losses.to(result)


def value_of(loss, y_true, y_pred, sample_weight, mask, parameters: Parameters | None = None) -> Tensor:
    """The reduced value, or the weighted loss of every row.

    Args:
        loss: a standalone loss.
        parameters: tensors that take the place of its numbers.
    """
    y, p, result = arguments(loss, y_true, y_pred)
    weight, mask = weights(p, sample_weight, mask)
    if not is_recorded(weight) and not keeps_losses(loss.reduction):
        tensors = {"y_true": y, "y_pred": p, "sample_weight": weight, "mask": mask}
        if by_kernels(loss._plan, tensors, differentiated(y, parameters)):
            return by_one_kernel(loss, y, p, weight, mask).to(result)
    losses, used = rows(loss, y, p, parameters, mask)
    return weighting.reduce(loss.reduction, losses, used, weight, mask).to(result)


def sum_and_weight_of(
    loss, sums, y_true, y_pred, sample_weight, mask, parameters: Parameters | None = None
) -> tuple[Tensor, Tensor]:
    """The sum of the weighted losses, and what a mean divides it by.

    Args:
        loss: a standalone loss, whose reduction says what its mean divides by.
        sums: the same loss with the reduction "sum".
    """
    total = value_of(sums, y_true, y_pred, sample_weight, mask, parameters)
    y, p, _ = arguments(loss, y_true, y_pred)
    weight, mask = weights(p, sample_weight, mask)
    plan = loss._plan
    ones = p.new_ones(loss_shape(plan, y.shape, p.shape))
    _, used = weighting.used_labels(plan, y, p, None)
    _, row_weight, used = weighting.weigh(ones, used, weight, mask)
    reduction = loss.reduction if ones.ndim else None  # one loss without an index counts for 1
    return total, weighting.divisor_of(reduction, ones, row_weight, used)


def arguments(loss, y_true, y_pred) -> tuple[Tensor, Tensor, torch.dtype]:
    """Targets and predictions as they are computed, and the dtype of the result."""
    plan = loss._plan
    p, result = inputs.prediction(y_pred, inputs.DTYPES[loss.dtype])
    axes = column_axes(plan, p.ndim) if plan.labels else ()
    return inputs.target(y_true, p, plan.labels, axes), p, result


def weights(p: Tensor, sample_weight, mask) -> tuple[Tensor | None, Tensor | None]:
    """Weights and mask as tensors."""
    return inputs.weight(sample_weight, p), inputs.checked_mask(mask, p, is_readable(p))


def is_recorded(tensor: Tensor | None) -> bool:
    """Whether a gradient with respect to a tensor is recorded."""
    return tensor is not None and tensor.requires_grad and torch.is_grad_enabled()


def differentiated(y: Tensor, parameters: Parameters | None) -> tuple[str, ...]:
    """What array code is needed for: gradients with respect to targets, and parameters that are tensors."""
    names = tuple(f"`{name}`" for name in parameters or ())
    return ("`y_true`", *names) if is_recorded(y) else names


def by_one_kernel(loss, y: Tensor, p: Tensor, weight: Tensor | None, mask: Tensor | None) -> Tensor:
    """The reduced value by a kernel that also weighs, masks and reduces."""
    if not is_readable(p):  # something traces the call or has no memory: the operators know how to take part
        if p.requires_grad and torch.is_grad_enabled():
            return kernels.value_and_gradient(y, p, weight, mask, key_of(loss))[0]
        return kernels.value(y, p, weight, mask, key_of(loss))
    y, p = y.contiguous(), p.contiguous()
    if is_recorded(p):
        return fused.value_with_gradient(y, p, weight, mask, loss)
    return fused.value(y, p, weight, mask, loss)


def rows(
    loss, y: Tensor, p: Tensor, parameters: Parameters | None, mask: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """The loss of every row, and which rows have a label that is not ignored (None: all).

    Args:
        mask: labels are not looked at where it is False.
    """
    y, used = weighting.used_labels(loss._plan, y, p, mask)
    if by_kernels(loss._plan, {"y_true": y, "y_pred": p}, differentiated(y, parameters)):
        return kernels.losses(y, p, key_of(loss)), used
    return transformed.losses(loss._plan, y, p, parameters), used

