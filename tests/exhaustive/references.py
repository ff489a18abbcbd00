"""Reference values of one-argument functions in float64, by NumPy, SciPy and the C library.

None of them shares code with vector math; what they lack is written out in textbook forms that do not cancel.
"""

import math

import numpy as np
from numba import njit
from scipy import special

LIMITS = {"sin": 1e5, "cos": 1e5}
"""The largest |argument| for which a bound is given."""


def elementwise(function):
    """A scalar function that Numba compiles, applied to every element."""

    @njit(error_model="numpy", nogil=True)
    def loop(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    def whole(x):
        out = np.empty_like(x)
        loop(x, out)
        return out

    return whole


@njit(error_model="numpy")
def trigamma(x):
    """By the recurrence up to 12, and the asymptotic series there; left of 0 by reflection."""
    if x <= 0:
        sine = math.sin(math.pi * (x - np.rint(x)))
        return (math.pi / sine) ** 2 - trigamma_of_positive(1 - x)
    return trigamma_of_positive(x)


@njit(error_model="numpy")
def trigamma_of_positive(x):
    total = 0.0
    while x < 12:
        total += 1 / (x * x)
        x += 1
    z = 1 / (x * x)
    tail = z * (1 / 6 - z * (1 / 30 - z * (1 / 42 - z * (1 / 30 - z * (5 / 66 - z * (691 / 2730))))))
    return total + (1 + 0.5 / x + tail) / x


def log1mexp(x):
    return np.where(x > 0, np.nan, np.where(x > -0.7, np.log(-np.expm1(x)), np.log1p(-np.exp(x))))


def log_cosh(x):
    size = np.abs(x)
    near = np.log1p(2 * np.sinh(np.minimum(size, 1) / 2) ** 2)
    return np.where(size < 1, near, size + (np.log1p(np.exp(-2 * size)) - math.log(2)))


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def sigmoid_slope(x):
    e = np.exp(-np.abs(x))
    return e / (1 + e) ** 2


REFERENCES = {
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log2": np.log2,
    "log1p": np.log1p,
    "log1mexp": log1mexp,
    "softplus": softplus,
    "log_sigmoid": lambda x: -softplus(-x),
    "sigmoid": special.expit,
    "tanh": np.tanh,
    "cbrt": np.cbrt,
    "sin": elementwise(math.sin),
    "cos": elementwise(math.cos),
    "atan": np.arctan,
    "erf": elementwise(math.erf),
    "erfc": elementwise(math.erfc),
    "lgamma": elementwise(math.lgamma),
    "digamma": special.digamma,
    "trigamma": elementwise(trigamma),
    "sigmoid_slope": sigmoid_slope,
    "sech2": lambda x: 4 * sigmoid_slope(2 * x),
    "bose": lambda x: 1 / np.expm1(np.where(x == 0, 0, x)),
    "sinh": np.sinh,
    "cosh": np.cosh,
    "log_cosh": log_cosh,
    "exprel": special.exprel,
    "hypot1": lambda x: np.hypot(1, x),
    "hypot1m1": lambda x: np.where(np.abs(x) > 1e10, np.abs(x), x * x / (1 + np.hypot(1, x))),
    "unit_hypot": lambda x: np.where(np.isinf(x), np.sign(x), x / np.hypot(1, x)),
    "sqrt1pm1": lambda x: np.where(x == np.inf, x, x / (1 + np.sqrt(1 + x))),
    "sqrt": np.sqrt,
    "square": np.square,
}
"""The functions that are tried with every float32 number."""
