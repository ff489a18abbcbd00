"""Two ways to evaluate an expression in tests: with hundreds of digits; in float32, every operation rounded.

In the float32 emulation each operation and each atom is correctly rounded once, so what it measures is the
expression's own error, whatever implements its atoms.
"""

from __future__ import annotations

import mpmath
import numpy as np
import sympy
from mpmath import mp

from lossgen.language.atoms import ATOMS

SMALLEST = float(np.finfo(np.float32).smallest_subnormal)
_FUNCTIONS = {
    sympy.exp: mp.exp,
    sympy.log: lambda x: mp.log(x) if x >= 0 else mp.nan,
    sympy.tanh: mp.tanh,
    sympy.cosh: mp.cosh,
    sympy.sinh: mp.sinh,
    sympy.sin: mp.sin,
    sympy.cos: mp.cos,
    sympy.atan: mp.atan,
    sympy.erf: mp.erf,
    sympy.erfc: mp.erfc,
    sympy.sign: mp.sign,
    sympy.Abs: abs,
    sympy.loggamma: mp.loggamma,
    sympy.polygamma: lambda n, x: mp.psi(int(n), x),
    sympy.Max: max,
    sympy.Min: min,
    sympy.Heaviside: lambda x, *_: mp.mpf(1) if x > 0 else mp.mpf(0),
    sympy.DiracDelta: lambda *_: mp.mpf(0),
}


def exact(expression, values, digits=60):
    """The expression at the given point (symbol -> number), in mpmath with this many digits."""
    with mp.workdps(digits):
        point = {symbol: mpmath.mpf(float(value)) for symbol, value in values.items()}
        return +_evaluate(expression, point, lambda x: x, {}, None)


def rounded(expression, values, elements):
    """The expression in float32, each operation rounded; what is free of `elements`, once."""
    with mp.workdps(40):
        point = {s: mpmath.mpf(float(np.float32(v))) for s, v in values.items()}
        return float(_evaluate(expression, point, _to_single, {}, frozenset(elements)))


def ulps(value, reference):
    """Distance in float32 spacings at the reference; inf for a wrong overflow or NaN, 0 for a right one."""
    target = float(reference)
    with np.errstate(over="ignore"):
        single = np.float32(target)
    if not np.isfinite(single):
        return np.inf if np.isnan(value) else 0.0
    if not np.isfinite(value):
        return np.inf
    spacing = max(float(np.spacing(abs(single))), SMALLEST)
    return float(abs(mpmath.mpf(value) - reference) / spacing)


def _to_single(x):
    with np.errstate(over="ignore", under="ignore"):
        return mpmath.mpf(float(np.float32(float(x))))


def _evaluate(expression, point, rounding, done, elements):
    if expression in done:
        return done[expression]
    if elements is not None and not (expression.free_symbols & elements):
        result = rounding(_evaluate(expression, point, lambda x: x, {}, None))
    else:
        result = _operation(expression, point, rounding, done, elements)
    done[expression] = result
    return result


def _operation(expression, point, rounding, done, elements):
    if expression.is_Symbol:
        return point[expression]
    if expression.is_number and not expression.args:
        if expression.is_Rational:
            return rounding(mpmath.mpf(int(expression.p)) / int(expression.q))
        return rounding(mpmath.mpmathify(expression.n(mp.dps)))
    if isinstance(expression, sympy.Piecewise):
        for value, condition in expression.args:
            if _holds(condition, point, rounding, done, elements):
                return _evaluate(value, point, rounding, done, elements)
        return mp.nan
    arguments = [_evaluate(argument, point, rounding, done, elements) for argument in expression.args]
    if any(mpmath.isnan(argument) for argument in arguments):
        return mp.nan
    try:
        return _apply(expression, arguments, rounding)
    except (ValueError, ZeroDivisionError, OverflowError, MemoryError):
        return mp.nan


def _apply(expression, arguments, rounding):
    if expression.is_Add or expression.is_Mul:
        result = arguments[0]
        for argument in arguments[1:]:
            result = rounding(result + argument if expression.is_Add else result * argument)
        return result
    if expression.is_Pow:
        return rounding(_power(*arguments))
    atom = ATOMS.get(expression.func.__name__)
    function = atom.reference if atom and atom.function is expression.func else _FUNCTIONS[expression.func]
    return rounding(mpmath.mpmathify(function(*arguments)))


def _power(base, exponent):
    if base == 0:
        return mp.mpf(1) if exponent == 0 else mp.mpf(0) if exponent > 0 else mp.inf
    if base < 0 and exponent != int(exponent):
        return mp.nan
    return base ** (int(exponent) if exponent == int(exponent) else exponent)


_RELATIONS = {
    sympy.Lt: lambda a, b: a < b,
    sympy.Le: lambda a, b: a <= b,
    sympy.Gt: lambda a, b: a > b,
    sympy.Ge: lambda a, b: a >= b,
    sympy.Eq: lambda a, b: a == b,
    sympy.Ne: lambda a, b: a != b,
}


def _holds(condition, point, rounding, done, elements):
    if condition in (sympy.true, sympy.false):
        return bool(condition)
    if isinstance(condition, (sympy.And, sympy.Or)):
        parts = [_holds(part, point, rounding, done, elements) for part in condition.args]
        return all(parts) if isinstance(condition, sympy.And) else any(parts)
    sides = [_evaluate(side, point, rounding, done, elements) for side in condition.args]
    return _RELATIONS[condition.func](*sides)
