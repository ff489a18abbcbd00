"""One property of a loss, with what it rests on."""

from dataclasses import dataclass

PROVED, SAMPLED, KNOWN, UNDECIDED = "proved", "sampled", "known", "not decided"


@dataclass(frozen=True)
class Finding:
    """What was found out about a property.

    Args:
        property: "convex", "smooth", "bounded gradient", "symmetric", "range", "minimiser" or "proper".
        verdict: "yes", "no", or the property in a few words.
        how: "proved" (for all inputs and parameters), "sampled" (at some inputs, parameters at the values
            that `detail` names), "known" (declared with the loss) or "not decided".
        detail: the evidence in a line.
    """

    property: str
    verdict: str
    how: str
    detail: str = ""
