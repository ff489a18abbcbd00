"""What losses and penalties for Keras have in common: an instance of the standalone class, and its arguments.

A class knows its standalone class, or the name under which that is looked up on use; signature and
documentation are those of the standalone class, taken when they are asked for.
"""

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar, Self

import keras

from lossgen.errors import ConfigError, DtypeError
from lossgen.keras import backend

COMPUTED_IN = {"float16": "float32", "bfloat16": "float32", "float32": "float32", "float64": "float64"}
"""What is computed in which dtype; the result is cast at the end."""


class StandaloneOf:
    """The class of a name in `lossgen.losses` or `lossgen.penalties`, as a class attribute found on use."""

    def __init__(self, home: str, name: str):
        self.home, self.name = home, name

    def __get__(self, instance: Any, owner: type) -> type:
        return getattr(import_module(self.home), self.name)


class DocumentationOf:
    """The documentation of the standalone class, as that of the class for Keras."""

    def __get__(self, instance: Any, owner: type) -> str | None:
        return owner.standalone_class.__doc__


class SignatureOf:
    """The signature of the standalone class with further arguments, as an attribute of the class alone."""

    def __get__(self, instance: Any, owner: type) -> inspect.Signature:
        if instance is not None or owner.standalone_class is None:
            raise AttributeError("signature")
        signature = owner.standalone_class.signature
        return signature.replace(parameters=[*signature.parameters.values(), *owner.further_arguments])


class Wrapper:
    """The base of `Loss` and `Penalty`."""

    standalone_class: ClassVar[Any] = None
    further_arguments: ClassVar[tuple[inspect.Parameter, ...]] = ()
    inputs: ClassVar[tuple[str, ...]]  # the tensors that a call takes
    signature: ClassVar[Any] = SignatureOf()
    __signature__ = signature  # what `inspect.signature` reads

    @classmethod
    def _bound(cls, args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Constructor arguments by name, defaults filled in.

        Raises:
            TypeError: an argument that there is not, or the class is only a base.
        """
        from lossgen.runtime.construction import bind

        if cls.standalone_class is None:
            raise TypeError(
                f"lossgen.keras.{cls.__name__} is only the base of the classes for Keras: declare a formula "
                "and pass it to lossgen.keras.compile."
            )
        return dict(bind(cls, cls.signature, args, kwargs))

    def _wrap(self, values: dict[str, Any]) -> None:
        """Makes the standalone instance; variables among the values are learnable parameters."""
        self.learnable = {name: value for name, value in values.items() if isinstance(value, keras.Variable)}
        values = values | {name: backend.current_value(one) for name, one in self.learnable.items()}
        self.standalone = self.standalone_class(**values)
        backend.make_ready(self.standalone)

    def get_config(self, portable: bool | None = None) -> dict[str, Any]:
        """Every constructor argument, in types that JSON has; a learnable one as the number it is now.

        Args:
            portable: whether the declaration is part of it; by default that of losses of one's own, so that
                a saved model loads where the program that declared them is missing.
        """
        current = {name: backend.current_value(variable) for name, variable in self.learnable.items()}
        return {**self.standalone.get_config(portable), **current}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """What a configuration that `get_config` made describes.

        `Loss` and `Penalty` themselves, which saved models name, read those that carry their declaration.

        Raises:
            ConfigError: a key that is no constructor argument; names it. Or a declaration that is missing,
                none, or that of another class.
        """
        from lossgen.runtime.configuration import carries_declaration, check_config, class_and_arguments

        if cls.standalone_class is not None and not carries_declaration(config):
            return cls(**check_config(cls, config))
        standalone, arguments = class_and_arguments(config, cls.standalone_class)
        if cls.standalone_class is not None:
            return cls(**check_config(cls, arguments))
        from lossgen.keras.lookup import registered

        found = registered(standalone)
        if not issubclass(found, cls):
            raise ConfigError(
                f"The configuration describes {found.__name__}, which is no {cls.__name__}: a loss reads "
                "target and prediction, a penalty one input."
            )
        return found(**check_config(found, arguments))

    def __reduce_ex__(self, protocol: Any) -> Any:
        # No other process can import the class of a loss of one's own: its declaration travels.
        from lossgen.runtime.compiled import IN_MEMORY

        if not type(self.standalone).__module__.startswith(f"{IN_MEMORY}."):
            return super().__reduce_ex__(protocol)
        from lossgen.keras.lookup import rebuilt

        return rebuilt, (self.standalone, self.__dict__.copy())

    def __getattr__(self, name: str) -> Any:
        # Reached where an instance has no such attribute: the arguments of the loss, `loss.delta`.
        standalone = self.__dict__.get("standalone")
        if standalone is not None and name in standalone.signature.parameters:
            return self.learnable.get(name, getattr(standalone, name))
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        standalone = self.__dict__.get("standalone")
        if standalone is not None and name in standalone.sealed - {"reduction", "dtype"}:
            setattr(standalone, name, value)  # raises, saying what to write instead
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return repr(self.standalone)


def checked_dtype(dtype: Any) -> str | None:
    """The name of a dtype that can be computed in, or None for what `keras.config.floatx()` says.

    Args:
        dtype: a name, a `keras.DTypePolicy` or None.

    Raises:
        DtypeError: it is none of `COMPUTED_IN`.
    """
    name = None if dtype is None else keras.dtype_policies.get(dtype).compute_dtype
    if (name or keras.config.floatx()) not in COMPUTED_IN:
        raise DtypeError(f"`dtype` must be one of {tuple(COMPUTED_IN)}. Received: dtype={dtype!r}")
    return name


def new_class(base: type[Wrapper], name: str, standalone: Any, module: str) -> type:
    """A class for Keras.

    Args:
        standalone: a compiled class, or a `StandaloneOf`.
    """
    body = {"standalone_class": standalone, "__doc__": DocumentationOf(), "__module__": module}
    return type(name, (base,), body)
