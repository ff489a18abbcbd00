"""What SymPy may work out for one text in all: a comparison or a root costs little, thousands do not.

Whoever reads a formula, or a declaration with several, opens a budget; what is built inside spends from it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from sympy import Basic, Rational, S

from lossgen.errors import DeclarationError
from lossgen.language.limits import MAXIMUM_COMPARED, MAXIMUM_ROOTS, nodes

UNITS = (S.Zero, S.One, S.NegativeOne)


@dataclass
class Budget:
    """What was spent: nodes that were compared pair by pair, and the roots of numbers that were drawn."""

    compared: int = 0
    roots: set[tuple[Rational, int]] = field(default_factory=set)

    def compare(self, values: tuple[Basic, ...]) -> None:
        """Spend what it takes to compare each value with each."""
        if len(values) > 1:
            self.compared += (len(values) - 1) * sum(1 for value in values for _ in nodes(value))
        if self.compared > MAXIMUM_COMPARED:
            raise DeclarationError(
                "max and min compare each value with each, and these are too many or too long; "
                "compare fewer, or shorter ones"
            )

    def draw(self, number: Rational, root: int) -> None:
        """Spend what it takes to look for factors of a number."""
        if root > 1 and number not in UNITS:
            self.roots.add((abs(number), root))
        if len(self.roots) > MAXIMUM_ROOTS:
            raise DeclarationError(
                f"at most {MAXIMUM_ROOTS} different roots of numbers are drawn; write some as decimals"
            )


_BUDGET: ContextVar[Budget | None] = ContextVar("budget", default=None)


def budget() -> Budget:
    """The budget of the text that is being read; a fresh one outside of any."""
    return _BUDGET.get() or Budget()


@contextmanager
def fresh_budget() -> Iterator[None]:
    """A fresh budget for what is built inside."""
    token = _BUDGET.set(Budget())
    try:
        yield
    finally:
        _BUDGET.reset(token)
