"""Kernels of the runtime that follow those of a loss: weighted losses, sums of terms, differences, `out`."""

from lossgen.runtime.cuda.compiling import kernel
from lossgen.runtime.cuda.intrinsics import like, load, select, store, wide
from lossgen.runtime.cuda.reduction import sum_of_team
from lossgen.runtime.cuda.toolchain import cuda


@kernel
def weigh_labels(weights, labels, ignored, weights_out):
    """The weight of each row (None: 1), and 0 where its label is the ignored one."""
    for i in range(cuda.grid(1), weights_out.size, cuda.gridsize(1)):
        weight = like(weights_out, 1)
        if weights is not None:
            weight = load(weights, i)
        store(weights_out, i, select(load(labels, i) == ignored, like(weights_out, 0), weight))


@kernel
def products(values, weights, factor, values_out):
    """value · weight · factor, and 0 where the weight or the factor is 0 even if the value is not finite."""
    zero, number = like(values_out, 0), like(values_out, factor)
    for i in range(cuda.grid(1), values_out.size, cuda.gridsize(1)):
        value = load(values, i)
        if weights is not None:
            weight = load(weights, i)
            value = select(weight == zero, zero, weight * value)
        store(values_out, i, select(number == zero, zero, number * value))


@kernel
def sums(first, second, sums_out):
    """first + second."""
    for i in range(cuda.grid(1), sums_out.size, cuda.gridsize(1)):
        store(sums_out, i, load(first, i) + load(second, i))


@kernel
def sums_of_rows(values, width, sums_out):
    """The sum of each `width` values; a block a row."""
    for row in range(cuda.blockIdx.x, sums_out.size, cuda.gridDim.x):
        total = wide(0)
        for column in range(cuda.threadIdx.x, width, cuda.blockDim.x):
            total += wide(load(values, row * width + column))
        total = sum_of_team(total, cuda.blockDim.x)
        if cuda.threadIdx.x == 0:
            store(sums_out, row, total)


@kernel
def differences(x, length, inner, differences_out, start):
    """x[i + 1] − x[i] along an axis of `length` with `inner` elements a step, written from `start` on."""
    step = (length - 1) * inner
    for i in range(cuda.grid(1), x.size // (length * inner) * step, cuda.gridsize(1)):
        first = i // step * length * inner + i % step
        store(differences_out, start + i, load(x, first + inner) - load(x, first))


@kernel
def differences_adjoint(line, length, inner, start, begun, x_out):
    """Each difference added to its second element and subtracted from its first; onto what `x_out` holds if
    `begun`.
    """
    step = (length - 1) * inner
    for i in range(cuda.grid(1), x_out.size, cuda.gridsize(1)):
        value = like(x_out, 0)
        if begun:
            value = load(x_out, i)
        place = start + i // (length * inner) * step + i % (length * inner)
        if i % (length * inner) >= inner:
            value += load(line, place - inner)
        if i % (length * inner) < step:
            value -= load(line, place)
        store(x_out, i, value)


@kernel
def write_strided(source, target, first, shape, steps):
    """Writes a line to memory in which each axis has its own step, in elements; the first lies at `first`."""
    for i in range(cuda.grid(1), source.size, cuda.gridsize(1)):
        rest, place = i, first
        for k in range(len(shape)):
            axis = len(shape) - 1 - k
            place += rest % shape[axis] * steps[axis]
            rest //= shape[axis]
        store(target, place, load(source, i))
