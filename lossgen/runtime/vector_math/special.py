"""The gamma family, in float64 arithmetic; and functions that call the C library, one element at a time."""

import math
from fractions import Fraction

from lossgen.runtime.tracing import call, fma, polynomial, rint, select
from lossgen.runtime.vector_math.formats import COTANGENT
from lossgen.runtime.vector_math.logarithm import log

# Bernoulli numbers B2, B4, …
BERNOULLI = tuple(
    Fraction(*pair)
    for pair in (
        (1, 6), (-1, 30), (1, 42), (-1, 30), (5, 66), (-691, 2730), (7, 6), (-3617, 510), (43867, 798),
    )
)
STEPS = 10  # ψ is evaluated at x + STEPS, where its asymptotic series has converged


def sin(x):
    """Sine."""
    return call(math.sin, x)


def cos(x):
    """Cosine."""
    return call(math.cos, x)


def atan(x):
    """Inverse tangent."""
    return call(math.atan, x)


def erf(x):
    """Error function."""
    return call(math.erf, x)


def erfc(x):
    """1 − erf(x), accurate in the tail."""
    return call(math.erfc, x)


def lgamma(x):
    """log |Γ(x)|."""
    return call(math.lgamma, x)


def digamma(x):
    """ψ(x), the derivative of log Γ. Infinite or NaN at its poles 0, −1, −2, …"""
    value = x.to(64)
    y = _right_half(value)
    recurrence = sum((1 / (y + k) for k in range(1, STEPS)), 1 / y)
    z = 1 / (y + STEPS)
    series = polynomial(z * z, [float(b / (2 * k)) for k, b in enumerate(BERNOULLI, 1)])
    result = log(y + STEPS) - fma(z, fma(z, series, 0.5), recurrence)
    # ψ(x) = ψ(1 − x) − π·cot(π·x)
    return select(value > 0, result, result - _pi_cotangent(value)).to(x.bits)


def trigamma(x):
    """ψ′(x), the second derivative of log Γ."""
    value = x.to(64)
    y = _right_half(value)
    squares = [(1 / (y + k)) * (1 / (y + k)) for k in range(STEPS)]
    z = 1 / (y + STEPS)
    series = polynomial(z * z, [float(b) for b in BERNOULLI])
    result = sum(squares[-2::-1], squares[-1]) + fma(z * z, fma(z, series, 0.5), z)
    # ψ′(x) + ψ′(1 − x) = π²/sin²(π·x)
    cotangent = _pi_cotangent(value)
    reflected = fma(cotangent, cotangent, math.pi**2) - result
    return select(value > 0, result, reflected).to(x.bits)


def _right_half(x):
    """x, or 1 − x where x is not positive."""
    return select(x > 0, x, 1 - x)


def _pi_cotangent(x):
    """π·cot(π·x)."""
    f = x - rint(x)
    return fma(-f, polynomial(f * f, COTANGENT), 1 / f)
