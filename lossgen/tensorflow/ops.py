"""Array code in TensorFlow's operations: for XLA, for other devices, and where derivatives go beyond kernels.

Sizes may be unknown until a graph runs; integers (labels, places, sizes) are int64 throughout.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import tensorflow as tf

from lossgen.runtime.arrays.ops import ArrayOps

LABEL = tf.int64


def _trigamma(x: tf.Tensor) -> tf.Tensor:
    return tf.math.polygamma(tf.ones_like(x), x)


class Ops(ArrayOps):
    """The primitives of `ArrayOps` in TensorFlow."""

    functions: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        "absolute": tf.abs,
        "atan": tf.math.atan,
        "cos": tf.math.cos,
        "digamma": tf.math.digamma,
        "erf": tf.math.erf,
        "erfc": tf.math.erfc,
        "exp": tf.math.exp,
        "expm1": tf.math.expm1,
        "lgamma": tf.math.lgamma,
        "log": tf.math.log,
        "log1p": tf.math.log1p,
        "sin": tf.math.sin,
        "sqrt": tf.math.sqrt,
        "tanh": tf.math.tanh,
        "trigamma": _trigamma,
    }

    @property
    def largest(self) -> float:
        return float(self.p.dtype.max)

    def where(self, condition, a, b):
        return tf.where(condition, a, b)

    def pow(self, x, a):
        return tf.pow(x, a)

    def constant(self, number):
        return tf.constant(number, self.p.dtype)

    def cast(self, array):
        return tf.cast(array, self.p.dtype)

    @staticmethod
    def size_of(array, axis):
        known = array.shape[axis]
        return tf.shape(array, LABEL)[axis] if known is None else known

    def places(self, count):
        return tf.range(tf.cast(count, LABEL))

    def reshape(self, array, shape):
        return tf.reshape(array, _sizes(shape))

    def spread_to(self, array, shape):
        return tf.broadcast_to(array, _sizes(shape))

    def stack(self, numbers):
        return tf.stack(numbers)

    @staticmethod
    def is_integer(array):
        return array.dtype.is_integer

    def all(self, condition):
        return tf.reduce_all(condition)

    def reduce_sum(self, array, axes):
        return tf.reduce_sum(array, axes, keepdims=True)

    def reduce_max(self, array, axes):
        return _with_nan(tf.reduce_max, array, axes)

    def reduce_min(self, array, axes):
        return _with_nan(tf.reduce_min, array, axes)


def _with_nan(reduce: Callable[..., tf.Tensor], array: tf.Tensor, axes: tuple[int, ...]) -> tf.Tensor:
    """An extremum that is NaN where the array holds one, which XLA passes over."""
    found = reduce(array, axes, keepdims=True)
    if not array.dtype.is_floating:
        return found
    missing = tf.reduce_any(tf.math.is_nan(array), axes, keepdims=True)
    return tf.where(missing, tf.constant(math.nan, array.dtype), found)


def integer_labels(labels: tf.Tensor) -> tf.Tensor:
    """Labels as array code reads them; a float that is no whole number becomes one that names no column."""
    if not labels.dtype.is_floating:
        return tf.cast(labels, LABEL)
    whole = (labels == tf.floor(labels)) & (tf.abs(labels) < 2.0**62)
    return tf.where(whole, tf.cast(tf.where(whole, labels, 0), LABEL), LABEL.min)


def _sizes(shape: tuple) -> Any:
    if all(isinstance(size, int) for size in shape):
        return shape
    return tf.stack([tf.cast(size, LABEL) for size in shape])
