"""Functions with a kink, and the indicators that are their slopes. NaN in gives NaN out.

At a kink the slope is the declared one: step(0) = 0, signum(0) = 0, inside is 1 on the closed interval.
"""

from lossgen.runtime.tracing import select


def keep(x):
    """x itself."""
    return x


def square(x):
    """x²."""
    return x * x


def absolute(x):
    """|x|."""
    return abs(x)


def relu(x):
    """max(x, 0)."""
    return select(x < 0, 0, x)


def step(x):
    """1 where x > 0, else 0."""
    return _indicator(x > 0, x != x, x)


def signum(x):
    """−1, 0 or 1."""
    return select(x > 0, 1, select(x < 0, x.lift(-1), x))


def clip(x, low, high):
    """x, or the bound that it exceeds."""
    x = select(x < low, low, x)
    return select(x > high, high, x)


def inside(x, low, high):
    """1 where low ≤ x ≤ high, else 0."""
    return _indicator((x >= low) & (x <= high), x != x, x)


def greater(a, b):
    """1 where a > b, else 0."""
    return _indicator(a > b, (a != a) | (b != b), a + b)


def _indicator(condition, undefined, witness):
    """1 or 0 by the condition; the witness, a NaN, where that is undefined."""
    return select(undefined, witness, select(condition, witness.lift(1), 0))
