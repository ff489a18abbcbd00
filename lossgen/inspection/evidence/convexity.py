"""Whether the loss of a row is convex in its predictions: the compiler's proof, or samples of the Hessian."""

import itertools
from collections.abc import Iterator

import numpy as np

from lossgen.compiler.driver import Derived
from lossgen.compiler.properties.convexity import expression_shape, ladder_shape
from lossgen.compiler.properties.signs import Ranges

from .finding import PROVED, SAMPLED, UNDECIDED, Finding
from .sampling import Sample, Sampler

NEGLIGIBLE = 1e-12
"""Share of the largest curvature, or slope, that is no evidence."""

BY_RULES = "a composition of convex functions, for all inputs and parameters"
BY_PIECES = (
    "column by column, for all inputs and parameters: between kinks the second derivative is never negative, "
    "and at none does the slope fall"
)
LEVEL = "; wherever there is a second derivative it is 0"


def convexity(
    curvature: str, derived: tuple[Derived, ...], ranges: Ranges, samplers: tuple[Sampler, ...]
) -> Finding:
    """The finding.

    Args:
        curvature: what the compiler proved: "zero", "convex" or "unproved".
        derived: the terms of the variant.
        ranges: of its symbols.
        samplers: for what is not proved, one for each setting of the parameters.
    """
    if curvature == "unproved":
        first = _sampled(samplers[0])
        others = map(_sampled, samplers[1:]) if first.verdict == "seems so" else ()
        other = next((each for each in others if each.verdict == "no"), None)
        if other is not None:
            return Finding("convex", "not for all parameters", SAMPLED, f"{other.detail}; {first.detail}")
        return first
    rule = BY_RULES if all(_has_shape(term, ranges) for term in derived) else BY_PIECES
    return Finding("convex", "yes", PROVED, rule + (LEVEL if curvature == "zero" else ""))


def _has_shape(term: Derived, ranges: Ranges) -> bool:
    definitions = dict(term.targets)
    if ladder_shape(term.ladder, ranges, definitions).convex:
        return True
    return expression_shape(term.expression.xreplace(definitions), ranges).convex


def _sampled(sampler: Sampler) -> Finding:
    samples = sampler.samples
    if not samples:
        return Finding("convex", "unknown", UNDECIDED, "the formula has no value at any sample")
    curvatures = [_eigenvalues(each) for each in samples]
    least, where = min(zip(curvatures, samples, strict=True), key=lambda pair: pair[0][0])
    least, largest = float(least[0]), max(float(np.abs(each).max()) for each in curvatures)
    count = f"{len(samples)} samples{sampler.settings}"
    if least < -NEGLIGIBLE * largest:
        what = "second derivative" if sampler.is_elementwise else "eigenvalue of the Hessian"
        amount = f"{least:.3g}".replace("-", "−")
        detail = f"the most negative {what} of {count} is {amount}, at {where.place}"
        return Finding("convex", "no", SAMPLED, detail)
    fall = next(_falls(samples), None) if sampler.is_elementwise else None
    if fall is not None:
        detail = f"the slope falls between {fall[0].place} and {fall[1].place}{sampler.settings}"
        return Finding("convex", "no", SAMPLED, detail)
    return Finding("convex", "seems so", SAMPLED, f"no negative curvature at {count}, and no proof")


def _eigenvalues(sample: Sample) -> np.ndarray:
    """In increasing order; 0 where the Hessian is no number."""
    if not np.isfinite(sample.hessian).all():
        return np.zeros(1)
    return np.linalg.eigvalsh(sample.hessian)


def _falls(samples: tuple[Sample, ...]) -> Iterator[tuple[Sample, Sample]]:
    """Neighbours of one target between which the slope falls: at a kink, where no curvature shows it."""
    for first, second in itertools.pairwise(samples):
        if first.y == second.y:
            change = second.gradient[0] - first.gradient[0]
            if change < -NEGLIGIBLE * max(abs(first.gradient[0]), abs(second.gradient[0])):
                yield first, second
