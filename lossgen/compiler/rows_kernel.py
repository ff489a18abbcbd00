"""Schedule → the kernel that goes row by row: sweeps over the columns, row functions between them."""

from sympy import Expr, Integer, Symbol

from lossgen.language.symbols import column_count, y_pred

from .assemble import WRITES, Assembly, Kernel, PickStep, RowStep, Shared, StoreStep, SweepStep
from .ladder import LABEL_HIT
from .lower import Pick
from .printer import number_text, print_code
from .schedule import Pass, Schedule


def rows_kernel(
    assembly: Assembly,
    output: str,
    plan: Schedule,
    element_symbols: frozenset[Symbol],
    shared: Shared | None = None,
) -> Kernel:
    """The kernel of `output`.

    Args:
        assembly: receives the point functions and sweeps that the kernel calls.
        plan: its passes.
        element_symbols: the symbols that vary from column to column.
        shared: the point function of all kernels of a loss whose columns do not meet.
    """
    return _RowsKernel(assembly, plan, element_symbols, shared).build(output)


class _RowsKernel:
    def __init__(self, assembly, plan, element_symbols, shared):
        self.assembly: Assembly = assembly
        self.plan: Schedule = plan
        self.element_symbols = element_symbols
        self.shared = shared
        self.definitions = dict(plan.definitions)
        self.sources: dict[Expr, str] = {}  # row expression → its name in the kernel
        self.constants: list[tuple[str, Expr]] = []
        self.factors = 0
        self.steps: list[RowStep | PickStep | SweepStep] = []

    def build(self, output: str) -> Kernel:
        plan, writes, value = self.plan, [], ""
        value_stage = self._value_stage()
        for number in range(len(plan.passes) + 1):
            for pick in plan.picks[number] if number < len(plan.picks) else ():
                self._pick(pick)
            upcoming = plan.passes[number] if number < len(plan.passes) else None
            wanted = []
            if upcoming:
                wanted = [expression for _, expression in upcoming.scalars]
                wanted += [each.factor for each in (*upcoming.writes, *upcoming.stores)]
            if number == value_stage:
                self._row_function([*wanted, plan.value])
                value = self._source(plan.value)
            else:
                self._row_function(wanted)
            if upcoming and (upcoming.slots or upcoming.writes):
                writes += self._sweep(upcoming)
        constants = {name for name, _ in self.constants} | set(self.assembly.parameter_names) | {"columns"}
        return Kernel(
            f"{self.assembly.prefix}{output}",
            output,
            self._constant_lines(),
            tuple(self.steps),
            value,
            tuple(name for name in WRITES[output] if name in writes),
            frozenset(constants),
        )

    # Row quantities -------------------------------------------------------------------------------

    def _value_stage(self) -> int | None:
        """The pass after which the row's loss is known."""
        if self.plan.value is None:
            return None
        needed, stage = self._closure(self.plan.value), 0
        for number, each in enumerate(self.plan.passes, start=1):
            if any(slot.symbol in needed for slot in each.slots):
                stage = number
        for number, picks in enumerate(self.plan.picks):
            if any(pick.symbol in needed for pick in picks):
                stage = max(stage, number)
        return stage

    def _closure(self, *expressions: Expr) -> set[Symbol]:
        needed, waiting = set(), list(expressions)
        while waiting:
            for symbol in waiting.pop().free_symbols - needed:
                needed.add(symbol)
                if symbol in self.definitions:
                    waiting.append(self.definitions[symbol])
        return needed

    def _row_function(self, expressions: list[Expr]) -> None:
        """One row function for everything that the next sweep or the loss needs and that has no name yet."""
        fresh: list[Expr] = []
        for expression in expressions:
            if self._has_source(expression) or expression in fresh:
                continue
            if self._is_constant(expression):
                self._constant(expression)
            else:
                fresh.append(expression)
        if not fresh:
            return
        needed = self._closure(*fresh)
        definitions = tuple(
            (symbol, expression)
            for symbol, expression in self.plan.definitions
            if symbol in needed and symbol not in self.sources
        )
        direct = set().union(*(e.free_symbols for e in fresh), *(e.free_symbols for _, e in definitions))
        inputs = sorted(direct - {symbol for symbol, _ in definitions}, key=lambda symbol: symbol.name)
        stem = "row_loss" if fresh == [self.plan.value] else "row_scalars"
        point = self.assembly.point(stem, inputs, fresh, typed=False, definitions=definitions)
        names = tuple(self._new_name(expression) for expression in fresh)
        self.steps.append(RowStep(names, point.name, tuple(self._source(symbol) for symbol in inputs)))
        self.sources.update(zip(fresh, names, strict=True))

    def _has_source(self, expression: Expr) -> bool:
        if expression in self.sources or expression.is_Number:
            return True
        return (
            expression.is_Symbol
            and expression not in self.definitions
            and expression not in self.element_symbols
        )

    def _source(self, expression: Expr) -> str:
        if expression in self.sources:
            return self.sources[expression]
        if expression.is_Number:
            return number_text(expression)
        return self.assembly.code_name(expression)

    def _new_name(self, expression: Expr) -> str:
        if expression == self.plan.value:
            return "value"
        if expression.is_Symbol:
            return self.assembly.code_name(expression)
        self.factors += 1
        return f"row_factor_{self.factors}"

    def _is_constant(self, expression: Expr) -> bool:
        names = {*self.assembly.parameters, column_count.name} - self.assembly.per_class
        return {symbol.name for symbol in expression.free_symbols} <= names

    def _constant(self, expression: Expr) -> None:
        name = f"constant_{len(self.constants) + 1}"
        self.constants.append((name, expression))
        self.sources[expression] = name

    def _constant_lines(self) -> tuple[str, ...]:
        lines = []
        for name, expression in self.constants:
            code = print_code([expression], self.assembly.names_of([expression]), None)
            lines += [*code.lines, f"{name} = {code.results[0]}"]
            self.assembly.constant_calls |= code.calls
        return tuple(lines)

    # Steps ----------------------------------------------------------------------------------------

    def _pick(self, pick: Pick) -> None:
        free = pick.expression.free_symbols
        element = self.assembly.element_order(free & self.element_symbols)
        inner = sorted(free - set(element), key=lambda symbol: symbol.name)
        element = element if free else [y_pred]  # a number has the type of the prediction
        self._row_function(inner)
        point = self.assembly.point("picked_element", [*element, *inner], [pick.expression], typed=True)
        elements = tuple(self.assembly.code_name(symbol) for symbol in element)
        scalars = tuple(self._source(symbol) for symbol in inner)
        hits = tuple(
            (self.assembly.code_name(symbol), self._index(self.plan.hits.get(symbol)))
            for symbol in element
            if symbol == LABEL_HIT or symbol in self.plan.hits
        )
        name, index = self.assembly.code_name(pick.symbol), self._index(pick.index)
        self.steps.append(PickStep(name, point.name, elements, index, scalars, hits, pick.array))

    def _index(self, symbol: Symbol | None) -> str:
        return "label" if symbol is None else self.assembly.code_name(symbol)

    def _sweep(self, each: Pass) -> list[str]:
        sweep = self.assembly.sweep(_stem(each), each, self.plan.hits, self.element_symbols, self.shared)
        by_name = {self.assembly.code_name(symbol): expression for symbol, expression in each.scalars}
        scalars = tuple(self._source(by_name[name]) for name in sweep.scalars)
        factors = tuple(
            "" if write.factor == Integer(1) else self._source(write.factor) for write in each.writes
        )
        self.steps.append(SweepStep(sweep, scalars, factors))
        for store in each.stores:
            scale = {Integer(1): ("row_scale",), Integer(-1): ("-row_scale",)}.get(store.factor)
            factors = scale or ("row_scale", self._source(store.factor))
            factors += (self._source(store.symbol),) if store.symbol is not None else ()
            self.steps.append(StoreStep(store.name, self._index(store.index), factors))
        return [write.name for write in each.writes]


def _stem(each: Pass) -> str:
    """A sweep is named after what it writes, else after what it accumulates."""
    if each.writes:
        return "_and_".join(write.name for write in each.writes)
    kinds = {slot.kind for slot in each.slots}
    return next(
        name
        for kind, name in (("max", "maximum"), ("min", "minimum"), ("index", "index"), ("sum", "sums"))
        if kind in kinds
    )
