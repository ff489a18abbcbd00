"""The accuracy contract: how large an error is allowed, and how an error compares with it.

For an output f (a loss, an entry of its gradient or Hessian) and inputs x of a float type:

    |error|  ≤  4 ulp(f)  +  Σ |∂f/∂x| ulp(x)  +  √C · Σ |∂f/∂S| ulp(largest addend of S)  +  underflow

over predictions and soft targets x (labels 0 and 1, −1 and 1 are exact) and the sums S over C columns, unless
the loss is just a mean of elementwise ones. A result that the float type can hold is finite. The last term is
what a factor that underflows can make: a subnormal number has no digits left that a product with a logit
could keep. Second derivatives of losses with sums are sums themselves, and held to the size of the row's
Hessian and of gradient²/loss, whose difference it is: 4 √C ulp(the largest), for softmax at least of 1.
"""

import math
from collections.abc import Iterator

import numpy as np
from mpmath import mp, mpf

from lossgen.inspection.verification.reference import Exact

ULPS = 4
UNDERFLOW = 1024
"""Multiples of the smallest subnormal: half of it, times the largest |logit| whose exponential is one."""


class Float:
    """What the contract needs to know of a float type."""

    def __init__(self, dtype):
        information = np.finfo(dtype)
        self.dtype = np.dtype(dtype)
        self.digits = information.nmant
        self.lowest_exponent = int(information.minexp)
        self.largest = mpf(float(information.max))
        self.smallest = mpf(2) ** (self.lowest_exponent - self.digits)

    def ulp(self, value):
        """The distance between neighbouring floats around a number; of 0, the smallest subnormal."""
        if value == 0:
            return self.smallest
        exponent = mp.mag(value) - 1
        return mpf(2) ** (max(int(exponent), self.lowest_exponent) - self.digits)

    def holds(self, value) -> bool:
        return abs(value) <= self.largest


FLOATS = (Float(np.float32), Float(np.float64))


def tolerance(exact: Exact, derivative: tuple[int, ...], y, p, kind: Float, hard: tuple[float, ...] = ()):
    """The error that the contract allows for the loss, or for its derivative by these predictions."""
    result = exact.jet.derivative(*derivative)
    by_prediction, by_target, by_sum = exact.sensitivity(*derivative)
    allowed = ULPS * kind.ulp(result) + UNDERFLOW * kind.smallest
    allowed += sum(slope * kind.ulp(mpf(float(x))) for slope, x in zip(by_prediction, p, strict=True))
    if np.ndim(y):
        soft = [(slope, float(x)) for slope, x in zip(by_target, y, strict=True) if float(x) not in hard]
        allowed += sum(slope * kind.ulp(mpf(x)) for slope, x in soft)
    root = mp.sqrt(len(p))
    allowed += sum(root * slope * kind.ulp(size) for slope, size in zip(by_sum, exact.addends, strict=True))
    return allowed


def excess(got, wanted, allowed, kind: Float) -> float:
    """Error over allowed error: at most 1 when the contract holds, or the result is out of range."""
    if not kind.holds(wanted) or mp.isinf(allowed):
        return 0.0
    if not np.isfinite(got):
        return math.inf
    return float(abs(mpf(float(got)) - wanted) / allowed)


def neighbours(y, p, kind: Float) -> Iterator[tuple]:
    """The inputs with one prediction or target moved by one ulp."""
    up, down = (kind.dtype.type(sign * np.inf) for sign in (1, -1))
    move = lambda x, end: float(np.nextafter(kind.dtype.type(x), end))  # noqa: E731
    for end in (up, down):
        for j in range(len(p)):
            yield y, np.array([move(x, end) if k == j else x for k, x in enumerate(p)])
            if np.ndim(y):
                yield np.array([move(x, end) if k == j else x for k, x in enumerate(y)]), p
