"""The memories of the machine: arrays in global memory, what a block shares, what a thread has for itself.

Every access is checked: it lies in one array, is aligned to its size, and, in shared memory, is separated by
a barrier from another thread's access to the same bytes.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

BASE = 0x7F00_0000_0000
GUARD = 256
SECTOR = 32


class MemoryFault(Exception):
    """An access outside of all arrays, or one that is not aligned."""


class Race(Exception):
    """Two threads of a block touch the same shared bytes without a barrier between, and one writes."""


@dataclass
class DeviceArray:
    """An array in global memory, and what was done to it.

    Attributes:
        name: what errors call it.
        address: of its first byte.
        dtype, size: as of a NumPy array of one dimension.
        reads, writes: how many times each byte was read and written.
        loads, stores: number of instructions that threads executed, by their size in bytes.
        requested, sectors: bytes that warps loaded or stored, and 32-byte sectors that they touched for it.
    """

    name: str
    address: int
    dtype: np.dtype
    size: int
    reads: np.ndarray
    writes: np.ndarray
    loads: Counter = field(default_factory=Counter)
    stores: Counter = field(default_factory=Counter)
    requested: int = 0
    sectors: int = 0

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize


class DeviceMemory:
    """Global memory."""

    def __init__(self, size: int = 1 << 20):
        self.bytes = np.zeros(size, np.uint8)
        self.owner = np.full(size, -1, np.int16)
        self.arrays: list[DeviceArray] = []
        self.used = GUARD

    def put(self, values: np.ndarray, name: str = "", offset: int = 0) -> DeviceArray:
        """Copies an array of one dimension there.

        Args:
            values: the array.
            name: what errors call it.
            offset: bytes behind an address that is a multiple of 256; with it the array is less aligned.
        """
        start = -(-self.used // GUARD) * GUARD + offset
        size = values.nbytes
        if start + size + GUARD > len(self.bytes):
            raise MemoryError(f"the machine has {len(self.bytes)} bytes of global memory")
        counts = np.zeros(size, np.int32), np.zeros(size, np.int32)
        array = DeviceArray(name, BASE + start, values.dtype, values.size, *counts)
        self.bytes[start : start + size] = np.ascontiguousarray(values).view(np.uint8)
        self.owner[start : start + size] = len(self.arrays)
        self.arrays.append(array)
        self.used = start + size + GUARD
        return array

    def get(self, array: DeviceArray) -> np.ndarray:
        """A copy of what the array holds."""
        start = array.address - BASE
        return self.bytes[start : start + array.nbytes].copy().view(array.dtype)

    def load(self, addresses: np.ndarray, unit: np.dtype, count: int, warps: np.ndarray) -> np.ndarray:
        """`count` neighbouring units from each address: (addresses, count)."""
        offsets, array = self._checked(addresses, unit.itemsize * count, "load")
        places = offsets[:, None] + np.arange(unit.itemsize * count)
        np.add.at(array.reads, places - (array.address - BASE), 1)
        array.loads[unit.itemsize * count] += len(addresses)
        self._count_sectors(array, offsets, unit.itemsize * count, warps)
        return self.bytes[places].view(unit)

    def store(self, addresses: np.ndarray, values: np.ndarray, warps: np.ndarray) -> None:
        """Writes (addresses, count) units."""
        size = values.itemsize * values.shape[1]
        offsets, array = self._checked(addresses, size, "store")
        places = offsets[:, None] + np.arange(size)
        np.add.at(array.writes, places - (array.address - BASE), 1)
        array.stores[size] += len(addresses)
        self._count_sectors(array, offsets, size, warps)
        self.bytes[places] = np.ascontiguousarray(values).view(np.uint8)

    def _checked(self, addresses, size: int, what: str) -> tuple[np.ndarray, DeviceArray]:
        offsets = (addresses - np.uint64(BASE)).astype(np.int64)
        if (offsets % size).any():
            raise MemoryFault(f"a {what} of {size} bytes is not aligned: {int(addresses[0]):#x}")
        inside = (offsets >= 0) & (offsets + size <= len(self.bytes))
        if not inside.all():
            raise MemoryFault(f"a {what} outside of global memory: {int(addresses[~inside][0]):#x}")
        owners, last = self.owner[offsets], self.owner[offsets + size - 1]
        outside = (owners < 0) | (owners != owners[0]) | (last != owners)
        if outside.any():
            wrong = int(addresses[np.argmax(outside)])
            nearest = min(self.arrays, key=lambda array: abs(array.address - wrong))
            raise MemoryFault(
                f"a {what} of {size} bytes lies outside of the arrays, {wrong - nearest.address} bytes from "
                f"the beginning of {nearest.name or 'an array'}, which has {nearest.nbytes}"
            )
        return offsets, self.arrays[owners[0]]

    @staticmethod
    def _count_sectors(array: DeviceArray, offsets, size: int, warps) -> None:
        """One instruction of a warp moves whole sectors of 32 bytes, each once; no access crosses one."""
        array.requested += size * len(offsets)
        array.sectors += len(np.unique(warps * (1 << 40) + offsets // SECTOR))


class BlockMemory:
    """Shared memory of every block of a grid, one after the other in one array."""

    def __init__(self, blocks: int, size: int):
        self.size = size
        self.bytes = np.zeros((blocks, max(size, 1)), np.uint8)
        self.writer = np.full(self.bytes.shape, -1, np.int64)
        self.reader = np.full(self.bytes.shape, -1, np.int64)  # -2: several

    def barrier(self, blocks: np.ndarray) -> None:
        """What was written before is there for all: no race with it any more."""
        self.writer[blocks] = -1
        self.reader[blocks] = -1

    def load(self, addresses, unit: np.dtype, count: int, blocks, threads) -> np.ndarray:
        """As of `DeviceMemory`, for threads of blocks."""
        at = self._places(addresses, unit.itemsize * count, blocks)
        writer = self.writer[at]
        if ((writer >= 0) & (writer != threads[:, None])).any():
            raise Race("a thread reads shared memory that another one wrote since the last barrier")
        before = self.reader[at]
        new = np.where((before == -1) | (before == threads[:, None]), threads[:, None], -2)
        self.reader[at] = new
        shared = self.reader[at] != new  # two threads of this very instruction
        self.reader[at[0][shared], at[1][shared]] = -2
        return self.bytes[at].view(unit)

    def store(self, addresses, values: np.ndarray, blocks, threads) -> None:
        """As of `DeviceMemory`, for threads of blocks."""
        at = self._places(addresses, values.itemsize * values.shape[1], blocks)
        for others in (self.writer[at], self.reader[at]):
            if ((others != -1) & (others != threads[:, None])).any():
                raise Race("a thread writes shared memory that another one used since the last barrier")
        self.writer[at] = threads[:, None]
        if (self.writer[at] != threads[:, None]).any():
            raise Race("two threads write the same place of shared memory")
        self.bytes[at] = np.ascontiguousarray(values).view(np.uint8)

    def _places(self, addresses, size: int, blocks) -> tuple[np.ndarray, np.ndarray]:
        offsets = addresses.astype(np.int64)
        if (offsets % size).any() or (offsets < 0).any() or (offsets + size > self.size).any():
            raise MemoryFault(f"an access of {size} bytes outside of shared memory, or not aligned")
        return np.broadcast_arrays(blocks[:, None], offsets[:, None] + np.arange(size))


class ThreadMemory:
    """What every thread has for itself: the stack."""

    def __init__(self, threads: int, size: int):
        self.bytes = np.zeros((threads, max(size, 1)), np.uint8)

    def load(self, addresses, unit: np.dtype, count: int, threads) -> np.ndarray:
        return self.bytes[self._places(addresses, unit.itemsize * count, threads)].view(unit)

    def store(self, addresses, values: np.ndarray, threads) -> None:
        size = values.itemsize * values.shape[1]
        self.bytes[self._places(addresses, size, threads)] = np.ascontiguousarray(values).view(np.uint8)

    def _places(self, addresses, size: int, threads):
        return threads[:, None], addresses.astype(np.int64)[:, None] + np.arange(size)
