"""Device arrays for tests: Numba's, and likenesses of other libraries' in the memory of the simulator.

The likenesses do what lossgen asks of the libraries, and note it.
"""

import contextlib
from types import ModuleType, SimpleNamespace

import numpy as np
import simulator

from lossgen.runtime.cuda.toolchain import SIMULATED, cuda

if SIMULATED:
    simulator.install()


def device(array, *dtype):
    """An array of Numba on the device; None and numbers stay what they are."""
    if array is None or isinstance(array, float | int):
        return array
    return cuda.to_device(np.array(array, *dtype))


def as_it_lies(array):
    """An array of the simulator in the memory of an array, with its strides."""
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

    return FakeCUDAArray(array)


def host(result):
    """A result on the host."""
    if isinstance(result, tuple):
        return tuple(map(host, result))
    if isinstance(result, Likeness):
        return result.memory.copy()
    return result.copy_to_host() if hasattr(result, "copy_to_host") else result


class Likeness:
    """An array whose memory a device could have.

    Args:
        memory: what it holds.
        number: of the device.
        stream: what its interface says of a stream.
        version: of the interface.
    """

    def __init__(self, memory, number=0, stream=None, version=3, locked=False):
        self.memory, self.number, self.version = memory, number, version
        self.locked = locked
        self.written_by = stream

    @property
    def shape(self):
        return self.memory.shape

    @property
    def dtype(self):
        return self.memory.dtype

    @property
    def address(self):
        return self.memory.ctypes.data

    def typestr(self):
        return self.memory.dtype.str

    @property
    def __cuda_array_interface__(self):
        memory = self.memory
        found = {
            "shape": memory.shape,
            "typestr": self.typestr(),
            "data": (memory.ctypes.data if memory.size else 0, self.locked),
            "version": self.version,
            "strides": None if memory.flags.c_contiguous else memory.strides,
        }
        return found if self.version < 3 else {**found, "stream": self.written_by}


class Plain(Likeness):
    """An array of a library that lossgen does not know."""


class Tensor(Likeness):
    """A likeness of torch.Tensor: version 2 of the interface, a dtype of its own."""

    __module__ = "torch"

    def __init__(self, memory, number=0, dtype=None, on_device=True):
        super().__init__(memory, number, version=2)
        self.is_cuda, self.own = on_device, dtype or memory.dtype.name

    @property
    def device(self):
        return SimpleNamespace(type="cuda", index=self.number)

    @property
    def dtype(self):
        return f"torch.{self.own}"

    def typestr(self):
        return "<V2" if self.own == "bfloat16" else super().typestr()


class Ndarray(Likeness):
    """A likeness of cupy.ndarray."""

    __module__ = "cupy"

    @property
    def device(self):
        return SimpleNamespace(id=self.number)


def torch_module(stream=0):
    """A likeness of the module torch.

    Args:
        stream: the current one, 0 for the default stream.
    """
    module = ModuleType("torch")
    module.made = []
    for name in ("float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64"):
        setattr(module, name, name)

    def empty(shape, dtype, device):
        stored = np.uint16 if dtype == "bfloat16" else dtype
        module.made.append(Tensor(np.empty(shape, stored), device.index, dtype))
        return module.made[-1]

    module.empty = empty
    module.device = lambda kind, index: SimpleNamespace(type=kind, index=index)
    module.cuda = SimpleNamespace(current_stream=lambda device: SimpleNamespace(cuda_stream=stream))
    return module


def cupy_module(stream=0):
    """A likeness of the module cupy."""
    module = ModuleType("cupy")
    module.made, module.devices = [], []

    def empty(shape, dtype):
        module.made.append(Ndarray(np.empty(shape, dtype), module.devices[-1]))
        return module.made[-1]

    @contextlib.contextmanager
    def on(number):
        module.devices.append(number)
        yield
        module.devices.pop()

    module.empty = empty
    module.cuda = SimpleNamespace(Device=on, get_current_stream=lambda: SimpleNamespace(ptr=stream))
    return module


KINDS = {"numba": as_it_lies, "torch": Tensor, "cupy": Ndarray, "unknown": Plain}
"""How an array of each library is made of one on the host."""
