"""Structural rewrites that buy accuracy, run last on every output and never differentiated."""

from __future__ import annotations

from sympy import Expr


def accurate(expression: Expr, *, targets=frozenset(), trace: list | None = None) -> Expr:
    """Rewrites that buy accuracy on an output that is not differentiated again."""
    return expression
