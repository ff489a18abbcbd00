"""Constants and comparisons: what SymPy may work out of them, and in what time it must."""

import itertools
from collections.abc import Callable

import sympy
from sympy import Basic, Expr, Pow, Rational, S
from sympy.core.evalf import PrecisionExhausted
from sympy.core.relational import Relational
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import Boolean

from lossgen.errors import DeclarationError
from lossgen.language import reductions
from lossgen.language.budget import budget, fresh_budget
from lossgen.language.limits import MAXIMUM_QUOTIENTS, MAXIMUM_VALUES, nodes
from lossgen.language.vocabulary import ARITHMETIC, FUNCTIONS

UNREAL = (S.NaN, S.Infinity, S.NegativeInfinity, S.ComplexInfinity, S.ImaginaryUnit)
KNOWN = (*ARITHMETIC, Boolean, sympy.Piecewise, ExprCondPair)
SMALLEST, LARGEST = sympy.Float("1e-300"), sympy.Float("1e300")
TOO_LARGE = "this constant is too large or too small for a float"


def bits(number: Rational) -> int:
    """How many bits numerator and denominator have."""
    return int(number.p).bit_length() + int(number.q).bit_length()


def check_constant(value: Expr) -> None:
    """Refuse a constant that is no real number of a float's size: SymPy may never finish comparing those."""
    if value.is_Rational:
        return
    if value.has(reductions.Reduction):
        raise DeclarationError(
            "a reduction runs over what differs from column to column, y_true or y_pred; of a constant write "
            "what it is (C for the number of columns)"
        )
    try:
        number = value.evalf(15, strict=True)
    except PrecisionExhausted:
        raise DeclarationError("this constant cannot be told from 0; leave it out") from None
    except (AttributeError, TypeError):  # from an atom outside its domain, where its reference is complex
        raise DeclarationError("this constant is no real number") from None
    if not number.is_Float:
        raise DeclarationError("this constant is no real number" if number.is_real is False else TOO_LARGE)
    if not SMALLEST < abs(number) < LARGEST:
        raise DeclarationError(TOO_LARGE)


def check_constants(expression: Basic) -> None:
    """Refuse a formula with a constant part that SymPy must not work out, the innermost first.

    For formulas that did not pass the parser: with `evaluate=False` anything can be written. What is no
    function of the language is left to the checks of the vocabulary.
    """
    foreign: set[Basic] = set()
    language = FUNCTIONS.difference(reductions.REDUCTIONS)
    every = [each for each, _ in nodes(expression)]
    check_costs(set(every))
    for node in reversed(every):
        known = isinstance(node, KNOWN) or node.func in language or not node.args
        if not known or node in UNREAL or not foreign.isdisjoint(node.args):
            foreign.add(node)
        elif isinstance(node, Relational | sympy.Max | sympy.Min):
            check_comparison(*(side for side in node.args if isinstance(side, Expr) and side.is_number))
        elif isinstance(node, Expr) and node.args and node.is_number:
            check_constant(node)


def check_costs(every: set[Basic]) -> None:
    """Refuse nodes of a formula that take too long together whenever SymPy builds them anew."""
    with fresh_budget():
        for node in every:
            if isinstance(node, sympy.Max | sympy.Min):
                budget().compare(node.args)
            elif isinstance(node, sympy.Eq | sympy.Ne):
                check_equation(*node.args)
            elif isinstance(node, Pow) and node.base.is_Rational and node.exp.is_Rational:
                budget().draw(node.base, node.exp.q)


def check_comparison(*sides: Expr) -> None:
    """Refuse to compare constants that differ by less than SymPy can tell."""
    for first, second in itertools.combinations(sides, 2):
        if (difference := first - second).is_number:
            check_constant(difference)


def check_equation(*sides: Expr) -> None:
    """Refuse an equation of which SymPy would look for the common denominator too long."""
    count = sum(
        isinstance(node, Pow) and node.exp.could_extract_minus_sign()
        for side in sides
        for node, _ in nodes(side)
    )
    if count > MAXIMUM_QUOTIENTS:
        raise DeclarationError(
            f"== and != compare sums and products with at most {MAXIMUM_QUOTIENTS} quotients; multiply by "
            "the denominators"
        )


def compared(kind: type[Boolean]) -> Callable[..., Boolean]:
    """The comparison, after a look at what SymPy would work out for it.

    It holds no branches: SymPy would take them apart, and double its work at each level.
    """

    def make(*sides: Expr) -> Boolean:
        if any(side.has(sympy.Piecewise) for side in sides):
            raise DeclarationError("a comparison holds no branches; compare in each of them")
        check_comparison(*sides)
        if issubclass(kind, sympy.Eq | sympy.Ne):
            check_equation(*sides)
        return kind(*sides)

    return make


def elementwise(extreme: type[Expr], arguments: tuple[Expr, ...]) -> Expr:
    """The largest or smallest of some values; SymPy compares each with each."""
    if sum(len(each.args) if isinstance(each, extreme) else 1 for each in arguments) > MAXIMUM_VALUES:
        raise DeclarationError(f"at most {MAXIMUM_VALUES} values are compared")
    check_comparison(*arguments)
    budget().compare(arguments)
    return extreme(*arguments)
