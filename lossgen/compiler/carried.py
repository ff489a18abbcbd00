"""Configurations that carry their declaration: classes → plain declarations, and back through the compiler.

`lossgen.runtime.configuration` calls up to here, when a configuration holds a declaration and not before.
"""

from copy import deepcopy
from functools import cache
from typing import Any

from lossgen.errors import ConfigError
from lossgen.language.declaration import Declaration
from lossgen.language.portable import portable
from lossgen.language.portable_reader import declaration_from
from lossgen.runtime.compiled import IN_MEMORY, Compiled

from .api import compile
from .cache import declaration_of as declaration_in_memory


def declaration_of(cls: type[Compiled]) -> Declaration:
    """What a class was compiled from.

    Raises:
        ConfigError: it is neither of the catalogue nor made by `lg.compile` in this process.
    """
    if cls.table_module.startswith(f"{IN_MEMORY}."):
        return declaration_in_memory(cls.table_module)
    if cls.table_module.startswith("lossgen.generated."):
        return _catalogue()[cls.table_module.partition("lossgen.generated.")[2]]
    raise ConfigError(
        f"{cls.__name__} was built as a module, which does not hold its declaration: use "
        f"`lg.compile(declaration)`, or write `lg.to_json(declaration)` down beside the configuration."
    )


@cache
def _catalogue() -> dict[str, Declaration]:
    """The declarations that ship, by their modules in `lossgen.generated`."""
    from lossgen.catalog import DECLARATIONS, PENALTIES

    return {each.name: each for each in DECLARATIONS} | {f"penalties.{each.name}": each for each in PENALTIES}


def portable_of(cls: type[Compiled]) -> dict[str, Any]:
    """The declaration of a class as plain data.

    Raises:
        ConfigError: the class has none, or it cannot be written down.
    """
    return deepcopy(_portable(cls))


@cache
def _portable(cls: type[Compiled]) -> dict[str, Any]:
    return portable(declaration_of(cls))


def class_of(data: Any) -> type[Compiled]:
    """The class of a plain declaration: that of the catalogue where it is equal, else compiled.

    Raises:
        PortableError: the data is no declaration; names the place.
    """
    declaration = declaration_from(data)
    folder = "penalties." if data["kind"] == "penalty" else ""
    shipped = _catalogue().get(f"{folder}{declaration.name}")
    if shipped is not None and portable(shipped) == data:
        from lossgen import losses, penalties

        return getattr(penalties if folder else losses, shipped.class_name)
    return compile(declaration)


def check_same(cls: type[Compiled], data: Any) -> None:
    """Refuses a plain declaration that is not that of the class.

    Raises:
        ConfigError: it says something else.
    """
    own = portable_of(cls)
    if own == data or own == portable(declaration_from(data)):
        return
    differing = [key for key in (*own, *data) if own.get(key) != data.get(key)]
    raise ConfigError(
        f"The configuration carries another declaration than that of {cls.__name__}: {differing[0]!r} "
        "differs. Pass it to lossgen.deserialize for the loss that it describes, or take its `declaration` "
        f"out for {cls.__name__} as it is here."
    )
