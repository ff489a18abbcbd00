"""How the target enters a declared loss: whether its gradient is affine in it."""

from sympy import Add, Expr, Mul

from lossgen.compiler.opening import is_linear, opened
from lossgen.language.atoms import square
from lossgen.language.reductions import Mean, Sum
from lossgen.language.symbols import y_pred, y_true

TARGET = frozenset({y_true})


def is_affine(expression: Expr) -> bool:
    """Whether the loss is a function of the target alone plus one that is affine in it.

    The gradient with respect to the prediction is affine in the target then.
    """
    plain = expression.replace(square, lambda x: x**2)
    return _is_separable(plain) or _is_separable(opened(plain))


def _is_separable(expression: Expr) -> bool:
    if y_pred not in expression.free_symbols:
        return True
    if isinstance(expression, (Add, Mean, Sum)):
        return all(map(_is_separable, expression.args))
    if isinstance(expression, Mul):
        varying = [factor for factor in expression.args if factor.free_symbols & {y_pred, y_true}]
        if len(varying) == 1:
            return _is_separable(varying[0])
    return is_linear(expression, TARGET)
