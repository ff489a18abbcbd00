"""What a person passes to a loss, checked when it is traced and brought to the form that kernels read."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lossgen.errors import DtypeError, LabelError, ParameterError, ShapeError
from lossgen.jax.ops import Ops
from lossgen.runtime.arrays.preparation import signed_labels
from lossgen.runtime.batch import joint_layout
from lossgen.runtime.dtypes import unmasked_array
from lossgen.runtime.labels import one_label_a_row
from lossgen.runtime.loss import Loss
from lossgen.runtime.shapes import Layout, same_shape


class Inputs(NamedTuple):
    """Targets and predictions of one shape (or one label a row), and what the result looks like.

    `p` is float32 or float64; `result` is the dtype of the results.
    """

    y: Any
    p: Any
    result: Any
    layout: Layout


def array(name: str, value: Any) -> Any:
    """What is given as an array of real numbers, of JAX or NumPy; it stays where it is.

    Raises:
        DtypeError: it holds no real numbers, or it is a masked array.
        LabelError: integers of 64 bits that JAX would cut to 32 do not fit.
    """
    if not isinstance(value, jax.Array):
        value = unmasked_array(name, value)
    kind = value.dtype
    families = jnp.floating, jnp.integer, jnp.bool_
    if not any(jnp.issubdtype(kind, family) for family in families):
        raise DtypeError(f"`{name}` must hold real numbers. Received: {name} of dtype {kind}")
    if isinstance(value, np.ndarray) and kind.kind in "iu" and kind.itemsize == 8 and value.size:
        as_given = jax.dtypes.canonicalize_dtype(kind)
        limits = np.iinfo(as_given)
        if value.min() < limits.min or value.max() > limits.max:
            raise LabelError(
                f"`{name}` holds integers that do not fit into {as_given}, which JAX has without "
                'jax.config.update("jax_enable_x64", True).'
            )
    return value


def prepared(loss: Loss, y_true, y_pred) -> Inputs:
    """The inputs of a loss.

    Raises:
        DtypeError, ShapeError: naming the argument, what it is and what it should be.
    """
    plan = loss._plan
    y, p = jnp.asarray(y_true), jnp.asarray(y_pred)
    computed, result = _dtypes(p.dtype, plan.dtype)
    if plan.labels:
        y = _labels(y)
    else:
        y, p = same_shape(y, p)
    layout = joint_layout(p.shape, plan.scopes)[1]
    if plan.labels:
        y = one_label_a_row(y, layout)
    elif jnp.issubdtype(y.dtype, jnp.floating) and y.dtype.name not in ("float32", "float64"):
        y = y.astype(jnp.float32)
    p = p.astype(computed)
    if plan.prepare is not None:
        y = signed_labels(Ops(p, ()), y.astype(p.dtype))
    return Inputs(y, p, result, layout)


def _labels(y):
    if not jnp.issubdtype(y.dtype, jnp.integer) and y.dtype != bool:
        raise DtypeError(
            "`y_true` must hold integer labels: one that was stored as a float may have been rounded. "
            f"Received: y_true of dtype {y.dtype}"
        )
    if y.dtype == jnp.uint64:
        return y.astype(jnp.int64)
    return y.astype(jnp.int32) if y.dtype.itemsize < 4 else y


def _dtypes(given, wanted: np.dtype | None):
    """What predictions are computed in, and the dtype of the results."""
    if wanted is not None:
        if jax.dtypes.canonicalize_dtype(wanted) != wanted:
            raise DtypeError(
                f"`dtype` {wanted} is not there in JAX without "
                'jax.config.update("jax_enable_x64", True).'
            )
        return wanted, wanted
    if given.name in ("float32", "float64"):
        return given, given
    if jnp.issubdtype(given, jnp.floating):
        return jnp.dtype("float32"), given
    widest = jax.dtypes.canonicalize_dtype(np.float64)
    return widest, widest


def parameter_arrays(loss: Loss, parameters, dtype, columns: int) -> dict[str, Any]:
    """Arrays in place of the numbers that a loss was made with.

    Raises:
        ShapeError: one is no single number, nor one a column where the loss takes that.
        ParameterError: the loss has no such parameter.
    """
    found = {}
    for name, value in (parameters or {}).items():
        if name not in loss.parameters:
            raise ParameterError(
                f"{type(loss).__name__} has no parameter `{name}`. It has: {', '.join(loss.parameters)}"
            )
        value = jnp.asarray(array(name, value)).astype(dtype)
        wanted = [(), (columns,)] if loss.parameters[name].per_class else [()]
        if value.shape not in wanted:
            expected = " or ".join(str(shape) for shape in wanted)
            raise ShapeError(
                f"`{name}` must have the shape {expected}. Received: {name} of shape {value.shape}"
            )
        found[name] = value
    return found
