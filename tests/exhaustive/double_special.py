"""Error function and gamma family in double-double arithmetic."""

from fractions import Fraction
from math import comb

from mpmath import mp, mpf

from exhaustive.double_double import (
    ROOT_PI,
    TWO_OVER_ROOT_PI,
    add,
    compiled,
    divide,
    exp,
    log,
    multiply,
    negative,
    pair,
    pairs,
    scale,
    series,
)


def bernoulli(count):
    """B₂, B₄, … as fractions."""
    numbers = [Fraction(1)]
    for n in range(1, 2 * count + 1):
        numbers.append(-sum(comb(n + 1, k) * numbers[k] for k in range(n)) / (n + 1))
    return numbers[2::2]


TERMS, STEPS = 14, 30
BERNOULLI = bernoulli(TERMS)
STIRLING = pairs([b / (2 * k * (2 * k - 1)) for k, b in enumerate(BERNOULLI, 1)])
DIGAMMA = pairs([b / (2 * k) for k, b in enumerate(BERNOULLI, 1)])
TRIGAMMA = pairs(BERNOULLI)
with mp.workdps(60):
    HALF_LOG_TWO_PI = pair(mp.log(2 * mp.pi) / 2)
    ZETA = [mp.zeta(k) for k in range(2, 12)]
    AROUND_ONE = pairs([-mp.euler] + [(-1) ** k * z / k for k, z in enumerate(ZETA, 2)])
    AROUND_TWO = pairs([1 - mp.euler] + [(-1) ** k * (z - 1) / k for k, z in enumerate(ZETA, 2)])
    root = mp.findroot(mp.digamma, mpf("1.4616321449683623"))
    ROOT = pair(root)
    AROUND_ROOT = pairs([mp.psi(k, root) / mp.factorial(k) for k in range(1, 7)])


@compiled
def erf(x):
    """By a series of positive terms."""
    square = multiply(x, x)
    term = total = x
    k = 1
    while term[0] * 1e33 > total[0] if x[0] > 0 else term[0] * 1e33 < total[0]:
        term = divide(scale(multiply(term, square), 2.0), (2.0 * k + 1, 0.0))
        total = add(total, term)
        k += 1
    return multiply(TWO_OVER_ROOT_PI, multiply(exp(negative(square)), total))


@compiled
def erfc(x):
    if x[0] < 4.5:
        return add((1.0, 0.0), negative(erf(x)))
    square = multiply(x, x)
    tail = x
    for k in range(90, 0, -1):
        tail = add(x, divide((0.5 * k, 0.0), tail))
    return divide(exp(negative(square)), multiply(ROOT_PI, tail))


@compiled
def shifted(x):
    """A number of at least STEPS from which the recurrence leads back to x, and the number of its steps."""
    steps = 0
    while x[0] < STEPS:
        x = add(x, (1.0, 0.0))
        steps += 1
    return x, steps


@compiled
def lgamma(x):
    for table, zero in ((AROUND_ONE, 1.0), (AROUND_TWO, 2.0)):
        d = add(x, (-zero, 0.0))
        if abs(d[0]) < 1e-3:
            return multiply(d, series(d, table, 0, 11))
    y, steps = shifted(x)
    product = (1.0, 0.0)
    for k in range(steps):
        product = multiply(product, add(x, (float(k), 0.0)))
    z = divide((1.0, 0.0), y)
    result = multiply(z, series(multiply(z, z), STIRLING, 0, TERMS))
    result = add(result, HALF_LOG_TWO_PI)
    result = add(result, negative(y))
    result = add(result, multiply(add(y, (-0.5, 0.0)), log(y)))
    return add(result, negative(log(product))) if steps else result


@compiled
def digamma(x):
    d = add(add(x, (-ROOT[0], 0.0)), (-ROOT[1], 0.0))
    if abs(d[0]) < 1e-5:
        return multiply(d, series(d, AROUND_ROOT, 0, 6))
    y, steps = shifted(x)
    z = divide((1.0, 0.0), y)
    result = multiply(z, add((0.5, 0.0), multiply(z, series(multiply(z, z), DIGAMMA, 0, TERMS))))
    result = add(log(y), negative(result))
    for k in range(steps - 1, -1, -1):
        result = add(result, negative(divide((1.0, 0.0), add(x, (float(k), 0.0)))))
    return result


@compiled
def trigamma(x):
    y, steps = shifted(x)
    z = divide((1.0, 0.0), y)
    square = multiply(z, z)
    result = add(z, multiply(square, add((0.5, 0.0), multiply(z, series(square, TRIGAMMA, 0, TERMS)))))
    for k in range(steps - 1, -1, -1):
        part = add(x, (float(k), 0.0))
        result = add(result, divide((1.0, 0.0), multiply(part, part)))
    return result
