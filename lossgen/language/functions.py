"""The functions that formula text may call, by all their names, with bounds on what SymPy may work out."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import sympy
from sympy import Add, Expr, Rational, S

from lossgen.errors import DeclarationError
from lossgen.language import reductions
from lossgen.language.budget import budget
from lossgen.language.constants import bits, check_constant, elementwise
from lossgen.language.limits import MAXIMUM_BITS, MAXIMUM_EXPONENT, MAXIMUM_ROOT, short
from lossgen.language.vocabulary import WRITABLE_ATOMS

TOO_HARD = "this power of a number is too hard to work out; write the number that it is"


@dataclass(frozen=True)
class Function:
    """How to make an application of a function, and how many arguments it takes (`most` None: any number)."""

    make: Callable[..., Expr]
    least: int = 1
    most: int | None = 1


def power(base: Expr, exponent: Expr) -> Expr:
    """A power, unless SymPy would work out an enormous number for it."""
    size = max((bits(number) for number in base.atoms(Rational)), default=0)
    if exponent.is_Rational:
        if abs(exponent) > MAXIMUM_EXPONENT:
            raise DeclarationError(f"the exponent {short(exponent)} is too large; at most {MAXIMUM_EXPONENT}")
        if size * abs(exponent) > MAXIMUM_BITS or size * exponent.q > MAXIMUM_ROOT:
            raise DeclarationError(TOO_HARD)
        budget().draw(base.as_coeff_Mul()[0], exponent.q)
    elif base == S.Exp1:
        return exponential(exponent)
    elif base.is_number and exponent.is_number and base.is_positive:
        check_constant(sympy.exp(exponent.evalf(15) * sympy.log(base.evalf(15))))
    elif exponent.has(sympy.Piecewise):  # SymPy may look into its branches when it compares
        largest_exponent = sympy.prod(max(abs(number), S.One) for number in exponent.atoms(Rational))
        if size * largest_exponent > MAXIMUM_BITS:
            raise DeclarationError(TOO_HARD)
    return base**exponent


def guarded(function: type[Expr]) -> Callable[..., Expr]:
    """A power-like atom of (base, exponent), bounded as powers are."""

    def make(base: Expr, exponent: Expr) -> Expr:
        if base.is_number and exponent.is_number:
            power(base, exponent)
        return function(base, exponent)

    return make


def of_positive(function: type[Expr], most: float = math.inf) -> Callable[..., Expr]:
    """A function related to Γ: of negative numbers, its reference can take for ever.

    Args:
        most: the largest number of which SymPy may work it out, where it does not leave it as it is.
    """

    def make(*arguments: Expr) -> Expr:
        last = arguments[-1]
        if last.is_number and not (last.is_positive and last <= most):
            end = "" if most == math.inf else f" up to {most}"
            raise DeclarationError(f"of numbers, only positive ones{end} are allowed here")
        return function(*arguments)

    return make


def exponential(argument: Expr) -> Expr:
    """exp(x); SymPy turns exp(n·log 2) into a power, which is bounded as powers are."""
    if argument.has(sympy.Piecewise) and any(each.is_number for each in argument.atoms(sympy.log)):
        raise DeclarationError(
            "write where(condition, exp(a), exp(b)) instead of exp(where(…)) of logarithms"
        )
    for term in Add.make_args(argument):
        factor, rest = term.as_coeff_Mul()
        for logarithm in rest.atoms(sympy.log):
            power(logarithm.args[0], factor)
    return sympy.exp(argument)


def logarithm(argument: Expr, base: Expr = S.Exp1) -> Expr:
    """log(x), or log(x, base)."""
    return sympy.log(argument) if base == S.Exp1 else sympy.log(argument) / sympy.log(base)


def binary_exponential(argument: Expr) -> Expr:
    """2ˣ."""
    return power(S(2), argument)


def binary_logarithm(argument: Expr) -> Expr:
    """log(x, 2)."""
    return logarithm(argument, S(2))


def square_root(argument: Expr) -> Expr:
    """√x."""
    return power(argument, S.Half)


def cube_root(argument: Expr) -> Expr:
    """x^(1/3), for x ≥ 0."""
    return power(argument, Rational(1, 3))


def log_sigmoid(argument: Expr) -> Expr:
    """log(sigmoid(x)), as −softplus(−x)."""
    return -WRITABLE_ATOMS["softplus"](-argument)


def largest(*arguments: Expr) -> Expr:
    """max(x) over the columns, max(a, b, …) of several values."""
    return elementwise(sympy.Max, arguments) if len(arguments) > 1 else reductions.Max(*arguments)


def smallest(*arguments: Expr) -> Expr:
    """min(x) over the columns, min(a, b, …) of several values."""
    return elementwise(sympy.Min, arguments) if len(arguments) > 1 else reductions.Min(*arguments)


def log_gamma(argument: Expr) -> Expr:
    """log Γ(x). Of a number it stays unevaluated: SymPy would work out the factorial."""
    if argument.is_number:
        return FUNCTIONS["lgamma"].make(argument)
    return sympy.loggamma(argument)


def poly_gamma(order: Expr, argument: Expr) -> Expr:
    """ψ(x) and ψ′(x). Of a number they stay unevaluated: SymPy would work out a long sum."""
    if order not in (0, 1):
        raise DeclarationError("only orders 0 and 1 are known: digamma(x), trigamma(x)")
    if argument.is_number:
        return FUNCTIONS["trigamma" if order else "digamma"].make(argument)
    return sympy.polygamma(order, argument)


FUNCTIONS = {
    **{
        name: Function(function, function.nargs.inf, function.nargs.sup)
        for name, function in WRITABLE_ATOMS.items()
    },
    **{
        name: Function(guarded(WRITABLE_ATOMS[name]), 2, 2)
        for name in WRITABLE_ATOMS
        if name.startswith("power")
    },
    **{name: Function(of_positive(WRITABLE_ATOMS[name])) for name in ("lgamma", "digamma", "trigamma")},
    "exp": Function(exponential),
    "log": Function(logarithm, 1, 2),
    "exp2": Function(binary_exponential),
    "log2": Function(binary_logarithm),
    "log_sigmoid": Function(log_sigmoid),
    "sqrt": Function(square_root),
    "cbrt": Function(cube_root),
    "pow": Function(power, 2, 2),
    "abs": Function(sympy.Abs),
    "Abs": Function(sympy.Abs),
    "sign": Function(sympy.sign),
    "sin": Function(sympy.sin),
    "cos": Function(sympy.cos),
    "atan": Function(sympy.atan),
    "sinh": Function(sympy.sinh),
    "cosh": Function(sympy.cosh),
    "tanh": Function(sympy.tanh),
    "loggamma": Function(log_gamma),
    "polygamma": Function(poly_gamma, 2, 2),
    "max": Function(largest, 1, None),
    "Max": Function(largest, 1, None),
    "min": Function(smallest, 1, None),
    "Min": Function(smallest, 1, None),
    "sum": Function(reductions.Sum),
    "Sum": Function(reductions.Sum),
    "mean": Function(reductions.Mean),
    "Mean": Function(reductions.Mean),
    "logsumexp": Function(reductions.LogSumExp),
    "LogSumExp": Function(reductions.LogSumExp),
    "softmax": Function(reductions.Softmax),
    "Softmax": Function(reductions.Softmax),
    "log_softmax": Function(reductions.LogSoftmax),
    "LogSoftmax": Function(reductions.LogSoftmax),
    "gather": Function(reductions.Gather),
    "Gather": Function(reductions.Gather),
    "where": Function(sympy.Piecewise, 3, 3),
}

LOGIC = {
    "And": Function(sympy.And, 2, None),
    "Or": Function(sympy.Or, 2, None),
    "Not": Function(sympy.Not),
    "Eq": Function(sympy.Eq, 2, 2),
    "Ne": Function(sympy.Ne, 2, 2),
}

CONSTANTS = {"pi": sympy.pi, "E": S.Exp1}

EVERY_NAME = frozenset({*FUNCTIONS, *LOGIC, "Piecewise"})
