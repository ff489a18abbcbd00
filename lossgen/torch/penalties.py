"""Penalties for PyTorch: `from lossgen.torch.penalties import l1`; `function(penalty)` for an instance.

Each takes one tensor and returns a number, differentiable to any order as the losses of this door are.
"""

from typing import Any

import torch

from lossgen.runtime.penalty_door import PenaltyDoor
from lossgen.torch.bridge import losses_of

_DOOR = PenaltyDoor(
    __name__,
    losses_of,
    array=torch.as_tensor,
    join=lambda parts: torch.cat([part.reshape(-1) for part in parts]),
    total=torch.sum,
    mean=torch.mean,
)

function = _DOOR.function

__all__ = ["function", *_DOOR.names()]


def __getattr__(name: str) -> Any:
    value = _DOOR.attribute(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
