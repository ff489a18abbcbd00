"""Whether the loss of a row is convex in its predictions."""

from lossgen.inspection.evidence.finding import PROVED, UNDECIDED, Finding


def convexity(curvature: str) -> Finding:
    """The compiler's proof, if there is one."""
    if curvature == "unproved":
        return Finding("convex", "unknown", UNDECIDED)
    return Finding("convex", "yes", PROVED, "for all inputs and parameters")
