"""Arrays seen as rows × columns: which axes are columns, how to get there, and how to come back."""

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import TypeGuard

import numpy as np

from lossgen.errors import ParameterError, ShapeError

MAXIMUM_RANK = 64  # of an array of NumPy


@dataclass(frozen=True)
class Layout:
    """A shape whose reduced axes are the columns.

    `kept` is the shape of the losses with reduced axes kept as 1; `order` is the transposition that brings
    the columns to the end, None where they are there already.
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    loss_shape: tuple[int, ...]
    kept: tuple[int, ...]
    rows: int
    columns: int
    order: tuple[int, ...] | None

    def to_rows(self, array: np.ndarray) -> np.ndarray:
        """A C-contiguous array of `shape` as rows × columns; a copy only where axes have to move."""
        if self.order is not None:
            array = np.ascontiguousarray(array.transpose(self.order))
        return array.reshape(self.rows, self.columns)

    def from_rows(self, matrix: np.ndarray) -> np.ndarray:
        """Rows × columns as an array of `shape`; a view."""
        if self.order is None:
            return matrix.reshape(self.shape)
        moved = matrix.reshape([self.shape[axis] for axis in self.order])
        return moved.transpose(np.argsort(self.order))


@lru_cache(maxsize=1024)
def layout_of(shape: tuple[int, ...], scope: int | tuple[int, ...] | None) -> Layout:
    """The layout of a shape whose columns are an axis, several axes, or (None) everything.

    Raises:
        ShapeError: the shape has no such axis, or an axis is named twice.
    """
    rank = len(shape)
    given = tuple(range(rank)) if scope is None else (scope,) if isinstance(scope, int) else scope
    if any(not -rank <= axis < rank for axis in given):
        raise ShapeError(
            f"`axis` {scope} does not exist in predictions of {rank} dimension{'s' if rank != 1 else ''}. "
            f"Received: y_pred of shape {shape}"
        )
    axes = tuple(sorted({axis % rank for axis in given}))
    if len(axes) < len(given):
        raise ShapeError(f"`axis` {scope} names an axis of y_pred twice. Received: y_pred of shape {shape}")
    others = tuple(axis for axis in range(rank) if axis not in axes)
    order = others + axes
    return Layout(
        shape=shape,
        axes=axes,
        loss_shape=tuple(shape[axis] for axis in others),
        kept=tuple(1 if axis in axes else size for axis, size in enumerate(shape)),
        rows=prod(shape[axis] for axis in others),
        columns=prod(shape[axis] for axis in axes),
        order=None if order == tuple(range(rank)) else order,
    )


def check_axis(axis: object) -> int | tuple[int, ...] | None:
    """The `axis` argument as an int, a tuple of ints, or None for the whole tensor.

    Raises:
        ParameterError: anything else (a boolean is no axis).
    """
    if axis is None or is_axis(axis):
        return axis if axis is None else int(axis)
    if isinstance(axis, tuple | list) and 0 < len(axis) <= MAXIMUM_RANK and all(map(is_axis, axis)):
        return tuple(int(one) for one in axis)
    raise ParameterError(
        "`axis` must be of type `int`, a tuple of such, or None for the whole tensor. "
        f"Received: axis={axis!r} of type {type(axis)}"
    )


def is_axis(value: object) -> TypeGuard[int]:
    """Whether the value is a whole number that an axis of an array may have."""
    return is_integer(value) and -MAXIMUM_RANK <= value < MAXIMUM_RANK


def is_integer(value: object) -> TypeGuard[int]:
    """Whether the value is a whole number of Python or NumPy (a boolean is not)."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def same_shape(y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Target and prediction in one shape: where their ranks differ by a trailing axis of size 1, Keras's
    rule.

    A partner of rank 1 gets the axis, any other loses it.

    Raises:
        ShapeError: the shapes differ otherwise.
    """
    if y.shape == p.shape:
        return y, p
    ranks = y.ndim - p.ndim
    if ranks == 1 and y.shape[-1] == 1:
        y, p = (y, p[:, None]) if p.ndim == 1 else (y[..., 0], p)
    elif ranks == -1 and p.shape[-1] == 1:
        y, p = (y[:, None], p) if y.ndim == 1 else (y, p[..., 0])
    if y.shape != p.shape:
        raise ShapeError(
            "`y_true` and `y_pred` must have the same shape. "
            f"Received: y_true of shape {y.shape} and y_pred of shape {p.shape}"
        )
    return y, p


def readable(array: np.ndarray) -> np.ndarray:
    """The array as kernels read it: C-contiguous, aligned, and of Numba's writable type.

    A read-only array would be another Numba type and so another compilation of every kernel; kernels do not
    write what they read, so such an array is passed through a view that does not carry the flag.
    """
    flags = array.flags
    if flags.carray:
        return array
    if not (flags.c_contiguous and flags.aligned):
        return np.array(array, order="C")
    return lent(array)


def lent(array: np.ndarray) -> np.ndarray:
    """The same memory as an array of Numba's writable type; kernels write none that they read."""
    return np.asarray(_Borrowed(array)) if array.size else np.empty(array.shape, array.dtype)


class _Borrowed:
    """Lends the memory of a read-only array; keeps the array alive."""

    def __init__(self, array: np.ndarray):
        self.owner = array
        address, _ = array.__array_interface__["data"]
        self.__array_interface__ = {**array.__array_interface__, "data": (address, False)}
