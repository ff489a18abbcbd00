"""How large a declaration may be, whoever wrote it: a person, a text, a configuration or a file.

The bounds are far beyond every published loss (the largest of the catalogue has 125 nodes, 12 deep) and stop
what would keep SymPy, the compiler or a printer busy for minutes. Sizes are counted without recursion and no
further than the bound, so a formula that refers to one part a billion times is refused at once, too.
"""

from collections.abc import Iterator

from sympy import Basic, Float, Pow, Rational

from lossgen.errors import DeclarationError, LimitError

MAXIMUM_NODES = 2000
"""Numbers, symbols and operations of one formula, counted as often as they are written."""

MAXIMUM_DECLARATION = 16_000
"""The same of all formulas of a declaration that is read from a file or a configuration."""

MAXIMUM_DERIVED = 10_000
"""The same of a gradient, a Hessian, or a Hessian times a vector with all that they share."""

MAXIMUM_DEPTH = 100
"""Operations of one formula inside each other."""

MAXIMUM_EXPONENT = 1000
"""Size of a number that stands as an exponent."""

MAXIMUM_BITS = 4096
"""Binary digits of numerator and denominator together."""

MAXIMUM_ROOT = 1_000_000
"""Binary digits of a number times the root that is drawn: SymPy looks for factors of it."""

MAXIMUM_VALUES = 32
"""Arguments of one maximum or minimum: SymPy compares each with each."""

MAXIMUM_COMPARED = 4000
"""Nodes of the arguments of all maxima and minima of a formula, each times what it is compared with."""

MAXIMUM_QUOTIENTS = 8
"""Quotients on both sides of == or !=: SymPy brings them to one denominator, which can double for each."""

MAXIMUM_ROOTS = 32
"""Different roots of numbers in one formula: SymPy looks for factors under each."""

MAXIMUM_TEXT = 4000
"""Characters of a formula given as text."""

MAXIMUM_TEXT_DEPTH = 200
"""Expressions inside each other in a formula given as text; `a + b + c` is two."""

MAXIMUM_CALLS = 25
"""Calls of functions inside each other in a formula given as text."""

MAXIMUM_VARIANTS = 16
"""Combinations of options, each with kernels of its own."""

MAXIMUM_ARGUMENTS = 64
"""Parameters and options of one loss; entries of any other list in a declaration."""

MAXIMUM_VECTOR = 100_000
"""Numbers of one argument, such as a weight for each class, in a declaration that is read."""

MAXIMUM_NAME = 100
"""Characters of a name: it becomes the name of a file, with additions."""

MAXIMUM_PHRASE = 1000
"""Characters of a reference, a kink, an identifier, a choice of an option."""

MAXIMUM_DOCUMENTATION = 20_000
"""Characters of a docstring."""

MAXIMUM_FILE = 1_000_000
"""Bytes of a declaration in a file."""

SMALLEST_BINARY, LARGEST_BINARY = -1074, 1023
"""Exponents of 2 between which a float's magnitude lies."""

SHOWN_LENGTH = 30


def nodes(expression: Basic) -> Iterator[tuple[Basic, int]]:
    """Every node and how deep it stands, from 1; a part that is used twice comes twice."""
    waiting = [(expression, 1)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting.extend((argument, depth + 1) for argument in node.args)


def excess(expression: Basic) -> str | None:
    """What is too large in a formula, in words, or None; looks at no more than `MAXIMUM_NODES` nodes."""
    for count, (node, depth) in enumerate(nodes(expression), start=1):
        if count > MAXIMUM_NODES:
            return (
                f"the formula has more than {MAXIMUM_NODES} numbers, symbols and operations; "
                "split the loss into several, and add their values"
            )
        if depth > MAXIMUM_DEPTH:
            return f"the formula is nested more than {MAXIMUM_DEPTH} deep; write it flatter, or split it"
        if isinstance(node, Float | Rational) and (problem := number_excess(node)):
            return problem
        if isinstance(node, Pow) and node.exp.is_Rational and abs(node.exp) > MAXIMUM_EXPONENT:
            return f"the exponent {short(node.exp)} is too large; at most {MAXIMUM_EXPONENT}"
    return None


def number_excess(number: Float | Rational) -> str | None:
    """What is too large in a number, in words, or None; its digits are never written out."""
    if isinstance(number, Float):
        _, mantissa, exponent, _ = number._mpf_
        size, binary = int(mantissa).bit_length(), int(exponent) + int(mantissa).bit_length()
    else:
        above, below = abs(int(number.p)).bit_length(), int(number.q).bit_length()
        size, binary = above + below, above - below
    if size > MAXIMUM_BITS:
        return f"a number has {size} binary digits; at most {MAXIMUM_BITS}"
    if size and number.is_finite and not SMALLEST_BINARY <= binary <= LARGEST_BINARY:
        return "a number is too large or too small for a float"
    return None


def check_size(loss: str, expression: Basic) -> None:
    """Refuse a formula that would take too long; to be called before anything walks through it.

    Raises:
        LimitError: it is too large, nested too deeply, or holds a number that is.
    """
    problem = excess(expression)
    if problem is not None:
        raise LimitError(f"{loss}: {problem}.")


def check_text(loss: str, what: str, text: str, most: int) -> None:
    """Refuse a text of more than so many characters, and one that no file can hold.

    Raises:
        LimitError: it is too long; names `what` it is.
        DeclarationError: it holds half a character (a lone surrogate).
    """
    if len(text) > most:
        raise LimitError(
            f"{loss[:MAXIMUM_NAME]}: {what} has {len(text)} characters; at most {most} are allowed."
        )
    if any("\ud800" <= one <= "\udfff" for one in text):
        raise DeclarationError(f"{loss}: {what} holds half a character (a lone surrogate); leave it out.")


def short(number: Rational) -> str:
    """A number as text of bounded length."""
    if int(number.p).bit_length() + int(number.q).bit_length() > MAXIMUM_BITS:
        return "given"
    text = str(number)
    return text if len(text) <= SHOWN_LENGTH else f"{text[:8]}…"
