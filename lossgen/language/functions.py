"""The functions that formula text may call, by all their names, with bounds on what SymPy may work out."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import sympy
from sympy import Add, Basic, Expr, Rational, S
from sympy.core.evalf import PrecisionExhausted
from sympy.core.relational import Relational
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import Boolean

from lossgen.errors import DeclarationError
from lossgen.language import reductions
from lossgen.language.limits import MAXIMUM_BITS, MAXIMUM_EXPONENT, MAXIMUM_ROOT, MAXIMUM_VALUES, nodes, short
from lossgen.language.vocabulary import ARITHMETIC, WRITABLE_ATOMS
from lossgen.language.vocabulary import FUNCTIONS as LANGUAGE

UNREAL = (S.NaN, S.Infinity, S.NegativeInfinity, S.ComplexInfinity, S.ImaginaryUnit)
KNOWN = (*ARITHMETIC, Boolean, sympy.Piecewise, ExprCondPair)
SMALLEST, LARGEST = sympy.Float("1e-300"), sympy.Float("1e300")
TOO_HARD = "this power of a number is too hard to work out; write the number that it is"
TOO_LARGE = "this constant is too large or too small for a float"


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
    elif base == S.Exp1:
        return exponential(exponent)
    elif base.is_number and exponent.is_number and base.is_positive:
        check_constant(sympy.exp(exponent.evalf(15) * sympy.log(base.evalf(15))))
    elif exponent.has(sympy.Piecewise):  # SymPy may look into its branches when it compares
        largest_exponent = sympy.prod(max(abs(number), S.One) for number in exponent.atoms(Rational))
        if size * largest_exponent > MAXIMUM_BITS:
            raise DeclarationError(TOO_HARD)
    return base**exponent


def bits(number: Rational) -> int:
    """How many bits numerator and denominator have."""
    return int(number.p).bit_length() + int(number.q).bit_length()


def check_constant(value: Expr) -> None:
    """Refuse a constant that is no real number of a float's size: SymPy may never finish comparing those."""
    if value.is_Rational:
        return
    if value.has(reductions.Reduction):
        raise DeclarationError(
            "a reduction runs over what differs from column to column, y_true or y_pred; of a constant write "
            "what it is (C for the number of columns)"
        )
    try:
        number = value.evalf(15, strict=True)
    except PrecisionExhausted:
        raise DeclarationError("this constant cannot be told from 0; leave it out") from None
    except (AttributeError, TypeError):  # from an atom outside its domain, where its reference is complex
        raise DeclarationError("this constant is no real number") from None
    if not number.is_Float:
        raise DeclarationError("this constant is no real number" if number.is_real is False else TOO_LARGE)
    if not SMALLEST < abs(number) < LARGEST:
        raise DeclarationError(TOO_LARGE)


def check_constants(expression: Basic) -> None:
    """Refuse a formula with a constant part that SymPy must not work out, the innermost first.

    For formulas that did not pass the parser: with `evaluate=False` anything can be written. What is no
    function of the language is left to the checks of the vocabulary.
    """
    foreign: set[Basic] = set()
    language = LANGUAGE.difference(reductions.REDUCTIONS)
    for node in reversed([each for each, _ in nodes(expression)]):
        known = isinstance(node, KNOWN) or node.func in language or not node.args
        if not known or node in UNREAL or not foreign.isdisjoint(node.args):
            foreign.add(node)
        elif isinstance(node, Relational | sympy.Max | sympy.Min):
            check_comparison(*(side for side in node.args if isinstance(side, Expr) and side.is_number))
        elif isinstance(node, Expr) and node.args and node.is_number:
            check_constant(node)


def check_comparison(*sides: Expr) -> None:
    """Refuse to compare constants that differ by less than SymPy can tell."""
    for first, second in itertools.combinations(sides, 2):
        if (difference := first - second).is_number:
            check_constant(difference)


def guarded(function: type[Expr]) -> Callable[..., Expr]:
    """A power-like atom of (base, exponent), bounded as powers are."""

    def make(base: Expr, exponent: Expr) -> Expr:
        if base.is_number and exponent.is_number:
            power(base, exponent)
        return function(base, exponent)

    return make


def of_positive(function: type[Expr]) -> Callable[..., Expr]:
    """A function related to Γ: of negative numbers, its reference can take for ever."""

    def make(argument: Expr) -> Expr:
        if argument.is_number and not argument.is_positive:
            raise DeclarationError("of numbers, only positive ones are allowed here")
        return function(argument)

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


def elementwise(extreme: type[Expr], arguments: tuple[Expr, ...]) -> Expr:
    """The largest or smallest of some values; SymPy compares each with each."""
    if sum(len(each.args) if isinstance(each, extreme) else 1 for each in arguments) > MAXIMUM_VALUES:
        raise DeclarationError(f"at most {MAXIMUM_VALUES} values are compared")
    check_comparison(*arguments)
    return extreme(*arguments)


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
    "sqrt": Function(sympy.sqrt),
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
