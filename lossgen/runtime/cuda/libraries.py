"""The libraries whose arrays come in and go out: which stream each works on, how it makes an array.

Only a library that the caller has imported already is used.
"""

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from lossgen.runtime.cuda.arrays import BFLOAT16, name_of
from lossgen.runtime.cuda.toolchain import cuda

DEFAULT_STREAM = 1
"""What interfaces call the default stream of a device (0 is not allowed there)."""


class Library(NamedTuple):
    """What differs between libraries.

    Args:
        stream: `stream(device)` is the stream that the caller has made the current one; None if the library
            has none.
        empty: `empty(shape, dtype, device, stream)` is a new C-contiguous array, its content undefined. Its
            memory comes from the library's own pool and is given back in the order of its stream.
    """

    stream: Callable[[int | None], int] | None
    empty: Callable[[tuple[int, ...], np.dtype, int | None, Any], Any]


def torch_stream(device: int | None) -> int:
    """The current stream of PyTorch."""
    return sys.modules["torch"].cuda.current_stream(device).cuda_stream


def torch_empty(shape: tuple[int, ...], dtype: np.dtype, device: int | None, stream: Any) -> Any:
    """A tensor of PyTorch."""
    torch = sys.modules["torch"]
    return torch.empty(shape, dtype=getattr(torch, name_of(dtype)), device=torch.device("cuda", device))


def cupy_stream(device: int | None) -> int:
    """The current stream of CuPy."""
    cupy = sys.modules["cupy"]
    with cupy.cuda.Device(device):
        return cupy.cuda.get_current_stream().ptr


def cupy_empty(shape: tuple[int, ...], dtype: np.dtype, device: int | None, stream: Any) -> Any:
    """An array of CuPy."""
    cupy = sys.modules["cupy"]
    with cupy.cuda.Device(device):
        return cupy.empty(shape, numpy_dtype(dtype))


def numba_empty(shape: tuple[int, ...], dtype: np.dtype, device: int | None, stream: Any) -> Any:
    """A device array of Numba, bound to the stream that writes it."""
    return cuda.device_array(shape, numpy_dtype(dtype), stream=stream)


def numpy_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype as NumPy has it: bfloat16 is that of ml_dtypes, of which an argument was."""
    return np.dtype(sys.modules["ml_dtypes"].bfloat16) if dtype == BFLOAT16 else dtype


NUMBA = Library(None, numba_empty)
LIBRARIES = {"torch": Library(torch_stream, torch_empty), "cupy": Library(cupy_stream, cupy_empty)}


def library(name: str) -> Library:
    """The library of a name; arrays of unknown ones get Numba's."""
    return LIBRARIES.get(name, NUMBA)
