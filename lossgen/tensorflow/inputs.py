"""The tensors of one call: checked, in the dtype that they are computed in and in one shape."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from lossgen.errors import DtypeError, ShapeError
from lossgen.runtime.arrays.evaluation import axes_of
from lossgen.runtime.arrays.preparation import same_shape
from lossgen.runtime.dtypes import unmasked_array
from lossgen.runtime.plan import Plan
from lossgen.tensorflow.ops import Ops

HALVES = (tf.float16, tf.bfloat16)


class Inputs(NamedTuple):
    """Target and prediction, the axes that every term of the loss reduces, and the dtype of the results."""

    y: tf.Tensor
    p: tf.Tensor
    axes: tuple[int, ...]
    result: tf.DType

    @property
    def loss_shape(self) -> tf.TensorShape:
        """What is known of the shape of the losses."""
        return tf.TensorShape([size for axis, size in enumerate(self.p.shape) if axis not in self.axes])


def inputs_of(plan: Plan, y_true: Any, y_pred: Any) -> Inputs:
    """Tensors as kernels and array code read them.

    Raises:
        DtypeError: ragged or sparse tensors, or no real numbers.
        ShapeError: shapes that do not fit each other, or of unknown rank.
    """
    p = tensor("y_pred", y_pred)
    y = tensor("y_true", y_true)
    computed, result = prediction_dtypes(plan, p.dtype)
    p = tf.cast(p, computed)
    if y.dtype in HALVES:
        y = tf.cast(y, tf.float32)
    if p.shape.rank is None or y.shape.rank is None:
        raise ShapeError(
            "The number of dimensions of `y_true` and `y_pred` must be known; the dimensions themselves need "
            "not be. Call `set_shape` or `tf.ensure_shape` before. "
            f"Received: y_true of shape {y.shape} and y_pred of shape {p.shape}"
        )
    if not plan.labels:
        y, p = same_shape(Ops(p, ()), y, p)
    axes = set.intersection(*(set(axes_of(p.shape, scope)) for scope in plan.scopes))
    return Inputs(y, p, tuple(sorted(axes)), result)


def tensor(name: str, value: Any) -> tf.Tensor:
    """What is given as a tensor of real numbers.

    Raises:
        DtypeError: it is none; names the argument `name`.
    """
    if isinstance(value, tf.RaggedTensor | tf.SparseTensor):
        advice = "value.to_tensor() with a mask of what it holds" if isinstance(
            value, tf.RaggedTensor
        ) else "tf.sparse.to_dense(value)"  # fmt: skip
        raise DtypeError(
            f"`{name}` must be a dense tensor: pass {advice}. Received: {name} of type {type(value).__name__}"
        )
    if isinstance(value, np.ma.MaskedArray):
        value = unmasked_array(name, value)  # an error: TensorFlow would lose the mask
    found = tf.convert_to_tensor(value)
    if not (found.dtype.is_floating or found.dtype.is_integer or found.dtype.is_bool):
        raise DtypeError(f"`{name}` must hold real numbers. Received: {name} of dtype {found.dtype.name}")
    return found


def prediction_dtypes(plan: Plan, given: tf.DType) -> tuple[tf.DType, tf.DType]:
    """What predictions of a dtype are computed in, and the dtype of the results."""
    if plan.dtype is not None:
        return tf.as_dtype(plan.dtype), tf.as_dtype(plan.dtype)
    if given in HALVES:
        return tf.float32, given
    if given in (tf.float32, tf.float64):
        return given, given
    if given.is_floating:
        raise DtypeError(f"`y_pred` must be of float16, bfloat16, float32 or float64. Received: {given.name}")
    return tf.float64, tf.float64


def sizes_without(p: tf.Tensor, axes: tuple[int, ...]) -> Any:
    """The shape of predictions without some axes; a tensor where it is known only when a graph runs."""
    kept = [axis for axis in range(p.shape.rank) if axis not in axes]
    known = [p.shape[axis] for axis in kept]
    return tf.gather(tf.shape(p), kept) if None in known else known
