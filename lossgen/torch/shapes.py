"""Shapes of losses, in plain loops that a tracer follows and with sizes that may be symbols."""

from torch import Tensor


def column_axes(plan, rank: int) -> tuple[int, ...]:
    """The axes of predictions that the losses do not have: those that every term of a loss reduces.

    An axis that does not exist is left out here; whoever computes the losses refuses it.
    """
    common = list(range(rank))
    for scope in plan.scopes:
        if scope is None:
            continue
        axes = (scope,) if isinstance(scope, int) else scope
        named = [axis % rank for axis in axes if -rank <= axis < rank]
        common = [axis for axis in common if axis in named]
    return tuple(common)


def loss_shape(plan, y_shape, p_shape) -> tuple:
    """The shape of the losses."""
    p_shape = tuple(p_shape)
    if not plan.labels:  # one rank may differ by a last axis of size 1
        ranks = len(y_shape) - len(p_shape)
        if ranks == 1 and len(p_shape) == 1:
            p_shape = (*p_shape, 1)
        elif ranks == -1 and len(y_shape) > 1:
            p_shape = p_shape[:-1]
    columns = column_axes(plan, len(p_shape))
    return tuple([size for axis, size in enumerate(p_shape) if axis not in columns])


def one_label_a_row(plan, y: Tensor, p: Tensor) -> Tensor:
    """Labels in the shape of the losses, where they have a shape that means it; else as they are."""
    columns = column_axes(plan, p.ndim)
    wanted = loss_shape(plan, y.shape, p.shape)
    kept = tuple([1 if axis in columns else size for axis, size in enumerate(p.shape)])
    shape = tuple(y.shape)
    return y.reshape(wanted) if shape == kept or shape == (*wanted, 1) else y
