"""What a declaration must fulfil before anything is compiled; each refusal says what to write instead."""

from collections.abc import Mapping

from sympy import Expr

from lossgen.errors import DeclarationError
from lossgen.language.declaration import Declaration
from lossgen.language.names import CONSTRUCTOR_ARGUMENTS, suggestion
from lossgen.language.numbers import exact

MAXIMUM_VARIANTS = 16


def check_variant_count(declaration: Declaration) -> None:
    """Refuse more option combinations than one should compile kernels for."""
    count = 1
    for option in declaration.options.values():
        count *= len(option.choices)
    if count > MAXIMUM_VARIANTS:
        raise DeclarationError(
            f"{declaration.name}: its options have {count} combinations, each with its own kernels; at most "
            f"{MAXIMUM_VARIANTS} are allowed. Make some options parameters, or declare several losses."
        )


def check_arguments(declaration: Declaration) -> Declaration:
    """Refuse an explicit constructor order that forgets, repeats or invents arguments."""
    order = declaration.arguments
    if order is None:
        return declaration
    needed = {*declaration.own_arguments, "reduction", "name", "dtype"}
    needed |= {"axis"} if declaration.axis_argument else set()
    allowed = needed | ({"ignore_class"} if "ignore_class" in declaration.constructor_arguments() else set())
    for name in order:
        if name not in allowed:
            reason = {
                "axis": "; declare the loss with axis_argument=True",
                "ignore_class": "; only losses with lg.Gather (integer labels) have it",
            }.get(name, suggestion(name, allowed))
            raise DeclarationError(f"{declaration.name}: `{name}` in arguments is no argument of the loss{reason}")
    known = (*declaration.own_arguments, *CONSTRUCTOR_ARGUMENTS)
    missing = ", ".join(f"`{name}`" for name in known if name in needed - set(order))
    if missing:
        raise DeclarationError(f"{declaration.name}: arguments leaves out {missing}.")
    if len(set(order)) != len(order):
        raise DeclarationError(f"{declaration.name}: arguments lists a name twice: {', '.join(order)}.")
    return declaration


def checked_expression(declaration: Declaration, options: Mapping[str, object], formula) -> Expr:
    """The formula of one variant with exact numbers, if it can be compiled."""
    return exact(formula)
