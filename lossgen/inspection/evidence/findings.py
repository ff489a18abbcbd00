"""All findings about a declaration, in the order in which they are shown."""

from collections.abc import Mapping

from lossgen.compiler.driver import Derived, derive
from lossgen.compiler.properties import properties_of
from lossgen.compiler.properties.signs import ranges_of
from lossgen.compiler.properties.verdicts import curvature as curvature_of
from lossgen.inspection.formulas import checked, term_formulas
from lossgen.language.declaration import Declaration
from lossgen.language.penalty import PenaltyDeclaration
from lossgen.runtime.properties import Properties

from .constant import Constant, constant_of
from .convexity import convexity
from .extremes import extent, least_at, minimiser
from .finding import Finding
from .properness import properness
from .sampling import samplers_of
from .smoothness import smoothness
from .steepness import steepness
from .symmetry import symmetry


def findings(declaration: Declaration, **options: object) -> tuple[Finding, ...]:
    """What is known of a loss: convex, smooth, bounded gradient, symmetric, range, minimiser, proper.

    Args:
        declaration: the loss.
        options: values of the declaration's options; the others have their defaults.

    Raises:
        ParameterError: an option is unknown or has none of its choices.
    """
    chosen = checked(declaration, dict(options))
    derived = derive(declaration, chosen)
    if isinstance(declaration, PenaltyDeclaration):
        return findings_of(declaration, chosen, derived)
    properties = properties_of(declaration, chosen, derived)
    constant = constant_of(derived, properties, ranges_of(declaration, chosen))
    return findings_of(declaration, chosen, derived, properties, constant)


def findings_of(
    declaration: Declaration,
    options: Mapping[str, object],
    derived: tuple[Derived, ...],
    properties: Properties | None = None,
    constant: Constant | None = None,
) -> tuple[Finding, ...]:
    """The findings about a variant that has been derived.

    Args:
        properties: what the compiler knows of it; None for a penalty.
        constant: its best constant; None for a penalty.
    """
    ranges, samplers = ranges_of(declaration, options), samplers_of(declaration, options)
    sampler = samplers[0]
    curvature = properties.curvature if properties else curvature_of(derived, ranges)
    forms = [term_formulas(term) for term in derived]
    written = [dict(term.targets) for term in derived]
    values, gradients = (
        tuple(each.spelt_out(which).xreplace(parts) for each, parts in zip(forms, written, strict=True))
        for which in ("value", "gradient")
    )
    link = properties.link if properties else "identity"
    found = [
        convexity(curvature, derived, ranges, samplers),
        smoothness(declaration, derived, ranges, samplers),
        steepness(gradients, ranges, sampler),
        symmetry(sampler),
        extent(values, derived, ranges, sampler, least_at(gradients, link, curvature != "unproved")),
        minimiser(gradients, link, curvature != "unproved", sampler),
    ]
    if properties is not None and constant is not None:
        found.append(properness(properties, constant, sampler))
    return tuple(found)
