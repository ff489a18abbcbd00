"""Losses for Keras 2 by name, by configuration and by declaration."""

import inspect
from collections.abc import Mapping
from typing import Any

import tf_keras

from lossgen.runtime.compiled import IN_MEMORY
from lossgen.runtime.door import Door, made_of
from lossgen.runtime.function import function_of
from lossgen.tf_keras.loss import MODULE, Loss, make_class

PACKAGE = "lossgen"

_door = Door(MODULE, make_class, function_of)

ALIASES = {
    "kullback_leibler_divergence": "kl_divergence",
    "logcosh": "log_cosh",
    "huber_loss": "huber",
}
"""Further names that Keras 2 has for its functions."""

tf_keras.saving.register_keras_serializable(PACKAGE)(Loss)  # rebuilds a class of one's own

CATALOGUE = {name: _door.attribute(name) for name in _door.names()}
for _one in CATALOGUE.values():
    _one.__module__ = MODULE
    tf_keras.saving.register_keras_serializable(PACKAGE)(_one)
CATALOGUE |= {name: CATALOGUE[_known] for name, _known in ALIASES.items()}
CATALOGUE |= {
    name: _door.attribute(name)
    for name in ("mse", "MSE", "mae", "MAE", "mape", "MAPE", "msle", "MSLE", "bce", "BCE", "kld", "KLD")
}
"""Every class and function by name."""


def compile(declaration: Any, package: str = "Custom") -> type[Loss]:
    """The Keras 2 class of a loss of one's own.

    A model that is saved with it holds its declaration and names `lossgen>Loss`, which rebuilds the class:
    the program that loads it needs lossgen and nothing else.

    Args:
        declaration: what `@lg.loss`, `lg.declare` or arithmetic on declarations made, or a class that
            `lg.compile` made of it.
        package: the class is known to Keras as `package>Name`, too.

    Raises:
        CompileError: it is neither, or says something that no kernel is known for.
    """
    return registered(_door.compile(declaration).standalone, package)


def registered(standalone: type, package: str = "Custom") -> type[Loss]:
    """The Keras 2 class of a standalone class, registered with Keras.

    Keras writes the name under which a class was registered last, and finds under a name what was: a class
    that carries its declaration is written as its base, which stays what is found.
    """
    cls = _door.of(standalone)
    if cls in CATALOGUE.values():
        return cls
    tf_keras.saving.register_keras_serializable(package)(cls)
    if standalone.__module__.startswith(f"{IN_MEMORY}."):
        for one in (cls, Loss):
            tf_keras.saving.register_keras_serializable(PACKAGE, Loss.__name__)(one)
    return cls


def get(identifier: Any) -> Any:
    """The loss that an identifier means.

    Args:
        identifier: None; the name of a class (gives an instance) or of a function (gives the function), with
            the short names of Keras 2; a registered name, "Custom>MyLoss"; a configuration; a class (gives an
            instance); or any callable, which comes back as it is.

    Raises:
        UnknownLossError: it means none.
    """
    if isinstance(identifier, str):
        found = CATALOGUE.get(identifier, tf_keras.saving.get_registered_object(identifier))
        if found is not None:
            return found() if inspect.isclass(found) else found
    elif isinstance(identifier, Mapping):
        return deserialize(identifier)
    return _door.get(identifier)


def serialize(loss: Any) -> dict[str, Any] | str:
    """A loss as plain data, as `tf_keras.losses.serialize` writes it; a function by its name."""
    if isinstance(loss, tf_keras.losses.Loss):
        return tf_keras.losses.serialize(loss)
    return tf_keras.saving.serialize_keras_object(loss)


def deserialize(config: Any) -> Any:
    """The loss that `serialize`, or Keras or `lossgen.serialize` for a loss of the same name, wrote down.

    Raises:
        ConfigError: the data has not the form of a configuration.
        UnknownLossError: it names no known loss.
    """
    if isinstance(config, str):
        return get(config)
    if isinstance(config, Mapping):
        name = config.get("config") if config.get("class_name") == "function" else config.get("class_name")
        registered = config.get("registered_name")
        for one in (registered, name, f"{PACKAGE}>{name}"):
            found = tf_keras.saving.get_registered_object(one) if isinstance(one, str) else None
            if found is not None:
                return made_of(found, config, (tf_keras.losses.Loss,))
    return _door.deserialize(config)
