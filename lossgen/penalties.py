"""Every penalty by name: `from lossgen.penalties import L1, l1`; `get("l2")`.

Importing this module loads no penalty; each is loaded when it is first used. The names are apart from those
of the losses, because Keras, too, looks losses and regularizers up in two tables.
"""

from typing import Any

from lossgen.generated.penalties._index import CLASSES, FUNCTIONS, IDENTIFIERS
from lossgen.runtime.function import function_of
from lossgen.runtime.penalty import Penalty
from lossgen.runtime.registry import Registry

_registry = Registry("lossgen.generated.penalties", CLASSES, FUNCTIONS, IDENTIFIERS, "penalty")

get = _registry.get
serialize = _registry.serialize
deserialize = _registry.deserialize

__all__ = ["Penalty", "deserialize", "function_of", "get", "serialize", *CLASSES, *FUNCTIONS]


def __getattr__(name: str) -> Any:
    if name in _registry.modules or name in IDENTIFIERS:
        value = _registry.find(name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_registry.names()})
