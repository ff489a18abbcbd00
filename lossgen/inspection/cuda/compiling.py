"""CUDA kernels → PTX for any compute capability, on a machine without a GPU or a driver."""

import threading
from collections.abc import Callable
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from types import SimpleNamespace

from lossgen.errors import CompileError, MissingLibraryError

_one_compiler = threading.Lock()  # the current device is a setting of the whole process


def compiled(kernel: Callable, types_of_arguments: tuple, capability: tuple[int, int]) -> str:
    """The PTX of a kernel for arguments of these types.

    Args:
        kernel: a kernel of a generated module, or the Python function behind one.
        types_of_arguments: Numba types.
        capability: compute capability, `(9, 0)`.

    Raises:
        MissingLibraryError: the compiler is not there, or the simulator takes its place.
        CompileError: the compiler refuses the kernel.
    """
    from lossgen.runtime.cuda.compiling import exact_products
    from lossgen.runtime.cuda.toolchain import SIMULATED, cuda, types

    if SIMULATED:
        raise MissingLibraryError("NUMBA_ENABLE_CUDASIM is set: the simulator compiles no kernels; unset it")
    function = getattr(kernel, "py_func", kernel)
    with _one_compiler, _device_of(capability), exact_products():
        _check_compiler()
        try:
            ptx, _ = cuda.compile_ptx(function, types.void(*types_of_arguments), cc=capability)
        except Exception as error:
            raise CompileError(f"{function.__name__} does not compile for CUDA: {_line(error)}") from error
    return ptx


@cache
def _check_compiler() -> None:
    """Compiles a kernel that does almost nothing: what is missing, says whichever package misses it.

    Raises:
        MissingLibraryError: NVIDIA's compiler library is not there, or does not fit.
    """
    from lossgen.runtime.cuda.intrinsics import load, store
    from lossgen.runtime.cuda.toolchain import INSTALL, cuda, types

    def copy(array):
        store(array, 0, load(array, 1))

    try:
        cuda.compile_ptx(copy, types.void(types.Array(types.float32, 1, "C")), cc=(9, 0))
    except Exception as error:
        raise MissingLibraryError(f"Numba cannot compile for CUDA ({_line(error)}): {INSTALL}") from error


def _line(error: Exception) -> str:
    """What it says, in one line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


@contextmanager
def _device_of(capability: tuple[int, int]):
    """Device functions ask the current device for its capability; for this time there seems to be one."""
    dispatcher = import_module("numba.cuda.dispatcher")
    real = dispatcher.get_current_device
    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=capability)
    try:
        yield
    finally:
        dispatcher.get_current_device = real
