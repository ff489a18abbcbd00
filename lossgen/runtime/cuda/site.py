"""The device and the stream of one call: launches, new arrays, waiting for other streams, reading back."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import lru_cache
from typing import Any

import numpy as np

from lossgen.runtime.cuda.arrays import BFLOAT16, DeviceArray, described
from lossgen.runtime.cuda.libraries import DEFAULT_STREAM, library
from lossgen.runtime.cuda.toolchain import SIMULATED, cuda, require_device


class Site:
    """Where the work of one call happens.

    It is the current stream of the library of the predictions; for arrays of Numba, and of libraries that
    have no current stream, the stream that the predictions are bound to, else the default one. As a context
    it makes the device current, waits (on the device, not here) for the streams on which the other arguments
    were written, and has those wait at the end until the arguments were read.

    Args:
        predictions: the argument whose library and device all results have.
        others: all arrays.

    Attributes:
        copied: `id` of the objects whose memory was copied to be read.
    """

    def __init__(self, predictions: DeviceArray, others: Sequence[DeviceArray] = ()):
        devices = (each.device for each in (predictions, *others))
        self.device = next((device for device in devices if device is not None), None)
        self.library = library(predictions.library)
        self.name = predictions.library
        self.arguments = (predictions, *others)
        self.handle = current_stream(predictions)
        self.stream: Any = 0
        self.copied: set[int] = set()

    def __enter__(self) -> "Site":
        with ExitStack() as entered:
            if self.device is not None:
                entered.enter_context(cuda.gpus[self.device])
            require_device()
            if self.device is None and not SIMULATED:  # an array that does not say where it lies
                self.device = cuda.get_current_device().id
            self.stream = stream_of(self.handle, self.device)
            handles = {current_stream(array) for array in self.arguments} | {
                array.stream for array in self.arguments if array.stream is not None
            }
            foreign = [stream_of(handle, self.device) for handle in sorted(handles - {self.handle})]
            for stream in foreign:
                follow(stream, self.stream)
                entered.callback(follow, self.stream, stream)
            self.leaving = entered.pop_all()
        return self

    def __exit__(self, *reason: Any) -> None:
        self.leaving.__exit__(*reason)

    def empty(self, shape: tuple[int, ...], dtype: np.dtype) -> DeviceArray:
        """A new array of the caller's library, its content undefined."""
        return described("out", self.library.empty(shape, dtype, self.device, self.stream))

    def launch(self, kernel: Callable, blocks: Any, threads: int, *arguments: Any) -> None:
        """Starts a kernel; device arrays among the arguments are passed as lines."""
        passed = [line(one) if isinstance(one, DeviceArray) else one for one in arguments]
        kernel[blocks, threads, self.stream](*passed)

    def read(self, array: DeviceArray) -> np.ndarray:
        """The content of a contiguous array as one line in this process; waits for all work on the stream."""
        found = line(array).copy_to_host(stream=self.stream)
        if self.stream and not SIMULATED:
            self.stream.synchronize()
        return found

    def upload(self, values: np.ndarray) -> Any:
        """A line of numbers on the device, as kernels take it; waits until they are there."""
        found = cuda.to_device(values, stream=self.stream)
        if self.stream and not SIMULATED:
            self.stream.synchronize()
        return found


def current_stream(array: DeviceArray) -> int:
    """The stream on which the library of an array works at present."""
    find = library(array.library).stream
    handle = array.stream if find is None else find(array.device)
    return handle or DEFAULT_STREAM


def stream_of(handle: int, device: int | None) -> Any:
    """Numba's form of a stream that an interface names."""
    return 0 if SIMULATED else _stream(handle, device)


@lru_cache(maxsize=256)
def _stream(handle: int, device: int | None) -> Any:
    """The same object for the same stream: kernels remember how they were launched."""
    if handle == DEFAULT_STREAM:
        return cuda.legacy_default_stream()
    return cuda.per_thread_default_stream() if handle == 2 else cuda.external_stream(handle)


def follow(first: Any, second: Any) -> None:
    """Has what is put on the second stream from now on wait for what is on the first."""
    event = cuda.event(timing=False) if not SIMULATED else cuda.event()
    event.record(first)
    event.wait(second)


def line(array: DeviceArray) -> Any:
    """A contiguous array as a 1-D array of Numba in the same memory."""
    return span(array, array.address, array.size)


def span(array: DeviceArray, address: int, size: int) -> Any:
    """Elements of an array's dtype from an address on as a 1-D array of Numba."""
    return view(Lent(array, address, (size,), None))


def strided_view(array: DeviceArray) -> Any:
    """An array as one of Numba, with its shape and strides."""
    return view(Lent(array, array.address, array.shape, array.strides))


def view(lent: "Lent") -> Any:
    """Memory as an array of Numba; in the simulator, whose device is the process, one of NumPy inside."""
    if SIMULATED:
        from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

        return FakeCUDAArray(np.asarray(lent))
    return cuda.from_cuda_array_interface(lent.__array_interface__, owner=lent, sync=False)


class Lent:
    """Memory of an array as an interface describes it; keeps the owner alive."""

    def __init__(
        self, array: DeviceArray, address: int, shape: tuple[int, ...], strides: tuple[int, ...] | None
    ):
        self.owner = array.owner
        self.__array_interface__ = {
            "shape": shape,
            "strides": strides,
            "typestr": "<u2" if array.dtype == BFLOAT16 else array.dtype.str,
            "data": (address, False),
            "version": 3,
        }
