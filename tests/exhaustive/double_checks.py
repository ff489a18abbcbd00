"""Float64 functions against double-double arithmetic on stratified samples; the worst against mpmath."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from mpmath import mp, mpf

from exhaustive import double_double as dd
from exhaustive import double_special
from exhaustive.errors import float64_errors, values_of
from exhaustive.sweep import Worst

SAMPLES = 10_000_000
CONFIRMED = 10_000
CHUNK = 2**16
SMALLEST = 2.0**-960
"""Below it the second number of a pair is not whole; such results are left to mpmath."""


@dataclass(frozen=True)
class Check:
    """A float64 function: its double-double and its mpmath reference, and the range of its samples."""

    pair: Callable
    exact: Callable
    low: float
    high: float


@dd.compiled
def exp2(x):
    return dd.exp(dd.multiply(x, dd.LN2))


@dd.compiled
def log2(x):
    return dd.divide(dd.log(x), dd.LN2)


@dd.compiled
def log1mexp(x):
    if x[0] > -0.7:
        return dd.log(dd.negative(dd.expm1(x)))
    return dd.log1p(dd.negative(dd.exp(x)))


@dd.compiled
def softplus(x):
    rest = dd.log1p(dd.exp((-min(abs(x[0]), 2000.0), 0.0)))
    return dd.add(x, rest) if x[0] > 0 else rest


@dd.compiled
def log_sigmoid(x):
    return dd.negative(softplus(dd.negative(x)))


@dd.compiled
def sigmoid(x):
    e = dd.exp((-abs(x[0]), 0.0))
    return dd.divide((1.0, 0.0) if x[0] > 0 else e, dd.add((1.0, 0.0), e))


@dd.compiled
def tanh(x):
    grown = dd.expm1((2 * min(abs(x[0]), 300.0), 0.0))
    result = dd.divide(grown, dd.add((2.0, 0.0), grown))
    return result if x[0] > 0 else dd.negative(result)


def exact_log1mexp(x):
    return mp.log1p(-mp.exp(x)) if x < -1 else mp.log(-mp.expm1(x))


def exact_softplus(x):
    return max(x, mpf(0)) + mp.log1p(mp.exp(-min(abs(x), mpf(10000))))


CHECKS = {
    "exp": Check(dd.exp, mp.exp, -745.0, 709.7),
    "exp2": Check(exp2, lambda x: mp.power(2, x), -1074.0, 1023.9),
    "expm1": Check(dd.expm1, mp.expm1, -745.0, 709.7),
    "log": Check(dd.log, mp.log, 5e-324, 1.7e308),
    "log2": Check(log2, lambda x: mp.log(x, 2), 5e-324, 1.7e308),
    "log1p": Check(dd.log1p, mp.log1p, -1 + 2.0**-53, 1.7e308),
    "log1mexp": Check(log1mexp, exact_log1mexp, -745.0, -5e-324),
    "softplus": Check(softplus, exact_softplus, -745.0, 1.7e308),
    "log_sigmoid": Check(log_sigmoid, lambda x: -exact_softplus(-x), -1.7e308, 745.0),
    "sigmoid": Check(sigmoid, lambda x: 1 / (1 + mp.exp(-x)), -745.0, 745.0),
    "tanh": Check(tanh, mp.tanh, -1e4, 1e4),
    "cbrt": Check(dd.cbrt, lambda x: mp.sign(x) * mp.cbrt(abs(x)), -1.7e308, 1.7e308),
    "sin": Check(dd.sin, mp.sin, -1e5, 1e5),
    "cos": Check(dd.cos, mp.cos, -1e5, 1e5),
    "atan": Check(dd.atan, mp.atan, -1e300, 1e300),
    "erf": Check(double_special.erf, mp.erf, -6.5, 6.5),
    "erfc": Check(double_special.erfc, mp.erfc, -6.5, 27.2),
    "lgamma": Check(double_special.lgamma, mp.loggamma, 5e-324, 1e300),
    "digamma": Check(double_special.digamma, mp.digamma, 1e-300, 1e300),
    "trigamma": Check(double_special.trigamma, lambda x: mp.psi(1, x), 1e-140, 1e300),
}


@cache
def loop_over(name):
    """The double-double reference at every x."""
    reference = CHECKS[name].pair

    @dd.compiled
    def loop(x, high, low):
        for i in range(x.size):
            high[i], low[i] = reference((x[i], 0.0))

    return loop


def samples(low, high, count):
    """Random numbers of the range: a half evenly over all bit patterns, a half where functions bend.

    The second half is even between −40 and 40, around 0, 1 and 2.
    """
    generator = np.random.default_rng(11)
    quarter = count // 4
    patterns = generator.integers(0, np.float64(np.inf).view(np.int64), 2 * count).view(np.float64)
    patterns *= generator.choice([-1.0, 1.0], patterns.size)
    even = generator.uniform(-40, 40, 2 * quarter)
    bends = [generator.uniform(-1, 1, quarter // 4), generator.uniform(0.5, 2.5, quarter // 2)]
    wide = generator.uniform(max(low, -1e5), min(high, 1e5), quarter)
    near = 2.0 ** generator.uniform(-60, 0, quarter) * generator.choice([-1.0, 1.0], quarter)
    around = np.concatenate([near, 1 + near[: quarter // 2], 2 + near[: quarter // 2]])
    parts = [part[(part >= low) & (part <= high)] for part in (patterns, even, wide, around, *bends)]
    x = generator.permutation(np.concatenate(parts))
    return x[:count] if x.size >= count else np.concatenate([x, generator.choice(x, count - x.size) * 0.9999])


def check(name: str, count: int = SAMPLES, confirmed: int = CONFIRMED) -> tuple[Worst, dict[str, float]]:
    """The worst argument by double-double arithmetic; `mpmath` in the notes is what mpmath finds."""
    row = CHECKS[name]
    x = samples(row.low, row.high, count)
    errors, high, low = np.empty(x.size), np.empty(CHUNK), np.empty(CHUNK)
    tiny = []
    for start in range(0, x.size, CHUNK):
        part = x[start : start + CHUNK]
        size = part.size
        loop_over(name)(part, high[:size], low[:size])
        found = values_of(name, part)
        float64_errors(found, high[:size], low[:size], errors[start : start + size])
        small = np.flatnonzero(np.abs(high[:size]) < SMALLEST) + start
        errors[small] = 0
        tiny.append(small[: confirmed // 100])
    worst = int(np.argmax(errors))
    places = np.argpartition(errors, -confirmed)[-confirmed:]
    tiny = np.concatenate(tiny)[:confirmed]
    notes = {
        "samples": x.size,
        "mpmath": _by_mpmath(row, name, x[places]),
        "tiny": _by_mpmath(row, name, x[tiny]) if tiny.size else 0.0,
    }
    return Worst(float(errors[worst]), float(x[worst])), notes


def _by_mpmath(row, name, x):
    """The greatest error that mpmath finds."""
    worst = 0.0
    for argument, found in zip(x, values_of(name, x), strict=True):
        with mp.workdps(50):
            exact = mpf(row.exact(mpf(float(argument))))
            unit = max(2.0**-1074, np.spacing(abs(float(exact))) if np.isfinite(float(exact)) else 2.0**971)
            worst = max(worst, float(abs(mpf(float(found)) - exact) / unit)) if np.isfinite(found) else np.inf
    return worst
