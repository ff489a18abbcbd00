"""The class that computes a declaration, and whether it is one that ships."""

from lossgen.language.declaration import Declaration
from lossgen.language.penalty import PenaltyDeclaration
from lossgen.runtime.compiled import Compiled


def is_shipped(declaration: Declaration) -> bool:
    """Whether a declaration is one of the catalogue's own."""
    from lossgen.catalog import DECLARATIONS, PENALTIES

    return declaration in (*DECLARATIONS, *PENALTIES)


def loss_class(declaration: Declaration) -> type[Compiled]:
    """The class of a declaration: the shipped one of a loss of the catalogue, else compiled."""
    if is_shipped(declaration):
        from lossgen import losses, penalties

        home = penalties if isinstance(declaration, PenaltyDeclaration) else losses
        found: type[Compiled] = getattr(home, declaration.class_name)
        return found
    from lossgen.compiler.api import compile

    return compile(declaration)
