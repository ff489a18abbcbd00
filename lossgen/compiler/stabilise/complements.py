"""Last rewrites where nearly equal things are subtracted: 1 − clip, 1 − bᵠ, σ − y, softplus − y·x, log 2σ."""

from __future__ import annotations

from sympy import Add, Expr, Mul, S, expand_mul, log, tanh

from lossgen.language.atoms import (
    absolute,
    clip,
    expm1,
    keep,
    log1p,
    log_cosh,
    maximum,
    minimum,
    power,
    relu,
    sigmoid,
    signum,
    softplus,
    xlogy,
)
from lossgen.language.symbols import y_pred

from .logarithms import split_logarithm
from .pairs import addends_without, occurrences


def complement_of_clip(expression: Expr, targets) -> Expr | None:
    """1 − clip(x, a, b) → clip(1 − x, 1 − b, 1 − a)."""
    if not expression.is_Add:
        return None
    for addend, cofactor, found in occurrences(expression, clip):
        remaining = addends_without(expression, addend, -cofactor)
        if remaining is not None:
            return Add(*remaining, -cofactor * _turned(*found.args))
    return None


def _turned(x, low, high):
    return clip(1 - (keep(x) if x.is_Add else x), 1 - high, 1 - low)


def clipped_logarithm(expression: Expr, targets) -> Expr | None:
    """log(clip(x, a, b)) → clip(log(x), log(a), log(b)): a bound near 1 is not a float, its logarithm is."""
    if expression.func is log1p and expression.args[0].is_Mul:
        number, found = expression.args[0].as_coeff_Mul()
        if found.func is not clip or number is not S.NegativeOne:
            return None
        found = _turned(*found.args)
    elif expression.func is log and expression.args[0].func is clip:
        (found,) = expression.args
    else:
        return None
    x, low, high = found.args
    if not (low.is_Rational and high.is_Rational and low > 0 and any(1 < 2 * b < 2 for b in (low, high))):
        return log(found) if expression.func is log1p else None
    complement = 1 - x
    if complement.is_Add:
        logarithm = log(maximum(x, 0))
    else:
        logarithm = log1p(-minimum(complement.args[0] if complement.func is keep else complement, 1))
    return clip(logarithm, log(low), log(high))


def complement_of_power(expression: Expr, targets) -> Expr | None:
    """1 − b^q → −expm1(q·log b) for b ≥ 0 and an exponent that is no integer."""
    if not expression.is_Add:
        return None
    for addend in expression.args:
        for factor in Mul.make_args(addend):
            if not (factor.func is power or factor.is_Pow):
                continue
            base, exponent = factor.args
            if exponent.is_integer or not (base.is_nonnegative or factor.func is power):
                continue
            cofactor = addend / factor
            remaining = addends_without(expression, addend, -cofactor)
            if remaining is not None:
                return Add(*remaining, cofactor * expm1(_scaled_logarithm(base, exponent)))
    return None


def _scaled_logarithm(base, exponent):
    logarithm = log(base)
    if logarithm.func is log:
        logarithm = split_logarithm(logarithm) or logarithm
    if logarithm.func is log and not exponent.is_positive:
        return xlogy(exponent, base)
    return exponent * logarithm


def logarithm_of_quotient(expression: Expr, targets) -> Expr | None:
    """log(a/b) for a, b > 0 with a common addend → ±log1p(|a − b|/min(a, b)): it drops out of a − b."""
    if expression.func is not log or not expression.args[0].is_Mul:
        return None
    a, b = expression.args[0].as_numer_denom()
    if not (a.is_Add and b.is_Add and a.is_positive and b.is_positive and set(a.args) & set(b.args)):
        return None
    difference = a - b
    return keep(signum(difference) * log1p(absolute(difference) / minimum(a, b)))


def two_sided_power(expression: Expr, targets) -> Expr | None:
    """expm1(a·log1p(w)) = (1 + w)^a − 1 for w ≥ 0: by expm1 up to w = 1, where a large exponent loses digits.

    With m = min(w, 1) and b = ((1 + w)/(1 + m))^a it is b·expm1(a·log1p(m)) + (b − 1), addends of one sign.
    """
    if expression.func is not expm1:
        return None
    (argument,) = expression.args
    found = [factor for factor in Mul.make_args(argument) if factor.func is log1p]
    a, moving = argument.as_independent(y_pred, as_Add=False)
    if len(found) != 1 or moving != found[0]:
        return None
    (w,) = moving.args
    if not w.is_nonnegative:
        return None
    small = minimum(w, 1)
    large = power((1 + w) / (1 + small), a)  # exactly 1 up to w = 1
    return keep(large * expm1(a * log1p(small)) + keep(large - 1))


def one_sided_logarithm(expression: Expr, targets) -> Expr | None:
    """log 2 − softplus(−2x) = log 2σ(2x), 0 at x = 0: by log1p(tanh) for x > 0, by x − log_cosh for x < 0."""
    if not expression.is_Add:
        return None
    for addend, cofactor, found in occurrences(expression, softplus):
        remaining = addends_without(expression, addend, -cofactor * log(2))
        if remaining is not None:
            x = -found.args[0] / 2
            left = relu(-x)
            return Add(*remaining, -cofactor * keep(log1p(tanh(relu(x))) - left - log_cosh(left)))
    return None


def collect_labels(expression: Expr, targets) -> Expr | None:
    """f − y·f → (1 − y)·f, at any distance from each other in the sum."""
    if not expression.is_Add or not expression.free_symbols & targets:
        return None
    groups: dict[Expr, list[Expr]] = {}
    for addend in expression.args:
        constant, moving = addend.as_independent(y_pred, as_Add=False)
        groups.setdefault(moving, []).append(constant)
    result = []
    for moving, constants in groups.items():
        total = Add(*constants)
        if len(constants) > 1 and moving is not S.One:
            total = between_labels(total, targets)
        result.append(total * moving)
    return Add(*result)


def split_sigmoid(expression: Expr, targets) -> Expr | None:
    """a·σ(x) + T → (a + T)·σ(x) + T·σ(−x) for a T that holds a target."""
    if not expression.is_Add:
        return None
    for _, _, found in occurrences(expression, sigmoid):
        (x,) = found.args
        moving = x.free_symbols - targets
        slopes, constants, others = [], [], []
        for addend in expression.args:
            slope = _cofactor(addend, found)
            if slope is not None and not slope.free_symbols & moving:
                slopes.append(slope)
            elif not addend.free_symbols & moving:
                constants.append(addend)
            else:
                others.append(addend)
        slope, constant = Add(*slopes), Add(*constants)
        if slopes and _opposed(slope, constant, targets):
            both = between_labels(slope + constant, targets)
            return Add(*others, both * sigmoid(x), constant * sigmoid(-x))
    return None


def split_softplus(expression: Expr, targets) -> Expr | None:
    """a·softplus(x) + T·x → (a + T)·softplus(x) − T·softplus(−x) for a T that holds a target."""
    if not expression.is_Add:
        return None
    for _, _, found in occurrences(expression, softplus):
        (x,) = found.args
        number, unit = x.as_coeff_Mul()
        moving = x.free_symbols - targets
        slopes, lines, others = [], [], []
        for addend in expression.args:
            slope, line = _cofactor(addend, found), _cofactor(addend, unit)
            if slope is not None and not slope.free_symbols & moving:
                slopes.append(slope)
            elif line is not None and not line.free_symbols & moving:
                lines.append(line / number)
            else:
                others.append(addend)
        slope, line = Add(*slopes), Add(*lines)
        if slopes and lines and _opposed(slope, line, targets):
            both = between_labels(slope + line, targets)
            return Add(*others, both * softplus(x), -line * softplus(-x))
    return None


def _cofactor(addend, factor):
    factors = list(Mul.make_args(addend))
    if factor not in factors:
        return None
    factors.remove(factor)
    return Mul(*factors)


def _opposed(slope, constant, targets):
    if not constant.free_symbols & targets:
        return False
    return not (slope.is_nonnegative and constant.is_nonnegative) and not (
        slope.is_nonpositive and constant.is_nonpositive
    )


def between_labels(expression: Expr, targets) -> Expr:
    """An expression linear in its one target y as a·(1 − y) + b·y, which is exact for the labels 0 and 1."""
    symbols = expression.free_symbols & targets
    if len(symbols) != 1:
        return expression
    (y,) = symbols
    at_zero, at_one = expand_mul(expression.subs(y, 0)), expand_mul(expression.subs(y, 1))
    if expand_mul(expression - at_zero * (1 - y) - at_one * y) != 0:
        return expression
    rest = keep(1 - y) if at_zero.is_Number and at_one != 0 else 1 - y
    return at_zero * rest + at_one * y

