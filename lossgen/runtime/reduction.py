"""From one loss a row to one number: the reductions that Keras knows, and what they divide by."""

import numpy as np

from lossgen.errors import ReductionError
from lossgen.runtime.dtypes import FLOAT64
from lossgen.runtime.weights import Weighting, guarded_product, weigh

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None)


class Reduction:
    """The reductions of Keras 2 by name. `AUTO` means `SUM_OVER_BATCH_SIZE`."""

    AUTO = "auto"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """The four reductions."""
        return (cls.AUTO, cls.NONE, cls.SUM, cls.SUM_OVER_BATCH_SIZE)

    @classmethod
    def validate(cls, key: object) -> None:
        """Raises a ReductionError (a ValueError) if the key is none of the four."""
        if key not in cls.all():
            raise ReductionError(f'Invalid Reduction Key: {key}. Expected keys are "{cls.all()}"')


def check_reduction(reduction: object) -> str | None:
    """The `reduction` argument; "auto" becomes "sum_over_batch_size".

    Raises:
        ReductionError: it is none of `REDUCTIONS`.
    """
    if isinstance(reduction, str) and reduction == Reduction.AUTO:
        return Reduction.SUM_OVER_BATCH_SIZE
    if reduction is None or (isinstance(reduction, str) and reduction in REDUCTIONS):
        return reduction
    raise ReductionError(
        f"Invalid value for argument `reduction`. Expected one of {REDUCTIONS}. "
        f"Received: reduction={reduction!r}"
    )


def keeps_losses(reduction: str | None) -> bool:
    """Whether the reduction leaves one loss a row."""
    return reduction is None or reduction == "none"


def divisor_of(reduction: str | None, weighting: Weighting, valid: int, used: np.ndarray | None) -> float:
    """What the weighted sum of the losses is divided by; the arguments are those of `weight_of`."""
    if reduction in ("sum", "none", None):
        return 1.0
    return weight_of(reduction, weighting, valid, used)


def weight_of(reduction: str | None, weighting: Weighting, valid: int, used: np.ndarray | None) -> float:
    """What the losses of a share of the data count for in the mean over all data.

    Args:
        valid: number of losses that are neither masked nor ignored.
        used: which these are; None for all.
    """
    return weighting.total(valid, used) if reduction == "mean_with_sample_weight" else valid


def reduce_losses(losses: np.ndarray, sample_weight, mask, reduction: str | None):
    """Losses that a subclass's own `call` returned, weighted, masked and reduced; accumulated in float64."""
    flat, weighting = weighted_losses(losses, sample_weight, mask)
    if keeps_losses(reduction) or losses.ndim == 0:
        return flat.astype(losses.dtype).reshape(weighting.shape or losses.shape)[()]
    divisor = divisor_of(reduction, weighting, counted(losses, weighting), weighting.mask)
    return losses.dtype.type(flat.sum() / divisor if divisor else 0.0)


def sum_losses(losses: np.ndarray, sample_weight, mask, reduction: str | None):
    """The weighted sum of such losses and what they count for, see `Loss.sum_and_weight`."""
    flat, weighting = weighted_losses(losses, sample_weight, mask)
    valid = counted(losses, weighting)
    weight = valid if losses.ndim == 0 else weight_of(reduction, weighting, valid, weighting.mask)
    return flat.sum(), np.float64(weight)


def weighted_losses(losses: np.ndarray, sample_weight, mask) -> tuple[np.ndarray, Weighting]:
    """One line of losses in float64, times their weights."""
    weighting = weigh(sample_weight, mask, losses.shape, FLOAT64)
    flat = losses.astype(FLOAT64).reshape(-1)
    if weighting.rows is not None:
        flat = guarded_product(weighting.rows, flat)
    if weighting.factor != 1:
        flat = guarded_product(weighting.factor, flat)
    return flat, weighting


def counted(losses: np.ndarray, weighting: Weighting) -> int:
    """How many of the losses are not masked."""
    return losses.size if weighting.mask is None else int(np.count_nonzero(weighting.mask))
