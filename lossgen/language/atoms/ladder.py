"""Atoms of a log-sum-exp rung (R is its opaque symbol), and the parenthesis that rewriting must not open."""

from mpmath import mp
from sympy import S, exp

from .atom import atom, sign_of

RUNG = ((-50, 0), (0, 1))

log_softmax = atom(
    "log_softmax", lambda u, R: u - R, [lambda u, R: S.One, lambda u, R: S.NegativeOne],
    lambda u, R: u - R, ulp=3.0, sample=RUNG, sign="nonpositive",
)
softmax = atom(
    "softmax", lambda u, R: exp(u - R), [lambda u, R: softmax(u, R), lambda u, R: -softmax(u, R)],
    lambda u, R: mp.exp(u - R), ulp=3.0, sample=RUNG, sign="positive",
)
softmax_complement = atom(
    "softmax_complement", lambda u, R: 1 - exp(u - R),
    [lambda u, R: -softmax(u, R), lambda u, R: softmax(u, R)],
    lambda u, R: -mp.expm1(u - R), ulp=3.0, sample=RUNG, sign="nonnegative",
)
keep = atom(
    "keep", lambda x: x, [lambda x: S.One], lambda x: x, ulp=0.0, sign=sign_of,
    exact=lambda x: x if x.is_Atom else None,
)
