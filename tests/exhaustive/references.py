"""Reference values of one-argument functions in float64, by NumPy, SciPy and the C library.

None of them shares code with vector math, but for `power`-free rewritings of the textbook forms below.
"""

import math

import numpy as np
from numba import njit
from scipy import special


def elementwise(function):
    """A function of Python's `math`, one C library call an element."""

    @njit(error_model="numpy", nogil=True)
    def loop(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    def whole(x):
        out = np.empty_like(x)
        loop(x, out)
        return out

    return whole


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


def trigamma(x):
    whole = np.rint(x)
    sine = np.sin(np.pi * (x - whole))
    positive = special.zeta(2, np.where(x > 0, x, 1 - x))
    return np.where(x > 0, positive, np.where(x == 0, np.inf, (np.pi / sine) ** 2 - positive))


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
    "sin": np.sin,
    "cos": np.cos,
    "atan": np.arctan,
    "erf": special.erf,
    "erfc": special.erfc,
    "lgamma": elementwise(math.lgamma),
    "digamma": special.digamma,
    "trigamma": trigamma,
    "bose": lambda x: 1 / np.expm1(x),
    "sinh": np.sinh,
    "cosh": np.cosh,
    "log_cosh": log_cosh,
    "sech2": lambda x: 4 * sigmoid_slope(2 * x),
    "sigmoid_slope": sigmoid_slope,
    "exprel": special.exprel,
    "hypot1": lambda x: np.hypot(1, x),
    "hypot1m1": lambda x: np.where(np.abs(x) > 1e10, np.abs(x), x * x / (1 + np.hypot(1, x))),
    "unit_hypot": lambda x: np.where(np.isinf(x), np.sign(x), x / np.hypot(1, x)),
    "sqrt1pm1": lambda x: np.where(x == np.inf, x, x / (1 + np.sqrt(1 + x))),
    "sqrt": np.sqrt,
    "square": np.square,
}
