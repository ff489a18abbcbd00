"""Checks of a declaration as a whole: its variants, its parameters, the order of its arguments."""

import math
from dataclasses import replace

from lossgen.errors import DeclarationError, LimitError
from lossgen.language.declaration import Declaration
from lossgen.language.limits import MAXIMUM_ARGUMENTS, MAXIMUM_VARIANTS
from lossgen.language.names import CONSTRUCTOR_ARGUMENTS, suggestion


def check_variant_count(declaration: Declaration) -> None:
    """Refuse more arguments, or option combinations, than one should compile kernels for."""
    if len(declaration.own_arguments) > MAXIMUM_ARGUMENTS:
        raise LimitError(
            f"{declaration.name}: {len(declaration.own_arguments)} parameters and options; at most "
            f"{MAXIMUM_ARGUMENTS} are allowed. A parameter with per_class=True holds one number a column."
        )
    count = math.prod(len(option.choices) for option in declaration.options.values())
    if count > MAXIMUM_VARIANTS:
        raise LimitError(
            f"{declaration.name}: its options have {count} combinations, each with its own kernels; at most "
            f"{MAXIMUM_VARIANTS} are allowed. Make some options parameters, or declare several losses."
        )


def check_parameters(declaration: Declaration) -> None:
    """Refuse a parameter that no variant's formula contains."""
    used = {
        symbol
        for case in declaration.cases.values()
        for term in case.terms
        for symbol in term.expression.free_symbols
    }
    for name, symbol in declaration.symbols().items():
        if symbol not in used:
            raise DeclarationError(
                f"{declaration.name}: no formula contains the parameter `{name}`; use it or leave it out."
            )


def check_order(declaration: Declaration) -> None:
    """Refuse an explicit constructor order that forgets, repeats or invents arguments."""
    order = declaration.arguments
    if order is None:
        return
    usual = {*replace(declaration, arguments=None).constructor_arguments()}
    needed = usual - {"ignore_class"}
    labels = any(declaration.uses_labels(options) for options in declaration.variants())
    allowed = needed | ({"ignore_class"} if labels else set())
    for name in order:
        if name not in allowed:
            reason = {
                "axis": "; declare the loss with axis_argument=True.",
                "ignore_class": "; only losses with lg.Gather (integer labels) have it.",
            }.get(name, suggestion(name, allowed, "."))
            raise DeclarationError(
                f"{declaration.name}: `{name}` in arguments is no argument of the loss{reason}"
            )
    known = (*declaration.own_arguments, *CONSTRUCTOR_ARGUMENTS)
    missing = ", ".join(f"`{name}`" for name in known if name in needed - set(order))
    if missing:
        raise DeclarationError(f"{declaration.name}: arguments leaves out {missing}.")
    if len(set(order)) != len(order):
        raise DeclarationError(f"{declaration.name}: arguments lists a name twice: {', '.join(order)}.")
