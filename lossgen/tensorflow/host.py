"""Kernels on TensorFlow's tensors: zero-copy views in, results out, in eager code and in graphs."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from lossgen.runtime import evaluation
from lossgen.runtime.outputs import ALIGNMENT
from lossgen.runtime.plan import Plan


def losses(plan: Plan, y: tf.Tensor, p: tf.Tensor, shape: tf.TensorShape) -> tf.Tensor:
    """The loss of every row."""
    return call(lambda y, p: evaluation.losses_of(plan, y, p), (y, p), shape, p.dtype)


def total(plan: Plan, y: tf.Tensor, p: tf.Tensor) -> tf.Tensor:
    """The sum of the losses."""
    return call(
        lambda y, p: np.asarray(evaluation.value_of(plan, "sum", y, p, None, None)), (y, p), (), p.dtype
    )


def gradient(plan: Plan, y: tf.Tensor, p: tf.Tensor, cotangent: tf.Tensor) -> tf.Tensor:
    """d(Σ cotangent·loss)/dp: the cotangent is the weight of a row, so it costs no pass of its own."""

    def run(y, p, cotangent):
        return evaluation.value_and_gradient_of(plan, "sum", y, p, alike(cotangent), None, None)[1]

    return call(run, (y, p, cotangent), p.shape, p.dtype)


def product(plan: Plan, y: tf.Tensor, p: tf.Tensor, cotangent: tf.Tensor, vector: tf.Tensor) -> tf.Tensor:
    """The Hessian of Σ cotangent·loss times a vector."""

    def run(y, p, cotangent, vector):
        return evaluation.hessian_vector_product_of(plan, "sum", y, p, vector, alike(cotangent), None, None)

    return call(run, (y, p, cotangent, vector), p.shape, p.dtype)


def alike(cotangent: np.ndarray) -> np.ndarray | float:
    """A cotangent whose numbers are all the same, as that of a plain mean is, as one number.

    Kernels then take elementwise losses in one line; row by row they are many times slower where rows are
    short.
    """
    first = cotangent.reshape(-1)[:1]
    return float(first[0]) if first.size and (cotangent == first).all() else cotangent


def call(
    function: Callable[..., np.ndarray],
    inputs: Sequence[tf.Tensor],
    shape: tf.TensorShape,
    dtype: tf.DType,
) -> tf.Tensor:
    """What a function of arrays makes of tensors: at once, or in a graph when it runs.

    Args:
        shape: what is known of the shape of the result.
    """
    if tf.executing_eagerly():
        return tensor_of(function(*(np.asarray(one) for one in inputs)))  # `.numpy()` would copy
    result = tf.numpy_function(lambda *arrays: np.asarray(function(*arrays)), inputs, dtype, stateful=False)
    result.set_shape(shape)
    return result


def tensor_of(array: np.ndarray) -> tf.Tensor:
    """A result as a tensor, without a copy if it lies in memory as TensorFlow wants it (large results do)."""
    # from_dlpack ends the process when memory is not aligned, and refuses the strides of a transposed result.
    if (
        isinstance(array, np.ndarray)
        and array.size
        and array.flags.c_contiguous
        and array.ctypes.data % ALIGNMENT == 0
    ):
        return tf.experimental.dlpack.from_dlpack(array.__dlpack__())
    return tf.convert_to_tensor(array)
