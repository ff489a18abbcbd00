"""log, log2, log1p, log(1 − eˣ), and products with a logarithm that are 0 where the factor is.

x = 2ⁿ·m with √½ ≤ m < √2, and log m = 2·atanh(s), s = (m − 1)/(m + 1).
"""

from lossgen.runtime.tracing import fma, polynomial, select
from lossgen.runtime.vector_math.exponential import decay_in_two, decay_less_one_in_two
from lossgen.runtime.vector_math.formats import format_of
from lossgen.runtime.vector_math.pairs import fast_two_sum, product

# two thirds, and a log 2 whose first part times a small integer is exact; each as a pair
TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)
LN2_EXACT = (0.6931471805598903, 5.497923018708371e-14)
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


def _log_of_parts(n, f, form, f_low=0.0):
    """n·log 2 + log(1 + f + f_low)."""
    s = f / (2 + f)
    z = s * s
    half_square = 0.5 * f * f
    rest = fma(s, fma(z, polynomial(z, form.log), half_square), f_low)
    return fma(n, form.ln2[0], f - (half_square - fma(n, form.ln2[1], rest)))


def _log_of_sum(x, correction, added=0.0):
    """log(x + correction) − added·log 2, for normal x > 0 and a correction that adding to x rounds away."""
    form = format_of(x)
    n, f = split(x)
    inverse_scale = (select(n < form.bias, form.bias - n, 0) << form.mantissa).as_float()
    f, f_low = fast_two_sum(f, correction * inverse_scale)
    return _log_of_parts(n.to_float() - added, f, form, f_low)


def at_borders(x, result):
    """The result where 0 < x < ∞; else what log gives at 0, infinity, negative numbers and NaN."""
    result = select(x < INFINITY, result, x)
    return select(x > 0, result, select(x == 0, x.lift(-INFINITY), NAN))


def log(x):
    """Natural logarithm: −inf at 0, NaN below."""
    scaled, added = normal(x)
    n, f = split(scaled)
    return at_borders(x, _log_of_parts(n.to_float() - added, f, format_of(x)))


def log2(x):
    """Logarithm to base 2, exact at powers of two: −inf at 0, NaN below."""
    form = format_of(x)
    scaled, added = normal(x)
    n, f = split(scaled)
    s = f / (2 + f)
    z = s * s
    half_square = 0.5 * f * f
    high, low = fast_two_sum(f, fma(s, fma(z, polynomial(z, form.log), half_square), -half_square))
    high, low = product(high, low, *form.inverse_ln2)
    total, rest = fast_two_sum(n.to_float() - added, high)
    return at_borders(x, total + (rest + low))


def log_short(x, form):
    """Natural logarithm in float64, accurate to 2^-37; for normal x > 0 only."""
    n, f = split(x)
    return _log_of_parts(n.to_float(), f, form)


def log1p(x):
    """log(1 + x), accurate near 0 and near −1."""
    total = 1 + x
    large = x > 1
    lost = select(large, 1, x) - (total - select(large, x, 1))
    return at_borders(total, _log_of_sum(total, lost))


def log1mexp(x):
    """log(1 − eˣ) for x < 0, accurate near 0 and in the tail; −inf at 0, NaN above."""
    e, e_low = decay_in_two(x)
    minus, minus_low = decay_less_one_in_two(x)
    rounded, lost = fast_two_sum(e.lift(1), -e)
    far = e < 0.5
    total = select(x > 0, NAN, select(far, rounded, -minus))
    scaled, added = normal(total)
    return at_borders(total, _log_of_sum(scaled, select(far, lost - e_low, -minus_low), added))


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


def log_in_two(x):
    """log(x) as a pair of float64 numbers, to about 2^-64 of itself."""
    scaled, added = normal(x)
    n, f = split(scaled)
    n = n.to_float() - added
    # s = f/(2 + f), z = s²
    total = 2 + f
    inverse = 1 / total
    s = f * inverse
    s_low = (fma(-s, total, f) - s * (f - (total - 2))) * inverse
    z = s * s
    z_low = fma(s, s, -z) + 2 * s * s_low
    # c = ⅔ + 2z/5 + 2z²/7 + …
    tail = z * polynomial(z, [2 / (2 * k + 5) for k in range(11)])
    c = TWO_THIRDS[0] + tail
    c_low = (TWO_THIRDS[0] - c) + tail + TWO_THIRDS[1]
    # log m = 2s + s·z·c
    u, u_low = product(z, z_low, c, c_low)
    v, v_low = product(s, s_low, u, u_low)
    high = 2 * s + v
    low = ((2 * s - high) + v) + (2 * s_low + v_low)
    # + n·log 2
    whole = n * LN2_EXACT[0]
    total = whole + high
    rest = ((whole - total) + high) + fma(n, LN2_EXACT[1], low)
    result = total + rest
    return result, (total - result) + rest
