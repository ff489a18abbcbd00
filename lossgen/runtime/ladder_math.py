"""The pieces of a log-sum-exp carried as its maximum and the rest of the sum, as inlined scalar functions.

With s = u − maximum and `excluded` = Σ exp(s) over every column but one maximum, log softmax is
s − log1p(excluded): both parts have one sign, so a confident row keeps its digits.
"""

from numba import njit

from lossgen.runtime.intrinsics import like, select
from lossgen.runtime.options import FAST
from lossgen.runtime.vector_math import exp


@njit(**FAST)
def guarded_product(a, b):
    return select(a == 0, like(b, 0), a * b)


@njit(**FAST)
def shifted(u, maximum):
    return u - maximum


@njit(**FAST)
def excluded_exponential(s):
    return select(s == 0, like(s, 0), exp(s))


@njit(**FAST)
def is_maximum(s):
    return select(s == 0, like(s, 1), like(s, 0))


@njit(**FAST)
def complement(s, excluded, inverse_total):
    return inverse_total * select(s == 0, excluded, (like(s, 1) + excluded) - exp(s))
