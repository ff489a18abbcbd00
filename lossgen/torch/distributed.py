"""A mean over all processes of a group, for training with DDP or FSDP."""

import torch
from torch import Tensor, distributed

from lossgen.errors import NoGradientError


def global_mean(
    loss_sum: Tensor, weight_sum: Tensor, group: "distributed.ProcessGroup | None" = None
) -> Tensor:
    """The mean over the whole batch of a group of processes, for engines that average gradients.

    DDP and FSDP average the gradients of the processes. A mean over the batch of each process then is a mean
    of means: wrong where the processes have different numbers of tokens or sums of weights. This divides by
    the sum of all weights instead, and multiplies by the number of processes what the engine will divide by.
    Write `loss = global_mean(*loss_function.sum_and_weight(y_true, y_pred, sample_weight))`.

    Args:
        loss_sum: sum of the weighted losses of this process, a scalar.
        weight_sum: what a mean divides that by, a scalar; constant for the gradient.
        group: the processes over which gradients are averaged; None for all.

    Returns:
        A scalar in the dtype of `loss_sum` whose mean over the processes is the mean over the whole batch;
        0 where the weights sum to 0. Without a process group `loss_sum / weight_sum`.

    Raises:
        NoGradientError: `weight_sum` requires a gradient.

    Every process of the group has to call it, equally often.
    """
    weight_sum = torch.as_tensor(weight_sum, device=loss_sum.device)
    if weight_sum.requires_grad and torch.is_grad_enabled():
        raise NoGradientError(
            "`weight_sum` of global_mean is a constant for the gradient: the other processes would not see "
            "how it depends on this one. Pass weight_sum.detach() if that is meant."
        )
    total, processes = weight_sum.detach(), 1
    if distributed.is_available() and distributed.is_initialized():
        total, processes = total.clone(), distributed.get_world_size(group)
        distributed.all_reduce(total, group=group)
    is_empty = total == 0
    mean = loss_sum * (processes / torch.where(is_empty, torch.ones_like(total), total)).to(loss_sum.dtype)
    return torch.where(is_empty, torch.zeros_like(mean), mean)
