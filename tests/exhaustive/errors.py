"""Errors in units in the last place (ulp), measured by compiled loops."""

from functools import cache

import numpy as np
from numba import float32, float64, njit
from numba.core.typing import signature

from lossgen.runtime import vector_math
from lossgen.runtime.tracing import select, vector_function

OPTIONS = dict(nogil=True, fastmath={"nsz"}, error_model="numpy")  # FAST without the cache
EXPONENT_BITS = 0x7FF0000000000000


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


def _error(found, high, low, digits, smallest, largest):
    """|found − (high + low)| in units of a format with so many binary digits behind the leading one.

    Infinity counts as the number after the last, `largest`. The error is infinite where one of both is NaN.
    """
    same = ((found != found) & (high != high)) | (found == high) & (low == 0)
    difference = (_held(found, largest) - _held(high, largest)) - select(abs(high) < largest, low, 0)
    power = (abs(high).as_integer() & EXPONENT_BITS).as_float() * 2.0**-digits
    limit = largest * 2.0 ** -(digits + 1)
    unit = select(power < smallest, smallest, select(power > limit, limit, power))
    error = abs(difference) / unit
    return select(same, 0, select(error == error, error, float("inf")))


def _held(x, largest):
    return select(x > largest, largest, select(x < -largest, x.lift(-largest), x))


def _float32_error(found, exact):
    return _error(found.to(64), exact, exact.lift(0), 23, 2.0**-149, 2.0**128)


def _float64_error(found, high, low):
    return _error(found, high, low, 52, 2.0**-1074, float("inf"))


float32_error = vector_function(_float32_error, typed_by=lambda f, e: signature(float64, float32, float64))
float64_error = vector_function(_float64_error)


@njit(**OPTIONS)
def float32_errors(found, exact, errors):
    """Errors of float32 numbers by exact ones that are given in float64."""
    for i in range(found.size):
        errors[i] = float32_error(found[i], exact[i])


@njit(**OPTIONS)
def float64_errors(found, high, low, errors):
    """Errors of float64 numbers by exact ones, each the sum of two float64 numbers."""
    for i in range(found.size):
        errors[i] = float64_error(found[i], high[i], low[i])
