"""Losses of Dask arrays, for data larger than memory: each block adds its share, which is normalised once.

`loss(y_true, y_pred)` of a standalone loss comes here by itself when one of its arrays is Dask's. Blocks are
cut between losses; within a block the kernels run as they do on NumPy arrays.
"""

from typing import Any

from lossgen.errors import DtypeError
from lossgen.runtime.door import missing
from lossgen.runtime.loss import Loss
from lossgen.runtime.reduction import keeps_losses

try:
    import dask.array  # noqa: F401
except ImportError as error:
    raise missing("dask", "lossgen.dask", error) from error

from lossgen.dask.shares import Shares

__all__ = ["losses", "sum_and_weight", "value", "value_and_gradient"]


def value(loss: Loss, y_true: Any, y_pred: Any, sample_weight: Any = None, *, mask: Any = None) -> Any:
    """The reduced loss as a Dask array of no dimensions, `.compute()` or `float(…)` runs it; with
    `reduction="none"` a Dask array of one weighted loss a row, in the blocks of the predictions.

    Args:
        y_true, y_pred, sample_weight, mask: as for the loss itself, each of Dask or not.

    Raises:
        ShapeError: shapes that do not fit, or blocks that cut what one loss is made of.
    """
    share = Shares(loss, y_true, y_pred, sample_weight, mask)
    if keeps_losses(loss.reduction) and share.loss_shape:
        return share.losses()
    return share.reduced(share.sums())


def losses(loss: Loss, y_true: Any, y_pred: Any) -> Any:
    """The loss of every row, neither weighted nor reduced, in the blocks of the predictions."""
    return Shares(loss, y_true, y_pred, None, None).losses()


def sum_and_weight(
    loss: Loss, y_true: Any, y_pred: Any, sample_weight: Any = None, *, mask: Any = None
) -> tuple[Any, Any]:
    """`loss.sum_and_weight` of the whole data: two Dask arrays of no dimensions."""
    total, weight = Shares(loss, y_true, y_pred, sample_weight, mask).sums()
    return total, weight


def value_and_gradient(
    loss: Loss, y_true: Any, y_pred: Any, sample_weight: Any = None, *, mask: Any = None, out: Any = None
) -> tuple[Any, Any]:
    """The value as `value` gives it, and the gradient of the reduced value, both Dask arrays.

    The gradient has the shape and blocks of `y_pred`, and the denominator of all data. Compute both at once
    (`dask.compute(value, gradient)`), so that the data are read once.

    Raises:
        DtypeError: there is an `out`, which nothing would be written to.
    """
    if out is not None:
        raise DtypeError(
            "`out` must be None for Dask arrays: results are Dask arrays, and nothing is computed yet. Write "
            f"the gradient with its `store`. Received: out of type {type(out).__name__}"
        )
    share = Shares(loss, y_true, y_pred, sample_weight, mask)
    loss._plan_for("gradient")
    if keeps_losses(loss.reduction) and share.loss_shape:
        return share.losses(), share.gradient()
    return share.reduced(share.sums()), share.gradient()
