"""Which Hessian a booster is given: policies, which of them a loss has, and whether it is convex at all.

A booster divides by the sum of the Hessians of a leaf, so that sum must be positive:

    exact        the second derivative; where the loss is convex it is at least 0
    absolute     its absolute value
    clipped      the second derivative, but at least 1e-6 (times the weight)
    fisher       its expectation over targets distributed as the link says: for canonical links the exact one
    upper_bound  a diagonal that minus the full Hessian of the row is positive semidefinite: the sum of the
                 absolute values of the Hessian's row; |h| where columns do not meet
    ones         1 (times the weight): gradient descent with the booster's step

All are multiplied by the weight of the row, and by `hessian_scale`.
"""

from lossgen.errors import CurvatureError

POLICIES = ("exact", "absolute", "clipped", "fisher", "upper_bound", "ones")

CLIP = 1e-6
"""The least Hessian of an unweighted row under the policy "clipped"."""


def resolve(loss, policy: str | None = None) -> str:
    """The policy to take; with None "ones" for a loss without curvature, "exact" for any other convex one.

    Raises:
        CurvatureError: the policy is unknown or not for this loss, or none was named and the loss is not
            convex in its raw score: says where, and which policies to take.
    """
    if policy is not None and policy not in POLICIES:
        raise CurvatureError(f"`hessian` must be None or one of {', '.join(POLICIES)}. Received: {policy!r}")
    properties = loss.properties
    if policy is None:
        return "ones" if properties.curvature == "zero" else "exact"
    return policy


def kernel_of(loss, policy: str) -> str:
    """The kernel that writes the Hessian of a policy."""
    properties = loss.properties
    if policy == "fisher" and properties.fisher == "own":
        return "gradient_and_fisher"
    if policy == "upper_bound" and not properties.diagonal:
        return "gradient_and_upper_bound"
    return "gradient_and_hessian"
