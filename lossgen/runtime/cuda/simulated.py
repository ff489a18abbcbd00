"""What the simulator runs in place of instructions: Python with NumPy's scalars, and where a thread is."""

import threading

import numpy as np

FLOAT = {
    np.dtype(np.float16): np.float32,
    np.dtype(np.uint16): np.float32,  # bfloat16, see `intrinsics`
    np.dtype(np.float32): np.float32,
    np.dtype(np.float64): np.float64,
}


def like(x, number):
    """The number in the arithmetic type of `x`, an array or a scalar."""
    return np.float64(number) if isinstance(x, float) else FLOAT[x.dtype](number)


def wide(number):
    """The number as a float64."""
    return np.float64(number)


def select(condition, a, b):
    """a where the condition holds, else b, in the wider type of both."""
    kind = np.float32 if type(a) is type(b) is np.float32 else np.float64
    return kind(a if condition else b)


def accumulate(total, value):
    """total + value."""
    return total + value


def whole_quotient(i, n):
    """i // n for i ≥ 0 and n > 0."""
    return i // n


# Elements of arrays ---------------------------------------------------------------------------------------


def load(array, i):
    """Element i; of float16 and bfloat16 as a float32."""
    if not 0 <= i < array.size:
        raise IndexError(f"load({i}) of {array.size} elements")
    return _from_memory(array[i])


def load_strided(array, i):
    """Element i, in C order, of an array of any rank and strides."""
    return _from_memory(load_number_strided(array, i))


def load_number_strided(array, i):
    """The same, but uint16 is a whole number."""
    return array[np.unravel_index(i, array.shape)]


def _from_memory(element):
    if element.dtype == np.float16:
        return np.float32(element)
    if element.dtype == np.uint16:
        return (np.uint32(element) << np.uint32(16)).view(np.float32)
    return element


def store(array, i, value):
    """Writes element i, in the type of the array."""
    if not 0 <= i < array.size:
        raise IndexError(f"store({i}) to {array.size} elements")
    array[i] = _bfloat16(np.float32(value)) if array.dtype == np.uint16 else value


def group_of(array):
    """How many elements are loaded at once: 4, of float64 2."""
    return 2 if FLOAT[array.dtype] is np.float64 else 4


def load_four(array, group):
    """Elements 4·group … 4·group + 3."""
    return tuple(load(array, 4 * group + k) for k in range(4))


def load_two(array, group):
    """Elements 2·group and 2·group + 1."""
    return tuple(load(array, 2 * group + k) for k in range(2))


def store_four(array, group, a, b, c, d):
    """Writes elements 4·group … 4·group + 3."""
    for k, value in enumerate((a, b, c, d)):
        store(array, 4 * group + k, value)


def store_two(array, group, a, b):
    """Writes elements 2·group and 2·group + 1."""
    for k, value in enumerate((a, b)):
        store(array, 2 * group + k, value)


def _bfloat16(number):
    """The upper half of the bits, rounded to even; a NaN stays one."""
    bits = int(number.view(np.uint32))
    kept = bits | 0x400000 if number != number else bits + (bits >> 16 & 1) + 0x7FFF
    return np.uint16(kept >> 16)


# Threads --------------------------------------------------------------------------------------------------


class SimulatedCuda:
    """The `cuda` of kernels and device functions: Numba's simulator, asked through the thread that runs.

    Numba exchanges the module `cuda` among the globals of a kernel, and of no other function that it calls.
    """

    def __init__(self, module):
        self.module = module

    def __getattr__(self, name):
        return getattr(self.module, name)

    @property
    def threadIdx(self):
        return threading.current_thread().threadIdx

    @property
    def blockIdx(self):
        return threading.current_thread().blockIdx

    @property
    def blockDim(self):
        return self.module.simulator.kernelapi.Dim3(*threading.current_thread()._manager._block_dim)

    @property
    def gridDim(self):
        return self.module.simulator.kernelapi.Dim3(*threading.current_thread()._manager._grid_dim)

    def grid(self, dimensions):
        """Number of the thread in the grid, for one dimension."""
        thread = threading.current_thread()
        return thread.blockIdx.x * thread._manager._block_dim[0] + thread.threadIdx.x

    def gridsize(self, dimensions):
        """Number of threads of the grid, for one dimension."""
        manager = threading.current_thread()._manager
        return manager._grid_dim[0] * manager._block_dim[0]

    def syncthreads(self):
        """Waits for all threads of the block."""
        threading.current_thread().syncthreads()


def warp_slots(value):
    """Memory of the block for as many numbers as a block has warps."""
    return threading.current_thread()._manager.__dict__.setdefault("warp_slots", {})


def exchanged(value, offset):
    """The value of the thread whose number differs in the bit `offset`, through memory of the block.

    Every other exchange has memory of its own: none writes where a thread may still have to read.
    """
    thread = threading.current_thread()
    place, block = thread.threadIdx.x, thread._manager.__dict__
    counts = block.setdefault("exchanges", {})
    counts[place] = counts.get(place, 0) + 1
    values = block.setdefault(f"exchanged {counts[place] % 2}", {})
    values[place] = value
    thread.syncthreads()
    return values[place ^ offset]
