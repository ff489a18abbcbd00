"""Device functions: in the simulator, and as the code that a GPU gets, executed; against those of the CPU."""

import json
import os
import re
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from device_code import kernel_of
from function_inputs import ARITY, FUNCTIONS, WHOLE_EXPONENT, expected_of, inputs_of, least_of, units_apart
from ptx_machine import Machine
from requiring import missing
from simulator import gpu_only, simulated_only

from lossgen.errors import MissingLibraryError
from lossgen.inspection.cuda.assembler import assembler_version
from lossgen.inspection.cuda.ptx import read_kernel
from lossgen.runtime.cuda import mathematics
from lossgen.runtime.cuda.compiling import kernel

DTYPES = (np.float32, np.float64)
MOST_UNITS = 4
THREADS = 256
of_every_function = pytest.mark.parametrize("name", ARITY)
of_both_types = pytest.mark.parametrize("kind", DTYPES)


def assert_agree(found, name, arguments):
    expected = expected_of(name)(*arguments)
    assert found.dtype == expected.dtype
    apart = units_apart(found, expected, least_of(name, arguments))
    worst = int(np.argmax(apart))
    assert apart[worst] <= MOST_UNITS, (
        f"{name}({', '.join(str(argument[worst]) for argument in arguments)}) is {found[worst]}, "
        f"{apart[worst]} units from {expected[worst]}"
    )


def test_there_is_every_function_that_generated_code_may_call():
    assert {name for name in FUNCTIONS if not hasattr(mathematics, name)} == set()


# In the simulator: what is composed of libdevice's functions here, of the CPU's functions there -----------


@simulated_only
@of_both_types
@of_every_function
def test_a_function_agrees_with_that_of_the_cpu(name, kind):
    arguments = inputs_of(name, kind)
    function = getattr(mathematics, name.removesuffix(WHOLE_EXPONENT))
    found = np.array([function(*each) for each in zip(*arguments, strict=True)])
    assert_agree(found, name, arguments)
    expected = expected_of(name)(*arguments)
    is_zero = (found == 0) & (expected == 0)
    assert (np.signbit(found[is_zero]) == np.signbit(expected[is_zero])).all()


@simulated_only
@pytest.mark.parametrize("name", ["sin", "cos"])
def test_circular_functions_of_huge_angles_stay_bounded(name):
    function = getattr(mathematics, name)
    for angle in (1e6, -3e7, 1e20, -3e38):
        assert abs(function(np.float32(angle))) <= 1
    assert np.isnan(function(np.float32(np.inf)))


@simulated_only
def test_a_narrow_base_keeps_the_digits_of_a_wide_exponent():
    base = np.float32(1e-15)
    exact = float(base) ** 2.1
    assert abs(mathematics.power(base, 2.1) / exact - 1) < 3e-7
    assert abs(mathematics.power(base, np.float32(2.1)) / exact - 1) > 1e-6


@gpu_only
def test_functions_on_a_gpu():
    for name, kind in product(ARITY, DTYPES):
        arguments = inputs_of(name, kind)
        count = arguments[0].size
        blocks = -(-count // THREADS)
        out = np.zeros(blocks * THREADS, kind)
        padded = [np.resize(argument, out.size) for argument in arguments]
        kernel(kernel_of(name))[blocks, THREADS, 0](*padded, out)
        assert_agree(out[:count], name, arguments)


# The code that a GPU gets ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compiled(tmp_path_factory) -> dict:
    """(function, dtype, capability) → PTX and what the assembler says, from one process."""
    try:
        assembler_version()
    except MissingLibraryError as error:
        missing(str(error))
    file = tmp_path_factory.mktemp("cuda") / "functions.json"
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_ENABLE_CUDASIM"}
    done = subprocess.run(
        [sys.executable, Path(__file__).parent / "device_code.py", file],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = json.loads(file.read_text())
    return {(row["function"], row["dtype"], tuple(row["capability"])): row for row in rows}


@pytest.mark.xdist_group("device functions")
def test_no_function_uses_local_memory(compiled):
    assert len(compiled) == len(ARITY) * 4
    assert {key: row["stack"] for key, row in compiled.items() if row["stack"]} == {}
    assert {key: row["spills"] for key, row in compiled.items() if row["spills"]} == {}
    assert {key: row["registers"] for key, row in compiled.items() if row["registers"] > 64} == {}


@pytest.mark.xdist_group("device functions")
def test_functions_of_float32_have_no_instruction_of_float64(compiled):
    found = {
        key: re.findall(r"^\s.*\.f64\s.*", row["ptx"], re.MULTILINE)
        for key, row in compiled.items()
        if key[1] == "float32"
    }
    assert {key: lines for key, lines in found.items() if lines} == {}
    wide = [row["ptx"] for key, row in compiled.items() if key[1] == "float64" and key[0] == "exp"]
    assert all(re.search(r"^\s.*\.f64\s.*", ptx, re.MULTILINE) for ptx in wide)


@pytest.mark.xdist_group("device functions")
@of_both_types
@of_every_function
def test_the_code_of_a_function_computes_what_the_cpu_does(compiled, name, kind):
    arguments = inputs_of(name, kind)
    count = arguments[0].size
    blocks = -(-count // THREADS)
    machine = Machine()
    given = [machine.put(np.resize(argument, blocks * THREADS)) for argument in arguments]
    out = machine.put(np.zeros(blocks * THREADS, kind))
    code = read_kernel(compiled[name, kind.__name__, (9, 0)]["ptx"])
    machine.launch(code, blocks, THREADS, *given, out)
    assert_agree(machine.get(out)[:count], name, arguments)


@pytest.mark.xdist_group("device functions")
def test_products_are_never_fused_with_sums_by_the_compiler(compiled):
    """Pairs of numbers rely on it; where a fused multiply-add is meant, it is written."""
    ptx = compiled["log1mexp", "float64", (9, 0)]["ptx"]
    assert "mul.rn.f64" in ptx
    assert not re.search(r"^\s*mul\.f64", ptx, re.MULTILINE)
