"""Expressions multiplied out, within bounds, and whether they are affine in some symbols."""

from collections.abc import Set
from math import comb, prod

from sympy import Add, Basic, Expr, Mul, Piecewise, Pow, Symbol, expand

from lossgen.language.atoms import keep
from lossgen.language.reductions import Mean, Sum

MOST_ADDENDS = 400
"""An expression that would have more of them, at any place, is left as it is."""


def opened(expression: Expr, *, joins_exponents: bool = False) -> Expr:
    """The expression with its products of sums multiplied out, unless that would be endless.

    Args:
        expression: of any kind; what stands inside its functions is multiplied out, too.
        joins_exponents: exp(a + b) stays one factor.
    """
    if addends(expression) > MOST_ADDENDS:
        return expression
    return expand(expression, power_exp=not joins_exponents)


def addends(expression: Basic) -> int:
    """At most how many addends there would be, at the place where there are most of them."""
    counts = [addends(argument) for argument in expression.args]
    if isinstance(expression, Add):
        return sum(counts)
    if isinstance(expression, Mul):
        return prod(counts)
    if isinstance(expression, Pow) and expression.exp.is_Integer:
        return comb(counts[0] + abs(int(expression.exp)) - 1, counts[0] - 1)
    return 1 if all(count <= MOST_ADDENDS for count in counts) else MOST_ADDENDS + 1


def is_linear(expression: Expr, symbols: Set[Symbol]) -> bool:
    """Whether the expression, as it is written, is affine in the symbols."""
    if not expression.free_symbols & symbols or expression in symbols:
        return True
    if isinstance(expression, (Add, Mean, Sum, keep)):
        return all(is_linear(argument, symbols) for argument in expression.args)
    if isinstance(expression, Mul):
        (first, *others) = [factor for factor in expression.args if factor.free_symbols & symbols]
        return not others and is_linear(first, symbols)
    if isinstance(expression, Piecewise):
        return all(
            is_linear(value, symbols) and not condition.free_symbols & symbols
            for value, condition in expression.args
        )
    return False
