"""Constructors of compiled losses: a real signature from the declared arguments, every value checked."""

import inspect
import re
from typing import Any

from lossgen.errors import DeclarationError, ParameterError
from lossgen.runtime.inputs import check_axes
from lossgen.runtime.labels import check_ignore_class
from lossgen.runtime.shapes import check_axis

POSITIONAL, KEYWORD = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY

# What every constructor takes besides its own parameters and options, with the check of its value.
BASE_ARGUMENTS = ("reduction", "name", "dtype")
SHAPE_ARGUMENTS = {"axis": check_axis, "ignore_class": check_ignore_class, "axes": check_axes}


def snake_case(class_name: str) -> str:
    """MeanSquaredError → mean_squared_error, KLDivergence → kl_divergence, SmoothL1 → smooth_l1."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", class_name).lower()


def constructor_signature(cls, base: dict[str, Any]) -> inspect.Signature:
    """The signature without `self`: `cls.arguments` in order, then what they leave out, by keyword.

    Args:
        base: arguments besides parameters and options, with their defaults.
    """
    own = {**cls.parameters, **cls.options}
    defaults = {**{name: item.default for name, item in own.items()}, **base}
    order = cls.arguments or (*own, *(name for name in BASE_ARGUMENTS if name in base))
    unknown = [name for name in order if name not in defaults]
    if unknown:
        raise DeclarationError(
            f"{cls.__name__}.arguments lists `{unknown[0]}`, which is no parameter, no option and no "
            f"argument of every loss. It may list {', '.join(defaults)}."
        )
    rest = [name for name in defaults if name not in order]
    return inspect.Signature(
        [inspect.Parameter(name, POSITIONAL, default=defaults[name]) for name in order]
        + [inspect.Parameter(name, KEYWORD, default=defaults[name]) for name in rest]
    )


def check_names(cls, taken: frozenset[str]) -> None:
    """Refuses a parameter or option whose attribute would hide something that every loss has.

    Raises:
        DeclarationError: names the parameter.
    """
    for name in (*cls.parameters, *cls.options):
        if name in taken or name in BASE_ARGUMENTS or name in SHAPE_ARGUMENTS:
            raise DeclarationError(
                f"{cls.__name__}: a parameter cannot be called `{name}`, every loss has that already. "
                "Rename it."
            )


def check_instance_name(name) -> str | None:
    """The `name` argument.

    Raises:
        ParameterError: it is neither text nor None.
    """
    if name is None or isinstance(name, str):
        return name
    raise ParameterError(f"`name` must be a text or None. Received: name={name!r}")


def checked_arguments(cls, values: dict) -> dict:
    """The parameters, options, axis and ignored label among constructor arguments, each checked.

    Raises:
        ParameterError: a value outside its range; names the argument.
    """
    checked = {name: parameter.check(name, values[name]) for name, parameter in cls.parameters.items()}
    checked |= {name: option.check(name, values[name]) for name, option in cls.options.items()}
    return checked | {name: check(values[name]) for name, check in SHAPE_ARGUMENTS.items() if name in values}


def bind(cls, signature: inspect.Signature, args: tuple, kwargs: dict) -> dict:
    """Constructor arguments by name, defaults filled in; a TypeError names the class."""
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        carried = "declaration" in kwargs and "declaration" not in signature.parameters
        advice = f". A configuration is read by {cls.__name__}.from_config" if carried else ""
        raise TypeError(f"{cls.__name__}{signature}: {error}{advice}") from None
    bound.apply_defaults()
    return bound.arguments


def make_constructor(cls):
    """`__init__` for a class, whose `_initialise` receives the arguments by name."""
    signature = cls.signature

    def __init__(self, *args, **kwargs):
        self._initialise(bind(cls, signature, args, kwargs))

    own = inspect.Parameter("self", POSITIONAL)
    __init__.__signature__ = signature.replace(parameters=[own, *signature.parameters.values()])
    __init__.__qualname__ = f"{cls.__qualname__}.__init__"
    __init__.__module__ = cls.__module__
    return __init__
