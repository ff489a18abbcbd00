"""Schedule of a loss that needs no row result → one loop over all elements, rows and columns joined."""

from sympy import Expr, Integer

from .assemble import PRODUCT, Assembly, FlatKernel, Shared
from .printer import print_code
from .schedule import Schedule


def is_flat(plans: dict[str, Schedule]) -> bool:
    """Whether no sweep reads a row result and the loss is a constant times one sum."""
    if any(plan.needs_row_result or plan.definitions for plan in plans.values()) or not plans["value"].passes:
        return False
    each = plans["value"].passes[0]
    return len(each.slots) == 1 and each.slots[0].kind == "sum" and _value_factor(plans["value"]) is not None


def _value_factor(plan: Schedule) -> Expr | None:
    """c of a loss that is c times its one sum."""
    slot = plan.passes[0].slots[0].symbol
    factor = plan.value.coeff(slot)
    return factor if plan.value - factor * slot == 0 and slot not in factor.free_symbols else None


def flat_kernel(assembly: Assembly, output: str, plan: Schedule, shared: Shared) -> FlatKernel:
    """The kernel of `output` around the point function that all kernels of the loss share."""
    each, point = plan.passes[0], shared.point
    named = [(assembly.code_name(symbol), expression) for symbol, expression in each.scalars]
    constants: dict[Expr, str] = {expression: name for name, expression in reversed(named)}
    lines: list[str] = []

    def constant(expression: Expr, stem: str) -> str:
        if expression == Integer(1):
            return ""
        if expression not in constants:
            constants[expression] = f"{stem}_factor"
            named.append((constants[expression], expression))
        return constants[expression]

    factor = constant(_value_factor(plan), "value") if plan.value is not None else ""
    writes = tuple((write.name, constant(write.factor, write.name)) for write in each.writes)
    for name, expression in named:
        if expression.is_Symbol and assembly.code_name(expression) == name:
            continue
        code = print_code([expression], assembly.names_of([expression]), None)
        lines += [*code.lines, f"{name} = {code.results[0]}"]
        assembly.constant_calls |= code.calls
    value = f"{each.slots[0].symbol.name}_element" if plan.value is not None else ""
    used = {value, *(write.name for write in each.writes)}
    scalars = tuple(assembly.code_name(symbol) for symbol, _ in each.scalars)
    product = any(write.name == "product" for write in each.writes)
    arrays = ("p",) if "y" not in point.arguments else ("y", "p")
    return FlatKernel(
        f"{assembly.prefix}{output}_flat",
        output,
        tuple(lines),
        point.name,
        (*arrays, *(("vector",) if product else ())),
        point.arguments,
        scalars,
        shared.results(used),
        value,
        factor,
        writes,
        PRODUCT if product else (),
    )
