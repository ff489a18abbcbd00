"""Structural rewrites that buy accuracy, run last on every output and never differentiated.

The results are equal to what a textbook prints but longer: σ(p) − y returns 0 for a confident correct label,
(1 − y)·σ(p) − y·σ(−p) does not. Every sub-expression is visited, inside squares and products, too.
"""

from __future__ import annotations

from sympy import Expr
from sympy.logic.boolalg import Boolean

from .complements import (
    clipped_logarithm,
    collect_labels,
    complement_of_clip,
    complement_of_power,
    logarithm_of_quotient,
    one_sided_logarithm,
    split_sigmoid,
    split_softplus,
    two_sided_power,
)
from .hypotenuse import (
    balance_hypotenuse,
    conjugate_difference,
    invert_hypotenuse,
    join_heights,
    logarithm_of_square,
    square_root_of_sum,
)
from .scales import (
    balance_exponential,
    curvature_of_exponentials,
    fade_power,
    invert_power,
    logarithm_of_exponentials,
)

RULES = (
    # a clip turns round before the sums that hold it are split
    ("complement of a clip", complement_of_clip),
    ("logarithm of a clip", clipped_logarithm),
    ("logarithm of a quotient", logarithm_of_quotient),
    ("complement of a power", complement_of_power),
    ("logarithm seen from both sides", one_sided_logarithm),
    ("power seen from both sides", two_sided_power),
    ("labels collected", collect_labels),
    ("complement of sigmoid", split_sigmoid),
    ("complement of softplus", split_softplus),
    ("logarithm of a square", logarithm_of_square),
    ("conjugate of a difference", conjugate_difference),
    ("no overflow in a square", invert_hypotenuse),
    ("no overflow in a square", balance_hypotenuse),
    ("no overflow in a square", square_root_of_sum),
    ("squares that add up to one", join_heights),
    ("no overflow in a power", fade_power),
    ("no overflow in a power", invert_power),
    ("no overflow in an exponential", balance_exponential),
    ("exponentials of exponentials", logarithm_of_exponentials),
    ("exponentials of exponentials", curvature_of_exponentials),
)


def accurate(expression: Expr, *, targets=frozenset(), trace: list | None = None) -> Expr:
    """The form that a kernel computes; it is not to be differentiated or stabilised again.

    targets  symbols whose values 0 and 1 are exact labels
    trace    list that receives (rule, before, after)
    """
    return _visit(expression, frozenset(targets), {}, trace if trace is not None else [])


def _visit(expression, targets, done, trace):
    if not expression.args or isinstance(expression, Boolean):
        return expression
    if expression in done:
        return done[expression]
    arguments = [_visit(argument, targets, done, trace) for argument in expression.args]
    result = expression.func(*arguments)
    for name, rule in RULES if isinstance(result, Expr) else ():
        changed = rule(result, targets)
        if changed is not None and changed != result:
            trace.append((name, result, changed))
            result = changed
    done[expression] = result
    return result
