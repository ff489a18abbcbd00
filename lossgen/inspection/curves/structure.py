"""What the structure of a formula and the values of parameters say about a view. Nothing is derived here."""

import math
from collections.abc import Iterable

from sympy import Dummy, Expr, Max, Min, Mul, Pow, Symbol, expand
from sympy.core.relational import Relational

from lossgen.language.atoms import clip, maximum, minimum, relu
from lossgen.language.declaration import Term
from lossgen.language.reductions import REDUCTIONS, Mean, Sum
from lossgen.language.symbols import column_count, y_pred, y_true

LENGTH = 5.0
"""What is shown of a domain that is bounded on one side."""

LARGEST, HIGHEST = 300, 6
"""Operations of a formula, and powers in it, up to which products are multiplied out."""


def vectors(value: object) -> Iterable[tuple[object, ...]]:
    """What a parameter has for every column: a tuple, or those in a list of several values."""
    several = value if isinstance(value, list) else [value]
    return [each for each in several if isinstance(each, tuple)]


def numbers(value: object) -> Iterable[float]:
    """All numbers of a parameter: its value, those for the columns, those of a family."""
    if isinstance(value, list | tuple):
        return [number for each in value for number in numbers(each)]
    return [value] if isinstance(value, int | float) else []


def finite(limits: tuple[float, float]) -> tuple[float, float]:
    """Ends to show where a domain has none."""
    low, high = limits
    if math.isinf(low) and math.isinf(high):
        return -4.0, 4.0
    return (high - LENGTH if math.isinf(low) else low), (low + LENGTH if math.isinf(high) else high)


def reductions_of(formula: Expr) -> set[Expr]:
    """The outermost reductions of a formula."""
    if isinstance(formula, REDUCTIONS):
        return {formula}
    return set().union(*map(reductions_of, formula.args)) if formula.args else set()


def is_alone(term: Term) -> bool:
    """Whether a term is a sum, times what no column changes, of what each column contributes."""
    found = list(reductions_of(term.expression))
    if not all(isinstance(each, Sum | Mean) for each in found):
        return False
    if any(each.args[0].has(*REDUCTIONS) or column_count in each.free_symbols for each in found):
        return False
    names = [Dummy() for _ in found]
    head = term.expression.xreplace(dict(zip(found, names, strict=True)))
    return all(head.diff(name).free_symbols.isdisjoint(names) for name in names)


def still_has(formula: Expr, symbol: Symbol) -> bool:
    """Whether a formula has a symbol, also when small products are multiplied out."""
    if symbol not in formula.free_symbols:
        return False
    powers = (power.exp for power in formula.atoms(Pow) if power.exp.is_Integer)
    if formula.count_ops() > LARGEST or any(abs(power) > HIGHEST for power in powers):
        return True
    return symbol in expand(formula).free_symbols


def clipped(
    formulas: Iterable[Expr], symbol: Symbol, limits: tuple[float, float]
) -> tuple[float, float]:
    """The limits of an input where formulas clip it themselves, to the nearest hundredth."""
    for formula in formulas:
        for node in formula.atoms(clip):
            if node.args[0] == symbol and not node.args[1].free_symbols | node.args[2].free_symbols:
                low, high = (round(float(end), 2) for end in node.args[1:])
                limits = max(limits[0], low), min(limits[1], high)
    return limits


def scales_of(formula: Expr) -> set[Symbol]:
    """The parameters in comparisons with the prediction, and those that divide it."""
    found: set[Symbol] = set()
    data = {y_pred, y_true, column_count}
    for node in formula.atoms(Relational, Max, Min, maximum, minimum, relu, clip, Mul):
        if y_pred not in node.free_symbols:
            continue
        if isinstance(node, Mul):
            powers = node.as_powers_dict()
            found |= {base for base, power in powers.items() if base.is_Symbol and power.is_negative}
        elif any(y_pred in part.free_symbols and _grows(part) for part in node.args):
            found |= node.free_symbols
    return found - data


def _grows(part: Expr) -> bool:
    """Whether a side of a comparison is in units of the prediction, and no bounded function of it."""
    return not part.is_Function or isinstance(part, Max | Min) or str(part.func) in ("Abs", "absolute")
