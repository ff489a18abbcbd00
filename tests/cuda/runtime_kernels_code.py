"""Compiles kernels of `lossgen.runtime.cuda.kernels` for a GPU: requests in as JSON, PTX out as JSON.

A request is the name of a kernel and the types of its arguments: "float32[]", "int64", "none". A process of
its own, without NUMBA_ENABLE_CUDASIM, because Numba knows only one kind of CUDA.
"""

import json
import sys

from lossgen.inspection.cuda.assembler import assembled
from lossgen.inspection.cuda.compiling import compiled
from lossgen.runtime.cuda import kernels
from lossgen.runtime.cuda.toolchain import types


def type_of(text: str):
    """The Numba type; an array has a pair of brackets, with a colon between for each further dimension."""
    kind, is_array, rank = text.removesuffix("]").partition("[")
    if not is_array:
        return getattr(types, kind)
    return types.Array(getattr(types, kind), len(rank) + 1, "A" if rank else "C")


if __name__ == "__main__":
    results = []
    for name, arguments, capability in json.load(sys.stdin):
        made = compiled(getattr(kernels, name), tuple(map(type_of, arguments)), tuple(capability))
        used = assembled(made)
        results.append([made, used.stack, used.spill_stores, used.registers])
    print(json.dumps(results))
