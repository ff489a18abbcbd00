"""Text to formula through a whitelist of syntax: nothing in the text is evaluated, imported or looked up.

Python's own grammar reads the text; `reader.py` builds from it only what it names. Sizes are bounded, so that
no text can make SymPy compute for long.
"""

import ast
import unicodedata
import warnings

import sympy
from sympy import Expr

from lossgen.errors import DeclarationError, ParseError
from lossgen.language.budget import fresh_budget
from lossgen.language.constants import check_constants
from lossgen.language.functions import CONSTANTS, EVERY_NAME
from lossgen.language.limits import MAXIMUM_CALLS, MAXIMUM_TEXT, MAXIMUM_TEXT_DEPTH, excess
from lossgen.language.numbers import exact
from lossgen.language.parameters import Parameter, symbol_of
from lossgen.language.reader import Reader, caret
from lossgen.language.symbols import column_count, y_pred, y_true

MEANT = {"−": "-", "–": "-", "×": "*", "·": "*", "∗": "*", "÷": "/", "≤": "<=", "≥": ">=", "≠": "!="}
"""What is probably meant by a character that formulas are often copied with."""

SYMBOLS = {
    "y_true": y_true,
    "y": y_true,
    "y_pred": y_pred,
    "p": y_pred,
    "C": column_count,
    "column_count": column_count,
}


def parse(text: str, **names: Expr | Parameter | float) -> Expr:
    """The formula that a text means: `lg.parse("mean((y_pred - y_true)**2)")`.

    The text is made of numbers, `y_true`, `y_pred`, `C` (the column count), `pi`, `E`, the given names,
    `+ - * / **`, comparisons inside `where(condition, a, b)` or `Piecewise`, and the language's functions.
    Decimals are read as exact rationals.

    Args:
        text: the formula.
        names: what further names mean: a symbol or formula, a `Parameter`, or a number.

    Raises:
        ParseError: the text is not of this kind; shows where, and what to write instead.
    """
    if not isinstance(text, str):
        raise ParseError(f"lg.parse reads text; {text!r} is of type {type(text).__name__}.")
    text = text.strip(" \t\r\n")
    if not text:
        raise ParseError("The text is empty; a formula is expected, such as mean((y_pred - y_true)**2).")
    if len(text) > MAXIMUM_TEXT:
        raise ParseError(f"The text has {len(text)} characters; a formula has at most {MAXIMUM_TEXT}.")
    check_characters(text)
    meanings = {name: meaning(name, value) for name, value in names.items()}
    reader = Reader(text, {**SYMBOLS, **CONSTANTS, **meanings})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # of text that is refused anyway
            tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        raise ParseError(
            f"{error.msg or 'This is no formula'}{caret(text, error.lineno, error.offset)}"
        ) from None
    except (ValueError, MemoryError, RecursionError):
        raise ParseError(
            "The text is no formula: it is nested too deeply or holds a character of code 0."
        ) from None
    if depth(tree, ast.expr) > MAXIMUM_TEXT_DEPTH or depth(tree, ast.Call) > MAXIMUM_CALLS:
        raise ParseError(
            f"The formula is nested too deeply: at most {MAXIMUM_CALLS} functions inside each other and "
            f"{MAXIMUM_TEXT_DEPTH} terms in one sum; split it, and pass the parts as names."
        )
    with fresh_budget():
        return reader.number(tree.body)


def check_characters(text: str) -> None:
    """Refuse what is no plain ASCII: Python would read letters of other alphabets as those they resemble."""
    for place, one in enumerate(text):
        if (one.isascii() and one.isprintable()) or one in "\n\t\r":
            continue
        line = text.count("\n", 0, place) + 1
        column = place - text.rfind("\n", 0, place)
        known = MEANT.get(one) or unicodedata.normalize("NFKC", one)
        meant = f"; write {known}" if known.isascii() and known.isprintable() and known.strip() else ""
        called = unicodedata.name(one, "a control character").lower()
        raise ParseError(
            f"a formula is plain ASCII text, and U+{ord(one):04X} ({called}) is not{meant}"
            f"{caret(text, line, column)}"
        )


def meaning(name: str, value: object) -> Expr:
    """The expression that a given name stands for."""
    if name in EVERY_NAME or name in SYMBOLS or name in CONSTANTS:
        raise ParseError(f"The name `{name}` already has a meaning in formulas; choose another one.")
    if isinstance(value, Parameter):
        return symbol_of(name, value)
    if isinstance(value, Expr):
        if problem := excess(value):
            raise ParseError(f"`{name}`: {problem}.")
        try:
            check_constants(value)
        except DeclarationError as error:
            raise ParseError(f"`{name}`: {error}.") from None
        return exact(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return exact(sympy.sympify(value))
    raise ParseError(f"`{name}` must be a symbol, a formula, a Parameter or a number. Received: {value!r}")


def depth(tree: ast.AST, kind: type[ast.AST]) -> int:
    """How many nodes of a kind are nested inside each other, counted without recursion."""
    level, deepest = [(tree, 0)], 0
    while level:
        level = [(node, above + isinstance(node, kind)) for node, above in level]
        deepest = max(deepest, *(count for _, count in level))
        level = [(child, above) for node, above in level for child in ast.iter_child_nodes(node)]
    return deepest
