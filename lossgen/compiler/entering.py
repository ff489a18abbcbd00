"""How symbols enter an expression: whether it is affine in them."""

from collections.abc import Set

from sympy import Add, Expr, Mul, Piecewise, Symbol

from lossgen.language.atoms import keep
from lossgen.language.reductions import Mean, Sum


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
