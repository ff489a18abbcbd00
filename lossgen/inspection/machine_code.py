"""What LLVM makes of a kernel: its optimised LLVM code and the machine's assembly, with loops marked."""

import inspect
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit, types
from numba.np.numpy_support import from_dtype

from lossgen.errors import ParameterError
from lossgen.runtime.options import FAST
from lossgen.runtime.plan import BoundTerm
from lossgen.runtime.variant import OUTPUTS

SCHEDULES = ("flat", "rows", "lanes")
DTYPES = ("float32", "float64")

_verbosity = threading.Lock()  # a setting of the one target machine that all of Numba shares


@dataclass(frozen=True)
class MachineCode:
    """One kernel for one set of argument types.

    Attributes:
        name: the kernel's name in the generated module.
        itemsize: bytes of a prediction.
        llvm: LLVM code after optimisation.
        assembly: assembly of this machine; comments name LLVM's blocks and loops.
    """

    name: str
    itemsize: int
    llvm: str
    assembly: str


def machine_code(kernel: Callable, types_of_arguments: tuple, itemsize: int) -> MachineCode:
    """Compiles a kernel for inspection: what Numba loads from its cache carries no text."""
    options = {name: value for name, value in FAST.items() if name != "cache"}
    fresh = njit(**options, no_cpython_wrapper=True, no_cfunc_wrapper=True)(kernel.py_func)
    fresh.compile(types_of_arguments)
    machine = fresh.overloads[types_of_arguments].library.codegen._tm
    with _verbosity:
        machine.set_asm_verbosity(True)
        try:
            assembly = fresh.inspect_asm(types_of_arguments)
        finally:
            machine.set_asm_verbosity(False)
    return MachineCode(kernel.__name__, itemsize, fresh.inspect_llvm(types_of_arguments), assembly)


def argument_types(
    term: BoundTerm, kernel: Callable, schedule: str, dtype: str, weighted: bool = False
) -> tuple:
    """The Numba types that a call passes to a kernel of a term.

    Args:
        schedule: one of `SCHEDULES`; flat kernels see one line of elements, the others rows × columns.
        dtype: "float32" or "float64", of targets, predictions and results.
        weighted: an array of weights, not None.
    """
    number = from_dtype(np.dtype(dtype))
    line = types.Array(number, 1, "C")
    data = line if schedule == "flat" else types.Array(number, 2, "C")
    known = {
        "labels": types.Array(types.int64, 1, "C"),
        "weight": line if weighted else types.none,
        "value_out": types.none,
        "ignored": types.int64,
    }
    known |= dict.fromkeys(("y", "p", "vector", "gradient_out", "hessian_out", "product_out"), data)
    known |= {name: types.int64 for name, value in term.values.items() if isinstance(value, int)}
    if schedule != "flat":
        known |= dict.fromkeys(term.per_class, types.Array(types.float64, 1, "C"))
    return tuple(known.get(name, types.float64) for name in inspect.signature(kernel.py_func).parameters)


def kernel_of(term: BoundTerm, schedule: str | None, output: str) -> tuple[str, Callable]:
    """A schedule that the term has, by default the first of `SCHEDULES`, and its kernel of an output.

    Raises:
        ParameterError: there is no such output, schedule, or kernel.
    """
    if output not in OUTPUTS:
        raise ParameterError(f"`output` must be one of {OUTPUTS}. Received: output={output!r}")
    tables = {name: getattr(term, name) for name in SCHEDULES}
    having = tuple(name for name, kernels in tables.items() if kernels and output in kernels)
    if schedule is not None and schedule not in having:
        raise ParameterError(
            f"`schedule` must be one of {having}, which this loss has for `{output}`. "
            f"Received: schedule={schedule!r}"
        )
    chosen = schedule or having[0]
    alone, _ = tables[chosen][output]
    return chosen, alone


def check_dtype(dtype: str) -> str:
    """The dtype's name.

    Raises:
        ParameterError: it is not one that kernels compute in.
    """
    if dtype not in DTYPES:
        raise ParameterError(f"`dtype` must be one of {DTYPES}. Received: dtype={dtype!r}")
    return dtype


def demangled(symbol: str) -> str:
    """The name of a Python function behind Numba's symbol: `_ZN7lossgen9generated5huber10value_rowsB2v1…`."""
    part, rest = "", symbol.removeprefix("_ZN")
    while found := re.match(r"(\d+)", rest):
        length = int(found[1])
        part, rest = rest[found.end() : found.end() + length], rest[found.end() + length :]
    return part or symbol
