"""Last rewrites around sqrt(1 + u²): squares that overflow or cancel although the whole does not."""

from __future__ import annotations

from sympy import Add, Expr, Mul, S, expand, sqrt

from lossgen.language.atoms import (
    absolute,
    hypot1,
    hypot1m1,
    keep,
    log1p,
    maximum,
    minimum,
    power,
    unit_hypot,
)
from lossgen.language.symbols import y_pred


def _root(expression: Expr) -> Expr | None:
    """x with x² = expression: even powers are halved, what is known to be ≥ 0 goes under a root sign."""
    halves, found = [], False
    for factor in Mul.make_args(expression):
        base, exponent = factor.as_base_exp()
        if exponent.is_Integer and exponent % 2 == 0:
            halves.append(base ** (exponent / 2))
            found = found or exponent > 0
        elif factor.is_nonnegative or base.is_nonnegative:
            halves.append(sqrt(factor))
        else:
            return None
    return Mul(*halves) if found else None


def _hypotenuse(expression: Expr, targets) -> tuple[Expr, Expr, Expr] | None:
    """(c, e, s) with expression = c·(1 + (s·e)²): c > 0 fixed, e moving with the prediction."""
    if not (expression.is_Add and len(expression.args) == 2):
        return None
    moving = targets | {y_pred}
    for constant, other in (expression.args, expression.args[::-1]):
        if constant.free_symbols & moving or not constant.is_positive or not other.free_symbols & moving:
            continue
        root = _root(other / constant)
        if root is None:
            return None
        scale, error = root.as_independent(*moving, as_Add=False)
        if error.is_Mul or error.is_Pow:
            return None
        return constant, error, scale
    return None


def logarithm_of_square(expression: Expr, targets) -> Expr | None:
    """log1p(u²) → 2·log1p(hypot1(u) − 1), as hypot1 does not overflow."""
    if expression.func is not log1p:
        return None
    found = _hypotenuse(1 + expression.args[0], targets)
    if found is None or found[0] is not S.One:
        return None
    _, error, scale = found
    return 2 * log1p(hypot1m1(scale * error))


def square_root_of_sum(expression: Expr, targets) -> Expr | None:
    """sqrt(x² + c²) → m·hypot1(n/m), m and n the larger and the smaller of |x| and c."""
    if not (expression.is_Pow and expression.exp is S.Half):
        return None
    found = _hypotenuse(expression.base, targets)
    if found is None:
        return None
    constant, error, scale = found
    side = sqrt(constant)
    if constant is S.One:
        return hypot1(scale * error)
    other = absolute(scale * side * error)
    larger = maximum(other, side)
    return larger * hypot1(minimum(other, side) / larger)


def invert_hypotenuse(expression: Expr, targets) -> Expr | None:
    """(1 + u²)^−q → (1/hypot1(u))^2q, the inverse kept together: its powers do not overflow."""
    base, exponent = _base_and_exponent(expression)
    if exponent.is_nonnegative:
        return None
    if base.func is hypot1 and exponent.is_Integer and exponent < -1:
        return keep(1 / base) ** -exponent
    found = _hypotenuse(base, targets)
    if found is None:
        return None
    constant, error, scale = found
    height = hypot1(scale * error)
    powered = keep(1 / height) ** (-2 * exponent) if exponent.is_Rational else height ** (2 * exponent)
    return constant**exponent * powered


def _base_and_exponent(expression):
    return expression.args if expression.func is power else expression.as_base_exp()


def balance_hypotenuse(expression: Expr, targets) -> Expr | None:
    """eᵏ/hypot1(s·e)ᵐ → unit_hypot(s·e)ᵏ·hypot1(s·e)^(k−m)/sᵏ, a sum of powers of e likewise."""
    if not expression.is_Mul:
        return None
    for factor in expression.args:
        base, exponent = factor.as_base_exp()
        height = _height(base)
        if height is None or (height is base and exponent.is_Rational):
            continue
        u = height.args[0]
        scale, error = u.as_independent(*(targets | {y_pred}), as_Add=False)
        numerator, outside = _numerator([other for other in expression.args if other is not factor], error)
        highest = max(numerator)
        if highest == 0 or (exponent.is_Rational and highest > exponent):
            continue
        slope, inverse = unit_hypot(u), keep(1 / height)
        terms = [c * slope**k * inverse ** (highest - k) / scale**k for k, c in numerator.items()]
        remaining = exponent + highest if height is base else exponent - highest
        return outside * Add(*terms) * base**remaining
    return None


def _height(base):
    """The hypot1 in hypot1(u) or keep(1/hypot1(u))."""
    if base.func is hypot1:
        return base
    if base.func is keep and base.args[0].is_Pow and base.args[0].base.func is hypot1:
        return base.args[0].base
    return None


def _numerator(factors, error):
    """{k: c} for the factors that make a polynomial Σ c·errorᵏ, and the product of all others."""
    powers, outside, polynomial = S.Zero, [], None
    for factor in factors:
        base, exponent = factor.as_base_exp()
        if base == error and exponent.is_Integer and exponent > 0:
            powers += exponent
        elif factor.is_Add and polynomial is None and (found := _polynomial(factor, error)) is not None:
            polynomial = found
        else:
            outside.append(factor)
    return {k + powers: c for k, c in (polynomial or {S.Zero: S.One}).items()}, Mul(*outside)


def _polynomial(expression, error):
    found: dict[Expr, Expr] = {}
    for addend in expression.args:
        degree, others = S.Zero, []
        for factor in Mul.make_args(addend):
            base, exponent = factor.as_base_exp()
            if base == error and exponent.is_Integer:
                degree += exponent
            else:
                others.append(factor)
        rest = Mul(*others)
        if rest.free_symbols & error.free_symbols or degree < 0:
            return None
        found[degree] = found.get(degree, S.Zero) + rest
    return found if len(found) > 1 else None


def join_heights(expression: Expr, targets) -> Expr | None:
    """a·x + b·x·unit_hypot(u)² → x·(a/hypot1(u)² + (a + b)·unit_hypot(u)²): the squares add up to 1."""
    if not expression.is_Add:
        return None
    parts = [_slope_power(addend, targets) for addend in expression.args]
    for first, (u, k, a, x) in enumerate(parts):
        for second, (v, m, b, other) in enumerate(parts):
            if v is None or m - k != 2 or x != other or (k and u != v):
                continue
            rest = [addend for index, addend in enumerate(expression.args) if index not in (first, second)]
            return Add(*rest, x * unit_hypot(v) ** k * _two_squares(a, expand(a + b), v))
    return None


def _slope_power(addend, targets):
    """(u, k, a, x) with addend = a·x·unit_hypot(u)^k and a free of inputs; u is None for k = 0."""
    u, k, others = None, S.Zero, []
    for factor in Mul.make_args(addend):
        base, exponent = factor.as_base_exp()
        if base.func is unit_hypot and exponent.is_Integer and exponent > 0 and u is None:
            u, k = base.args[0], exponent
        else:
            others.append(factor)
    a, x = Mul(*others).as_independent(*(targets | {y_pred}), as_Add=False)
    return u, k, a, x


def _two_squares(a, b, u):
    """a/hypot1(u)² + b·unit_hypot(u)², as a product for b = −a."""
    inverse, slope = keep(1 / hypot1(u)), unit_hypot(u)
    if b == -a:
        return a * keep(inverse - slope) * (inverse + slope)
    return a * inverse**2 + b * slope**2


def conjugate_difference(expression: Expr, targets) -> Expr | None:
    """c²·(hypot1(e/c) − 1) → e·e/(1 + hypot1(e/c)): the square of a small e/c would underflow."""
    if not expression.is_Mul:
        return None
    moving = targets | {y_pred}
    for factor in expression.args:
        if factor.func is not hypot1m1:
            continue
        scale, error = factor.args[0].as_independent(*moving, as_Add=False)
        number = Mul(*[other for other in expression.args if other is not factor]) * scale**2
        if scale is S.One or not number.is_Rational:
            continue
        return number * error * keep(error / (1 + hypot1(scale * error)))
    return None
