"""The two entries of this package."""

from __future__ import annotations

from sympy import Expr

from .lower import lower


def stabilise(expression: Expr, *, nonnegative=frozenset(), trace: list | None = None) -> Expr:
    """Rewrite into atoms, to a fixed point; the result may be differentiated."""
    return lower(expression)


def accurate(expression: Expr, *, targets=frozenset(), trace: list | None = None) -> Expr:
    """Rewrites that buy accuracy on an output that is not differentiated again."""
    return expression
