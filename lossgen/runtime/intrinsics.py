"""The few instructions that generated code needs and Python has no word for. Usable in compiled code only."""

from llvmlite import ir
from numba.core import types
from numba.core.errors import TypingError
from numba.core.typing import signature
from numba.extending import intrinsic

from lossgen.runtime import tracing

__all__ = [
    "accumulate", "copysign", "float_from_integer", "fma", "integer_from_float", "like", "maximum_of",
    "minimum_of", "rint", "select",
]


@intrinsic
def like(typing, x, number):
    """The number in the float type of `x`, an array or a scalar: `like(x, 0.5) * x` stays float32."""
    kind = x.dtype if isinstance(x, types.Array) else x
    if not isinstance(kind, types.Float):
        raise TypingError(f"like(x, number): x must be a float or an array of floats, not {x}")

    def lower(context, builder, chosen, values):
        return values[1]

    return signature(kind, x, kind), lower


@intrinsic
def accumulate(typing, total, value):
    """total + value, which LLVM may reorder: lets it sum in lanes. For sums only."""
    kind = tracing.common_float(total, value)

    def lower(context, builder, chosen, values):
        return builder.fadd(*values, flags=("reassoc", "nsz"))

    return signature(kind, kind, kind), lower


@intrinsic
def integer_from_float(typing, x):
    """The bit pattern of a float, as an integer of the same width."""
    if not isinstance(x, types.Float):
        raise TypingError(f"integer_from_float(x): x must be a float, not {x}")
    kind = types.Integer.from_bitwidth(x.bitwidth)

    def lower(context, builder, chosen, values):
        return builder.bitcast(values[0], ir.IntType(x.bitwidth))

    return signature(kind, x), lower


@intrinsic
def float_from_integer(typing, x):
    """The float32 or float64 that has this 32- or 64-bit pattern."""
    if not isinstance(x, types.Integer) or x.bitwidth not in (32, 64):
        raise TypingError(f"float_from_integer(x): x must be a 32- or 64-bit integer, not {x}")
    kind = types.float32 if x.bitwidth == 32 else types.float64

    def lower(context, builder, chosen, values):
        return builder.bitcast(values[0], tracing.FLOATS[x.bitwidth])

    return signature(kind, x), lower


@tracing.vector_function
def maximum_of(a, b):
    """The greater of two numbers; NaN if one is NaN. Vectorises as a reduction."""
    return tracing.maximum(a, b)


@tracing.vector_function
def minimum_of(a, b):
    """The smaller of two numbers; NaN if one is NaN. Vectorises as a reduction."""
    return tracing.minimum(a, b)


def _select_signature(condition, a, b):
    kind = tracing.common_float(a, b)
    return signature(kind, types.boolean, kind, kind)


select = tracing.vector_function(tracing.select, typed_by=_select_signature)
fma = tracing.vector_function(tracing.fma)
rint = tracing.vector_function(tracing.rint)
copysign = tracing.vector_function(tracing.copysign)
