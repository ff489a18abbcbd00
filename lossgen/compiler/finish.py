"""The last rewriting, once per output and never differentiated: what buys accuracy in the kernel.

Differences from a log-sum-exp become the atoms `log_softmax`, `softmax` and `softmax_complement`, which are
computed from (maximum, rest of the sum) and cancel nowhere; then the complement splits of `accurate`.
"""

from sympy import Add, Expr, Mul, Pow, Symbol, cosh, exp, sinh

from lossgen.language.atoms import (
    expm1,
    exprel,
    greater,
    inside,
    log_softmax,
    power_curvature,
    power_slope,
    sigmoid,
    softmax,
    softmax_complement,
    step,
)

from .kernel_functions import guarded_product, vanishing
from .ladder import LABEL_HIT, Ladder, Rung, hit_symbol
from .stabilise import accurate

INDICATORS = (greater, inside, step)
GROWING = (expm1, exprel, cosh, sinh)
BOUNDED = (sigmoid, softmax, softmax_complement)
SOFTMAX_ATOMS = (log_softmax, softmax, softmax_complement)


def finish(expression: Expr, ladder: Ladder, targets: frozenset[Symbol], trace: list | None = None) -> Expr:
    """The form that the kernel computes; `targets` are the symbols of the target and of its parts."""
    rungs = [rung for rung in ladder.rungs if rung.kind == "logsumexp"]
    for rung in rungs:
        expression = _softmax_atoms(expression, rung)
    finished = accurate(expression, targets=targets, trace=trace)
    return _guard_products(finished, ladder, targets)


def guard_norms(derivative: Expr, ladder: Ladder) -> Expr:
    """The derivative of a root of a sum, 0 where the sum is: Σ p² = 0 means p = 0, and 0/0 is no slope."""
    sums = {rung.symbol for rung in ladder.rungs if rung.kind == "sum" and rung.symbol.is_nonnegative}
    roots = {
        power
        for power in derivative.atoms(Pow)
        if power.base in sums and power.exp.is_Rational and power.exp.is_negative and not power.exp.is_Integer
    }
    return derivative.xreplace({power: vanishing(power.base, power) for power in roots})


def _softmax_atoms(expression: Expr, rung: Rung) -> Expr:
    if rung.symbol not in expression.free_symbols or expression == rung.symbol:
        return expression
    if isinstance(expression, SOFTMAX_ATOMS):
        return expression
    arguments = [_softmax_atoms(argument, rung) for argument in expression.args]
    if isinstance(expression, exp) and isinstance(arguments[0], log_softmax):
        return softmax(*arguments[0].args)
    if isinstance(expression, expm1) and isinstance(arguments[0], log_softmax):
        return -softmax_complement(*arguments[0].args)
    rebuilt = expression.func(*arguments) if arguments else expression
    if isinstance(rebuilt, Add) and rebuilt.has(rung.symbol):
        return _difference(rebuilt, rung)
    return rebuilt


def _difference(sum_: Add, rung: Rung) -> Expr:
    """c·u − c·L + rest → c·log_softmax(u, L) + rest, where that leaves no bare L behind."""
    factor = -sum_.coeff(rung.symbol)
    rest = sum_ - factor * (rung.summand - rung.symbol)
    if factor == 0 or _is_bare(rung.symbol, rest) or len(Add.make_args(rest)) >= len(sum_.args):
        return sum_
    return factor * log_softmax(rung.summand, rung.symbol) + rest


def _is_bare(symbol: Symbol, expression: Expr) -> bool:
    """Whether the symbol stands outside of the atoms of its rung."""
    if expression == symbol:
        return True
    if symbol not in expression.free_symbols or isinstance(expression, SOFTMAX_ATOMS):
        return False
    return any(_is_bare(symbol, argument) for argument in expression.args)


def _guard_products(expression: Expr, ladder: Ladder, symbols: frozenset[Symbol]) -> Expr:
    """Products that are 0 because one factor is, though another one is infinite.

    A target of 0 times log_softmax = −∞; an indicator of 0 times what overflows elsewhere; and the slope of a
    power at 0 times what vanishes with its base.
    """
    if not expression.args:
        return expression
    arguments = [_guard_products(argument, ladder, symbols) for argument in expression.args]
    if isinstance(expression, Pow) and arguments[0] in hits(ladder) and arguments[1].is_positive:
        return arguments[0]
    if not isinstance(expression, Mul):
        return expression.func(*arguments)
    for guards in (_targets_of_logarithms, _indicators, _vanishing_with_base, _vanishing_exponentials):
        arguments = guards(arguments, ladder, symbols)
    return Mul(*arguments)


def _targets_of_logarithms(factors: list[Expr], ladder: Ladder, symbols: frozenset[Symbol]) -> list[Expr]:
    targets = [factor for factor in factors if factor.free_symbols & symbols and not factor.has(log_softmax)]
    logarithms = [factor for factor in factors if isinstance(factor, log_softmax)]
    if not targets or len(logarithms) != 1:
        return factors
    rest = [factor for factor in factors if factor not in targets and factor not in logarithms]
    return [*rest, guarded_product(Mul(*targets), logarithms[0])]


def _indicators(factors: list[Expr], ladder: Ladder, symbols: frozenset[Symbol]) -> list[Expr]:
    zero_or_one = [factor for factor in factors if factor in hits(ladder) or isinstance(factor, INDICATORS)]
    rest = [factor for factor in factors if factor not in zero_or_one]
    unbounded = [factor for factor in rest if factor.free_symbols & ladder.element_symbols and factor.args]
    if not zero_or_one or not unbounded:
        return factors
    others = [factor for factor in rest if factor not in unbounded]
    return [*others, guarded_product(Mul(*zero_or_one), Mul(*unbounded))]


def _vanishing_with_base(factors: list[Expr], ladder: Ladder, symbols: frozenset[Symbol]) -> list[Expr]:
    """What may vanish with the base meets the slope first, once: its square would underflow before."""
    slopes = [factor for factor in factors if isinstance(factor, (power_slope, power_curvature))]
    rest = [factor for factor in factors if factor not in slopes]
    varying = [f for f in rest if f.args and f.free_symbols & ladder.element_symbols]
    if len(slopes) != 1 or not varying:
        return factors
    guards = [factor for factor in varying if isinstance(_square_root(factor), BOUNDED)] or varying[:1]
    again = [factor.base for factor in guards if _square_root(factor) != factor]
    guard = Mul(*(_square_root(factor) for factor in guards))
    return [*(factor for factor in rest if factor not in guards), *again, guarded_product(guard, slopes[0])]


def _vanishing_exponentials(factors: list[Expr], ladder: Ladder, symbols: frozenset[Symbol]) -> list[Expr]:
    """exp(−e^v) and 1/exprel(e^v) vanish before an exponential of v overflows: their product with it is 0."""
    fading = [factor for factor in factors if _fades(factor)]
    growing = [factor for factor in factors if factor not in fading and factor.has(exp, *GROWING)]
    if not fading or not growing:
        return factors
    rest = [factor for factor in factors if factor not in fading and factor not in growing]
    return [*rest, guarded_product(Mul(*fading), Mul(*growing))]


def _fades(factor: Expr) -> bool:
    """Whether a factor falls faster than any exponential of a symbol grows."""
    if isinstance(factor, exp):
        return any(part.could_extract_minus_sign() and part.has(exp) for part in Add.make_args(factor.exp))
    base, exponent = factor.as_base_exp()
    return isinstance(base, exprel) and base.args[0].has(exp) and bool(exponent.is_negative)


def _square_root(factor: Expr) -> Expr:
    """x for x² of a bounded x, else the factor itself."""
    is_square = isinstance(factor, Pow) and factor.exp == 2 and isinstance(factor.base, BOUNDED)
    return factor.base if is_square else factor


def hits(ladder: Ladder) -> frozenset[Symbol]:
    """The ladder's symbols that are 1 at one column and 0 elsewhere."""
    return frozenset({LABEL_HIT, *(hit_symbol(rung) for rung in ladder.rungs)})
