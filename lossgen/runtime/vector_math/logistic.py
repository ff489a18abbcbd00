"""Functions of a logit, and the hyperbolic functions.

All start from e^-|x|, which LLVM computes once for sigmoid(x), sigmoid(−x), softplus(x) and softplus(−x).
"""

from lossgen.runtime.tracing import copysign, fma, polynomial, select
from lossgen.runtime.vector_math.exponential import decay, decay_in_two
from lossgen.runtime.vector_math.formats import format_of
from lossgen.runtime.vector_math.pairs import fast_two_sum


def sigmoid(x):
    """1/(1 + e^-x), accurate in both tails."""
    smaller = _smaller_sigmoid(x)
    return select(x < 0, smaller, 1 - smaller)


def _smaller_sigmoid(x):
    """sigmoid(−|x|)."""
    e, _ = decay_in_two(x)
    return _quotient(e)


def _quotient(e, factor=1):
    """e/(1 + e) as e − e·e/(1 + e), where the quotient weighs less; both times a power of two."""
    return fma(-e, e / (factor + e), e)


def sigmoid_slope(x):
    """sigmoid(x)·sigmoid(−x), the derivative of sigmoid: more accurate than the product."""
    smaller = _smaller_sigmoid(x)
    return fma(-smaller, smaller, smaller)


def softplus(x):
    """log(1 + eˣ), accurate in both tails."""
    e, e_low = decay_in_two(x)
    # log(1 + e) = log 2 + log(1 + (e − 1)/2)
    large = e > 0.5
    f = select(large, fma(e, 0.5, -0.5), e)
    total, lost = fast_two_sum(select(large, x.lift(format_of(x).ln2[0]), 0), select(x < 0, 0, x))
    lost = select(large, lost, 0)  # for infinite x it is not a number
    # what rounding took from e counts 1/(1 + e) times, which 0.7 is close enough to
    return total + (f + _log1pmx_unit(f, fma(e_low, 0.7, lost)))


def log_sigmoid(x):
    """log(sigmoid(x)), accurate in both tails."""
    return -softplus(-x)


def _log1pmx_unit(x, added=0.0):
    """log(1 + x) − x + added, for −¼ ≤ x ≤ ½."""
    return fma(x * x, polynomial(x, format_of(x).log1p), added)


def sech2(x):
    """1/cosh²(x), the derivative of tanh."""
    smaller = _quotient(decay(2 * x, 4), 4)
    return fma(-smaller, 0.25 * smaller, smaller)


def tanh(x):
    """Hyperbolic tangent."""
    e, _ = decay_in_two(2 * x)
    square = x * x
    near = fma(x * square, polynomial(square, format_of(x).tanh), x)
    return copysign(select(abs(x) < 0.55, near, 1 - 2 * (e / (1 + e))), x)


def log_cosh(x):
    """log cosh(x), accurate near 0 and without overflow."""
    form = format_of(x)
    square = x * x
    near = square * fma(square, polynomial(square, form.log_cosh), 0.5)
    e, _ = decay_in_two(2 * x)
    far = (abs(x) - form.ln2[0]) + (e + _log1pmx_unit(e, -form.ln2[1]))
    return select(abs(x) < 0.8, near, far)
