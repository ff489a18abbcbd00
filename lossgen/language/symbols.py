"""The symbols of a formula, made in one place so that equal names are always the same symbol; and `where`.

Everything is real: SymPy keys symbols by name *and* assumptions, and derivatives of `Abs` and `Max`
leave `re()`/`im()` debris for symbols that might be complex.
"""

from dataclasses import dataclass

from sympy import Expr, Piecewise, Symbol

y_true = Symbol("y", real=True)
y_pred = Symbol("p", real=True)
column_count = Symbol("C", integer=True, positive=True)

RESERVED_NAMES = frozenset({"y", "p", "C"})
"""Names that formulas, generated code and documents already use for target, prediction and column count."""


def parameter_symbol(name: str, *, positive: bool = False, nonnegative: bool = False) -> Symbol:
    """The symbol of a constructor argument, with the sign that its range guarantees."""
    if positive:
        return Symbol(name, positive=True)
    if nonnegative:
        return Symbol(name, nonnegative=True)
    return Symbol(name, real=True)


@dataclass(frozen=True)
class Input:
    """One array that a loss reads: name, role (`target`, `prediction`, `extra`) and element symbol."""

    name: str
    role: str
    symbol: Symbol


TARGET = Input("y", "target", y_true)
PREDICTION = Input("p", "prediction", y_pred)


def where(condition: object, value: object, otherwise: object) -> Expr:
    """`value` where the condition holds, else `otherwise`: short for a SymPy `Piecewise` of two branches."""
    return Piecewise((value, condition), (otherwise, True))
