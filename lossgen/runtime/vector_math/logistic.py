"""Functions of a logit, and the hyperbolic functions.

All start from e^-|x|, which LLVM computes once for sigmoid(x), sigmoid(−x), softplus(x) and softplus(−x).
"""

from lossgen.runtime.tracing import copysign, fma, polynomial, select
from lossgen.runtime.vector_math.exponential import decay
from lossgen.runtime.vector_math.formats import format_of


def sigmoid(x):
    """1/(1 + e^-x), accurate in both tails."""
    smaller = _smaller_sigmoid(x)
    return select(x < 0, smaller, 1 - smaller)


def _smaller_sigmoid(x):
    """sigmoid(−|x|)."""
    e = decay(x)
    return e / (1 + e)


def sigmoid_slope(x):
    """sigmoid(x)·sigmoid(−x), the derivative of sigmoid: more accurate than the product."""
    e = decay(x)
    total = 1 + e
    inverse = 1 / total
    # what rounding took from the inverse of 1 + e; the square doubles it
    lost = fma(-inverse, e - (total - 1), fma(-inverse, total, 1))
    slope = e * inverse * inverse
    return fma(slope, 2 * lost, slope)


def softplus(x):
    """log(1 + eˣ), accurate in both tails."""
    return select(x < 0, 0, x) + _log1p_unit(decay(x))


def _log1p_unit(x):
    """log(1 + x) for 0 ≤ x ≤ 1."""
    return fma(x * x, polynomial(x, format_of(x).log1p), x)


def sech2(x):
    """1/cosh²(x), the derivative of tanh."""
    return 4 * sigmoid_slope(2 * x)


def tanh(x):
    """Hyperbolic tangent."""
    square = x * x
    near = fma(x * square, polynomial(square, format_of(x).tanh), x)
    return select(abs(x) < 0.55, near, copysign(1 - 2 * _smaller_sigmoid(2 * x), x))


def log_cosh(x):
    """log cosh(x), accurate near 0 and without overflow."""
    form = format_of(x)
    square = x * x
    near = square * fma(square, polynomial(square, form.log_cosh), 0.5)
    far = (abs(x) - form.ln2[0]) + (_log1p_unit(decay(2 * x)) - form.ln2[1])
    return select(abs(x) < 0.8, near, far)
