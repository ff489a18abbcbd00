"""Declared expression → ladder: every reduction becomes a rung, innermost first.

Promises: the result holds no reduction, its head no column symbol. A sum of exponentials under a logarithm
or in a denominator becomes a log-sum-exp rung, and `LSE·a − Σ w·u` becomes `−Σ w·(u − LSE) + rest`, because
the plain forms overflow or cancel.
"""

from sympy import Add, Expr, Function, Integer, Mul, Pow, Symbol, exp, log

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
from lossgen.language.symbols import column_count, y_pred

from .ladder import LABEL_HIT, Builder, Ladder, Rung, hit_symbol


def flatten(
    expression: Expr,
    columns: frozenset[Symbol] = frozenset(),
    nonnegative: frozenset[Symbol] = frozenset(),
) -> Ladder:
    """The ladder of a declared expression.

    `columns` are the symbols with one value a column besides target and prediction, `nonnegative` those that
    are at least 0 whatever SymPy knows about them.
    """
    builder = Builder(Ladder((), Integer(0), columns), nonnegative)
    head = _rise(_gathered(expression, builder.element_symbols), builder, shifts=False)
    stray = head.free_symbols & builder.element_symbols
    if stray:
        raise CompileError(
            f"{head} depends on the column through {sorted(map(str, stray))} outside every reduction"
        )
    head = _centre(head, builder)
    return builder.ladder(head)


def _gathered(expression: Expr, columns: frozenset[Symbol]) -> Expr:
    """The expression with `Gather` outside of functions, powers and products of gathered exponentials.

    log(Gather(softmax)) is −∞ where the softmax has underflowed, Gather(log(softmax)) a difference.

    `exp(u)/Sum(exp(u))` becomes `Softmax(u)` where it is gathered or summed; `columns` are the symbols that
    have one value a column.
    """
    if not expression.has(Reduction):
        return expression
    node = expression.func(*(_gathered(argument, columns) for argument in expression.args))
    if isinstance(node, Mul):
        node = _softmax_inside(node)
        picked = [factor for factor in node.args if _picks(factor) and not _varies(factor, columns)]
        if len(picked) > 1 and node.has(exp, Softmax):
            rest = Mul(*(factor for factor in node.args if factor not in picked))
            return rest * Gather(_gathered(Mul(*map(_at_label, picked)), columns))
    if _is_function(node) and node.has(exp, Softmax) and _picks(node) and not _varies(node, columns):
        return Gather(_at_label(node))
    return node


def _is_function(node: Expr) -> bool:
    """Functions and powers, of numbers alone: neither reductions nor Piecewise."""
    if isinstance(node, Reduction) or not isinstance(node, (Function, Pow)):
        return False
    return all(isinstance(each, Expr) for each in node.args)


def _picks(node: Expr) -> bool:
    """Whether a `Gather` stands in the expression, outside of other reductions."""
    if isinstance(node, Reduction):
        return isinstance(node, Gather)
    return any(map(_picks, node.args))


def _at_label(node: Expr) -> Expr:
    if isinstance(node, Gather):
        return node.args[0]
    if isinstance(node, Reduction) or not node.args:
        return node
    return node.func(*map(_at_label, node.args))


def _varies(node: Expr, columns: frozenset[Symbol]) -> bool:
    """Whether the expression differs from column to column."""
    if isinstance(node, Reduction):
        return isinstance(node, (Softmax, LogSoftmax))
    return node in columns or any(_varies(argument, columns) for argument in node.args)


def _softmax_inside(product: Mul) -> Expr:
    """Sum(w·exp(u))/Sum(exp(u)) → Sum(w·Softmax(u)), and so for Mean and Gather."""
    for total in product.args:
        if not (isinstance(total, Pow) and total.exp == -1 and isinstance(total.base, Sum)):
            continue
        share = total.base.args[0]
        if not isinstance(share, exp):
            continue
        for part in product.args:
            if isinstance(part, (Sum, Mean, Gather)) and share in Mul.make_args(part.args[0]):
                inside = Mul(*_without(part.args[0], share), Softmax(share.exp))
                return Mul(*(each for each in product.args if each not in (part, total)), part.func(inside))
    return product


def _without(product: Expr, factor: Expr) -> list[Expr]:
    return [each for each in Mul.make_args(product) if each != factor]


def _rise(expression: Expr, builder: Builder, shifts: bool) -> Expr:
    """The expression with rungs for reductions; `shifts`: a common factor cancels here (log, quotient)."""
    if not expression.has(Reduction):
        return expression
    if isinstance(expression, Reduction):
        return _REDUCTIONS[type(expression)](expression.args[0], builder, shifts)
    if isinstance(expression, Mul) and any(_is_denominator(factor) for factor in expression.args):
        shifts = True
    if isinstance(expression, log):
        return Add(*(_log(_rise(part, builder, True), builder) for part in _parts(expression.args[0])))
    shifts = shifts or _is_denominator(expression)
    return expression.func(*(_rise(argument, builder, shifts) for argument in expression.args))


def _parts(product: Expr) -> list[Expr]:
    """Factors whose logarithms add up to that of the product: the positive ones and what is left."""
    factors = Mul.make_args(product)
    positive = [factor for factor in factors if factor.has(Reduction) and _is_positive(factor)]
    rest = Mul(*(factor for factor in factors if factor not in positive))
    return [*positive, rest] if rest != 1 else positive


def _is_positive(expression: Expr) -> bool:
    """Whether an expression with reductions is positive where it is defined."""
    if expression.is_positive or isinstance(expression, (exp, Softmax)):
        return True
    if isinstance(expression, Pow):
        return _is_positive(expression.base)
    if isinstance(expression, (Add, Mul, Sum, Mean, Max, Min, Gather)):
        return all(map(_is_positive, expression.args))
    return False


def _is_denominator(expression: Expr) -> bool:
    return isinstance(expression, Pow) and bool(expression.exp.is_negative)


def _sum(argument: Expr, builder: Builder, shifts: bool) -> Expr:
    summand = _rise(argument, builder, shifts)
    exponentials = _sum_of_exponentials(summand, builder) if shifts else None
    return builder.sum(summand) if exponentials is None else exponentials


def _sum_of_exponentials(summand: Expr, builder: Builder) -> Expr | None:
    """Σ w·exp(u) = exp(LSE(u + log w)); None for other summands.

    Weights that may be 0 stay outside: there w·exp(u − LSE) would overflow where u is large. So do those that
    depend on the prediction: log w has no slope where w is 0.
    """
    outside, inside = summand.as_independent(*builder.element_symbols, as_Add=False)
    exponent, weight = _split(inside)
    if not builder.depends_on_column(exponent):
        return None
    if y_pred in weight.free_symbols or weight.free_symbols & {rung.symbol for rung in builder.rungs}:
        return None
    return outside * exp(_log_sum_exp(exponent + log(weight), builder)) if weight.is_positive else None


def _log_sum_exp(argument: Expr, builder: Builder) -> Expr:
    """LSE(u − R) = LSE(u) − R where R is u at one column: `_centre` joins the two again."""
    row, column = argument.as_independent(*builder.element_symbols, as_Add=True)
    common = Integer(0)
    for rung in builder.rungs:
        at = _at(rung)
        slope = row.coeff(rung.symbol)
        if at is not None and slope != 0 and not builder.depends_on_column(slope * rung.summand / column):
            common += slope * rung.symbol
    return common + builder.log_sum_exp(argument - common)


def _at(rung: Rung) -> Symbol | None:
    """The symbol that is 1 at the one column whose value the rung takes."""
    return hit_symbol(rung) if rung.kind in ("max", "min") else rung.at


def _log(argument: Expr, builder: Builder) -> Expr:
    """log(c·exp(L)) = log c + L and log(c + w·exp(L)) = log c + softplus(L + log(w/c)) for c > 0.

    Neither overflows nor loses a part.
    """
    rungs = {rung.symbol for rung in builder.rungs if rung.kind == "logsumexp"}
    if isinstance(argument, Add):
        grown = [term for term in argument.args if term.has(exp) and term.free_symbols & rungs]
        rest = Add(*(term for term in argument.args if term not in grown))
        if len(grown) == 1 and rest.is_positive:
            exponent, weight = _split(grown[0])
            if weight.is_positive:
                return log(rest) + softplus(exponent + log(weight / rest))
    if isinstance(argument, Mul):
        exponent, rest = _split(argument)
        if exponent.free_symbols & rungs:
            return exponent + log(rest)
    return log(argument)


def _split(product: Expr) -> tuple[Expr, Expr]:
    """u and w of w·exp(u)."""
    factors = Mul.make_args(product)
    exponentials = [factor for factor in factors if isinstance(factor, exp)]
    rest = Mul(*(factor for factor in factors if factor not in exponentials))
    return Add(*(factor.exp for factor in exponentials)), rest


def _centre(head: Expr, builder: Builder) -> Expr:
    """a·L + b·Σ w·u → b·Σ w·(u − L) + (a + b·Σ w)·L for L = LSE(u): the bracket is 0 for one-hot w.

    The same for u at one column: the label's, or the first that attains the maximum.
    """
    if not head.args:
        return head
    head = head.func(*(_centre(argument, builder) for argument in head.args))
    if not isinstance(head, Add):
        return head
    for rung in list(builder.rungs):
        if rung.kind != "logsumexp" or not head.has(rung.symbol):
            continue
        for other in list(builder.rungs):
            if (other.kind != "sum" and _at(other) is None) or not head.has(other.symbol):
                continue
            slope, constant = head.coeff(other.symbol), head.coeff(rung.symbol)
            rest = head - slope * other.symbol - constant * rung.symbol
            if slope == 0 or constant == 0 or rest.has(other.symbol, rung.symbol):
                continue
            weight = slope * other.summand / rung.summand
            varying = rung.summand if other.kind == "sum" else weight
            if weight.free_symbols & varying.free_symbols & builder.element_symbols:
                continue
            centred = rung.summand - rung.symbol
            if other.kind == "sum":
                total, replacement = builder.sum(weight), builder.sum(weight * centred)
            else:
                total, replacement = weight, weight * builder.pick(centred * _at(other), _at(other))
            head = rest + replacement + (constant + total) * rung.symbol
    return head


_REDUCTIONS = {
    Sum: _sum,
    Mean: lambda argument, builder, shifts: _sum(argument, builder, shifts) / column_count,
    Max: lambda argument, builder, _: builder.extremum("max", _rise(argument, builder, False)),
    Min: lambda argument, builder, _: builder.extremum("min", _rise(argument, builder, False)),
    LogSumExp: lambda argument, builder, _: _log_sum_exp(_rise(argument, builder, False), builder),
    Softmax: lambda argument, builder, _: _softmax(argument, builder, exp),
    LogSoftmax: lambda argument, builder, _: _softmax(argument, builder, lambda difference: difference),
    Gather: lambda argument, builder, shifts: builder.pick(
        _rise(argument, builder, shifts) * LABEL_HIT, LABEL_HIT
    ),
}


def _softmax(argument: Expr, builder: Builder, transform) -> Expr:
    shifted = _rise(argument, builder, False)
    return transform(shifted - _log_sum_exp(shifted, builder))
