"""`Ops`: the primitives of array code in `jax.numpy`."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax.scipy import special

from lossgen.runtime.arrays.ops import ArrayOps


class Ops(ArrayOps):
    """The operations of JAX; shapes are always known."""

    functions: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        "absolute": jnp.abs, "atan": jnp.arctan, "cos": jnp.cos, "digamma": special.digamma,
        "erf": special.erf, "erfc": special.erfc, "exp": jnp.exp, "expm1": jnp.expm1,
        "lgamma": special.gammaln, "log": jnp.log, "log1p": jnp.log1p, "sin": jnp.sin, "sqrt": jnp.sqrt,
        "tanh": jnp.tanh, "trigamma": lambda x: special.polygamma(1, x),
    }  # fmt: skip

    @property
    def largest(self) -> float:
        return float(jnp.finfo(self.p.dtype).max)

    def where(self, condition, a, b):
        return jnp.where(condition, a, b)

    def pow(self, x, a):
        return jnp.power(x, a)

    def constant(self, number):
        return jnp.asarray(number, self.p.dtype)

    def cast(self, array):
        return jnp.asarray(array).astype(self.p.dtype)

    @staticmethod
    def size_of(array, axis):
        return array.shape[axis]

    def places(self, count):
        return jax.lax.iota(jnp.int32, count)

    def reshape(self, array, shape):
        return jnp.reshape(array, shape)

    def spread_to(self, array, shape):
        return jnp.broadcast_to(array, shape)

    def stack(self, numbers):
        return jnp.stack(numbers)

    @staticmethod
    def is_integer(array):
        return jnp.issubdtype(array.dtype, jnp.integer)

    def all(self, condition):
        return jnp.all(condition)

    def reduce_sum(self, array, axes):
        return jnp.sum(array, axis=axes, keepdims=True)

    def reduce_max(self, array, axes):
        return jnp.max(array, axis=axes, keepdims=True)

    def reduce_min(self, array, axes):
        return jnp.min(array, axis=axes, keepdims=True)
