"""Atoms built on the exponential: logistic, hyperbolic and Bose families; differences that cancel; gamma."""

from mpmath import mp
from sympy import Rational, S, cosh, exp, log, loggamma, pi, polygamma, sqrt, tanh
from sympy import digamma as sympy_digamma
from sympy import erf as sympy_erf
from sympy import erfc as sympy_erfc

from .atom import POSITIVE, atom, sign_of

EXPONENT = (-100, 100)


def _at_zero(value):
    return lambda x: value if x.is_zero else None


def _moment(order):
    """The integral of t^order·exp(x·t) over 0..1, to full precision."""

    def reference(x):
        if mp.isinf(x):
            return mp.inf if x > 0 else mp.mpf(0)
        if abs(x) < 1:
            term, total, k = mp.mpf(1), mp.mpf(1) / (order + 1), 0
            while abs(term) > mp.eps:
                k += 1
                term = term * x / k
                total += term / (k + order + 1)
            return total
        value = mp.expm1(x) / x
        for n in range(1, order + 1):
            value = (mp.exp(x) - n * value) / x
        return value

    return reference


def _expm1mx(x):
    # x²·∫(1−t)·exp(x·t): the textbook form cancels near 0
    return x * x * (_moment(0)(x) - _moment(1)(x)) if abs(x) < 1 else mp.exp(x) - 1 - x


def _lgamma(x):
    return mp.loggamma(x) if x > 0 else mp.log(abs(mp.gamma(x)))


sigmoid = atom(
    "sigmoid", lambda x: 1 / (1 + exp(-x)), [lambda x: sigmoid(x) * sigmoid(-x)],
    lambda x: 1 / (1 + mp.exp(-x)), sign="positive", exact=_at_zero(S.Half),
)
softplus = atom(
    "softplus", lambda x: log(1 + exp(x)), [lambda x: sigmoid(x)],
    lambda x: mp.log1p(mp.exp(x)), sign="positive", exact=_at_zero(log(2)),
)
log_cosh = atom(
    "log_cosh", lambda x: log(cosh(x)), [lambda x: tanh(x)],
    lambda x: mp.log1p(2 * mp.sinh(x / 2) ** 2), sign="nonnegative", parity="even", exact=_at_zero(S.Zero),
)
sech2 = atom(
    "sech2", lambda x: 1 / cosh(x) ** 2, [lambda x: -2 * tanh(x) * sech2(x)],
    lambda x: 1 / mp.cosh(x) ** 2, sign="positive", parity="even", exact=_at_zero(S.One), ulp=3.0,
)
log1p = atom(
    "log1p", lambda x: log(1 + x), [lambda x: 1 / (1 + x)],
    lambda x: mp.log1p(x), sample=(-0.999, 1e4), sign=sign_of, exact=_at_zero(S.Zero),
)
expm1 = atom(
    "expm1", lambda x: exp(x) - 1, [lambda x: exp(x)],
    lambda x: mp.expm1(x), sample=EXPONENT, sign=sign_of, exact=_at_zero(S.Zero),
)
log1mexp = atom(
    "log1mexp", lambda x: log(1 - exp(x)), [lambda x: -bose(-x)],
    lambda x: mp.log1p(-mp.exp(x)) if x < -1 else mp.log(-mp.expm1(x)), sample=(-100, -1e-30),
    sign="negative",
)
bose = atom(
    "bose", lambda x: 1 / (exp(x) - 1), [lambda x: bose(x) * bose(-x)],
    lambda x: 1 / mp.expm1(x) if x else mp.inf, sample=EXPONENT, sign=sign_of,
)
exprel = atom(
    "exprel", lambda x: (exp(x) - 1) / x, [lambda x: exprel_slope(x)],
    _moment(0), sample=EXPONENT, sign="positive", exact=_at_zero(S.One),
)
exprel_slope = atom(
    "exprel_slope", lambda x: ((x - 1) * exp(x) + 1) / x**2, [lambda x: exprel_curvature(x)],
    _moment(1), sample=EXPONENT, sign="positive", exact=_at_zero(S.Half),
)
exprel_curvature = atom(
    "exprel_curvature", lambda x: ((x**2 - 2 * x + 2) * exp(x) - 2) / x**3,
    [lambda x: (exp(x) - 3 * exprel_curvature(x)) / x],
    _moment(2), sample=EXPONENT, sign="positive", exact=_at_zero(Rational(1, 3)),
)
expm1mx = atom(
    "expm1mx", lambda x: exp(x) - 1 - x, [lambda x: expm1(x)],
    _expm1mx, sample=EXPONENT, sign="nonnegative", exact=_at_zero(S.Zero),
)

# SymPy's own erfc turns erfc(-x) into 2 - erfc(x), which cancels
erf = atom(
    "erf", lambda x: sympy_erf(x), [lambda x: 2 * exp(-(x**2)) / sqrt(pi)],
    mp.erf, ulp=3.0, sample=(-9, 9), parity="odd", sign=sign_of, exact=_at_zero(S.Zero),
)
erfc = atom(
    "erfc", lambda x: sympy_erfc(x), [lambda x: -2 * exp(-(x**2)) / sqrt(pi)],
    mp.erfc, ulp=3.0, sample=(-9, 9), sign="positive", exact=_at_zero(S.One),
)
lgamma = atom(
    "lgamma", lambda x: loggamma(x), [lambda x: digamma(x)], _lgamma, ulp=4.0, sample=POSITIVE,
    exact=lambda x: S.Zero if x in (S.One, S(2)) else None,
)
digamma = atom(
    "digamma", lambda x: sympy_digamma(x), [lambda x: trigamma(x)], mp.digamma, ulp=4.0, sample=POSITIVE,
)
trigamma = atom(
    "trigamma", lambda x: polygamma(1, x), [lambda x: polygamma(2, x)],
    lambda x: mp.psi(1, x), ulp=4.0, sample=POSITIVE, sign="positive",
)
