"""Sine, cosine and inverse tangent.

x = n·π/2 + r with |r| ≤ π/4; n decides which of sin r and cos r it is, and its sign. For float32 in float64.
"""

from lossgen.runtime.tracing import copysign, fma, polynomial, select
from lossgen.runtime.vector_math.coefficients import ATAN, COSINE, SINE
from lossgen.runtime.vector_math.formats import FLOAT64, format_of
from lossgen.runtime.vector_math.pairs import fast_two_sum, two_sum

INFINITY, NAN = float("inf"), float("nan")
HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33)  # their sum
TWO_OVER_PI = 0.6366197723675814
FURTHEST = 2.0**45  # an argument beyond is held there; its float64 neighbours are 1/128 away
QUARTER_PI = {
    32: (0.7853981852531433, -2.1855694143368964e-08),
    64: (0.7853981633974483, 3.061616997868383e-17),
}


def sin(x):
    """Sine, accurate for |x| ≤ 1e5; beyond some number between −1 and 1, NaN at infinity."""
    return select(abs(x) < format_of(x).tiny, x, _circular(x, 0))


def cos(x):
    """Cosine, accurate for |x| ≤ 1e5; beyond some number between −1 and 1, NaN at infinity."""
    return _circular(x, 1)


def _circular(x, quarters):
    """sin(x + quarters·π/2)."""
    value = x.to(64)
    value = select(abs(value) > FURTHEST, copysign(value.lift(FURTHEST), value), value)
    marked = fma(value, TWO_OVER_PI, FLOAT64.rounder)
    n = marked - FLOAT64.rounder
    exact = fma(-n, HALF_PI[0], value)
    if x.bits == 32:
        kind, r, r_low = "short", fma(-n, HALF_PI[1], exact), None
    else:
        second = n * HALF_PI[1]
        r, lost = two_sum(exact, -second)
        rest = fma(-n, HALF_PI[2], fma(-n, HALF_PI[1], second))
        kind, (r, r_low) = 64, fast_two_sum(r, lost + rest)
    turn = marked.as_integer() + quarters
    square = r * r
    sine = _sine(r, r_low, square, SINE[kind])
    cosine = _cosine(r, r_low, square, COSINE[kind])
    result = select((turn & 1) == 0, sine, cosine)
    result = select((turn & 2) == 0, result, -result)
    return select(abs(x) < INFINITY, result.to(x.bits), NAN)


def _sine(r, r_low, square, coefficients):
    """sin(r + r_low)."""
    cubic = square * polynomial(square, coefficients)
    if r_low is None:
        return fma(r, cubic, r)
    return r + fma(r, cubic, fma(-0.5 * square, r_low, r_low))


def _cosine(r, r_low, square, coefficients):
    """cos(r + r_low)."""
    half = 0.5 * square
    high, low = fast_two_sum(r.lift(1), -half)
    rest = fma(square * square, polynomial(square, coefficients), low)
    if r_low is not None:
        rest = fma(-r, r_low, rest - fma(0.5 * r, r, -half))
    return high + rest


def atan(x):
    """Inverse tangent."""
    size = abs(x)
    # atan(x) = offset + atan(u), |u| ≤ √2 − 1
    middle, large = size > 0.41421356, size > 2.4142135
    above = select(large, x.lift(-1), select(middle, size - 1, size))
    below = select(large, size, select(middle, size + 1, 1))
    high, low = QUARTER_PI[x.bits]
    offset = select(large, x.lift(2 * high), select(middle, x.lift(high), 0))
    offset_low = select(large, x.lift(2 * low), select(middle, x.lift(low), 0))
    u = above / below
    square = u * u
    rest = fma(u * square, polynomial(square, ATAN[x.bits]), offset_low)
    total, lost = fast_two_sum(offset, u)
    return copysign(total + (lost + rest), x)
