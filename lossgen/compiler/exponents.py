"""Which parameters are exponents, so that small whole ones may be passed as integers and multiplied out."""

from collections.abc import Iterable

from sympy import Expr, Integer, Symbol

from lossgen.language.atoms import power_curvature, power_slope
from lossgen.runtime.plan import MOST_MULTIPLIED

from .schedule import POWERS, Schedule

LEAST, MOST = -3, 4
"""Exponents for which products are as accurate as powers."""

LESS = {power_slope: 1, power_curvature: 2}
"""By how much the exponent of a derivative is less than the one it names."""


def whole_exponents(schedules: Iterable[Schedule], parameters: Iterable[str]) -> tuple[str, ...]:
    """The parameters that occur in exponents, all of which stay small as long as the parameter does."""
    exponents = {exponent for plan in schedules for exponent in _exponents(plan)}
    found = []
    for name in parameters:
        symbols = {each for exponent in exponents for each in exponent.free_symbols if each.name == name}
        having = [exponent for exponent in exponents if exponent.free_symbols & symbols]
        if having and all(_stays_small(exponent, *symbols) for exponent in having):
            found.append(name)
    return tuple(found)


def _exponents(plan: Schedule) -> Iterable[Expr]:
    """Every exponent in the passes, the picks, the row quantities and the row's loss."""
    expressions = [expression for _, expression in plan.definitions]
    expressions += [plan.value] if plan.value is not None else []
    expressions += [pick.expression for picks in plan.picks for pick in picks]
    named = {}
    for each in plan.passes:
        named |= dict(each.scalars)
        expressions += [slot.summand for slot in each.slots]
        expressions += [part for write in each.writes for part in (write.expression, write.factor)]
        expressions += [store.factor for store in each.stores]
        expressions += [expression for _, expression in each.scalars]
    for expression in expressions:
        for power in expression.atoms(*POWERS):
            yield power.args[1].xreplace(named) - LESS.get(power.func, 0)


def _stays_small(exponent: Expr, symbol: Symbol) -> bool:
    values = [exponent.subs(symbol, Integer(value)) for value in range(MOST_MULTIPLIED + 1)]
    return all(value.is_number and LEAST <= value <= MOST for value in values)
