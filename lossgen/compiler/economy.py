"""What makes kernels compute less at a column: one logarithm for two, exponentials kept, hits taken out.

All work on what the sweeps of one kernel sum and write, before anything is hoisted out of them.
"""

from dataclasses import dataclass, replace

from sympy import Add, Expr, Integer, Pow, Symbol, exp, expand_mul

from lossgen.language.atoms import (
    absolute,
    keep,
    power,
    power_curvature,
    power_log,
    power_slope,
    relu,
    softplus,
)

from .kernel_functions import excluded_exponential, guarded_product
from .ladder import KEPT
from .lower import Slot

POWERS = (Pow, power, power_slope, power_curvature, power_log)
"""Functions whose second argument is an exponent."""


@dataclass(frozen=True)
class Output:
    """One element output: its expression and, by hit, the expression at the one column of that hit."""

    name: str
    expression: Expr
    at_hits: tuple[tuple[Symbol, Expr], ...] = ()


@dataclass(frozen=True)
class Round:
    """What one sweep sums and writes.

    `keeps` is an exponential that the sweep leaves in the array of the output `array`; `reads_kept` says that
    it finds one there.
    """

    slots: tuple[Slot, ...]
    outputs: tuple[Output, ...]
    keeps: Expr | None = None
    reads_kept: bool = False
    array: str = ""


def join_softplus(expression: Expr) -> Expr:
    """(1 − a)·softplus(x) + a·softplus(−x) → (1 − a)·relu(x) + a·relu(−x) + softplus(−|x|): one logarithm.

    For placed targets, whose parts show that the factors add up to 1; and for kernels alone, which nothing
    differentiates: the slopes of the parts at x = 0 do not add up to that of the sum.
    """
    if not expression.has(softplus):
        return expression
    expression = expression.func(*map(join_softplus, expression.args)) if expression.args else expression
    if not isinstance(expression, Add):
        return expression
    for found in sorted(expression.atoms(softplus), key=str):
        (x,) = found.args
        factors = [expression.coeff(each) for each in (found, softplus(-x))]
        whole = Add(*factors).replace(keep, lambda part: part)
        rest = expression - factors[0] * found - factors[1] * softplus(-x)
        if 0 not in factors and expand_mul(whole) == 1 and not rest.has(found, softplus(-x)):
            return rest + factors[0] * relu(x) + factors[1] * relu(-x) + softplus(-absolute(x))
    return expression


def keep_exponential(rounds: list[Round]) -> list[Round]:
    """The exponentials of a log-sum-exp, written where an output will go, instead of computed once more.

    The sweep that sums them leaves them in the array of an output that is written last; whatever comes after
    reads them there. An exponential costs several times what a column of an array in cache does.
    """
    for number, each in enumerate(rounds):
        for slot in each.slots:
            if slot.kind != "sum" or not isinstance(slot.summand, excluded_exponential):
                continue
            exponential = exp(slot.summand.args[0])
            readers = [
                later for later in range(number + 1, len(rounds)) if _reads(rounds[later], exponential)
            ]
            written = [later for later, one in enumerate(rounds) if one.outputs]
            if not readers or not written or min(written) <= number or max(written) < readers[-1]:
                continue
            array = rounds[max(written)].outputs[0].name
            return [
                replace(one, keeps=exponential, array=array)
                if later == number
                else replace(_with_kept(one, exponential), array=array)
                if later in readers
                else one
                for later, one in enumerate(rounds)
            ]
    return rounds


def _reads(each: Round, exponential: Expr) -> bool:
    expressions = [slot.summand for slot in each.slots] + [output.expression for output in each.outputs]
    return any(expression.has(exponential) for expression in expressions)


def _with_kept(each: Round, exponential: Expr) -> Round:
    known = {exponential: KEPT}
    return replace(
        each,
        slots=tuple(replace(slot, summand=slot.summand.xreplace(known)) for slot in each.slots),
        outputs=tuple(replace(one, expression=one.expression.xreplace(known)) for one in each.outputs),
        reads_kept=True,
    )


def take_hits_out(rounds: list[Round], hits: frozenset[Symbol]) -> list[Round]:
    """Outputs without their hits; what stands at the column of a hit is written there after the sweep.

    A comparison at every column costs more than an output of few operations does.
    """
    return [
        replace(each, outputs=tuple(_without_hits(output, hits) for output in each.outputs))
        for each in rounds
    ]


def _without_hits(output: Output, hits: frozenset[Symbol]) -> Output:
    found = sorted(output.expression.free_symbols & hits, key=lambda hit: hit.name)
    if not found or _has_row_exponent(output.expression):
        return output
    elsewhere = _opened(output.expression.xreplace(dict.fromkeys(found, Integer(0))))
    at_hits = tuple((hit, _opened(output.expression.xreplace({hit: Integer(1)}))) for hit in found)
    return replace(output, expression=elsewhere, at_hits=at_hits)


def _has_row_exponent(expression: Expr) -> bool:
    """Whether an exponent has to stay in float64, which only sweeps provide for."""
    return any(part.args[1].free_symbols for part in expression.atoms(*POWERS))


def _opened(expression: Expr) -> Expr:
    """The expression without parentheses around numbers and products with them."""
    if not expression.args:
        return expression
    arguments = [_opened(argument) for argument in expression.args]
    if isinstance(expression, keep) and arguments[0].is_Number:
        return arguments[0]
    if isinstance(expression, guarded_product) and any(argument.is_Number for argument in arguments):
        return arguments[0] * arguments[1]
    return expression if arguments == list(expression.args) else expression.func(*arguments)
