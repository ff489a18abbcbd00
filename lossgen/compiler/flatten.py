"""Declared expression → ladder: every reduction becomes a rung, innermost first.

Promises: the result holds no reduction, its head no column symbol. A sum of exponentials under a logarithm
or in a denominator becomes a log-sum-exp rung, and `LSE·a − Σ w·u` becomes `−Σ w·(u − LSE) + rest`, because
the plain forms overflow or cancel.
"""

from sympy import Add, Expr, Integer, Mul, Pow, Symbol, exp, log

from lossgen.errors import CompileError
from lossgen.language.atoms import softplus
from lossgen.language.reductions import (
    Gather,
    LogSoftmax,
    LogSumExp,
    Max,
    Mean,
    Min,
    Reduction,
    Softmax,
    Sum,
)
from lossgen.language.symbols import column_count

from .ladder import LABEL_HIT, Builder, Ladder


def flatten(expression: Expr, columns: frozenset[Symbol] = frozenset()) -> Ladder:
    """The ladder of a declared expression; `columns` are the per-class parameters, one value a column."""
    builder = Builder(Ladder((), Integer(0), columns))
    head = _rise(expression, builder, shifts=False)
    stray = head.free_symbols & builder.element_symbols
    if stray:
        raise CompileError(
            f"{head} depends on the column through {sorted(map(str, stray))} outside every reduction"
        )
    head = _centre(head, builder)
    return builder.ladder(head)


def _rise(expression: Expr, builder: Builder, shifts: bool) -> Expr:
    """The expression with rungs for reductions; `shifts`: a common factor cancels here (log, quotient)."""
    if not expression.has(Reduction):
        return expression
    if isinstance(expression, Reduction):
        return _REDUCTIONS[type(expression)](expression.args[0], builder, shifts)
    if isinstance(expression, Mul) and any(_is_denominator(factor) for factor in expression.args):
        shifts = True
    shifts = shifts or isinstance(expression, log) or _is_denominator(expression)
    arguments = [_rise(argument, builder, shifts) for argument in expression.args]
    if isinstance(expression, log):
        return _log(arguments[0], builder)
    return expression.func(*arguments)


def _is_denominator(expression: Expr) -> bool:
    return isinstance(expression, Pow) and bool(expression.exp.is_negative)


def _sum(argument: Expr, builder: Builder, shifts: bool) -> Expr:
    summand = _rise(argument, builder, shifts)
    exponent = _weighted_exponent(summand, builder) if shifts else None
    if exponent is not None:
        return exp(builder.log_sum_exp(exponent))
    return builder.sum(summand)


def _weighted_exponent(summand: Expr, builder: Builder) -> Expr | None:
    """u + log w when the summand is w·exp(u) with w ≥ 0, else None."""
    exponents = [factor.exp for factor in Mul.make_args(summand) if isinstance(factor, exp)]
    if not exponents or not any(builder.depends_on_column(exponent) for exponent in exponents):
        return None
    weight = summand / Mul(*(exp(exponent) for exponent in exponents))
    if weight == 1:
        return Add(*exponents)
    return Add(*exponents) + log(weight) if weight.is_nonnegative else None


def _log(argument: Expr, builder: Builder) -> Expr:
    """log(c + w·exp(L)) = log c + softplus(L + log(w/c)) for c > 0: neither overflows nor loses a part."""

    rungs = {rung.symbol for rung in builder.rungs if rung.kind == "logsumexp"}
    if isinstance(argument, Add):
        grown = [term for term in argument.args if term.has(exp) and term.free_symbols & rungs]
        rest = Add(*(term for term in argument.args if term not in grown))
        if len(grown) == 1 and rest.is_positive:
            exponents = [factor.exp for factor in Mul.make_args(grown[0]) if isinstance(factor, exp)]
            weight = grown[0] / Mul(*map(exp, exponents))
            if weight.is_positive:
                return log(rest) + softplus(Add(*exponents) + log(weight / rest))
    return log(argument)


def _centre(head: Expr, builder: Builder) -> Expr:
    """a·L + b·Σ w·u → b·Σ w·(u − L) + (a + b·Σ w)·L for L = LSE(u): the bracket is 0 for one-hot w."""
    for rung in list(builder.rungs):
        if rung.kind != "logsumexp" or not head.has(rung.symbol):
            continue
        for other in list(builder.rungs):
            if other.kind not in ("sum", "pick") or not head.has(other.symbol):
                continue
            weight = other.summand / rung.summand if other.kind == "sum" else Integer(1)
            if other.kind == "pick" and other.summand != rung.summand:
                continue
            if weight.free_symbols & rung.summand.free_symbols & builder.element_symbols:
                continue
            slope, constant = head.coeff(other.symbol), head.coeff(rung.symbol)
            if (
                slope == 0
                or constant == 0
                or (head - slope * other.symbol - constant * rung.symbol).has(other.symbol, rung.symbol)
            ):
                continue
            rest = head - slope * other.symbol - constant * rung.symbol
            centred = rung.summand - rung.symbol
            if other.kind == "pick":
                total, replacement = Integer(1), builder.pick(centred * LABEL_HIT, other.at)
            else:
                total, replacement = builder.sum(weight), builder.sum(weight * centred)
            head = rest + slope * replacement + (constant + slope * total) * rung.symbol
    return head


_REDUCTIONS = {
    Sum: _sum,
    Mean: lambda argument, builder, shifts: _sum(argument, builder, shifts) / column_count,
    Max: lambda argument, builder, _: builder.extremum("max", _rise(argument, builder, False)),
    Min: lambda argument, builder, _: builder.extremum("min", _rise(argument, builder, False)),
    LogSumExp: lambda argument, builder, _: builder.log_sum_exp(_rise(argument, builder, False)),
    Softmax: lambda argument, builder, _: _softmax(argument, builder, exp),
    LogSoftmax: lambda argument, builder, _: _softmax(argument, builder, lambda difference: difference),
    Gather: lambda argument, builder, shifts: builder.pick(
        _rise(argument, builder, shifts) * LABEL_HIT, LABEL_HIT
    ),
}


def _softmax(argument: Expr, builder: Builder, transform) -> Expr:
    shifted = _rise(argument, builder, False)
    return transform(shifted - builder.log_sum_exp(shifted))
