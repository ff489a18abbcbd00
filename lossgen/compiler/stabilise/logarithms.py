"""Logarithms: of products of exponentials (L1, L2), of one plus a small number (L3), times a factor (M4)."""

from __future__ import annotations

from sympy import Add, Expr, Mul, S, cos, exp, log, sin, tanh

from lossgen.language.atoms import (
    AtomFunction,
    hypot1,
    log1mexp,
    log1p,
    log_cosh,
    softplus,
    xlogy,
)

from .encode import encode, share, within
from .forms import one_plus
from .product import Product

BOUNDED = (tanh, exp, sin, cos, AtomFunction)


def split_logarithm(expression: Expr) -> Expr | None:
    """L1, L2: log(c·e^a·Π(1+e^v)^k·rest) → a + Σ k·softplus(v) + log(c·rest); log_cosh where halves meet."""
    (argument,) = expression.args
    product = Product.of(argument)
    if not (product.sums or product.tilts or product.exponent is not S.Zero or _lone_difference(product)):
        return None
    addends = []
    for v, k in list(product.sums.items()):
        addends.extend(_softplus_terms(product, v, k))
    product.sums = {}
    addends.extend(_difference_terms(product))
    addends.append(product.exponent + Add(*[r * v for v, r in product.tilts.items()]))
    product.exponent, product.tilts = S.Zero, {}
    rest = encode(product)
    if rest is not S.One:
        addends.append(log(rest))
    result = Add(*addends)
    return result if result != expression else None


def _softplus_terms(product, v, k):
    r = share(product, v)
    if r == -k / 2 and k.is_Integer and product.coefficient * S(2) ** k == 1 and not product.bases:
        product.coefficient = S.One
        yield k * log_cosh(v / 2)
        return
    taken = within(r, -k)
    product.exponent += (r - taken) * v
    # e^(taken·v)·(1+e^v)^k = σ(v)^taken·σ(−v)^(−k−taken)
    yield -taken * softplus(-v)
    yield (k + taken) * softplus(v)


def _lone_difference(product):
    return (
        len(product.differences) == 1
        and not product.bases
        and product.coefficient in (S.One, S.NegativeOne)
        and all(j in (S.One, S.NegativeOne) for j in product.differences.values())
    )


def _difference_terms(product):
    """log(±expm1(w))^±1; the sign in front tells the sign of w."""
    if not _lone_difference(product):
        return
    ((w, j),) = product.differences.items()
    r = share(product, w)
    negative = product.coefficient is S.NegativeOne
    product.differences, product.coefficient = {}, S.One
    if negative:  # w < 0
        yield j * log1mexp(w)
    else:
        yield j * log1mexp(-w)
        r += j
    product.exponent += r * w


def log_of_one_plus(expression: Expr) -> Expr | None:
    """L3: log(1 + w) → log1p(w), unless an atom can carry w to −1."""
    (argument,) = expression.args
    if argument.func is hypot1:
        return log1p(argument.args[0] ** 2) / 2
    if argument.is_Pow and argument.base.func is hypot1 and argument.exp.is_Rational:
        return argument.exp * log1p(argument.base.args[0] ** 2) / 2
    w = one_plus(argument)
    if w is None or (w.has(*BOUNDED) and not w.is_nonnegative):
        return None
    return log1p(w)


def guard_logarithm(expression: Expr) -> Expr | None:
    """M4: b·log(u) with b ≥ 0 a factor of u → xlogy(b, u)."""
    for factor in expression.args:
        if factor.func is not log:
            if factor.is_Add and (found := _distribute(expression, factor)) is not None:
                return found
            continue
        for base in expression.args:
            if base.is_nonnegative and not base.is_number and _has_factor(factor.args[0], base):
                return Mul(*[other for other in expression.args if other not in (base, factor)]) * xlogy(
                    base, factor.args[0]
                )
    return None


def _distribute(expression, addends):
    """b·(log(…b…) + s) → b·log(…b…) + b·s."""
    for base in expression.args:
        if not base.is_nonnegative or base.is_number:
            continue
        logs = [term for term in addends.args if _log_of(term, base)]
        if logs:
            others = Mul(*[factor for factor in expression.args if factor is not addends])
            rest = Add(*[term for term in addends.args if term not in logs])
            return Add(*[others * term for term in logs]) + others * rest
    return None


def _log_of(term, base):
    return any(factor.func is log and _has_factor(factor.args[0], base) for factor in Mul.make_args(term))


def _has_factor(argument, base):
    return any(base in (factor, factor.as_base_exp()[0]) for factor in Mul.make_args(argument))

