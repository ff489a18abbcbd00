"""Which package compiles CUDA kernels, and whether this machine can run them; the only place that asks.

`numba-cuda`, once installed, is what `numba.cuda` imports. Without it `numba.cuda` is the one that Numba
still carries: deprecated, and in need of a CUDA toolkit, but of the same interface. `numba-cuda-mlir` does
not serve (0.6.0 was looked at): it installs, but its intrinsics write MLIR, those here LLVM instructions; it
compiles nothing where there is no driver; and it has no simulator.
"""

from functools import cache
from importlib.util import find_spec

from numba.core import config

from lossgen.errors import DeviceError, MissingLibraryError

INSTALL = 'pip install "lossgen[cuda13]" (a driver for CUDA 12: "lossgen[cuda12]")'
LEAST_CAPABILITY = (7, 0)  # the first whose shuffles name the lanes that take part

try:
    from numba import cuda
    from numba.cuda.extending import intrinsic
except ImportError as error:
    found = " numba-cuda-mlir is installed, but cannot compile them." if find_spec("numba_cuda_mlir") else ""
    raise MissingLibraryError(
        f"CUDA kernels need the package numba-cuda, which cannot be imported ({error}).{found} "
        f"Install it: {INSTALL}"
    ) from error

SIMULATED: bool = bool(config.ENABLE_CUDASIM)
"""Whether NUMBA_ENABLE_CUDASIM=1 runs kernels as Python threads."""

if SIMULATED:
    from lossgen.runtime.cuda.simulated import SimulatedCuda

    cuda = SimulatedCuda(cuda)

if hasattr(getattr(cuda, "types", None), "Float"):
    from numba.cuda import types
    from numba.cuda.typing import signature
else:
    from numba.core import types
    from numba.core.typing import signature

__all__ = ["SIMULATED", "cuda", "intrinsic", "require_device", "signature", "types"]


def require_device() -> None:
    """Checks that kernels can run on the current device; at its first call for each.

    Raises:
        DeviceError: there is no driver, it is older than the toolkit, or the device is too old.
        MissingLibraryError: NVIDIA's compiler library is not installed.
    """
    if SIMULATED:
        return
    _check_driver()
    _check_capability(_device_number())


@cache
def _check_driver() -> None:
    problem = _driver_problem()
    if problem is not None:
        raise DeviceError(
            f"arrays of a device need a GPU and its driver, and none can be used: {problem.rstrip('.')}. "
            "Pass arrays of the host, or simulate a GPU: NUMBA_ENABLE_CUDASIM=1"
        )
    if not _has_compiler():
        raise MissingLibraryError(f"CUDA kernels need NVIDIA's compiler library NVVM. Install it: {INSTALL}")
    driver, toolkit = _driver_version(), _toolkit_version()
    if toolkit is not None and driver[0] < toolkit[0]:
        raise DeviceError(
            f"the CUDA driver is for CUDA {_dotted(driver)}, older than the installed toolkit "
            f'{_dotted(toolkit)}: update the driver, or pip install "lossgen[cuda{driver[0]}]"'
        )


@cache
def _check_capability(number: int) -> None:
    name, capability = _device(number)
    if capability < LEAST_CAPABILITY:
        raise DeviceError(
            f"device {number} ({name}) has compute capability {_dotted(capability)}; "
            f"CUDA kernels need {_dotted(LEAST_CAPABILITY)} or newer"
        )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


# What the machine says ------------------------------------------------------------------------------------


def _driver_problem() -> str | None:
    """Why no device can be used, in one line."""
    from numba.cuda.cudadrv.driver import driver
    from numba.cuda.cudadrv.error import CudaSupportError

    try:
        if driver.is_available and len(cuda.gpus) > 0:
            return None
        reason = driver.initialization_error or "there is no device"
    except CudaSupportError as error:
        reason = error
    return " ".join(str(reason).split())


def _has_compiler() -> bool:
    from numba.cuda.cudadrv import nvvm

    return nvvm.is_available()


def _driver_version() -> tuple[int, ...]:
    from numba.cuda.cudadrv.driver import driver

    return tuple(driver.get_version())


def _toolkit_version() -> tuple[int, ...] | None:
    """None where the package cannot tell."""
    try:
        return tuple(cuda.runtime.get_version())
    except ImportError:
        return None


def _device_number() -> int:
    return cuda.get_current_device().id


def _device(number: int) -> tuple[str, tuple[int, int]]:
    device = cuda.gpus[number]
    name = device.name.decode() if isinstance(device.name, bytes) else device.name
    return name, tuple(device.compute_capability)
