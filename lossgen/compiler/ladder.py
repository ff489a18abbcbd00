"""The ladder: a loss as a sequence of reductions over the columns, each an opaque symbol for the next.

A rung's summand is a scalar expression of element symbols, parameters and earlier rungs; the head is a
scalar expression of rungs and parameters alone. Between two rungs everything is ordinary calculus.
"""

from dataclasses import dataclass, field, replace

from sympy import Expr, Integer, Mul, Symbol, exp, log

from lossgen.language.symbols import column_count, y_pred, y_true

LABEL_HIT = Symbol("label_hit", real=True)
"""1 at the column that the row's integer label picks, 0 elsewhere."""

DIRECTION = Symbol("vector", real=True)
"""The vector's element in a Hessian-vector product."""

KEPT = Symbol("kept", real=True)
"""What an earlier sweep has left at the column, in the array that the output goes to at last."""

KIND_NAMES = {"sum": "sum", "max": "maximum", "min": "minimum", "logsumexp": "log_sum_exp", "pick": "picked"}


@dataclass(frozen=True)
class Rung:
    """One reduction: `symbol = kind over columns of summand`.

    `kind` is `sum`, `max`, `min`, `logsumexp` or `pick`. A `pick` takes the summand at one column: the row's
    label (`at` is `LABEL_HIT`) or the first column that attains an earlier maximum (`at` is its hit symbol).
    """

    symbol: Symbol
    kind: str
    summand: Expr
    at: Symbol | None = None


@dataclass(frozen=True)
class Ladder:
    """Rungs in order of dependence and the head that makes the row's loss of them."""

    rungs: tuple[Rung, ...]
    head: Expr
    columns: frozenset[Symbol] = field(default_factory=frozenset)  # per-class parameters: one value a column

    def rung(self, symbol: Symbol) -> Rung:
        return next(rung for rung in self.rungs if rung.symbol == symbol)

    @property
    def element_symbols(self) -> frozenset[Symbol]:
        hits = {hit_symbol(rung) for rung in self.rungs if rung.kind in ("max", "min")}
        return frozenset({y_true, y_pred, LABEL_HIT, DIRECTION, KEPT, *hits}) | self.columns


def hit_symbol(rung: Rung) -> Symbol:
    """1 at the first column that attains the rung's maximum or minimum, 0 elsewhere."""
    return Symbol(f"{rung.symbol.name}_hit", real=True)


class Builder:
    """Collects rungs; equal reductions get one rung, factors that do not depend on the column leave a sum."""

    def __init__(self, ladder: Ladder, nonnegative: frozenset[Symbol] = frozenset()):
        self._nonnegative = {symbol: Symbol(symbol.name, nonnegative=True) for symbol in nonnegative}
        self._head = ladder.head
        self._columns = ladder.columns
        self.rungs = list(ladder.rungs)

    @property
    def element_symbols(self) -> frozenset[Symbol]:
        return self.ladder().element_symbols

    def ladder(self, head: Expr | None = None) -> Ladder:
        return Ladder(tuple(self.rungs), self._head if head is None else head, self._columns)

    def add(self, kind: str, summand: Expr, at: Symbol | None = None) -> Symbol:
        for rung in self.rungs:
            if (rung.kind, rung.summand, rung.at) == (kind, summand, at):
                return rung.symbol
        number = 1 + sum(rung.kind == kind for rung in self.rungs)
        sign = {"nonnegative": True} if kind == "sum" and summand.is_nonnegative else {"real": True}
        symbol = Symbol(f"{KIND_NAMES[kind]}_{number}", **sign)
        self.rungs.append(Rung(symbol, kind, summand, at))
        return symbol

    def depends_on_column(self, expression: Expr) -> bool:
        return bool(expression.free_symbols & self.element_symbols)

    def is_nonnegative(self, expression: Expr) -> bool:
        return bool(expression.xreplace(self._nonnegative).is_nonnegative)

    def sum(self, summand: Expr) -> Expr:
        """Σ over the columns: hoists factors, knows Σ1 = C, Σ softmax = 1, Σ hit·x = x at the hit."""
        if summand == 0:
            return Integer(0)
        outside, inside = summand.as_independent(*self.element_symbols, as_Add=False)
        if inside == 1:
            return column_count * outside
        for rung in self.rungs:
            if rung.kind == "logsumexp" and inside == exp(rung.summand - rung.symbol):
                return outside
        for hit in (LABEL_HIT, *(hit_symbol(r) for r in self.rungs if r.kind in ("max", "min"))):
            if hit in Mul.make_args(inside):
                return outside * self.pick(inside / hit, hit)
        return outside * self.add("sum", inside)

    def pick(self, expression: Expr, at: Symbol) -> Expr:
        """The expression at the column where `at` is 1."""
        expression = expression.subs(at, 1)
        if not self.depends_on_column(expression):
            return expression
        outside, inside = expression.as_independent(*self.element_symbols, as_Add=False)
        return outside * self.add("pick", inside, at)

    def log_sum_exp(self, argument: Expr) -> Expr:
        if not self.depends_on_column(argument):
            return argument + log(column_count)
        return self.add("logsumexp", argument)

    def extremum(self, kind: str, argument: Expr) -> Expr:
        if not self.depends_on_column(argument):
            return argument
        return self.add(kind, argument)


def map_expressions(ladder: Ladder, function) -> Ladder:
    """The ladder with `function` applied to every summand and to the head."""
    rungs = tuple(replace(rung, summand=function(rung.summand)) for rung in ladder.rungs)
    return replace(ladder, rungs=rungs, head=function(ladder.head))


def prune(ladder: Ladder, *outputs: Expr) -> Ladder:
    """The ladder without the rungs that neither the outputs nor a needed rung refer to."""
    needed = set().union(*(output.free_symbols for output in outputs)) if outputs else set()
    kept = []
    for rung in reversed(ladder.rungs):
        if rung.symbol in needed or hit_symbol(rung) in needed:
            kept.append(rung)
            needed |= rung.summand.free_symbols | ({rung.at} if rung.at is not None else set())
    return replace(ladder, rungs=tuple(reversed(kept)))


__all__ = [
    "DIRECTION", "KEPT", "LABEL_HIT", "Builder", "Ladder", "Rung", "hit_symbol", "map_expressions", "prune",
]  # fmt: skip
