"""What the doors call: a declaration in, a class out."""

from typing import Any, overload

from lossgen.errors import CompileError
from lossgen.language.declaration import Declaration
from lossgen.language.penalty import PenaltyDeclaration
from lossgen.runtime.compiled import Compiled
from lossgen.runtime.loss import Loss
from lossgen.runtime.penalty import Penalty

from .cache import compiled_module


@overload
def compile(declaration: PenaltyDeclaration) -> type[Penalty]: ...  # type: ignore[overload-overlap]


@overload
def compile(declaration: Declaration) -> type[Loss]: ...


def compile(declaration: Declaration) -> type[Compiled]:
    """The Keras-compatible class of a declared loss, or the class of a penalty, with its derivatives.

    The generated module is kept in the user's cache folder, so that a formula is derived and compiled once.

    Args:
        declaration: what `@lg.loss`, `@lg.penalty`, `lg.declare` or arithmetic on declarations made.

    Raises:
        CompileError: the argument is no declaration, or says something that no kernel is known for.
    """
    if not isinstance(declaration, Declaration):
        raise CompileError(
            f"lg.compile takes a declaration, made with @lg.loss or lg.declare. Received: {declaration!r}"
        )
    if declaration.extra_inputs:
        names = ", ".join(each.name for each in declaration.extra_inputs)
        raise CompileError(
            f"{declaration.name} reads extra inputs ({names}), which kernels do not take yet; "
            "make them parameters, or fold them into the target."
        )
    return getattr(compiled_module(declaration), declaration.class_name)


def rebuilt(declaration: Declaration, state: dict[str, Any]) -> Compiled:
    """An instance of one's own loss or penalty, as it was pickled: compiled again, or from the cache."""
    cls = compile(declaration)
    instance = cls.__new__(cls)
    instance.__dict__.update(state)
    return instance


__all__ = ["compile", "rebuilt"]
