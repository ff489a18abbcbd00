"""Where losses of the catalogue are known not to keep the contract; docs/accuracy.md says the same in words.

Everything that no row covers keeps it, and `lossgen verify` ends with exit code 1 where it does not. A loss
of one's own has no known limits, whatever its name.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from lossgen.inspection.classes import is_shipped
from lossgen.inspection.verification.circumstances import (
    has_far_alpha,
    has_small_gamma,
    is_at_clip,
    is_at_margin,
    is_confident,
    is_extreme,
    is_far_apart,
    is_led,
    is_nearly_empty,
    is_nearly_largest,
    is_nearly_out,
    is_nearly_too_large,
    is_of_logits,
    is_of_probabilities,
    is_one_sided,
    is_smoothed,
    is_smoothed_away,
    is_sum_too_large,
    is_unlikely,
    of_clip,
    of_curvature,
    of_equal_logits,
    of_exact,
    of_half,
    of_loss,
    of_margin,
    of_norms,
    of_other_classes,
    of_quotient,
    of_steep_power,
    of_step,
    of_weight,
    overflows_as_exponent,
)

FIRST = ("value", "gradient")
SECOND = ("hessian", "product")
ALL = FIRST + SECOND
BEYOND = ("by",)
"""Derivatives by targets and parameters."""


@dataclass(frozen=True)
class Limit:
    """One known limit.

    names, outputs  losses and outputs it concerns
    factor          how many times the allowed error is reached at most
    where           of a miss: whether its inputs are among those
    when            whether the arguments, options and parameters, are among those
    error           of a miss: how large the error itself may be; there the factor means nothing
    overflows       whether it is only about results that are infinite or NaN, which no other limit excuses
    """

    names: tuple[str, ...]
    outputs: tuple[str, ...]
    factor: float
    reason: str
    where: Callable = lambda miss: True
    when: Callable = lambda arguments: True
    error: Callable | None = None
    overflows: bool = False

    def covers(self, miss) -> bool:
        """Whether it excuses a `Deviation`."""
        arguments = {**miss.subject.options, **miss.subject.values}
        return (
            (not self.names or miss.subject.name in self.names)
            and miss.quantity.output.partition(" ")[0] in self.outputs
            and self.when(arguments)
            and self.bounds(miss)
            and self.where(miss)
        )

    def bounds(self, miss) -> bool:
        """Whether the miss is no larger than it says."""
        if self.overflows or not math.isfinite(miss.got):
            return self.overflows and not math.isfinite(miss.got)
        if self.error is not None:
            return abs(miss.got - miss.exact) <= self.error(miss)
        return miss.size <= self.factor


LOG_LINK = ("gamma", "poisson_nll", "tweedie")
FOCAL = ("binary_focal_crossentropy", "categorical_focal_crossentropy", "sigmoid_focal", "asymmetric_loss")
SHARES = (
    "categorical_crossentropy", "categorical_focal_crossentropy", "sparse_categorical_crossentropy", "poly1",
)  # fmt: skip

SMOOTHED = (
    "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy",
    "categorical_focal_crossentropy",
)  # fmt: skip
LOGITS = ("categorical_crossentropy", "categorical_focal_crossentropy", "poly1")

LIMITS = (
    Limit(
        ("categorical_focal_crossentropy",), SECOND, 0, "the Hessian is a difference at 1", is_led,
        has_small_gamma, error=of_curvature,
    ),
    Limit(
        ("adaptive_robust",), ALL + BEYOND, 0, "a steep power of a number near 1 loses its digits",
        when=has_far_alpha, error=of_steep_power,
    ),
    Limit(LOG_LINK, FIRST, 2, "exp(p) − y near its zero: exp is rounded before the difference"),
    Limit(FOCAL, FIRST, 2.5, "the power gamma amplifies the rounding of the probability"),
    Limit(
        ("asymmetric_loss",), ALL, 0, "a gamma below 1 loses a term of small probabilities", is_unlikely,
        has_small_gamma, error=of_exact,
    ),
    Limit(
        ("jaccard",), SECOND, 0, "of one column with the target 1: a difference that is 0", error=of_quotient
    ),
    Limit(("asymmetric_loss",), FIRST, 6, "soft targets near the gradient's zero; hit − margin near 0"),
    Limit(
        ("asymmetric_loss",), SECOND, 0, "hit − margin is rounded to 0", is_at_margin, error=of_step
    ),
    Limit(("multi_margin",), ("gradient",), 0, "terms of the margin cancel in float64", error=of_margin),
    Limit(("entropy",), ("value",), 1.1, "subnormal numbers"),
    Limit(("adaptive_robust",), ("gradient",), 1.1, "a power of a sum is more roundings than four"),
    Limit(("pseudo_huber",), SECOND, 1.1, "the cube of a quotient is three roundings and more"),
    Limit(("focal_tversky",), ALL, 2, "a power of a quotient of sums is more roundings than four"),
    Limit(FOCAL, SECOND, 3.5, "the Hessian changes sign, at logits around ±4"),
    Limit(SHARES, ALL, 2.5, "p / Σp is rounded before its logarithm", when=is_of_probabilities),
    Limit(LOGITS, FIRST, 2, "softmax − target near its zero: both are rounded before", when=is_of_logits),
    Limit(
        SHARES, ("gradient", *SECOND), 0, "at an end of the clip, terms may see different sides",
        is_at_clip, is_of_probabilities, error=of_clip,
    ),
    Limit(
        SMOOTHED, ("gradient",), 0, "targets are all alike: differences at logit 0",
        when=is_smoothed_away, error=of_equal_logits,
    ),
    Limit(("binary_crossentropy",), FIRST, 1.5, "of soft targets, a difference of products near its zero"),
    Limit(SMOOTHED, ALL, 8, "the smoothed target is rounded", when=is_smoothed),
    Limit(
        ("brier",), ("gradient",), 0, "a dominant wrong class cancels",
        when=is_of_logits, error=of_other_classes,
    ),
    Limit(("cosine_similarity",), ALL, 2, "the gradient of parallel vectors is a difference that vanishes"),
    Limit(
        ("cosine_similarity",), ALL + BEYOND, 0, "Σp² and powers of the norm need a scaled sum",
        is_extreme, error=of_norms,
    ),
    Limit(
        ("cosine_similarity",), ALL + BEYOND, 0, "Σp² and powers of the norm overflow", is_extreme,
        overflows=True,
    ),
    Limit(
        ("pseudo_huber",), ("value",), 0, "error / delta overflows", is_nearly_too_large, overflows=True
    ),
    Limit(("cauchy", "adaptive_robust"), SECOND, 2.5, "the Hessian changes sign, at an error of √2·c"),
    Limit(
        ("cauchy", "adaptive_robust"), ALL, 0, "error / c overflows", is_nearly_largest, overflows=True
    ),
    Limit(
        ("cauchy", "adaptive_robust"), ("gradient", *SECOND), 0, "0, as error / c overflows",
        is_nearly_largest, error=of_exact,
    ),
    Limit(("mean_squared_logarithmic_error",), SECOND, 4, "the Hessian changes sign: 1 − log(…)"),
    Limit(
        ("adaptive_robust",), FIRST, 0, "a power of a large square overflows", is_nearly_too_large,
        overflows=True,
    ),
    Limit(
        FOCAL, ALL, 0, "the curvature of a power near 0 overflows", is_confident, has_small_gamma,
        overflows=True,
    ),
    Limit(
        FOCAL, BEYOND, 0, "array code: 1 − p is 0 where the probability p rounds to 1", is_led, error=of_half
    ),
    Limit(
        LOGITS, ALL + BEYOND, 0, "p − max(p) is held at the largest float", is_far_apart, is_of_logits,
        error=of_half,
    ),
    Limit(
        SHARES, ALL, 0, "1/(Σp)² overflows", is_nearly_empty,
        is_of_probabilities, overflows=True,
    ),
    Limit(
        ("kl_sparsity",), ("value", "by"), 0, "two logarithms cancel where the mean is close to rho",
        error=of_weight,
    ),
    Limit(
        ("entropy",), ("gradient", "product"), 0, "differences of numbers of the size of the weight",
        error=of_weight,
    ),
    Limit(
        ("expectile",), ("value",), 0, "0 times a square that overflows", when=is_one_sided, overflows=True
    ),
    Limit(
        LOG_LINK, ("value",), 0, "both addends of the loss overflow", is_nearly_largest, overflows=True
    ),
    Limit(LOG_LINK, BEYOND, 0, "addends that overflow would cancel", overflows_as_exponent, overflows=True),
)  # fmt: skip


EVERY = (
    Limit(
        (), ALL, 0, "a sum over the columns leaves the range before it is divided", is_sum_too_large,
        overflows=True,
    ),
    Limit(
        (), BEYOND, 0, "array code: a step of it overflows near the largest float", is_nearly_out,
        overflows=True,
    ),
    Limit((), BEYOND, 0, "array code: a difference of numbers as large as the loss", error=of_loss),
)  # fmt: skip
"""The limits of every loss, also of one's own: partial sums have the dtype of the predictions."""


def limit_of(miss) -> Limit | None:
    """The first row of the table that covers a `Deviation`, if there is one."""
    shipped = is_shipped(miss.subject.declaration)
    known = (*EVERY, *LIMITS) if shipped else EVERY
    return next((limit for limit in known if limit.covers(miss)), None)
