"""Where CUDA kernels cannot run, a person reads one line: what is missing, and what to install."""

import importlib.util
import os
import subprocess
import sys
import warnings

import numba
import pytest
from requiring import require

from lossgen.errors import DeviceError, MissingLibraryError
from lossgen.runtime.cuda import compiling, toolchain


@pytest.fixture
def machine(monkeypatch):
    """A machine with a new driver, toolkit and device, of which a test takes something away."""
    answers = {
        "SIMULATED": False,
        "_driver_problem": lambda: None,
        "_has_compiler": lambda: True,
        "_driver_version": lambda: (13, 0),
        "_toolkit_version": lambda: (13, 0),
        "_device_number": lambda: 1,
        "_device": lambda number: ("Tesla V100", (7, 0)),
    }
    for name, answer in answers.items():
        monkeypatch.setattr(toolchain, name, answer)
    _forget()
    yield lambda name, answer: monkeypatch.setattr(toolchain, name, answer)
    _forget()


def _forget():
    toolchain._check_driver.cache_clear()
    toolchain._check_capability.cache_clear()


def refused(error) -> str:
    with pytest.raises(error) as raised:
        toolchain.require_device()
    text = str(raised.value)
    assert "\n" not in text
    return text


def test_nothing_is_missing(machine):
    toolchain.require_device()


def test_the_simulator_needs_no_device(machine):
    machine("SIMULATED", True)
    machine("_driver_problem", lambda: pytest.fail("the driver was asked"))
    toolchain.require_device()


def test_no_driver(machine):
    machine("_driver_problem", lambda: "CUDA driver library cannot be found.")
    text = refused(DeviceError)
    assert text.startswith("arrays of a device need a GPU and its driver")
    assert "cannot be found" in text


def test_no_compiler(machine):
    machine("_has_compiler", lambda: False)
    assert 'pip install "lossgen[cuda13]"' in refused(MissingLibraryError)


def test_a_driver_older_than_the_toolkit(machine):
    machine("_driver_version", lambda: (12, 4))
    text = refused(DeviceError)
    assert "12.4" in text
    assert "13.0" in text
    assert 'pip install "lossgen[cuda12]"' in text


def test_a_driver_of_the_same_major_version_serves(machine):
    machine("_toolkit_version", lambda: (13, 2))
    toolchain.require_device()
    machine("_toolkit_version", lambda: None)
    _forget()
    toolchain.require_device()


def test_a_device_that_is_too_old(machine):
    machine("_device", lambda number: ("Tesla P100", (6, 0)))
    text = refused(DeviceError)
    assert text == (
        "device 1 (Tesla P100) has compute capability 6.0; CUDA kernels need 7.0 or newer"
    )  # fmt: skip


def test_every_device_is_checked(machine):
    toolchain.require_device()
    machine("_device_number", lambda: 0)
    machine("_device", lambda number: ("Quadro", (5, 2)))
    assert "Quadro" in refused(DeviceError)


def imported_anew():
    spec = importlib.util.spec_from_file_location("toolchain_again", toolchain.__file__)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


@pytest.mark.parametrize("mlir", [False, True])
def test_no_package(monkeypatch, mlir):
    monkeypatch.setitem(sys.modules, "numba.cuda", None)
    monkeypatch.delattr(numba, "cuda", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: mlir or None)
    with pytest.raises(MissingLibraryError) as raised:
        imported_anew()
    text = str(raised.value)
    assert "\n" not in text
    assert 'pip install "lossgen[cuda13]"' in text
    assert ("numba-cuda-mlir is installed, but" in text) == mlir


def run_without_simulator(code: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_ENABLE_CUDASIM"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(os.environ.get("LOSSGEN_TEST_GPU") == "1", reason="there is a GPU")
def test_on_a_machine_without_a_gpu():
    """This one: the real packages say so, and device code can be written all the same."""
    text = run_without_simulator(
        "import lossgen.runtime.cuda.mathematics, lossgen.runtime.cuda.kernels\n"
        "from lossgen.runtime.cuda.toolchain import require_device\n"
        "try: require_device()\n"
        "except ValueError as error: print(type(error).__name__, error)"
    )
    assert text.startswith("DeviceError arrays of a device need a GPU and its driver, and none can be used: ")
    assert text.count("\n") == 1


OWN_CUDA = """
import os, sys
from pathlib import Path
import nvidia
os.environ["CUDA_HOME"] = str(next(Path(nvidia.__path__[0]).glob("cu[0-9]*")))
sys.meta_path = [finder for finder in sys.meta_path if type(finder).__name__ != "NumbaCudaFinder"]
from lossgen.generated import _cuda_huber
from lossgen.inspection.cuda.compiling import compiled
from lossgen.runtime.cuda.toolchain import cuda, types
assert "numba_cuda" not in cuda.__file__, cuda.__file__
line, number = types.Array(types.float32, 1, "C"), types.float64
whole, partials = types.int64, types.Array(types.float64, 1, "C")
arguments = line, line, number, whole, whole, types.none, number, types.none, line, partials
print(compiled(_cuda_huber.value_and_gradient_rows, arguments, (9, 0)))
"""


def test_numbas_own_cuda_compiles_the_kernels():
    require("nvidia", "has the compiler library")
    assert "shfl.sync.bfly" in run_without_simulator(OWN_CUDA)


def test_lossgen_does_not_import_cuda():
    code = (
        "import sys, lossgen, lossgen.losses, lossgen.torch, numpy\n"
        "lossgen.losses.Huber()(numpy.ones((3, 2)), numpy.zeros((3, 2)))\n"
        "print([name for name in sys.modules if name.startswith(('numba.cuda', 'lossgen.runtime.cuda.'))])"
    )
    loaded = [name for name in eval(run_without_simulator(code)) if name != "lossgen.runtime.cuda.arrays"]
    assert loaded == []


def test_a_kernel_may_have_a_small_grid():
    class Dispatcher:
        asked = 0

        def __getitem__(self, configuration):
            self.asked += 1
            warnings.warn("Grid size 1 will likely result in GPU under-utilization", stacklevel=1)
            return configuration

    kernel = compiling.Kernel(Dispatcher())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kernel[1, 32, 0] == kernel[1, 32, 0] == (1, 32, 0)
    assert kernel.asked == 1  # and it is as the dispatcher otherwise


def test_machine_code_is_kept_in_a_file_that_names_this_runtime():
    code = (
        "from lossgen.runtime.cuda.kernels import fill\n"
        "from lossgen.runtime.digest import runtime_digest\n"
        "file = fill._cache._cache_file\n"
        "print(type(file).__name__, file._source_stamp[1] == runtime_digest(), fill.targetoptions['lto'],\n"
        "      fill.targetoptions['fastmath'])"
    )
    assert run_without_simulator(code).split() == ["CacheFiles", "True", "False", "False"]


def test_products_of_launched_kernels_are_not_fused():
    """What is inspected is compiled so by the inspection; this is the way that a launch takes."""
    text = run_without_simulator(
        "import numba.cuda.dispatcher as dispatcher\n"
        "from numba import cuda\n"
        "from lossgen.generated import _cuda_huber\n"
        "from lossgen.runtime.cuda import compiling\n"
        "class Kernel:\n"
        "    def __init__(self, *arguments, **options): print(compiling._ours.get()); raise SystemExit\n"
        "dispatcher._Kernel = Kernel\n"
        "made = _cuda_huber.value_rows.dispatcher\n"
        "made._cache = dispatcher.NullCache()\n"
        "made._compile_for_args(1.0)"
    )
    assert text == "True\n"
