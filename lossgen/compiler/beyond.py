"""Derivatives with respect to what is no prediction: the target, and the parameters of the loss.

For array code only: they are wanted where a framework trains a parameter or distils a teacher.
"""

from collections.abc import Callable, Mapping

from sympy import Expr, Integer, Symbol

from lossgen.language.symbols import y_true

from .differentiate import Derivative, gradient, parameter_gradient
from .ladder import Ladder

TO_TARGET = "gradient_to_y_true"


def to_parameter(name: str) -> str:
    """The name of the output that is the derivative with respect to a parameter."""
    return f"gradient_to_{name}"


def beyond_predictions(
    ladder: Ladder,
    targets: Mapping[Symbol, Expr],
    stable: Callable[[Expr], Expr],
    labels: bool,
    parameters: frozenset[Symbol],
) -> dict[str, Derivative]:
    """The derivatives of a loss by output.

    Args:
        ladder: stabilised.
        targets: what the symbols of its targets stand for.
        stable: rewrites an expression into atoms.
        labels: whether the target is a label, which nothing can be differentiated by.
        parameters: symbols of the parameters that the loss depends on; those of one value a column are
            `ladder.columns`.
    """
    parts = {symbol: stable(part) for symbol, part in targets.items()}

    def directions(symbol: Symbol) -> dict[Symbol, Expr]:
        changes = {part: stable(expression.diff(symbol)) for part, expression in parts.items()}
        return {symbol: Integer(1), **{part: change for part, change in changes.items() if change != 0}}

    found = {} if labels else {TO_TARGET: gradient(ladder, directions(y_true))}
    for parameter in sorted(parameters, key=str):
        derive = gradient if parameter in ladder.columns else parameter_gradient
        found[to_parameter(parameter.name)] = derive(ladder, directions(parameter))
    return found
