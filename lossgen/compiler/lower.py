"""Ladder and finished outputs → what a machine accumulates: slots, picks and row definitions.

A log-sum-exp rung becomes two sweeps: its maximum, then the sum of exp(u − maximum) without one maximum
(`rest`, and `ties`, the number of columns that attain it). A sum of `a·log_softmax` needs only the first
sweep: Σ a·(u − maximum) and Σ a are completed by the row.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sympy import Expr, Mul, Symbol, exp

from lossgen.language.atoms import keep, log1p, log_softmax, softmax, softmax_complement

from .kernel_functions import complement, excluded_exponential, guarded_product, is_maximum, shifted
from .ladder import Ladder, Rung, hit_symbol


@dataclass(frozen=True)
class Slot:
    """One accumulator of a sweep: `sum`, `max`, `min`, or `index` (first column where it attains `of`)."""

    symbol: Symbol
    kind: str
    summand: Expr
    of: Symbol | None = None


@dataclass(frozen=True)
class Pick:
    """A point expression at one column of the row: the label's, or the one that an index slot found.

    `array` is the output in whose array it finds what a sweep has kept there.
    """

    symbol: Symbol
    expression: Expr
    index: Symbol | None = None
    array: str = ""


@dataclass(frozen=True)
class Lowered:
    """Accumulators, picks and row definitions in order, and the outputs rewritten to refer to them."""

    slots: tuple[Slot, ...]
    picks: tuple[Pick, ...]
    definitions: tuple[tuple[Symbol, Expr], ...]
    hits: dict[Symbol, Symbol | None]
    outputs: dict[str, Expr]
    element_symbols: frozenset[Symbol]


def map_lowered(lowered: Lowered, function: Callable[[Expr], Expr]) -> Lowered:
    """The same with `function` applied to all expressions."""
    return replace(
        lowered,
        slots=tuple(replace(slot, summand=function(slot.summand)) for slot in lowered.slots),
        picks=tuple(replace(pick, expression=function(pick.expression)) for pick in lowered.picks),
        definitions=tuple((symbol, function(each)) for symbol, each in lowered.definitions),
        outputs={name: function(each) for name, each in lowered.outputs.items()},
    )


def lower(ladder: Ladder, outputs: dict[str, Expr]) -> Lowered:
    """The accumulators of every rung, in order."""
    slots: list[Slot] = []
    picks: list[Pick] = []
    definitions: list[tuple[Symbol, Expr]] = []
    hits: dict[Symbol, Symbol | None] = {}
    exponentials = {rung.symbol: _Exponential(rung) for rung in ladder.rungs if rung.kind == "logsumexp"}
    used = set().union(
        *(expression.free_symbols for expression in outputs.values()),
        *(rung.summand.free_symbols | {rung.at} for rung in ladder.rungs),
    )

    def rewritten(expression: Expr) -> Expr:
        for each in exponentials.values():
            expression = each.rewrite(expression)
        return expression

    for rung in ladder.rungs:
        if rung.kind == "logsumexp":
            exponential = exponentials[rung.symbol] = exponentials[rung.symbol].over(rewritten(rung.summand))
            slots += exponential.slots()
            definitions += exponential.definitions()
        elif rung.kind == "pick":
            index = next((hits[h] for h in hits if h == rung.at), None)
            picked = rewritten(rung.summand)
            if picked.free_symbols & ladder.element_symbols:
                picks.append(Pick(rung.symbol, picked, index))
            else:  # the same at every column, once it is simplified
                definitions.append((rung.symbol, picked))
        elif rung.kind == "sum":
            split = _completed_by_row(rung, exponentials, slots, rewritten, ladder.element_symbols)
            if split is None:
                summed = _sum_slot(slots, _opened(rewritten(rung.summand)), rung.symbol)
                split = summed if summed != rung.symbol else None
            if split is not None:
                definitions.append((rung.symbol, split))
        else:
            argument = rewritten(rung.summand)
            same = [each.maximum for each in exponentials.values() if each.argument == argument]
            if rung.kind == "max" and same:
                definitions.append((rung.symbol, same[0]))
            else:
                slots.append(Slot(rung.symbol, rung.kind, argument))
            if hit_symbol(rung) in used:
                index = Symbol(f"{rung.symbol.name}_index", integer=True)
                slots.append(
                    Slot(index, "index", argument, same[0] if rung.kind == "max" and same else rung.symbol)
                )
                hits[hit_symbol(rung)] = index
    return Lowered(
        tuple(slots),
        tuple(picks),
        tuple(definitions),
        hits,
        {name: rewritten(output) for name, output in outputs.items()},
        ladder.element_symbols,
    )


def _opened(summand: Expr) -> Expr:
    """A summand without the parenthesis around all of it, so that equal sums are one slot."""
    return summand.args[0] if isinstance(summand, keep) else summand


def _sum_slot(slots: list[Slot], summand: Expr, symbol: Symbol) -> Symbol:
    """The slot that already sums `summand`, else a new one."""
    for slot in slots:
        if slot.kind == "sum" and slot.summand == summand:
            return slot.symbol
    slots.append(Slot(symbol, "sum", summand))
    return symbol


@dataclass(frozen=True)
class _Exponential:
    """The names of one log-sum-exp's parts."""

    rung: Rung
    argument: Expr | None = None

    def over(self, argument: Expr) -> "_Exponential":
        return replace(self, argument=argument)

    def _name(self, stem: str, **assumptions) -> Symbol:
        return Symbol(f"{stem}_{self.rung.symbol.name.rsplit('_', 1)[1]}", **(assumptions or {"real": True}))

    @property
    def maximum(self) -> Symbol:
        return self._name("row_maximum")

    @property
    def log_total(self) -> Symbol:
        return self._name("log_total", nonnegative=True)

    @property
    def excluded(self) -> Symbol:
        return self._name("excluded", nonnegative=True)

    @property
    def inverse_total(self) -> Symbol:
        return self._name("inverse_total", positive=True)

    def shifted(self) -> Expr:
        return shifted(self.argument, self.maximum)

    def slots(self) -> list[Slot]:
        rest, ties = self._name("rest", nonnegative=True), self._name("ties", nonnegative=True)
        return [
            Slot(self.maximum, "max", self.argument),
            Slot(rest, "sum", excluded_exponential(self.shifted())),
            Slot(ties, "sum", is_maximum(self.shifted())),
        ]

    def definitions(self) -> list[tuple[Symbol, Expr]]:
        rest, ties = self._name("rest", nonnegative=True), self._name("ties", nonnegative=True)
        return [
            (self.excluded, rest + keep(ties - 1)),
            (self.log_total, log1p(self.excluded)),
            (self.inverse_total, 1 / (1 + self.excluded)),
            (self.rung.symbol, self.maximum + self.log_total),
        ]

    def rewrite(self, expression: Expr) -> Expr:
        """Atoms of this rung, replaced by its parts."""
        symbol = self.rung.symbol
        if symbol not in expression.free_symbols or not expression.args:
            return expression
        if (
            isinstance(expression, (log_softmax, softmax, softmax_complement))
            and expression.args[1] == symbol
        ):
            if isinstance(expression, log_softmax):
                return self.shifted() - self.log_total
            if isinstance(expression, softmax):
                return exp(self.shifted()) * self.inverse_total
            return complement(self.shifted(), exp(self.shifted()), self.excluded, self.inverse_total)
        return expression.func(*(self.rewrite(argument) for argument in expression.args))


def _completed_by_row(rung: Rung, exponentials, slots: list[Slot], rewritten, element_symbols) -> Expr | None:
    """Σ a·log_softmax = Σ a·(u − maximum) − log_total·Σ a: a sweep earlier, both parts of one sign."""
    summand = rung.summand
    if isinstance(summand, guarded_product) and isinstance(summand.args[1], log_softmax):
        weight, logarithm = summand.args
    else:
        logarithms = [factor for factor in Mul.make_args(summand) if isinstance(factor, log_softmax)]
        if len(logarithms) != 1:
            return None
        logarithm, weight = logarithms[0], summand / logarithms[0]
    exponential = exponentials.get(logarithm.args[1])
    if exponential is None or weight.free_symbols & set(exponentials):
        return None
    near = Symbol(f"{rung.symbol.name}_shifted", real=True)
    outside, inside = weight.as_independent(*element_symbols, as_Add=False)
    product = (
        guarded_product(weight, exponential.shifted()) if inside != 1 else weight * exponential.shifted()
    )
    slots.append(Slot(near, "sum", rewritten(product)))
    if inside == 1:
        from lossgen.language.symbols import column_count

        return near - exponential.log_total * outside * column_count
    inside = _opened(rewritten(inside))
    total = _sum_slot(slots, inside, Symbol(f"{rung.symbol.name}_weight", real=True))
    return near - exponential.log_total * outside * total
