"""The operations of torch that array code is written in."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from lossgen.runtime.arrays.ops import ArrayOps


def _trigamma(x: Tensor) -> Tensor:
    return torch.special.polygamma(1, x)


class TorchOps(ArrayOps):
    """Array code on tensors: any device, under any transformation and tracer."""

    functions: ClassVar = {
        "absolute": torch.abs, "atan": torch.atan, "cos": torch.cos, "digamma": torch.digamma,
        "erf": torch.erf, "erfc": torch.erfc, "exp": torch.exp, "expm1": torch.expm1,
        "lgamma": torch.lgamma, "log": torch.log, "log1p": torch.log1p, "sin": torch.sin,
        "sqrt": torch.sqrt, "tanh": torch.tanh, "trigamma": _trigamma,
    }  # fmt: skip

    @property
    def largest(self) -> float:
        return torch.finfo(self.p.dtype).max

    def where(self, condition: Tensor, a: Any, b: Any) -> Tensor:
        return torch.where(condition, a, b)

    def pow(self, x: Tensor, a: Tensor) -> Tensor:
        return torch.pow(x, a)

    def constant(self, number: float) -> Tensor:
        return torch.full((), number, dtype=self.p.dtype, device=self.p.device)

    def cast(self, array: Any) -> Tensor:
        return array.to(self.p.dtype) if isinstance(array, Tensor) else self.constant(array)

    @staticmethod
    def size_of(array: Tensor, axis: int) -> Any:
        return array.shape[axis]

    def places(self, count: Any) -> Tensor:
        return torch.arange(count, device=self.p.device)

    def reshape(self, array: Tensor, shape: tuple) -> Tensor:
        return torch.reshape(array, shape)

    def spread_to(self, array: Tensor, shape: tuple) -> Tensor:
        return array.expand(shape)  # has a rule in is_grads_batched; broadcast_to has none

    def stack(self, numbers: list) -> Tensor:
        return torch.stack(numbers)

    @staticmethod
    def is_integer(array: Tensor) -> bool:
        return not array.dtype.is_floating_point and array.dtype is not torch.bool

    def all(self, condition: Tensor) -> Tensor:
        return torch.all(condition)

    def reduce_sum(self, array: Tensor, axes: tuple[int, ...]) -> Tensor:
        return torch.sum(array, axes, keepdim=True) if axes else array

    def reduce_max(self, array: Tensor, axes: tuple[int, ...]) -> Tensor:
        return torch.amax(array, axes, keepdim=True)

    def reduce_min(self, array: Tensor, axes: tuple[int, ...]) -> Tensor:
        return torch.amin(array, axes, keepdim=True)
