"""Sine, cosine and the gamma family in float32 alone, against arithmetic of 40 digits."""

from functools import cache

import numba
import numpy as np
import pytest
from mpmath import mp, mpf
from polynomial_fits import SINGLE_RECIPES, fit, rounded, worst_error

from lossgen.runtime.cuda import single
from lossgen.runtime.tracing import vector_function

MOST_UNITS = 3.2
REFERENCES = {
    "sin": mp.sin,
    "cos": mp.cos,
    "lgamma": mp.loggamma,
    "digamma": mp.digamma,
    "trigamma": lambda x: mp.psi(1, x),
}
ANGLES = [(0, 1), (1, 10), (10, 1e3), (1e3, 1e5)]
POSITIVE = [(1e-18, 1e-3), (1e-3, 1), (1, 2), (2, 4), (4, 10), (10, 1e3), (1e3, 1e30)]


@cache
def compiled(name: str):
    function = vector_function(getattr(single, name))
    return numba.njit(lambda x: function(x))


def units_from(name: str, x: np.float32) -> float:
    """Error in units in the last place of the exact result."""
    found = compiled(name)(x)
    with mp.workdps(50):
        exact = REFERENCES[name](mpf(float(x)))
        return float(abs(mpf(found) - exact) / mpf(float(np.spacing(np.float32(abs(float(exact)))))))


@pytest.mark.parametrize("name", REFERENCES)
def test_accuracy(name):
    generator = np.random.default_rng(len(name))
    for low, high in ANGLES if name in ("sin", "cos") else POSITIVE:
        if low > 0:
            numbers = np.exp(generator.uniform(np.log(low), np.log(high), 400)).astype(np.float32)
        else:
            numbers = generator.uniform(low, high, 400).astype(np.float32)
        worst = max(numbers, key=lambda x: units_from(name, x))
        assert units_from(name, worst) < MOST_UNITS, (low, high, worst)


def test_zeros_keep_their_relative_accuracy():
    """Next to them, and where π/2 is subtracted most often."""
    for name, zero in {"lgamma": 1, "digamma": 1.4616321, "sin": 38908.625, "cos": 19111.879}.items():
        number = np.float32(zero)
        for _ in range(20):
            number = np.nextafter(number, np.float32(np.inf))
            assert units_from(name, number) < MOST_UNITS, (name, number)


def test_coefficients_are_those_of_the_recipes():
    for name, recipe in SINGLE_RECIPES.items():
        committed = [rounded(c, 32) for c in getattr(single, name.upper())]
        assert worst_error(recipe, committed) < 2.0**-24, name
    fitted = [float(c) for c in fit(SINGLE_RECIPES["stirling"], 32)]
    assert fitted == pytest.approx(single.STIRLING, rel=1e-6)
