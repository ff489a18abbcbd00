"""Numbers as the sum of two floats, the second below half a unit in the last place of the first."""

from lossgen.runtime.tracing import fma


def fast_two_sum(a, b):
    """a + b exactly, as a pair, where |a| ≥ |b| or a is 0."""
    total = a + b
    return total, (a - total) + b


def two_sum(a, b):
    """a + b exactly, as a pair."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def product(a, a_low, b, b_low):
    """(a + a_low)·(b + b_low) as a pair, but for the product of the low parts."""
    high = a * b
    return high, fma(a, b, -high) + fma(a, b_low, a_low * b)


def quotient(a, b, b_low):
    """a/(b + b_low) as a pair."""
    high = a / b
    return high, (fma(-high, b, a) - high * b_low) / b


def inverse(b, b_low=0.0):
    """1/(b + b_low) as a pair; one division."""
    high = 1 / b
    return high, high * fma(-high, b_low, fma(-high, b, 1))
