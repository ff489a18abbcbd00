"""Where known limits are met: questions about a miss, and about the arguments of a loss.

A miss is a `findings.Deviation`; arguments are the options and the parameters together.
"""

import math

import numpy as np

from lossgen.inspection.verification.contract import SINGLE

GAMMAS = ("gamma", "gamma_negative", "gamma_positive")


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


def spread(miss) -> float:
    """The distance between the largest and the smallest of the logits and 0."""
    return 2 * float(np.ptp(np.append(miss.prediction, 0).astype(float) / 2))


def is_confident(miss) -> bool:
    """Whether the power gamma − 2 of a probability of the row overflows."""
    values = miss.subject.values
    power = min(values[name] for name in GAMMAS if name in values)
    return spread(miss) * (2 - power) > 0.98 * math.log(float(miss.kind.largest))


def is_unlikely(miss) -> bool:
    """Whether the cube of a probability of the row is too small for the float type."""
    return 3 * spread(miss) > math.log(float(miss.kind.largest))


def is_at_margin(miss) -> bool:
    """Whether a probability is the margin, up to the rounding of 1."""
    margin = miss.subject.values["margin"]
    hits = 1 / (1 + np.exp(-np.clip(miss.prediction, -700, 700)))
    return bool((np.abs(hits - margin) <= float(miss.kind.ulp(1))).any())


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
    powers = (arguments.get(name, 2) for name in GAMMAS)
    return any(0 < power < 1 for power in powers)


def is_far_apart(miss) -> bool:
    """Whether two predictions differ by more than the largest float."""
    halves = miss.prediction.astype(float) / 2
    return bool(np.ptp(halves) > float(miss.kind.largest) / 2)


def at_clip(miss) -> np.ndarray:
    """Whether each column's share of the sum is an end of the clip, 1e-7 or 1 − 1e-7, up to rounding.

    A share of 1 is not: in float32 it is 1.7 ulp away from the end.
    """
    numbers = miss.prediction.astype(float)
    shares = numbers / max(numbers.sum(), numbers.max(), 1e-300)
    rounding = (0.5 if miss.kind is SINGLE else 8) * float(miss.kind.ulp(1))
    ends = np.array([1e-7, 1 - 1e-7])
    return (np.abs(shares[:, None] - ends) <= rounding * ends).any(1)


def is_at_clip(miss) -> bool:
    """Whether a column is at an end of the clip."""
    return bool(at_clip(miss).any())


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


def is_nearly_empty(miss) -> bool:
    """Whether probabilities add up to so little that the inverse of its square leaves the range."""
    bound = 1e-18 if miss.kind is SINGLE else 1e-150
    return bool(0 < np.sum(miss.prediction.astype(float)) < bound)


def overflows_as_exponent(miss) -> bool:
    """Whether the exponential of a prediction, or of half of it, leaves the range."""
    return bool(np.abs(miss.prediction).max() > 0.95 * math.log(float(miss.kind.largest)))


def is_of_logits(arguments) -> bool:
    """Whether predictions are logits."""
    return arguments.get("from_logits", False)


def is_of_probabilities(arguments) -> bool:
    """Whether predictions are probabilities."""
    return not is_of_logits(arguments)


# How large errors may be --------------------------------------------------------------------------------


def order(miss) -> int:
    """How often the loss is differentiated by predictions."""
    return {"value": 0, "gradient": 1, "hessian": 2, "product": 2}.get(miss.quantity.output, 0)


def of_exact(miss) -> float:
    """The exact number: 0 is computed instead."""
    return abs(miss.exact)


def of_loss(miss) -> float:
    """The rounding of numbers of the size of the loss, whose difference the exact number is."""
    return 10 * float(miss.kind.ulp(miss.loss))


def of_curvature(miss) -> float:
    """The rounding of 1 in the curvature of (1 − p)**gamma, for the probability p of a leading logit."""
    ordered = np.sort(miss.prediction)
    alpha, gamma = miss.subject.values["alpha"], miss.subject.values["gamma"]
    logarithm = math.log(float(np.exp(ordered[:-1] - ordered[-1]).sum()) or 1e-323)
    return 4 * alpha * float(miss.kind.ulp(1)) * math.exp(min((gamma - 1) * logarithm, 700))


def of_half(miss) -> float:
    """Half of the exact number, which is twice what is computed."""
    return 0.51 * abs(miss.exact)


def of_quotient(miss) -> float:
    """The rounding in float64 of a quotient of sums of about 1."""
    return 3 * 2.0**-52


def of_margin(miss) -> float:
    """The rounding of the margin in float64."""
    return 1.5 * 2.0**-53 * max(miss.subject.values["margin"], 1)


def of_step(miss) -> float:
    """The step of the curvature where a probability passes the margin, at a power of 1."""
    slopes = 1 / (2 + 2 * np.cosh(np.clip(miss.prediction, -700, 700)))
    return 2.02 * float(slopes.max()) ** 2


def of_weight(miss) -> float:
    """The rounding of numbers of the size of the weight, whose difference the exact number is."""
    weight = 1 if miss.quantity.output == "by weight" else abs(miss.subject.values["weight"])
    return 0.3 * float(miss.kind.ulp(4 * weight))


def of_norms(miss) -> float:
    """What the derivatives of an angle are at most: powers of 1/‖p‖, by the target of 1/‖target‖."""
    if miss.quantity.output == "by y_true":
        return 1 / math.hypot(*np.ravel(miss.target))
    return (1, 1, 4)[order(miss)] / math.hypot(*miss.prediction) ** order(miss)


def of_clip(miss) -> float:
    """The step of a derivative at the ends of the clip, where a logarithm ceases to have a slope."""
    smallest = float(miss.prediction[at_clip(miss)].min())
    return 8 / smallest ** order(miss)


def of_other_classes(miss) -> float:
    """What all classes but the likeliest have of the probability; at most the rounding of 1."""
    ordered = np.sort(miss.prediction)
    return 3 * min(float(miss.kind.ulp(1)), float(np.exp(ordered[:-1] - ordered[-1]).sum()))


def of_steep_power(miss) -> float:
    """What a rounding of 1 becomes in the power alpha / 2."""
    return abs(miss.exact) * math.expm1(min(abs(miss.subject.values["alpha"]) * float(miss.kind.ulp(1)), 700))


def of_equal_logits(miss) -> float:
    """The rounding of a difference of probabilities."""
    return 0.75 * float(miss.kind.ulp(1))
