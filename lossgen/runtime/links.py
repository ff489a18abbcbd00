"""Links: from raw scores to the mean of the target and back, in NumPy, without overflow."""

import numpy as np
from numpy.typing import ArrayLike

from lossgen.runtime.dtypes import prediction_array

NEAREST = 10 * float(np.finfo(np.float64).eps)
"""How near to 0 (or 1) the mean of the target is taken where it is 0 (or 1) and its link would be infinite.

scikit-learn's losses do the same: a class that does not occur starts at a raw score of about −34.
"""


def sigmoid(raw: np.ndarray) -> np.ndarray:
    """1/(1 + exp(−raw))."""
    decay = np.exp(-np.abs(raw))
    return np.where(raw >= 0, 1, decay) / (1 + decay)


def softmax(raw: np.ndarray) -> np.ndarray:
    """exp(raw) divided by its sum over the last axis."""
    grown = np.exp(raw - raw.max(-1, keepdims=True)) if raw.size else raw
    return grown / grown.sum(-1, keepdims=True)


def logit(mean: np.ndarray) -> np.ndarray:
    """log(mean/(1 − mean)), of a mean at least `NEAREST` away from 0 and 1."""
    mean = np.clip(mean, NEAREST, 1 - NEAREST)
    return np.log(mean) - np.log1p(-mean)


def logarithm(mean: np.ndarray) -> np.ndarray:
    """log(mean), of `NEAREST` where the mean is 0."""
    return np.log(np.where(mean > 0, mean, NEAREST))


LINKS = {"identity": np.asarray, "logit": logit, "log": logarithm, "softmax": logarithm}
INVERSE = {"identity": np.asarray, "logit": sigmoid, "log": np.exp, "softmax": softmax}


def inverse_link(link: str, raw: ArrayLike) -> np.ndarray:
    """What raw scores predict: the mean of the target.

    Args:
        raw: raw scores of any shape; under "softmax" the last axis holds the classes.

    Returns:
        An array of the same shape, in the dtype that the scores are computed in.
    """
    scores, result = prediction_array(raw, name="raw")
    with np.errstate(over="ignore"):
        return INVERSE[link](scores).astype(result, copy=False)
