"""Callers' device arrays as one description: where they lie, their shape, strides, dtype and device.

Nothing is copied and nothing of CUDA is imported here; whose library makes new arrays and which stream it
works on is in `libraries`.
"""

from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from lossgen.errors import DeviceError, DtypeError
from lossgen.runtime.dtypes import stored_dtype
from lossgen.runtime.elsewhere import is_on_device, library_of, lies_on_device

__all__ = ["BFLOAT16", "DeviceArray", "described", "is_on_device", "name_of", "overlap"]


BFLOAT16 = np.dtype([("bfloat16", "<u2")])
"""Stands for bfloat16, of which NumPy has no dtype: two bytes. Kernels take such arrays as uint16."""


@dataclass(frozen=True, eq=False, slots=True)
class DeviceArray:
    """An array in the memory of a device, as its interface describes it.

    Args:
        owner: the caller's object, which keeps the memory alive.
        address: where the first element lies; 0 if there are none.
        shape: sizes of the axes.
        strides: in bytes; None where the array is C-contiguous.
        dtype: what its elements are.
        library: "torch", "cupy", "numba" or "unknown".
        device: number of the device; None where the array does not say it.
        stream: the stream that writes it, as its interface says it: 1 and 2 mean the default streams; None
            where there is nothing to wait for.
        writeable: whether results may be written to it.
    """

    owner: Any
    address: int
    shape: tuple[int, ...]
    strides: tuple[int, ...] | None
    dtype: np.dtype
    library: str
    device: int | None
    stream: int | None = None
    writeable: bool = True

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def contiguous(self) -> bool:
        """Whether the elements lie one after the other."""
        return self.strides is None

    def all_strides(self) -> tuple[int, ...]:
        """The strides in bytes, also of a contiguous array."""
        return contiguous_strides(self.shape, self.dtype.itemsize) if self.strides is None else self.strides

    def with_axes(self, shape: tuple[int, ...]) -> "DeviceArray":
        """The array in a shape that differs by axes of size 1 (if contiguous: in any shape of its size)."""
        if self.strides is None or shape == self.shape:
            return replace(self, shape=shape)
        kept = iter(stride for size, stride in zip(self.shape, self.strides, strict=True) if size != 1)
        return strided(self, shape, tuple(0 if size == 1 else next(kept) for size in shape))

    def broadcast(self, shape: tuple[int, ...]) -> "DeviceArray":
        """The array repeated along axes of size 1 and new leading ones, as `numpy.broadcast_to` has it."""
        if shape == self.shape:
            return self
        new = (0,) * (len(shape) - len(self.shape))
        own = zip(self.shape, self.all_strides(), shape[len(new) :], strict=True)
        return strided(
            self, shape, new + tuple(0 if size != wanted else stride for size, stride, wanted in own)
        )

    def transposed(self, order: tuple[int, ...]) -> "DeviceArray":
        """The array with its axes in another order."""
        strides = self.all_strides()
        shape = tuple(self.shape[axis] for axis in order)
        return strided(self, shape, tuple(strides[axis] for axis in order))

    def part(self, axis: int, start: int, stop: int) -> "DeviceArray":
        """The indices from `start` until `stop` of one axis."""
        strides = self.all_strides()
        shape = tuple(stop - start if each == axis else size for each, size in enumerate(self.shape))
        moved = replace(self, address=self.address + start * strides[axis])
        return strided(moved, shape, strides)


def strided(array: DeviceArray, shape: tuple[int, ...], strides: tuple[int, ...]) -> DeviceArray:
    """The same memory in another shape and with other strides."""
    return replace(array, shape=shape, strides=necessary(shape, strides, array.dtype.itemsize))


def contiguous_strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """The strides of a C-contiguous array in bytes."""
    strides, step = [], itemsize
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


def necessary(shape: tuple[int, ...], strides: Any, itemsize: int) -> tuple[int, ...] | None:
    """The strides, or None where they are those of a C-contiguous array; axes of size 1 may have any."""
    if strides is None or 0 in shape:
        return None
    wanted = contiguous_strides(shape, itemsize)
    same = all(size == 1 or one == two for size, one, two in zip(shape, strides, wanted, strict=True))
    return None if same else tuple(int(stride) for stride in strides)


def described(name: str, array: Any) -> DeviceArray:
    """The description of a caller's device array.

    Args:
        name: what messages call it.

    Raises:
        DeviceError: it does not lie on a device.
        DtypeError: it holds no real numbers, or is masked.
    """
    if not lies_on_device(array):
        raise DeviceError(f"`{name}` must lie on a device. Received: {name} of type {type(array).__name__}")
    library = library_of(type(array))
    if library == "numba" and not hasattr(array, "__cuda_array_interface__"):
        return of_simulator(name, array)
    interface = array.__cuda_array_interface__
    if not isinstance(interface, dict) or not {"shape", "typestr", "data"} <= interface.keys():
        raise DtypeError(
            f"`{name}` must have a `__cuda_array_interface__` that is a dictionary with `shape`, `typestr` "
            f"and `data`. Received: {name} of type {type(array).__name__} with {interface!r}"
        )
    if interface.get("mask") is not None:
        raise DtypeError(
            f"`{name}` must not be a masked array: pass its data, and the rows that count as `mask`. "
            f"Received: {name} of type {type(array).__name__}"
        )
    dtype = dtype_of(name, interface["typestr"], array)
    shape = tuple(int(size) for size in interface["shape"])
    address, locked = interface["data"]
    return DeviceArray(
        owner=array,
        address=int(address or 0),
        shape=shape,
        strides=necessary(shape, interface.get("strides"), dtype.itemsize),
        dtype=dtype,
        library=library,
        device=device_of(array),
        stream=interface.get("stream"),
        writeable=not locked,
    )


def of_simulator(name: str, array: Any) -> DeviceArray:
    """The description of an array of Numba's simulator, which has no interface: a NumPy array inside."""
    inner = array._ary
    return DeviceArray(
        owner=array,
        address=inner.ctypes.data,
        shape=inner.shape,
        strides=necessary(inner.shape, inner.strides, inner.dtype.itemsize),
        dtype=dtype_of(name, inner.dtype.str, array),
        library="numba",
        device=0,
        writeable=inner.flags.writeable,
    )


def dtype_of(name: str, text: str, array: Any) -> np.dtype:
    """The dtype that an interface names.

    Raises:
        DtypeError: it is none of real numbers in the byte order of the machine.
    """
    own = str(getattr(array, "dtype", ""))
    if text == "<V2" and own.endswith("bfloat16"):  # bfloat16 has no type string of its own
        return BFLOAT16
    dtype = np.dtype(text)
    if stored_dtype(dtype) is None or not dtype.isnative or dtype.itemsize > 8:
        raise DtypeError(f"`{name}` must hold real numbers. Received: {name} of dtype {own or dtype}")
    return dtype


def name_of(dtype: np.dtype) -> str:
    """What messages call a dtype."""
    return "bfloat16" if dtype == BFLOAT16 else dtype.name


def device_of(array: Any) -> int | None:
    """The number of the device on which a library's array lies, where the array says it."""
    device = getattr(array, "device", None)
    for number in (device, getattr(device, "index", None), getattr(device, "id", None)):
        if isinstance(number, int | np.integer):
            return int(number)
    context = getattr(getattr(array, "gpu_data", None), "context", None)
    return getattr(getattr(context, "device", None), "id", None)


def overlap(one: DeviceArray, two: DeviceArray) -> bool:
    """Whether the memory between the first and the last element of two arrays is partly the same."""
    (first, last), (start, stop) = extent(one), extent(two)
    return first < stop and start < last


def extent(array: DeviceArray) -> tuple[int, int]:
    """The addresses before which and from which on no byte belongs to the array."""
    if not array.size:
        return array.address, array.address
    reach = [stride * (size - 1) for size, stride in zip(array.shape, array.all_strides(), strict=True)]
    low = sum(step for step in reach if step < 0)
    high = sum(step for step in reach if step > 0)
    return array.address + low, array.address + high + array.dtype.itemsize
