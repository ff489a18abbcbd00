"""Signs of expressions for all values that symbols may have: by their ranges, never by trying numbers.

A symbol with a range is written with one that is at least 0 (2 ≤ x < 5 as (2 + 5t)/(1 + t)), and SymPy's
assumptions do the rest. An end that is left out this way is covered by continuity: functions with jumps are
known by the sign in their table alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import product
from math import inf, isfinite

from sympy import Add, Dummy, Expr, Float, Integer, Mul, Piecewise, Symbol, fraction, sign, together

from lossgen.compiler.opening import MOST_ADDENDS, addends, opened
from lossgen.language.atoms import greater, inside, maximum, minimum, signum, step
from lossgen.language.declaration import Declaration, domain_key
from lossgen.language.domains import bounds
from lossgen.language.numbers import rational

JUMPS = (greater, inside, signum, step, sign)
"""Functions that are not continuous."""

MOST_BRANCHES = 32
MOST_ENDS = 3
Interval = tuple[float, float]


@dataclass(frozen=True)
class Ranges:
    """The closed interval of every symbol; one that is not named has what its assumptions say."""

    intervals: Mapping[Symbol, Interval] = field(default_factory=dict)

    def within(self, symbol: Symbol, value: Expr) -> "Shifted":
        """The same with `symbol` written as `value`, an expression of these symbols and of others."""
        return Shifted(self.intervals, symbol, value)

    @cached_property
    def written(self) -> dict[Symbol, Expr]:
        """Each symbol by one that is real or at least 0."""
        return {symbol: _written(symbol, *ends) for symbol, ends in self.intervals.items()}

    def placed(self, expression: Expr) -> Expr:
        """The expression without symbols that are written as others."""
        return expression

    def rewritten(self, expression: Expr) -> Expr:
        """The expression by symbols whose assumptions say all that is known of them."""
        return self.placed(expression).xreplace(self.written)

    def is_nonnegative(self, expression: Expr) -> bool:
        """Whether the expression is proved to be at least 0 wherever it is defined."""
        if expression.is_nonnegative:
            return True
        cases = _without_branches(expression)
        return bool(cases) and all(self._is_nonnegative(case) for case in cases)

    def is_nonpositive(self, expression: Expr) -> bool:
        """Whether it is proved to be at most 0."""
        return self.is_nonnegative(-expression)

    def is_positive(self, expression: Expr, except_for: Symbol) -> bool:
        """Whether it is proved to be greater than 0, at the largest values of symbols, too.

        Args:
            except_for: a symbol at whose largest value it may be 0.
        """
        if expression.has(Piecewise, *JUMPS):
            return False
        expression = self.placed(expression)
        ends = {
            symbol: rational(Float(high))
            for symbol, (low, high) in self.intervals.items()
            if isfinite(low) and isfinite(high) and symbol in expression.free_symbols - {except_for}
        }
        choices = product(*([(symbol, symbol), (symbol, end)] for symbol, end in ends.items()))
        if len(ends) > MOST_ENDS:
            return False
        return all(_is_positive(self.rewritten(expression.xreplace(dict(choice)))) for choice in choices)

    def is_zero(self, expression: Expr) -> bool:
        """Whether it is proved to be 0."""
        return _numerator(self.rewritten(_without_jumps(expression))) == 0

    def _is_nonnegative(self, expression: Expr) -> bool:
        expression = self.rewritten(_without_jumps(expression))
        if expression.is_nonnegative:
            return True
        if isinstance(expression, Mul):  # a product of factors each of which has a sign
            signs = [self._sign(factor) for factor in expression.args]
            if None not in signs:
                return Mul(*signs) == 1
        if any(self._is_nonnegative(bound) for bound in _lower_bounds(expression)):
            return True
        numerator, denominator = parts_of(expression)
        if denominator != 1:
            signs = [self._sign(each) for each in (opened(numerator), opened(denominator))]
            return None not in signs and Mul(*signs) == 1
        return _has_sign(opened(expression), 1)

    def _sign(self, factor: Expr) -> int | None:
        for value in (1, -1):
            each = value * factor
            if each.is_nonnegative or any(self._is_nonnegative(bound) for bound in _lower_bounds(each)):
                return value
            if _has_sign(opened(each), 1):
                return value
        return None


@dataclass(frozen=True)
class Shifted(Ranges):
    """Ranges in which one symbol is an expression of the others."""

    symbol: Symbol | None = None
    value: Expr | None = None

    def placed(self, expression: Expr) -> Expr:
        return expression.xreplace({self.symbol: self.value})


def ranges_of(declaration: Declaration, options: Mapping[str, object]) -> Ranges:
    """The ranges of inputs and parameters, with all values that the declaration admits."""
    domain = declaration.domain_of(options)
    intervals = {each.symbol: bounds(domain.get(domain_key(each), "real")) for each in declaration.inputs}
    for name, parameter in declaration.parameters.items():
        intervals[declaration.symbols()[name]] = parameter.lower[0], parameter.upper[0]
    return Ranges(intervals)


@cache
def helper(symbol: Symbol, kind: str) -> Dummy:
    """The one symbol that stands for a symbol's distance from its bound ("beyond"), or for it ("positive").

    No symbol of a person's is equal to it, whatever it is called.
    """
    return Dummy(f"{symbol.name}_{kind}", **{"positive" if kind == "positive" else "nonnegative": True})


def _written(symbol: Symbol, low: float, high: float) -> Expr:
    beyond = helper(symbol, "beyond")
    if isfinite(low) and isfinite(high):
        first, last = rational(Float(low)), rational(Float(high))
        return (first + last * beyond) / (1 + beyond)
    if isfinite(low):
        positive = symbol.is_positive and low == 0
        return helper(symbol, "positive") if positive else rational(Float(low)) + beyond
    return rational(Float(high)) - beyond if high < inf else symbol


def _without_branches(expression: Expr) -> list[Expr]:
    """The expression with each choice of branches, whichever of them can hold; none where there are many."""
    branches = sorted(expression.atoms(Piecewise), key=str)
    if not branches:
        return [expression]
    choices = [[value for value, _ in each.args] for each in branches]
    if len(list(product(*choices))) > MOST_BRANCHES:
        return []
    cases = [expression.xreplace(dict(zip(branches, choice, strict=True))) for choice in product(*choices)]
    return [each for case in cases for each in _without_branches(case)]


def _without_jumps(expression: Expr) -> Expr:
    """Indicators as symbols with no more than their sign."""
    jumps = sorted(expression.atoms(*JUMPS), key=str)
    names = {
        jump: Dummy("jump", **({"nonnegative": True} if jump.is_nonnegative else {"real": True}))
        for jump in jumps
    }
    return expression.xreplace(names)


def _lower_bounds(expression: Expr) -> list[Expr]:
    """Expressions that are never larger: max(a, b) ≥ a, −min(a, b) ≥ −a."""
    found = []
    for each in expression.atoms(maximum, minimum):
        slope = expression.coeff(each) if isinstance(expression, Add) or expression == each else Integer(0)
        rest = expression - slope * each
        if slope.is_Number and slope != 0 and not rest.has(each) and (slope > 0) == isinstance(each, maximum):
            found += [rest + slope * argument for argument in each.args]
    return found


def _numerator(expression: Expr) -> Expr:
    return opened(parts_of(expression)[0])


def _is_positive(expression: Expr) -> bool:
    if expression.is_positive:
        return True
    parts = Add.make_args(opened(expression))
    return all(each.is_nonnegative for each in parts) and any(each.is_positive for each in parts)


def _has_sign(expression: Expr, sign: int) -> bool:
    """Whether every addend has the sign."""
    return all((sign * addend).is_nonnegative for addend in Add.make_args(expression))


def parts_of(expression: Expr) -> tuple[Expr, Expr]:
    """Numerator and denominator, over one denominator where that is not endless."""
    denominators = [fraction(addend)[1] for addend in Add.make_args(expression)]
    if addends(Mul(*set(denominators))) * len(denominators) > MOST_ADDENDS:
        return expression, Integer(1)
    return fraction(together(expression))


