"""The elementwise functions of the language in array code, made of what every framework has.

Names and meanings are those of `lossgen.runtime.vector_math`; arguments are arrays, or plain numbers. A
framework may differentiate any of them, as often as it likes: the branch of a `where` that is not taken is
kept finite, and where a function is smooth, the branch that is taken has its derivatives, too, not only its
value (so |x| is never a step towards an even function: its derivative at 0 is not that of either side).
"""

import math
from typing import Any

HUGE = 1e18
"""Beyond this 1 + x² is x² in float32 and float64, and the square has not overflowed in float32."""

MOMENT_TERMS = 24
"""Terms of a power series for |x| < 1, which float64 needs."""


class ArrayFunctions:
    """Functions of elements; `ArrayOps` has the primitives."""

    # Kinks ------------------------------------------------------------------------------------------------

    def keep(self, x: Any) -> Any:
        """x itself."""
        return x

    def square(self, x: Any) -> Any:
        """x²."""
        return x * x

    def signum(self, x: Any) -> Any:
        """−1, 0 or 1."""
        x = self.lift(x)
        return self.select(x > 0, 1, self.select(x < 0, -1, x))

    def relu(self, x: Any) -> Any:
        """max(x, 0); its slope at 0 is 0."""
        x = self.lift(x)
        return self.select(x <= 0, 0, x)

    def step(self, x: Any) -> Any:
        """1 where x > 0, else 0; NaN for NaN."""
        x = self.lift(x)
        return self.select(x > 0, 1, self.select(x <= 0, 0, x))

    def maximum(self, a: Any, b: Any) -> Any:
        """The greater; a tie counts as b."""
        a, b = self.lift(a), self.lift(b)
        return self.select(a > b, a, self.select(a <= b, b, a + b))

    def minimum(self, a: Any, b: Any) -> Any:
        """The smaller; a tie counts as b."""
        a, b = self.lift(a), self.lift(b)
        return self.select(a < b, a, self.select(a >= b, b, a + b))

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        """x, or the bound that it exceeds."""
        x = self.select(self.lift(x) < low, low, x)
        return self.select(x > high, high, x)

    def inside(self, x: Any, low: Any, high: Any) -> Any:
        """1 where low ≤ x ≤ high, else 0; NaN for NaN."""
        x = self.lift(x)
        return self.select((x >= low) & (x <= high), 1, self.select(x == x, 0, x))

    def greater(self, a: Any, b: Any) -> Any:
        """1 where a > b, else 0; NaN for NaN."""
        a, b = self.lift(a), self.lift(b)
        return self.select(a > b, 1, self.select(a <= b, 0, a + b))

    # Exponentials -----------------------------------------------------------------------------------------

    def exp2(self, x: Any) -> Any:
        """2ˣ."""
        return self.exp(math.log(2) * self.lift(x))

    def cbrt(self, x: Any) -> Any:
        """Cube root of a nonnegative x."""
        return self.pow(self.lift(x), self.constant(1 / 3))

    def sinh(self, x: Any) -> Any:
        """(eˣ − e⁻ˣ)/2, accurate near 0."""
        is_positive, size = self._sides(x)
        grown = self.expm1(size)
        half = self.select(grown < HUGE, 0.5 * grown + 0.5 * (grown / (1 + grown)), 0.5 * grown)
        return self.select(is_positive, half, -half)

    def cosh(self, x: Any) -> Any:
        """(eˣ + e⁻ˣ)/2."""
        half = 0.5 * self.exp(self._sides(x)[1])
        return half + 0.25 / half

    def sigmoid(self, x: Any) -> Any:
        """1/(1 + e^-x), accurate in both tails."""
        is_positive, size = self._sides(x)
        decay = self.exp(-size)
        return self.select(is_positive, 1, decay) / (1 + decay)

    def softplus(self, x: Any) -> Any:
        """log(1 + eˣ), accurate in both tails."""
        is_positive, size = self._sides(x)
        return self.select(is_positive, x, 0) + self.log1p(self.exp(-size))

    def sech2(self, x: Any) -> Any:
        """1/cosh²(x)."""
        decay = self.exp(-2 * self._sides(x)[1])
        return 4 * (decay / (1 + decay)) / (1 + decay)

    def log_cosh(self, x: Any) -> Any:
        """log cosh(x), accurate near 0 and without overflow."""
        size = self._sides(x)[1]
        near = self.select(size < 1, size, 0)
        small = self.sinh(near)
        far = size + (self.log1p(self.exp(-2 * size)) - math.log(2))
        return self.select(size < 1, 0.5 * self.log1p(small * small), far)

    def bose(self, x: Any) -> Any:
        """1/(eˣ − 1); infinite at 0."""
        return 1 / self.expm1(x)

    def log1mexp(self, x: Any) -> Any:
        """log(1 − eˣ) for x < 0."""
        x = self.lift(x)
        near = x > -math.log(2)
        close, far = self.select(near, x, -1), self.select(near, -1, x)
        return self.select(near, self.log(-self.expm1(close)), self.log1p(-self.exp(far)))

    def exprel(self, x: Any) -> Any:
        """(eˣ − 1)/x, and 1 at 0."""
        return self._moment(x, lambda k: 1 / math.factorial(k + 1), lambda far: self.expm1(far) / far)

    def exprel_slope(self, x: Any) -> Any:
        """Derivative of (eˣ − 1)/x, and ½ at 0."""
        return self._moment(
            x,
            lambda k: (k + 1) / math.factorial(k + 2),
            lambda far: ((far - 1) / far * self.exp(far) + 1 / far) / far,
        )

    def exprel_curvature(self, x: Any) -> Any:
        """Second derivative of (eˣ − 1)/x, and ⅓ at 0."""
        return self._moment(
            x,
            lambda k: (k + 1) * (k + 2) / math.factorial(k + 3),
            lambda far: ((1 - 2 * ((far - 1) / far) / far) * self.exp(far) - 2 / far / far) / far,
        )

    def expm1mx(self, x: Any) -> Any:
        """eˣ − 1 − x, accurate near 0."""
        x = self.lift(x)
        near = self.select(self.absolute(x) < 1, x, 0)
        series = near * near * self._series(near, lambda k: 1 / math.factorial(k + 2))
        return self.select(self.absolute(x) < 1, series, self.expm1(x) - x)

    def _moment(self, x, coefficient, far):
        x = self.lift(x)
        close = self.absolute(x) < 1
        series = self._series(self.select(close, x, 0), coefficient)
        return self.select(close, series, far(self.select(close, 1, x)))

    def _series(self, x, coefficient):
        total = self.constant(coefficient(MOMENT_TERMS))
        for k in reversed(range(MOMENT_TERMS)):
            total = total * x + coefficient(k)
        return total

    def _sides(self, x):
        """Whether x ≥ 0, and |x| with the derivative of that side."""
        x = self.lift(x)
        is_positive = x >= 0
        return is_positive, self.select(is_positive, x, -x)

    # Products that are 0 because one factor is ------------------------------------------------------------

    def guarded_product(self, a: Any, b: Any) -> Any:
        """a·b, and 0 where a = 0 even if b is infinite; its derivative by a is b there, too."""
        a, b = self.lift(a), self.lift(b)
        return a * self.select((a == 0) & ~self._is_finite(b), 0, b)

    def vanishing(self, base: Any, power: Any) -> Any:
        """The power, and 0 where the base is 0."""
        return self.select(self.lift(base) == 0, 0, power)

    def xlogy(self, x: Any, y: Any) -> Any:
        """x·log(y), and 0 where x is 0."""
        x, y = self.lift(x), self.lift(y)
        return self._where_factor(x, y, self.log)

    def xlog1py(self, x: Any, y: Any) -> Any:
        """x·log(1 + y), and 0 where x is 0."""
        x, y = self.lift(x), self.lift(y)
        return self._where_factor(x, y, self.log1p)

    def xdivy(self, x: Any, y: Any) -> Any:
        """x/y, and 0 where x is 0."""
        x, y = self.lift(x), self.lift(y)
        nothing = (x == 0) & (y == 0)
        return self.select(nothing, 0, x / self.select(nothing, 1, y))

    def _where_factor(self, x, y, factor):
        nothing = (x == 0) & (y == y) & ~self._is_finite(factor(y))
        return self.select(nothing, 0, x * factor(self.select(nothing, 1, y)))

    def _is_finite(self, x):
        return self.absolute(x) <= self.largest

    # Roots and powers -------------------------------------------------------------------------------------

    def hypot1(self, x: Any) -> Any:
        """√(1 + x²), without overflow."""
        size = self._sides(x)[1]
        bounded = self.select(size > HUGE, 1, size)
        return self.select(size > HUGE, size, self.sqrt(1 + bounded * bounded))

    def hypot1m1(self, x: Any) -> Any:
        """√(1 + x²) − 1, without cancellation or overflow."""
        size = self._sides(x)[1]
        bounded = self.select(size > HUGE, 1, size)
        square = bounded * bounded
        return self.select(size > HUGE, size, square / (1 + self.sqrt(1 + square)))

    def unit_hypot(self, x: Any) -> Any:
        """x/√(1 + x²)."""
        x = self.clip(x, -HUGE, HUGE)
        return x / self.hypot1(x)

    def sqrt1pm1(self, x: Any) -> Any:
        """√(1 + x) − 1, without cancellation."""
        return x / (1 + self.sqrt(1 + self.lift(x)))

    def power(self, x: Any, a: Any) -> Any:
        """xᵃ; 1 for a = 0."""
        return self.pow(self.lift(x), self.lift(a))

    def power_slope(self, x: Any, a: Any) -> Any:
        """a·xᵃ⁻¹; 0 for a = 0, and at x = 0 where it would be infinite."""
        x, a = self.lift(x), self.lift(a)
        return self._falling(x, lambda base: a * self.pow(base, a - 1), a == 0, a < 1)

    def power_curvature(self, x: Any, a: Any) -> Any:
        """a·(a − 1)·xᵃ⁻²; 0 for a in (0, 1), and at x = 0 where it would be infinite."""
        x, a = self.lift(x), self.lift(a)
        return self._falling(x, lambda base: a * (a - 1) * self.pow(base, a - 2), (a == 0) | (a == 1), a < 2)

    def _falling(self, x, power, nothing, falls):
        nothing = nothing | ((x == 0) & falls)
        return self.select(nothing, 0, power(self.select(nothing, 1, x)))

    def power_log(self, x: Any, a: Any) -> Any:
        """xᵃ·log(x), and 0 for x = 0."""
        x = self.lift(x)
        base = self.select(x == 0, 1, x)
        return self.select(x == 0, 0, self.pow(base, self.lift(a)) * self.log(base))

    # A log-sum-exp as its maximum and the rest of the sum ---------------------------------------------------

    def shifted(self, u: Any, maximum: Any) -> Any:
        """u − maximum: never positive, 0 at every column that attains the maximum, finite for finite u."""
        nothing = maximum == -math.inf  # all are: every column attains it
        difference = u - self.select(nothing, 0, maximum)
        held = self.select(difference < -self.largest, -self.largest, difference)
        return self.select(u == -math.inf, self.select(nothing, 0, -math.inf), held)

    def excluded_exponential(self, s: Any) -> Any:
        """exp(s) of a shifted s < 0, and 0 for s = 0."""
        # 0 as exp(s) − 1: columns that tie for the maximum have the derivatives of any other.
        return self.select(s == 0, self.expm1(s), self.exp(s))

    def is_maximum(self, s: Any) -> Any:
        """1 for a shifted s = 0, else 0."""
        return self.select(s == 0, 1, 0)

    def complement(self, s: Any, exponential: Any, excluded: Any, inverse_total: Any) -> Any:
        """1 − softmax from (s, exp(s), excluded sum, 1/(1 + excluded sum))."""
        others = self.select(s == 0, excluded - self.expm1(s), (1 + excluded) - exponential)
        return inverse_total * others
