"""Powers with a whole exponent from −7 to 7, by multiplication; what `powers` uses for integer exponents.

The runtime passes an exponent as an integer only where it is small (`plan.MOST_MULTIPLIED`).
"""

from lossgen.runtime.tracing import select
from lossgen.runtime.vector_math.logarithm import log


def whole_power(x, n):
    """xⁿ; 1 for n = 0."""
    size = select(n < 0, -n, n)
    square = x * x
    result = select((size & 1) != 0, x, x.lift(1.0))
    result = result * select((size & 2) != 0, square, x.lift(1.0))
    result = result * select((size & 4) != 0, square * square, x.lift(1.0))
    return select(n < 0, 1 / result, result)


def whole_power_slope(x, n):
    """n·xⁿ⁻¹; 0 for n = 0, and at x = 0 where it would be infinite."""
    return _times(n, whole_power(x, n - 1), x, n < 1)


def whole_power_curvature(x, n):
    """n·(n − 1)·xⁿ⁻²; 0 for n = 0 and 1, and at x = 0 where it would be infinite."""
    return _times(n * (n - 1), whole_power(x, n - 2), x, n < 2)


def whole_power_log(x, n):
    """xⁿ·log(x), and 0 for x = 0."""
    return select(x == 0, 0, whole_power(x, n) * log(x))


def _times(factor, result, x, falls):
    return select((factor == 0) | ((x == 0) & falls), 0, factor.to_float().to(x.bits) * result)
