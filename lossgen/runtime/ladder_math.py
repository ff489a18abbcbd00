"""The pieces of a log-sum-exp carried as its maximum and the rest of the sum, as inlined scalar functions.

With s = u − maximum and `excluded` = Σ exp(s) over every column but one maximum, log softmax is
s − log1p(excluded): both parts have one sign, so a confident row keeps its digits.
"""

import numpy as np

from lossgen.runtime import tracing
from lossgen.runtime.compiling import njit
from lossgen.runtime.intrinsics import like, select
from lossgen.runtime.options import INLINE
from lossgen.runtime.vector_math import exp


@njit(**INLINE)
def guarded_product(a, b):
    return select(a == 0, like(b, 0), a * b)


@njit(**INLINE)
def vanishing(base, power):
    return select(base == 0, like(power, 0), power)


def _shifted(u, maximum):
    """u − maximum, held above −∞ for finite u: logits further apart than the largest float stay ordered.

    Where all u are −∞ (a log-sum-exp of weights that are all 0), every column attains the maximum.
    """
    lowest = -np.finfo(np.float32 if u.bits == 32 else np.float64).max
    difference = tracing.maximum(u - maximum, u.lift(float(lowest)))
    infinite = tracing.select(maximum == -np.inf, u.lift(0.0), u.lift(-np.inf))
    return tracing.select(u == -np.inf, infinite, difference)


shifted = tracing.vector_function(_shifted)


@njit(**INLINE)
def excluded_exponential(s):
    return select(s == 0, like(s, 0), exp(s))


@njit(**INLINE)
def is_maximum(s):
    return select(s == 0, like(s, 1), like(s, 0))


@njit(**INLINE)
def complement(s, exponential, excluded, inverse_total):
    return inverse_total * select(s == 0, excluded, (like(s, 1) + excluded) - exponential)
