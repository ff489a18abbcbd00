"""Weights, masks and reductions in torch's own operations, by the rules of `lossgen.runtime`.

This is the way of losses that are not reduced by a kernel: unreduced ones, and those with a derivative with
respect to a weight, a target or a parameter.
"""

import torch
from torch import Tensor

from lossgen.runtime.reduction import keeps_losses
from lossgen.runtime.weights import fit
from lossgen.torch.shapes import loss_shape, one_label_a_row


def used_labels(plan, y: Tensor, p: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Targets whose labels may be read in every row, and which rows count for their label (None: all).

    Labels are not looked at where the mask is False: they are replaced by one that harms nobody.
    """
    if not plan.labels or (mask is None and plan.ignore_class is None):
        return y, None
    y = one_label_a_row(plan, y, p)
    if not y.dtype.is_floating_point:
        y = y.to(torch.int64)  # an unsigned type may have no `ignore_class`
    if mask is not None:
        counts, shape = fit("mask", mask, tuple(y.shape))
        hidden = 0 if plan.ignore_class is None else plan.ignore_class
        y = torch.where(counts.expand(shape).reshape(y.shape), y, torch.full_like(y, hidden))
    return y, None if plan.ignore_class is None else y != plan.ignore_class


def weigh(
    losses: Tensor, used: Tensor | None, sample_weight: Tensor | None, mask: Tensor | None
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Weighted losses, the weight of each (None: 1) and which of them count (None: all).

    Args:
        losses: the loss of every row.
        used: which of them have a label that is not ignored; None for all.
        sample_weight, mask: as of a loss.

    Raises:
        WeightError: a shape that does not broadcast to the losses.
    """
    shape, weight = tuple(losses.shape), None
    given = shape
    if mask is not None:
        mask, shape = fit("mask", mask, given)
    if sample_weight is not None:
        weight, shape = fit("sample_weight", sample_weight, given)
    losses = losses.reshape(shape)
    used = None if used is None else used.reshape(shape)
    if mask is not None:
        counts = (mask != 0).expand(shape)
        used = counts if used is None else used & counts
        weight = torch.ones_like(losses) if weight is None else weight.expand(shape)
        weight = torch.where(counts, weight, torch.zeros_like(weight))
    if weight is None:
        return losses, None, used
    weight = weight.to(losses.dtype).expand(shape)
    # A weight of 0 takes a loss out even where it is not finite; its own derivative is the loss all the same.
    losses = torch.where((weight == 0) & ~torch.isfinite(losses), torch.zeros_like(losses), losses)
    return weight * losses, weight, used


def divisor_of(
    reduction: str | None, losses: Tensor, weight: Tensor | None, used: Tensor | None
) -> Tensor:
    """What the sum of weighted losses is divided by, float64 where the device has that."""
    dtype = accumulator(losses)
    if reduction == "mean_with_sample_weight" and weight is not None:
        counted = weight if used is None else torch.where(used, weight, torch.zeros_like(weight))
        return counted.sum(dtype=dtype)
    if used is not None:
        return used.sum(dtype=dtype)
    return torch.full((), losses.numel(), dtype=dtype, device=losses.device)


def reduce(
    reduction: str | None,
    losses: Tensor,
    used: Tensor | None,
    sample_weight: Tensor | None,
    mask: Tensor | None,
) -> Tensor:
    """The reduced value, or the weighted loss of every row."""
    whole = losses.ndim == 0  # one loss for the whole tensor is returned as it is, whatever the reduction
    weighted, weight, used = weigh(losses, used, sample_weight, mask)
    if whole or keeps_losses(reduction):
        return weighted
    total = weighted.sum(dtype=accumulator(losses))
    if reduction == "sum":
        return total.to(losses.dtype)
    divisor = divisor_of(reduction, losses, weight, used)
    return quotient(total, divisor).to(losses.dtype)


def row_factors(
    loss, y: Tensor, p: Tensor, used: Tensor | None, sample_weight: Tensor | None, mask: Tensor | None
) -> Tensor:
    """What the reduction multiplies the loss of every row by."""
    losses = torch.zeros(loss_shape(loss._plan, y.shape, p.shape), dtype=p.dtype, device=p.device)
    return torch.func.grad(lambda losses: reduce(loss.reduction, losses, used, sample_weight, mask).sum())(
        losses
    )


def quotient(total: Tensor, divisor: Tensor) -> Tensor:
    """total / divisor, and 0 with a derivative of 0 where nothing counts."""
    is_empty = divisor == 0
    total = torch.where(is_empty, torch.zeros_like(total), total)
    return total / torch.where(is_empty, torch.ones_like(divisor), divisor)


def accumulator(losses: Tensor) -> torch.dtype:
    """The dtype that sums are accumulated in."""
    return torch.float32 if losses.device.type == "mps" else torch.float64
