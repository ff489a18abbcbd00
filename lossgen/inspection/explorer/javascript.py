"""A variant's derived terms → JavaScript: what its kernels compute, as functions of one row.

SymPy's JavaScript printer writes the arithmetic; every atom, and every reduction over the columns, is a call
into `templates/explorer/atoms.js`. The expressions are those that the kernels come from, after all rewriting.
"""

from collections import Counter
from collections.abc import Iterator, Set

from sympy import Basic, Expr, Mul, Number, Piecewise, Symbol
from sympy.logic.boolalg import Boolean
from sympy.printing.jscode import JavascriptCodePrinter

from lossgen.compiler.canonical import canonical
from lossgen.compiler.driver import Derived
from lossgen.compiler.ladder import LABEL_HIT
from lossgen.compiler.lower import Lowered
from lossgen.compiler.printer import LADDER_FUNCTIONS, factor_rank, number_text
from lossgen.errors import CompileError
from lossgen.language.atoms import ATOMS, keep
from lossgen.language.symbols import column_count, y_pred, y_true

OUTPUTS = {"value": "value", "gradient": "value_and_gradient", "hessian": "gradient_and_hessian"}
"""What the page shows → the lowered ladder that it comes from."""

REDUCTIONS = {"sum": "row_sum", "max": "row_maximum", "min": "row_minimum"}
OWN_FUNCTIONS = frozenset(ATOMS) | LADDER_FUNCTIONS
OPENING = "const {y, p, label, columns, own} = row;"
LARGEST_WHOLE = 2**53


def variant_code(derived: tuple[Derived, ...], per_class: Set[str]) -> str:
    """The terms of a variant as a JavaScript array of `{value, gradient, hessian}`.

    Each is a function of a row `{y, p, label, columns, own}`: targets and predictions, the integer label, the
    number of columns, and the parameters by name, one number a column for those in `per_class`. `value`
    returns a number; `gradient` and `hessian` return a function of the column.

    Raises:
        CompileError: a term needs a function that no JavaScript is known for.
    """
    terms = []
    for term in derived:
        bodies = {
            output: _indented(_function(term.lowered[source], output, per_class))
            for output, source in OUTPUTS.items()
        }
        functions = [f"{output}: (row) => {{\n{body}\n}}," for output, body in bodies.items()]
        terms.append("{\n" + _indented(functions) + "\n},")
    return "[\n" + _indented(terms) + "\n]"


def _indented(lines: list[str]) -> str:
    return "\n".join(f"  {line}" for text in lines for line in text.split("\n"))


def _function(lowered: Lowered, output: str, per_class: Set[str]) -> list[str]:
    """The body of one output's function."""
    names = _names(lowered, per_class)
    result = lowered.outputs[output]
    lines = [OPENING]
    for symbol, kind, expression in _statements(lowered, result):
        name = symbol.name
        if kind == "row":
            made, text = printed(expression, names)
            lines += [*made, f"const {name} = {text};"]
        elif kind in REDUCTIONS:
            lines += _closure(f"const {name} = ops.{REDUCTIONS[kind]}(columns, ", expression, names, ");")
        elif kind == "pick":
            at = _index(lowered, symbol)
            lines += _closure(f"const {name} = ops.pick(", expression, names, f", {at});")
        else:
            extremum = next(each.of for each in lowered.slots if each.symbol == symbol)
            lines += _closure(f"const {name} = ops.first_hit(columns, {extremum}, ", expression, names, ");")
    if output == "value":
        made, text = printed(result, names)
        return [*lines, *made, f"return {text};"]
    return [*lines, *_closure("return ", result, names, ";")]


def _names(lowered: Lowered, per_class: Set[str]) -> dict[Symbol, str]:
    """How symbols are written; those that are missing are variables of their own name."""
    known = {y_true: "y[j]", y_pred: "p[j]", column_count: "columns", LABEL_HIT: "ops.hit(label, j)"}
    known |= {hit: f"ops.hit({index.name}, j)" for hit, index in lowered.hits.items() if index is not None}
    made = {symbol for symbol, _, _ in _all_statements(lowered)}
    own = set().union(*(each.free_symbols for _, _, each in _all_statements(lowered)))
    own |= set().union(*(each.free_symbols for each in lowered.outputs.values()))
    return known | {
        symbol: f"own.{symbol.name}" + ("[j]" if symbol.name in per_class else "")
        for symbol in own - made - set(known)
    }


def _index(lowered: Lowered, symbol: Symbol) -> str:
    """The column of a pick: an index found before, or the row's label."""
    (pick,) = (each for each in lowered.picks if each.symbol == symbol)
    return "label" if pick.index is None else pick.index.name


Statement = tuple[Symbol, str, Expr]


def _all_statements(lowered: Lowered) -> Iterator[Statement]:
    """(symbol, kind, expression): slots and picks of element expressions, definitions of rows."""
    yield from ((slot.symbol, slot.kind, slot.summand) for slot in lowered.slots)
    yield from ((pick.symbol, "pick", pick.expression) for pick in lowered.picks)
    yield from ((symbol, "row", expression) for symbol, expression in lowered.definitions)


def _statements(lowered: Lowered, result: Expr) -> list[Statement]:
    """What the result depends on, each behind what it reads itself."""
    every = {statement[0]: statement for statement in _all_statements(lowered)}
    ordered: dict[Symbol, Statement] = {}

    def visit(read: Set[Symbol]) -> None:
        for symbol in sorted(read, key=lambda each: each.name):
            symbol = lowered.hits.get(symbol) or symbol
            if symbol in every and symbol not in ordered:
                visit(_read_by(every[symbol], lowered) - {symbol})
                ordered[symbol] = every[symbol]

    visit(result.free_symbols)
    return list(ordered.values())


def _read_by(statement: Statement, lowered: Lowered) -> Set[Symbol]:
    symbol, _, expression = statement
    further = {each.of for each in lowered.slots if each.symbol == symbol}
    further |= {each.index for each in lowered.picks if each.symbol == symbol}
    return (expression.free_symbols | further) - {None}


def _closure(before: str, expression: Expr, names: dict[Symbol, str], after: str) -> list[str]:
    """`before (j) => expression after`, with a body in braces where parts of it have names."""
    made, text = printed(expression, names)
    if not made:
        return [f"{before}(j) => {text}{after}"]
    return [f"{before}(j) => {{", *(f"  {line}" for line in made), f"  return {text};", f"}}{after}"]


def printed(expression: Expr, names: dict[Symbol, str]) -> tuple[list[str], str]:
    """Lines that name repeated parts, and the expression in terms of them.

    Raises:
        CompileError: it holds a function that no JavaScript is known for.
    """
    printer = _Printer(names)
    text = printer.text(canonical(expression))
    return printer.lines, text


class _Printer(JavascriptCodePrinter):
    """Prints one expression; nothing of it is built anew, so it computes as the compiler arranged it."""

    def __init__(self, names: dict[Symbol, str]):
        super().__init__({"order": "none"})
        self.names = names
        self.lines: list[str] = []
        self.parts: dict[Basic, str] = {}
        self.uses: Counter[Basic] = Counter()

    def text(self, expression: Expr) -> str:
        self._count(expression)
        return self._print(expression)

    def _count(self, expression: Basic) -> None:
        self.uses[expression] += 1
        if self.uses[expression] == 1:
            for argument in expression.args:
                self._count(argument)

    def _is_shared(self, expression: object) -> bool:
        if not isinstance(expression, Expr) or isinstance(expression, Number) or not expression.args:
            return False
        is_negative = isinstance(expression, Mul) and len(expression.args) == 2 and expression.args[0] == -1
        return self.uses[expression] > 1 and not is_negative

    def _print(self, expr: object, **kwargs: object) -> str:
        if not self._is_shared(expr):
            return super()._print(expr, **kwargs)
        if expr not in self.parts:
            text = super()._print(expr, **kwargs)
            self.parts[expr] = f"shared_{len(self.parts) + 1}"
            self.lines.append(f"const {self.parts[expr]} = {text};")
        return self.parts[expr]

    def _print_Symbol(self, expr: Symbol) -> str:
        return self.names.get(expr, expr.name)

    def _print_Mul(self, expr: Mul) -> str:
        return super()._print_Mul(Mul(*sorted(expr.args, key=factor_rank), evaluate=False))

    def _print_Function(self, expr: Expr) -> str:
        name = type(expr).__name__
        if isinstance(expr, keep):
            return f"({self._print(expr.args[0])})"
        if name in OWN_FUNCTIONS:
            return f"ops.{name}({', '.join(self._print(argument) for argument in expr.args)})"
        if name not in self.known_functions:
            raise CompileError(f"no JavaScript is known for {name} in {expr}")
        return super()._print_Function(expr)

    def _print_Piecewise(self, expr: Piecewise) -> str:
        *branches, last = expr.args
        text = self._print(last.expr)
        if last.cond != True:  # noqa: E712  SymPy's own truth value
            text = f"({self._print(last.cond)} ? {text} : NaN)"
        for branch in reversed(branches):
            text = f"({self._print(branch.cond)} ? {self._print(branch.expr)} : {text})"
        return text

    def _print_Float(self, expr: Expr) -> str:
        return number_text(expr)

    _print_NumberSymbol = _print_EulerGamma = _print_Catalan = _print_GoldenRatio = _print_Float

    def _print_Integer(self, expr: Expr) -> str:
        return number_text(expr)

    def _print_Rational(self, expr: Expr) -> str:
        is_large = max(abs(int(expr.p)), int(expr.q)) > LARGEST_WHOLE
        return number_text(expr) if is_large else super()._print_Rational(expr)

    def _print_NaN(self, expr: Expr) -> str:
        return "NaN"

    def _print_BooleanTrue(self, expr: Boolean) -> str:
        return "true"

    def _print_BooleanFalse(self, expr: Boolean) -> str:
        return "false"
