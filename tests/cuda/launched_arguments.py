"""How many parameters kernels have in PTX, and how many Numba passes at a launch, as JSON.

A process of its own, without NUMBA_ENABLE_CUDASIM, because Numba knows only one kind of CUDA.
"""

import json
import re

from numba.cuda import dispatcher

from lossgen.inspection.cuda.compiling import compiled
from lossgen.runtime.cuda import elementwise, kernels
from lossgen.runtime.cuda.toolchain import cuda, types
from lossgen.runtime.cuda.variant import cuda_variant_of

SINGLE, DOUBLE = types.Array(types.float32, 1, "C"), types.Array(types.float64, 1, "C")
LAUNCHES = (
    (elementwise.products, (SINGLE, None, 0.5, SINGLE)),
    (elementwise.weigh_labels, (None, types.Array(types.uint8, 1, "C"), -(2**63), SINGLE)),
    (elementwise.write_strided, (SINGLE, SINGLE, 0, (2, 3, 4), (12, 4, 1))),
    (elementwise.differences_adjoint, (SINGLE, 3, 1, 0, True, SINGLE)),
    (kernels.copy_strided, (types.Array(types.float32, 3, "A"), None, SINGLE)),
)


def passed(kernel, argument) -> list:
    """What Numba passes for one argument; of an array, which needs a device: its numbers."""
    kind = argument if isinstance(argument, types.Type) else cuda.dispatcher.typeof(argument)
    if isinstance(kind, types.Array):
        return [None] * (5 + 2 * kind.ndim)
    found = []
    prepared = type("Prepared", (dispatcher._Kernel,), {"__init__": lambda self: None})()
    prepared.extensions = kernel.dispatcher.targetoptions["extensions"]
    prepared._prepare_args(kind, argument, 0, [], found)
    return found


def parameters(kernel, arguments) -> int:
    """The parameters in PTX."""
    kinds = tuple(
        one if isinstance(one, types.Type) else cuda.dispatcher.typeof(one) for one in arguments
    )
    ptx = compiled(kernel, kinds, (9, 0))
    return len(re.findall(r"\.param \.", ptx[ptx.index(".entry") : ptx.index(")", ptx.index(".entry"))]))


if __name__ == "__main__":
    from lossgen import losses

    flat = cuda_variant_of(losses.Huber()._plan.module).terms[0].flat["value"]
    launches = (*LAUNCHES, (flat, (SINGLE, SINGLE, 1.0, 3.0, 8, 3, None, 0.5, None, DOUBLE)))
    results = {
        kernel.dispatcher.py_func.__name__: [
            parameters(kernel, arguments), sum(len(passed(kernel, each)) for each in arguments),
        ]
        for kernel, arguments in launches
    }  # fmt: skip
    print(json.dumps(results))
