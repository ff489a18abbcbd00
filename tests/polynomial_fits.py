"""Where the coefficients in lossgen/runtime/vector_math/formats.py come from.

Each is a weighted least-squares fit at Chebyshev points, made with 60 digits. Coefficients are rounded to the
format one after the other, lowest first, and the rest is fitted again around what rounding has changed.
`python tests/polynomial_fits.py` prints them all.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from mpmath import mp, mpf


@dataclass(frozen=True)
class Recipe:
    """function on [low, high]; the weighted error is what the polynomial's error does to the final result."""

    function: Callable
    weight: Callable
    low: mpf
    high: mpf
    terms: dict


def _exp(r):
    if abs(r) < mpf(10) ** -15:
        return mpf(1) / 2 + r / 6 + r * r / 24 + r**3 / 120
    return (mp.expm1(r) - r) / r**2


def _log(z):
    if z < mpf(10) ** -15:
        return mpf(2) / 3 + 2 * z / 5 + 2 * z * z / 7
    s = mp.sqrt(z)
    return (2 * mp.atanh(s) / s - 2) / z


def _log1p(x):
    if abs(x) < mpf(10) ** -15:
        return -mpf(1) / 2 + x / 3 - x * x / 4
    return (mp.log1p(x) - x) / x**2


def _log_cosh(z):
    if z < mpf(10) ** -15:
        return -mpf(1) / 12 + z / 45 - 17 * z * z / 2520
    return (mp.log(mp.cosh(mp.sqrt(z))) / z - mpf(1) / 2) / z


def _tanh(z):
    if z < mpf(10) ** -15:
        return -mpf(1) / 3 + 2 * z / 15 - 17 * z * z / 315
    s = mp.sqrt(z)
    return (mp.tanh(s) / s - 1) / z


def _cotangent(z):
    if z < mpf(10) ** -15:
        return mp.pi**2 / 3 + z * mp.pi**4 / 45 + 2 * z * z * mp.pi**6 / 945
    f = mp.sqrt(z)
    return (1 / f - mp.pi * mp.cot(mp.pi * f)) / f


HALF_LN2 = mpf("0.34661")
SQUARE_OF_S = mpf("0.02944")  # (3 − 2√2)²
RECIPES = {
    "exp": Recipe(_exp, lambda r: r * r, -HALF_LN2, HALF_LN2, {32: 5, 64: 10, "short": 6}),
    "log": Recipe(_log, lambda z: z / 2, mpf(0), SQUARE_OF_S, {32: 3, 64: 7, "short": 4}),
    "log1p": Recipe(_log1p, lambda x: x, mpf(0), mpf(1), {32: 9, 64: 20}),
    "log_cosh": Recipe(_log_cosh, lambda z: 2 * z, mpf(0), mpf("0.64"), {32: 6, 64: 12}),
    "tanh": Recipe(_tanh, lambda z: z, mpf(0), mpf("0.3025"), {32: 5, 64: 11}),
    "cotangent": Recipe(_cotangent, lambda z: z, mpf(0), mpf("0.25"), {64: 15}),
}


def rounded(x, bits):
    """A number of the format, as an exact mpf."""
    return mpf(float(np.float32(float(x)))) if bits == 32 else mpf(float(x))


def least_squares(function, weight, low, high, powers):
    """Coefficients of the given powers, by least squares at Chebyshev points: within a bit of the minimax."""
    count = 8 * (powers[-1] + 1)
    middle, half = (low + high) / 2, (high - low) / 2
    points = [middle + half * mp.cos(mp.pi * (k + mpf(1) / 2) / count) for k in range(count)]
    weights = [weight(x) ** 2 for x in points]
    values = [w * function(x) for w, x in zip(weights, points, strict=True)]
    system = mp.matrix(len(powers), len(powers))
    for row, power in enumerate(powers):
        for column, other in enumerate(powers):
            system[row, column] = mp.fdot(weights, [x ** (power + other) for x in points])
    return list(mp.lu_solve(system, mp.matrix([mp.fdot(values, [x**k for x in points]) for k in powers])))


@mp.workdps(60)
def fit(recipe, bits):
    """The coefficients of a recipe, rounded to the format."""
    terms = recipe.terms[bits]
    known = []
    for first in range(terms):
        def remainder(x):
            return recipe.function(x) - sum(c * x**k for k, c in enumerate(known))

        free = least_squares(remainder, recipe.weight, recipe.low, recipe.high, range(first, terms))
        known.append(rounded(free[0], bits))
    return known


@mp.workdps(60)
def worst_error(recipe, coefficients):
    """Greatest weighted error."""
    descending = coefficients[::-1]
    points = [recipe.low + (recipe.high - recipe.low) * k / 397 for k in range(398)]
    return max(abs(recipe.weight(x) * (recipe.function(x) - mp.polyval(descending, x))) for x in points)


if __name__ == "__main__":
    for name, recipe in RECIPES.items():
        for bits in recipe.terms:
            coefficients = fit(recipe, bits)
            kind = np.float32 if bits == 32 else np.float64
            print(f"{name} {bits}: error 2^{float(mp.log(worst_error(recipe, coefficients), 2)):.1f}")
            print("   ", ", ".join(repr(float(str(kind(float(c))))) for c in coefficients))
