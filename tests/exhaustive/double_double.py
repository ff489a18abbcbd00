"""Arithmetic with 106 binary digits: a number is a pair of float64 numbers, the second below half an ulp.

Follows D. H. Bailey's QD library. Functions are scalar, compiled by Numba, and take and return pairs.
"""

import math
from fractions import Fraction

import numpy as np
from mpmath import mp, mpf
from numba import njit

from lossgen.runtime import tracing

fma = tracing.vector_function(tracing.fma)
compiled = njit(error_model="numpy", nogil=True)


def pair(x):
    """A number of any kind as a pair."""
    with mp.workdps(60):
        exact = mpf(x.numerator) / x.denominator if isinstance(x, Fraction) else mpf(x)
        high = float(exact)
        return high, float(exact - high)


def pairs(numbers):
    """A table of pairs."""
    return np.array([pair(x) for x in numbers])


with mp.workdps(60):
    LN2, PI, HALF_PI = pair(mp.log(2)), pair(mp.pi), pair(mp.pi / 2)
    HALF_PI_THIRD = float(mp.pi / 2 - mpf(HALF_PI[0]) - mpf(HALF_PI[1]))
    TWO_OVER_ROOT_PI, ROOT_PI = pair(2 / mp.sqrt(mp.pi)), pair(mp.sqrt(mp.pi))
    INVERSE_FACTORIALS = pairs([1 / mp.factorial(k) for k in range(32)])
    ODD_INVERSES = pairs([mpf(1) / (2 * k + 1) for k in range(16)])


@compiled
def two_sum(a, b):
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


@compiled
def renormal(a, b):
    total = a + b
    return total, b - (total - a)


@compiled
def add(a, b):
    high, low = two_sum(a[0], b[0])
    next_high, next_low = two_sum(a[1], b[1])
    high, low = renormal(high, low + next_high)
    return renormal(high, low + next_low)


@compiled
def negative(a):
    return -a[0], -a[1]


@compiled
def multiply(a, b):
    high = a[0] * b[0]
    return renormal(high, fma(a[0], b[0], -high) + (a[0] * b[1] + a[1] * b[0]))


@compiled
def scale(a, factor):
    """Times a power of two."""
    return a[0] * factor, a[1] * factor


@compiled
def divide(a, b):
    first = a[0] / b[0]
    rest = add(a, negative(multiply(b, (first, 0.0))))
    second = rest[0] / b[0]
    rest = add(rest, negative(multiply(b, (second, 0.0))))
    high, low = renormal(first, second)
    return add((high, low), (rest[0] / b[0], 0.0))


@compiled
def series(x, table, first, last):
    """table[first] + table[first + 1]·x + … up to table[last − 1]."""
    total = (table[last - 1, 0], table[last - 1, 1])
    for k in range(last - 2, first - 1, -1):
        total = add(multiply(total, x), (table[k, 0], table[k, 1]))
    return total


@compiled
def small_expm1(x):
    """eˣ − 1 for |x| ≤ 0.4."""
    return multiply(x, series(x, INVERSE_FACTORIALS, 1, 28))


@compiled
def exp(x):
    n = np.rint(x[0] / LN2[0])
    r = add(x, multiply((-n, 0.0), LN2))
    value = add((1.0, 0.0), small_expm1(r))
    half = math.floor(n / 2)
    return scale(scale(value, 2.0**half), 2.0 ** (n - half))


@compiled
def expm1(x):
    if abs(x[0]) < 0.35:
        return small_expm1(x)
    return add(exp(x), (-1.0, 0.0))


@compiled
def small_log1p(x):
    """log(1 + x) for |x| ≤ 0.1: twice the inverse hyperbolic tangent of x/(2 + x)."""
    s = divide(x, add((2.0, 0.0), x))
    return scale(multiply(s, series(multiply(s, s), ODD_INVERSES, 0, 14)), 2.0)


@compiled
def log(x):
    near = add(x, (-1.0, 0.0))
    if abs(near[0]) < 0.1:
        return small_log1p(near)
    mantissa, n = math.frexp(x[0])
    # without the range of x: Newton's step for e^y = m
    unit = (mantissa, math.ldexp(x[1], -n)) if n > -1000 else (mantissa, 0.0)
    start = (math.log(mantissa), 0.0)
    step = small_log1p(add(multiply(unit, exp(negative(start))), (-1.0, 0.0)))
    return add(add(start, step), multiply((float(n), 0.0), LN2))


@compiled
def log1p(x):
    return small_log1p(x) if abs(x[0]) < 0.1 else log(add((1.0, 0.0), x))


@compiled
def sine_and_cosine(x):
    """Both of r = x − n·π/2, and n; |x| up to 1e6."""
    n = np.rint(x[0] / HALF_PI[0])
    r = add(x, multiply((-n, 0.0), HALF_PI))
    r = add(r, (-n * HALF_PI_THIRD, 0.0))
    square = negative(multiply(r, r))
    sine, cosine = (0.0, 0.0), (0.0, 0.0)
    for k in range(27, 0, -2):
        sine = add(multiply(sine, square), (INVERSE_FACTORIALS[k, 0], INVERSE_FACTORIALS[k, 1]))
        cosine = add(multiply(cosine, square), (INVERSE_FACTORIALS[k - 1, 0], INVERSE_FACTORIALS[k - 1, 1]))
    return multiply(r, sine), cosine, int(n) & 3


@compiled
def sin(x):
    sine, cosine, n = sine_and_cosine(x)
    result = cosine if n & 1 else sine
    return negative(result) if n & 2 else result


@compiled
def cos(x):
    sine, cosine, n = sine_and_cosine(x)
    result = sine if n & 1 else cosine
    return negative(result) if n in (1, 2) else result


@compiled
def atan(x):
    start = (math.atan(x[0]), 0.0)
    sine, cosine = sin(start), cos(start)
    above = add(multiply(x, cosine), negative(sine))
    below = add(cosine, multiply(x, sine))
    return add(start, divide(above, below))


@compiled
def cbrt_of_normal(x):
    start = np.cbrt(x[0])
    square = multiply((start, 0.0), (start, 0.0))
    missing = add(x, negative(multiply(square, (start, 0.0))))
    step = divide(missing, (3 * square[0], 0.0))
    step = add(step, negative(divide(multiply(step, step), (start, 0.0))))
    return add((start, 0.0), step)


@compiled
def cbrt(x):
    if abs(x[0]) < 1e-200:
        return scale(cbrt_of_normal(scale(x, 2.0**300)), 2.0**-100)
    return cbrt_of_normal(x)
