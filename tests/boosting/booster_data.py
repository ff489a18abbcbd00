"""Data that scikit-learn ships, cut small, with the derivatives of a few losses written down for float64."""

from functools import cache

import numpy as np
from sklearn import datasets

from lossgen.losses import (
    BinaryCrossentropy,
    Expectile,
    PoissonNLL,
    SparseCategoricalCrossentropy,
)


@cache
def regression():
    """442 rows: features, and how far a disease has gone after a year, 25 to 346."""
    features, y = datasets.load_diabetes(return_X_y=True)
    return features.astype(np.float32), y.astype(np.float32)


@cache
def yes_or_no():
    """569 rows: features of tumours, and whether they are benign."""
    features, y = datasets.load_breast_cancer(return_X_y=True)
    return features.astype(np.float32), y.astype(np.float32)


@cache
def classes():
    """178 rows: features of wines, and which of three growers they come from."""
    features, y = datasets.load_wine(return_X_y=True)
    return features.astype(np.float32), y.astype(np.float32)


@cache
def outputs():
    """The first features of the diabetes data, and two targets."""
    features, y = regression()
    second = 300 * features[:, 7] + 1000 * features[:, 2] ** 2
    return features[:, :6].copy(), np.stack([y, second], axis=1)


def weights(rows: int) -> np.ndarray:
    """Weights of rows between 1/2 and 2, some 0."""
    given = np.random.default_rng(rows).uniform(0.5, 2, rows).astype(np.float32)
    given[::17] = 0
    return given


def logistic(y, raw):
    probability = 1 / (1 + np.exp(-raw))
    return probability - y, probability * (1 - probability)


def poisson(y, raw):
    return np.exp(raw) - y, np.exp(raw)


def squared(y, raw):
    return raw - y, np.ones_like(raw)


def softmax(y, raw):
    share = np.exp(raw - raw.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    return share - np.eye(raw.shape[1])[y.astype(int)], share * (1 - share)


CASES = {
    "logistic": (BinaryCrossentropy(from_logits=True), yes_or_no, logistic),
    "poisson": (PoissonNLL(), regression, poisson),
    "squared": (Expectile(0.5), regression, squared),
    "softmax": (SparseCategoricalCrossentropy(from_logits=True), classes, softmax),
}
"""A loss, its data, and its derivatives in NumPy."""


def agrees(found, expected, weight=None, exact=1e-6):
    """Whether gradients and Hessians are float32 and within so many relative parts of the largest."""
    for ours, right in zip(found, expected, strict=True):
        if weight is not None:
            right = right * (weight if right.ndim == 1 else weight[:, None])
        assert ours.dtype == np.float32 and ours.shape == right.shape
        np.testing.assert_allclose(ours, right, rtol=exact, atol=exact * np.abs(right).max())


class Watched:
    """An objective that remembers what it was called with and what it gave."""

    def __init__(self, objective):
        self.objective, self.calls = objective, []

    def __call__(self, y_true, y_pred, sample_weight=None):
        found = self.objective(y_true, y_pred, sample_weight)
        first = np.array(y_true, order="K")  # LightGBM writes its next scores to the same place
        self.calls.append((first, y_pred, sample_weight, found))
        return found
