"""Convexity by rules: what functions and reductions make of convex arguments.

M. Grant, S. Boyd, Y. Ye, "Disciplined Convex Programming", 2006. Everything is judged as a function of all
predictions of a row; a rung of the ladder is known by the shape of what it reduces. What no rule covers has
no shape.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sympy import Add, Expr, Integer, Mul, Piecewise, Pow, S, Symbol, cosh, exp, log

from lossgen.compiler.ladder import LABEL_HIT, Ladder, hit_symbol
from lossgen.compiler.stabilise.lower import lower
from lossgen.language.atoms import (
    absolute,
    expm1,
    expm1mx,
    hypot1,
    hypot1m1,
    keep,
    log1p,
    log_cosh,
    log_softmax,
    maximum,
    minimum,
    power,
    relu,
    softplus,
    sqrt1pm1,
    square,
    xdivy,
    xlogy,
)
from lossgen.language.reductions import Gather, LogSoftmax, LogSumExp, Max, Mean, Min, Sum
from lossgen.language.symbols import y_pred

from .signs import Ranges


@dataclass(frozen=True)
class Shape:
    """What is proved of an expression as a function of the predictions; both are true of an affine one."""

    convex: bool
    concave: bool
    constant: bool = False

    @property
    def is_affine(self) -> bool:
        return self.convex and self.concave

    def times(self, sign: int | None) -> "Shape":
        """The shape times a number of this sign; None: of any."""
        if sign == 1:
            return self
        if sign == -1:
            return Shape(self.concave, self.convex, self.constant)
        return self if self.is_affine else UNKNOWN


CONSTANT = Shape(True, True, True)
AFFINE = Shape(True, True)
CONVEX = Shape(True, False)
CONCAVE = Shape(False, True)
UNKNOWN = Shape(False, False)

RISING: Mapping[type, Shape] = {
    exp: CONVEX,
    expm1: CONVEX,
    softplus: CONVEX,
    relu: CONVEX,
    log: CONCAVE,
    log1p: CONCAVE,
    sqrt1pm1: CONCAVE,
}
"""Functions of one argument that rise with it, and their shape."""

EVEN = (absolute, cosh, hypot1, hypot1m1, log_cosh, square)
"""Convex functions that fall up to 0 and rise from there."""

STARTS: Mapping[type, Expr] = {log: S.Zero, log1p: S.NegativeOne, sqrt1pm1: S.NegativeOne}
"""Where the range of an argument begins."""


def ladder_shape(ladder: Ladder, ranges: Ranges, definitions: Mapping[Symbol, Expr]) -> Shape:
    """The shape of the loss of a row, whose targets' letters stand for `definitions`."""
    shapes: dict[Symbol, Shape] = {}
    summands: dict[Symbol, Expr | None] = {}
    for rung in ladder.rungs:
        summand = rung.summand.xreplace(dict(definitions))
        rules = _Rules(ranges, shapes, summands)
        shapes[hit_symbol(rung)] = UNKNOWN
        shapes[rung.symbol] = _reduced(rung.kind, rung.at, rules.shape(summand))
        summands[rung.symbol] = summand if rung.kind == "sum" else None
    return _Rules(ranges, shapes, summands).shape(ladder.head.xreplace(dict(definitions)))


def _reduced(kind: str, at: Symbol | None, shape: Shape) -> Shape:
    if shape.constant or kind == "sum":
        return shape
    if kind == "pick":
        return shape if at == LABEL_HIT else UNKNOWN  # where a maximum is changes with the predictions
    if kind == "min":
        return CONCAVE if shape.concave else UNKNOWN
    return CONVEX if shape.convex else UNKNOWN  # maximum and log-sum-exp rise with each argument


def expression_shape(expression: Expr, ranges: Ranges) -> Shape:
    """The shape of a loss as it is declared: the compiler may have joined what the rules know apart."""
    return _Rules(ranges, {}, {}).shape(lower(expression))


class _Rules:
    """The shapes of expressions.

    Args:
        ranges: of the symbols.
        shapes: of the rungs.
        summands: of the rungs that are sums.
    """

    def __init__(
        self, ranges: Ranges, shapes: Mapping[Symbol, Shape], summands: Mapping[Symbol, Expr | None]
    ):
        self.ranges = ranges
        self.shapes = shapes
        self.summands = summands

    def shape(self, expression: Expr) -> Shape:
        if self._is_constant(expression):
            return CONSTANT
        if expression == y_pred:
            return AFFINE
        if expression in self.shapes:
            return self.shapes[expression]
        rule = RULES.get(expression.func)
        return rule(self, *expression.args) if rule else UNKNOWN

    def _is_constant(self, expression: Expr) -> bool:
        return y_pred not in expression.free_symbols and all(
            self.shapes[symbol].constant for symbol in expression.free_symbols if symbol in self.shapes
        )

    def sign(self, expression: Expr) -> int | None:
        """Which of the signs is proved of a value."""
        if self.ranges.is_nonnegative(expression):
            return 1
        return -1 if self.ranges.is_nonpositive(expression) else None

    def is_nonnegative(self, expression: Expr) -> bool:
        return self.ranges.is_nonnegative(expression)

    # Arithmetic -----------------------------------------------------------------------------------

    def sum(self, *addends: Expr) -> Shape:
        shapes = [self.shape(each) for each in addends]
        return Shape(all(each.convex for each in shapes), all(each.concave for each in shapes))

    def product(self, *factors: Expr) -> Shape:
        varying = [each for each in factors if not self._is_constant(each)]
        if len(varying) != 1:
            return UNKNOWN
        rest = Mul(*(each for each in factors if each not in varying))
        return self.shape(varying[0]).times(self.sign(rest))

    def power(self, base: Expr, exponent: Expr) -> Shape:
        if not self._is_constant(exponent) or self._is_constant(base):
            return UNKNOWN
        shape = self.shape(base)
        if exponent == S.Half and self._is_sum_of_squares(base):
            return CONVEX  # a norm
        if exponent.is_Integer and exponent.is_even and exponent > 0 and shape.is_affine:
            return CONVEX
        if not self.is_nonnegative(base):
            return UNKNOWN
        if shape.convex and self.is_nonnegative(exponent - 1):
            return CONVEX
        if shape.concave and self.is_nonnegative(-exponent):
            return CONVEX
        between = self.is_nonnegative(exponent) and self.is_nonnegative(1 - exponent)
        return CONCAVE if shape.concave and between else UNKNOWN

    def _is_sum_of_squares(self, expression: Expr) -> bool:
        """Whether it is Σ wᵢ·uᵢ² + c for affine uᵢ and nonnegative wᵢ and c."""
        if expression in self.shapes:
            summand = self.summands.get(expression)
            return summand is not None and self._is_sum_of_squares(summand)
        for addend in Add.make_args(expression):
            factors = Mul.make_args(addend)
            rest = Mul(*(each for each in factors if self._is_constant(each)))
            varying = [each for each in factors if not self._is_constant(each)]
            if not self.is_nonnegative(rest) or len(varying) > 1:
                return False
            if varying and not self._is_square(varying[0]):
                return False
        return True

    def _is_square(self, expression: Expr) -> bool:
        if expression in self.shapes:
            return self._is_sum_of_squares(expression)
        is_square = isinstance(expression, square) or (isinstance(expression, Pow) and expression.exp == 2)
        return is_square and self.shape(expression.args[0]).is_affine

    # Functions ------------------------------------------------------------------------------------

    def rising(self, function: type, argument: Expr) -> Shape:
        """A convex function that rises, of a convex argument; and the same of concave ones."""
        if function in STARTS and not self.is_nonnegative(argument - STARTS[function]):
            return UNKNOWN  # it has no value there
        own, inner = RISING[function], self.shape(argument)
        return Shape(own.convex and inner.convex, own.concave and inner.concave)

    def even(self, argument: Expr) -> Shape:
        shape = self.shape(argument)
        if shape.is_affine:
            return CONVEX
        if shape.convex and self.is_nonnegative(argument):
            return CONVEX
        return CONVEX if shape.concave and self.is_nonnegative(-argument) else UNKNOWN

    def maximum(self, *arguments: Expr) -> Shape:
        return CONVEX if all(self.shape(each).convex for each in arguments) else UNKNOWN

    def minimum(self, *arguments: Expr) -> Shape:
        return CONCAVE if all(self.shape(each).concave for each in arguments) else UNKNOWN

    def exponential_excess(self, argument: Expr) -> Shape:
        return CONVEX if self.shape(argument).is_affine else UNKNOWN

    def weighted_logarithm(self, weight: Expr, argument: Expr) -> Shape:
        if weight == argument and self.is_nonnegative(weight):
            return CONVEX if self.shape(weight).is_affine else UNKNOWN
        if not self._is_constant(weight):
            return UNKNOWN
        return self.rising(log, argument).times(self.sign(weight))

    def quotient(self, numerator: Expr, denominator: Expr) -> Shape:
        return self.product(numerator, Pow(denominator, -1))

    def branches(self, *branches: Expr) -> Shape:
        """A choice that does not depend on the prediction; whichever it is has this shape."""
        if not all(self._is_constant(condition) for _, condition in branches):
            return UNKNOWN
        shapes = [self.shape(value) for value, _ in branches]
        return Shape(all(each.convex for each in shapes), all(each.concave for each in shapes))


    # Reductions -----------------------------------------------------------------------------------

    def reduced(self, kind: str, argument: Expr) -> Shape:
        return _reduced(kind, LABEL_HIT, self.shape(argument))

    def log_softmax(self, argument: Expr) -> Shape:
        return CONCAVE if self.shape(argument).is_affine else UNKNOWN


RULES: Mapping[type, Callable[..., Shape]] = {
    Add: _Rules.sum,
    Mul: _Rules.product,
    Pow: _Rules.power,
    power: _Rules.power,
    Piecewise: _Rules.branches,
    keep: _Rules.shape,
    log_softmax: lambda rules, argument, total: rules.sum(argument, Mul(Integer(-1), total)),
    maximum: _Rules.maximum,
    minimum: _Rules.minimum,
    Sum: lambda rules, argument: rules.reduced("sum", argument),
    Mean: lambda rules, argument: rules.reduced("sum", argument),
    Max: lambda rules, argument: rules.reduced("max", argument),
    Min: lambda rules, argument: rules.reduced("min", argument),
    Gather: lambda rules, argument: rules.reduced("pick", argument),
    LogSumExp: lambda rules, argument: rules.reduced("logsumexp", argument),
    LogSoftmax: _Rules.log_softmax,
    expm1mx: _Rules.exponential_excess,
    xlogy: _Rules.weighted_logarithm,
    xdivy: _Rules.quotient,
    **{each: lambda rules, argument: rules.even(argument) for each in EVEN},
    **{each: lambda rules, argument, function=each: rules.rising(function, argument) for each in RISING},
}
