"""The words of portable expressions, derived from the tables of the language: nothing else is ever built.

Each word has the class that it stands for and a way to make it within bounds: the formula parser's, where it
has one, so that no text can make SymPy compute for long.
"""

from collections.abc import Callable
from dataclasses import dataclass

import sympy
from sympy import Basic, S

from lossgen.language import functions
from lossgen.language.constants import elementwise
from lossgen.language.reductions import REDUCTIONS
from lossgen.language.vocabulary import SYMPY_FUNCTIONS, WRITABLE_ATOMS

LARGEST_ARGUMENT = 1000
"""Of SymPy's log-gamma and polygamma of a number: SymPy may work out a sum or a factorial of that length."""


@dataclass(frozen=True)
class Word:
    """A function: its class, how it is made within bounds, how many arguments it takes (`most` None: any)."""

    kind: type[Basic]
    make: Callable[..., Basic]
    least: int = 1
    most: int | None = 1


def _reductions() -> dict[str, Word]:
    return {each.__name__: Word(each, each) for each in REDUCTIONS}


def _atoms() -> dict[str, Word]:
    bounded = functions.FUNCTIONS
    return {
        name: Word(atom, bounded[name].make, bounded[name].least, bounded[name].most)
        for name, atom in WRITABLE_ATOMS.items()
    }


BOUNDED = {
    sympy.exp: functions.exponential,
    sympy.Max: lambda *values: elementwise(sympy.Max, values),
    sympy.Min: lambda *values: elementwise(sympy.Min, values),
    sympy.loggamma: functions.of_positive(sympy.loggamma, LARGEST_ARGUMENT),
    sympy.polygamma: functions.of_positive(sympy.polygamma, LARGEST_ARGUMENT),
}
"""How SymPy's own functions are made, where not simply by calling them."""

ARITIES = {sympy.Max: (1, None), sympy.Min: (1, None), sympy.polygamma: (2, 2)}


def _functions(taken: dict[str, Word]) -> dict[str, Word]:
    """SymPy's own functions; one whose name is taken is called `sympy.Max`."""
    found = {}
    for each in SYMPY_FUNCTIONS:
        name = f"sympy.{each.__name__}" if each.__name__ in taken else each.__name__
        found[name] = Word(each, BOUNDED.get(each, each), *ARITIES.get(each, (1, 1)))
    return found


_OWN = {**_reductions(), **_atoms()}

ARITHMETIC = {
    "+": Word(sympy.Add, sympy.Add, 2, None),
    "*": Word(sympy.Mul, sympy.Mul, 2, None),
    "**": Word(sympy.Pow, functions.power, 2, 2),
}

NUMBERS = {**ARITHMETIC, **_OWN, **_functions(_OWN)}
"""What makes a number of numbers."""

PIECEWISE = "Piecewise"
"""`["Piecewise", [value, condition], …, [value, true]]`."""

COMPARISONS = {
    "<": sympy.StrictLessThan,
    "<=": sympy.LessThan,
    ">": sympy.StrictGreaterThan,
    ">=": sympy.GreaterThan,
    "==": sympy.Equality,
    "!=": sympy.Unequality,
}

LOGIC = {"and": sympy.And, "or": sympy.Or, "not": sympy.Not}

CONSTANTS = {
    "pi": S.Pi,
    "E": S.Exp1,
    **{
        f"sympy.{each}": each
        for each in (S.EulerGamma, S.Catalan, S.GoldenRatio, S.TribonacciConstant)
    },
}  # fmt: skip
"""Constants by their names, which no parameter can have."""

WORDS = {
    **{word.kind: name for name, word in NUMBERS.items()},
    **{kind: name for table in (COMPARISONS, LOGIC) for name, kind in table.items()},
    **{constant: name for name, constant in CONSTANTS.items()},
    sympy.Piecewise: PIECEWISE,
}
"""What a class, or a constant, is called."""

assert len(WORDS) == len(NUMBERS) + len(COMPARISONS) + len(LOGIC) + len(CONSTANTS) + 1
