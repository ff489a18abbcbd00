"""Kernels of the runtime: what a call with device arrays needs besides the kernels of its loss."""

from lossgen.runtime.cuda.compiling import kernel
from lossgen.runtime.cuda.intrinsics import store
from lossgen.runtime.cuda.reduction import joined_sum
from lossgen.runtime.cuda.toolchain import cuda


@kernel
def sum_partials(partials, count, scale, total_out):
    """Writes scale · Σ partials[:count] into total_out[0]; launched with one block."""
    total = joined_sum(partials, 0, 1, count)
    if cuda.threadIdx.x == 0:
        store(total_out, 0, scale * total)
