"""Ladder → the formula that a book prints. For readers only: nothing here is ever compiled.

Rungs become reductions again, `exp(u − LSE(u))` becomes `softmax(u)`, and of several equal spellings the
shortest is shown: `σ(p) − y`, where the kernel computes `(1 − y)·σ(p) − y·σ(−p)`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from textwrap import wrap

from sympy import (
    Add,
    And,
    Expr,
    Gt,
    Integer,
    Le,
    Mul,
    Piecewise,
    Pow,
    Symbol,
    collect,
    count_ops,
    exp,
    expand_mul,
    factor_terms,
)

from lossgen.language import reductions
from lossgen.language.abbreviation import Definitions, abbreviate, name_the_error
from lossgen.language.atoms import (
    greater,
    inside,
    keep,
    log_softmax,
    sigmoid,
    softmax,
    softmax_complement,
    softplus,
    step,
)
from lossgen.language.notation import indicator, rebuild, replace, unfold
from lossgen.language.printing import symbol_text, text
from lossgen.language.symbols import column_count

from .differentiate import Derivative
from .ladder import Ladder

REDUCTIONS = {
    "sum": reductions.Sum, "max": reductions.Max, "min": reductions.Min, "logsumexp": reductions.LogSumExp,
    "pick": reductions.Gather,
}  # fmt: skip
LARGEST_REARRANGED = 60
"""Operations above which a formula is shown as it was derived: expanding it would not make it readable."""


@dataclass(frozen=True)
class Formulas:
    """What a person reads of one term: letters for repeats, the row's loss, its derivatives at a column."""

    definitions: Definitions
    value: Expr
    gradient: Expr
    hessian: Expr

    def lines(self, width: int = 100) -> list[str]:
        """The formulas one below the other, aligned; a long one goes on in the next line."""
        entries = [(" " * 10 + symbol_text(symbol.name), part) for symbol, part in self.definitions]
        entries += [("loss      L", self.value), ("gradient  g", self.gradient)]
        entries += [("Hessian   h", self.hessian)]
        style = {"subsequent_indent": " " * 14, "break_long_words": False, "break_on_hyphens": False}
        return [line for label, part in entries for line in wrap(f"{label} = {text(part)}", width, **style)]

    def spelt_out(self, which: str) -> Expr:
        """One of the formulas, without letters for repeated parts."""
        expression = getattr(self, which)
        for symbol, part in reversed(self.definitions):
            expression = replace(expression, {symbol: part})
        return expression

    def one_line(self, which: str) -> str:
        """`value`, `gradient` or `hessian` as one line of text."""
        return text(self.spelt_out(which))


def formulas(declared: Expr, ladder: Ladder, gradient: Derivative, hessian: Derivative) -> Formulas:
    """The textbook forms of a term and of its derivatives, with letters for what they repeat."""
    value = min(shortest(declared), textbook(ladder.head, ladder), key=lambda each: len(shown(each)))
    derivatives = (textbook(each.textbook, each.ladder) for each in (gradient, hessian))
    definitions, parts = abbreviate(value, *derivatives)
    return Formulas(definitions, *parts)


def textbook(expression: Expr, ladder: Ladder) -> Expr:
    """The shortest spelling of an expression of the ladder, with reductions in place of rungs."""
    for rung in ladder.rungs:
        if rung.kind == "logsumexp":
            expression = _by_softmax(expression, rung.summand, rung.symbol)
    return shortest(restored(expression, ladder))


def restored(expression: Expr, ladder: Ladder) -> Expr:
    """The expression with every rung's symbol replaced by the reduction that it stands for."""
    for rung in reversed(ladder.rungs):
        summand = rung.summand
        for other in ladder.rungs:
            if other.kind == "logsumexp" and summand.has(other.symbol):
                summand = _by_softmax(summand, other.summand, other.symbol)
        if rung.kind == "pick":
            summand = summand.subs(rung.at, 1) if rung.at is not None else summand
        expression = replace(expression, {rung.symbol: REDUCTIONS[rung.kind](shortest(summand))})
    return _means(expression)


@lru_cache(maxsize=1000)  # the derivatives of a ladder share its summands
def shortest(expression: Expr) -> Expr:
    """The spelling with the shortest text among a few that are equal by school algebra."""
    expression = _plain(unfold(expression))
    if count_ops(expression) > LARGEST_REARRANGED:
        return expression
    return min(_spellings(expression), key=lambda each: (len(shown(each)), count_ops(each)))


def shown(expression: Expr) -> str:
    """The text with `e` for a repeated `p − y`, by which spellings are compared."""
    return text(name_the_error(expression)[1][0])


def _spellings(expression: Expr) -> Iterator[Expr]:
    yield expression
    yield _without_minus(expression)
    factored = factor_terms(expression)
    yield factored
    yield _without_minus(factored)
    yield from _cases(expression)
    if expression.has(Piecewise):
        return
    for rule in (_positive_sigmoids, _positive_softplus):
        turned = rule(expression)
        if turned != expression:
            expanded = expand_mul(turned)
            yield expanded
            yield factor_terms(expanded)
            functions = tuple(expanded.atoms(sigmoid, softplus, reductions.Softmax, reductions.LogSoftmax))
            yield factor_terms(collect(expanded, functions))


def _without_minus(expression: Expr) -> Expr:
    """−(y − x)/C → (x − y)/C."""
    if not (expression.is_Mul and expression.as_coeff_Mul()[0].is_negative):
        return expression
    bracket = next((factor for factor in expression.args if factor.is_Add), None)
    if bracket is None:
        return expression
    others = list(expression.args)
    others.remove(bracket)
    return -Mul(*others) * Add(*(-term for term in bracket.args))


def _cases(expression: Expr) -> Iterator[Expr]:
    """`(1 − τ)·(1 − [y > p]) − τ·[y > p]` → `{−τ where y > p, else 1 − τ}`."""
    indicators = expression.atoms(greater, inside)
    summed = any(each.has(greater, inside) for each in expression.atoms(reductions.Reduction))
    if len(indicators) == 1 and not summed and not expression.has(Piecewise):
        (which,) = indicators
        if isinstance(which, greater):
            condition = Gt(*which.args, evaluate=False)
        else:
            x, low, high = which.args
            condition = And(Le(low, x, evaluate=False), Le(x, high, evaluate=False), evaluate=False)
        outside, inner = factor_terms(expression).as_independent(which, as_Add=False)
        holds, fails = (factor_terms(replace(inner, {which: Integer(value)})) for value in (1, 0))
        yield outside * Piecewise((holds, condition), (fails, True), evaluate=False)


def _plain(expression: Expr) -> Expr:
    """Without the atoms that only guide the compiler."""
    if not expression.args:
        return expression
    arguments = [_plain(argument) for argument in expression.args]
    if isinstance(expression, keep):
        return arguments[0]
    if isinstance(expression, softmax | log_softmax | softmax_complement):
        return _reduction(expression, *arguments)
    if isinstance(expression, exp):
        factor, difference = arguments[0].as_coeff_Mul()
        if isinstance(difference, reductions.LogSoftmax):
            return reductions.Softmax(*difference.args) ** factor
    if isinstance(expression, Pow) and is_zero_or_one(arguments[0]) and arguments[1].is_positive:
        return arguments[0]
    if isinstance(expression, step | greater):
        return greater(*_separated(Add(*arguments[:1], *(-argument for argument in arguments[1:]))))
    return rebuild(expression, arguments)


def _reduction(atom: Expr, argument: Expr, rung: Expr) -> Expr:
    """The reduction that a ladder atom comes from, where its rung is the log-sum-exp of its own argument."""
    own = rung == reductions.LogSumExp(argument)
    if isinstance(atom, log_softmax):
        return reductions.LogSoftmax(argument) if own else log_softmax(argument, rung)
    share = reductions.Softmax(argument) if own else softmax(argument, rung)
    return 1 - share if isinstance(atom, softmax_complement) else share


def is_zero_or_one(expression: Expr) -> bool:
    """Whether the expression is an indicator, which equals its own square."""
    if isinstance(expression, Symbol):
        return indicator(expression) is not None
    return isinstance(expression, step | greater | inside)


def _separated(difference: Expr) -> tuple[Expr, Expr]:
    """(a, b) with a − b the difference and no minus sign in either: `1 − y·p` is 1 and `y·p`."""
    terms = Add.make_args(expand_mul(difference))
    added = [term for term in terms if not term.could_extract_minus_sign()]
    return Add(*added), Add(*(-term for term in terms if term not in added))


def _positive_sigmoids(expression: Expr) -> Expr:
    return expression.replace(
        lambda node: isinstance(node, sigmoid) and node.args[0].could_extract_minus_sign(),
        lambda node: 1 - sigmoid(-node.args[0]),
    )


def _positive_softplus(expression: Expr) -> Expr:
    return expression.replace(
        lambda node: isinstance(node, softplus) and node.args[0].could_extract_minus_sign(),
        lambda node: softplus(-node.args[0]) + node.args[0],
    )


def _by_softmax(expression: Expr, summand: Expr, rung: Symbol) -> Expr:
    """exp(u − L) → softmax(u), c·u − c·L → c·log_softmax(u)."""
    if rung not in expression.free_symbols or expression == rung:
        return expression
    if isinstance(expression, softmax | log_softmax | softmax_complement):
        return expression
    arguments = [_by_softmax(argument, summand, rung) for argument in expression.args]
    if isinstance(expression, exp):
        factor, difference = arguments[0].as_coeff_Mul()
        if isinstance(difference, log_softmax):
            return softmax(*difference.args) ** factor
    rebuilt = rebuild(expression, arguments)
    if isinstance(rebuilt, Add) and rung in rebuilt.free_symbols:
        factor = -rebuilt.coeff(rung)
        rest = rebuilt - factor * (summand - rung)
        if factor != 0 and rung not in rest.free_symbols and len(Add.make_args(rest)) < len(rebuilt.args):
            return factor * log_softmax(summand, rung) + rest
    return rebuilt


def _means(expression: Expr) -> Expr:
    """Σ x / C → the mean of x."""
    if not expression.args:
        return expression
    arguments = [_means(argument) for argument in expression.args]
    if isinstance(expression, Mul) and 1 / column_count in arguments:
        sums = [argument for argument in arguments if isinstance(argument, reductions.Sum)]
        if len(sums) == 1:
            arguments.remove(1 / column_count)
            arguments.remove(sums[0])
            return Mul(reductions.Mean(sums[0].args[0]), *arguments)
    return rebuild(expression, arguments)
