"""Errors in units in the last place (ulp), measured by compiled loops."""

import math
from functools import cache

import numpy as np
from numba import njit

from lossgen.runtime import vector_math

OPTIONS = dict(nogil=True, fastmath={"nsz"}, error_model="numpy")  # FAST without the cache


@cache
def loop_over(name):
    """The loop out[i] = function(x[i]) for a function of vector math."""
    function = getattr(vector_math, name)

    @njit(**OPTIONS)
    def loop(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    return loop


def values_of(name, x):
    """A function of vector math at every x."""
    out = np.empty_like(x)
    loop_over(name)(x, out)
    return out


@njit(error_model="numpy")
def unit_in_last_place(exact, mantissa, smallest_exponent):
    """Distance of the floats around a number; around 0 that of the subnormals."""
    if exact == 0:
        return math.ldexp(1.0, smallest_exponent)
    _, exponent = math.frexp(exact)
    return math.ldexp(1.0, max(exponent - mantissa - 1, smallest_exponent))


@njit(error_model="numpy", nogil=True)
def float32_errors(found, exact, errors):
    """Errors of float32 numbers by exact float64 ones; infinity counts as 2¹²⁸, the number after the last.

    The error is infinite where one of both is NaN, or an infinity stands where the exact result is far away.
    """
    for i in range(found.size):
        f, e = np.float64(found[i]), exact[i]
        if math.isnan(f) or math.isnan(e):
            errors[i] = 0.0 if math.isnan(f) and math.isnan(e) else np.inf
            continue
        f, e = max(min(f, 2.0**128), -(2.0**128)), max(min(e, 2.0**128), -(2.0**128))
        if f == e:
            errors[i] = 0.0
            continue
        errors[i] = abs(f - e) / unit_in_last_place(min(abs(e), 3.4e38), 23, -149)


@njit(error_model="numpy", nogil=True)
def float64_errors(found, high, low, errors):
    """Errors of float64 numbers by exact ones, each the sum of two float64 numbers."""
    for i in range(found.size):
        f, h = found[i], high[i]
        if math.isnan(f) or math.isnan(h):
            errors[i] = 0.0 if math.isnan(f) and math.isnan(h) else np.inf
        elif math.isinf(f) or math.isinf(h):
            largest = min(abs(f), abs(h))
            same = f == h or ((f > 0) == (h > 0) and largest >= 1.7976931348623157e308)
            errors[i] = 0.0 if same else np.inf
        else:
            errors[i] = abs((f - h) - low[i]) / unit_in_last_place(abs(h), 52, -1074)
