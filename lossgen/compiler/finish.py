"""The last rewriting, once per output and never differentiated: what buys accuracy in the kernel.

Differences from a log-sum-exp become the atoms `log_softmax`, `softmax` and `softmax_complement`, which are
computed from (maximum, rest of the sum) and cancel nowhere; then the complement splits of `accurate`.
"""

from sympy import Add, Expr, Mul, Symbol, exp

from lossgen.language.atoms import (
    expm1,
    log_softmax,
    power_curvature,
    power_slope,
    softmax,
    softmax_complement,
)

from .kernel_functions import guarded_product
from .ladder import Ladder, Rung
from .stabilise import accurate


def finish(expression: Expr, ladder: Ladder, targets: frozenset[Symbol], trace: list | None = None) -> Expr:
    """The form that the kernel computes; `targets` are the symbols of the target and of its parts."""
    rungs = [rung for rung in ladder.rungs if rung.kind == "logsumexp"]
    for rung in rungs:
        expression = _softmax_atoms(expression, rung)
    finished = accurate(expression, targets=targets, trace=trace)
    return _guard_products(finished, targets)


def _softmax_atoms(expression: Expr, rung: Rung) -> Expr:
    if rung.symbol not in expression.free_symbols or expression == rung.symbol:
        return expression
    if isinstance(expression, (log_softmax, softmax, softmax_complement)):
        return expression
    arguments = [_softmax_atoms(argument, rung) for argument in expression.args]
    if isinstance(expression, exp) and isinstance(arguments[0], log_softmax):
        return softmax(*arguments[0].args)
    if isinstance(expression, expm1) and isinstance(arguments[0], log_softmax):
        return -softmax_complement(*arguments[0].args)
    rebuilt = expression.func(*arguments) if arguments else expression
    if isinstance(rebuilt, Add) and rebuilt.has(rung.symbol):
        return _difference(rebuilt, rung)
    return rebuilt


def _difference(sum_: Add, rung: Rung) -> Expr:
    """c·u − c·L + rest → c·log_softmax(u, L) + rest, where that leaves no bare L behind."""
    factor = -sum_.coeff(rung.symbol)
    rest = sum_ - factor * (rung.summand - rung.symbol)
    if factor == 0 or rung.symbol in rest.free_symbols:
        return sum_
    if len(Add.make_args(rest)) >= len(sum_.args):
        return sum_
    return factor * log_softmax(rung.summand, rung.symbol) + rest


def _guard_products(expression: Expr, symbols: frozenset[Symbol]) -> Expr:
    """Products that are 0 because one factor is, though another one is infinite.

    A target of 0 times log_softmax = −∞, and the slope of a power at 0 times what vanishes with its base.
    """
    if not expression.args or not expression.has(log_softmax, power_slope, power_curvature):
        return expression
    arguments = [_guard_products(argument, symbols) for argument in expression.args]
    if not isinstance(expression, Mul):
        return expression.func(*arguments)
    targets = [
        factor for factor in arguments if factor.free_symbols & symbols and not factor.has(log_softmax)
    ]
    logarithms = [factor for factor in arguments if isinstance(factor, log_softmax)]
    if targets and len(logarithms) == 1:
        arguments = [factor for factor in arguments if factor not in targets and factor not in logarithms]
        arguments.append(guarded_product(Mul(*targets), logarithms[0]))
    slopes = [factor for factor in arguments if isinstance(factor, (power_slope, power_curvature))]
    rest = [factor for factor in arguments if factor not in slopes]
    if len(slopes) == 1 and any(factor.args for factor in rest):
        return guarded_product(Mul(*rest), slopes[0])
    return Mul(*arguments)
