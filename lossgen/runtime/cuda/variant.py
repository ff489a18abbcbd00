"""How a generated CUDA module hands its kernels to the runtime, and how that module is found.

It stands beside the module of a loss: `_cuda_huber.py` beside `huber.py`. Its `cuda_variant` is a sum of the
same terms in the same order. All arrays that a kernel takes are C-contiguous lines on one device; targets,
predictions, vectors and outputs hold rows × columns, flattened row by row. Kernels are launched as
`kernel[blocks, threads, stream](…)` with

    rows    (y, p, *parameters, width, team, weight, scale, [ignored,] [value_out,] [vector,]
             *outputs, [partials])
    flat    (y, p, *parameters, columns, groups, width, weight, scale, [value_out,] [vector,]
             *outputs, [partials])
    split   (phase, y, p, *parameters, width, length, weight, scale, [ignored,] [value_out,] [vector,]
             *outputs, partials, [totals])

`width` is the number of columns, `columns` the same as a float64; `team` threads share a row; the first
`groups` groups of four elements (float64: two) are read at once; `length` is that of a chunk. `weight` is
None or holds one number a row, `scale` multiplies total and arrays. `ignored` is there for terms that read
labels, `value_out` (None, or one unscaled, unweighted loss a row), `partials` and `totals` for "value" and
"value_and_gradient" only, `vector` for "hessian_vector_product" only. `partials` takes the scaled, weighted
sum of a block of threads; of `split`, whose phases are launched one after the other on a grid of chunks ×
rows, it is the memory between the phases, and `totals` takes the sum of a row.
"""

import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from lossgen.errors import CompileError
from lossgen.runtime.compiled import IN_MEMORY
from lossgen.runtime.variant import same_origin

PREFIX = "_cuda_"

_one_at_a_time = threading.RLock()  # a module that another thread is still importing is not ready for use


@dataclass(frozen=True)
class Split:
    """A kernel that cuts every row into chunks.

    Args:
        kernel: what is launched once a phase.
        phases: number of launches.
        slots: float64 numbers of memory that each chunk of a row needs between the phases.
    """

    kernel: Callable
    phases: int
    slots: int


@dataclass(frozen=True)
class CudaTerm:
    """The kernels of one ladder, by output.

    Args:
        rows: for rows × columns.
        flat: for one line of elements; None where the ladder needs a result of a row.
        split: for few long rows; None where there is `flat`.
    """

    rows: Mapping[str, Callable]
    flat: Mapping[str, Callable] | None = None
    split: Mapping[str, Split] | None = None


@dataclass(frozen=True)
class CudaVariant:
    """The terms of a loss under one choice of its options, in the order of `Variant.terms`."""

    terms: tuple[CudaTerm, ...]
    generated_from: str | None = None  # equal to that of the `Variant`


def cuda_variant_of(name: str) -> CudaVariant:
    """The CUDA kernels that belong to the variant of a module.

    Args:
        name: name of an imported module that a `variant` was generated into.

    Raises:
        CompileError: there is no CUDA module beside it.
        StaleModuleError: the one beside it was not made with it.
    """
    module = sys.modules[name]
    beside = sibling_of(module)
    same_origin(beside.__name__, beside.cuda_variant.generated_from, module.variant.generated_from)
    return beside.cuda_variant


def sibling_of(module: ModuleType) -> ModuleType:
    """The CUDA module beside a generated one, imported.

    It is found by the file of the module: not every generated module is in a package that Python can search.
    Those of losses that were compiled in memory may have no file.

    Raises:
        CompileError: there is none.
    """
    package, dot, stem = module.__name__.rpartition(".")
    name = f"{package}{dot}{PREFIX}{stem}"
    with _one_at_a_time:
        if name in sys.modules:
            return sys.modules[name]
        if name.startswith(f"{IN_MEMORY}."):
            return import_module(name)
        file = getattr(module, "__file__", None)
        path = Path(file).with_name(f"{PREFIX}{Path(file).stem}.py") if file else None
        if path is None or not path.is_file():
            missing = path.name if path else "module"
            raise CompileError(
                f"{module.__name__} has no CUDA kernels: there is no {missing} beside it. "
                "Generate it again with `lossgen build`, or pass arrays of the host."
            )
        spec = spec_from_file_location(name, path)
        found = module_from_spec(spec)
        sys.modules[name] = found
        try:
            spec.loader.exec_module(found)
        except BaseException:
            del sys.modules[name]
            raise
        return found
