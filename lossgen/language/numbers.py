"""Decimals of a formula as exact rationals: SymPy undoes `log1p` and `expm1` forms on floats."""

import math
from fractions import Fraction

from sympy import Expr, Float, Rational


def exact(expression: Expr) -> Expr:
    """The expression with every float replaced by the rational number that its decimal text means."""
    return expression.xreplace({number: rational(number) for number in expression.atoms(Float)})


def rational(number: Float) -> Rational:
    """The shortest decimal within one unit in the last place: 0.1 is 1/10, 0.1 + 0.2 is 3/10."""
    if number._prec > 53:
        return Rational(str(number))
    value = float(number)
    if not math.isfinite(value):
        return number
    for digits in range(1, 17):
        text = f"{value:.{digits}g}"
        if abs(float(text) - value) <= math.ulp(value):
            return Rational(Fraction(text))
    return Rational(Fraction(repr(value)))
