"""Elementary functions for device code, with the meanings of `lossgen.runtime.vector_math`, for float32 and
float64; and the pieces of a log-sum-exp, as `lossgen.runtime.ladder_math` has them.

What libdevice has is taken from there (`library`); the rest is traced from the sources of the CPU. A function
of float32 has no float64 instruction, but for what depends on a float64 exponent alone.
"""

from lossgen.runtime import ladder_math, tracing
from lossgen.runtime.cuda import library, single
from lossgen.runtime.cuda.single import by_width
from lossgen.runtime.cuda.toolchain import signature, types
from lossgen.runtime.cuda.values import common_float, device_function
from lossgen.runtime.tracing import select
from lossgen.runtime.vector_math import (
    _typed_by_base as host_typed_by_base,
)
from lossgen.runtime.vector_math import (
    exponential,
    gamma,
    logarithm,
    powers,
    selection,
    trigonometric,
)


def _typed_by_base(x, a):
    kind = common_float(x)
    if not isinstance(a, types.Integer):
        return signature(kind, kind, common_float(x, a) if isinstance(a, types.Float) else types.float64)
    return signature(kind, kind, types.int32 if kind == types.float32 else types.int64)


def _power(function):
    return device_function(function, _typed_by_base, host_typed_by_base)


bose = device_function(library.bose)
cosh = device_function(library.cosh)
exp = device_function(library.exp)
exp2 = device_function(library.exp2)
expm1 = device_function(library.expm1)
expm1mx = device_function(exponential.expm1mx)
exprel = device_function(exponential.exprel)
exprel_curvature = device_function(exponential.exprel_curvature)
exprel_slope = device_function(exponential.exprel_slope)
sinh = device_function(library.sinh)

log = device_function(library.log)
log1mexp = device_function(logarithm.log1mexp)
log1p = device_function(library.log1p)
log2 = device_function(library.log2)
xdivy = device_function(logarithm.xdivy)
xlog1py = device_function(library.xlog1py)
xlogy = device_function(library.xlogy)

log_cosh = device_function(library.log_cosh)
log_sigmoid = device_function(library.log_sigmoid)
sech2 = device_function(library.sech2)
sigmoid = device_function(library.sigmoid)
sigmoid_slope = device_function(library.sigmoid_slope)
softplus = device_function(library.softplus)
tanh = device_function(library.tanh)

cbrt = device_function(powers.cbrt)
hypot1 = device_function(powers.hypot1)
hypot1m1 = device_function(powers.hypot1m1)
power = _power(library.power)
power_curvature = _power(library.power_curvature)
power_log = _power(library.power_log)
power_slope = _power(library.power_slope)
sqrt = device_function(tracing.sqrt)
sqrt1pm1 = device_function(powers.sqrt1pm1)
unit_hypot = device_function(powers.unit_hypot)

absolute = device_function(selection.absolute)
clip = device_function(selection.clip)
greater = device_function(selection.greater)
inside = device_function(selection.inside)
keep = device_function(selection.keep)
maximum = device_function(tracing.maximum)
minimum = device_function(tracing.minimum)
relu = device_function(selection.relu)
signum = device_function(selection.signum)
square = device_function(selection.square)
step = device_function(selection.step)

erf = device_function(library.erf)
erfc = device_function(library.erfc)

digamma = device_function(by_width(single.digamma, gamma.digamma))
lgamma = device_function(by_width(single.lgamma, gamma.lgamma))
trigamma = device_function(by_width(single.trigamma, gamma.trigamma))

atan = device_function(library.atan)
cos = device_function(by_width(single.cos, trigonometric.cos))
sin = device_function(by_width(single.sin, trigonometric.sin))


# The pieces of a log-sum-exp --------------------------------------------------------------------------------


def _guarded_product(a, b):
    """a·b, and 0 where a = 0 even if b is infinite."""
    return select(a == 0, 0, a * b)


def _vanishing(base, power):
    """The power, and 0 where the base is 0."""
    return select(base == 0, 0, power)


def _excluded_exponential(s):
    """exp(s) of a shifted s < 0, and 0 for s = 0."""
    return select(s == 0, 0, library.exp(s))


def _is_maximum(s):
    """1 for a shifted s = 0, else 0."""
    return select(s == 0, s.lift(1), 0)


def _complement(s, exponential, excluded, inverse_total):
    """1 − softmax from (s, exp(s), excluded sum, 1/(1 + excluded sum))."""
    return inverse_total * select(s == 0, excluded, (1 + excluded) - exponential)


guarded_product = device_function(_guarded_product)
vanishing = device_function(_vanishing)
shifted = device_function(ladder_math.shifted.traced)
excluded_exponential = device_function(_excluded_exponential)
is_maximum = device_function(_is_maximum)
complement = device_function(_complement)
