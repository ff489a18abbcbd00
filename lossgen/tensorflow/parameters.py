"""Parameters of a loss that are tensors: derivatives reach them, and a variable among them can be learned."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from lossgen.errors import CompileError


def check_inputs(standalone: type, module: str) -> None:
    """Refuses what is no loss of targets and predictions.

    Raises:
        CompileError: says where penalties go.
    """
    if standalone.inputs != ("y_true", "y_pred"):
        raise CompileError(
            f"`{module}` has losses of targets and predictions only, and {standalone.__name__} takes "
            f"{', '.join(standalone.inputs)}. For penalties there is lossgen.tensorflow.penalties."
        )


def standalone_of(standalone: type, values: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The standalone loss, which checks all arguments, and the parameters that are tensors.

    Args:
        values: constructor arguments by name.

    Raises:
        ParameterError: an argument, or the present value of a tensor, is out of its range.
    """
    tensors = {
        name: value
        for name, value in values.items()
        if name in standalone.parameters and isinstance(value, tf.Variable | tf.Tensor)
    }
    given = {**values, **{name: number(value) for name, value in tensors.items()}}
    return standalone(
        **{name: one for name, one in given.items() if one is not None or name not in tensors}
    ), tensors


def number(value: Any) -> Any:
    """The present value of a tensor: a number, a tuple of numbers, or None if it is known only when a graph
    runs.
    """
    with tf.init_scope():
        if isinstance(value, tf.Variable) or hasattr(value, "numpy"):
            array = value.numpy()
            return tuple(array.tolist()) if array.ndim else array.item()
    return None
