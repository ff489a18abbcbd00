"""Losses that boosters are trained with: their derivatives as people write them in NumPy, targets, names."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

CLASSES = 10

Derivatives = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Objective:
    """A loss, its derivatives as people write them in NumPy, and its names in the boosters.

    `built_in` gives a booster's name of it; `target` makes the targets from a score without noise.
    """

    loss: str
    arguments: dict
    numpy: Callable[[np.ndarray, np.ndarray], Derivatives]
    target: Callable[[np.random.Generator, np.ndarray], np.ndarray]
    built_in: dict[str, object]
    exponential: bool = True
    classes: int = 1

    @property
    def least_ratio(self) -> float:
        """How many times as fast as NumPy's the call has to be."""
        return 3.0 if self.exponential else 1.2


def logistic(y, raw):
    probability = 1 / (1 + np.exp(-raw))
    return probability - y, probability * (1 - probability)


def poisson(y, raw):
    mean = np.exp(raw)
    return mean - y, mean


def gamma(y, raw):
    share = y * np.exp(-raw)
    return 1 - share, share


def tweedie(y, raw):
    mean, share = np.exp(0.5 * raw), y * np.exp(-0.5 * raw)
    return mean - share, 0.5 * mean + 0.5 * share


def squared(y, raw):
    return raw - y, np.ones_like(raw)


def pseudo_huber(y, raw):
    error = raw - y
    root = np.sqrt(1 + error**2)
    return error / root, 1 / root**3


def huber(y, raw):
    error = raw - y
    return np.clip(error, -1, 1), (np.abs(error) <= 1).astype(raw.dtype)


def absolute(y, raw):
    return np.sign(raw - y), np.ones_like(raw)


def softmax(y, raw):
    exponentials = np.exp(raw - raw.max(axis=1, keepdims=True))
    share = exponentials / exponentials.sum(axis=1, keepdims=True)
    gradient = share.copy()
    gradient[np.arange(len(y)), y.astype(int)] -= 1
    return gradient, share * (1 - share)


def yes_or_no(random, score):
    return (score + random.logistic(size=score.shape) > 0).astype(np.float64)


def counts(random, score):
    return random.poisson(np.exp(score / 3)).astype(np.float64)


def amounts(random, score):
    return random.gamma(2.0, np.exp(score / 3) / 2) + 1e-3


def often_zero(random, score):
    return amounts(random, score) * (random.uniform(size=score.shape) < 0.6)


def noisy(random, score):
    return score + random.normal(size=score.shape)


def classes(random, score):
    return np.clip(np.round(score + CLASSES / 2 + random.normal(size=score.shape)), 0, CLASSES - 1)


OBJECTIVES = (
    Objective("BinaryCrossentropy", {"from_logits": True}, logistic, yes_or_no,
              {"xgboost": "binary:logistic", "lightgbm": "binary", "catboost": "Logloss",
               "sklearn": "HalfBinomialLoss"}),
    Objective("PoissonNLL", {}, poisson, counts,
              {"xgboost": "count:poisson", "lightgbm": "poisson", "catboost": "Poisson",
               "sklearn": "HalfPoissonLoss"}),
    Objective("Gamma", {}, gamma, amounts,
              {"xgboost": "reg:gamma", "lightgbm": "gamma", "sklearn": "HalfGammaLoss"}),
    Objective("Tweedie", {}, tweedie, often_zero,
              {"xgboost": "reg:tweedie", "lightgbm": "tweedie", "catboost": "Tweedie:variance_power=1.5",
               "sklearn": "HalfTweedieLoss"}),
    Objective("SparseCategoricalCrossentropy", {"from_logits": True}, softmax, classes,
              {"xgboost": "multi:softprob", "lightgbm": "multiclass", "sklearn": "HalfMultinomialLoss"},
              classes=CLASSES),
    Objective("PseudoHuber", {}, pseudo_huber, noisy, {"xgboost": "reg:pseudohubererror"},
              exponential=False),
    Objective("Expectile", {"expectile": 0.5}, squared, noisy,
              {"xgboost": "reg:squarederror", "lightgbm": "regression", "catboost": "RMSE",
               "sklearn": "HalfSquaredError"},
              exponential=False),
    Objective("Huber", {}, huber, noisy, {"lightgbm": "huber", "sklearn": "HuberLoss"}, exponential=False),
    Objective("MeanAbsoluteError", {}, absolute, noisy,
              {"lightgbm": "regression_l1", "catboost": "MAE", "sklearn": "AbsoluteError"},
              exponential=False),
)  # fmt: skip
"""Expectile ½ is half the squared error, which is what boosters mean by squared error."""

TRAINED = ("BinaryCrossentropy", "PoissonNLL", "Expectile", "SparseCategoricalCrossentropy")
"""What whole trainings are timed with."""
