"""Linear steps before the formula of a penalty, each with its adjoint, which takes the gradient back.

A step maps the input to one line of numbers. A door whose framework differentiates by itself needs the step
alone; it brings its own way to join lines.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossgen.errors import ParameterError, ShapeError
from lossgen.runtime.shapes import MAXIMUM_RANK, is_axis

Join = Callable[[list[Any]], Any]


@dataclass(frozen=True)
class Preparation:
    """A linear step.

    Args:
        apply: `apply(x, axes, join)` → one line; `x` is an array that can be sliced, `join` makes one line of
            a list of arrays.
        adjoint: `adjoint(line, shape, axes)` → an array of the shape, its transposed map.
        default_axes: axes along which it goes.
    """

    apply: Callable[[Any, Sequence[int], Join], Any]
    adjoint: Callable[[np.ndarray, tuple[int, ...], Sequence[int]], np.ndarray]
    default_axes: tuple[int, ...]


def joined(parts: list[np.ndarray]) -> np.ndarray:
    """Arrays as one line."""
    return np.concatenate([part.reshape(-1) for part in parts])


def differences(x: Any, axes: Sequence[int], join: Join = joined) -> Any:
    """x[i + 1] − x[i] along each axis, one axis after the other."""
    rank = len(x.shape)
    return join([x[after(rank, axis)] - x[before(rank, axis)] for axis in axes])


def adjoint_of_differences(line: np.ndarray, shape: tuple[int, ...], axes: Sequence[int]) -> np.ndarray:
    """Each difference added to its second element and subtracted from its first."""
    result, start = np.zeros(shape, line.dtype), 0
    for axis in axes:
        later = result[after(len(shape), axis)]
        part = line[start : start + later.size].reshape(later.shape)
        later += part
        result[before(len(shape), axis)] -= part
        start += part.size
    return result


def after(rank: int, axis: int) -> tuple[slice, ...]:
    """All but the first along an axis."""
    return tuple(slice(1, None) if each == axis % rank else slice(None) for each in range(rank))


def before(rank: int, axis: int) -> tuple[slice, ...]:
    """All but the last along an axis."""
    return tuple(slice(None, -1) if each == axis % rank else slice(None) for each in range(rank))


PREPARATIONS = {"differences": Preparation(differences, adjoint_of_differences, (-3, -2))}


def check_axes(axes: Any) -> tuple[int, ...]:
    """The `axes` argument as a tuple of integers.

    Raises:
        ParameterError: it is neither an integer nor several different ones.
    """
    given = (axes,) if is_axis(axes) else axes
    if isinstance(given, tuple | list) and 0 < len(given) <= MAXIMUM_RANK and all(map(is_axis, given)):
        found = tuple(int(axis) for axis in given)
        if len(set(found)) == len(found):
            return found
    raise ParameterError(f"`axes` must be an integer or several different ones. Received: axes={axes!r}")


def check_axes_of(shape: tuple[int, ...], axes: Sequence[int]) -> None:
    """Refuses a shape without these axes.

    Raises:
        ShapeError: an axis does not exist, or is named twice.
    """
    rank = len(shape)
    if any(not -rank <= axis < rank for axis in axes):
        raise ShapeError(f"`axes` {tuple(axes)} do not all exist in `x`. Received: x of shape {shape}")
    if len({axis % rank for axis in axes}) < len(axes):
        raise ShapeError(f"`axes` {tuple(axes)} name one axis of `x` twice. Received: x of shape {shape}")
