"""Ladder → the formula that a book prints. For readers only: nothing here is ever compiled.

Rungs become reductions again, `exp(u − LSE(u))` becomes `softmax(u)`, and of several equal spellings the
shortest is shown: `σ(p) − y`, where the kernel computes `(1 − y)·σ(p) − y·σ(−p)`.
"""

from dataclasses import dataclass
from textwrap import wrap

from sympy import Add, Expr, Mul, Symbol, exp

from lossgen.language import reductions
from lossgen.language.abbreviation import Definitions, abbreviate
from lossgen.language.atoms import log_softmax, softmax, softmax_complement
from lossgen.language.declaration import Declaration
from lossgen.language.notation import rebuild, replace
from lossgen.language.printing import symbol_text, text
from lossgen.language.symbols import column_count

from .differentiate import Derivative
from .ladder import Ladder, Rung
from .spelling import shortest

REDUCTIONS = {
    "sum": reductions.Sum, "max": reductions.Max, "min": reductions.Min, "logsumexp": reductions.LogSumExp,
    "pick": reductions.Gather,
}  # fmt: skip


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

    def read_by(self, declaration: Declaration) -> "Formulas":
        """The same with the symbols that a reader of the declaration knows."""
        definitions = tuple((symbol, declaration.as_read(part)) for symbol, part in self.definitions)
        return Formulas(definitions, *map(declaration.as_read, (self.value, self.gradient, self.hessian)))

    def one_line(self, which: str) -> str:
        """`value`, `gradient` or `hessian` as one line of text."""
        return text(self.spelt_out(which))


def formulas(
    declared: Expr, ladder: Ladder, gradient: Derivative, hessian: Derivative, targets: Definitions = ()
) -> Formulas:
    """The textbook forms of a term and of its derivatives, with letters for what they repeat."""
    derivatives = tuple(textbook(each.textbook, each.ladder) for each in (gradient, hessian))
    values = dict.fromkeys((shortest(declared), textbook(ladder.head, ladder)))
    candidates = [abbreviate(value, *derivatives) for value in values]
    definitions, parts = min(candidates, key=_total_length)
    return Formulas((*targets, *definitions), *parts)


def _total_length(abbreviated: tuple[Definitions, tuple[Expr, ...]]) -> int:
    definitions, parts = abbreviated
    return sum(len(text(part)) for part in (*parts, *(meaning for _, meaning in definitions)))


def textbook(expression: Expr, ladder: Ladder) -> Expr:
    """The shortest spelling of an expression of the ladder, with reductions in place of rungs."""
    for rung in ladder.rungs:
        if rung.kind == "logsumexp":
            expression = _by_softmax(expression, rung.summand, rung.symbol)
    return shortest(restored(expression, ladder))


def restored(expression: Expr, ladder: Ladder) -> Expr:
    """The expression with every rung's symbol replaced by the reduction that it stands for."""
    for rung in reversed(ladder.rungs):
        expression = replace(expression, {rung.symbol: reduction(rung, ladder)})
    return _means(expression)


def reduction(rung: Rung, ladder: Ladder) -> Expr:
    """What one rung stands for, in terms of the rungs before it."""
    summand = rung.summand
    for other in ladder.rungs:
        if other.kind == "logsumexp" and summand.has(other.symbol):
            summand = _by_softmax(summand, other.summand, other.symbol)
    if rung.kind == "pick":
        summand = summand.subs(rung.at, 1) if rung.at is not None else summand
    return REDUCTIONS[rung.kind](shortest(summand))


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
