"""The operations of NumPy that array code is written in: what verifies array code without a framework.

What NumPy has not (erf, the gamma function's relatives) is compiled from the kernels' vector math when it is
first used.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

import numpy as np

from lossgen.runtime.arrays.ops import ArrayOps


@cache
def _compiled(name: str) -> Callable[[Any], Any]:
    """A function of the kernels' vector math for whole arrays."""
    import numba

    from lossgen.runtime import vector_math

    function = getattr(vector_math, name)

    def of_element(x):
        return function(x)

    return numba.vectorize(["float32(float32)", "float64(float64)"])(of_element)


def _later(name: str) -> Callable[[Any], Any]:
    return lambda x: _compiled(name)(x)


class NumpyOps(ArrayOps):
    """The operations of NumPy."""

    functions: ClassVar = {
        "absolute": np.abs, "atan": np.arctan, "cos": np.cos, "exp": np.exp, "expm1": np.expm1, "log": np.log,
        "log1p": np.log1p, "sin": np.sin, "sqrt": np.sqrt, "tanh": np.tanh,
        **{name: _later(name) for name in ("digamma", "erf", "erfc", "lgamma", "trigamma")},
    }  # fmt: skip

    @property
    def largest(self) -> float:
        return float(np.finfo(self.p.dtype).max)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        return np.where(condition, a, b)

    def pow(self, x: Any, a: Any) -> Any:
        return np.power(x, a)

    def constant(self, number: float) -> Any:
        return np.asarray(number, self.p.dtype)

    def cast(self, array: Any) -> Any:
        return np.asarray(array).astype(self.p.dtype)

    @staticmethod
    def size_of(array: Any, axis: int) -> Any:
        return array.shape[axis]

    @staticmethod
    def is_integer(array: Any) -> bool:
        return array.dtype.kind in "iu"

    def places(self, count: Any) -> Any:
        return np.arange(count)

    def reshape(self, array: Any, shape: tuple) -> Any:
        return np.reshape(array, shape)

    def spread_to(self, array: Any, shape: tuple) -> Any:
        return np.broadcast_to(array, shape)

    def stack(self, numbers: list) -> Any:
        return np.stack(numbers)

    def all(self, condition: Any) -> Any:
        return np.all(condition)

    def reduce_sum(self, array: Any, axes: tuple[int, ...]) -> Any:
        return np.sum(array, axis=axes, keepdims=True)

    def reduce_max(self, array: Any, axes: tuple[int, ...]) -> Any:
        return np.max(array, axis=axes, keepdims=True)

    def reduce_min(self, array: Any, axes: tuple[int, ...]) -> Any:
        return np.min(array, axis=axes, keepdims=True)
