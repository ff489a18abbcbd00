"""What an exported module has in place of parts of the runtime that know of threads and other libraries.

Linked like the rest of the runtime, so it imports nothing but NumPy, Numba and linked modules.
"""

from math import prod
from typing import Any

import numba
import numpy as np

from lossgen.errors import DtypeError
from lossgen.runtime.own_copies import SelfContained

APART = 64
"""Elements between a very small result and what lies before it: loops would add up in another order there."""


def njit(**options: Any) -> Any:
    """`numba.njit`, whose machine code is kept only where there is a folder for it."""

    def decorate(function: Any) -> Any:
        try:
            return numba.njit(pipeline_class=SelfContained, **options)(function)
        except RuntimeError:
            return numba.njit(pipeline_class=SelfContained, **{**options, "cache": False})(function)

    return decorate


def team() -> tuple[int, int, int]:
    """A team without threads: the caller does all pieces of work, in order."""
    return 0, 0, 1


def new_output(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array for a result, its content undefined."""
    count = prod(shape)
    if count < APART:
        return np.empty(count + APART, dtype)[APART:].reshape(shape)
    return np.empty(shape, dtype)


def unmasked_array(name: str, values: Any) -> np.ndarray:
    """What is given as a NumPy array.

    Raises:
        DtypeError: it is a masked array, whose mask would be lost.
    """
    if isinstance(values, np.ma.MaskedArray):
        raise DtypeError(
            f"`{name}` must not be a masked array: pass its data, and the rows that count as `mask`. "
            f"Received: {name} of type MaskedArray"
        )
    return np.asarray(values)


def warn_of_copies(**arguments: object) -> None:
    """Says nothing of arrays that have to be copied before they can be read."""
