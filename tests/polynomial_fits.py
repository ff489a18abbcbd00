"""Where the coefficients in lossgen/runtime/vector_math and in lossgen/runtime/cuda/single.py come from.

Each is a weighted least-squares fit at Chebyshev points, made with 60 digits. Coefficients are rounded to the
format one after the other, lowest first, and the rest is fitted again around what rounding has changed.
`python tests/polynomial_fits.py` prints them all.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

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


def _sine(z):
    if z < mpf(10) ** -15:
        return -mpf(1) / 6 + z / 120 - z * z / 5040
    r = mp.sqrt(z)
    return (mp.sin(r) / r - 1) / z


def _cosine(z):
    if z < mpf(10) ** -12:
        return mpf(1) / 24 - z / 720 + z * z / 40320
    return ((mp.cos(mp.sqrt(z)) - 1) / z + mpf(1) / 2) / z


def _sine_of_pi(z):
    return mp.sinc(mp.pi * mp.sqrt(z))


def _atan(z):
    if z < mpf(10) ** -15:
        return -mpf(1) / 3 + z / 5 - z * z / 7
    u = mp.sqrt(z)
    return (mp.atan(u) / u - 1) / z


def _erf(z):
    if z < mpf(10) ** -40:
        return 2 / mp.sqrt(mp.pi) - 1
    x = mp.sqrt(z)
    return mp.erf(x) / x - 1


def _scaled_erfc(t):
    """(x + K)·e^(x²)·erfc(x) − 1, where t = (x − K)/(x + K)."""
    x = ERFC_CENTRE * (1 + t) / (1 - t)
    return (x + ERFC_CENTRE) * mp.exp(x * x) * mp.erfc(x) - 1


def _lgamma_near_one(d):
    return -mp.euler if abs(d) < mpf(10) ** -30 else mp.loggamma(1 + d) / d


def _lgamma_near_two(d):
    return 1 - mp.euler if abs(d) < mpf(10) ** -30 else mp.loggamma(2 + d) / d


def _digamma_near_root(d):
    slope = mp.psi(1, DIGAMMA_ROOT) if abs(d) < mpf(10) ** -30 else mp.digamma(DIGAMMA_ROOT + d) / d
    return slope - 1


def _stirling(z):
    """(log Γ(y) − (y − ½)·log y + y − ½·log 2π)·y, where z = 1/y²."""
    if z < mpf("1e-6"):
        return _series(z, lambda k: mp.bernoulli(2 * k) / (2 * k * (2 * k - 1)))
    y = 1 / mp.sqrt(z)
    return (mp.loggamma(y) - (y - mpf(1) / 2) * mp.log(y) + y - mp.log(2 * mp.pi) / 2) * y


def _digamma_tail(z):
    """(log y − 1/(2y) − ψ(y))·y², where z = 1/y²."""
    if z < mpf("1e-6"):
        return _series(z, lambda k: mp.bernoulli(2 * k) / (2 * k))
    y = 1 / mp.sqrt(z)
    return (mp.log(y) - 1 / (2 * y) - mp.digamma(y)) / z


def _trigamma_tail(z):
    """(ψ′(y) − 1/y − 1/(2y²))·y³, where z = 1/y²."""
    if z < mpf("1e-6"):
        return _series(z, lambda k: mp.bernoulli(2 * k))
    y = 1 / mp.sqrt(z)
    return (mp.psi(1, y) - 1 / y - z / 2) / z * y


def _lgamma_middle(t):
    """log Γ(y)/((y − 1)·(y − 2)), where y = 2.5 + t."""
    if min(abs(t + mpf(3) / 2), abs(t + mpf(1) / 2)) < mpf(10) ** -30:
        return mp.euler if t < -1 else 1 - mp.euler
    y = mpf(5) / 2 + t
    return mp.loggamma(y) / ((y - 1) * (y - 2))


def _digamma_middle(t):
    """ψ(y)/(y − x₀), where y = 2.5 + t and ψ(x₀) = 0."""
    return _digamma_near_root(mpf(5) / 2 + t - DIGAMMA_ROOT) + 1


def _series(z, coefficient):
    return sum(coefficient(k) * z ** (k - 1) for k in range(1, 12))


HALF_LN2 = mpf("0.34661")
SQUARE_OF_S = mpf("0.02944")  # (3 − 2√2)²
ERFC_CENTRE = mpf("3")
ERFC_FROM = mpf("0.46875")
ERFC_TO = mpf("27.3")  # where erfc underflows
with mp.workdps(80):
    DIGAMMA_ROOT = mp.findroot(mp.digamma, mpf("1.4616321449683623"))
    QUARTER_PI_SQUARED = (mp.pi / 4 * mpf("1.0001")) ** 2
QUARTER = mpf("0.25")


RECIPES = {
    "exp": Recipe(_exp, lambda r: r * r, -HALF_LN2, HALF_LN2, {32: 5, 64: 10, "short": 6}),
    "expm1": Recipe(_exp, lambda r: r * r, -HALF_LN2, HALF_LN2, {32: 6, 64: 10}),
    "log": Recipe(_log, lambda z: z / 2, mpf(0), SQUARE_OF_S, {32: 3, 64: 7, "short": 4}),
    "log1p": Recipe(_log1p, lambda x: x if x > 0 else 2 * x * x, -QUARTER, mpf(1) / 2, {32: 9, 64: 20}),
    "log_cosh": Recipe(_log_cosh, lambda z: 2 * z, mpf(0), mpf("0.64"), {32: 6, 64: 12}),
    "tanh": Recipe(_tanh, lambda z: z, mpf(0), mpf("0.3025"), {32: 5, 64: 11}),
    "cotangent": Recipe(_cotangent, lambda z: z, mpf(0), QUARTER, {64: 15}),
    "sine": Recipe(_sine, lambda z: z, mpf(0), QUARTER_PI_SQUARED, {64: 6, "short": 4}),
    "cosine": Recipe(_cosine, lambda z: z * z, mpf(0), QUARTER_PI_SQUARED, {64: 6, "short": 4}),
    "sine_of_pi": Recipe(_sine_of_pi, lambda z: 1, mpf(0), QUARTER, {64: 9}),
    "atan": Recipe(_atan, lambda z: z, mpf(0), mpf("0.17158"), {32: 5, 64: 12}),
    "erf": Recipe(_erf, lambda z: 1, mpf(0), QUARTER, {64: 9, "short": 6}),
    "scaled_erfc": Recipe(
        _scaled_erfc, lambda t: mpf(1) / 2, (ERFC_FROM - ERFC_CENTRE) / (ERFC_FROM + ERFC_CENTRE),
        (ERFC_TO - ERFC_CENTRE) / (ERFC_TO + ERFC_CENTRE), {64: 22, "short": 13},
    ),
    "lgamma_near_one": Recipe(_lgamma_near_one, lambda d: 2, -QUARTER, QUARTER, {64: 18}),
    "lgamma_near_two": Recipe(_lgamma_near_two, lambda d: 2, -QUARTER, QUARTER, {64: 14}),
    "digamma_near_root": Recipe(_digamma_near_root, lambda d: 1, -QUARTER, QUARTER, {64: 17}),
    "stirling": Recipe(_stirling, lambda z: mpf(1) / 8, mpf(0), mpf(1) / 64, {64: 6}),
    "digamma_tail": Recipe(_digamma_tail, lambda z: mpf(1) / 64, mpf(0), mpf(1) / 64, {64: 7}),
    "trigamma_tail": Recipe(_trigamma_tail, lambda z: mpf(1) / 64, mpf(0), mpf(1) / 64, {64: 7}),
}

SIXTEENTH = mpf(1) / 16
SINGLE_RECIPES = {
    "sine": replace(RECIPES["sine"], terms={32: 4}),
    "cosine": replace(RECIPES["cosine"], terms={32: 4}),
    "sine_of_pi": replace(RECIPES["sine_of_pi"], terms={32: 6}),
    "cotangent": replace(RECIPES["cotangent"], terms={32: 9}),
    "lgamma_middle": Recipe(_lgamma_middle, lambda t: 3, mpf("-1.5"), mpf("1.5"), {32: 16}),
    "digamma_middle": Recipe(_digamma_middle, lambda t: 2, mpf("-1.5"), mpf("1.5"), {32: 18}),
    "trigamma_middle": Recipe(lambda t: mp.psi(1, 3 + t), lambda t: 3, mpf(-1), mpf(1), {32: 12}),
    "stirling": Recipe(_stirling, lambda z: mpf(1) / 4, mpf(0), SIXTEENTH, {32: 4}),
    "digamma_tail": Recipe(_digamma_tail, lambda z: SIXTEENTH, mpf(0), SIXTEENTH, {32: 4}),
    "trigamma_tail": Recipe(_trigamma_tail, lambda z: SIXTEENTH, mpf(0), SIXTEENTH, {32: 4}),
}
"""What `lossgen.runtime.cuda.single` evaluates in float32."""


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
    recipe, terms = replace(recipe, function=cache(recipe.function)), recipe.terms[bits]
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
    for name, recipe in (*RECIPES.items(), *SINGLE_RECIPES.items()):
        for bits in recipe.terms:
            coefficients = fit(recipe, bits)
            kind = np.float32 if bits == 32 else np.float64
            print(f"{name} {bits}: error 2^{float(mp.log(worst_error(recipe, coefficients), 2)):.1f}")
            print("   ", ", ".join(repr(float(str(kind(float(c))))) for c in coefficients))
