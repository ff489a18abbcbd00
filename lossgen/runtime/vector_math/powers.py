"""Cube roots, roots of 1 + x², powers with a real exponent, and their derivatives, 0 where the factor is.

xᵃ = e^(a·log x). For float32 the product is formed in float64; for float64 as a sum of two numbers. Where the
exponent is an integer, see `whole_powers`.
"""

from lossgen.runtime.tracing import copysign, fma, polynomial, rint, select, sqrt
from lossgen.runtime.vector_math.exponential import exp_of_sum, exp_short
from lossgen.runtime.vector_math.formats import FLOAT64, SHORT, format_of
from lossgen.runtime.vector_math.logarithm import INFINITY, NAN, log_in_two, log_short
from lossgen.runtime.vector_math.pairs import product
from lossgen.runtime.vector_math.whole_powers import (
    whole_power,
    whole_power_curvature,
    whole_power_log,
    whole_power_slope,
)

# the float whose bits are this number less a third of those of x is x^(-⅓), within 3.5 %
INVERSE_CUBE_ROOT = {32: 0x54A1A486, 64: 0x553EE978D4FDF3B7}


def cbrt(x):
    """Cube root, of the sign of x."""
    form = format_of(x)
    thirds = 8 if x.bits == 32 else 18
    subnormal = abs(x) < form.smallest_normal
    a = abs(x) * select(subnormal, x.lift(2.0 ** (3 * thirds)), 1)
    half = x.bits // 2
    third = (a.as_integer() >> half) * (2**half // 3)
    z = (INVERSE_CUBE_ROOT[x.bits] - third).as_float()
    for _ in range(2):
        error = fma(-a * z * z, z, 1)
        z = fma(z * error, polynomial(error, [1 / 3, 2 / 9, 14 / 81]), z)
    root = a * z * z
    square, square_low = product(root, 0, root, 0)
    missing = fma(-root, square, a) - root * square_low
    root = fma(missing, z * z * (1 / 3), root) * select(subnormal, x.lift(2.0**-thirds), 1)
    return select((x == 0) | (a == INFINITY), x, copysign(root, x))


def hypot1(x):
    """√(1 + x²), without overflow."""
    return select(abs(x) > format_of(x).huge, abs(x), sqrt(fma(x, x, 1)))


def hypot1m1(x):
    """√(1 + x²) − 1, without cancellation or overflow."""
    return select(abs(x) > format_of(x).huge, abs(x), x * x / (1 + hypot1(x)))


def unit_hypot(x):
    """x/√(1 + x²), the derivative of hypot1."""
    huge = format_of(x).huge
    x = select(x > huge, huge, select(x < -huge, x.lift(-huge), x))
    return x / hypot1(x)


def sqrt1pm1(x):
    """√(1 + x) − 1, without cancellation."""
    root = sqrt(1 + x)
    return select(root > format_of(x).huge, root, x / (1 + root))


def power(x, a):
    """xᵃ. 1 for a = 0; for x < 0 as C's pow: NaN unless a is an integer."""
    if not a.is_float:
        return whole_power(x, a)
    result, _ = _power(x, a)
    return result.to(x.bits)


def power_slope(x, a):
    """Derivative by x: a·xᵃ⁻¹; 0 for a = 0, and at x = 0 where it would be infinite."""
    if not a.is_float:
        return whole_power_slope(x, a)
    result, _ = _power(x, a, 1)
    return _times(a, result, x, a < 1)


def power_curvature(x, a):
    """Second derivative by x: a·(a − 1)·xᵃ⁻²; 0 for a in (0, 1), and at x = 0 where it would be infinite."""
    if not a.is_float:
        return whole_power_curvature(x, a)
    result, _ = _power(x, a, 2)
    return _times(a * (a - 1), result, x, a < 2)


def power_log(x, a):
    """Derivative by a: xᵃ·log(x), and 0 for x = 0."""
    if not a.is_float:
        return whole_power_log(x, a)
    result, logarithm = _power(x, a)
    logarithm = select(x < 0, NAN, logarithm)
    return select(x == 0, 0, (result * logarithm).to(x.bits))


def _times(factor, result, x, falls):
    return select((factor == 0) | ((x == 0) & falls), 0, factor * result).to(x.bits)


def _power(x, a, less=0):
    """xᵃ⁻ˡᵉˢˢ and log|x| in float64, before they are rounded to the type of x; a is float64."""
    base = abs(x).to(64)
    exponent = a - less
    if x.bits == 32:
        logarithm = _log_at_borders(base, log_short(base, SHORT))
        result = exp_short(exponent * logarithm, SHORT)
    else:
        high, low = log_in_two(base)
        logarithm = _log_at_borders(base, high)
        product = exponent * logarithm
        correction = fma(exponent, low, fma(exponent, logarithm, -product))
        if less:
            back = exponent + less
            lost = (a - back) + ((back - exponent) - less)
            correction = fma(lost, logarithm, correction)
        bounded = abs(product) < -FLOAT64.exp_lowest
        result = exp_of_sum(product, select(bounded, correction, 0))
    result = select(x < 0, _sign_for_negative_base(exponent) * result, result)
    result = select(exponent == 1, x.to(64), result)
    return select(exponent == 0, 1, result), logarithm


def _log_at_borders(base, logarithm):
    """The logarithm of 0, infinity and NaN put right."""
    return select(base == 0, -INFINITY, select(base < INFINITY, logarithm, base))


def _sign_for_negative_base(a):
    """1 for even a, −1 for odd a, NaN for a that is no integer."""
    half = 0.5 * a
    sign = select(rint(half) == half, a.lift(1), -1)
    return select(rint(a) == a, sign, NAN)
