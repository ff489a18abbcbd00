"""Sample weights and masks, brought to the shape of the losses."""

from typing import NamedTuple

import numpy as np

from lossgen.errors import WeightError
from lossgen.runtime.dtypes import FLOAT64, numbers_array


class Weighting(NamedTuple):
    """What multiplies each loss.

    `factor` multiplies all of them, `rows` (or None) one each, with 0 where masked; `mask` (or None where it
    hides nothing) says which count at all; `shape` is that of the unreduced losses, None where it stays as
    it is.
    """

    factor: float = 1.0
    rows: np.ndarray | None = None
    mask: np.ndarray | None = None
    shape: tuple[int, ...] | None = None

    def total(self, valid: int, used: np.ndarray | None) -> float:
        """Sum of the weights of the `valid` losses; `used` says which these are, None for all."""
        if self.rows is None:
            return self.factor * valid
        rows = self.rows if used is None else self.rows[used]
        return self.factor * float(rows.sum(dtype=FLOAT64))


UNWEIGHTED = Weighting()


def weigh(sample_weight, mask, loss_shape: tuple[int, ...], dtype: np.dtype) -> Weighting:
    """Weights and mask for losses of a shape.

    Args:
        sample_weight: None, a number, or an array that broadcasts to the losses.
        mask: None, or booleans (numbers: not 0) that broadcast to the losses; where False, a loss does not
            count.
        dtype: float dtype that the weights are needed in.

    Raises:
        WeightError: a shape that does not broadcast to that of the losses, or NaN in the mask.
    """
    if sample_weight is None and mask is None:
        return UNWEIGHTED
    factor, rows, used, shape = 1.0, None, None, loss_shape
    if mask is not None:
        array, shape = fit("mask", numbers_array("mask", mask), loss_shape)
        if array.dtype.kind == "f" and np.isnan(array).any():
            raise WeightError("`mask` must hold booleans or numbers. Received: mask with NaN")
        used = np.broadcast_to(array != 0, shape).reshape(-1)
        used = None if used.all() else used
    if sample_weight is not None:
        array, shape = fit("sample_weight", numbers_array("sample_weight", sample_weight), loss_shape)
        if array.size == 1:
            factor = float(array.reshape(-1)[0])
        else:
            array = array if array.shape == shape else np.broadcast_to(array, shape)
            rows = np.ascontiguousarray(array, dtype).reshape(-1)
    if used is not None:
        rows = used.astype(dtype) if rows is None else np.where(used, rows, dtype.type(0))
    return Weighting(factor, rows, used, shape)


def guarded_product(weight, losses: np.ndarray) -> np.ndarray:
    """weight · loss, and 0 where the weight is 0 even if the loss is not finite, as kernels have it."""
    return np.where(weight == 0, losses.dtype.type(0), weight * losses)


def fit(name: str, array: np.ndarray, loss_shape: tuple[int, ...]) -> tuple[np.ndarray, tuple[int, ...]]:
    """Weights of a rank that broadcasts to the losses, and the shape in which the losses are returned
    unreduced.

    Where the ranks differ by a trailing axis of size 1, Keras's rule: a partner of rank 1 gets the axis, any
    other loses it; so weights (B, 1) turn losses (B,) into losses (B, 1).

    Raises:
        WeightError: the weights do not broadcast to the losses, or would broadcast the losses.
    """
    shape, given = loss_shape, array.shape
    ranks = array.ndim - len(loss_shape)
    if array.ndim == 0:
        return array, shape
    if ranks == 1 and given[-1] == 1:
        if len(loss_shape) == 1:
            shape = (*loss_shape, 1)
        else:
            array = array[..., 0]
    elif ranks == -1 and loss_shape[-1] == 1:
        if array.ndim == 1:
            array = array[:, None]
        else:
            shape = loss_shape[:-1]
    pairs = zip(array.shape[::-1], shape[::-1], strict=False)
    if array.ndim <= len(shape) and all(size in (1, wanted) for size, wanted in pairs):
        return array, shape
    raise weight_error(name, given, loss_shape)


def weight_error(name: str, given: tuple[int, ...], loss_shape: tuple[int, ...]) -> WeightError:
    """The error for weights (or a mask, `name`) of a shape that does not broadcast to that of the losses."""
    if not loss_shape:
        advice = " There is one loss for the whole tensor, so only a single number can weigh it."
    elif given == loss_shape[: len(given)]:
        wanted = given + (1,) * (len(loss_shape) - len(given))
        advice = f" For one number a leading index, pass it in shape {wanted}."
    else:
        advice = ""
    return WeightError(
        f"`{name}` must broadcast to the losses. "
        f"Received: {name} of shape {given} and losses of shape {loss_shape}.{advice}"
    )
