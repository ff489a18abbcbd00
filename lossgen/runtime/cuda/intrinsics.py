"""Numbers in the type of the arithmetic, and elements of arrays by raw pointers.

float16 and bfloat16 are types of storage: `load` gives float32, `store` rounds. A bfloat16 array is handed to
kernels as an array of **uint16** that holds the bit patterns; real uint16 numbers have to be converted before
(`copy_strided` to int32), because here they would be read as bfloat16.

Indices are not checked and never count from the end. All arrays are C-contiguous.
"""

import math

from lossgen.runtime import tracing
from lossgen.runtime.cuda.compiling import device
from lossgen.runtime.cuda.toolchain import SIMULATED
from lossgen.runtime.cuda.values import device_function

__all__ = [
    "accumulate", "group_of", "is_hidden", "is_whole", "lesser", "like", "load", "load_four",
    "load_number_strided", "load_strided", "load_two", "maximum_of", "minimum_of", "row_of", "select",
    "store", "store_four", "store_two", "wide",
]

if SIMULATED:
    from lossgen.runtime.cuda.simulated import (
        accumulate,
        group_of,
        like,
        load,
        load_four,
        load_number_strided,
        load_strided,
        load_two,
        select,
        store,
        store_four,
        store_two,
        whole_quotient,
        wide,
    )
else:
    from lossgen.runtime.cuda.elements import (
        accumulate,
        group_of,
        like,
        load,
        load_four,
        load_number_strided,
        load_strided,
        load_two,
        select,
        store,
        store_four,
        store_two,
        whole_quotient,
        wide,
    )


def _maximum_of(a, b):
    """The greater of two numbers; NaN if one is NaN."""
    return tracing.maximum(a, b)


def _minimum_of(a, b):
    """The smaller of two numbers; NaN if one is NaN."""
    return tracing.minimum(a, b)


maximum_of = device_function(_maximum_of)
minimum_of = device_function(_minimum_of)


@device
def lesser(a, b):
    """The smaller of two whole numbers: Numba's own CUDA cannot compile `min`."""
    return a if a < b else b


@device
def row_of(i, width):
    """The row of element i in rows of this width; without a division, which is slow, where rows have one."""
    return i if width == 1 else whole_quotient(i, width)


@device
def is_hidden(mask, i):
    """Whether a mask of truth values or numbers hides element i."""
    return load(mask, i) == 0


@device
def is_whole(number):
    """Whether an integer or a float is a whole number, and no larger than 64 bits hold."""
    return abs(wide(number)) < 2.0**63 and wide(number) == math.floor(wide(number))
