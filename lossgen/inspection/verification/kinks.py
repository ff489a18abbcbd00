"""Where a formula changes its branch: found from the declaration, for any loss.

A switch is an expression whose sign decides: the two sides of a condition, the argument of |x|, the
difference of what a maximum compares, the distance to the bounds of a clip. Together with the column that is
the largest (or smallest) of a row they say which branches an input takes.
"""

from collections.abc import Callable, Iterable

import numpy as np
import sympy
from mpmath import mp
from sympy import Expr
from sympy.core.relational import Relational

from lossgen.inspection.verification.jets import Undetermined
from lossgen.inspection.verification.reference import Row
from lossgen.language import reductions
from lossgen.language.reductions import Reduction
from lossgen.language.symbols import y_pred, y_true

OF_ONE = ("Abs", "absolute", "sign", "signum", "relu", "step", "Heaviside")
OF_ALL = ("Max", "Min", "maximum", "minimum", "greater")
OF_BOUNDS = ("clip", "inside")
MOST_SWITCHES = 12
DIGITS = 40


def switches(expression: Expr, most: int | None = MOST_SWITCHES) -> tuple[Expr, ...]:
    """The expressions whose sign decides between branches, the first `most` of them."""
    found: list[Expr] = []
    for node in sympy.preorder_traversal(expression):
        name, arguments = type(node).__name__, node.args
        if isinstance(node, Reduction):
            continue
        if isinstance(node, Relational):
            found.append(node.lhs - node.rhs)
        elif name in OF_ONE:
            found.append(arguments[0])
        elif name in OF_ALL:
            found += [arguments[0] - other for other in arguments[1:]]
        elif name in OF_BOUNDS:
            found += [arguments[0] - bound for bound in arguments[1:]]
        elif isinstance(node, sympy.Pow) and not node.exp.is_integer and not node.base.is_number:
            found.append(node.base)
    varying = [each for each in dict.fromkeys(found) if each.free_symbols & {y_true, y_pred}]
    return tuple(varying[:most])


class Switch:
    """The sign of a switch as a function of one row."""

    def __init__(self, expression: Expr, parameters: dict):
        self.expression, self.parameters = expression, parameters

    def __call__(self, y, p: np.ndarray) -> int | None:
        """−1, 0 or 1 at the first column; None where there is no number."""
        with mp.workdps(DIGITS):
            try:
                jet = Row(y, p, self.parameters, 0).evaluate(self.expression, 0)
            except (Undetermined, ZeroDivisionError, OverflowError, MemoryError):
                return None
            return int(mp.sign(jet.value))


class Branches:
    """Which branches a formula takes at a row.

    Args:
        expression: the formula of a row.
        parameters: the value of each of its parameters' symbols.
    """

    def __init__(self, expression: Expr, parameters: dict):
        self.parameters = parameters
        self.switches = switches(expression, None)
        self.extrema = tuple(expression.atoms(reductions.Max, reductions.Min))
        self.of_sums = tuple(bool(each.atoms(Reduction)) for each in (*self.switches, *self.extrema))

    def __call__(self, y, p: np.ndarray) -> tuple[tuple, ...]:
        """The signs of each switch at the columns, the columns of each extremum; None where there is none."""
        with mp.workdps(DIGITS):
            row = Row(y, p, self.parameters, 0)
            signs = [self._of(row, lambda each=each: self._signs(row, each)) for each in self.switches]
            return (
                *signs,
                *(self._of(row, lambda each=each: self._place(row, each)) for each in self.extrema),
            )

    def differ(self, first: tuple, second: tuple, *, only_sums: bool) -> bool:
        """Whether two rows are on different sides of a switch (`only_sums`: of one that compares sums)."""
        compared = zip(first, second, self.of_sums, strict=True)
        return any(a != b for a, b, of_sums in compared if of_sums or not only_sums)

    @staticmethod
    def _of(row: Row, function: Callable) -> tuple | None:
        try:
            return function()
        except (Undetermined, ZeroDivisionError, OverflowError, MemoryError):
            return None

    @staticmethod
    def _signs(row: Row, expression: Expr) -> tuple[int, ...]:
        return tuple(int(mp.sign(jet.value)) for jet in row.over_columns(expression))

    @staticmethod
    def _place(row: Row, extremum: Reduction) -> tuple[int, ...]:
        values = [jet.value for jet in row.over_columns(extremum.args[0])]
        best = max(values) if isinstance(extremum, reductions.Max) else min(values)
        return tuple(j for j, value in enumerate(values) if value == best)


def crossings(sign: Callable[[float], int | None], scan: Iterable[float], dtype: type) -> list[float]:
    """Floats next to which the sign changes between neighbours of a scan, with their neighbours.

    Args:
        sign: of a number of the float type.
        scan: increasing numbers.
    """
    found: list[float] = []
    earlier, before = None, None
    for x in scan:
        now = sign(x)
        if now == 0 and before != 0:
            found += around(x, dtype)
        elif now and before and now != before:
            found += around(bisected(sign, earlier, x, before, dtype), dtype)
        earlier, before = x, now
    return found


def bisected(sign: Callable, low: float, high: float, at_low: int, dtype: type) -> float:
    """A float at which the sign is another than at its neighbour below."""
    first, last = order_of(low, dtype), order_of(high, dtype)
    while last - first > 1:
        middle = (first + last) // 2
        if sign(float_of(middle, dtype)) == at_low:
            first = middle
        else:
            last = middle
    return float_of(last, dtype)


def around(x: float, dtype: type) -> list[float]:
    """A float with its neighbours, two on either side."""
    place = order_of(x, dtype)
    return [float_of(place + step, dtype) for step in (-2, -1, 0, 1, 2)]


def order_of(x: float, dtype: type) -> int:
    """The number of a float in the order of all floats; 0 for zero."""
    bits = int(np.abs(dtype(x)).view(f"u{np.dtype(dtype).itemsize}"))
    return -bits if x < 0 else bits


def float_of(order: int, dtype: type) -> float:
    """The float with this number."""
    kind = np.dtype(f"u{np.dtype(dtype).itemsize}")
    size = kind.type(abs(order)).view(dtype)
    return float(-size if order < 0 else size)
