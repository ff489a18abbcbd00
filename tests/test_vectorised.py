"""Every loop that does work computes in vectors: the assembly of the kernels of every loss, read."""

import inspect
import itertools
import math

import numpy as np
import pytest
from cases import Case, cases
from numba import njit
from numba.np.numpy_support import from_dtype

from lossgen import losses
from lossgen.cli import main
from lossgen.errors import ParameterError
from lossgen.inspection.kernels import hot_loops_text, kernel_reports
from lossgen.inspection.loops import hot_loops, innermost_loops, is_analysed, library_calls
from lossgen.inspection.machine_code import DTYPES, SCHEDULES, machine_code
from lossgen.runtime import vector_math

pytestmark = pytest.mark.skipif(not is_analysed(), reason="only the instructions of x86-64 are known")

ROWS_WHERE_FLAT = {"huber", "binary_crossentropy", "tweedie"}
"""Losses with flat kernels whose kernels by rows are looked at, too; they share the point functions."""


CASES = [case for case in cases() if not case.arguments]


def schedules(case: Case) -> list[str]:
    (term,) = loss_of(case)._plan.variant.terms
    having = [name for name in SCHEDULES if getattr(term, name)]
    return having if case.name in ROWS_WHERE_FLAT or "flat" not in having else ["flat"]


def loss_of(case: Case):
    return getattr(losses, case.declaration.class_name)(**case.keywords)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_hot_loop_is_vectorised(case):
    loss = loss_of(case)
    for schedule, dtype in itertools.product(schedules(case), DTYPES):
        for report in kernel_reports(loss, dtype=dtype, schedule=schedule):
            assert report.is_vectorised, hot_loops_text(report)


def loop_over(function):
    """A loop that calls a function of one, two or three numbers at every place."""
    count = len(inspect.signature(function.traced).parameters)
    if count == 1:

        def loop(x, y, z, out):
            for i in range(x.size):
                out[i] = function(x[i])

    elif count == 2:

        def loop(x, y, z, out):
            for i in range(x.size):
                out[i] = function(x[i], y[i])

    else:

        def loop(x, y, z, out):
            for i in range(x.size):
                out[i] = function(x[i], y[i], z[i])

    return loop


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "function",
    [each for each in vars(vector_math).values() if hasattr(each, "traced")],
    ids=lambda f: f._name,
)
def test_every_elementary_function_is_vectorised(function, dtype):
    loops, calls = report_on(loop_over(function), dtype, arrays=4)
    assert not calls
    assert all(loop.kind == "vector" and not loop.scalar_operations and not loop.calls for loop in loops)
    assert loops or function in (vector_math.absolute, vector_math.keep)  # no arithmetic


# What the report says -------------------------------------------------------------------------------------


def report_on(function, dtype: str = "float32", arrays: int = 2):
    """The loops of a function of lines of numbers, and the library's functions that it calls."""
    line = from_dtype(np.dtype(dtype))[::1]
    code = machine_code(njit(function), (line,) * arrays, np.dtype(dtype).itemsize)
    return hot_loops(innermost_loops(code)), library_calls(code)


@pytest.mark.parametrize(("dtype", "bytes_"), [("float32", 4), ("float64", 8)])
def test_a_sum_of_arrays_is_vectorised(dtype, bytes_):
    def add(x, out):
        for i in range(x.size):
            out[i] = x[i] + out[i]

    (loop,), calls = report_on(add, dtype)
    assert (loop.kind, loop.scalar_operations, loop.calls, calls) == ("vector", 0, 0, ())
    assert loop.width in (128, 256, 512)
    assert (loop.loads, loop.stores) == (2 * loop.elements * bytes_, loop.elements * bytes_)


def test_a_call_of_the_library_is_named():
    def gamma(x, out):
        for i in range(x.size):
            out[i] = math.lgamma(x[i]) * x[i]

    (loop,), calls = report_on(gamma)
    assert loop.kind == "scalar" and loop.calls == 1
    assert len(calls) == 1 and "lgamma" in calls[0]


def test_a_sum_in_order_is_not_vectorised():
    def running(x, out):
        total = x[0]
        for i in range(x.size):
            total = total * out[i] + x[i]
            out[i] = total

    (loop, *_), calls = report_on(running, "float64")
    assert loop.kind == "scalar" and loop.scalar_operations and not calls


def test_the_source_of_a_loss():
    loss = losses.Huber()
    assert "def value_and_gradient_flat" in loss.source()
    assert "class" not in losses.BinaryCrossentropy(from_logits=True).source().partition("variant =")[0]
    assert " x float>" in loss.source("llvm")
    text = loss.source("asm", output="gradient_and_hessian", dtype="float64", schedule="rows")
    assert text.startswith("# gradient_and_hessian_rows, predictions of 64 bits\n")
    assert "vectorised" in text and "math.h: none" in text and "mulpd" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "c"}, "`kind` must be one of"),
        ({"kind": "asm", "output": "hessian"}, "`output` must be one of"),
        ({"kind": "asm", "dtype": "float16"}, "`dtype` must be one of"),
        ({"kind": "asm", "schedule": "lanes"}, "must be one of ('flat', 'rows')"),
    ],
)
def test_a_source_that_does_not_exist(arguments, message):
    with pytest.raises(ParameterError) as caught:
        losses.Huber().source(**arguments)
    assert message in str(caught.value)


def test_the_command_shows_the_hot_loops(capsys):
    assert main(["show", "huber", "--asm", "--dtype", "float64"]) == 0
    assert "vectorised" in capsys.readouterr().out
