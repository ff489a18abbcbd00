"""What a CUDA kernel reads and writes an element, read off its Python: the least that its schedule allows.

A sweep is a function with one loop over columns that calls `load` and `store` for elements; a flat kernel is
a sweep itself.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lossgen.inspection.cuda.kernels import ARRAYS, CudaKernel


@dataclass(frozen=True)
class Sweep:
    """One loop over the elements.

    Attributes:
        reads: the arrays of which it reads each element once.
        writes: the arrays of which it writes each element once.
    """

    reads: tuple[str, ...]
    writes: tuple[str, ...]


def sweeps(kernel: CudaKernel) -> tuple[Sweep, ...]:
    """The sweeps of a kernel in the order in which they run."""
    if kernel.schedule == "flat":
        return (_sweep(kernel.python),)
    return tuple(_sweeps_called(kernel.python))


def first_and_last(given: tuple[Sweep, ...]) -> Sweep:
    """What crosses the memory if all but the first access of an element find it in a cache."""
    reads = dict.fromkeys(name for sweep in given for name in sweep.reads)
    return Sweep(tuple(reads), tuple(dict.fromkeys(name for sweep in given for name in sweep.writes)))


def _sweeps_called(function: Callable) -> Iterator[Sweep]:
    for call in _calls(function):
        called = getattr(function.__globals__.get(call), "py_func", function.__globals__.get(call))
        if called is not None and call.rpartition("_sweep")[1]:
            yield _sweep(called)


def _sweep(function: Callable) -> Sweep:
    """Arrays have the same names in every function of a module."""
    loops = [node for node in ast.walk(_tree(function)) if isinstance(node, ast.For)]
    accesses: dict[str, dict[str, None]] = {"load": {}, "store": {}}
    for node in (node for loop in loops for node in ast.walk(loop)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in accesses and node.args:
            array = getattr(node.args[0], "id", "")
            if array in ARRAYS:
                accesses[node.func.id][array] = None
    return Sweep(tuple(accesses["load"]), tuple(accesses["store"]))


def _calls(function: Callable) -> list[str]:
    """The names of the functions that it calls, in the order of the text."""
    nodes = [node for node in ast.walk(_tree(function)) if isinstance(node, ast.Call)]
    named = [
        (node.lineno, node.col_offset, node.func.id) for node in nodes if isinstance(node.func, ast.Name)
    ]
    return [name for _, _, name in sorted(named)]


def _tree(function: Callable) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(function)))
