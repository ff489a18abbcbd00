"""Which Hessian a booster is given: policies, which of them a loss has, and whether it is convex at all.

A booster divides by the sum of the Hessians of a leaf, so that sum must be positive:

    exact        the second derivative; where the loss is convex it is at least 0
    absolute     its absolute value
    clipped      the second derivative, but at least 1e-6 (times the weight)
    fisher       its expectation over targets distributed as the link says: for canonical links the exact one;
                 where convexity is not proved, it may be negative and is clipped likewise
    upper_bound  a diagonal that minus the full Hessian of the row is positive semidefinite: |h| where columns
                 do not meet, else at least the sum of the absolute values in the Hessian's row (of softmax
                 cross-entropy 2q(1 − q))
    ones         1 (times the weight): gradient descent with the booster's step

All are multiplied by the weight of the row, and by `hessian_scale`.
"""

from lossgen.errors import CurvatureError
from lossgen.runtime.examination import examine

POLICIES = ("exact", "absolute", "clipped", "fisher", "upper_bound", "ones")

CLIP = 1e-6
"""The least Hessian of an unweighted row under the policy "clipped"."""


def resolve(loss, policy: str | None = None) -> str:
    """The policy to take; with None "ones" for a loss without curvature, "exact" for any other convex one.

    Args:
        loss: a loss compiled from its formula, whose rows stand alone.
        policy: one of `POLICIES`, or None.

    Raises:
        CurvatureError: the policy is unknown, or the loss has no such Hessian; "exact", also by default, is
            for losses that are convex in the raw score: says where this one is not, and what to take.
        ShapeError: the rows of the loss do not stand alone.
    """
    if policy is not None and policy not in POLICIES:
        raise CurvatureError(f"`hessian` must be None or one of {', '.join(POLICIES)}. Received: {policy!r}")
    if policy in (None, "exact"):
        found = examine(loss)
        if found.zero and policy is None:
            return "ones"
        if found.zero:
            raise CurvatureError(no_curvature(loss, policy))
        if not found.convex:
            *others, last = (f"{one!r}" for one in POLICIES[1:] if reason_against(loss, one) is None)
            raise CurvatureError(
                f"{loss!r} is not convex in its raw score: {found.where} (found by sampling). A booster "
                f"divides by sums of Hessians; choose one that is at least 0: hessian={', '.join(others)} "
                f"or {last} (docs/boosting.md#the-hessian says what they are)."
            )
        return "exact"
    reason = reason_against(loss, policy)
    if reason is not None:
        raise CurvatureError(reason)
    if policy in ("absolute", "upper_bound") and loss.properties.diagonal and examine(loss).zero:
        raise CurvatureError(no_curvature(loss, policy))
    return policy


def reason_against(loss, policy: str) -> str | None:
    """Why a loss has not the Hessian of a policy other than "exact"; None if it has."""
    properties = loss.properties
    if properties.curvature == "zero" and policy not in ("ones", "clipped"):
        return no_curvature(loss, policy)
    if policy == "fisher" and properties.fisher is None:
        return (
            f"{loss!r} has no hessian='fisher': its Hessian depends on the target, and its link "
            f"{properties.link!r} does not say what its expectation is."
        )
    if policy == "upper_bound" and not properties.diagonal and kernel_of(loss, policy) not in rows_of(loss):
        return f"{loss!r} was generated without a kernel for hessian='upper_bound'."
    return None


def no_curvature(loss, policy: str) -> str:
    """What to say of a policy that would make a Hessian of zeros."""
    return (
        f"hessian={policy!r} of {loss!r} is 0 wherever there is one, and a booster divides by it. "
        "Pass hessian='ones', which is the default."
    )


def rows_of(loss):
    """The kernels of a loss, by output."""
    return loss._plan.terms[0].rows


def kernel_of(loss, policy: str) -> str:
    """The kernel that writes the Hessian of a policy, or, where that is 1, the gradient alone."""
    properties = loss.properties
    if policy == "ones":
        return "value_and_gradient"
    if policy == "fisher" and properties.fisher == "own":
        return "gradient_and_fisher"
    if policy == "upper_bound" and not properties.diagonal:
        return "gradient_and_upper_bound"
    return "gradient_and_hessian"
