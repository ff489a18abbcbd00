"""What is proved of a loss in its raw prediction, in words."""

from collections.abc import Iterator

from lossgen.compiler.driver import Derived
from lossgen.runtime.properties import Properties
from lossgen.runtime.variant import FURTHER_OUTPUTS

CURVATURE = {
    "convex": "proved for all targets, predictions and parameters",
    "zero": "proved to be convex; the Hessian is 0 wherever there is one",
    "unproved": "no proof; it may be convex, or not, or for some values of the parameters only",
}
FISHER = {
    "exact": "the Hessian, which does not depend on the target",
    "own": "a kernel of its own",
    None: "none: no expectation is known",
}
TARGET = {
    (True, True): "gradient affine in it; the best constant is link(mean)",
    (True, False): "gradient affine in it: rows of one prediction can be replaced by their mean",
    (False, False): "gradient not affine in it",
}


def lines(properties: Properties, derived: tuple[Derived, ...]) -> Iterator[str]:
    """One line a property."""
    yield f"    link        {properties.link}"
    yield f"    convexity   {properties.curvature}: {CURVATURE[properties.curvature]}"
    yield f"    target      {TARGET[properties.affine, properties.mean_is_optimal]}"
    yield f"    columns     {'each a problem of its own' if properties.diagonal else 'meet'}"
    yield f"    fisher      {FISHER[properties.fisher]}"
    bounded = all(FURTHER_OUTPUTS[1] in term.further for term in derived)
    if bounded:
        yield "    upper bound a kernel of its own"
    else:
        yield f"    upper bound {'|h|' if properties.diagonal else 'none'}"
