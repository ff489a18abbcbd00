"""Parameters of a loss that are tensors: derivatives reach them, and a variable among them can be learned."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from lossgen.errors import CompileError, ParameterError


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


def in_range(loss: Any, name: str, value: tf.Tensor) -> tf.Tensor:
    """A parameter as it is; in a graph, where it has no value yet, whatever it is.

    Raises:
        ParameterError: its value is out of the range that the loss declares for it.
    """
    if hasattr(value, "numpy"):
        array = value.numpy()
        try:
            loss.parameters[name].check(name, tuple(array.tolist()) if array.ndim else array.item())
        except ParameterError as error:
            raise ParameterError(
                f"{error}. If a step of an optimizer led there, give the variable a `constraint` that clips "
                "it, or learn a number without bounds and pass a function of it, such as its exponential."
            ) from None
    return value


def number(value: Any) -> Any:
    """The present value of a tensor: a number, a tuple of numbers, or None if it is known only when a graph
    runs.
    """
    with tf.init_scope():
        if isinstance(value, tf.Variable) or hasattr(value, "numpy"):
            array = value.numpy()
            return tuple(array.tolist()) if array.ndim else array.item()
    return None
