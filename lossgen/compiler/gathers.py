"""What is computed of the label's column moves into the `Gather`: log(Gather(x)) is Gather(log(x)).

There it meets what it cancels with: log(softmax) at a column is a difference from a log-sum-exp, while the
logarithm of a softmax that has already underflowed is −∞.
"""

from sympy import Expr, Function, Mul, Pow, Symbol, exp

from lossgen.language.reductions import Gather, LogSoftmax, Mean, Reduction, Softmax, Sum


def gathered(expression: Expr, columns: frozenset[Symbol]) -> Expr:
    """The expression with `Gather` outside of functions, powers and products of gathered exponentials.

    `exp(u)/Sum(exp(u))` becomes `Softmax(u)` where it is gathered or summed; `columns` are the symbols that
    have one value a column.
    """
    if not expression.has(Reduction):
        return expression
    node = expression.func(*(gathered(argument, columns) for argument in expression.args))
    if isinstance(node, Mul):
        node = _softmax_inside(node)
        picked = [factor for factor in node.args if _picks(factor) and not _varies(factor, columns)]
        if len(picked) > 1 and node.has(exp, Softmax):
            rest = Mul(*(factor for factor in node.args if factor not in picked))
            return rest * Gather(gathered(Mul(*map(_at_label, picked)), columns))
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


__all__ = ["gathered"]
