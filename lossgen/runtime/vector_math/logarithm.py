"""log, log1p, log(1 − eˣ), and products with a logarithm that are 0 where the factor is.

x = 2ⁿ·m with √½ ≤ m < √2, and log m = 2·atanh(s), s = (m − 1)/(m + 1).
"""

from lossgen.runtime.tracing import fma, maximum, minimum, polynomial, select
from lossgen.runtime.vector_math.exponential import decay, decay_less_one
from lossgen.runtime.vector_math.formats import format_of

SQRT_HALF = {32: 0x3F3504F3, 64: 0x3FE6A09E667F3BCD}
NAN, INFINITY = float("nan"), float("inf")


def split(x):
    """The integers n and m − 1, exact, of a normal x > 0. Other x give some finite numbers."""
    form = format_of(x)
    bits = x.as_integer()
    n = (bits - SQRT_HALF[x.bits]) >> form.mantissa
    return n, (bits - (n << form.mantissa)).as_float() - 1


def normal(x):
    """x times a power of two that makes subnormal numbers normal, and the exponent that it adds."""
    form = format_of(x)
    subnormal = x < form.smallest_normal
    shift = form.mantissa + 2
    return select(subnormal, x * 2.0**shift, x), select(subnormal, x.lift(float(shift)), 0)


def _log_of_parts(n, f, form):
    """n·log 2 + log(1 + f)."""
    s = f / (2 + f)
    z = s * s
    half_square = 0.5 * f * f
    rest = s * fma(z, polynomial(z, form.log), half_square)
    return fma(n, form.ln2[0], f - (half_square - fma(n, form.ln2[1], rest)))


def _log_of_sum(x, correction, added=0.0):
    """log(x + correction) − added·log 2, for normal x > 0 and a correction that adding to x rounds away."""
    form = format_of(x)
    n, f = split(x)
    inverse_scale = (select(n < form.bias, form.bias - n, 0) << form.mantissa).as_float()
    return _log_of_parts(n.to_float() - added, fma(correction, inverse_scale, f), form)


def at_borders(x, result):
    """The result where 0 < x < ∞; else what log gives at 0, infinity, negative numbers and NaN."""
    result = select(x < INFINITY, result, x)
    return select(x > 0, result, select(x == 0, x.lift(-INFINITY), NAN))


def log(x):
    """Natural logarithm: −inf at 0, NaN below."""
    scaled, added = normal(x)
    n, f = split(scaled)
    return at_borders(x, _log_of_parts(n.to_float() - added, f, format_of(x)))


def log_short(x, form):
    """Natural logarithm in float64, accurate to 2^-37; for normal x > 0 only."""
    n, f = split(x)
    return _log_of_parts(n.to_float(), f, form)


def log1p(x):
    """log(1 + x), accurate near 0 and near −1."""
    total = 1 + x
    lost = minimum(x, 1) - (total - maximum(x, 1))
    return at_borders(total, _log_of_sum(total, lost))


def log1mexp(x):
    """log(1 − eˣ) for x < 0, accurate near 0 and in the tail; −inf at 0, NaN above."""
    e = decay(x)
    rounded = 1 - e
    far = e < 0.5
    total = select(far, rounded, -decay_less_one(x))
    lost = select(far, (1 - rounded) - e, 0)
    total = select(x > 0, NAN, total)
    scaled, added = normal(total)
    return at_borders(total, _log_of_sum(scaled, lost, added))


def xlogy(x, y):
    """x·log(y), and 0 where x is 0."""
    return _guarded(x, y, x * log(y))


def xlog1py(x, y):
    """x·log(1 + y), and 0 where x is 0."""
    return _guarded(x, y, x * log1p(y))


def xdivy(x, y):
    """x/y, and 0 where x is 0."""
    return _guarded(x, y, x / y)


def _guarded(x, y, product):
    return select((x == 0) & (y == y), 0, product)
