"""What the compiler knows of a variant and boosting asks for, in words."""

from collections.abc import Iterator

from lossgen.compiler.driver import Derived
from lossgen.runtime.properties import Properties
from lossgen.runtime.variant import FURTHER_OUTPUTS

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


def facts_of(properties: Properties, derived: tuple[Derived, ...]) -> Iterator[tuple[str, str]]:
    """One name and one sentence a fact."""
    yield "link", properties.link
    is_least = properties.mean_is_optimal and properties.curvature != "unproved"
    yield "target", TARGET[properties.affine, is_least]
    yield "columns", "each a problem of its own" if properties.diagonal else "meet"
    yield "fisher", FISHER[properties.fisher]
    if all(FURTHER_OUTPUTS[1] in term.further for term in derived):
        yield "upper bound", "a kernel of its own"
    else:
        yield "upper bound", "|h|" if properties.diagonal else "none"
