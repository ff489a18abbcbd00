"""Reference values: a declared formula, as it was declared, in adaptive-precision arithmetic.

Nothing of the compiler or the kernels is used: only the language. Reductions are evaluated over the columns,
atoms by their textbook meaning, derivatives by truncated Taylor polynomials. The precision is raised until
two evaluations agree, because textbook formulas cancel. Subgradients are the declared ones: Abs′(0) =
relu′(0) = 0, clip′ = 1 on the closed interval, ties of Max go to the first column, and Piecewise to the
branch that its condition selects.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import sympy
from mpmath import mp, mpf

from lossgen.inspection.verification import jets
from lossgen.inspection.verification.functions import FUNCTIONS, added, negative
from lossgen.inspection.verification.jets import Jet, Space, Undetermined
from lossgen.language import reductions
from lossgen.language.atoms import ATOMS
from lossgen.language.symbols import column_count, y_pred, y_true

PRECISIONS = (60, 420, 1300, 4500)
"""Decimal digits. 420 hold the sum of 1 and the smallest float64; the last is for e^-10000."""

AGREEMENT = mpf(10) ** -25
NEGLIGIBLE = mpf(10) ** -400


@dataclass(frozen=True)
class Exact:
    """The loss of one row and its derivatives, with what an error analysis needs.

    jet         Taylor polynomial in p_0 … p_{C−1}, y_0 … y_{C−1}, the parameters that it is differentiated
                by, and one variable a sum, in this order
    parameters  the number of the variable of each such parameter (of its first column: others follow)
    addends     the largest |addend| of each sum; its variable is an error added to the sum
    first_sum   the number of the variable of the first sum
    """

    jet: Jet
    columns: int
    parameters: Mapping[sympy.Symbol, int]
    addends: tuple
    first_sum: int

    @property
    def value(self):
        return self.jet.value

    @cached_property
    def gradient(self) -> list:
        return [self.jet.derivative(i) for i in range(self.columns)]

    @cached_property
    def hessian(self) -> list[list]:
        return [[self.jet.derivative(i, j) for j in range(self.columns)] for i in range(self.columns)]

    def sensitivity(self, *derivative: int) -> tuple[list, list, list]:
        """|∂/∂p_j|, |∂/∂y_j| and |∂/∂(sum k)| of a derivative (of the value, when none is given)."""
        C = self.columns
        of = lambda variable: abs(self.jet.derivative(*derivative, variable))  # noqa: E731
        return (
            [of(j) for j in range(C)],
            [of(C + j) for j in range(C)],
            [of(self.first_sum + k) for k in range(len(self.addends))],
        )


def exact(
    expression: sympy.Expr,
    y: Sequence[float] | int,
    p: Sequence[float],
    parameters: Mapping[sympy.Symbol, object] | None = None,
    *,
    order: int = 2,
    sums: bool = True,
    extra: Mapping[sympy.Symbol, Sequence[float]] | None = None,
    by: Sequence[sympy.Symbol] = (),
    by_target: bool = False,
) -> Exact | None:
    """One row of a declared loss, to 25 digits or more; None when it has no finite value that can be found.

    Args:
        expression: as declared, with reductions and atoms.
        y: targets of the row, or its integer label.
        p: predictions of the row.
        parameters: value of each parameter's symbol: a float, or a tuple of one a column.
        order: of the Taylor polynomial: derivatives up to this order come out.
        sums: whether the rounding of each sum is a variable, too.
        extra: further inputs by symbol, one value a column.
        by: parameters to differentiate by, too. Where there are any, all variables have derivatives of this
            order; otherwise those of targets enter only linearly.
        by_target: whether targets have derivatives of this order in any case.
    """
    earlier = None
    for digits in PRECISIONS:
        with mp.workdps(digits):
            try:
                result = Row(y, p, parameters or {}, order, sums, extra or {}, by, by_target).loss(expression)
            except (Undetermined, ZeroDivisionError, OverflowError, MemoryError):
                earlier = None
                continue
            if earlier is not None and agree(earlier, result):
                return result
            earlier = result
    return None


def agree(first: Exact, second: Exact) -> bool:
    """Whether all coefficients are the same to 25 digits, or too small for any float."""
    for monomial in first.jet.coefficients.keys() | second.jet.coefficients.keys():
        a = first.jet.coefficients.get(monomial, mpf(0))
        b = second.jet.coefficients.get(monomial, mpf(0))
        if not (mp.isfinite(a) and mp.isfinite(b)):
            return False
        size = max(abs(a), abs(b))
        if abs(a - b) > AGREEMENT * size and size > NEGLIGIBLE:
            return False
    return True


class Row:
    """The evaluation of one row at the present precision."""

    def __init__(self, y, p, parameters, order, sums=False, extra=(), by=(), by_target=False):
        self.sums = sums
        self.columns = C = len(p)
        counts = [len(parameters[each]) if isinstance(parameters[each], tuple) else 1 for each in by]
        starts = [2 * C + sum(counts[:k]) for k in range(len(by))]
        self.variables = dict(zip(by, starts, strict=True))
        self.first_sum = 2 * C + sum(counts)
        self.space = Space(order, linear_from=sys.maxsize if by or by_target else C)
        self.label = y if isinstance(y, int) else None
        self.per_column = {y_pred: [self.space.variable(mpf(float(x)), j) for j, x in enumerate(p)]}
        if self.label is None:
            self.per_column[y_true] = [self.space.variable(mpf(float(x)), C + j) for j, x in enumerate(y)]
        self.constants = {column_count: self.space.constant(mpf(C))}
        for symbol, value in {**parameters, **dict(extra)}.items():
            if isinstance(value, int | float):
                self.constants[symbol] = self.given(symbol, value)
            else:
                self.per_column[symbol] = [self.given(symbol, x, j) for j, x in enumerate(value)]
        self.addends = []
        self.known = {}
        self.varying = {}

    def loss(self, expression) -> Exact:
        jet = self.evaluate(expression, None)
        return Exact(jet, self.columns, self.variables, tuple(self.addends), self.first_sum)

    def given(self, symbol, value, column=0) -> Jet:
        """A parameter's value, as a variable where it is differentiated by."""
        value = mpf(float(value))
        if symbol in self.variables:
            return self.space.variable(value, self.variables[symbol] + column)
        return self.space.constant(value)

    def varies(self, expression) -> bool:
        """Whether the expression differs from column to column."""
        if expression not in self.varying:
            if isinstance(expression, reductions.Reduction):
                result = expression.per_column
            else:
                result = expression in self.per_column or any(map(self.varies, expression.args))
            self.varying[expression] = result
        return self.varying[expression]

    def evaluate(self, expression, column) -> Jet:
        key = (expression, column if column is not None and self.varies(expression) else None)
        if key not in self.known:
            self.known[key] = self.fresh(expression, key[1])
        return self.known[key]

    def fresh(self, expression, column) -> Jet:
        if expression in self.per_column:
            return self.per_column[expression][column]
        if expression in self.constants:
            return self.constants[expression]
        if isinstance(expression, sympy.Rational):
            return self.space.constant(mpf(expression.p) / expression.q)
        if expression.is_Number or expression.is_NumberSymbol:
            return self.space.constant(expression._to_mpmath(mp.prec))
        if isinstance(expression, reductions.Reduction):
            return REDUCTIONS[type(expression)](self, expression.args[0], column)
        if isinstance(expression, sympy.Piecewise):
            for value, condition in expression.args:
                if self.holds(condition, column):
                    return self.evaluate(value, column)
            raise Undetermined("no branch")
        if isinstance(expression, sympy.Add) and (softmax := complement_of(expression)) is not None:
            others = [self.evaluate(softmax, j) for j in range(self.columns) if j != column]
            return added(self.space.constant(mpf(0)), *others)
        name = type(expression).__name__
        if name in ("Pow", "power") and type(expression.args[0]).__name__ in ("Abs", "absolute"):
            exponent = self.evaluate(expression.args[1], column)
            if exponent.is_constant and exponent.value % 2 == 0:  # |x|² is x², at its kink, too
                return FUNCTIONS[name](self.evaluate(expression.args[0].args[0], column), exponent)
        if name in ATOMS and name not in FUNCTIONS:
            return self.evaluate(ATOMS[name].meaning(*expression.args), column)
        return FUNCTIONS[name](*(self.evaluate(argument, column) for argument in expression.args))

    def holds(self, condition, column) -> bool:
        if condition in (sympy.true, sympy.false):
            return condition == sympy.true
        if isinstance(condition, sympy.And | sympy.Or | sympy.Not):
            parts = [self.holds(part, column) for part in condition.args]
            return {"And": all, "Or": any, "Not": lambda each: not each[0]}[type(condition).__name__](parts)
        left, right = (self.evaluate(side, column).value for side in condition.args)
        return COMPARISONS[condition.rel_op](left, right)

    def over_columns(self, expression) -> list[Jet]:
        return [self.evaluate(expression, j) for j in range(self.columns)]


# Reductions -------------------------------------------------------------------------------------------


def total(row: Row, expression, _, scale=None) -> Jet:
    addends = row.over_columns(expression)
    result = row.space.constant(mpf(0))
    for addend in addends:
        result = result + addend
    if scale is not None:
        result = result * row.space.constant(scale)
    if row.sums:
        number = row.first_sum + len(row.addends)
        row.addends.append(max(abs(addend.value) for addend in addends) * (1 if scale is None else scale))
        result = result + Jet(row.space, {(number,): mpf(1)})
    return result


def extremum(pick):
    def evaluate(row: Row, expression, _):
        values = row.over_columns(expression)
        best = pick(jet.value for jet in values)
        return next(jet for jet in values if jet.value == best)

    return evaluate


def log_sum_exp(row: Row, expression, _) -> Jet:
    values = row.over_columns(expression)
    largest = row.space.constant(-max(jet.value for jet in values))
    result = row.space.constant(mpf(0))
    for jet in values:
        result = result + (jet + largest).compose(jets.exponential)
    return result.compose(jets.logarithm) + negative(largest)


def log_softmax(row: Row, expression, column) -> Jet:
    return row.evaluate(expression, column) + negative(row.evaluate(reductions.LogSumExp(expression), None))


REDUCTIONS = {
    reductions.Sum: total,
    reductions.Mean: lambda row, expression, _: total(row, expression, _, scale=1 / mpf(row.columns)),
    reductions.Max: extremum(max),
    reductions.Min: extremum(min),
    reductions.LogSumExp: log_sum_exp,
    reductions.LogSoftmax: log_softmax,
    reductions.Softmax: lambda *arguments: log_softmax(*arguments).compose(jets.exponential),
    reductions.Gather: lambda row, expression, _: row.evaluate(expression, row.label),
}


def complement_of(expression: sympy.Add):
    """The softmax s of an expression 1 − s: the sum of the other columns' does not vanish by rounding."""
    if len(expression.args) == 2 and expression.args[0] == 1:
        negated = -expression.args[1]
        return negated if isinstance(negated, reductions.Softmax) else None
    return None


COMPARISONS = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
