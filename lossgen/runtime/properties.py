"""What is known of a loss in its raw prediction: link, domains, convexity, how columns and targets enter.

Gradient boosting asks for it: whether the second derivatives can be taken as they are, where a constant
prediction starts, and which targets are no targets.
"""

from dataclasses import dataclass

LINKS = ("identity", "logit", "log", "softmax")
"""The links between a raw prediction and the mean of the target: raw = link(mean)."""

Interval = tuple[float | None, float | None]


@dataclass(frozen=True)
class Properties:
    """Facts about one variant of a loss; what is not proved has the value that promises nothing.

    Args:
        link: "identity", "logit", "log" or "softmax"; "identity" where the declaration names none.
        target: domain of the target, a name or a closed interval (None: no bound); "labels" where it is one
            integer label a row, "real" where the declaration says nothing.
        prediction: domain of the prediction, likewise.
        curvature: "convex": proved for every admissible value of the parameters and every target and
            prediction of their domains; "zero": proved to be convex, and the Hessian is 0 wherever there is
            one; "unproved": neither is known.
        diagonal: each element of the prediction is a problem of its own: the loss of a row is a sum over the
            last axis in which columns do not meet.
        mean: it is such a sum divided by the number of columns.
        affine: the gradient is affine in the target, or in the one-hot vector of the label: rows that share a
            prediction can be replaced by one whose target is their weighted mean.
        mean_is_optimal: the gradients of all rows add up to 0 where the prediction is link(weighted mean of
            the targets), for every admissible value of the parameters.
        fisher: "exact" where the Hessian is its own expectation, "own" where there is a kernel
            `gradient_and_fisher`, None where no expectation is known. The target is distributed as the link
            says: 1 with probability sigmoid(raw); a class with softmax(raw); or with the mean raw, exp(raw).
            Where the loss is no log-likelihood, as with focal losses, the expectation may be negative.
    """

    link: str = "identity"
    target: str | Interval = "real"
    prediction: str | Interval = "real"
    curvature: str = "unproved"
    diagonal: bool = False
    mean: bool = False
    affine: bool = False
    mean_is_optimal: bool = False
    fisher: str | None = None
