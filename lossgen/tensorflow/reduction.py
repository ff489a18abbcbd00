"""From one loss a row to one number, in TensorFlow's operations: weights, masks, reductions.

The rules are those of `lossgen.runtime.weights` and `lossgen.runtime.reduction`; derivatives reach weights.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from lossgen.errors import ShapeError, WeightError
from lossgen.runtime.reduction import keeps_losses
from lossgen.tensorflow.inputs import tensor


def booleans(mask: Any) -> tf.Tensor:
    """A mask as booleans: numbers that are not 0 are True.

    Raises:
        WeightError: it holds NaN; an `InvalidArgumentError` where that is seen only when a graph runs.
    """
    mask = tensor("mask", mask)
    if mask.dtype.is_floating:
        message = "`mask` must hold booleans or numbers. Received: mask with NaN"
        missing = tf.math.is_nan(mask)
        if tf.executing_eagerly() and tf.reduce_any(missing):
            raise WeightError(message)
        with tf.control_dependencies([tf.debugging.assert_equal(missing, False, message)]):
            mask = tf.identity(mask)
    return tf.cast(mask, tf.bool)


def readable_labels(labels: Any, mask: tf.Tensor, ignored: int | None) -> tf.Tensor:
    """Labels of which those that are masked may be read in any case: they are ignored, or name a column.

    Where the shapes do not fit, they are left as they are: whoever applies the mask says so.
    """
    labels = tensor("y_true", labels)
    if not labels.dtype.is_floating:
        labels = tf.cast(labels, tf.int64)  # an unsigned type may have no such label
    if labels.shape.rank is None or mask.shape.rank is None:
        return labels
    ranks = labels.shape.rank - mask.shape.rank
    if ranks == 1 and labels.shape[-1] == 1:
        mask = mask[..., None]
    elif ranks == -1 and mask.shape[-1] == 1:
        mask = mask[..., 0]
    sizes = zip(list(mask.shape)[::-1], list(labels.shape)[::-1], strict=False)
    if mask.shape.rank > labels.shape.rank or any(one not in (1, None, two) for one, two in sizes):
        return labels
    return tf.where(mask, labels, tf.cast(0 if ignored is None else ignored, labels.dtype))


class Weighted(NamedTuple):
    """Losses times their weights, 0 where they do not count; which count (None: all), and the weights (None:
    all 1), both in the shape of the losses.
    """

    losses: tf.Tensor
    used: tf.Tensor | None
    weight: tf.Tensor | None

    def count(self) -> tf.Tensor:
        """How many losses count."""
        if self.used is None:
            return tf.cast(tf.size(self.losses), self.losses.dtype)
        return tf.reduce_sum(tf.cast(self.used, self.losses.dtype))

    def total_weight(self) -> tf.Tensor:
        """The sum of the weights of the losses that count."""
        return self.count() if self.weight is None else tf.reduce_sum(self.weight)

    def divisor(self, reduction: str | None) -> tf.Tensor:
        """What a mean divides the sum of the losses by."""
        return self.total_weight() if reduction == "mean_with_sample_weight" else self.count()


def weighted(losses: tf.Tensor, used: tf.Tensor | None, sample_weight: Any, mask: Any) -> Weighted:
    """Losses with their weights.

    Args:
        losses: one a row, float32 or float64.
        used: which have a label that counts; None for all.
        sample_weight: None, or numbers that broadcast to the losses.
        mask: None, or booleans that broadcast to the losses.

    Raises:
        WeightError: weights or mask do not broadcast to the losses.
    """
    weight = None
    if mask is not None:
        mask, losses = fit("mask", mask, losses)
    if sample_weight is not None:
        weight = tf.cast(tensor("sample_weight", sample_weight), losses.dtype)
        weight, losses = fit("sample_weight", weight, losses)
    # Either may have added or dropped a last axis of size 1.
    found = [tf.reshape(one, tf.shape(losses)) for one in (used, mask) if one is not None]
    used = tf.reduce_all(tf.stack(found), 0) if len(found) > 1 else found[0] if found else None
    if used is not None:
        losses = tf.where(used, losses, 0)
        weight = weight if weight is None else tf.where(used, weight, 0)
    if weight is not None:
        # What weighs 0 does not count even if it is not finite; else a weight has its derivative at 0, too.
        losses = weight * tf.where((weight != 0) | tf.math.is_finite(losses), losses, 0)
    return Weighted(losses, used, weight)


def reduce(rows: Weighted, reduction: str | None) -> tf.Tensor:
    """The reduced loss; a single loss without an index is returned as it is."""
    if keeps_losses(reduction) or rows.losses.shape.rank == 0:
        return rows.losses
    return reduced(tf.reduce_sum(rows.losses), rows.divisor(reduction), reduction)


def reduced(total: tf.Tensor, divisor: tf.Tensor | int, reduction: str | None) -> tf.Tensor:
    """A sum, or a mean, of losses; 0/0 counts as 0."""
    if reduction == "sum":
        return total
    if isinstance(divisor, int):  # two operations less than with a tensor, and many in the derivative
        return total / max(divisor, 1)
    return tf.math.divide_no_nan(total, divisor)


def fit(name: str, array: tf.Tensor, losses: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Weights in a shape that broadcasts to the losses, and the losses, by the rule of
    `lossgen.runtime.weights.fit`.

    Raises:
        WeightError: the weights do not broadcast to the losses, or would broadcast the losses.
        ShapeError: their rank is not known.
    """
    given, shape = array.shape, losses.shape
    if given.rank is None:
        raise ShapeError(
            f"The number of dimensions of `{name}` must be known: call `tf.ensure_shape` before."
        )
    if given.rank == 0:
        return tf.broadcast_to(array, tf.shape(losses)), losses
    ranks = given.rank - shape.rank
    if ranks == 1 and given[-1] in (1, None):
        if shape.rank == 1:
            losses = losses[:, None]
        else:
            array = tf.squeeze(array, -1)
    elif ranks == -1 and shape[-1] == 1:
        if given.rank == 1:
            array = array[:, None]
        else:
            losses = tf.squeeze(losses, -1)
    pairs = zip(list(array.shape)[::-1], list(losses.shape)[::-1], strict=False)
    if array.shape.rank <= losses.shape.rank and all(
        size in (1, None) or wanted in (size, None) for size, wanted in pairs
    ):
        return tf.broadcast_to(array, tf.shape(losses)), losses
    advice = ""
    if shape.rank == 0:
        advice = " There is one loss for the whole tensor, so only a single number can weigh it."
    elif given.rank < shape.rank and given.is_compatible_with(shape[: given.rank]):
        wanted = (*given, *[1] * (shape.rank - given.rank))
        advice = f" For one number a leading index, pass it in shape {wanted}."
    raise WeightError(
        f"`{name}` must broadcast to the losses. "
        f"Received: {name} of shape {given} and losses of shape {shape}.{advice}"
    )
