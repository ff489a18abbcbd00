"""The pieces of a log-sum-exp carried as its maximum and the rest of the sum, as inlined scalar functions.

With s = u − maximum and `excluded` = Σ exp(s) over every column but one maximum, log softmax is
s − log1p(excluded): both parts have one sign, so a confident row keeps its digits.
"""

from numba import njit

from lossgen.runtime.intrinsics import like, select
from lossgen.runtime.options import INLINE
from lossgen.runtime.vector_math import exp


@njit(**INLINE)
def guarded_product(a, b):
    return select(a == 0, like(b, 0), a * b)


@njit(**INLINE)
def shifted(u, maximum):
    return u - maximum


@njit(**INLINE)
def excluded_exponential(s):
    return select(s == 0, like(s, 0), exp(s))


@njit(**INLINE)
def is_maximum(s):
    return select(s == 0, like(s, 1), like(s, 0))


@njit(**INLINE)
def complement(s, excluded, inverse_total):
    return inverse_total * select(s == 0, excluded, (like(s, 1) + excluded) - exp(s))
