"""Losses for Keras by name, by configuration and by declaration."""

import inspect
from collections.abc import Mapping
from typing import Any

import keras

from lossgen.errors import UnknownLossError
from lossgen.keras import backend, catalog
from lossgen.keras.loss import Loss
from lossgen.keras.penalty import Penalty
from lossgen.keras.wrapper import Wrapper, new_class
from lossgen.runtime.door import Door, made_of

OF_KERAS = ("CTC", "Circle", "ctc", "circle")
"""What lossgen has not yet of its own."""

OF_ONES_OWN = (keras.losses.Loss, keras.regularizers.Regularizer)
"""What a class must be that a configuration makes an instance of."""


def class_of(standalone: type) -> type[Wrapper]:
    """The class for Keras of a standalone class: that of the catalogue, or a new one."""
    known = catalog.CLASSES.get(standalone.__name__)
    if known is not None and known.standalone_class is standalone:
        return known
    base = Loss if standalone.inputs == Loss.inputs else Penalty
    return new_class(base, standalone.__name__, standalone, catalog.MODULE)


def function_of(cls: type[Loss]) -> Any:
    """The function of a loss of the catalogue."""
    return next(one for one in catalog.LOSS_FUNCTIONS.values() if one.loss_class is cls)


_door = Door(catalog.MODULE, class_of, lambda cls: catalog.function(function_of(cls).__name__))


def compile(declaration: Any, package: str = "Custom") -> type[Any]:
    """The class for Keras of a loss or penalty of one's own.

    A model that is saved with it holds its declaration and names `lossgen>Loss` (`lossgen>Penalty`), which
    rebuilds the class: the program that loads it imports `lossgen.keras` and needs nothing else.

    Args:
        declaration: what `@lg.loss`, `@lg.penalty`, `lg.declare` or arithmetic on declarations made, or a
            class that `lg.compile` made of it.
        package: the class is known to Keras as `package>Name`, too. Models whose class was built by `lossgen
            build`, and therefore carries no declaration, are saved under that name.

    Raises:
        CompileError: it is neither, or says something that no kernel is known for.
    """
    return registered(_door.compile(declaration).standalone_class, package)


def registered(standalone: type, package: str = "Custom") -> type[Any]:
    """The class for Keras of a standalone class, registered with Keras.

    Keras writes the name under which a class was registered last, and finds under a name what was: a class
    that carries its declaration is written as its base, which stays what is found.
    """
    from lossgen.runtime.compiled import IN_MEMORY

    cls = _door.of(standalone)
    if cls in catalog.CLASSES.values():
        return cls
    keras.saving.register_keras_serializable(package)(cls)
    if standalone.__module__.startswith(f"{IN_MEMORY}."):
        base = Loss if issubclass(cls, Loss) else Penalty
        for one in (cls, base):
            keras.saving.register_keras_serializable(catalog.PACKAGE, base.__name__)(one)
    return cls


def rebuilt(standalone: Any, state: dict[str, Any]) -> Wrapper:
    """An instance of a loss or penalty of one's own, as it was pickled."""
    cls = registered(type(standalone))
    instance = object.__new__(cls)
    instance.__dict__.update(state)
    backend.make_ready(standalone)
    return instance


def get(identifier: Any) -> Any:
    """The loss that an identifier means.

    Args:
        identifier: None; the name of a class (gives an instance) or of a function (gives the function), with
            "mse", "bce" … as for Keras; a name registered with Keras, "Custom>MyLoss"; a configuration; a
            class (gives an instance); or any callable, which comes back as it is.

    Raises:
        UnknownLossError: it means none.
    """
    if isinstance(identifier, str):
        if identifier in OF_KERAS:
            return keras.losses.get(identifier)
        registered = keras.saving.get_registered_object(identifier)
        if registered is not None:
            return registered() if inspect.isclass(registered) else registered
    elif isinstance(identifier, Mapping):
        return deserialize(identifier)
    return _door.get(identifier)


def serialize(loss: Any) -> dict[str, Any] | str:
    """A loss or function as plain data, as `keras.losses.serialize` writes it."""
    return keras.losses.serialize(loss)


def deserialize(config: Any) -> Any:
    """The loss that `serialize`, or Keras or `lossgen.serialize` for a loss of the same name, wrote down.

    Raises:
        ConfigError: the data has not the form of a configuration.
        UnknownLossError: it names no known loss.
    """
    if isinstance(config, Mapping):
        name = config.get("config") if config.get("class_name") == "function" else config.get("class_name")
        for one in (config.get("registered_name"), name):
            found = keras.saving.get_registered_object(one) if isinstance(one, str) else None
            if found is not None:
                return made_of(found, config, OF_ONES_OWN)
        if name in OF_KERAS:
            return made_of(getattr(keras.losses, name), config, OF_ONES_OWN)
        package, _, own = str(config.get("registered_name") or "").partition(">")
        if own and package != catalog.PACKAGE:
            raise UnknownLossError(
                f"{own!r} is a loss of your own that Keras does not know, and its configuration carries no "
                "declaration: pass its declaration to lossgen.keras.compile before you load it. Received: "
                f"registered_name={package}>{own}"
            )
    elif isinstance(config, str):
        return get(config)
    return _door.deserialize(config)
