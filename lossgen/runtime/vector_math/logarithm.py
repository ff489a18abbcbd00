"""log and log1p.

x = 2ⁿ·(1 + f) with √½ ≤ 1 + f < √2, and log(1 + f) = 2·atanh(s), s = f/(2 + f).
"""

from lossgen.runtime.tracing import fma, maximum, minimum, polynomial, select
from lossgen.runtime.vector_math.formats import format_of

SQRT_HALF = {32: 0x3F3504F3, 64: 0x3FE6A09E667F3BCD}


def _log_of(x, correction, offset):
    """log(x + correction) + offset·log 2, for normal x > 0 and a correction below half a unit in its last place."""
    form = format_of(x)
    bits = x.as_integer()
    n = (bits - SQRT_HALF[form.bits]) >> form.mantissa
    f = (bits - (n << form.mantissa)).as_float() - 1
    if correction is not None:
        f = fma(correction, (select(n < form.bias, form.bias - n, 0) << form.mantissa).as_float(), f)
    s = f / (2 + f)
    z = s * s
    half_square = 0.5 * f * f
    rest = s * fma(z, polynomial(z, form.log), half_square)
    n = x.of(x.builder.sitofp(n.ir, x.ir.type)) + offset
    return fma(n, form.ln2[0], f - (half_square - fma(n, form.ln2[1], rest)))


def _outside_domain(x, result):
    """The values of log at 0, infinity, negative numbers and NaN."""
    result = select(x < float("inf"), result, x)
    return select(x > 0, result, select(x == 0, x.lift(float("-inf")), float("nan")))


def log(x):
    """Natural logarithm: −inf at 0, NaN below."""
    form = format_of(x)
    subnormal = x < form.smallest_normal
    shift = form.mantissa + 2
    result = _log_of(select(subnormal, x * 2.0**shift, x), None, select(subnormal, x.lift(-float(shift)), 0))
    return _outside_domain(x, result)


def log1p(x):
    """log(1 + x), accurate near 0 and near −1."""
    total = 1 + x
    lost = minimum(x, 1) - (total - maximum(x, 1))
    return _outside_domain(total, _log_of(total, lost, 0))
