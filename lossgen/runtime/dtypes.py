"""Which dtypes are computed in which: predictions in float32 or float64, targets in whatever they are stored
in.

float16 and bfloat16 predictions are computed in float32 and the result is cast back; integer and boolean
predictions are computed in float64, as NumPy's own functions do.
"""

import numpy as np

from lossgen.errors import DtypeError

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
HALVES = ("float16", "bfloat16")


def check_dtype(dtype) -> str | None:
    """The `dtype` argument of a loss as "float32", "float64" or None.

    Raises:
        DtypeError: anything else.
    """
    if dtype is None:
        return None
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found is not None and found in (FLOAT32, FLOAT64):  # None equals float64 for NumPy
        return found.name
    raise DtypeError(f"`dtype` must be None, 'float32' or 'float64'. Received: dtype={dtype!r}")


def prediction_array(y_pred, dtype: np.dtype | None = None) -> tuple[np.ndarray, np.dtype]:
    """Predictions in the dtype that they are computed in, and the dtype of the results.

    Raises:
        DtypeError: the predictions are no real numbers, or more precise than float64.
    """
    p = y_pred if type(y_pred) is np.ndarray else np.asarray(y_pred)
    given = p.dtype
    if given in (FLOAT32, FLOAT64):
        result = computed = given
    elif given.name in HALVES:
        result, computed = given.newbyteorder("="), FLOAT32
    elif given.name in ("float32", "float64"):  # of another byte order
        result = computed = given.newbyteorder("=")
    elif given.kind in "iub":
        result = computed = FLOAT64
    else:
        raise DtypeError(
            f"`y_pred` must hold real numbers of at most 64 bits. Received: y_pred of dtype {given}"
        )
    if dtype is not None:
        result = computed = dtype
    return (p if given is computed else p.astype(computed)), result


def target_array(y_true) -> np.ndarray:
    """Targets as they are stored; only what Numba cannot read (half precision, other byte orders) is
    converted.

    Raises:
        DtypeError: the targets are no real numbers.
    """
    return numbers_array("y_true", y_true)


def numbers_array(name: str, values) -> np.ndarray:
    """Real numbers of a dtype that kernels can read; `name` is the argument that an error names."""
    array = values if type(values) is np.ndarray else np.asarray(values)
    given = array.dtype
    if given.name in HALVES:
        return array.astype(FLOAT32)
    if given.kind not in "fiub":
        raise DtypeError(f"`{name}` must hold real numbers. Received: {name} of dtype {given}")
    if given.kind == "f" and given.itemsize > 8:
        return array.astype(FLOAT64)
    return array if given.isnative else array.astype(given.newbyteorder("="))
