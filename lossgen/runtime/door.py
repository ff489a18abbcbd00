"""What the doors to the frameworks share: each loss of the catalogue by name, made for the framework on use.

A door says how a standalone class becomes a class of its framework, and what its function is; the names, the
look-up and `compile` are here.
"""

import inspect
import reprlib
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from lossgen.errors import ConfigError, LossgenError, MissingLibraryError, UnknownLossError
from lossgen.generated._index import CLASSES, FUNCTIONS, IDENTIFIERS
from lossgen.runtime.configuration import class_and_arguments


class Door:
    """The losses of one framework.

    Args:
        module: the module that a person imports, "lossgen.torch".
        make_class: a standalone class → the framework's; called once a class.
        make_function: the framework's class → its function handle.
    """

    def __init__(
        self,
        module: str,
        make_class: Callable[[type], type],
        make_function: Callable[[type], Callable[..., Any]],
    ):
        self.module, self._make_class, self._make_function = module, make_class, make_function
        self._made: dict[type, type] = {}
        self._functions: dict[type, Callable[..., Any]] = {}

    def names(self) -> list[str]:
        """Every class and function of the catalogue."""
        return [*CLASSES, *FUNCTIONS]

    def of(self, standalone: type) -> type:
        """The framework's class of a standalone one."""
        if standalone not in self._made:
            self._made[standalone] = self._make_class(standalone)
        return self._made[standalone]

    def function_of(self, standalone: type) -> Callable[..., Any]:
        """The framework's function of a standalone class."""
        if standalone not in self._functions:
            self._functions[standalone] = self._make_function(self.of(standalone))
        return self._functions[standalone]

    def attribute(self, name: str) -> Any:
        """The class or function of a name of the catalogue; `penalties`, the module where the door has one.

        Raises:
            AttributeError: the catalogue has none.
        """
        from lossgen import losses

        if name == "penalties" and find_spec(f"{self.module}.penalties"):
            return import_module(f"{self.module}.penalties")
        if name in CLASSES:
            return self.of(getattr(losses, name))
        if name in FUNCTIONS:
            return self.function_of(getattr(losses, name).loss_class)
        if name in IDENTIFIERS:
            return self.attribute(IDENTIFIERS[name])
        raise AttributeError(f"module {self.module!r} has no attribute {name!r}")

    def compile(self, declaration: Any) -> type:
        """The framework's class of a declared loss.

        Args:
            declaration: what `@lg.loss`, `lg.declare` or arithmetic on declarations made, or a class that
                `lg.compile` made of it.

        Raises:
            CompileError: it is neither, or says something that no kernel is known for.
        """
        if inspect.isclass(declaration) and getattr(declaration, "is_compiled", False):
            return self.of(declaration)
        from lossgen.compiler.api import compile as compile_standalone

        return self.of(compile_standalone(declaration))

    def get(self, identifier: Any) -> Any:
        """The loss of this framework that an identifier means; see `lossgen.get`.

        Raises:
            UnknownLossError: it means none.
        """
        from lossgen import losses

        if identifier is None or (callable(identifier) and not inspect.isclass(identifier)):
            return identifier
        if inspect.isclass(identifier):
            return identifier()
        if isinstance(identifier, str):
            found = losses._registry.find(identifier)
            return self.of(found)() if inspect.isclass(found) else self.function_of(found.loss_class)
        if isinstance(identifier, Mapping):
            return self.deserialize(identifier)
        raise UnknownLossError(
            f"Could not interpret loss identifier: {identifier!r} of type {type(identifier).__name__}. It "
            "must be a name, a configuration, a loss, a class of losses or a callable."
        )

    def deserialize(self, config: Any) -> Any:
        """The loss of this framework that a configuration of `lossgen.serialize` describes."""
        from lossgen import losses

        found = losses.deserialize(config)
        if hasattr(found, "loss_class"):
            return self.function_of(found.loss_class)
        if not hasattr(found, "get_config"):
            raise ConfigError(f"The configuration describes no loss. Received: {config!r}")
        return self.of(type(found))(**found.get_config(portable=False))

    def from_config(self, config: Any, cls: type, standalone: type | None) -> Any:
        """The loss of this framework of a configuration.

        Args:
            cls: the framework's class whose `from_config` was called.
            standalone: its standalone class; None for the base class of the door, which makes an instance of
                the class that is compiled from the declaration in the configuration.

        Raises:
            ConfigError: a key that is no constructor argument, or a declaration that is missing or another.
        """
        found, arguments = class_and_arguments(config, standalone)
        made = self.of(found) if standalone is None else cls
        return made(**found.from_config(arguments).get_config(portable=False))


def made_of(found: Any, config: Mapping[str, Any], bases: tuple[type, ...]) -> Any:
    """What a configuration makes of a class or function that Keras knows.

    Keras itself would import the module that the configuration names.

    Args:
        found: what is registered under the name in the configuration.
        config: the configuration.
        bases: what a class must be, so that an instance is made.

    Raises:
        ConfigError: it is no loss or regularizer, or takes no such arguments.
    """
    if callable(found) and not inspect.isclass(found) and config.get("class_name") == "function":
        return found
    arguments = config.get("config")
    shown = reprlib.repr(dict(config))
    if not inspect.isclass(found) or not issubclass(found, bases):
        raise ConfigError(f"The configuration names neither a loss nor a regularizer. Received: {shown}")
    if not isinstance(arguments, Mapping | type(None)):
        raise ConfigError(f"`config` must be a dictionary of arguments. Received: {shown}")
    try:
        return found.from_config(dict(arguments or {}))
    except LossgenError:
        raise
    except Exception as error:  # whatever Keras's own classes make of the arguments
        said = reprlib.repr(str(error))
        raise ConfigError(f"{found.__name__} cannot be made of this: {said}. Received: {shown}") from error


def missing(library: str, module: str, error: ImportError) -> MissingLibraryError:
    """The error to raise where a door's framework is not installed."""
    return MissingLibraryError(
        f"`{module}` needs {library}, which is not installed ({error}). "
        f'Install it: pip install "lossgen[{module.rpartition(".")[2]}]"'
    )
