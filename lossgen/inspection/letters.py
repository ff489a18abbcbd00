"""Letters for targets that parameters have changed: of two that add up to 1, a reader needs only one."""

from dataclasses import replace
from itertools import combinations

from sympy import Expr, Symbol, expand

from lossgen.compiler.differentiate import Derivative
from lossgen.compiler.driver import Derived
from lossgen.compiler.ladder import map_expressions

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def with_complements(term: Derived) -> Derived:
    """The term with 1 − t for t₂ where t₁ + t₂ = 1, in all that a person reads.

    The compiler keeps both: their difference from each other would cost digits.
    """
    table: dict[Symbol, Expr] = {}
    for (one, meaning), (other, its_meaning) in combinations(term.targets, 2):
        if not {one, other} & table.keys() and expand(meaning + its_meaning) == 1:
            table[other] = 1 - one
    if not table:
        return term
    kept = [(letter, meaning) for letter, meaning in term.targets if letter not in table]
    names = [""] if len(kept) == 1 else [str(n).translate(SUBSCRIPTS) for n in range(1, len(kept) + 1)]
    renamed = {
        letter: Symbol(f"t{name}", **letter.assumptions0)
        for (letter, _), name in zip(kept, names, strict=True)
    }
    whole = renamed | {letter: expression.xreplace(renamed) for letter, expression in table.items()}

    def read(expression: Expr) -> Expr:
        return expression.xreplace(whole)

    def read_derivative(derivative: Derivative) -> Derivative:
        return replace(
            derivative,
            ladder=map_expressions(derivative.ladder, read),
            expression=read(derivative.expression),
            textbook=read(derivative.textbook),
        )

    return replace(
        term,
        expression=read(term.expression),
        targets=tuple((renamed[letter], meaning) for letter, meaning in kept),
        ladder=map_expressions(term.ladder, read),
        gradient=read_derivative(term.gradient),
        hessian=read_derivative(term.hessian),
        trace=tuple((rule, read(before), read(after)) for rule, before, after in term.trace),
    )
