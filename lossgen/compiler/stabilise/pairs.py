"""Addends that belong together by an identity between atoms (rules A2, A4) or share a radical (A5)."""

from __future__ import annotations

from sympy import Add, Expr, Mul, S, expand_mul, log

from lossgen.language.atoms import (
    absolute,
    erf,
    erfc,
    expm1,
    expm1mx,
    hypot1,
    hypot1m1,
    log_cosh,
    relu,
    softplus,
    sqrt1pm1,
)

from .forms import one_plus, size, square_root


def addends_without(expression: Expr, *taken: Expr) -> list[Expr] | None:
    """The addends that remain when every addend of the taken expressions has been found, or None."""
    remaining = list(expression.args)
    for part in taken:
        if part in remaining:
            remaining.remove(part)
            continue
        for addend in Add.make_args(expand_mul(part)):
            if addend not in remaining:
                return None
            remaining.remove(addend)
    return remaining


def occurrences(expression: Expr, function):
    """(addend, cofactor, the function's node) for every addend with the function among its factors."""
    for addend in expression.args:
        for factor in Mul.make_args(addend):
            if factor.func is function:
                yield addend, addend / factor, factor


def pair_softplus(expression: Expr) -> Expr | None:
    """A2: softplus(x) − x, softplus(x) − softplus(−x), relu(u) + softplus(−|u|); L2: softplus(x) − x/2."""
    found = _pair_softplus(expression)
    if found is not None:
        return found
    opened = _open_softplus(expression)
    if opened is None or not opened.is_Add:
        return opened
    found = _pair_softplus(opened)
    return found if found is not None and size(found) < size(expression) else None


def _open_softplus(expression):
    opened, changed = [], False
    for addend in expression.args:
        sums = [factor for factor in Mul.make_args(addend) if factor.is_Add]
        if len(sums) == 1 and any(factor.func is softplus for factor in Mul.make_args(addend)):
            others = Mul(*[factor for factor in addend.args if factor is not sums[0]])
            opened.extend(term * others for term in sums[0].args)
            changed = True
        else:
            opened.append(addend)
    return Add(*opened) if changed else None


def _pair_softplus(expression):
    for addend, cofactor, found in occurrences(expression, softplus):
        for others, result in _softplus_partners(cofactor, found.args[0]):
            remaining = addends_without(expression, addend, *others)
            if remaining is not None:
                return Add(*remaining, result)
    return None


def _softplus_partners(cofactor, x):
    """(addends that go with cofactor·softplus(x), what they make together)."""
    yield [-cofactor * x], cofactor * softplus(-x)
    yield [-cofactor * softplus(-x)], cofactor * x
    number, inner = x.as_coeff_Mul()
    if inner.func is absolute and number is S.NegativeOne:
        (u,) = inner.args
        for side in (u, -u):
            yield [cofactor * relu(side)], cofactor * softplus(side)
    yield [-cofactor * x / 2, -cofactor * log(2)], cofactor * log_cosh(x / 2)
    yield [-cofactor * x / 2], cofactor * (log_cosh(x / 2) + log(2))


def pair_differences(expression: Expr) -> Expr | None:
    """A4: hypot1(x) − 1, sqrt(1+u) − 1, expm1(x) − x, sqrt(a²+u) − a, 1 ∓ erf(x) as one atom each."""
    for function, partner, atom in _DIFFERENCES:
        for addend, cofactor, found in occurrences(expression, function):
            (x,) = found.args
            remaining = addends_without(expression, addend, -cofactor * partner(x))
            if remaining is not None:
                return Add(*remaining, cofactor * atom(x))
    for addend, cofactor, found in occurrences(expression, erf):
        (x,) = found.args
        for sign, result in ((-1, erfc(x)), (1, erfc(-x))):
            remaining = addends_without(expression, addend, sign * cofactor)
            if remaining is not None:
                return Add(*remaining, sign * cofactor * result)
    return _square_root_difference(expression)


_DIFFERENCES = (
    (hypot1, lambda x: S.One, hypot1m1),
    (expm1, lambda x: x, expm1mx),
)


def _square_root_difference(expression):
    for addend in expression.args:
        for factor in Mul.make_args(addend):
            if not (factor.is_Pow and factor.exp is S.Half):
                continue
            cofactor, radicand = addend / factor, factor.base
            rest = one_plus(radicand)
            if rest is not None:
                remaining = addends_without(expression, addend, -cofactor)
                if remaining is not None:
                    return Add(*remaining, cofactor * sqrt1pm1(rest))
            for square in Add.make_args(radicand):
                root = square_root(square)
                if root is None or not root.is_positive or radicand == square:
                    continue
                remaining = addends_without(expression, addend, -cofactor * root)
                if remaining is None:
                    continue
                rest = radicand - square
                other = square_root(rest)
                atom = hypot1m1(other / root) if other is not None else sqrt1pm1(rest / square)
                return Add(*remaining, cofactor * root * atom)
    return None


