"""Every loss for JAX by name: `from lossgen.jax import Huber, huber`; `get("mse")`; `compile(declaration)`.

Importing this module loads no loss; each is made when it is first used.
"""

from typing import Any

from lossgen.runtime.door import Door, missing

try:
    import jax as _  # noqa: F401
except ImportError as error:
    raise missing("JAX", __name__, error) from error

from lossgen.jax.loss import Loss, make_class, make_function

_door = Door(__name__, make_class, make_function)

compile = _door.compile
deserialize = _door.deserialize
get = _door.get

__all__ = ["Loss", "compile", "deserialize", "get", "penalties", *_door.names()]


def __getattr__(name: str) -> Any:
    value = _door.attribute(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
