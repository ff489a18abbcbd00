"""A loss as plain data and back: every constructor argument, in types that JSON has."""

import inspect

import numpy as np

from lossgen.errors import ConfigError


def plain(value):
    """A constructor argument as JSON types: tuples and arrays as lists, NumPy numbers as Python's."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


def check_config(cls, config) -> dict:
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
