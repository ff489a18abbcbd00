"""Atoms that select: kinks with a declared subgradient. Their slopes are indicators, of derivative 0."""

from mpmath import mp
from sympy import Abs, Max, Min, Piecewise, S, sign

from .atom import atom, sign_of

UNIT = ((-2, 2), (-1, 0), (0.5, 1))
ZERO = (lambda *_: S.Zero,)


def _indicator(condition):
    return lambda *arguments: mp.mpf(1) if condition(*arguments) else mp.mpf(0)


def _sign_if(negative, zero, positive):
    """Exact value where the sign of the argument is proven."""

    def exact(x):
        if x.is_zero:
            return zero(x)
        if x.is_positive:
            return positive(x)
        return negative(x) if x.is_negative else None

    return exact


def _numbers(function):
    return lambda *arguments: function(*arguments) if all(x.is_number for x in arguments) else None


def _clip_sign(x, low, high):
    return sign_of(low) if low.is_nonnegative else sign_of(high) if high.is_nonpositive else None


relu = atom(
    "relu", lambda x: Max(x, 0), [lambda x: step(x)], lambda x: max(x, mp.mpf(0)), ulp=0.0,
    sign="nonnegative", exact=_sign_if(lambda x: S.Zero, lambda x: S.Zero, lambda x: x),
)
step = atom(
    "step", lambda x: Piecewise((1, x > 0), (0, True)), ZERO, _indicator(lambda x: x > 0), ulp=0.0,
    sign="nonnegative", exact=_sign_if(lambda x: S.Zero, lambda x: S.Zero, lambda x: S.One),
)
absolute = atom(
    "absolute", lambda x: Abs(x), [lambda x: signum(x)], lambda x: abs(x), ulp=0.0, parity="even",
    sign=lambda x: "positive" if x.is_nonzero else "nonnegative",
    exact=lambda x: x if x.is_nonnegative else -x if x.is_nonpositive else None,
)
signum = atom(
    "signum", lambda x: sign(x), ZERO, lambda x: mp.sign(x), ulp=0.0, parity="odd", sign=sign_of,
    exact=_sign_if(lambda x: S.NegativeOne, lambda x: S.Zero, lambda x: S.One),
)
clip = atom(
    "clip", lambda x, low, high: Max(low, Min(x, high)),
    [
        lambda x, low, high: inside(x, low, high),
        lambda x, low, high: greater(low, x),
        lambda x, low, high: greater(x, high),
    ],
    lambda x, low, high: max(low, min(x, high)), ulp=0.0, sample=UNIT, sign=_clip_sign,
    exact=_numbers(lambda x, low, high: Max(low, Min(x, high))),
)
inside = atom(
    "inside", lambda x, low, high: Piecewise((1, (x >= low) & (x <= high)), (0, True)), ZERO * 3,
    _indicator(lambda x, low, high: low <= x <= high), ulp=0.0, sample=UNIT, sign="nonnegative",
)
greater = atom(
    "greater", lambda a, b: Piecewise((1, a > b), (0, True)), ZERO * 2, _indicator(lambda a, b: a > b),
    ulp=0.0, sign="nonnegative",
    exact=lambda a, b: S.One if (a - b).is_positive else S.Zero if (a - b).is_nonpositive else None,
)
# a tie counts as b: maximum(x, 0) has the slope of relu
maximum = atom(
    "maximum", lambda a, b: Max(a, b), [lambda a, b: greater(a, b), lambda a, b: 1 - greater(a, b)],
    lambda a, b: max(a, b), ulp=0.0, exact=lambda a, b: a if a == b else _numbers(Max)(a, b),
    sign=lambda a, b: "positive" if a.is_positive or b.is_positive
    else "nonnegative" if a.is_nonnegative or b.is_nonnegative else None,
)
minimum = atom(
    "minimum", lambda a, b: Min(a, b), [lambda a, b: greater(b, a), lambda a, b: 1 - greater(b, a)],
    lambda a, b: min(a, b), ulp=0.0, exact=lambda a, b: a if a == b else _numbers(Min)(a, b),
    sign=lambda a, b: "positive" if a.is_positive and b.is_positive
    else "nonnegative" if a.is_nonnegative and b.is_nonnegative else None,
)
