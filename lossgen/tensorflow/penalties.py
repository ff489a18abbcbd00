"""Penalties for TensorFlow: `from lossgen.tensorflow.penalties import l1`; `function(penalty)` wraps one.

Each takes one tensor and returns a number, differentiable to any order as the losses of this door are.
"""

from typing import Any

import tensorflow as tf

from lossgen.runtime.penalty_door import PenaltyDoor
from lossgen.tensorflow.bridge import losses_of

_DOOR = PenaltyDoor(
    __name__,
    losses_of,
    array=tf.convert_to_tensor,
    join=lambda parts: tf.concat([tf.reshape(part, [-1]) for part in parts], 0),
    total=tf.reduce_sum,
    mean=tf.reduce_mean,
)

function = _DOOR.function

__all__ = ["function", *_DOOR.names()]


def __getattr__(name: str) -> Any:
    value = _DOOR.attribute(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
