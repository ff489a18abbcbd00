"""Expressions → lines of Python: one name for each repeated sub-expression, then the results.

Assumes finished expressions. Promises that an expression prints the same operations in the same order
wherever it stands, so that two kernels that compute the same thing compute the same float.
"""

import re
from collections import Counter
from dataclasses import dataclass

from sympy import Add, And, Expr, Float, Integer, Mul, Not, Number, Or, Piecewise, Pow, Rational, Symbol
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean, BooleanFalse, BooleanTrue

from lossgen.errors import CompileError
from lossgen.language.atoms import ATOMS, keep

from .canonical import canonical, is_negative, negated
from .kernel_functions import KERNEL_FUNCTIONS, guarded_product

VECTOR_FUNCTIONS = frozenset(ATOMS) | {
    "cbrt",
    "exp",
    "exp2",
    "log",
    "tanh",
    "sinh",
    "cosh",
    "sin",
    "cos",
    "atan",
    "erf",
    "erfc",
}
LADDER_FUNCTIONS = frozenset(function.__name__ for function in KERNEL_FUNCTIONS)
NUMBER_NAMES = {
    Integer(0): "zero",
    Integer(1): "one",
    Integer(2): "two",
    Integer(3): "three",
    Integer(4): "four",
    Rational(1, 2): "half",
}
WORD = re.compile(r"[A-Za-z_]\w*")
ELEMENT_SUFFIX = "_of_element"
BOUNDED = {"complement", "inside", "is_maximum", "sech2", "sigmoid", "signum", "step", "tanh", "unit_hypot"}
SHARED_NAMES = {"exp": "exponential", "log": "logarithm", "power": "powered", "shifted": "below_maximum"}


@dataclass(frozen=True)
class Code:
    """Lines of a function body and what it returns, with the functions that it calls."""

    lines: tuple[str, ...]
    results: tuple[str, ...]
    calls: frozenset[str]
    operations: int


def print_code(
    results: list[Expr],
    names: dict[Symbol, str],
    typed_by: str | None,
    definitions: tuple[tuple[Symbol, Expr], ...] = (),
    result_names: tuple[str, ...] = (),
    hidden: frozenset[str] = frozenset(),
) -> Code:
    """The body that computes `results`.

    Args:
        results: finished expressions.
        names: the name in the code of each symbol; a symbol that is missing keeps its own.
        typed_by: an argument whose float type the literals take; None prints plain float64 literals.
        definitions: (symbol, expression) computed first, in order, under the symbol's name.
        result_names: the names that results get in a line of their own; none for a single expression.
        hidden: functions whose name means something else in the module; they are called `name_of_element`.
    """
    return Printer(names, typed_by, hidden).code(results, definitions, result_names)


class Printer:
    """Prints for one function body; `array_code` has a form of it for whole arrays."""

    def __init__(self, names: dict[Symbol, str], typed_by: str | None, hidden: frozenset[str]):
        self.names = names
        self.hidden = hidden
        self.typed_by = typed_by
        self.lets: dict[Expr, str] = {}
        self.lines: list[str] = []
        self.taken = set(names.values())
        self.numbers: dict[Number, str] = {}
        self.calls: set[str] = set()
        self.operations = 0
        self.uses: Counter = Counter()

    def code(self, results, definitions, result_names) -> Code:
        self.taken |= set(result_names)
        results = [canonical(result) for result in results]
        definitions = [(symbol, canonical(expression)) for symbol, expression in definitions]
        seen: set[Expr] = set()
        for expression in [*(expression for _, expression in definitions), *results]:
            self._count(expression, seen)
        for symbol, expression in definitions:
            source = self._emit(expression, 0)
            self.lines.append(f"{self._symbol(symbol)} = {source}")
            self.lets[expression] = self._symbol(symbol)
        emitted = tuple(self._emit(result, 0) for result in results)
        if result_names:
            emitted = tuple(self._result(*pair) for pair in zip(emitted, result_names, strict=True))
        lines = _without_unused(self._literals() + self.lines, emitted)
        return Code(tuple(lines), emitted, frozenset(self.calls), self.operations)

    def _result(self, source: str, name: str) -> str:
        if source.isidentifier():
            return source
        self.lines.append(f"{name} = {source}")
        return name

    def _literals(self) -> list[str]:
        if self.typed_by is None or not self.numbers:
            return []
        self.calls.add("like")
        ordered = sorted(self.numbers.items(), key=lambda item: float(item[0]))
        left = ", ".join(name for _, name in ordered)
        right = ", ".join(f"like({self.typed_by}, {number_text(value)})" for value, _ in ordered)
        return [f"{left} = {right}"]

    # Sharing --------------------------------------------------------------------------------------

    def _count(self, expression: Expr, seen: set[Expr]) -> None:
        self.uses[expression] += 1
        if expression in seen:
            return
        seen.add(expression)
        for argument in expression.args:
            if isinstance(argument, tuple) or not hasattr(argument, "args"):
                continue
            self._count(argument, seen)

    def _shared(self, expression: Expr) -> bool:
        return (
            self.uses[expression] > 1
            and bool(expression.args)
            and not isinstance(expression, (Boolean, Number))
            and not (expression.is_Mul and len(expression.args) == 2 and expression.args[0] == -1)
            and expression.func.__name__ != "ExprCondPair"
        )

    def _name(self, expression: Expr) -> str:
        if (
            isinstance(expression, Add)
            and {str(abs_) for abs_ in expression.free_symbols} == {"y", "p"}
            and len(expression.args) == 2
            and all(len(a.free_symbols) == 1 for a in expression.args)
        ):
            stem = "error"
        elif isinstance(expression, keep):
            stem = "target" if "p" not in {symbol.name for symbol in expression.free_symbols} else "part"
        else:
            stem = SHARED_NAMES.get(expression.func.__name__, expression.func.__name__.lower())
            stem = {"add": "sum_", "mul": "product", "pow": "power_", "piecewise": "selected"}.get(stem, stem)
            stem = f"{stem}_value" if stem in VECTOR_FUNCTIONS | LADDER_FUNCTIONS else stem
        name, number = stem.rstrip("_") if stem.rstrip("_") not in ("sum", "power") else stem + "1", 1
        while name in self.taken:
            number += 1
            name = f"{stem.rstrip('_')}_{number}"
        self.taken.add(name)
        return name

    # Printing -------------------------------------------------------------------------------------
    # `level` is the precedence of the surrounding operator: 0 none, 1 sum, 2 product, 3 factor, 4 divisor.

    def _emit(self, expression: Expr, level: int) -> str:
        if expression in self.lets:
            return self.lets[expression]
        if self._shared(expression):
            source = self._plain(expression, 0)
            name = self._name(expression)
            self.lines.append(f"{name} = {source}")
            self.lets[expression] = name
            return name
        return self._plain(expression, level)

    def _plain(self, expression: Expr, level: int) -> str:
        if isinstance(expression, Symbol):
            return self._symbol(expression)
        if isinstance(expression, (Number,)) or (expression.is_number and not expression.args):
            return self._literal(expression, level)
        if expression.is_number and not expression.free_symbols:
            return self._literal(expression, level)
        if isinstance(expression, Add):
            return _wrap(self._sum(expression), level > 1)
        if isinstance(expression, Mul):
            return self._product(expression, level)
        if isinstance(expression, Pow):
            return self._power(expression, level)
        if isinstance(expression, Piecewise):
            return self._select(expression)
        if isinstance(expression, keep):
            source = self._emit(expression.args[0], 0)
            return _wrap(source, level > 0 and not source.isidentifier())
        return self._call(expression)

    def _symbol(self, symbol: Symbol) -> str:
        return self.names.get(symbol, symbol.name)

    def _literal(self, value: Expr, level: int) -> str:
        if self.typed_by is None:
            return _wrap(number_text(value), level > 1 and value.is_negative)
        if value.is_negative:
            return _wrap(f"-{self._literal(-value, 3)}", level > 1)
        if value not in self.numbers:
            name = NUMBER_NAMES.get(value) or f"number_{len(self.numbers) + 1}"
            while name in self.taken:
                name = f"{name}_"
            self.taken.add(name)
            self.numbers[value] = name
        return self.numbers[value]

    def _sum(self, expression: Add) -> str:
        terms = sorted(expression.args, key=lambda term: is_negative(term))
        parts = (
            [self._emit(terms[0], 1)]
            if not is_negative(terms[0])
            else [f"-{self._emit(negated(terms[0]), 2)}"]
        )
        for term in terms[1:]:
            self.operations += 1
            parts.append(
                f"- {self._emit(negated(term), 2)}" if is_negative(term) else f"+ {self._emit(term, 2)}"
            )
        return " ".join(parts)

    def _product(self, expression: Mul, level: int) -> str:
        sign, factors = "", list(expression.args)
        if factors[0].is_Number and factors[0].is_negative:
            sign = "-"
            factors = ([-factors[0]] if factors[0] != -1 else []) + factors[1:]
        above, below = [], []
        for factor in sorted(factors, key=factor_rank):
            if isinstance(factor, Rational) and not isinstance(factor, Integer) and abs(factor.p) == 1:
                below.append(Integer(factor.q))
            elif (
                isinstance(factor, Pow)
                and _is_reciprocal(factor)
                and factor not in self.lets
                and not self._shared(factor)
            ):
                below += _divisors(factor)
            else:
                above.append(factor)
        if not above:
            above = [Integer(1)]
        self.operations += len(above) + len(below) - 1 + bool(sign)
        text = "*".join(
            self._emit(factor, 3 if len(above) + len(below) + bool(sign) > 1 else level) for factor in above
        )
        for divisor in below:
            text = f"{text}/{self._emit(divisor, 4)}"
        return _wrap(sign + text, level > 2 or (bool(sign) and level > 1))

    def _power(self, expression: Pow, level: int) -> str:
        base, exponent = expression.args
        if exponent == Rational(1, 2):
            return self._function("sqrt", [base])
        if base == 2 and exponent.free_symbols:
            return self._function("exp2", [exponent])
        if exponent == Rational(1, 3) and base.is_nonnegative:
            return self._function("cbrt", [base])
        if exponent.is_negative:
            self.operations += 1
            one = self._literal(Integer(1), 3)
            return _wrap(f"{one}/{self._emit(Pow(base, -exponent), 4)}", level > 2)
        if exponent.is_Integer and 2 <= exponent <= 8:
            self.operations += int(exponent) - 1
            return _wrap("*".join([self._once(base)] * int(exponent)), level > 3)
        if exponent.is_Rational and exponent.q == 2 and exponent.p < 8:
            return self._product(
                Mul(Pow(base, exponent.p // 2), Pow(base, Rational(1, 2)), evaluate=False), level
            )
        return self._function("power", [base, exponent])

    def _once(self, expression: Expr) -> str:
        """A name for an expression that is about to be written several times."""
        source = self._emit(expression, 3)
        if source.isidentifier():
            return source
        name = self._name(expression)
        self.lines.append(f"{name} = {self._plain(expression, 0)}")
        self.lets[expression] = name
        return name

    def _call(self, expression: Expr) -> str:
        name = expression.func.__name__
        if name == "Abs":
            name = "absolute"
        if name not in VECTOR_FUNCTIONS | LADDER_FUNCTIONS:
            raise CompileError(f"no kernel code is known for {expression.func.__name__} in {expression}")
        return self._function(name, expression.args)

    def _function(self, name: str, arguments) -> str:
        self.calls.add(name)
        self.operations += 1
        name = f"{name}{ELEMENT_SUFFIX}" if name in self.hidden else name
        return f"{name}({', '.join(self._emit(argument, 0) for argument in arguments)})"

    def _select(self, expression: Piecewise) -> str:
        self.calls.add("select")
        branches = list(expression.args)
        last = branches.pop()
        text = self._emit(last.expr, 0)
        if last.cond != True:  # noqa: E712  SymPy's own truth value
            nowhere = f"{self._literal(Integer(0), 0)}/{self._literal(Integer(0), 3)}"
            text = f"select({self._condition(last.cond)}, {text}, {nowhere})"
        for branch in reversed(branches):
            self.operations += 1
            text = f"select({self._condition(branch.cond)}, {self._emit(branch.expr, 0)}, {text})"
        return text

    def _condition(self, condition: Boolean) -> str:
        if isinstance(condition, (BooleanTrue, BooleanFalse)):
            return str(bool(condition))
        if isinstance(condition, Relational):
            self.operations += 1
            return f"{self._emit(condition.lhs, 1)} {condition.rel_op} {self._emit(condition.rhs, 1)}"
        if isinstance(condition, (And, Or)):
            joint = " & " if isinstance(condition, And) else " | "
            return joint.join(f"({self._condition(part)})" for part in condition.args)
        if isinstance(condition, Not):
            return f"not ({self._condition(condition.args[0])})"
        raise CompileError(f"no kernel code is known for the condition {condition}")


def factor_rank(factor: Expr) -> int:
    """Factors of at most 1 come first: what tends to 0 keeps the others from overflowing. Then guarded ones.

    A guarded product makes up for the small ones: after it nothing underflows that the result does not.
    """
    if factor.is_Number or type(factor).__name__ in BOUNDED:
        return 0
    return 1 if isinstance(factor, guarded_product) else 2


def _divisors(power: Pow) -> list[Expr]:
    """x⁻² divides by x twice: x² leaves the range of a float long before 1/x² does."""
    if power.exp.is_Integer and power.exp >= -3 and power.base.free_symbols:
        return [power.base] * -int(power.exp)
    return [Pow(power.base, -power.exp)]


def _is_reciprocal(power: Pow) -> bool:
    return power.exp.is_Rational and power.exp.is_negative


def number_text(value: Expr) -> str:
    """A number as Python writes it; an integer beyond 2⁵³ as a float, which is what it becomes anyway."""
    if isinstance(value, Integer):
        return str(value) if abs(value) <= 2**53 else repr(float(value))
    if value.is_infinite:
        return "-inf" if value.is_negative else "inf"
    return repr(float(value.evalf(30)) if not isinstance(value, Float) else float(value))


def _wrap(text: str, needed: bool) -> str:
    return f"({text})" if needed else text


def _without_unused(lines: list[str], results: tuple[str, ...]) -> list[str]:
    """The lines without assignments that nothing behind them refers to."""
    kept: list[str] = []
    used = set(WORD.findall(" ".join(results)))
    for line in reversed(lines):
        left, _, right = line.partition(" = ")
        if used & set(left.split(", ")):
            kept.append(line)
            used |= set(WORD.findall(right))
    return kept[::-1]
