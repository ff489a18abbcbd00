"""Which dtypes are computed in which: predictions in float32 or float64, targets in whatever they are stored
in.

float16 and bfloat16 predictions are computed in float32 and the result is cast back; integer and boolean
predictions are computed in float64, as NumPy's own functions do.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from lossgen.errors import DtypeError
from lossgen.runtime.elsewhere import is_of_dask

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
HALVES = ("float16", "bfloat16")


def check_dtype(dtype: DTypeLike | None) -> str | None:
    """The `dtype` argument of a loss as "float32", "float64" or None.

    Raises:
        DtypeError: anything else.
    """
    if dtype is None:
        return None
    try:
        found = np.dtype(dtype)
    except (TypeError, ValueError, OverflowError, SyntaxError):  # NumPy parses descriptions of records, too
        found = None
    if found is not None and found in (FLOAT32, FLOAT64):  # None equals float64 for NumPy
        return found.name
    raise DtypeError(f"`dtype` must be None, 'float32' or 'float64'. Received: dtype={dtype!r}")


def prediction_array(
    y_pred: Any, dtype: np.dtype | None = None, name: str = "y_pred"
) -> tuple[np.ndarray, np.dtype]:
    """Predictions in the dtype that they are computed in, and the dtype of the results.

    Args:
        name: what messages call the array.

    Raises:
        DtypeError: the predictions are no real numbers, or more precise than float64.
    """
    p = y_pred if type(y_pred) is np.ndarray else unmasked_array(name, y_pred)
    computed, result = prediction_dtypes(p.dtype, name)
    if dtype is not None:
        computed = result = dtype
    return (p if p.dtype is computed else p.astype(computed, copy=False)), result


@lru_cache
def prediction_dtypes(given: np.dtype, name: str = "y_pred") -> tuple[np.dtype, np.dtype]:
    """What predictions of a dtype are computed in, and the dtype of the results."""
    if given.name in HALVES:
        return FLOAT32, given.newbyteorder("=")
    if given.name in ("float32", "float64"):
        return np.dtype(given.name), np.dtype(given.name)
    if given.kind in "iub":
        return FLOAT64, FLOAT64
    raise DtypeError(f"`{name}` must hold real numbers of at most 64 bits. Received: {name} of dtype {given}")


def unmasked_array(name: str, values: Any) -> np.ndarray:
    """What is given as a NumPy array.

    Raises:
        DtypeError: it is a masked array, whose mask would be lost, or Dask's, which would all be read into
            memory.
    """
    if is_of_dask(values):
        raise DtypeError(
            f"`{name}` must not be a Dask array, which would all be computed into memory: call this on "
            f"its blocks, in `dask.array.map_blocks`, or pass {name}.compute(). "
            f"Received: {name} of type {type(values).__name__}"
        )
    if isinstance(values, np.ma.MaskedArray):
        raise DtypeError(
            f"`{name}` must not be a masked array: pass its data, and the rows that count as `mask`. "
            f"Received: {name} of type MaskedArray"
        )
    return np.asarray(values)


def numbers_array(name: str, values: Any) -> np.ndarray:
    """Real numbers as they are stored; only what Numba cannot read (halves, other byte orders) is converted.

    Raises:
        DtypeError: the values are no real numbers; names the argument `name`.
    """
    array = values if type(values) is np.ndarray else unmasked_array(name, values)
    stored = stored_dtype(array.dtype)
    if stored is None:
        raise DtypeError(f"`{name}` must hold real numbers. Received: {name} of dtype {array.dtype}")
    return array if array.dtype is stored else array.astype(stored, copy=False)


@lru_cache
def stored_dtype(given: np.dtype) -> np.dtype | None:
    """The dtype in which kernels read numbers of a dtype; None for what holds no real numbers."""
    if given.name in HALVES:
        return FLOAT32
    if given.kind not in "fiub":
        return None
    if given.kind == "f" and given.itemsize > 8:
        return FLOAT64
    return given.newbyteorder("=")
