"""From one loss a row to the reduced value, as Keras does it: weights, masks, six reductions, replicas.

Works on shapes that are partly unknown (None), as TensorFlow's are in a graph.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import keras
from keras import ops

from lossgen.errors import WeightError
from lossgen.keras import backend, private
from lossgen.runtime.weights import weight_error

MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")


def reduce_losses(losses: Any, sample_weight: Any, masks: Sequence[Any], reduction: str | None) -> Any:
    """The reduced value; with no reduction, or of a single loss, the weighted losses.

    A loss whose weight is 0, or that is masked, counts for nothing even where it is not finite.

    Args:
        losses: one a row.
        sample_weight: None, or numbers that broadcast to the losses.
        masks: booleans that broadcast to the losses; what all of them say counts.

    Raises:
        WeightError: a shape that does not broadcast to that of the losses.
    """
    mask = None
    for one in masks:
        losses, fitted = fit("mask", losses, one)
        mask = fitted if mask is None else ops.logical_and(mask, fitted)
    weight = None if mask is None else ops.cast(mask, losses.dtype)
    if sample_weight is not None:
        weight = backend.tensor("sample_weight", sample_weight, losses.dtype)
        losses, weight = fit("sample_weight", losses, weight)
        if mask is not None:
            losses, mask = fit("mask", losses, mask)
            weight = ops.where(mask, weight, 0)
    if weight is not None:
        uncounted = ops.logical_and(ops.equal(weight, 0), ops.logical_not(ops.isfinite(losses)))
        losses = ops.multiply(weight, ops.where(uncounted, 0, losses))
    if reduction in (None, "none") or len(losses.shape) == 0:
        return losses
    total = ops.sum(losses)
    if reduction not in MEANS:
        return total
    if reduction == "mean_with_sample_weight":
        counted = weight
    else:
        counted = None if mask is None else ops.cast(mask, losses.dtype)
    return private.divided_by_replicas(ops.divide_no_nan(total, sum_over(losses, counted)))


def booleans(mask: Any) -> Any:
    """A mask as booleans: numbers that are not 0 are True.

    Raises:
        WeightError: it holds NaN. Where values cannot be looked at, inside of compiled code, NaN is True.
    """
    mask = backend.tensor("mask", mask)
    is_float = "float" in keras.backend.standardize_dtype(mask.dtype)
    if is_float and backend.has_values(mask) and bool(ops.any(ops.isnan(mask))):
        raise WeightError(
            "`mask` must hold booleans or numbers. Received: mask (`_keras_mask` of y_pred) with NaN"
        )
    return ops.cast(mask, "bool")


def sum_over(losses: Any, counted: Any) -> Any:
    """The sum of what broadcasts to the losses; where it is None, the number of losses."""
    if counted is not None:
        counted = counted if counted.shape == losses.shape else ops.broadcast_to(counted, ops.shape(losses))
        return ops.sum(counted)
    if None in losses.shape:
        return ops.cast(ops.prod(ops.convert_to_tensor(ops.shape(losses), "int32")), losses.dtype)
    if not all(isinstance(size, int) for size in losses.shape):  # JAX, while Keras learns shapes: unknowns
        return ops.sum(ops.ones_like(losses))
    return ops.convert_to_tensor(float(prod(losses.shape)), losses.dtype)


def fit(name: str, losses: Any, array: Any) -> tuple[Any, Any]:
    """Losses, and weights of a rank that broadcasts to them.

    Where the ranks differ by a trailing axis of size 1, Keras's rule: a partner of rank 1 gets the axis, any
    other loses it.

    Raises:
        WeightError: the weights do not broadcast to the losses, or would broadcast the losses.
    """
    given, loss_shape = tuple(array.shape), tuple(losses.shape)
    if not given:
        return losses, array
    ranks = len(given) - len(loss_shape)
    if ranks == 1 and given[-1] == 1:
        if len(loss_shape) == 1:
            losses = ops.expand_dims(losses, -1)
        else:
            array = ops.squeeze(array, -1)
    elif ranks == -1 and loss_shape[-1] == 1:
        if len(given) == 1:
            array = ops.expand_dims(array, -1)
        else:
            losses = ops.squeeze(losses, -1)
    pairs = zip(tuple(array.shape)[::-1], tuple(losses.shape)[::-1], strict=False)
    if len(array.shape) <= len(losses.shape) and all(
        size == wanted or size in (1, None) or wanted is None for size, wanted in pairs
    ):
        return losses, array
    raise weight_error(name, given, loss_shape)
