"""Addends that hold powers of one sum: the lowest power is pulled out where they then cancel (rule A5)."""

from __future__ import annotations

from sympy import Add, Dummy, Expr, Mul, S

from lossgen.language.atoms import hypot1, unit_hypot


def combine_radicals(expression: Expr) -> Expr | None:
    """1/h − x²/h³ → 1/h³ for h = hypot1(x); x/u − x³/u² → x/u² for u = 1 + x²."""
    members: dict[Expr, list[int]] = {}
    for index, addend in enumerate(expression.args):
        for radicand in {_radicand(factor) for factor in Mul.make_args(addend)} - {None}:
            members.setdefault(radicand, []).append(index)
    for radicand, indices in members.items():
        if len(indices) < 2:
            continue
        shorter = _pulled_out([expression.args[index] for index in indices], radicand)
        if shorter is not None:
            others = [addend for index, addend in enumerate(expression.args) if index not in indices]
            return Add(*others, shorter)
    return None


def _pulled_out(addends, radicand: Expr) -> Expr | None:
    """Σ rest·radicand^power = radicand^lowest·Σ rest·radicand^(power − lowest), multiplied out, if shorter.

    The sums inside the radicand, such as p − y, stay closed.
    """
    closed = {}
    for term in radicand.args:
        for factor in Mul.make_args(term):
            base = factor.as_base_exp()[0]
            if base.is_Add:
                closed[base] = Dummy(real=True)
    plain = radicand.xreplace(closed)
    parts = [_split(addend.xreplace(closed), plain) for addend in addends]
    lowest = min(power for _, power in parts)
    if lowest >= 0 or any(not (power - lowest).is_Integer for _, power in parts):
        return None
    total = []
    for rest, power in parts:
        terms = [rest]
        for _ in range(int(power - lowest)):
            terms = [term * addend for term in terms for addend in plain.args]
        total.extend(terms)
    inner = Add(*total)
    if len(Add.make_args(inner)) >= len(parts):
        return None
    return Mul(inner, plain**lowest).xreplace({dummy: base for base, dummy in closed.items()})


def _radicand(factor: Expr) -> Expr | None:
    base, exponent = factor.as_base_exp()
    if not exponent.is_Rational:
        return None
    if base.func in (hypot1, unit_hypot):
        return 1 + base.args[0] ** 2
    return base if base.is_Add and exponent < 0 else None


def _split(addend: Expr, radicand: Expr) -> tuple[Expr, Expr]:
    """(rest, power) with addend = rest·radicand^power."""
    rest, power = [], S.Zero
    for factor in Mul.make_args(addend):
        base, exponent = factor.as_base_exp()
        if base == radicand and exponent.is_Rational:
            power += exponent
        elif base.func is hypot1 and _radicand(factor) == radicand:
            power += exponent / 2
        elif base.func is unit_hypot and _radicand(factor) == radicand and exponent.is_Integer:
            power -= exponent / 2
            rest.append(base.args[0] ** exponent)
        else:
            rest.append(factor)
    return Mul(*rest), power
