"""Hostile formulas that are SymPy's own objects: they reach the compiler without passing the parser."""

from functools import reduce

import sympy
from sympy import Float, Function, Integer, Rational, Symbol

from attacks.corpus import CODE

p, y = Symbol("p", real=True), Symbol("y", real=True)


def tower(count: int) -> sympy.Expr:
    value = p
    for _ in range(count):
        value = sympy.Pow(value, value, evaluate=False)
    return value


def times(factor: sympy.Expr) -> sympy.Expr:
    """The prediction times a constant that SymPy does not work out."""
    return sympy.Mul(p, factor, evaluate=False)


def power(base: int, exponent: object) -> sympy.Expr:
    """A power that SymPy does not work out."""
    return sympy.Pow(base, exponent, evaluate=False)


def raised(exponent: sympy.Expr) -> sympy.Expr:
    """An exponential that SymPy does not work out."""
    return sympy.exp(exponent, evaluate=False)


class Foreign(Function):
    """A function of one's own with a hostile name."""

    nargs = (1,)

    @classmethod
    def eval(cls, argument):
        return None


def named(name: str) -> sympy.Expr:
    return type(name, (Foreign,), {})(p)


EXPRESSIONS = {
    "a tower of shared parts": tower(60),
    "a deep chain": reduce(lambda inner, _: sympy.sin(inner, evaluate=False), range(500), p),
    "a wide sum": sympy.Add(*(sympy.sin(k * p, evaluate=False) for k in range(2, 3000)), evaluate=False),
    "a huge integer": p * Integer(10) ** 5000,
    "a huge power": p ** Integer(10) ** 50,
    "an unevaluated power of numbers": times(power(9, power(9, 9))),
    "an unevaluated tower": times(power(9, power(9, power(9, 9)))),
    "an unevaluated exponential": times(raised(raised(raised(Integer(30))))),
    "an unevaluated factorial": times(sympy.factorial(Integer(10) ** 9, evaluate=False)),
    "an unevaluated gamma": times(sympy.loggamma(Integer(10) ** 9, evaluate=False)) * sympy.gamma(p),
    "constants that cannot be told apart": p
    * sympy.Abs((sympy.sqrt(2) + sympy.sqrt(3)) ** 2 - 5 - 2 * sympy.sqrt(6), evaluate=False),
    "a fraction of many digits": p * Rational(3**3000, 7**3000),
    "a float of many digits": p * Float("0." + "7" * 3000, 3000),
    "an enormous float": p * Float._new((0, 1, 10**9, 1), 53),
    "a symbol of code": p * Symbol(CODE, real=True),
    "a symbol of a template": p * Symbol("{{ x }}", real=True),
    "a symbol of newlines": p * Symbol("x\nimport os", real=True),
    "a symbol without a name": p * Symbol("", real=True),
    "a function of code": named(f"x(0) or {CODE} #"),
    "a function of dunder": named("__import__"),
    "an undefined function": Function(CODE)(p),
    "a sum over an index": sympy.Sum(p, (Symbol("k"), 1, 10**9)),
    "an integral": sympy.Integral(sympy.exp(-(p**2)), (p, 0, sympy.oo)),
    "a matrix element": sympy.MatrixSymbol("A", 10**9, 10**9)[0, 0] * p,
    "an indexed": sympy.IndexedBase("a")[Symbol("k", integer=True)] * p,
    "a lambda": sympy.Lambda(Symbol("x"), Symbol("x"))(p) * sympy.DiracDelta(p),
    "infinity": p + sympy.oo,
    "nan": p * sympy.nan,
    "complex": p * sympy.I,
}
"""Formulas of SymPy: each must be refused with `DeclarationError`, wherever it stands."""
