"""Where the arrays of a call lie: in this process's memory, in Dask's blocks, on a GPU. Told by their types.

This module imports nothing but NumPy: what computes with arrays of another kind is imported when one arrives.
"""

from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np

ORDINARY = frozenset({np.ndarray, type(None), float, int, bool, list, tuple, np.float32, np.float64})
"""The types that most arguments have; nothing more is asked of them."""


def evaluation_elsewhere(*arrays: Any) -> ModuleType | None:
    """What computes a call whose arguments are not all ordinary arrays: a module with the functions `value`,
    `losses`, `value_and_gradient` and `sum_and_weight`; None where they are.
    """
    others = [each for each in arrays if type(each) not in ORDINARY]
    if not others:
        return None
    found = device_evaluation(*others)
    if found is None and is_of_dask(*others):
        from lossgen import dask

        return dask
    return found


def device_evaluation(*arrays: Any) -> ModuleType | None:
    """What computes a call with device arrays, `lossgen.runtime.cuda.evaluation`; None if there are none."""
    if not is_on_device(*arrays):
        return None
    from lossgen.runtime.cuda import evaluation

    return evaluation


def is_on_device(*arrays: Any) -> bool:
    """Whether one of the arguments is an array in the memory of a GPU; nothing is imported to find out."""
    return any(type(each) not in ORDINARY and lies_on_device(each) for each in arrays)


def is_of_dask(*arrays: Any) -> bool:
    """Whether one of the arguments is Dask's."""
    return any(library_of(type(each)) == "dask" for each in arrays)


def lies_on_device(array: Any) -> bool:
    """Whether an object is an array in the memory of a GPU."""
    library = library_of(type(array))
    if library == "torch":
        return bool(getattr(array, "is_cuda", False))
    return library in ("cupy", "numba") or (
        library == "unknown" and getattr(array, "__cuda_array_interface__", None) is not None
    )


@lru_cache(maxsize=256)
def library_of(kind: type) -> str:
    """The library whose arrays a type's instances are: "numpy", "dask", "torch", "cupy", "numba" (arrays on a
    device) or "unknown".
    """
    if issubclass(kind, np.ndarray | np.generic) or kind in ORDINARY:
        return "numpy"
    homes = {base.__module__.partition(".")[0] for base in kind.__mro__}
    for library in ("torch", "cupy", "dask"):
        if library in homes:
            return library
    return "numba" if getattr(kind, "__cuda_ndarray__", False) else "unknown"
