"""The losses for TensorFlow, by name: `from lossgen.tensorflow import Huber, huber`.

Classes are `tf.Module`s called as `loss(y_true, y_pred, sample_weight=None, *, mask=None)` and belong to no
Keras; functions return one loss a row. For Keras 2 there is `lossgen.tf_keras`, for Keras 3 `lossgen.keras`.
Importing this module imports TensorFlow and loads no loss; each is loaded when it is first used.
"""

from typing import Any

from lossgen.runtime.door import Door as _Door
from lossgen.runtime.door import missing as _missing

try:
    import tensorflow as _tensorflow  # noqa: F401
except ImportError as _error:
    raise _missing("TensorFlow", __name__, _error) from _error

from lossgen.runtime.function import function_of as _function_of
from lossgen.runtime.reduction import Reduction
from lossgen.tensorflow.loss import Loss, serialize
from lossgen.tensorflow.loss import make_class as _make_class

_door = _Door(__name__, _make_class, _function_of)

compile = _door.compile
get = _door.get
deserialize = _door.deserialize

__all__ = ["Loss", "Reduction", "compile", "deserialize", "get", "penalties", "serialize", *_door.names()]


def __getattr__(name: str) -> Any:
    value = _door.attribute(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
