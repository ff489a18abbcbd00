"""A loss as plain data and back: every constructor argument, in types that JSON has, and for losses of one's
own the declaration that their class is compiled from.
"""

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from lossgen.errors import ConfigError


def plain(value: Any) -> Any:
    """A constructor argument as JSON types: tuples and arrays as lists, NumPy numbers as Python's."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


DECLARATION = "declaration"
"""The key of a configuration under which it carries its own declaration."""


def with_declaration(config: dict[str, Any], cls: Any, portable: bool | None) -> dict[str, Any]:
    """The configuration, and the declaration of the class where it is to be carried.

    Args:
        cls: a compiled class of `lossgen.losses` or `lossgen.penalties`.
        portable: whether it is; None: for a class that no other process can import.

    Raises:
        ConfigError: the declaration is not known, or cannot be written down.
    """
    from lossgen.runtime.compiled import IN_MEMORY

    if portable is None:
        portable = cls.__module__.startswith(f"{IN_MEMORY}.")
    if not portable:
        return config
    from lossgen.compiler.carried import portable_of

    return {**config, DECLARATION: portable_of(cls)}


def carries_declaration(config: Any) -> bool:
    """Whether a configuration says itself which class it is for."""
    return isinstance(config, Mapping) and isinstance(config.get(DECLARATION), Mapping)


def class_and_arguments(config: Any, cls: Any = None) -> tuple[Any, dict[str, Any]]:
    """The compiled class that a configuration is for, and the constructor's arguments.

    Args:
        config: what `get_config` made.
        cls: the class that it must be for; None: the one of the declaration that it carries.

    Raises:
        ConfigError: the declaration is missing, none, or not that of the class.
    """
    if not carries_declaration(config):
        if cls is None:
            raise ConfigError(
                "A configuration of the base class carries a declaration, as `get_config(portable=True)` "
                "writes it; this one has none. Call `from_config` of the loss's own class."
            )
        return cls, config
    from lossgen.compiler.carried import check_same, class_of

    arguments = {name: value for name, value in config.items() if name != DECLARATION}
    if cls is None:
        return class_of(config[DECLARATION]), arguments
    check_same(cls, config[DECLARATION])
    return cls, arguments


def check_config(cls: type, config: Any) -> dict[str, Any]:
    """A configuration whose keys the constructor of the class takes.

    Raises:
        ConfigError: it is no dictionary, or has a key that the constructor does not know.
    """
    if not isinstance(config, dict):
        raise ConfigError(
            f"The configuration of {cls.__name__} must be a dictionary. Received: {type(config).__name__}"
        )
    parameters = inspect.signature(cls).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return config
    for key in config:
        if key not in parameters:
            raise ConfigError(
                f"{cls.__name__} has no argument `{key}`, which the configuration holds. "
                f"It takes {', '.join(parameters)}."
            )
    return config
