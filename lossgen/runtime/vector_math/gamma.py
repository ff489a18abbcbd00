"""The gamma family: log |Γ|, its derivative ψ and the derivative of that, in float64 arithmetic.

Below 8 they are evaluated at x + 8, by the asymptotic series, and brought back by the recurrence. What
cancels then is carried as pairs; around a zero, which the recurrence cannot reach, a polynomial takes over.
Left of 0 they are reflected.
"""


from lossgen.runtime.tracing import copysign, fma, polynomial, rint, select
from lossgen.runtime.vector_math.coefficients import (
    COTANGENT,
    DIGAMMA_NEAR_ROOT,
    DIGAMMA_TAIL,
    LGAMMA_NEAR_ONE,
    LGAMMA_NEAR_TWO,
    SINE_OF_PI,
    STIRLING,
    TRIGAMMA_TAIL,
)
from lossgen.runtime.vector_math.logarithm import log_in_two
from lossgen.runtime.vector_math.pairs import fast_two_sum, inverse, product, two_sum

INFINITY, NAN = float("inf"), float("nan")
STEPS = 8
HALF_LOG_TWO_PI_LESS_HALF = (0.4189385332046727, 1.6728209650585413e-17)  # their sum
DIGAMMA_ROOT = (1.4616321449683622, 9.549995429965697e-17)  # their sum


def lgamma(x):
    """log |Γ(x)|; infinite at 0, −1, −2, …

    Its zeros at 1 and 2 keep their relative accuracy, those of negative x do not.
    """
    value = x.to(64)
    y = _right_half(value)
    small = y < STEPS
    shifted, shifted_low = two_sum(y, select(small, y.lift(STEPS), 0))
    # (y − ½)·log y − y + ½·log 2π
    logarithm, logarithm_low = log_in_two(shifted)
    less, less_low = fast_two_sum(logarithm, y.lift(-1))
    main, main_low = product(shifted - 0.5, shifted_low, less, less_low + logarithm_low)
    z = 1 / shifted
    main_low = fma(shifted_low, fma(z, -0.5, 1), main_low)
    # what the recurrence and the reflection divide by
    factor, factor_low = y, y.lift(0)
    for k in range(1, STEPS):
        factor, factor_low = product(factor, factor_low, *two_sum(y, y.lift(k)))
    factor, factor_low = select(small, factor, 1), select(small, factor_low, 0)
    f = abs(value - rint(value))
    reflected = value <= 0
    factor = select(reflected, f * polynomial(f * f, SINE_OF_PI) / factor, factor)
    divisor, divisor_low = log_in_two(factor)
    divisor_low = divisor_low + select(reflected, 0, factor_low / factor)
    sign = select(reflected, y.lift(-1), 1)
    total, low = two_sum(sign * main, -divisor)
    total, lower = two_sum(total, sign * HALF_LOG_TWO_PI_LESS_HALF[0])
    main_low = main_low + HALF_LOG_TWO_PI_LESS_HALF[1]
    rest = sign * fma(z, polynomial(z * z, STIRLING), main_low) + (low + lower - divisor_low)
    result = total + select(abs(total) < INFINITY, rest, 0)
    # around the zeros
    by_one, by_two = y - 1, y - 2
    first = abs(by_one) < 0.25
    pairs = zip(LGAMMA_NEAR_ONE, LGAMMA_NEAR_TWO + (0.0,) * 4, strict=True)
    d = select(first, by_one, by_two)
    near = d * polynomial(d, [select(first, y.lift(one), two) for one, two in pairs])
    result = select((first | (abs(by_two) < 0.25)) & (value > 0), near, result)
    result = select((f == 0) & reflected, INFINITY, result)
    return select(abs(value) < INFINITY, result, abs(value)).to(x.bits)


def digamma(x):
    """ψ(x), the derivative of log Γ; infinite at 0, NaN at its poles −1, −2, …

    Its zero at 1.46 keeps its relative accuracy, those of negative x do not.
    """
    value = x.to(64)
    y = _right_half(value)
    small = y < STEPS
    shifted, shifted_low = two_sum(y, select(small, y.lift(STEPS), 0))
    total, low = log_in_two(shifted)
    z = 1 / shifted
    tail = z * fma(z, polynomial(z * z, DIGAMMA_TAIL), 0.5) - shifted_low * fma(0.5 * z, z, z)
    above, above_low = y.lift(0), y.lift(0)
    for k in reversed(range(STEPS)):
        term, term_low = inverse(*two_sum(y, y.lift(k)))
        above, lost = two_sum(above, term)
        above_low = above_low + (lost + term_low)
    total, lost = two_sum(total, select(small, -above, 0))
    low = low + (lost - select(small, above_low, 0)) - tail
    result = total + select(abs(total) < INFINITY, low, 0)
    d = (y - DIGAMMA_ROOT[0]) - DIGAMMA_ROOT[1]
    result = select(abs(d) < 0.25, fma(d, polynomial(d, DIGAMMA_NEAR_ROOT), d), result)
    # ψ(x) = ψ(1 − x) − π·cot(π·x)
    f = value - rint(value)
    cotangent = fma(-f, polynomial(f * f, COTANGENT), 1 / f)
    left = select((f == 0) & (value < 0), NAN, result - cotangent)
    left = select(value == 0, copysign(value.lift(INFINITY), -value), left)
    result = select(value > 0, result, left)
    return select(value < INFINITY, result, value).to(x.bits)


def trigamma(x):
    """ψ′(x), the second derivative of log Γ; infinite at 0, −1, −2, …"""
    value = x.to(64)
    y = _right_half(value)
    small = y < STEPS
    shifted = y + select(small, y.lift(STEPS), 0)
    z = 1 / shifted
    square = z * z
    result = z + square * fma(z, polynomial(square, TRIGAMMA_TAIL), 0.5)
    squares, squares_low = y.lift(0), y.lift(0)
    for k in reversed(range(STEPS)):
        term, term_low = _inverse_square(*two_sum(y, y.lift(k)))
        squares, lost = two_sum(squares, term)
        squares_low = squares_low + (lost + term_low)
    squares_low = select(squares < INFINITY, squares_low, 0)
    result = select(small, squares, 0) + (result + select(small, squares_low, 0))
    # ψ′(x) = π²/sin²(π·x) − ψ′(1 − x)
    f = value - rint(value)
    main, low = _inverse_square(*product(f, 0, polynomial(f * f, SINE_OF_PI), 0))
    return select(value > 0, result, main + (low - result)).to(x.bits)


def _inverse_square(x, x_low=0.0):
    """1/(x + x_low)² as a pair."""
    root, root_low = inverse(x, x_low)
    square = root * root
    low = fma(root, root, -square) + 2 * root * root_low
    return square, select(square < INFINITY, low, 0)


def _right_half(x):
    """x, or 1 − x where x is not positive."""
    return select(x > 0, x, 1 - x)
