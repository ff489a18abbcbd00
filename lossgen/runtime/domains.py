"""Named domains of targets and predictions, and the interval around each."""

import math

DOMAINS = {
    "real": (-math.inf, math.inf),
    "nonnegative": (0.0, math.inf),
    "positive": (0.0, math.inf),
    "probability": (0.0, 1.0),
    "signs": (-1.0, 1.0),
    "labels": (0.0, math.inf),
}
"""Named domains, the smallest closed interval around each: `signs` are −1 and 1, `labels` whole numbers."""

Domain = str | tuple[float | None, float | None]


def bounds(domain: Domain) -> tuple[float, float]:
    """The smallest closed interval around a domain."""
    if isinstance(domain, str):
        return DOMAINS[domain]
    low, high = domain
    return -math.inf if low is None else low, math.inf if high is None else high
