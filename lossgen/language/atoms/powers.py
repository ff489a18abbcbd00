"""Atoms for powers, roots and logarithms of products: guarded where the textbook form is 0·inf or cancels."""

from mpmath import mp
from sympy import Piecewise, S, log, sqrt

from .atom import POSITIVE, REAL, atom, sign_of
from .smooth import log1p

BASE = (1e-30, 1e4)
POWER_SAMPLE = ((1e-6, 1e3), (-3, 3))


def _product_with_log(logarithm):
    return lambda x, y: mp.mpf(0) if x == 0 else x * logarithm(y)


def _xdivy(x, y):
    if x == 0:
        return mp.mpf(0)
    return x * mp.inf if y == 0 else x / y


def _power(x, a):
    if a == 0:
        return mp.mpf(1)
    if x == 0:
        return mp.mpf(0) if a > 0 else mp.inf
    if x < 0 and a != int(a):
        return mp.nan
    return x**a


def _times(factor, value):
    return mp.mpf(0) if factor == 0 else factor * value


def _power_exact(x, a):
    if a.is_zero:
        return S.One
    return x if a is S.One else None


def _slope_exact(x, a):
    if a.is_zero:
        return S.Zero
    return S.One if a is S.One else None


def _curvature_exact(x, a):
    return S.Zero if a.is_zero or a is S.One else None


def _first_zero(x, y):
    return S.Zero if x.is_zero else None


hypot1 = atom(
    "hypot1", lambda x: sqrt(1 + x**2), [lambda x: unit_hypot(x)],
    lambda x: mp.sqrt(1 + x * x), sample=REAL, sign="positive", parity="even",
)
hypot1m1 = atom(
    "hypot1m1", lambda x: sqrt(1 + x**2) - 1, [lambda x: unit_hypot(x)],
    lambda x: x * x / (1 + mp.sqrt(1 + x * x)), sign="nonnegative", parity="even",
)
unit_hypot = atom(
    "unit_hypot", lambda x: x / sqrt(1 + x**2), [lambda x: hypot1(x) ** -3],
    lambda x: x / mp.sqrt(1 + x * x), sign=sign_of, parity="odd",
)
sqrt1pm1 = atom(
    "sqrt1pm1", lambda x: sqrt(1 + x) - 1, [lambda x: 1 / (2 * sqrt(1 + x))],
    lambda x: x / (1 + mp.sqrt(1 + x)), sample=(-0.999, 1e4), sign=sign_of,
)
square = atom(
    "square", lambda x: x**2, [lambda x: 2 * x], lambda x: x * x, ulp=1.0,
    sign=lambda x: "positive" if x.is_nonzero else "nonnegative",
)
xlogy = atom(
    "xlogy", lambda x, y: x * log(y), [lambda x, y: log(y), lambda x, y: xdivy(x, y)],
    _product_with_log(mp.log), sample=POSITIVE, exact=_first_zero,
)
xlog1py = atom(
    "xlog1py", lambda x, y: x * log(1 + y), [lambda x, y: log1p(y), lambda x, y: xdivy(x, 1 + y)],
    _product_with_log(mp.log1p), sample=((-1e4, 1e4), (-0.999, 1e4)), exact=_first_zero,
)
xdivy = atom(
    "xdivy", lambda x, y: x / y, [lambda x, y: 1 / y, lambda x, y: -xdivy(xdivy(x, y), y)],
    _xdivy, ulp=1.0, sample=((-1e4, 1e4), POSITIVE),
    sign=lambda x, y: sign_of(x / y), exact=lambda x, y: S.Zero if x.is_zero else x if y is S.One else None,
)
power = atom(
    "power", lambda x, a: x**a, [lambda x, a: power_slope(x, a), lambda x, a: power_log(x, a)],
    _power, sample=POWER_SAMPLE, exact=_power_exact,
    sign=lambda x, a: "positive" if x.is_positive else "nonnegative",
)
power_slope = atom(
    "power_slope", lambda x, a: Piecewise((0, a.is_zero is True), (a * x ** (a - 1), True)),
    [lambda x, a: power_curvature(x, a), lambda x, a: power(x, a - 1) + xlogy(power_slope(x, a), x)],
    lambda x, a: _times(a, _power(x, a - 1)), sample=POWER_SAMPLE, exact=_slope_exact,
    sign=lambda x, a: "nonnegative" if a.is_nonnegative else None,
)
power_curvature = atom(
    "power_curvature", lambda x, a: a * (a - 1) * x ** (a - 2),
    [
        lambda x, a: (a - 2) * power_curvature(x, a) / x,
        lambda x, a: (2 * a - 1) * power(x, a - 2) + xlogy(power_curvature(x, a), x),
    ],
    lambda x, a: _times(a * (a - 1), _power(x, a - 2)), sample=POWER_SAMPLE, exact=_curvature_exact,
)
power_log = atom(
    "power_log", lambda x, a: x**a * log(x),
    [lambda x, a: xlogy(power_slope(x, a), x) + power(x, a - 1), lambda x, a: xlogy(power_log(x, a), x)],
    lambda x, a: mp.mpf(0) if x == 0 else x**a * mp.log(x), sample=POWER_SAMPLE, ulp=3.0,
)
