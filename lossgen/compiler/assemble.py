"""Schedules → the functions of a generated module, as plain data for the templates.

A variant's module part holds *point functions* (what one element or one row contributes), *sweeps* (one loop
over the columns around a point function) and *kernels* (the sweeps in order, row by row, or one flat loop).
Equal functions are written once, whichever kernels use them.
"""

import re
from dataclasses import dataclass, field, replace

from sympy import Expr, Function, Pow, Symbol

from lossgen.language.symbols import column_count, y_pred, y_true

from .ladder import DIRECTION, LABEL_HIT
from .printer import LADDER_FUNCTIONS, VECTOR_FUNCTIONS, Code, print_code
from .schedule import Pass

OUTPUTS = {
    "value": (),
    "value_and_gradient": ("gradient",),
    "gradient_and_hessian": ("gradient", "hessian"),
    "hessian_vector_product": ("product",),
}
"""The kernels of every loss and the element outputs that each writes."""

FURTHER_OUTPUTS = {
    "gradient_and_fisher": ("gradient", "hessian"),
    "gradient_and_upper_bound": ("gradient", "hessian"),
}
"""Kernels that some losses of raw predictions have: with another diagonal in the place of the Hessian's."""

WRITES = {**OUTPUTS, **FURTHER_OUTPUTS}

TAKEN_NAMES = (
    VECTOR_FUNCTIONS
    | LADDER_FUNCTIONS
    | frozenset(
        """
    abs accumulate begin BLOCK chunk chunk_place chunks column columns cuda element elements end error
    FAST first first_of first_of_team float four gradient gradient_out group group_of groups half
    hessian hessian_out i ignored in_team index inf INLINE int is_row is_used joined_first
    joined_maximum joined_minimum joined_sum kept label label_lanes labels lane LANES lanes largest_of
    length lesser like load load_four load_two Loss loss max maximum_of maximum_of_team min minimum_of
    minimum_of_team np one ops p p_block part partial partials phase power product product_out range row
    row_of row_place row_scale rows scale select slice smallest_of split_length sqrt start step store
    store_four store_two sum_of sum_of_team target team teams three total total_scale totals TURN turn
    two value value_out value_scale vector weight wide width y y_block zero
    """.split()  # noqa: SIM905  a table of words
    )
)
"""Names that kernels use already; a parameter of that name gets another one in them."""


@dataclass(frozen=True)
class Point:
    """A point function: scalars in, a tuple of scalars out."""

    name: str
    arguments: tuple[str, ...]
    code: Code


@dataclass(frozen=True)
class Shared:
    """One point function for every kernel of a loss: loss, gradient, Hessian; a caller drops some."""

    point: Point
    names: tuple[str, ...]

    def results(self, wanted: set[str]) -> tuple[str, ...]:
        needed = wanted | {"hessian"} if "product" in wanted else wanted
        return tuple(name if name in needed else "_" for name in self.names)


PRODUCT = (("product", "hessian*like(p, vector_block[i])"),)
"""H·v where the Hessian is diagonal."""


@dataclass(frozen=True)
class Sweep:
    """One loop over the columns of a row."""

    name: str
    point: str
    arrays: tuple[str, ...]  # y, p, vector, per-class parameters: one value a column
    indices: tuple[tuple[str, str], ...]  # (element name, name of the column index at which it is 1)
    scalars: tuple[str, ...]
    point_arguments: tuple[str, ...]
    slots: tuple[tuple[str, str, str], ...]  # (name, kind, attained maximum of an index slot)
    writes: tuple[str, ...]
    results: tuple[str, ...]  # what the point function returns, `_` where this sweep does not need it
    derived: tuple[tuple[str, str], ...] = ()  # (write, source) of what the point does not return itself
    wide: bool = False  # float64 arithmetic whatever the dtype of the prediction
    array: str = ""  # the output in whose array something is kept from sweep to sweep
    keeps: bool = False  # whether this sweep leaves it there

    @property
    def buffer(self) -> str:
        """The output whose array is used besides those of the writes."""
        return "" if self.array in self.writes else self.array

    @property
    def accumulators(self) -> tuple[str, ...]:
        return tuple(name for name, _, _ in self.slots)


@dataclass(frozen=True)
class RowStep:
    """`results = point(arguments)`, all of the row."""

    results: tuple[str, ...]
    point: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class PickStep:
    """`result = point(…)` at one column of a row: `elements` are read there, `scalars` belong to the row.

    An element of `hits` is 1 where the column is that of another index; `kept` is read from the array of the
    output `array`.
    """

    result: str
    point: str
    elements: tuple[str, ...]
    index: str
    scalars: tuple[str, ...]
    hits: tuple[tuple[str, str], ...] = ()
    array: str = ""


@dataclass(frozen=True)
class SweepStep:
    """One sweep; `scalars` and `factors` (of the writes, empty for 1) are names in the kernel."""

    sweep: Sweep
    scalars: tuple[str, ...]
    factors: tuple[str, ...]


@dataclass(frozen=True)
class StoreStep:
    """The product of `factors`, the row's scale among them, written at one column of an output."""

    write: str
    index: str
    factors: tuple[str, ...]


@dataclass(frozen=True)
class Kernel:
    """What a kernel does for each row: constants of the call, the steps, the row's loss.

    `constant_names` are the names that do not differ from row to row.
    """

    stem: str
    output: str
    constants: tuple[str, ...]
    steps: tuple[RowStep | PickStep | SweepStep | StoreStep, ...]
    value: str
    writes: tuple[str, ...]
    constant_names: frozenset[str]

    @property
    def name(self) -> str:
        return f"{self.stem}_rows"

    @property
    def split_name(self) -> str:
        return f"{self.stem}_split"

    @property
    def has_value(self) -> bool:
        return bool(self.value)

    @property
    def uses_columns(self) -> bool:
        """Whether anything refers to the number of columns."""
        words = [*self.constants, *(name for step in self.of_kind(RowStep) for name in step.arguments)]
        words += [name for step in self.of_kind(SweepStep) for name in (*step.scalars, *step.factors)]
        words += [name for step in self.of_kind(PickStep) for name in step.scalars]
        words += [name for step in self.of_kind(StoreStep) for name in step.factors]
        return any(re.search(r"\bcolumns\b", word) for word in words)

    def of_kind(self, kind: type) -> list:
        return [step for step in self.steps if isinstance(step, kind)]


@dataclass(frozen=True)
class FlatKernel:
    """A kernel in one loop over all elements: what each contributes to the loss, and what it writes."""

    name: str
    output: str
    constants: tuple[str, ...]
    point: str
    arrays: tuple[str, ...]
    point_arguments: tuple[str, ...]
    casts: tuple[str, ...]
    results: tuple[str, ...]
    value: str
    value_factor: str
    writes: tuple[tuple[str, str], ...]  # (output, its factor)
    derived: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ArrayFunction:
    """One output computed for whole arrays, in the operations of any framework."""

    name: str
    output: str
    arguments: tuple[str, ...]
    lines: tuple[str, ...]
    result: str


@dataclass
class Assembly:
    """The functions of one term of one variant, in the order in which they are written."""

    parameters: tuple[str, ...]
    per_class: frozenset[str]
    labels: bool
    loss_name: str
    points: list[Point] = field(default_factory=list)
    sweeps: list[Sweep] = field(default_factory=list)
    kernels: list[Kernel | FlatKernel] = field(default_factory=list)
    in_lanes: list[Kernel] = field(default_factory=list)  # what the kernels in lanes do for a row
    in_arrays: list[ArrayFunction] = field(default_factory=list)
    constant_calls: set[str] = field(default_factory=set)
    prefix: str = ""

    # Names ----------------------------------------------------------------------------------------

    def code_name(self, symbol: Symbol) -> str:
        if symbol == column_count:
            return "columns"
        if symbol == DIRECTION:
            return "vector"
        name = symbol.name
        return f"{name}_parameter" if name in self.parameters and name in TAKEN_NAMES else name

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return tuple(self.code_name(Symbol(name)) for name in self.parameters)

    @property
    def per_class_names(self) -> frozenset[str]:
        return frozenset(self.code_name(Symbol(name)) for name in self.per_class)

    def names_of(self, expressions) -> dict[Symbol, str]:
        symbols = (
            set().union(*(expression.free_symbols for expression in expressions)) if expressions else set()
        )
        return {symbol: self.code_name(symbol) for symbol in symbols}

    def _unique(self, stem: str, pool) -> str:
        taken = {self.loss_name, *(each.name for each in pool)}
        name, number = self.prefix + stem, 1
        while name in taken:
            number += 1
            name = f"{self.prefix}{stem}_{number}"
        return name

    # Point functions ------------------------------------------------------------------------------

    def point(
        self,
        stem: str,
        arguments: list[Symbol],
        results: list[Expr],
        typed: bool,
        definitions=(),
        result_names: tuple[str, ...] = (),
    ) -> Point:
        """The point function with this body, written once."""
        names = self.names_of([*results, *(e for _, e in definitions), *arguments])
        source = tuple(names.get(symbol, self.code_name(symbol)) for symbol in arguments)
        typed_by = ("p" if "p" in source else source[0]) if typed else None
        code = print_code(results, names, typed_by, definitions, result_names, frozenset({self.loss_name}))
        for known in self.points:
            if (known.arguments, known.code) == (source, code):
                return known
        created = Point(self._unique(stem, self.points), source, code)
        self.points.append(created)
        return created

    # Sweeps ---------------------------------------------------------------------------------------

    def sweep(
        self,
        stem: str,
        each: Pass,
        hits: dict,
        element_symbols: frozenset[Symbol],
        shared: Shared | None = None,
    ) -> Sweep:
        results = [slot.summand for slot in each.slots] + [write.expression for write in each.writes]
        results += [each.keeps] if each.keeps is not None else []
        free = set().union(*(result.free_symbols for result in results)) if results else set()
        element = self.element_order(free & element_symbols)
        if not element:
            element = [y_pred]
        scalars = [symbol for symbol, _ in each.scalars]
        inner = [symbol for symbol in scalars if symbol in free]
        returned = result_names(each)
        point = (
            shared.point
            if shared
            else self.point(f"{stem}_element", [*element, *inner], results, typed=True, result_names=returned)
        )
        per_class = tuple(name for name in point.arguments if name in self.per_class_names)
        arrays = ("y", "p") if "y" in point.arguments else ("p",)
        arrays += (
            ("vector",)
            if DIRECTION in free or ("product" in (write.name for write in each.writes) and shared)
            else ()
        )
        indices = tuple(
            (self.code_name(symbol), "label" if symbol == LABEL_HIT else self.code_name(hits[symbol]))
            for symbol in element
            if symbol == LABEL_HIT or symbol in hits
        )
        slots = tuple(
            (self.code_name(slot.symbol), slot.kind, self.code_name(slot.of) if slot.of is not None else "")
            for slot in each.slots
        )
        writes = tuple(write.name for write in each.writes)
        created = Sweep(
            "",
            point.name,
            arrays + per_class,
            indices,
            tuple(self.code_name(s) for s in scalars),
            point.arguments,
            slots,
            writes,
            shared.results(set(returned)) if shared else returned,
            PRODUCT if shared and "product" in writes else (),
            shared is None and _is_rational(each),
            each.array,
            each.keeps is not None,
        )
        for known in self.sweeps:
            if replace(known, name="") == created:
                return known
        created = replace(created, name=self._unique(f"{stem}_sweep", self.sweeps))
        self.sweeps.append(created)
        return created

    def element_order(self, symbols) -> list[Symbol]:
        first = [symbol for symbol in (y_true, y_pred, DIRECTION) if symbol in symbols]
        return first + sorted((s for s in symbols if s not in first), key=lambda s: s.name)


def result_names(each: Pass) -> tuple[str, ...]:
    slots = tuple(f"{slot.symbol.name}_element" for slot in each.slots)
    kept = ("kept",) if each.keeps is not None else ()
    return slots + tuple(write.name for write in each.writes) + kept


RATIONAL = {
    "absolute",
    "clip",
    "greater",
    "guarded_product",
    "inside",
    "keep",
    "maximum",
    "minimum",
    "relu",
    "signum",
    "step",
    "xdivy",
}
"""Functions that cost in float64 what they cost in float32, but for the width of a vector."""


def _is_rational(each: Pass) -> bool:
    """Whether a sweep only sums and scales: float64 costs little, and quotients keep their range."""
    if any(slot.kind != "sum" for slot in each.slots) or each.array:
        return False
    expressions = [slot.summand for slot in each.slots] + [write.expression for write in each.writes]
    functions = set().union(*(expression.atoms(Function, Pow) for expression in expressions))
    return all(
        function.exp.is_Integer if isinstance(function, Pow) else type(function).__name__ in RATIONAL
        for function in functions
    )
