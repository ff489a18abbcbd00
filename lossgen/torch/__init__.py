"""The losses for PyTorch, by name: `from lossgen.torch import Huber, huber`.

Classes are `nn.Module`s called as `loss(y_true, y_pred, sample_weight=None, *, mask=None)`, functions return
one loss a row. Importing this module imports torch and loads no loss; each is loaded when it is first used.
"""

from typing import Any

from lossgen.runtime.door import missing as _missing

try:
    import torch as _torch  # noqa: F401
except ImportError as _error:
    raise _missing("PyTorch", __name__, _error) from _error

from lossgen.runtime.reduction import Reduction
from lossgen.torch.distributed import global_mean
from lossgen.torch.module import DOOR as _DOOR
from lossgen.torch.module import Loss
from lossgen.torch.module import serialize as serialize

compile = _DOOR.compile
get = _DOOR.get
deserialize = _DOOR.deserialize

__all__ = [
    "Loss", "Reduction", "compile", "deserialize", "get", "global_mean", "penalties", "serialize",
    *_DOOR.names(),
]  # fmt: skip


def __getattr__(name: str) -> Any:
    value = _DOOR.attribute(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
