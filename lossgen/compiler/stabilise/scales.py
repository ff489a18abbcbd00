"""Last rewrites where a power or an exponential overflows although the whole does not."""

from __future__ import annotations

from sympy import Expr, Mul, Piecewise, exp, log

from lossgen.language.atoms import exprel, exprel_slope, keep, log1mexp, square, xdivy
from lossgen.language.symbols import y_pred


def fade_power(expression: Expr, targets) -> Expr | None:
    """xᵏ·e^a for a ≤ 0 that x belongs to → (x·e^(a/k))ᵏ: xᵏ alone may overflow where e^a is 0."""
    if not expression.is_Mul:
        return None
    exponentials = [factor for factor in expression.args if factor.func is exp]
    if len(exponentials) != 1 or not exponentials[0].args[0].is_nonpositive:
        return None
    (a,) = exponentials[0].args
    for factor in expression.args:
        base, k = factor.as_base_exp()
        if k.is_Integer and k > 1 and y_pred in base.free_symbols and base.free_symbols <= a.free_symbols:
            rest = [other for other in expression.args if other not in (factor, exponentials[0])]
            return Mul(*rest, keep(base * exp(a / k)) ** k)
    return None


def invert_power(expression: Expr, targets) -> Expr | None:
    """x^−n → (1/x)^n for n > 1: x^n may overflow."""
    base, exponent = expression.as_base_exp()
    if not (exponent.is_Integer and exponent < -1 and base.is_Add and y_pred in base.free_symbols):
        return None
    return keep(1 / base) ** -exponent


def balance_exponential(expression: Expr, targets) -> Expr | None:
    """x·e^a → x/E/E, x²·e^a → (x/E)² with E = e^(−a/2), 0 where x is 0: e^a alone may overflow."""
    if not expression.is_Mul:
        return None
    exponentials = [factor for factor in expression.args if factor.func is exp]
    if len(exponentials) != 1 or exponentials[0].args[0].is_nonpositive:
        return None
    (a,) = exponentials[0].args
    for factor in expression.args:
        base, exponent = factor.as_base_exp()
        free = base.free_symbols
        if factor is exponentials[0] or not free & targets or free <= a.free_symbols:
            continue
        if not (base.is_Symbol or base.is_Add) or not exponent.is_Integer or exponent < 1:
            continue
        rest = Mul(*[other for other in expression.args if other not in (factor, exponentials[0])])
        half = exp(-a / 2)
        if exponent % 2 == 0:
            return rest * square(xdivy(base ** (exponent / 2), half))
        return rest * xdivy(xdivy(factor, half), half)
    return None



def logarithm_of_exponentials(expression: Expr, targets) -> Expr | None:
    """log1mexp(−c·e^v) → v + log c + log(exprel(−c·e^v)) where c·e^v < 1: there e^v may vanish."""
    if expression.func is not log1mexp:
        return None
    (argument,) = expression.args
    factors = Mul.make_args(-argument)
    exponentials = [factor for factor in factors if isinstance(factor, exp)]
    rest = Mul(*(factor for factor in factors if factor not in exponentials))
    if len(exponentials) != 1 or not rest.is_positive:
        return None
    height = exponentials[0].exp + log(rest)
    return Piecewise((height + log(exprel(argument)), height < 0), (expression, True))


def curvature_of_exponentials(expression: Expr, targets) -> Expr | None:
    """exprel′(x)/exprel(x)² for x > 0 → 1/exprel(x)·(1 − exprel′(−x)/exprel(−x)), where nothing overflows."""
    if not expression.is_Mul:
        return None
    for factor in expression.args:
        if factor.func is not exprel_slope or not factor.args[0].is_positive:
            continue
        (x,) = factor.args
        for other in expression.args:
            base, exponent = other.as_base_exp()
            if base == exprel(x) and exponent.is_Integer and exponent <= -2:
                rest = Mul(*(each for each in expression.args if each not in (factor, other)))
                share = keep(1 - exprel_slope(-x) / exprel(-x))
                return rest * share * base ** (exponent + 1)
    return None
