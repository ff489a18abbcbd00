"""Every loss by name: `from lossgen.losses import Huber, huber`; `get("mse")`.

Importing this module loads no loss; each is loaded when it is first used.
"""

from typing import Any

from lossgen.errors import UnknownLossError
from lossgen.generated._index import CLASSES, FUNCTIONS, IDENTIFIERS
from lossgen.runtime.function import function_of
from lossgen.runtime.loss import Loss
from lossgen.runtime.reduction import Reduction
from lossgen.runtime.registry import NOT_YET, Registry

_registry = Registry("lossgen.generated", CLASSES, FUNCTIONS, IDENTIFIERS)

get = _registry.get
serialize = _registry.serialize
deserialize = _registry.deserialize

__all__ = ["Loss", "Reduction", "deserialize", "function_of", "get", "serialize", *CLASSES, *FUNCTIONS]


def __getattr__(name: str) -> Any:
    if name in _registry.modules or name in IDENTIFIERS:
        value = _registry.find(name)
        globals()[name] = value
        return value
    if name in NOT_YET:
        raise UnknownLossError(_registry.advice(name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_registry.names()})
