"""What the keyword arguments of a declared function become: parameters or options."""

from sympy import Number, Symbol

from lossgen.errors import DeclarationError
from lossgen.language.symbols import parameter_symbol
from lossgen.runtime.parameters import Option, Parameter, is_number, plain_value

__all__ = ["Option", "Parameter", "argument_of", "symbol_of"]


def argument_of(loss: str, name: str, default: object) -> Parameter | Option:
    """The parameter or option that a keyword with this default declares.

    Raises:
        DeclarationError: the default is neither a number, a boolean, a `Parameter` nor an `Option`.
    """
    if isinstance(default, Parameter | Option):
        return default
    value = plain_value(default)
    if isinstance(value, bool):
        return Option(value)
    if isinstance(value, Number):
        value = float(value)
    if is_number(value):
        return Parameter(float(value))
    if isinstance(value, str):
        advice = f"write {name}=lg.Option({value!r}, choices=({value!r}, …))"
    elif isinstance(value, list | tuple):
        advice = f"write {name}=lg.Parameter({value!r}, per_class=True) for one number a column"
    else:
        advice = "a number, a boolean, lg.Parameter(…) or lg.Option(…) is needed"
    raise DeclarationError(f"{loss}: the default of `{name}` is {default!r}; {advice}.")


def symbol_of(name: str, parameter: Parameter) -> Symbol:
    """The symbol of a parameter, with the sign that its range guarantees."""
    return parameter_symbol(name, positive=parameter.is_positive, nonnegative=parameter.is_nonnegative)
