"""The CUDA kernels of a loss, by output and schedule, and the types that the runtime passes to them."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lossgen.errors import NoGradientError
from lossgen.runtime.loss import Loss
from lossgen.runtime.plan import BoundTerm
from lossgen.runtime.variant import OUTPUTS

SCHEDULES = ("flat", "rows", "split")
ITEMSIZE = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}
ARRAYS = ("y", "p", "vector", "gradient_out", "hessian_out", "product_out")
SUMS = ("partials", "totals")
COUNTS = ("phase", "groups", "width", "team", "length", "ignored")


@dataclass(frozen=True)
class CudaKernel:
    """One kernel of a loss.

    Attributes:
        output: "value", "value_and_gradient", "gradient_and_hessian" or "hessian_vector_product".
        schedule: "flat", "rows" or "split".
        function: the kernel in the generated module.
        term: the term of the loss that it belongs to.
        number: of the term among the terms of the loss, from 0.
        phases: how many launches it takes; 1 but for "split".
        slots: numbers of memory that a chunk of a row needs between them; 0 but for "split".
    """

    output: str
    schedule: str
    function: Callable
    term: BoundTerm
    number: int
    phases: int = 1
    slots: int = 0

    @property
    def python(self) -> Callable:
        """The Python function behind the kernel."""
        return getattr(self.function, "py_func", self.function)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of what it takes."""
        return tuple(inspect.signature(self.python).parameters)

    def types(self, dtype: str, weighted: bool = False, unreduced: bool = False) -> tuple:
        """The Numba types of a call.

        Args:
            dtype: of targets, predictions and results; also "float16" and "bfloat16", of which kernels only
                see the bits.
            weighted: with one weight a row, not None.
            unreduced: with an array for one loss a row, not None.
        """
        from lossgen.runtime.cuda.toolchain import types

        kinds = {"bfloat16": types.uint16}
        number = kinds.get(dtype) or getattr(types, dtype)
        arithmetic = types.float64 if dtype == "float64" else types.float32
        known = dict.fromkeys(ARRAYS, types.Array(number, 1, "C"))
        known |= dict.fromkeys(SUMS, types.Array(types.float64, 1, "C"))
        known |= dict.fromkeys(self.term.per_class, types.Array(arithmetic, 1, "C"))
        known |= dict.fromkeys(COUNTS, types.int64)
        known |= {
            "labels": types.Array(types.int64, 1, "C"),
            "weight": types.Array(arithmetic, 1, "C") if weighted else types.none,
            "value_out": types.Array(number, 1, "C") if unreduced else types.none,
        }
        known |= {name: types.int64 for name, value in self.term.values.items() if isinstance(value, int)}
        if self.schedule == "flat":
            known |= dict.fromkeys(self.term.per_class, types.float64)
        return tuple(known.get(name, types.float64) for name in self.arguments)


def kernels_of(loss: Loss) -> tuple[CudaKernel, ...]:
    """All CUDA kernels of a compiled loss: by term, schedule and output.

    Raises:
        NoGradientError: the loss is written by hand and has none.
        CompileError: its module was generated without.
        MissingLibraryError: Numba cannot import CUDA.
    """
    if not loss.is_compiled:
        raise NoGradientError(f"{type(loss).__name__} is written as code, so it has no kernels to look at.")
    return tuple(_kernels(loss))


def _kernels(loss: Loss) -> Iterator[CudaKernel]:
    from lossgen.runtime.cuda.variant import cuda_variant_of

    plan = loss._plan_for("source")
    alone, _ = next(iter(plan.terms[0].rows.values()))
    variant = cuda_variant_of(alone.py_func.__module__)
    for number, (term, on_device) in enumerate(zip(plan.terms, variant.terms, strict=True)):
        for schedule in SCHEDULES:
            table = getattr(on_device, schedule) or {}
            for output in OUTPUTS:
                if output not in table:
                    continue
                entry = table[output]
                if schedule == "split":
                    yield CudaKernel(output, schedule, entry.kernel, term, number, entry.phases, entry.slots)
                else:
                    yield CudaKernel(output, schedule, entry, term, number)
