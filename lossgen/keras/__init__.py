"""Every loss as a loss of Keras 3, every penalty as a regularizer: `model.compile(loss=Huber(delta=0.5))`.

Importing this module registers every class and function of the catalogue with Keras as `lossgen>Name`, so
that a saved model loads; it loads no kernel and no formula. `docs/keras.md` shows the rest.
"""

from importlib import import_module as _import_module
from typing import Any

from lossgen.generated._index import IDENTIFIERS as _IDENTIFIERS
from lossgen.keras.private import check_keras as _check_keras

_check_keras()

from lossgen.keras import catalog as _catalog  # noqa: E402
from lossgen.keras.loss import Loss  # noqa: E402
from lossgen.keras.penalty import Penalty  # noqa: E402

_HOMES = {
    "compile": "lossgen.keras.lookup",
    "deserialize": "lossgen.keras.lookup",
    "get": "lossgen.keras.lookup",
    "serialize": "lossgen.keras.lookup",
    "forget_names": "lossgen.keras.names",
    "use_names": "lossgen.keras.names",
    "Reduction": "lossgen.runtime.reduction",
    "CTC": "keras.losses",
    "Circle": "keras.losses",
    "circle": "keras.losses",
    "ctc": "keras.losses",
}
"""What is loaded when it is first used."""

__all__ = ["Loss", "Penalty", *_HOMES, *_catalog.CLASSES, *_catalog.FUNCTIONS]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(_import_module(_HOMES[name]), name)
    elif name in _catalog.CLASSES:
        value = _catalog.CLASSES[name]
    elif name in _catalog.FUNCTIONS:
        value = _catalog.function(name)
    elif name in _IDENTIFIERS:
        value = __getattr__(_IDENTIFIERS[name])
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
