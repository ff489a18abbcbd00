"""The numbers that a lowered ladder stands for, in mpmath: what kernels compute, but for their rounding."""

from collections.abc import Mapping

import mpmath
import sympy
from arithmetic import _FUNCTIONS, _RELATIONS, _power
from mpmath import mp, mpf

from lossgen.compiler.kernel_functions import KERNEL_FUNCTIONS
from lossgen.compiler.ladder import DIRECTION, LABEL_HIT
from lossgen.compiler.lower import Lowered
from lossgen.language.atoms import ATOMS
from lossgen.language.symbols import column_count, y_pred, y_true

KERNEL = {
    "guarded_product": lambda a, b: mpf(0) if a == 0 else a * b,
    "vanishing": lambda base, power: mpf(0) if base == 0 else power,
    "shifted": lambda u, maximum: u - maximum,
    "excluded_exponential": lambda s: mpf(0) if s == 0 else mp.exp(s),
    "is_maximum": lambda s: mpf(s == 0),
    "complement": lambda s, exponential, excluded, inverse: (
        inverse * (excluded if s == 0 else 1 + excluded - exponential)
    ),
}
assert set(KERNEL) == {function.__name__ for function in KERNEL_FUNCTIONS}


class LoweredRow:
    """One row: every slot, pick and definition when it is asked for."""

    def __init__(self, lowered: Lowered, y, p, parameters: Mapping, vector=None):
        self.lowered = lowered
        self.columns = len(p)
        self.label = int(y) if isinstance(y, int) else None
        self.slots = {slot.symbol: slot for slot in lowered.slots}
        self.picks = {pick.symbol: pick for pick in lowered.picks}
        self.definitions = dict(lowered.definitions)
        self.per_column = {y_pred: p}
        if self.label is None:
            self.per_column[y_true] = y
        if vector is not None:
            self.per_column[DIRECTION] = vector
        self.constants = {column_count: mpf(len(p))}
        for symbol, value in parameters.items():
            (self.per_column if isinstance(value, tuple) else self.constants)[symbol] = value
        self.known: dict = {}

    def output(self, name: str):
        """A number for the row's loss, a list of one a column for what depends on the column."""
        expression = self.lowered.outputs[name]
        if name == "value":
            return self.value(expression, 0)
        return [self.value(expression, column) for column in range(self.columns)]

    def value(self, expression, column: int):
        key = expression, column
        if key not in self.known:
            self.known[key] = self.fresh(expression, column)
        return self.known[key]

    def fresh(self, expression, column: int):
        if isinstance(expression, sympy.Symbol):
            return self.symbol(expression, column)
        if expression.is_Rational:
            return mpf(int(expression.p)) / int(expression.q)
        if expression.is_number and not expression.args:
            return expression._to_mpmath(mp.prec)
        if isinstance(expression, sympy.Piecewise):
            return next(
                self.value(value, column)
                for value, condition in expression.args
                if self.holds(condition, column)
            )
        name = type(expression).__name__
        if name == "guarded_product" and self.value(expression.args[0], column) == 0:
            return mpf(0)
        arguments = [self.value(argument, column) for argument in expression.args]
        if expression.is_Add:
            return sum(arguments[1:], arguments[0])
        if expression.is_Mul:
            return mpmath.fprod(arguments)
        if expression.is_Pow:
            return _power(*arguments)
        if name in KERNEL:
            return KERNEL[name](*arguments)
        if name in ATOMS:
            return mpmath.mpmathify(ATOMS[name].reference(*arguments))
        return _FUNCTIONS[expression.func](*arguments)

    def symbol(self, symbol: sympy.Symbol, column: int):
        if symbol in self.per_column:
            return mpf(self.per_column[symbol][column])
        if symbol in self.constants:
            return mpf(self.constants[symbol])
        if symbol == LABEL_HIT:
            return mpf(column == self.label)
        if symbol in self.lowered.hits:
            return mpf(self.value(self.lowered.hits[symbol], 0) == column)
        if symbol in self.slots:
            return self.reduced(self.slots[symbol])
        if symbol in self.picks:
            pick = self.picks[symbol]
            at = self.label if pick.index is None else int(self.value(pick.index, 0))
            return self.value(pick.expression, at)
        return self.value(self.definitions[symbol], 0)

    def reduced(self, slot):
        values = [self.value(slot.summand, column) for column in range(self.columns)]
        if slot.kind == "index":
            return values.index(self.value(slot.of, 0))
        return {"sum": lambda each: mpmath.fsum(each), "max": max, "min": min}[slot.kind](values)

    def holds(self, condition, column: int) -> bool:
        if condition in (sympy.true, sympy.false):
            return bool(condition)
        if isinstance(condition, sympy.And | sympy.Or | sympy.Not):
            parts = [self.holds(each, column) for each in condition.args]
            return {"And": all, "Or": any, "Not": lambda each: not each[0]}[type(condition).__name__](parts)
        return _RELATIONS[condition.func](*(self.value(side, column) for side in condition.args))
