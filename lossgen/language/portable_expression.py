"""Expressions ↔ nested lists of plain data, the word first: `["**", ["+", "y_pred", -1], 2]`.

What is read is made twice: as SymPy evaluates it, within the bounds of the formula parser, which refuses what
SymPy would compute too long for; and as it was written, node by node, because a formula may hold what SymPy
would rearrange.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import isfinite
from typing import Any

import sympy
from sympy import Basic, Expr, Integer, Rational, S, Symbol

from lossgen.errors import DeclarationError, PortableError
from lossgen.language.constants import bits, check_constant, compared
from lossgen.language.limits import MAXIMUM_DECLARATION, MAXIMUM_DEPTH, MAXIMUM_NODES
from lossgen.language.names import suggestion
from lossgen.language.portable_vocabulary import (
    COMPARISONS,
    CONSTANTS,
    LOGIC,
    NUMBERS,
    PIECEWISE,
    WORDS,
)

FRACTION = re.compile(r"-?[0-9]{1,1300}(/[1-9][0-9]{0,1299})?")
LARGEST_PLAIN = 2**53
"""Integers beyond are text: other readers of JSON take numbers for floats."""

OTHERWISE = {
    "/": '; write ["*", a, ["**", b, -1]]',
    "-": '; write ["+", a, ["*", -1, b]]',
    "sqrt": '; write ["**", x, "1/2"]',
    "where": '; write ["Piecewise", [x, condition], [otherwise, true]]',
}
"""Words that are no part of the format, and what stands for them."""

MAXIMUM_TOTAL_BITS = 65_536
"""Binary digits of all numbers of one declaration together, with those that SymPy works out from them."""

Plain = Any
"""Plain data: what JSON has."""


# Writing ------------------------------------------------------------------------------------------------


def written(expression: Basic, names: Mapping[Symbol, str]) -> Plain:
    """The expression as nested lists.

    Args:
        names: what its symbols are called.

    Raises:
        PortableError: it holds something that is not in the language.
    """
    if expression is S.true or expression is S.false:
        return expression is S.true
    if isinstance(expression, Rational):
        return number_written(expression)
    if isinstance(expression, Symbol) and expression in names:
        return names[expression]
    if expression in CONSTANTS.values():
        return WORDS[expression]
    if isinstance(expression, sympy.Piecewise):
        return [PIECEWISE, *([written(part, names) for part in pair.args] for pair in expression.args)]
    word = WORDS.get(expression.func)
    if word is None or not expression.args:
        raise PortableError(
            f"`{str(expression)[:80]}` cannot be written down: it is not part of the language."
        )
    return [word, *(written(argument, names) for argument in expression.args)]


def number_written(number: Rational) -> int | str:
    """An integer, or `"1/10"`."""
    if number.q == 1 and abs(number.p) <= LARGEST_PLAIN:
        return int(number.p)
    return str(number)


# Reading ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Read:
    """What a node means: as SymPy evaluates it, and exactly as it was written."""

    evaluated: Basic
    exact: Basic


@dataclass
class ExpressionReader:
    """Reads the expressions of a declaration; counts the nodes of each and of all, and the bits of all.

    Args:
        symbols: the symbols by their names.
    """

    symbols: Mapping[str, Symbol]
    nodes: int = field(default=0, init=False)
    all_nodes: int = field(default=0, init=False)
    bits: int = field(default=0, init=False)

    def expression(self, data: Plain, path: str) -> Expr:
        """The expression of nested lists, exactly as it was written.

        Raises:
            PortableError: they are no expression of the language, or one too large; names the place.
        """
        self.nodes = 0
        exact = self.number(data, path, 1).exact
        assert isinstance(exact, Expr)
        return exact

    def number(self, data: Plain, path: str, depth: int) -> Read:
        """A node that stands for a number."""
        self.enter(path, depth)
        if isinstance(data, bool):
            raise wrong(path, "true and false are no numbers; they stand as conditions of a Piecewise only")
        if isinstance(data, int):
            return self.constant(Integer(data) if abs(data) <= LARGEST_PLAIN else None, data, path)
        if isinstance(data, str):
            return self.name(data, path)
        word, arguments = self.parts(data, path)
        if word == PIECEWISE:
            return self.piecewise(arguments, path, depth)
        if word not in NUMBERS:
            if word in COMPARISONS or word in LOGIC:
                raise wrong(f"{path}[0]", f"{shown(word)} is a condition, where a number is expected")
            end = OTHERWISE.get(word) or suggestion(word[:80], NUMBERS)
            raise wrong(f"{path}[0]", f"the language has no function {shown(word)}{end}")
        known = NUMBERS[word]
        check_count(path, word, len(arguments), known.least, known.most)
        read = [self.number(each, f"{path}[{place}]", depth + 1) for place, each in enumerate(arguments, 1)]
        return self.made(path, known.make, known.kind, read)

    def name(self, data: str, path: str) -> Read:
        """A symbol, a constant or a number in text."""
        if data in self.symbols:
            return Read(self.symbols[data], self.symbols[data])
        if data in CONSTANTS:
            return Read(CONSTANTS[data], CONSTANTS[data])
        if FRACTION.fullmatch(data):
            return self.constant(Rational(data), data, path)
        known = [*self.symbols, *CONSTANTS]
        end = suggestion(data[:80], known, f"; known are {', '.join(self.symbols)}")
        raise wrong(path, f'{shown(data)} is no symbol of the loss and no number such as 2 or "1/10"{end}')

    def constant(self, number: Rational | None, data: Plain, path: str) -> Read:
        """A number that is written in the one way that there is for it."""
        if number is None or number_written(number) != data:
            expected = f", {number_written(number)!r}" if number is not None else " as text"
            raise wrong(path, f"write the number {shown(data)} in lowest terms{expected}")
        self.count(number, path)
        return Read(number, number)

    def piecewise(self, pairs: list[Plain], path: str, depth: int) -> Read:
        """Branches, the last of which always holds."""
        if not pairs:
            raise wrong(path, "a Piecewise has one branch or more, [value, condition]")
        values, conditions = [], []
        for place, pair in enumerate(pairs, 1):
            here = f"{path}[{place}]"
            if not isinstance(pair, list) or len(pair) != 2:
                raise wrong(here, "a branch of a Piecewise is a pair [value, condition]")
            values.append(self.number(pair[0], f"{here}[0]", depth + 1))
            conditions.append(self.condition(pair[1], f"{here}[1]", depth + 1))
        pairs_of = zip(values, conditions, strict=True)
        branches = [
            Read(sympy.Tuple(value.evaluated, condition.evaluated), sympy.Tuple(value.exact, condition.exact))
            for value, condition in pairs_of
        ]
        return self.made(path, sympy.Piecewise, sympy.Piecewise, branches)

    def condition(self, data: Plain, path: str, depth: int) -> Read:
        """A comparison, or comparisons joined by and, or, not."""
        self.enter(path, depth)
        if isinstance(data, bool):
            truth = S.true if data else S.false
            return Read(truth, truth)
        word, arguments = self.parts(data, path)
        if word in COMPARISONS:
            check_count(path, word, len(arguments), 2, 2)
            read = [
                self.number(each, f"{path}[{place}]", depth + 1) for place, each in enumerate(arguments, 1)
            ]
            return self.made(path, compared(COMPARISONS[word]), COMPARISONS[word], read)
        if word not in LOGIC:
            known = {*COMPARISONS, *LOGIC}
            raise wrong(f"{path}[0]", f"{shown(word)} is no condition{suggestion(word[:80], known)}")
        check_count(path, word, len(arguments), *((1, 1) if word == "not" else (2, None)))
        read = [
            self.condition(each, f"{path}[{place}]", depth + 1) for place, each in enumerate(arguments, 1)
        ]
        return self.made(path, LOGIC[word], LOGIC[word], read)

    def parts(self, data: Plain, path: str) -> tuple[str, list[Plain]]:
        """The word of a node and its arguments."""
        if isinstance(data, float) and isfinite(data):
            exact = Fraction(repr(data))
            written = f'"{exact}"' if exact.denominator > 1 else str(exact)
            raise wrong(path, f"a number is written exactly, {written[:40]}, not {shown(data)}")
        if not isinstance(data, list) or not data or not isinstance(data[0], str):
            raise wrong(path, f"a number, a name or a list [word, …] is expected, not {shown(data)}")
        return data[0], data[1:]

    def made(self, path: str, make: Callable[..., Basic], kind: type[Basic], read: list[Read]) -> Read:
        """A node around others."""
        try:
            evaluated = make(*(each.evaluated for each in read))
            if evaluated.has(S.NaN, S.ComplexInfinity, S.Infinity, S.NegativeInfinity):
                raise DeclarationError("this has no finite value")
            if isinstance(evaluated, Expr) and evaluated.is_number:
                if not evaluated.is_Atom:
                    check_constant(evaluated)
                for number in evaluated.atoms(Rational):
                    self.count(number, path)
            return Read(evaluated, kind(*(each.exact for each in read), evaluate=False))
        except PortableError:
            raise
        except DeclarationError as error:
            raise wrong(path, str(error)) from None
        except (TypeError, ValueError, ArithmeticError, NotImplementedError, RecursionError) as error:
            raise wrong(path, f"SymPy cannot build this ({str(error)[:80]})") from None

    def enter(self, path: str, depth: int) -> None:
        """Counts a node."""
        self.nodes += 1
        self.all_nodes += 1
        if depth > MAXIMUM_DEPTH:
            raise wrong(path, f"the formula is nested too deeply; at most {MAXIMUM_DEPTH} levels are read")
        if self.nodes > MAXIMUM_NODES:
            raise wrong(path, f"the formula is too large; at most {MAXIMUM_NODES} nodes are read")
        if self.all_nodes > MAXIMUM_DECLARATION:
            raise wrong(path, f"the declaration is too large; at most {MAXIMUM_DECLARATION} nodes are read")

    def count(self, number: Rational, path: str) -> None:
        """Counts the bits of a number."""
        self.bits += bits(number)
        if self.bits > MAXIMUM_TOTAL_BITS:
            raise wrong(path, "the numbers of the declaration have too many digits in all")


def check_count(path: str, word: str, count: int, least: int, most: int | None) -> None:
    """Refuses a wrong number of arguments."""
    if count < least or (most is not None and count > most):
        wanted = (
            str(least) if least == most else f"at least {least}" if most is None else f"{least} to {most}"
        )
        raise wrong(path, f"{shown(word)} takes {wanted} argument{'' if wanted == '1' else 's'}, not {count}")


def wrong(path: str, problem: str) -> PortableError:
    """The error that names the place."""
    return PortableError(f"{path or 'declaration'}: {problem}{'' if problem.endswith(('?', '.')) else '.'}")


def shown(data: Plain) -> str:
    """Data as text of bounded length."""
    if isinstance(data, list | dict):
        return f"a {'list' if isinstance(data, list) else 'dictionary'} of length {len(data)}"
    text = repr(data) if not isinstance(data, int) or abs(data) < 10**40 else "a number of many digits"
    return text if len(text) <= 80 else f"{text[:78]} …"
