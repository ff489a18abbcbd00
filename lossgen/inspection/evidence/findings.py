"""All findings about a declaration, in the order in which they are shown."""

from collections.abc import Mapping

from lossgen.compiler.driver import Derived, derive
from lossgen.compiler.properties.signs import ranges_of
from lossgen.compiler.properties.verdicts import curvature as curvature_of
from lossgen.inspection.formulas import checked
from lossgen.language.declaration import Declaration
from lossgen.runtime.properties import Properties

from .convexity import convexity
from .finding import Finding


def findings(declaration: Declaration, **options: object) -> tuple[Finding, ...]:
    """What is known of a loss: convex, smooth, bounded gradient, symmetric, range, minimiser, proper.

    Args:
        declaration: the loss.
        options: values of the declaration's options; the others have their defaults.

    Raises:
        ParameterError: an option is unknown or has none of its choices.
    """
    chosen = checked(declaration, dict(options))
    return findings_of(declaration, chosen, derive(declaration, chosen))


def findings_of(
    declaration: Declaration,
    options: Mapping[str, object],
    derived: tuple[Derived, ...],
    properties: Properties | None = None,
) -> tuple[Finding, ...]:
    """The findings about a variant that has been derived.

    Args:
        properties: what the compiler knows of it; None for a penalty, and where it has not been asked.
    """
    curvature = properties.curvature if properties else curvature_of(derived, ranges_of(declaration, options))
    return (convexity(curvature),)
