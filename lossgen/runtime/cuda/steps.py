"""Small steps on a device: copies, constants, sums. Each starts one kernel of the runtime."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from lossgen.runtime.cuda import kernels
from lossgen.runtime.cuda.arrays import DeviceArray, extent
from lossgen.runtime.cuda.elementwise import write_strided
from lossgen.runtime.cuda.grid import grid, line_blocks
from lossgen.runtime.cuda.kernels import copy_strided, sum_partials
from lossgen.runtime.cuda.site import Site, span, strided_view

UINT16 = np.dtype(np.uint16)
INT32 = np.dtype(np.int32)


def line_kernel(site: Site, kernel: Callable, *arguments: Any) -> None:
    """Starts a kernel of one thread an element of its last argument; none where it has no elements."""
    size = arguments[-1].size
    if size:
        site.launch(kernel, line_blocks(size), grid.threads, *arguments)


def fill(site: Site, array: DeviceArray, value: float) -> None:
    """Sets every element of a contiguous array."""
    if array.size:
        site.launch(kernels.fill, line_blocks(array.size), grid.threads, array, value)


def number(site: Site, value: float, dtype: np.dtype) -> Any:
    """A number as an array of no dimensions of the caller's library."""
    found = site.empty((), dtype)
    fill(site, found, value)
    return found.owner


def total_of(site: Site, partials: DeviceArray | None, dtype: np.dtype) -> Any:
    """The sum of a line as an array of no dimensions of the caller's library; 0 for None."""
    if partials is None:
        return number(site, 0.0, dtype)
    found = site.empty((), dtype)
    site.launch(sum_partials, 1, grid.threads, partials, partials.size, 1.0, found)
    return found.owner


def contiguous(site: Site, array: DeviceArray, dtype: np.dtype | None = None) -> DeviceArray:
    """The array C-contiguous and in a dtype (None: its own), itself if it is so already.

    Integers of uint16 become int32, because kernels take uint16 for bfloat16.
    """
    wanted = dtype or (INT32 if array.dtype == UINT16 else array.dtype)
    if array.contiguous and wanted == array.dtype:
        return array
    site.copied.add(id(array.owner))
    found = site.empty(array.shape, wanted)
    copy_to(site, array, found)
    return found


def copy_to(site: Site, source: DeviceArray, target: DeviceArray) -> None:
    """Copies an array into another of the same shape; each may have any strides and dtype.

    Neither is uint16, unless it is bfloat16.
    """
    if not source.size:
        return
    if not target.contiguous:
        write_to(site, contiguous(site, source, target.dtype), target)
        return
    numbers = True if source.dtype == UINT16 else None
    blocks = line_blocks(source.size)
    site.launch(copy_strided, blocks, grid.threads, strided_view(collapsed(source)), numbers, target)


def write_to(site: Site, source: DeviceArray, target: DeviceArray) -> None:
    """Copies a contiguous array into one of any strides."""
    first, last = extent(target)
    size = target.dtype.itemsize
    memory = span(target, first, (last - first) // size)
    steps = tuple(step // size for step in target.all_strides())
    site.launch(
        write_strided, line_blocks(source.size), grid.threads, source, memory,
        (target.address - first) // size, target.shape, steps,
    )  # fmt: skip


def collapsed(array: DeviceArray) -> DeviceArray:
    """The array with neighbouring axes joined where the elements go on evenly; of rank 1 at least."""
    axes: list[tuple[int, int]] = []
    for size, stride in zip(array.shape, array.all_strides(), strict=True):
        if size == 1:
            continue
        if axes and axes[-1][1] == size * stride:
            axes[-1] = axes[-1][0] * size, stride
        else:
            axes.append((size, stride))
    axes = axes or [(1, array.dtype.itemsize)]
    return replace(array, shape=tuple(size for size, _ in axes), strides=tuple(step for _, step in axes))
