"""Sums, maxima and minima over a team of neighbouring threads; every thread of the team gets the result.

A team is 1, 2, 4, 8, 16 or 32 lanes of a warp, or the whole block (then a multiple of 32). All threads of the
block call, whether their value counts or not. The order is fixed by the size of the team alone: a butterfly
over the lanes, in which both partners join the same two numbers; then, for a block, its warps one after
another. Nothing is atomic.

The butterfly is written once, for an exchange of values between lanes: by a shuffle of registers on a GPU, by
shared memory in Numba's simulator, which has no shuffles.
"""

from types import SimpleNamespace

from lossgen.runtime.cuda.compiling import device
from lossgen.runtime.cuda.intrinsics import lesser, load, maximum_of, minimum_of, wide
from lossgen.runtime.cuda.toolchain import SIMULATED, cuda

if SIMULATED:
    from lossgen.runtime.cuda.simulated import exchanged, warp_slots
else:
    from lossgen.runtime.cuda.elements import warp_slots

WARP = 32
TURN = 32
"""Columns whose float32 terms are added by themselves, before their sum is added to that of a thread."""
ALL_LANES = 0xFFFFFFFF


@device
def plus(a, b):
    return a + b


@device
def shuffled(value, offset):
    """The value of the lane whose number differs in the bit `offset`."""
    return cuda.shfl_xor_sync(ALL_LANES, value, offset)


def team_reduction(combine, exchange):
    """The reduction of a value over a team.

    Args:
        combine: device function of two values that does not care for their order.
        exchange: device function of a value and a power of two: the value of the lane that differs in this
            bit.
    """

    @device
    def reduction(value, team):
        offset = 1
        while offset < team and offset < WARP:
            value = combine(value, exchange(value, offset))
            offset *= 2
        if team > WARP:
            parts = warp_slots(value)
            cuda.syncthreads()
            if cuda.threadIdx.x % WARP == 0:
                parts[cuda.threadIdx.x // WARP] = value
            cuda.syncthreads()
            value = parts[0]
            for warp in range(1, team // WARP):
                value = combine(value, parts[warp])
        return value

    return reduction


def team_reductions(exchange):
    """The reductions by one way to exchange values: `sum`, `maximum`, `minimum` and `first`."""
    return SimpleNamespace(
        sum=team_reduction(plus, exchange),
        maximum=team_reduction(maximum_of, exchange),
        minimum=team_reduction(minimum_of, exchange),
        first=team_reduction(lesser, exchange),
    )


used = team_reductions(exchanged if SIMULATED else shuffled)
wide_sum, maximum_of_team, minimum_of_team, first_of_team = used.sum, used.maximum, used.minimum, used.first


@device
def sum_of_team(value, team):
    """The sum of a team's values, in float64."""
    return wide_sum(wide(value), team)


# What blocks have left behind -----------------------------------------------------------------------------
# Each joins partials[first + k·step] for k < count over the whole block, thread by thread in strides.


@device
def joined_sum(partials, first, step, count):
    total = 0.0
    for k in range(cuda.threadIdx.x, count, cuda.blockDim.x):
        total += wide(load(partials, first + k * step))
    return sum_of_team(total, cuda.blockDim.x)


@device
def joined_maximum(partials, first, step, count):
    greatest = wide(load(partials, first))
    for k in range(cuda.threadIdx.x, count, cuda.blockDim.x):
        greatest = maximum_of(greatest, wide(load(partials, first + k * step)))
    return maximum_of_team(greatest, cuda.blockDim.x)


@device
def joined_minimum(partials, first, step, count):
    least = wide(load(partials, first))
    for k in range(cuda.threadIdx.x, count, cuda.blockDim.x):
        least = minimum_of(least, wide(load(partials, first + k * step)))
    return minimum_of_team(least, cuda.blockDim.x)


@device
def joined_first(partials, first, step, count):
    """The least of whole numbers that are kept as floats."""
    return joined_minimum(partials, first, step, count)
