"""What the door of another library builds on: unreduced losses of torch tensors."""

from collections.abc import Mapping

from torch import Tensor

from lossgen.torch import evaluation
from lossgen.torch.operators import make_ready

__all__ = ["losses_of", "make_ready"]


def losses_of(
    loss,
    y_true: Tensor,
    y_pred: Tensor,
    parameters: Mapping[str, Tensor] | None = None,
    target_gradient: bool = False,
) -> Tensor:
    """The loss of every row, neither weighted nor reduced, in the dtype of the predictions or of the loss.

    Args:
        loss: a standalone loss; `make_ready(loss)` before it is first used inside torch.compile.
        parameters: tensors that take the place of the numbers of the loss, by name.
        target_gradient: whether gradients flow to `y_true`.
    """
    return evaluation.losses_of(
        loss, y_true if target_gradient else y_true.detach(), y_pred, parameters or None
    )


