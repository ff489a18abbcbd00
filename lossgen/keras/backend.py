"""The way from Keras to the code that computes: the bridge of the framework that Keras runs on."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import keras
import numpy as np
from keras import ops

from lossgen.errors import DtypeError, MissingLibraryError
from lossgen.keras import private

BRIDGES = {name: f"lossgen.{name}.bridge" for name in ("torch", "jax", "tensorflow")}

_losses_of: Callable[..., Any]
"""Computes the losses of rows on Keras's backend, which never changes; found when the first loss is made."""


def make_ready(standalone: Any) -> None:
    """Finds the way to the kernels before anything is traced.

    Raises:
        MissingLibraryError: Keras runs on a backend for which there is no bridge.
    """
    global _losses_of
    name = keras.backend.backend()
    if name == "numpy":
        _losses_of = losses_on_numpy
        return
    if name not in BRIDGES:
        raise MissingLibraryError(
            f"`lossgen.keras` runs on the backends jax, torch, tensorflow and numpy. Received: {name!r}. "
            "Set KERAS_BACKEND before Keras is imported."
        )
    bridge = import_module(BRIDGES[name])
    _losses_of = bridge.losses_of
    if name == "torch":
        bridge.make_ready(standalone)


def losses_of(
    standalone: Any, y_true: Any, y_pred: Any, learnable: Mapping[str, Any], target_gradient: bool
) -> Any:
    """The loss of every row, differentiable with respect to the predictions and the learnable parameters.

    Args:
        standalone: instance of a class of `lossgen.losses`, made ready.
        y_true, y_pred: tensors of the backend.
        learnable: parameter → `keras.Variable` that holds it.
        target_gradient: whether gradients flow to the targets too.
    """
    if private.is_symbolic() and keras.backend.backend() in ("jax", "numpy"):
        return stand_in(standalone, y_true, y_pred)
    parameters = {name: ops.convert_to_tensor(variable) for name, variable in learnable.items()} or None
    return _losses_of(standalone, y_true, y_pred, parameters=parameters, target_gradient=target_gradient)


def losses_on_numpy(
    standalone: Any,
    y_true: np.ndarray,
    y_pred: np.ndarray,
    parameters: Mapping[str, Any] | None = None,
    target_gradient: bool = False,
) -> np.ndarray:
    """The losses by the kernels, for evaluation: Keras has no gradients on NumPy, so none flow anywhere."""
    from lossgen.runtime import evaluation

    if parameters:
        numbers = {name: np.asarray(value).tolist() for name, value in parameters.items()}
        standalone = type(standalone)(**{**standalone.get_config(portable=False), **numbers})
    return np.asarray(evaluation.losses_of(standalone._plan, y_true, y_pred))


def stand_in(standalone: Any, y_true: Any, y_pred: Any) -> Any:
    """Numbers in the shape and dtype of the losses, where Keras asks for no more: on JAX sizes are then
    unknowns that kernels are not chosen by, on NumPy labels are anything.
    """
    ranks = len(y_true.shape) - len(y_pred.shape)
    if not standalone._plan.labels:  # Keras's rule for a missing trailing axis
        if ranks == 1 and len(y_pred.shape) == 1:
            y_pred = ops.expand_dims(y_pred, -1)
        elif ranks == -1 and len(y_true.shape) > 1:
            y_pred = ops.squeeze(y_pred, -1)
    rank = len(y_pred.shape)
    kept = loss_axes(standalone, rank)
    return ops.sum(y_pred, axis=tuple(axis for axis in range(rank) if axis not in kept))


def loss_axes(standalone: Any, rank: int) -> tuple[int, ...]:
    """The axes of predictions of a rank that their losses still have: those that no term reduces."""
    reduced = set(range(rank))
    for scope in standalone._plan.scopes:
        axes = range(rank) if scope is None else (scope,) if isinstance(scope, int) else scope
        reduced &= {axis % rank for axis in axes}
    return tuple(axis for axis in range(rank) if axis not in reduced)


def finite_where_masked(prediction: Any, mask: Any, standalone: Any) -> Any:
    """Predictions that are 1 in masked rows, for JAX: it multiplies the gradient of a row, which may be
    infinite, by the 0 that a masked row has. Other backends ask for no gradient of such rows.
    """
    kept = loss_axes(standalone, len(prediction.shape))
    if tuple(mask.shape) != tuple(prediction.shape[axis] for axis in kept):
        return prediction
    others = [axis for axis in range(len(prediction.shape)) if axis not in kept]
    return ops.where(ops.expand_dims(mask, others), prediction, 1)


def tensor(name: str, values: Any, dtype: Any = None) -> Any:
    """A tensor of the backend.

    Raises:
        DtypeError: a masked array, whose mask would be lost, or what holds no real numbers.
    """
    if isinstance(values, np.ma.MaskedArray):
        raise DtypeError(
            f"`{name}` must not be a masked array: pass its data, and 0 as `sample_weight` of what does not "
            f"count. Received: {name} of type MaskedArray"
        )
    given = getattr(values, "dtype", None)
    if given is not None:
        check_real(name, given)
    try:
        converted = ops.convert_to_tensor(values, dtype)
    except (TypeError, ValueError) as error:
        if isinstance(values, list | tuple | str | complex):  # what has no dtype to tell by
            raise DtypeError(
                f"`{name}` must hold real numbers. Received: {name} of type {type(values).__name__} ({error})"
            ) from error
        raise
    check_real(name, converted.dtype)
    return converted


def check_real(name: str, dtype: Any) -> None:
    """Checks a dtype of NumPy or of the backend.

    Raises:
        DtypeError: what has it is no real number: complex, a string, an object, a date.
    """
    found = str(getattr(dtype, "name", dtype))
    if any(one in found for one in ("complex", "str", "bytes", "object", "time")):
        raise DtypeError(f"`{name}` must hold real numbers. Received: {name} of dtype {found}")


def computable(name: str, values: Any, dtype: str | None = None) -> tuple[Any, str]:
    """A tensor in float32 or float64, and the dtype of what is computed of it: as given, or `dtype`."""
    found = tensor(name, values)
    result = dtype or keras.backend.standardize_dtype(found.dtype)
    if "float" not in result:
        result = keras.config.floatx()
    return ops.cast(found, "float64" if result == "float64" else "float32"), result


def has_values(array: Any) -> bool:
    """Whether the numbers of a tensor can be looked at: it is neither traced nor a place holder."""
    name = keras.backend.backend()
    if name == "torch":
        import torch

        return not torch.compiler.is_compiling() and type(array) is torch.Tensor and not array.is_meta
    if name == "jax":
        import jax

        return not isinstance(array, jax.core.Tracer)
    if name == "tensorflow":
        return hasattr(array, "_numpy")
    return not private.is_symbolic()


def current_value(variable: Any) -> float | list:
    """The number or numbers that a `keras.Variable` holds now."""
    return np.asarray(ops.convert_to_numpy(variable), np.float64).tolist()
