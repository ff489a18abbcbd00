"""Where a function of the prediction has a second derivative: no kink, no jump, no pole."""

from sympy import Add, Expr, Mul, Pow, atan, cos, cosh, exp, log, sin, sinh, tanh

from lossgen.language.atoms import (
    erf,
    erfc,
    expm1,
    expm1mx,
    exprel,
    hypot1,
    hypot1m1,
    keep,
    log1p,
    log_cosh,
    power,
    sech2,
    sigmoid,
    softplus,
    sqrt1pm1,
    square,
    unit_hypot,
    xdivy,
    xlog1py,
    xlogy,
)
from lossgen.language.symbols import y_pred

from .signs import Ranges

SMOOTH = (
    Add, Mul, atan, cos, cosh, erf, erfc, exp, expm1, expm1mx, exprel, hypot1, hypot1m1, keep, log_cosh,
    sech2, sigmoid, sin, sinh, softplus, square, tanh, unit_hypot,
)  # fmt: skip
"""Functions with a second derivative everywhere."""

OF_POSITIVE = {
    log: lambda x: x,
    log1p: lambda x: 1 + x,
    sqrt1pm1: lambda x: 1 + x,
    xlogy: lambda x, y: y,
    xlog1py: lambda x, y: 1 + y,
    xdivy: lambda x, y: y,
    power: lambda x, a: x,
    Pow: lambda x, a: x,
}
"""Functions that have one where this is positive."""


def is_smooth(expression: Expr, ranges: Ranges) -> bool:
    """Whether there is no kink, no jump and no pole for any value of the prediction, but for its ends."""
    if y_pred not in expression.free_symbols or expression == y_pred:
        return True
    if not all(is_smooth(argument, ranges) for argument in expression.args):
        return False
    if isinstance(expression, SMOOTH):
        return True
    if isinstance(expression, Pow) and expression.exp.is_Integer and expression.exp > 0:
        return True
    if expression.func not in OF_POSITIVE:
        return False
    return _is_positive(OF_POSITIVE[expression.func](*expression.args), ranges)


def _is_positive(expression: Expr, ranges: Ranges) -> bool:
    """Whether it is positive everywhere, but perhaps at one end of the predictions."""
    if ranges.is_positive(expression, except_for=y_pred):
        return True
    is_line = y_pred not in expression.diff(y_pred).free_symbols
    return is_line and expression.diff(y_pred).is_nonzero and ranges.is_nonnegative(expression)
