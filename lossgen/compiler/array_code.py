"""Lowered ladder → a function in array code: the whole computation as operations on arrays, line by line.

The third target beside kernels by rows and in lanes: no loops, reductions as calls, every operation a method
of `ops`, which a framework provides (`lossgen.runtime.arrays`). Elements have the shape of the predictions,
row results the same shape with the reduced axes kept as 1.
"""

from collections.abc import Mapping

from sympy import Expr, Piecewise, Symbol
from sympy.logic.boolalg import Boolean, Not

from .assemble import OUTPUTS, ArrayFunction, Assembly
from .kernel_functions import KernelFunction
from .ladder import LABEL_HIT
from .lower import Lowered, Pick, Slot
from .printer import Printer

ARGUMENTS = {"product": ("y", "p", "vector")}
"""The arrays that an output takes; all others take targets and predictions."""


class row_sum(KernelFunction):
    """Σ over the columns."""

    nargs = (1,)


class row_maximum(KernelFunction):
    """The largest over the columns."""

    nargs = (1,)


class row_minimum(KernelFunction):
    """The smallest over the columns."""

    nargs = (1,)


class first_hit(KernelFunction):
    """(values, extremum): 1 at the first column that attains it, else 0."""

    nargs = (2,)


class label_hit(KernelFunction):
    """(labels): 1 at the column that the row's label names, else 0."""

    nargs = (1,)


class row_pick(KernelFunction):
    """(hit, values): the value at the column where `hit` is 1."""

    nargs = (2,)


REDUCTIONS = {"sum": row_sum, "max": row_maximum, "min": row_minimum}
LABELS = Symbol("y", real=True)
"""What the target argument holds for a loss that reads labels."""


def array_outputs(lowered: Mapping[str, Lowered]) -> dict[str, tuple[str, str]]:
    """What there is in array code: output → the lowered ladder that it comes from, and its name there."""
    beyond = {name: (name, name) for name in lowered if name not in OUTPUTS}
    return {
        "value": ("value", "value"),
        "gradient": ("value_and_gradient", "gradient"),
        "product": ("hessian_vector_product", "product"),
        **beyond,
    }


def array_function(assembly: Assembly, output: str, lowered: Lowered, result: str) -> ArrayFunction:
    """The function `output_arrays` that computes one result of a lowered ladder.

    Raises:
        CompileError: it needs a function that no kernel code is known for.
    """
    wanted = [lowered.outputs[result]]
    statements = _needed(_statements(lowered), wanted)
    symbols = set().union(*(each.free_symbols for each in (*wanted, *(part for _, part in statements))))
    made = {symbol for symbol, _ in statements}
    names = {symbol: assembly.code_name(symbol) for symbol in symbols | made}
    code = ArrayPrinter(names, None, frozenset()).code(wanted, statements, ())
    inputs = [name for name in assembly.parameter_names if name in {names[symbol] for symbol in symbols}]
    prologue = [f"{name} = ops.parameter({name})" for name in inputs if name not in assembly.per_class_names]
    prologue += [f"{name} = ops.one_a_column({name})" for name in inputs if name in assembly.per_class_names]
    prologue += ["columns = ops.columns()"] if "columns" in names.values() else []
    arguments = ("ops", *ARGUMENTS.get(output, ("y", "p")), *assembly.parameter_names)
    name = f"{assembly.prefix}{output}_arrays"
    return ArrayFunction(name, output, arguments, (*prologue, *code.lines), code.results[0])


def _statements(lowered: Lowered) -> list[tuple[Symbol, Expr]]:
    """Every slot, pick and definition as an assignment; in an order in which each finds what it reads."""
    found = [(LABEL_HIT, label_hit(LABELS))]
    for slot in lowered.slots:
        found += _of_slot(slot, lowered)
    found += [(pick.symbol, row_pick(_hit(pick, lowered), pick.expression)) for pick in lowered.picks]
    found += lowered.definitions
    made = {symbol for symbol, _ in found}
    ordered: list[tuple[Symbol, Expr]] = []
    known: set[Symbol] = set()
    while found:
        ready = [each for each in found if (each[1].free_symbols & made) - {each[0]} <= known]
        assert ready, f"rungs depend on each other in a circle: {found}"
        ordered += ready
        known |= {symbol for symbol, _ in ready}
        found = [each for each in found if each not in ready]
    return ordered


def _of_slot(slot: Slot, lowered: Lowered) -> list[tuple[Symbol, Expr]]:
    if slot.kind == "index":
        hits = [hit for hit, index in lowered.hits.items() if index == slot.symbol]
        return [(hit, first_hit(slot.summand, slot.of)) for hit in hits]
    return [(slot.symbol, REDUCTIONS[slot.kind](slot.summand))]


def _hit(pick: Pick, lowered: Lowered) -> Symbol:
    """The symbol that is 1 at the column of a pick."""
    return next((hit for hit, index in lowered.hits.items() if index == pick.index), LABEL_HIT)


def _needed(statements: list[tuple[Symbol, Expr]], wanted: list[Expr]) -> tuple[tuple[Symbol, Expr], ...]:
    """The assignments that the results depend on."""
    used = set().union(*(each.free_symbols for each in wanted))
    kept = []
    for symbol, expression in reversed(statements):
        if symbol in used:
            kept.append((symbol, expression))
            used |= expression.free_symbols
    return tuple(reversed(kept))


class ArrayPrinter(Printer):
    """Every function is a method of `ops`; conditions are arrays, which Python's `not` cannot negate."""

    def _function(self, name: str, arguments) -> str:
        self.operations += 1
        return f"ops.{name}({', '.join(self._emit(argument, 0) for argument in arguments)})"

    def _plain(self, expression: Expr, level: int) -> str:
        if isinstance(expression, KernelFunction):  # a sum of ones is no number yet
            return self._function(type(expression).__name__, expression.args)
        return super()._plain(expression, level)

    def _select(self, expression: Piecewise) -> str:
        *branches, last = expression.args
        text = self._emit(last.expr, 0)
        if last.cond != True:  # noqa: E712  SymPy's own truth value
            text = f"ops.select({self._condition(last.cond)}, {text}, ops.nan)"
        for branch in reversed(branches):
            text = f"ops.select({self._condition(branch.cond)}, {self._emit(branch.expr, 0)}, {text})"
        return text

    def _condition(self, condition: Boolean) -> str:
        if isinstance(condition, Not):
            return f"~({self._condition(condition.args[0])})"
        return super()._condition(condition)

