"""Lowered ladder → passes over the row, each output in the earliest pass where its needs are met.

A pass sweeps the columns once: it fills slots and writes element outputs. Between two passes the row computes
what the next one needs (`scalars`). Everything that does not depend on the column is taken out of the sweep.
"""

from dataclasses import dataclass, field

from sympy import Add, Expr, Integer, Mul, Pow, Symbol
from sympy.core.relational import Relational

from lossgen.language.atoms import power, power_curvature, power_log, power_slope

from .lower import Lowered, Pick, Slot

POWERS = (Pow, power, power_slope, power_curvature, power_log)
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
class Pass:
    """One sweep over the columns of a row."""

    slots: tuple[Slot, ...]
    writes: tuple[Write, ...]
    scalars: tuple[
        tuple[Symbol, Expr], ...
    ]  # row quantities that the sweep reads, by the name it knows them by


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


def schedule(lowered: Lowered, element_symbols: frozenset[Symbol]) -> Schedule:
    """Passes for the outputs of `lowered`; the one named `value` is the row's, all others are per column."""
    stages = _Stages(lowered)
    writes, value = [], None
    for name, output in lowered.outputs.items():
        if name == "value":
            value = output
        else:
            factor, expression = split_factor(output, element_symbols)
            writes.append(Write(name, expression, factor))
    count = max(
        [
            1,
            *(stages.of_slot(slot) for slot in lowered.slots),
            *(1 + stages.of_expression(write.expression, write.factor) for write in writes),
        ]
    )
    if not writes:
        count = max([0, *(stages.of_slot(slot) for slot in lowered.slots)])
    passes = []
    for number in range(1, count + 1):
        slots = tuple(slot for slot in lowered.slots if stages.of_slot(slot) == number)
        here = tuple(
            write for write in writes if 1 + stages.of_expression(write.expression, write.factor) == number
        )
        if slots or here:
            passes.append(_hoist(slots, here, element_symbols))
        else:
            passes.append(Pass((), (), ()))
    picks = tuple(
        tuple(pick for pick in lowered.picks if stages.of_pick(pick) == number) for number in range(count + 1)
    )
    return Schedule(tuple(passes), picks, lowered.definitions, value, lowered.hits)


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


def _hoist(slots: tuple[Slot, ...], writes: tuple[Write, ...], element_symbols: frozenset[Symbol]) -> Pass:
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

    slots = tuple(Slot(slot.symbol, slot.kind, visit(slot.summand), slot.of) for slot in slots)
    for slot in slots:
        if slot.of is not None:
            named(slot.of)
    writes = tuple(Write(write.name, visit(write.expression), write.factor) for write in writes)
    scalars = tuple((symbol, expression) for expression, symbol in (*names.items(), *exponents.items()))
    return Pass(slots, writes, scalars)
