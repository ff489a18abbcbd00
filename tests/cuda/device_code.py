"""Compiles every function of `lossgen.runtime.cuda.mathematics` for a GPU and writes what came out as JSON.

`python device_code.py FILE`, without NUMBA_ENABLE_CUDASIM: a process of its own, because Numba knows only one
kind of CUDA.
"""

import json
import sys
from itertools import product

from function_inputs import ARITY, WHOLE_EXPONENT

from lossgen.inspection.cuda.assembler import assembled
from lossgen.inspection.cuda.compiling import compiled
from lossgen.runtime.cuda import mathematics
from lossgen.runtime.cuda.intrinsics import load, store
from lossgen.runtime.cuda.toolchain import cuda, types

CAPABILITIES = (8, 0), (9, 0)


def kernel_of(name: str):
    """A kernel that computes a function of arrays, an element a thread."""
    function = getattr(mathematics, name.removesuffix(WHOLE_EXPONENT))
    if ARITY[name] == 1:

        def kernel(x, out):
            i = cuda.grid(1)
            store(out, i, function(load(x, i)))
    elif ARITY[name] == 2:

        def kernel(x, y, out):
            i = cuda.grid(1)
            store(out, i, function(load(x, i), load(y, i)))
    elif ARITY[name] == 3:

        def kernel(x, y, z, out):
            i = cuda.grid(1)
            store(out, i, function(load(x, i), load(y, i), load(z, i)))
    else:

        def kernel(x, y, z, w, out):
            i = cuda.grid(1)
            store(out, i, function(load(x, i), load(y, i), load(z, i), load(w, i)))

    return kernel


def arguments_of(name: str, kind):
    """The types of the arrays that its kernel takes."""
    kinds = [kind] * (ARITY[name] + 1)
    if name.endswith(WHOLE_EXPONENT):
        kinds[1] = types.int64
    return tuple(types.Array(each, 1, "C") for each in kinds)


if __name__ == "__main__":
    results = []
    for name, kind, capability in product(ARITY, (types.float32, types.float64), CAPABILITIES):
        ptx = compiled(kernel_of(name), arguments_of(name, kind), capability)
        used = assembled(ptx)
        results.append(
            {
                "function": name, "dtype": str(kind), "capability": capability, "ptx": ptx,
                "stack": used.stack, "spills": used.spill_stores + used.spill_loads,
                "registers": used.registers,
            }
        )  # fmt: skip
    with open(sys.argv[1], "w") as file:
        json.dump(results, file)
