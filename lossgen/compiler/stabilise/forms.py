"""Small questions about expressions that every rule asks: sign, size, multiples of one another, squares."""

from __future__ import annotations

from functools import reduce
from math import gcd

from sympy import Add, Expr, Mul, Pow, Rational, S
from sympy.core.numbers import igcd, ilcm


def coefficients(expression: Expr) -> dict[Expr, Rational]:
    """The expression as a linear combination: addend without its number -> number."""
    found: dict[Expr, Rational] = {}
    for addend in Add.make_args(expression):
        number, rest = addend.as_coeff_Mul(rational=True)
        found[rest] = found.get(rest, S.Zero) + number
    return found


def is_backward(expression: Expr) -> bool:
    """Of x and −x exactly one is backward: the one that a textbook would not write (y − 1, −p)."""
    if expression.is_Add:
        constant = expression.args[0] if expression.args[0].is_Rational else None
        if constant is not None:
            return bool(constant.is_negative)
    elif expression.is_Mul:
        number, rest = expression.as_coeff_Mul(rational=True)
        if number is not S.One:
            return bool(number.is_negative)
        return sum(is_backward(factor) for factor in rest.args if factor.is_Add) % 2 == 1
    return expression.could_extract_minus_sign()


def multiple(expression: Expr, unit: Expr) -> Rational | None:
    """The rational r with expression = r·unit, or None."""
    if expression == unit:
        return S.One
    numerators, denominators = coefficients(expression), coefficients(unit)
    if numerators.keys() != denominators.keys():
        return S.Zero if expression.is_zero else None
    ratios = {numerators[key] / denominators[key] for key in denominators}
    return ratios.pop() if len(ratios) == 1 else None


def common_unit(values) -> Rational:
    """The largest rational of which all values are integer multiples."""
    values = [abs(value) for value in values if value]
    return Rational(
        reduce(igcd, [int(value.p) for value in values]),
        reduce(ilcm, [int(value.q) for value in values], 1),
    ) if values and all(value.q == 1 for value in values) else _rational_unit(values)


def _rational_unit(values) -> Rational:
    if not values:
        return S.One
    denominator = reduce(ilcm, [int(value.q) for value in values], 1)
    return Rational(reduce(gcd, [int(value * denominator) for value in values]), int(denominator))


def size(expression: Expr) -> int:
    """Number of nodes, the measure by which a form counts as shorter; a number or a sign weighs little."""
    if expression.is_Rational:
        return 1
    return 2 + sum(size(argument) for argument in expression.args)


def square_root(expression: Expr) -> Expr | None:
    """x with x² = expression for a product of even powers, else None."""
    number, rest = expression.as_coeff_Mul()
    if not number.is_Rational or number <= 0:
        return None
    root = Pow(number, S.Half)
    if not root.is_Rational:
        return None
    factors = []
    for factor in Mul.make_args(rest):
        base, exponent = factor.as_base_exp()
        if factor is S.One:
            continue
        if not (exponent.is_Integer and exponent % 2 == 0):
            return None
        factors.append(base ** (exponent / 2))
    return Mul(root, *factors) if factors else None


def one_plus(expression: Expr) -> Expr | None:
    """u with expression = 1 + u, where the 1 is written out."""
    if expression.is_Add and expression.args[0] is S.One:
        return Add(*expression.args[1:])
    return None


def is_positive(expression: Expr) -> bool:
    """Proven > 0, also where SymPy does not see it: 1 + x²/|a| for an a that might be 0."""
    if expression.is_positive:
        return True
    if not expression.is_Add:
        return False
    constant, *others = expression.args
    return constant.is_Rational and constant > 0 and all(_is_nonnegative(addend) for addend in others)


def _is_nonnegative(product: Expr) -> bool:
    for factor in Mul.make_args(product):
        base, exponent = factor.as_base_exp()
        if not (factor.is_nonnegative or base.is_nonnegative or (exponent.is_even and base.is_real)):
            return False
    return True
