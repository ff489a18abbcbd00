"""Targets and predictions of a framework, brought to the form that array code reads.

The rules are those of `lossgen.runtime.batch`; a size that is unknown while code is traced is not checked.
"""

from typing import Any

from lossgen.errors import DtypeError, ShapeError
from lossgen.runtime.arrays.evaluation import axes_of
from lossgen.runtime.arrays.ops import ArrayOps
from lossgen.runtime.plan import Plan


def prepared(Ops: type[ArrayOps], plan: Plan, y: Any, p: Any) -> tuple[Any, Any]:
    """Targets and predictions as `lossgen.runtime.arrays.evaluation` takes them.

    Args:
        y: targets, real numbers of any dtype; for losses of labels an integer array.
        p: predictions, float32 or float64.

    Raises:
        ShapeError: the shapes do not fit.
        DtypeError: labels are no integers.
    """
    ops = Ops(p, axes_of(p.shape, None))
    if plan.labels:
        return one_label_a_row(ops, plan, y, p), p
    y, p = same_shape(ops, y, p)
    ops = Ops(p, axes_of(p.shape, None))
    y = ops.cast(y)
    return (y if plan.prepare is None else signed_labels(ops, y)), p


def signed_labels(ops: ArrayOps, y: Any) -> Any:
    """Targets 0 and 1 as −1 and +1, if every element is one of both; any other target as it is."""
    return ops.where(ops.all((y == 0) | (y == 1)), 2 * y - 1, y)


def same_shape(ops: ArrayOps, y: Any, p: Any) -> tuple[Any, Any]:
    """Target and prediction in one shape, by Keras's rule where their ranks differ by a last axis of size 1.

    Raises:
        ShapeError: the shapes differ otherwise.
    """
    ranks = len(y.shape) - len(p.shape)
    if ranks == 1 and y.shape[-1] in (1, None):
        y, p = (y, _longer(ops, p)) if len(p.shape) == 1 else (_shorter(ops, y), p)
    elif ranks == -1 and p.shape[-1] in (1, None):
        y, p = (_longer(ops, y), p) if len(y.shape) == 1 else (y, _shorter(ops, p))
    if not fits(y.shape, p.shape):
        raise ShapeError(
            "`y_true` and `y_pred` must have the same shape. "
            f"Received: y_true of shape {tuple(y.shape)} and y_pred of shape {tuple(p.shape)}"
        )
    return y, p


def one_label_a_row(ops: ArrayOps, plan: Plan, labels: Any, p: Any) -> Any:
    """Labels in the shape of the losses.

    Raises:
        DtypeError: they are no integers.
        ShapeError: they have neither that shape, nor that shape with the reduced axes or a last axis as 1.
    """
    if not ops.is_integer(labels):
        raise DtypeError(f"`y_true` must hold integer labels. Received: y_true of dtype {labels.dtype}")
    axes = set.intersection(*(set(axes_of(p.shape, scope)) for scope in plan.scopes))
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(p.shape))
    wanted = tuple(size for axis, size in enumerate(p.shape) if axis not in axes)
    if len(labels.shape) == len(wanted) and fits(labels.shape, wanted):
        return labels
    for given in (kept, (*wanted, 1)):
        if len(labels.shape) == len(given) and fits(labels.shape, given):
            ones = axes if given is kept else {len(given) - 1}
            sizes = tuple(ops.size_of(labels, place) for place in range(len(given)) if place not in ones)
            return ops.reshape(labels, sizes)
    raise ShapeError(
        f"`y_true` must hold one label a row, in shape {wanted}. "
        f"Received: y_true of shape {tuple(labels.shape)} and y_pred of shape {tuple(p.shape)}."
    )


def fits(one: Any, other: Any) -> bool:
    """Whether two shapes are the same as far as their sizes are known."""
    return len(one) == len(other) and all(
        a == b or not (isinstance(a, int) and isinstance(b, int)) for a, b in zip(one, other, strict=True)
    )


def _longer(ops: ArrayOps, array: Any) -> Any:
    return ops.reshape(array, (ops.size_of(array, 0), 1))


def _shorter(ops: ArrayOps, array: Any) -> Any:
    return ops.reshape(array, tuple(ops.size_of(array, axis) for axis in range(len(array.shape) - 1)))
