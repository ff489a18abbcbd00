"""Penalties for JAX: `from lossgen.jax.penalties import l1`; `function(penalty)` for an instance.

Each takes one tensor and returns a number, differentiable to any order as the losses of this door are.
"""

from typing import Any

import jax.numpy as jnp

from lossgen.jax.bridge import losses_of
from lossgen.runtime.penalty_door import PenaltyDoor

_DOOR = PenaltyDoor(
    __name__,
    losses_of,
    array=jnp.asarray,
    join=lambda parts: jnp.concatenate([part.reshape(-1) for part in parts]),
    total=jnp.sum,
    mean=jnp.mean,
)

function = _DOOR.function

__all__ = ["function", *_DOOR.names()]


def __getattr__(name: str) -> Any:
    value = _DOOR.attribute(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
