"""Rule F: SymPy's own kinked and special functions become atoms, decimals become rationals.

Runs before any derivative is taken: SymPy's own of `Max` and `Abs` hold Heaviside(0) = ½ and DiracDelta.
"""

from __future__ import annotations

from sympy import Abs, Expr, Float, Heaviside, Max, Min, Mul, Rational, S, loggamma, polygamma, sign
from sympy import digamma as sympy_digamma
from sympy import erf as sympy_erf
from sympy import erfc as sympy_erfc
from sympy import trigamma as sympy_trigamma

from lossgen.language.atoms import (
    absolute,
    clip,
    digamma,
    erf,
    erfc,
    lgamma,
    maximum,
    minimum,
    relu,
    signum,
    step,
    trigamma,
)


def lower(expression: Expr) -> Expr:
    """The expression with every function that has an atom replaced by it, bottom up."""
    if isinstance(expression, Float):
        return _decimal(expression)
    if not expression.args:
        return expression
    arguments = tuple(lower(argument) for argument in expression.args)
    replacement = _LOWERED.get(expression.func)
    if replacement is not None:
        lowered = replacement(*arguments)
        if lowered is not None:
            return lowered
    return expression if arguments == expression.args else expression.func(*arguments)


def _decimal(number: Float):
    """The decimal that a person wrote: 0.1 is 1/10, not the nearest binary fraction."""
    if not number.is_finite:
        return number
    return Rational(repr(float(number)) if number._prec <= 53 else str(number))


def _constants_last(arguments):
    return sorted(arguments, key=lambda argument: (argument.is_number, argument.sort_key()))


def _clipped(low, high, middle):
    return clip(middle, low, high) if low.is_number and high.is_number and low <= high else None


def _maximum(*arguments):
    if len(arguments) == 2:
        for low, other in (arguments, arguments[::-1]):
            if isinstance(other, minimum) and (found := _clipped(low, *reversed(other.args))) is not None:
                return found
    *rest, last = _constants_last(arguments)
    if not rest:
        return last
    result = rest[0]
    for argument in rest[1:]:
        result = maximum(result, argument)
    return relu(result) if last.is_zero else maximum(result, last)


def _minimum(*arguments):
    if len(arguments) == 2:
        for high, other in (arguments, arguments[::-1]):
            if isinstance(other, (maximum, relu)):
                middle, low = (*other.args, S.Zero)[:2]
                if (found := _clipped(low, high, middle)) is not None:
                    return found
    *rest, last = _constants_last(arguments)
    if not rest:
        return last
    result = rest[0]
    for argument in rest[1:]:
        result = minimum(result, argument)
    return -relu(-result) if last.is_zero else minimum(result, last)


def _recognised(a, b, lowered, *functions):
    """A person's own maximum(a, b) keeps its order, which decides ties, unless it is a relu or a clip."""
    found = lowered(a, b)
    return found if isinstance(found, functions) else None


def _polygamma(order, x):
    return digamma(x) if order.is_zero else trigamma(x) if order is S.One else None


_LOWERED = {
    Abs: absolute,
    sympy_erf: erf,
    sympy_erfc: erfc,
    sign: signum,
    Heaviside: lambda x, *_: step(x),
    Max: _maximum,
    Min: _minimum,
    maximum: lambda a, b: _recognised(a, b, _maximum, relu, clip),
    minimum: lambda a, b: _recognised(a, b, _minimum, Mul, clip),
    loggamma: lgamma,
    sympy_digamma: digamma,
    sympy_trigamma: trigamma,
    polygamma: _polygamma,
}
