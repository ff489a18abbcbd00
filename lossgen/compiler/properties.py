"""What is known of a loss in its raw prediction, proved from its formula: `lossgen.runtime.properties`."""

from collections.abc import Mapping

from lossgen.language.declaration import Declaration
from lossgen.language.symbols import column_count
from lossgen.runtime.properties import Properties

from .driver import Derived
from .flat_kernel import is_flat, value_factor


def properties_of(
    declaration: Declaration, options: Mapping[str, object], derived: tuple[Derived, ...]
) -> Properties:
    """The properties of one variant."""
    domain = declaration.domain_of(options)
    factor = elementwise_factor(derived)
    labels = any(term.labels for term in derived)
    return Properties(
        link=declaration.link_of(options) or "identity",
        target="labels" if labels else domain.get("target", "real"),
        prediction=domain.get("prediction", "real"),
        diagonal=factor is not None,
        mean=factor is not None and column_count in factor.free_symbols,
    )


def elementwise_factor(derived: tuple[Derived, ...]):
    """c of a loss c·Σ f(y, p) over the last axis where c or c·C does not depend on C; None for others."""
    if len(derived) != 1 or derived[0].scope != -1 or derived[0].labels or not is_flat(derived[0].schedules):
        return None
    plan = derived[0].schedules["value"]
    if column_count in plan.passes[0].slots[0].summand.free_symbols | {
        symbol for _, source in plan.passes[0].scalars for symbol in source.free_symbols
    }:
        return None
    factor = value_factor(plan)
    depends = [column_count in each.free_symbols for each in (factor, factor * column_count)]
    return factor if depends in ([False, True], [True, False]) else None
