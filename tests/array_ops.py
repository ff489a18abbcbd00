"""Array code in NumPy and SciPy: for tests, which compare it with the kernels."""

from typing import ClassVar

import numpy as np
from scipy import special

from lossgen.runtime.arrays.ops import ArrayOps


class NumpyOps(ArrayOps):
    """The operations of NumPy."""

    functions: ClassVar = {
        "absolute": np.abs, "atan": np.arctan, "cos": np.cos, "digamma": special.digamma, "erf": special.erf,
        "erfc": special.erfc, "exp": np.exp, "expm1": np.expm1, "lgamma": special.gammaln, "log": np.log,
        "log1p": np.log1p, "sin": np.sin, "sqrt": np.sqrt, "tanh": np.tanh,
        "trigamma": lambda x: special.polygamma(1, x).astype(x.dtype),
    }  # fmt: skip

    @property
    def largest(self):
        return float(np.finfo(self.p.dtype).max)

    def where(self, condition, a, b):
        return np.where(condition, a, b)

    def pow(self, x, a):
        return np.power(x, a)

    def constant(self, number):
        return np.asarray(number, self.p.dtype)

    def cast(self, array):
        return np.asarray(array).astype(self.p.dtype)

    @staticmethod
    def size_of(array, axis):
        return array.shape[axis]

    @staticmethod
    def is_integer(array):
        return array.dtype.kind in "iu"

    def places(self, count):
        return np.arange(count)

    def reshape(self, array, shape):
        return np.reshape(array, shape)

    def spread_to(self, array, shape):
        return np.broadcast_to(array, shape)

    def stack(self, numbers):
        return np.stack(numbers)

    def all(self, condition):
        return np.all(condition)

    def reduce_sum(self, array, axes):
        return np.sum(array, axis=axes, keepdims=True)

    def reduce_max(self, array, axes):
        return np.max(array, axis=axes, keepdims=True)

    def reduce_min(self, array, axes):
        return np.min(array, axis=axes, keepdims=True)
