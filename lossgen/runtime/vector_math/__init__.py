"""Elementary functions that LLVM vectorises, for float32 and float64; callable from compiled code only.

The result has the type of the widest float among the arguments (a number that must not widen it is written
`like(x, number)`). Powers have the type of the base: their exponent is taken in float64, or, if it is an
integer, as a number of multiplications.
"""

from numba.core import types
from numba.core.typing import signature

from lossgen.runtime import tracing
from lossgen.runtime.tracing import vector_function
from lossgen.runtime.vector_math import (
    error_function,
    exponential,
    gamma,
    logarithm,
    logistic,
    powers,
    selection,
    trigonometric,
)


def _typed_by_base(x, a):
    kind = tracing.common_float(x)
    return signature(kind, kind, types.int64 if isinstance(a, types.Integer) else types.float64)


bose = vector_function(exponential.bose)
cosh = vector_function(exponential.cosh)
exp = vector_function(exponential.exp)
exp2 = vector_function(exponential.exp2)
expm1 = vector_function(exponential.expm1)
expm1mx = vector_function(exponential.expm1mx)
exprel = vector_function(exponential.exprel)
exprel_curvature = vector_function(exponential.exprel_curvature)
exprel_slope = vector_function(exponential.exprel_slope)
sinh = vector_function(exponential.sinh)

log = vector_function(logarithm.log)
log1mexp = vector_function(logarithm.log1mexp)
log1p = vector_function(logarithm.log1p)
log2 = vector_function(logarithm.log2)
xdivy = vector_function(logarithm.xdivy)
xlog1py = vector_function(logarithm.xlog1py)
xlogy = vector_function(logarithm.xlogy)

log_cosh = vector_function(logistic.log_cosh)
log_sigmoid = vector_function(logistic.log_sigmoid)
sech2 = vector_function(logistic.sech2)
sigmoid = vector_function(logistic.sigmoid)
sigmoid_slope = vector_function(logistic.sigmoid_slope)
softplus = vector_function(logistic.softplus)
tanh = vector_function(logistic.tanh)

cbrt = vector_function(powers.cbrt)
hypot1 = vector_function(powers.hypot1)
hypot1m1 = vector_function(powers.hypot1m1)
power = vector_function(powers.power, typed_by=_typed_by_base)
power_curvature = vector_function(powers.power_curvature, typed_by=_typed_by_base)
power_log = vector_function(powers.power_log, typed_by=_typed_by_base)
power_slope = vector_function(powers.power_slope, typed_by=_typed_by_base)
sqrt = vector_function(tracing.sqrt)
sqrt1pm1 = vector_function(powers.sqrt1pm1)
unit_hypot = vector_function(powers.unit_hypot)

absolute = vector_function(selection.absolute)
clip = vector_function(selection.clip)
greater = vector_function(selection.greater)
inside = vector_function(selection.inside)
keep = vector_function(selection.keep)
maximum = vector_function(tracing.maximum)
minimum = vector_function(tracing.minimum)
relu = vector_function(selection.relu)
signum = vector_function(selection.signum)
square = vector_function(selection.square)
step = vector_function(selection.step)

erf = vector_function(error_function.erf)
erfc = vector_function(error_function.erfc)

digamma = vector_function(gamma.digamma)
lgamma = vector_function(gamma.lgamma)
trigamma = vector_function(gamma.trigamma)

atan = vector_function(trigonometric.atan)
cos = vector_function(trigonometric.cos)
sin = vector_function(trigonometric.sin)
