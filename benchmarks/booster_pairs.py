"""Losses that boosters have built in, the same of lossgen, and what makes a difference between them.

A `Pair` says how the built-in is called, how it is trained, and, where training with the bare loss is not the
same, which trick of the built-in makes the difference and how to have it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from math import exp

import mpmath
import numpy as np
from sklearn import datasets

from lossgen import losses

CLASS_ROWS = 600


@dataclass(frozen=True)
class Pair:
    """A loss built into a booster, and lossgen's.

    Args:
        name: what the booster calls it.
        loss: lossgen's class and arguments.
        data: which data to train on, a function of this module.
        built_in: parameters of the built-in.
        trick: what the built-in does besides; None where it does nothing.
        policy: `hessian` and `hessian_scale` that reproduce it.
        own: further parameters of the training with lossgen that reproduce it.
        both: parameters that take the trick away from the built-in, given to both.
        start: the start that reproduces it, of the targets; None for the optimal constant.
        remains: what is said where that does not reproduce the built-in.
    """

    name: str
    loss: tuple[str, dict]
    data: Callable[[], tuple[np.ndarray, np.ndarray]]
    built_in: Mapping[str, object] = field(default_factory=dict)
    trick: str | None = None
    policy: Mapping[str, object] = field(default_factory=dict)
    own: Mapping[str, object] = field(default_factory=dict)
    both: Mapping[str, object] = field(default_factory=dict)
    start: Callable[[np.ndarray], float] | None = None
    remains: str | None = None

    def make(self):
        """lossgen's loss."""
        kind, arguments = self.loss
        return getattr(losses, kind)(**arguments)

    @property
    def classes(self) -> int:
        """How many classes there are; 1 where there are none."""
        return 10 if self.data is digits else 1


# Data -------------------------------------------------------------------------------------------------------


@cache
def tumours():
    """569 tumours: benign or not."""
    features, y = datasets.load_breast_cancer(return_X_y=True)
    return features, y.astype(np.float64)


@cache
def digits():
    """600 images of digits."""
    features, y = datasets.load_digits(return_X_y=True)
    return features[:CLASS_ROWS], y[:CLASS_ROWS].astype(np.float64)


@cache
def diabetes():
    """442 patients: a whole number between 25 and 346 that says how far the disease has gone."""
    return datasets.load_diabetes(return_X_y=True)


@cache
def excess():
    """The same, as far as it is above 100: half of the targets are 0."""
    features, y = diabetes()
    return features, np.maximum(y - 100, 0)


# Pairs ------------------------------------------------------------------------------------------------------

LOGISTIC = ("BinaryCrossentropy", {"from_logits": True})
SOFTMAX = ("SparseCategoricalCrossentropy", {"from_logits": True})
SQUARED = ("Expectile", {"expectile": 0.5})
ABSOLUTE = ("MeanAbsoluteError", {})
UPPER = ("Quantile", {"quantile": 0.8})
LEAVES = "leaves are set to {} of their residuals"
STEPS = "not offered to others; longer steps come near"

PAIRS = {
    "XGBoost": (
        Pair("reg:squarederror", SQUARED, diabetes),
        Pair("binary:logistic", LOGISTIC, tumours),
        Pair("multi:softprob", SOFTMAX, digits, trick="Hessian 2p(1 − p)", policy={"hessian": "upper_bound"}),
        Pair("count:poisson", ("PoissonNLL", {}), diabetes, trick="max_delta_step = 0.7, Hessian times e^0.7",
             policy={"hessian_scale": exp(0.7)}, own={"max_delta_step": 0.7}),
        Pair("reg:gamma", ("Gamma", {}), diabetes),
        Pair("reg:tweedie", ("Tweedie", {"rho": 1.5}), excess),
        Pair("reg:pseudohubererror", ("PseudoHuber", {"delta": 30.0}), diabetes,
             built_in={"huber_slope": 30.0}, trick="starts one Newton step from 0, however far that leads",
             both={"base_score": 140.5}),
        Pair("reg:absoluteerror", ABSOLUTE, diabetes, trick=LEAVES.format("the median"),
             own={"objective": "reg:absoluteerror"}),
        Pair("reg:quantileerror", UPPER, diabetes, built_in={"quantile_alpha": 0.8},
             trick=LEAVES.format("the quantile") + ", start interpolated between two targets",
             own={"objective": "reg:quantileerror", "quantile_alpha": 0.8}, both={"base_score": 232.4}),
    ),
    "LightGBM": (
        Pair("regression", SQUARED, diabetes),
        Pair("binary", LOGISTIC, tumours),
        Pair("multiclass", SOFTMAX, digits, trick="Hessian K/(K − 1)·p(1 − p)",
             policy={"hessian_scale": 10 / 9}),
        Pair("poisson", ("PoissonNLL", {}), diabetes, trick="Hessian times e^0.7",
             policy={"hessian_scale": exp(0.7)}),
        Pair("gamma", ("Gamma", {}), diabetes),
        Pair("tweedie", ("Tweedie", {"rho": 1.5}), excess),
        Pair("huber", ("Huber", {"delta": 30.0}), diabetes, built_in={"alpha": 30.0},
             trick="Hessian 1, starts at the mean", policy={"hessian": "ones"}, start=np.mean),
        Pair("regression_l1", ABSOLUTE, diabetes, trick=LEAVES.format("the median"),
             policy={"hessian_scale": 0.04}, remains=STEPS),
        Pair("quantile", UPPER, diabetes, built_in={"alpha": 0.8}, trick=LEAVES.format("the quantile"),
             policy={"hessian_scale": 0.01}, remains=STEPS),
    ),
    "CatBoost": (
        Pair("RMSE", SQUARED, diabetes),
        Pair("Logloss", LOGISTIC, tumours, trick="10 Newton steps a leaf",
             both={"leaf_estimation_iterations": 1}),
        Pair("MultiClass", SOFTMAX, digits),
        Pair("Poisson", ("PoissonNLL", {}), diabetes),
        Pair("Tweedie:variance_power=1.5", ("Tweedie", {"rho": 1.5}), excess),
        Pair("Huber:delta=30", ("Huber", {"delta": 30.0}), diabetes),
        Pair("MAE", ABSOLUTE, diabetes, trick=LEAVES.format("the median"),
             policy={"hessian_scale": 0.04}, own={"l2_leaf_reg": 0.12}, remains=STEPS),
        Pair("Quantile:alpha=0.8", UPPER, diabetes, trick=LEAVES.format("the quantile"),
             policy={"hessian_scale": 0.01}, own={"l2_leaf_reg": 0.03}, remains=STEPS),
    ),
    "scikit-learn": (
        Pair("squared_error", SQUARED, diabetes),
        Pair("log_loss", LOGISTIC, tumours),
        Pair("log_loss, 10 classes", SOFTMAX, digits),
        Pair("poisson", ("PoissonNLL", {}), diabetes),
        Pair("gamma", ("Gamma", {}), diabetes),
        Pair("absolute_error", ABSOLUTE, diabetes),
        Pair("quantile", UPPER, diabetes, built_in={"quantile": 0.8},
             trick="between two residuals it interpolates", remains="lossgen takes the middle"),
    ),
}  # fmt: skip


# Formulas ---------------------------------------------------------------------------------------------------


def logistic(y, p, _):
    share = 1 / (1 + mpmath.exp(-p))
    return share - y, share * (1 - share)


def poisson(y, p, _):
    return mpmath.exp(p) - y, mpmath.exp(p)


def gamma(y, p, _):
    return 1 - y * mpmath.exp(-p), y * mpmath.exp(-p)


def tweedie(y, p, rho):
    mean, share = mpmath.exp((2 - rho) * p), y * mpmath.exp((1 - rho) * p)
    return mean - share, (2 - rho) * mean - (1 - rho) * share


def squared(y, p, _):
    return p - y, mpmath.mpf(1)


def pseudo_huber(y, p, delta):
    root = mpmath.sqrt(1 + ((p - y) / delta) ** 2)
    return (p - y) / root, 1 / root**3


def huber(y, p, delta):
    inside = abs(p - y) <= delta
    return (p - y if inside else delta * mpmath.sign(p - y)), mpmath.mpf(inside)


def absolute(y, p, _):
    return mpmath.sign(p - y), mpmath.mpf(1)


def quantile(y, p, level):
    return (-level if y >= p else 1 - level), mpmath.mpf(1)


FORMULAS = {
    "BinaryCrossentropy": logistic, "PoissonNLL": poisson, "Gamma": gamma, "Tweedie": tweedie,
    "Expectile": squared, "PseudoHuber": pseudo_huber, "Huber": huber, "MeanAbsoluteError": absolute,
    "Quantile": quantile,
}  # fmt: skip
"""Gradient and Hessian of one element with a parameter; of losses without curvature the 1 they are given."""


def exact(pair: Pair, y: np.ndarray, raw: np.ndarray, moved: bool = False) -> np.ndarray:
    """Gradients and Hessians in 50 digits, (2, …) objects; `moved`: of scores moved by their last place."""
    kind, arguments = pair.loss
    found = np.empty((2, *raw.shape), object)
    with mpmath.workdps(50):
        if pair.classes > 1:
            for row, label in enumerate(y):
                powers = [mpmath.exp(mpmath.mpf(float(each))) for each in raw[row]]
                total = mpmath.fsum(powers)
                for column, power in enumerate(powers):
                    share = power / total
                    found[:, row, column] = share - (column == label), share * (1 - share)
        else:
            parameter = mpmath.mpf(float(next(iter(arguments.values()), 0)))
            for row in range(len(y)):
                target, score = mpmath.mpf(float(y[row])), mpmath.mpf(float(raw[row]))
                score += mpmath.mpf(float(np.spacing(raw[row]))) if moved else 0
                found[:, row] = FORMULAS[kind](target, score, parameter)
    return found


def ulps(found: np.ndarray, right: np.ndarray, moved: np.ndarray) -> float:
    """The largest error of float32 results in units in the last place of the right ones.

    Where the last place of the raw score moves the right one by more (exp(p) − y, where they nearly cancel),
    that is the unit.
    """
    worst = 0.0
    for ours, each, other in zip(found.ravel(), right.ravel(), moved.ravel(), strict=True):
        unit = max(float(np.spacing(np.float32(abs(each)))), float(abs(other - each)))
        worst = max(worst, float(abs(mpmath.mpf(float(ours)) - each)) / unit)
    return worst
