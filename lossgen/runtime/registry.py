"""Losses and penalties by name: from a table of names to classes, functions, instances and plain
configurations, and back.

Only names of the table and of the caller's `custom_objects` are ever looked up: a configuration never makes
this import a module, evaluate text or load a pickle. One that carries its declaration is compiled from that.
"""

import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from lossgen.errors import ConfigError, UnknownLossError
from lossgen.runtime.configuration import carries_declaration

PACKAGE = "lossgen"  # the package in registered names: "lossgen>Huber"
PLURALS = {"loss": "losses", "penalty": "penalties"}  # also the modules where a person finds them
LONGEST_NAME = 200  # of what is compared with known names, at a cost that grows with its length
NOT_YET = ("CTC", "ctc", "Circle", "circle")


class Registry:
    """Losses (or penalties) of a package, loaded when they are first asked for.

    Args:
        package: the package that holds the modules of the tables.
        classes, functions: name → module in the package.
        identifiers: further strings (such as "mse") → name of a class or function.
        kind: what they are, "loss" or "penalty".
    """

    def __init__(
        self,
        package: str,
        classes: Mapping[str, str],
        functions: Mapping[str, str],
        identifiers: Mapping[str, str],
        kind: str = "loss",
    ):
        self.package, self.kind = package, kind
        self.classes, self.functions, self.identifiers = classes, functions, identifiers
        self.modules = {**classes, **functions}
        self.base = kind.capitalize()  # "Loss": what rebuilds a class from a declaration

    def names(self) -> list[str]:
        """Every string that `find` knows."""
        return sorted({*self.modules, *self.identifiers})

    def find(self, name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The class or function of a name, of another identifier, or of a registered name "lossgen>Huber".

        Raises:
            UnknownLossError: nothing is called so; suggests what is spelled alike.
        """
        if len(name) > LONGEST_NAME:
            raise UnknownLossError(self.advice(name))
        if custom_objects and name in custom_objects:
            return custom_objects[name]
        package, _, plain = name.rpartition(">")
        known = plain if package in ("", PACKAGE) else name
        if custom_objects and plain in custom_objects:
            return custom_objects[plain]
        known = self.identifiers.get(known, known)
        if known in self.modules:
            return getattr(import_module(f"{self.package}.{self.modules[known]}"), known)
        raise UnknownLossError(self.advice(name))

    def advice(self, name: str) -> str:
        """What to say of a name that is not known."""
        name = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
        if name in NOT_YET and self.kind == "loss":
            return f"The loss {name!r} is not yet available in lossgen."
        lower = {known.lower(): known for known in self.names()}
        close = get_close_matches(name, self.names(), n=3)
        close = close or [lower[one] for one in get_close_matches(name.lower(), lower, n=3)]
        meant = f"Did you mean {' or '.join(repr(one) for one in close)}? " if close else ""
        return (
            f"Could not interpret {self.kind} identifier: {name!r}. {meant}"
            f"Pass a {self.kind} of your own as a class, an instance or a function, or name it in "
            "`custom_objects`."
        )

    def get(self, identifier: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The loss that an identifier means.

        Args:
            identifier: None; the name of a class (gives an instance) or of a function (gives the function);
                a configuration; a class (gives an instance); or any callable, which comes back as it is.
            custom_objects: further classes and functions by name.

        Raises:
            UnknownLossError: it means none.
        """
        if identifier is None:
            return None
        if isinstance(identifier, str):
            identifier = self.find(identifier, custom_objects)
        elif isinstance(identifier, Mapping):
            return self.deserialize(identifier, custom_objects)
        if inspect.isclass(identifier):
            return identifier()
        if callable(identifier):
            return identifier
        raise UnknownLossError(
            f"Could not interpret {self.kind} identifier: {identifier!r} of type "
            f"{type(identifier).__name__}. It must be a name, a configuration, a {self.kind}, its class or a "
            "callable."
        )

    def serialize(self, loss: Any) -> dict[str, Any] | str:
        """A loss as plain data: a dictionary for an instance, the name for a function.

        Raises:
            ConfigError: a function without a name that could be looked up, or no loss at all.
        """
        if not inspect.isclass(loss) and hasattr(loss, "get_config"):
            cls, config = type(loss), loss.get_config()
            ours, travels = self.owns(cls.__name__, cls), carries_declaration(config)
            registered = self.base if travels else cls.__name__
            return {
                "module": f"{PACKAGE}.{PLURALS[self.kind]}" if ours or travels else cls.__module__,
                "class_name": cls.__name__,
                "config": config,
                "registered_name": f"{PACKAGE if ours or travels else 'Custom'}>{registered}",
            }
        name = getattr(loss, "__name__", None)
        if callable(loss) and not inspect.isclass(loss) and name is not None and name.isidentifier():
            return name
        raise ConfigError(
            f"Only instances of {PLURALS[self.kind]} and named functions can be serialized. "
            f"Received: {loss!r}"
            + (f". Make an instance first: {name}()." if inspect.isclass(loss) else "")
        )

    def deserialize(self, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The loss that `serialize` wrote down, or Keras for a loss of the same name.

        Raises:
            ConfigError: the data has not the form of a configuration.
            UnknownLossError: it names no known loss.
        """
        if isinstance(config, str):
            return self.find(config, custom_objects)
        name = config.get("class_name") if isinstance(config, Mapping) else None
        if not isinstance(name, str):
            raise ConfigError(
                f'A {self.kind} is configured by its name or by {{"class_name": …, "config": {{…}}}}. '
                f"Received: {config!r}"
            )
        arguments = config.get("config")
        if name == "function" and isinstance(arguments, str):
            return self.find(arguments, custom_objects)
        registered = str(config.get("registered_name") or "")
        plain = name.rpartition(">")[2]
        if carries_declaration(arguments) and not {name, plain} & set(custom_objects or {}):
            base = getattr(import_module(f"{PACKAGE}.{PLURALS[self.kind]}"), self.base)
            return base.from_config(arguments)
        if registered.startswith("Custom>") and not {name, plain} & set(custom_objects or {}):
            raise UnknownLossError(
                f"{plain!r} is a {self.kind} of your own, and its configuration carries no declaration: name "
                f"it in `custom_objects`, {{{plain!r}: {plain}}}. Received: registered_name={registered!r}"
            )
        found = self.find(name, custom_objects)
        if not hasattr(found, "from_config"):
            raise ConfigError(f"`class_name` {name!r} names a function: pass the name alone.")
        return found.from_config({} if arguments is None else arguments)

    def owns(self, name: str, cls: type) -> bool:
        """Whether the class of that name is this table's."""
        return name in self.classes and cls.__module__.startswith(f"{self.package}.")
