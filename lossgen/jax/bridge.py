"""`losses_of`: what `lossgen.keras` asks of this door."""

from collections.abc import Mapping
from typing import Any

import jax

from lossgen.jax import reduction
from lossgen.jax.inputs import array
from lossgen.jax.reduction import Settings
from lossgen.runtime.execution import get_execution
from lossgen.runtime.loss import Loss
from lossgen.runtime.threads import get_num_threads


def losses_of(
    loss: Loss,
    y_true: Any,
    y_pred: Any,
    parameters: Mapping[str, Any] | None = None,
    target_gradient: bool = False,
) -> jax.Array:
    """The loss of every row of a standalone loss, for arrays of JAX; differentiable to any order.

    Args:
        parameters: arrays in place of numbers that the loss was made with; gradients reach them.
        target_gradient: whether gradients reach `y_true`.

    Returns:
        Losses, neither weighted nor reduced, in the dtype of the predictions or of the loss.
    """
    settings = Settings(loss, get_execution(), get_num_threads(), bool(target_gradient))
    y_true, y_pred = array("y_true", y_true), array("y_pred", y_pred)
    return reduction.losses(settings, y_true, y_pred, parameters or None)
