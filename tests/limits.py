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
    """

    names: tuple[str, ...]
    outputs: tuple[str, ...]
    factor: float
    reason: str
    where: Callable = lambda miss: True


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
    Limit(("adaptive_robust",), ALL, 100, "a power of a large square amplifies its rounding"),
)


def is_known(case, miss) -> bool:
    """Whether a row of the table covers this miss."""
    return any(
        case.name in limit.names
        and miss.output in limit.outputs
        and miss.size <= limit.factor
        and limit.where(miss)
        for limit in LIMITS
    )

OPEN: dict[str, str] = {
    "test_elementwise_loss[binary_focal_crossentropy-from_logits=True-gamma=0.5-alpha=0.75]":
        "gamma < 1, float32, probabilities below 1e-30: the curvature of the power overflows to NaN",
    "test_elementwise_loss[binary_focal_crossentropy-apply_class_balancing=True-from_logits=True-gamma=0.5-alpha=0.75]":
        "gamma < 1, float32, probabilities below 1e-30: the curvature of the power overflows to NaN",
    "test_elementwise_loss[mean_squared_logarithmic_error]":
        "float64 Hessian, 2.3 times: it is a difference of two roundings",
    "test_elementwise_loss[adaptive_robust-alpha=3.0-c=0.75]":
        "alpha > 2: the loss is infinite within a factor 4 of the largest float",
    "test_loss_of_rows[categorical_focal_crossentropy-from_logits=True]":
        "logits further apart than the largest float: half of the loss, or NaN",
    "test_loss_of_rows[categorical_focal_crossentropy-from_logits=True-gamma=1.5-alpha=(0.25, 0.5, 0.75)]":
        "logits further apart than the largest float: half of the loss, or NaN",
    "test_loss_of_rows[categorical_focal_crossentropy-from_logits=True-gamma=0.5-label_smoothing=0.125]":
        "gamma < 1, float32, probabilities below 1e-30: the curvature of the power overflows to NaN",
    "test_loss_of_rows[poly1]":
        "probabilities whose sum is below 1e-30: 1/S² leaves float32, NaN",
    "test_loss_of_rows[poly1-epsilon=-0.5]":
        "probabilities whose sum is below 1e-30: 1/S² leaves float32, NaN",
    "test_loss_of_rows[poly1-from_logits=True-epsilon=-0.5]":
        "logits further apart than the largest float: half of the loss, or NaN",
    "test_loss_of_rows[poly1-from_logits=True]":
        "logits further apart than the largest float: half of the loss, or NaN",
    "test_one_column[categorical_focal_crossentropy]":
        "probabilities whose sum is below 1e-30: 1/S² leaves float32, NaN",
    "test_one_column[categorical_focal_crossentropy-gamma=0.5-label_smoothing=0.125]":
        "probabilities whose sum is below 1e-30: 1/S² leaves float32, NaN",
    "test_one_column[poly1]":
        "probabilities whose sum is below 1e-30: 1/S² leaves float32, NaN",
    "test_one_column[poly1-epsilon=-0.5]":
        "probabilities whose sum is below 1e-30: 1/S² leaves float32, NaN",
}  # fmt: skip
"""Cases of `test_accuracy.py` that still break the contract, by test and case; docs/accuracy.md lists them.

They are run and expected to fail; one that is mended must leave this table.
"""
