"""Domains: which values a target or a prediction may have, as a name or as a closed interval."""

from lossgen.errors import DeclarationError
from lossgen.runtime.domains import DOMAINS, Domain, bounds
from lossgen.runtime.parameters import finite, is_number

__all__ = ["Domain", "bounds", "check_domain", "intersection", "is_nonnegative"]


def check_domain(loss: str, role: str, domain: object) -> Domain:
    """The domain, if it is a known name or an interval `(low, high)`; `None` is an open end.

    Raises:
        DeclarationError: it is neither.
    """
    if isinstance(domain, str) and domain in DOMAINS:
        return domain
    if isinstance(domain, tuple) and len(domain) == 2:
        low, high = bounds(domain)
        if is_number(low) and is_number(high) and low < high:
            return _end(low), _end(high)
    raise DeclarationError(
        f"{loss}: the domain of the {role} is {domain!r}; write an interval (low, high) with low < high "
        f"(None for no bound) or one of {', '.join(DOMAINS)}."
    )


def _end(value: float) -> float | None:
    """An end of an interval as a plain number, as generated code repeats it; None for no bound."""
    return value if type(value) is int else finite(value)


def is_nonnegative(domain: Domain) -> bool:
    """Whether every value of the domain is at least 0."""
    return bounds(domain)[0] >= 0


def intersection(first: Domain, second: Domain) -> Domain:
    """A domain for inputs that must satisfy both; `real` where the two say nothing together."""
    if first == second:
        return first
    if "labels" in (first, second) or "signs" in (first, second):
        return "real"
    (low_1, high_1), (low_2, high_2) = bounds(first), bounds(second)
    low, high = max(low_1, low_2), min(high_1, high_2)
    if "positive" in (first, second) and (low, high) == DOMAINS["positive"]:
        return "positive"
    for domain in (first, second):
        if bounds(domain) == (low, high):
            return domain
    return (low, high) if low < high else "real"
