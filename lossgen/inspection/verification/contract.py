"""The accuracy contract: how large an error is allowed, and how an error compares with it.

For an output f (a loss, an entry of its gradient or Hessian) and inputs x of a float type:

    |error|  ≤  4 ulp(f)  +  Σ |∂f/∂x| ulp(x)  +  √C · Σ |∂f/∂S| ulp(largest addend of S)  +  underflow

over predictions and soft targets x (labels 0 and 1, −1 and 1 are exact) and the sums S over C columns, unless
the loss is just a mean of elementwise ones. A result that the float type can hold is finite. The last term is
what a factor that underflows can make: a subnormal number has no digits left that a product with a logit
could keep. Second derivatives of losses with sums are sums themselves, and held to the size of the row's
Hessian: 4 √C ulp(the largest), for softmax at least of 1; where the loss is a power of sums also of
gradient²/loss, whose difference they are.

Derivatives by targets and parameters come from array code, which is not rewritten for accuracy: they are held
to half of the digits: √ulp(1) times the derivative, and 16 times the above.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import sympy
from mpmath import mp, mpf

from lossgen.inspection.verification.reference import Exact
from lossgen.inspection.verification.subjects import Subject

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
        return mp.ldexp(1, max(int(exponent), self.lowest_exponent) - self.digits)

    def holds(self, value) -> bool:
        return abs(value) <= self.largest


SINGLE, DOUBLE = FLOATS = Float(np.float32), Float(np.float64)


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
    """Error over allowed error: at most 1 when the contract holds.

    Where the exact number is out of range, infinity of its sign is right, and so is a number of that sign
    that is larger than half of the largest.
    """
    if mp.isinf(allowed):
        return 0.0
    if not kind.holds(wanted):
        near = got > kind.largest / 2 if wanted > 0 else got < -kind.largest / 2
        if near or (np.isfinite(got) and abs(mpf(float(got)) - wanted) <= allowed):
            return 0.0
        return math.inf
    if not np.isfinite(got):
        return math.inf
    return float(abs(mpf(float(got)) - wanted) / allowed)


def neighbours(y, p, kind: Float, steps: int) -> Iterator[tuple]:
    """The inputs with one prediction or target moved by this many ulps."""
    for end in (kind.dtype.type(np.inf), kind.dtype.type(-np.inf)):
        for vector, is_target in ((p, False), (y, True)):
            if np.ndim(vector) == 0:
                continue
            for j in range(len(vector)):
                moved = np.array(vector, kind.dtype)
                with np.errstate(over="ignore"):
                    for _ in range(steps):
                        moved[j] = np.nextafter(moved[j], end)
                other = moved.astype(float)
                yield (other, p) if is_target else (y, other)


@dataclass(frozen=True)
class Quantity:
    """One number that a loss computes of a row.

    Args:
        output: "value", "gradient", "hessian", "product" (of Hessian and vector), "by y_true", or "by NAME"
            of a parameter.
        column: of the element; None for the value and for a parameter that is one number.
    """

    output: str
    column: int | None = None

    def derivative(self, row: Exact, symbol: sympy.Symbol | None = None) -> tuple[int, ...]:
        """The variables of the row's jet by which it is the derivative (for a product: the gradient's)."""
        place = self.column or 0
        if self.output == "value":
            return ()
        if self.output == "by y_true":
            return (row.columns + place,)
        if symbol is not None:
            return (row.parameters[symbol] + place,)
        return (place, place) if self.output == "hessian" else (place,)


def expected(
    subject: Subject, row: Exact, quantity: Quantity, target, prediction, vector, kind: Float
) -> tuple[mpf, mpf]:
    """The exact number, and the error that is allowed.

    Args:
        vector: the one that a product is formed with.
    """
    hard, output = subject.hard_targets, quantity.output
    symbol = subject.differentiable.get(output.removeprefix("by "))
    index = quantity.derivative(row, symbol if output.startswith("by ") else None)
    if output == "product":
        entries = row.hessian[quantity.column]
        errors = [tolerance(row, (*index, k), target, prediction, kind, hard) for k in range(row.columns)]
        allowed = sum(abs(v) * e for v, e in zip(vector, errors, strict=True))
        if not all(map(kind.holds, entries)):
            allowed = mp.inf
        number = sum(h * mpf(v) for h, v in zip(entries, vector, strict=True))
    else:
        number = row.jet.derivative(*index)
        allowed = tolerance(row, index, target, prediction, kind, hard)
    if output in ("hessian", "product") and not subject.is_elementwise:
        size = max(abs(h) for line in row.hessian for h in line)
        if subject.is_power:
            size = max(size, max(map(abs, row.gradient)) ** 2 / (abs(row.value) or mp.inf))
        size = max(size, 1) if subject.is_normalised else size
        allowed += 4 * mp.sqrt(row.columns) * kind.ulp(size) * max(map(abs, vector))
    if output.startswith("by "):
        allowed = 16 * allowed + mp.sqrt(kind.ulp(1)) * abs(number)
    return number, allowed
