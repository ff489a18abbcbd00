"""Losses of probabilities: cross-entropies and their relatives.

Targets are probabilities, or one integer label a row. Predictions are probabilities, clipped to
[1e-7, 1 − 1e-7] with gradient 0 outside, or logits: any real number, by way of log-sigmoid and log-softmax
without a clip.
"""

from sympy import Piecewise, log

from lossgen.language.atoms import clip
from lossgen.language.decorator import loss
from lossgen.language.parameters import Parameter
from lossgen.language.reductions import Gather, LogSoftmax, Mean, Softmax, Sum

from .shared import (
    EPSILON,
    PROBABILITIES,
    SMOOTHING,
    bernoulli,
    categorical,
    clipped,
    logit,
    probability_or_logit,
    smoothed,
    smoothed_over_columns,
    softmax,
)


@loss(domain=PROBABILITIES, link=logit, axis_argument=True, identifiers=("bce", "BCE"))
def binary_crossentropy(y_true, y_pred, *, from_logits=False, label_smoothing=SMOOTHING):
    """Minus the log-likelihood of independent yes/no targets, mean over the axis.

    Target in [0, 1]; prediction a probability, or a logit (link: logit).
    """
    yes, no = bernoulli(y_pred, from_logits)
    positive, negative = smoothed(y_true, label_smoothing), smoothed(1 - y_true, label_smoothing)
    return Mean(-positive * log(yes) - negative * log(no))


@loss(domain=PROBABILITIES, link=softmax, axis_argument=True)
def categorical_crossentropy(y_true, y_pred, *, from_logits=False, label_smoothing=SMOOTHING):
    """Minus the log-likelihood of a distribution over classes, sum over the axis.

    Target a distribution (one-hot or soft); prediction probabilities, divided by their sum, or logits (link:
    softmax).
    """
    log_probability = LogSoftmax(y_pred) if from_logits else log(categorical(y_pred, from_logits))
    return -Sum(smoothed_over_columns(y_true, label_smoothing) * log_probability)


@loss(
    domain={"target": "labels", "prediction": probability_or_logit},
    link=softmax,
    axis_argument=True,
    arguments=("from_logits", "ignore_class", "reduction", "axis", "name", "dtype"),
)
def sparse_categorical_crossentropy(y_true, y_pred, *, from_logits=False):
    """Categorical cross-entropy with one integer label a row.

    Target an integer in 0 … C−1, or `ignore_class`; prediction as for CategoricalCrossentropy.
    """
    if from_logits:
        return -Gather(LogSoftmax(y_pred))
    return -log(clipped(Gather(y_pred) / Sum(y_pred)))


@loss(
    name="KLDivergence",
    domain={"target": "nonnegative", "prediction": "nonnegative"},
    identifiers=("kld", "KLD"),
)
def kl_divergence(y_true, y_pred):
    """Kullback-Leibler divergence of the prediction from the target, sum over the columns.

    Target and prediction distributions, clipped to [1e-7, 1]; the prediction is not normalised.
    """
    target, prediction = clip(y_true, EPSILON, 1), clip(y_pred, EPSILON, 1)
    return Sum(target * log(target / prediction))


@loss(
    domain={"target": "labels", "prediction": "probability"},
    arguments=("q", "reduction", "name", "dtype", "ignore_class"),
    reference="Z. Zhang, M. Sabuncu, Generalized Cross Entropy Loss, NeurIPS 2018, eq. 6",
)
def categorical_generalized_cross_entropy(y_true, y_pred, *, q=Parameter(0.5, above=0, below=1)):
    """Between cross-entropy (q → 0) and absolute error (q → 1): robust to wrong labels.

    Target an integer in 0 … C−1; prediction probabilities. At probability 0 the gradient is 0, not −∞.
    """
    probability = Gather(y_pred)
    return Piecewise((1 / q, probability <= 0), ((1 - probability**q) / q, True))


@loss(
    domain=PROBABILITIES,
    link=softmax,
    axis_argument=True,
    reference="Z. Leng et al., PolyLoss, ICLR 2022, eq. 3",
)
def poly1(y_true, y_pred, *, epsilon=1.0, from_logits=False):
    """Cross-entropy plus epsilon times the probability of the other classes: its first term reweighted.

    Target one-hot; prediction probabilities, divided by their sum, or logits.
    """
    probability = categorical(y_pred, from_logits)
    log_probability = LogSoftmax(y_pred) if from_logits else log(probability)
    return Sum(y_true * (epsilon * (1 - probability) - log_probability))


@loss(
    domain=PROBABILITIES,
    link=softmax,
    axis_argument=True,
    reference="G. W. Brier, Mon. Weather Rev. 78 (1950), eq. 2",
)
def brier(y_true, y_pred, *, from_logits=False):
    """Squared distance between the predicted and the observed distribution, sum over the classes.

    Target a distribution (one-hot or soft); prediction probabilities as they are, or logits. The difference
    y − q is written as y·(1 − q) − (1 − y)·q, which keeps its digits where a softmax is nearly 1.
    """
    if not from_logits:
        return Sum((y_pred - y_true) ** 2)
    probability = Softmax(y_pred)
    return Sum((y_true * (1 - probability) - (1 - y_true) * probability) ** 2)
