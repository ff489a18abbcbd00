"""Where losses of the catalogue are known not to keep the contract; docs/accuracy.md says the same in words.

Everything that no row covers keeps it, and `lossgen verify` ends with exit code 1 where it does not. A loss
of one's own has no known limits, whatever its name.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lossgen.inspection.classes import is_shipped
from lossgen.inspection.verification.contract import SINGLE

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
    when            of a case: whether its arguments are
    """

    names: tuple[str, ...]
    outputs: tuple[str, ...]
    factor: float
    reason: str
    where: Callable = lambda miss: True
    when: Callable = lambda arguments: True


def is_logits(miss) -> bool:
    """Whether the predictions are no probabilities."""
    return bool(np.any((miss.prediction < 0) | (miss.prediction > 1)))


def is_extreme(miss) -> bool:
    """Whether the fifth power of an input leaves the float type's range, as products of norms would."""
    bound = float(miss.kind.largest) ** 0.2
    sizes = np.abs(np.concatenate([np.ravel(miss.target), miss.prediction])).astype(float)
    return bool(((sizes > bound) | ((sizes < 1 / bound) & (sizes > 0))).any())


def is_nearly_largest(miss) -> bool:
    """Whether an input is close to the largest float."""
    return max(np.abs(miss.target).max(), np.abs(miss.prediction).max()) > float(miss.kind.largest) / 16


def is_nearly_too_large(miss) -> bool:
    """Whether the exact number is close to the largest float."""
    return abs(miss.exact) > float(miss.kind.largest) / 16


def is_nearly_out(miss) -> bool:
    """Whether an input or the exact number is close to the largest float, and the result is not finite."""
    return not math.isfinite(miss.got) and (is_nearly_largest(miss) or is_nearly_too_large(miss))


def is_confident(miss) -> bool:
    """Whether a probability of the row is below 1e-30 (in float64 1e-200), by its logit."""
    spread = np.ptp(np.append(miss.prediction, 0).astype(float) / 2)
    return bool(spread > (34.5 if miss.kind is SINGLE else 230))


def is_sum_too_large(miss) -> bool:
    """Whether a sum of numbers that are in range may leave it before it is divided by their count."""
    columns, largest = miss.prediction.size, float(miss.kind.largest)
    return largest / columns**2 < miss.addend / columns <= largest and not math.isfinite(miss.got)


def is_led(miss) -> bool:
    """Whether one logit is larger than all others by 16 or more: 1 − softmax is below half an ulp of 1."""
    ordered = np.sort(miss.prediction.astype(float) / 2)
    return ordered.size > 1 and bool(ordered[-1] - ordered[-2] >= 8)


def has_small_gamma(arguments) -> bool:
    """Whether the power of a focal loss has an infinite slope at 0."""
    powers = (arguments.get(name, 2) for name in ("gamma", "gamma_negative", "gamma_positive"))
    return any(0 < power < 1 for power in powers)


def is_far_apart(miss) -> bool:
    """Whether two predictions differ by more than the largest float."""
    halves = miss.prediction.astype(float) / 2
    return bool(np.ptp(halves) > float(miss.kind.largest) / 2)


def is_at_clip(miss) -> bool:
    """Whether a column's share of the sum is an end of the clip, 1e-7 or 1 − 1e-7, up to rounding."""
    numbers = miss.prediction.astype(float)
    shares = numbers / max(numbers.sum(), numbers.max(), 1e-300)
    rounding = 8 * float(miss.kind.ulp(1))
    ends = np.array([1e-7, 1 - 1e-7])
    return bool((np.abs(shares[:, None] - ends) <= rounding * np.maximum(shares[:, None], ends)).any())


def is_not_finite(miss) -> bool:
    """Whether the result is infinite or NaN."""
    return not math.isfinite(miss.got)


def is_one_sided(arguments) -> bool:
    """Whether the errors of one side have weight 0."""
    return arguments.get("expectile") in (0, 1)


def has_far_alpha(arguments) -> bool:
    """Whether the power of the general robust loss is so steep that it amplifies roundings."""
    return arguments.get("alpha", 0) < -8


def is_smoothed(arguments) -> bool:
    """Whether targets are moved towards the uniform distribution."""
    return arguments.get("label_smoothing", 0) > 0


def is_smoothed_away(arguments) -> bool:
    """Whether nothing of the targets is left."""
    return arguments.get("label_smoothing", 0) == 1


def is_small_beside_weight(miss) -> bool:
    """Whether the error is that of a difference of numbers of the size of the weight."""
    weight = 1 if miss.quantity.output == "by weight" else abs(miss.subject.values["weight"])
    return abs(miss.got - miss.exact) <= 8 * float(miss.kind.ulp(4 * weight))


def is_small_beside_inverse_norm(miss) -> bool:
    """Whether the error is that of a difference of numbers of the size of 1/‖target‖."""
    norm = float(np.sqrt(np.sum(np.square(miss.target.astype(float)))))
    return norm > 0 and abs(miss.got - miss.exact) <= 16 * float(miss.kind.ulp(1)) / norm


def is_left_over(miss) -> bool:
    """Whether the error is the rounding of the margin in float64."""
    return abs(miss.got - miss.exact) <= 2**-50 * max(miss.subject.values["margin"], 1)


def is_nearly_empty(miss) -> bool:
    """Whether probabilities add up to so little that the inverse of its square leaves the range."""
    bound = 1e-18 if miss.kind is SINGLE else 1e-150
    return bool(0 < np.sum(miss.prediction.astype(float)) < bound)


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
    Limit(LOG_LINK, FIRST, 2, "exp(p) − y near its zero: exp is rounded before the difference"),
    Limit(FOCAL, FIRST, 2.5, "the power gamma amplifies the rounding of the probability"),
    Limit(("asymmetric_loss",), FIRST, 8, "soft targets near the gradient's zero; hit − margin near 0"),
    Limit(("focal_tversky",), ALL, 2, "a power of a quotient of sums is more roundings than four"),
    Limit(("multi_margin",), ALL, math.inf, "terms of the margin cancel, up to 1e-16 of it", is_left_over),
    Limit(FOCAL, SECOND, 10, "the Hessian changes sign, at logits around ±4"),
    Limit(SHARES, ALL, 2.5, "p / Σp is rounded before its logarithm"),
    Limit(FOCAL, BEYOND, 1e3, "array code rounds a probability near 1 before its complement is taken"),
    Limit(SHARES, ALL + BEYOND, math.inf, "at an end of the clip, terms may see different sides", is_at_clip),
    Limit(
        SMOOTHED,
        ("gradient",),
        math.inf,
        "targets are all alike: differences at logit 0",
        when=is_smoothed_away,
    ),
    Limit(("binary_crossentropy",), FIRST, 1.5, "of soft targets, a difference of products near its zero"),
    Limit(SMOOTHED, ALL, 8, "the smoothed target is rounded", when=is_smoothed),
    Limit(("brier",), ALL, math.inf, "a dominant wrong class cancels", is_logits),
    Limit(("cosine_similarity",), ALL, 2, "the gradient of parallel vectors is a difference that vanishes"),
    Limit(
        ("cosine_similarity",),
        ALL + BEYOND,
        math.inf,
        "Σp² and powers of the norm need a scaled sum",
        is_extreme,
    ),
    Limit(("pseudo_huber",), ("value",), math.inf, "error / delta overflows", is_nearly_too_large),
    Limit(("pseudo_huber", "charbonnier"), SECOND, 1.2, "the cube of a quotient is three roundings and more"),
    Limit(("cauchy", "adaptive_robust"), SECOND, 4, "the Hessian changes sign, at an error of √2·c"),
    Limit(("cauchy", "adaptive_robust"), ALL, math.inf, "error / c overflows", is_nearly_largest),
    Limit(("mean_squared_logarithmic_error",), SECOND, 4, "the Hessian changes sign: 1 − log(…)"),
    Limit(("adaptive_robust",), FIRST, math.inf, "a power of a large square overflows", is_nearly_too_large),
    Limit(FOCAL, ALL, math.inf, "the curvature of a power near 0 overflows", is_confident, has_small_gamma),
    Limit(("categorical_focal_crossentropy",), SECOND, math.inf, "the Hessian is a difference at 1", is_led),
    Limit(LOGITS, ALL + BEYOND, math.inf, "p − max(p) is held at the largest float", is_far_apart),
    Limit(("categorical_focal_crossentropy", "poly1"), ALL, math.inf, "1/(Σp)² overflows", is_nearly_empty),
    Limit(("entropy",), ("value",), 1.5, "subnormal numbers"),
    Limit(
        ("kl_sparsity",),
        ("value", "by"),
        math.inf,
        "two logarithms cancel where the mean is close to rho",
        is_small_beside_weight,
    ),
    Limit(
        ("cosine_similarity",),
        BEYOND,
        math.inf,
        "of parallel vectors, a difference that vanishes",
        is_small_beside_inverse_norm,
    ),
    Limit(
        ("entropy",),
        ("gradient", "product"),
        math.inf,
        "differences of numbers of the size of the weight",
        is_small_beside_weight,
    ),
    Limit(
        ("expectile",), ("value",), math.inf, "0 times a square that overflows", is_not_finite, is_one_sided
    ),
    Limit(LOG_LINK, BEYOND, math.inf, "addends that overflow would cancel", is_not_finite),
    Limit(
        ("adaptive_robust",),
        ALL + BEYOND,
        math.inf,
        "a steep power of a number near 1 loses its digits",
        when=has_far_alpha,
    ),
    Limit(("adaptive_robust",), ALL, 100, "a power of a large square amplifies its rounding"),
)


EVERY = (
    Limit(
        (), ALL, math.inf, "a sum over the columns leaves the range before it is divided", is_sum_too_large
    ),
    Limit((), BEYOND, math.inf, "array code: a step of it overflows near the largest float", is_nearly_out),
)
"""The limits of every loss, also of one's own: partial sums have the dtype of the predictions."""


def limit_of(miss) -> Limit | None:
    """The first row of the table that covers a `Deviation`, if there is one."""
    shipped = is_shipped(miss.subject.declaration)
    for limit in (*EVERY, *LIMITS) if shipped else EVERY:
        if (
            (not limit.names or miss.subject.name in limit.names)
            and miss.quantity.output.partition(" ")[0] in limit.outputs
            and miss.size <= limit.factor
            and limit.where(miss)
            and limit.when(miss.subject.values)
        ):
            return limit
    return None
