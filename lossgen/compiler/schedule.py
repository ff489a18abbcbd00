"""Lowered ladder → passes over the row, each output in the earliest pass where its needs are met.

A pass sweeps the columns once: it fills slots and writes element outputs. Between two passes the row computes
what the next one needs (`scalars`). Everything that does not depend on the column is taken out of the sweep.
"""

from dataclasses import dataclass, field, replace

from sympy import Add, Expr, Integer, Mul, Symbol
from sympy.core.relational import Relational

from .economy import POWERS, Output, Round, keep_exponential, take_hits_out
from .ladder import LABEL_HIT
from .lower import Lowered, Pick, Slot

EXPONENT = "exponent_"
"""Row scalars of this name stay in float64: a rounded exponent costs |log x| digits."""


LARGEST_DENOMINATOR = 1000
"""A number is taken out of a sum only if that does not blow up what stays: p + 1e-12·x stays as it is."""


@dataclass(frozen=True)
class Write:
    """One element output of a pass: `factor` (of the row, applied with the weight) times `expression`."""

    name: str
    expression: Expr
    factor: Expr


@dataclass(frozen=True)
class Store:
    """What is written at one column after the sweep: `factor` (with the weight) times a pick, if any."""

    name: str
    symbol: Symbol | None
    factor: Expr
    index: Symbol | None


@dataclass(frozen=True)
class Pass:
    """One sweep over the columns of a row.

    `keeps` is what the sweep leaves in the array of the output `array` for later ones; `reads_kept` says that
    it reads there what an earlier one has left.
    """

    slots: tuple[Slot, ...]
    writes: tuple[Write, ...]
    scalars: tuple[
        tuple[Symbol, Expr], ...
    ]  # row quantities that the sweep reads, by the name it knows them by
    stores: tuple[Store, ...] = ()
    keeps: Expr | None = None
    reads_kept: bool = False
    array: str = ""


@dataclass(frozen=True)
class Schedule:
    """The passes of one kernel, the picks made before each pass, and the row's loss."""

    passes: tuple[Pass, ...]
    picks: tuple[tuple[Pick, ...], ...]  # picks[k] are taken after pass k (0: before the first)
    definitions: tuple[tuple[Symbol, Expr], ...]
    value: Expr | None
    hits: dict[Symbol, Symbol | None] = field(default_factory=dict)

    @property
    def needs_row_result(self) -> bool:
        """Whether a sweep reads anything of an earlier one; if not, rows may be joined into one flat loop."""
        return len(self.passes) > 1 or any(self.picks) or bool(self.hits)


def schedule(
    lowered: Lowered, element_symbols: frozenset[Symbol], hits_apart: bool = True, keeps: bool = True
) -> Schedule:
    """Passes for the outputs of `lowered`; the one named `value` is the row's, all others are per column.

    Args:
        hits_apart: whether what an output has at the column of a hit is written after its sweep.
        keeps: whether a sweep may leave exponentials for later ones where an output will go.
    """
    stages = _Stages(lowered)
    outputs = [Output(name, output) for name, output in lowered.outputs.items() if name != "value"]
    stage_of = {output.name: 1 + stages.of_expression(output.expression) for output in outputs}
    count = max([0, *stage_of.values(), *(stages.of_slot(slot) for slot in lowered.slots)])
    rounds = [
        Round(
            tuple(slot for slot in lowered.slots if stages.of_slot(slot) == number),
            tuple(output for output in outputs if stage_of[output.name] == number),
        )
        for number in range(1, count + 1)
    ]
    if keeps:
        rounds = keep_exponential(rounds)
    if hits_apart:
        rounds = take_hits_out(rounds, frozenset(lowered.hits) | {LABEL_HIT})
    picks: list[list[Pick]] = [[] for _ in range(count + 1)]
    for pick in lowered.picks:
        picks[stages.of_pick(pick)].append(pick)
    passes = []
    for number, each in enumerate(rounds):
        stores, picked = _stores(each, lowered, element_symbols)
        picks[number] += picked
        writes = []
        for output in each.outputs:
            factor, expression = split_factor(output.expression, element_symbols)
            writes.append(Write(output.name, expression, factor))
        passes.append(replace(_hoist(each, tuple(writes), element_symbols), stores=stores))
    value = lowered.outputs.get("value")
    return Schedule(tuple(passes), tuple(map(tuple, picks)), lowered.definitions, value, lowered.hits)


def _stores(
    each: Round, lowered: Lowered, element_symbols: frozenset[Symbol]
) -> tuple[tuple[Store, ...], list[Pick]]:
    """What is written at the columns of hits, and the picks before the sweep that it comes from."""
    stores, picks = [], []
    for output in each.outputs:
        for hit, expression in output.at_hits:
            factor, inside = split_factor(expression, element_symbols)
            index, symbol = lowered.hits.get(hit), None
            if inside != 1:
                symbol = Symbol(f"{output.name}_at_{hit.name}", real=True)
                picks.append(Pick(symbol, inside, index, each.array))
            stores.append(Store(output.name, symbol, factor, index))
    return tuple(stores), picks


class _Stages:
    """After which pass a row symbol is known."""

    def __init__(self, lowered: Lowered):
        self._known: dict[Symbol, int] = {}
        pending: list = [*lowered.slots, *lowered.picks, *lowered.definitions]
        self._hits = lowered.hits
        names = {slot.symbol for slot in lowered.slots} | {pick.symbol for pick in lowered.picks}
        self._row_symbols = names | {symbol for symbol, _ in lowered.definitions}
        while pending:
            waiting = []
            for item in pending:
                if not self._settle(item):
                    waiting.append(item)
            if len(waiting) == len(pending):
                raise AssertionError(f"rungs depend on each other in a circle: {waiting}")
            pending = waiting

    def _settle(self, item) -> bool:
        symbol, expressions, sweeps = _dissect(item)
        needed = set().union(*(expression.free_symbols for expression in expressions))
        for hit, index in self._hits.items():
            if hit in needed and index is not None:
                needed.add(index)
        needed &= self._row_symbols
        if not needed <= set(self._known):
            return False
        self._known[symbol] = max([0, *(self._known[each] for each in needed)]) + (1 if sweeps else 0)
        return True

    def of_slot(self, slot: Slot) -> int:
        return self._known[slot.symbol]

    def of_pick(self, pick: Pick) -> int:
        return self._known[pick.symbol]

    def of_expression(self, *expressions: Expr) -> int:
        needed = set().union(*(expression.free_symbols for expression in expressions))
        needed |= {index for hit, index in self._hits.items() if hit in needed and index is not None}
        return max([0, *(self._known[each] for each in needed & self._row_symbols)])


def _dissect(item) -> tuple[Symbol, list[Expr], bool]:
    if isinstance(item, Slot):
        return item.symbol, [item.summand] + ([item.of] if item.of is not None else []), True
    if isinstance(item, Pick):
        return item.symbol, [item.expression] + ([item.index] if item.index is not None else []), False
    return item[0], [item[1]], False


def split_factor(expression: Expr, element_symbols: frozenset[Symbol]) -> tuple[Expr, Expr]:
    """(what does not depend on the column, the rest), numbers included: 2(p − y)/C → 2/C and p − y."""
    outside, inside = expression.as_independent(*element_symbols, as_Add=False)
    if isinstance(inside, Add):
        content, primitive = inside.primitive()
        content, inside = (content, primitive) if content.q <= LARGEST_DENOMINATOR else (Integer(1), inside)
        if inside.could_extract_minus_sign() and _leads_with_minus(inside):
            content, inside = -content, -inside
        outside = outside * content
    return outside, inside


def _leads_with_minus(expression: Add) -> bool:
    return all(term.could_extract_minus_sign() for term in expression.args)


def _hoist(each: Round, writes: tuple[Write, ...], element_symbols: frozenset[Symbol]) -> Pass:
    """Takes products and functions of row quantities out of the sweep and names them."""
    names: dict[Expr, Symbol] = {}
    exponents: dict[Expr, Symbol] = {}

    def named(expression: Expr) -> Symbol:
        if expression not in names:
            made = sum(not known.is_Symbol for known in names)
            names[expression] = (
                expression if expression.is_Symbol else Symbol(f"factor_{made + 1}", real=True)
            )
        return names[expression]

    def in_row(expression: Expr) -> bool:
        return not expression.free_symbols & element_symbols

    def exponent(expression: Expr) -> Symbol:
        made = exponents.setdefault(expression, Symbol(f"{EXPONENT}{len(exponents) + 1}", real=True))
        return made

    def visit(expression: Expr) -> Expr:
        if not expression.free_symbols:
            return expression
        if not expression.free_symbols & element_symbols and isinstance(expression, Expr):
            return named(expression)
        if isinstance(expression, POWERS) and expression.args[1].free_symbols and in_row(expression.args[1]):
            return expression.func(visit(expression.args[0]), exponent(expression.args[1]))
        if isinstance(expression, Mul):
            outside, inside = expression.as_independent(*element_symbols, as_Add=False)
            if outside.free_symbols:
                return Mul(named(outside), visit(inside), evaluate=False) if inside != 1 else named(outside)
        if not expression.args:
            return expression
        arguments = [visit(argument) for argument in expression.args]
        unevaluated = {"evaluate": False} if isinstance(expression, (Add, Mul, Relational)) else {}
        return expression.func(*arguments, **unevaluated)

    slots = tuple(Slot(slot.symbol, slot.kind, visit(slot.summand), slot.of) for slot in each.slots)
    for slot in slots:
        if slot.of is not None:
            named(slot.of)
    writes = tuple(Write(write.name, visit(write.expression), write.factor) for write in writes)
    keeps = visit(each.keeps) if each.keeps is not None else None
    scalars = tuple((symbol, expression) for expression, symbol in (*names.items(), *exponents.items()))
    return Pass(slots, writes, scalars, (), keeps, each.reads_kept, each.array)
