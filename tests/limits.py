"""Where the accuracy contract is known not to hold; docs/accuracy.md says the same in words.

Everything that no row covers keeps the contract, and `test_accuracy.py` fails where it does not.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

FIRST = ("value", "gradient", "gradient with Hessian")
SECOND = ("hessian", "hessian_vector_product")
ALL = FIRST + SECOND


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


def is_confident(miss) -> bool:
    """Whether a probability of the row is below 1e-30 (in float64 1e-200), by its logit."""
    spread = np.ptp(np.append(miss.prediction, 0).astype(float) / 2)
    return bool(spread > (34.5 if miss.kind.dtype == np.float32 else 230))


def is_led(miss) -> bool:
    """Whether one logit is larger than all others by 16 or more: 1 − softmax is below half an ulp of 1."""
    ordered = np.sort(miss.prediction.astype(float) / 2)
    return ordered.size > 1 and bool(ordered[-1] - ordered[-2] >= 8)


def has_small_gamma(arguments) -> bool:
    """Whether the power of a focal loss has an infinite slope at 0."""
    return 0 < arguments.get("gamma", 2) < 1


def is_far_apart(miss) -> bool:
    """Whether two predictions differ by more than the largest float."""
    halves = miss.prediction.astype(float) / 2
    return bool(np.ptp(halves) > float(miss.kind.largest) / 2)


def is_nearly_empty(miss) -> bool:
    """Whether probabilities add up to so little that the inverse of its square leaves the range."""
    bound = 1e-18 if miss.kind.dtype == np.float32 else 1e-150
    return bool(0 < np.sum(miss.prediction.astype(float)) < bound)


LOG_LINK = ("gamma", "poisson_nll", "tweedie")
FOCAL = ("binary_focal_crossentropy", "categorical_focal_crossentropy", "sigmoid_focal", "asymmetric_loss")
SHARES = (
    "categorical_crossentropy", "categorical_focal_crossentropy", "sparse_categorical_crossentropy", "poly1",
)  # fmt: skip

LIMITS = (
    Limit(LOG_LINK, FIRST, 2, "exp(p) − y near its zero: exp is rounded before the difference"),
    Limit(FOCAL, FIRST, 2.5, "the power gamma amplifies the rounding of the probability"),
    Limit(FOCAL, SECOND, 10, "the Hessian changes sign, at logits around ±4"),
    Limit(SHARES, ALL, 1.5, "p / Σp is rounded before its logarithm"),
    Limit(("brier",), ALL, math.inf, "a dominant wrong class cancels", is_logits),
    Limit(("cosine_similarity",), ALL, 1.5, "the gradient of parallel vectors is a difference that vanishes"),
    Limit(("cosine_similarity",), ALL, math.inf, "Σp² and powers of the norm need a scaled sum", is_extreme),
    Limit(("pseudo_huber",), ("value",), math.inf, "error / delta overflows", is_nearly_too_large),
    Limit(("pseudo_huber", "charbonnier"), SECOND, 1.2, "the cube of a quotient is three roundings and more"),
    Limit(("cauchy", "adaptive_robust"), SECOND, 4, "the Hessian changes sign, at an error of √2·c"),
    Limit(("cauchy", "adaptive_robust"), ALL, math.inf, "error / c overflows", is_nearly_largest),
    Limit(("mean_squared_logarithmic_error",), SECOND, 2.5, "the Hessian changes sign: 1 − log(…)"),
    Limit(("adaptive_robust",), FIRST, math.inf, "a power of a large square overflows", is_nearly_too_large),
    Limit(FOCAL, ALL, math.inf, "the curvature of a power near 0 overflows", is_confident, has_small_gamma),
    Limit(("categorical_focal_crossentropy",), SECOND, math.inf, "the Hessian is a difference at 1", is_led),
    Limit(("categorical_focal_crossentropy", "poly1"), ALL, math.inf, "p − max(p) is held", is_far_apart),
    Limit(("categorical_focal_crossentropy", "poly1"), ALL, math.inf, "1/(Σp)² overflows", is_nearly_empty),
    Limit(("adaptive_robust",), ALL, 100, "a power of a large square amplifies its rounding"),
)


def is_known(case, miss) -> bool:
    """Whether a row of the table covers this miss."""
    return any(
        case.name in limit.names
        and miss.output in limit.outputs
        and miss.size <= limit.factor
        and limit.where(miss)
        and limit.when(case.arguments)
        for limit in LIMITS
    )
