"""Focal losses: cross-entropies that fade out for what is already predicted well.

Written with the probability of being wrong, so that a confident prediction, right or wrong, loses no digits
and keeps its gradient.
"""

from sympy import Eq, Expr, Piecewise, log

from lossgen.language.atoms import minimum, relu, sigmoid, softplus
from lossgen.language.decorator import loss
from lossgen.language.parameters import Parameter
from lossgen.language.reductions import LogSoftmax, Mean, Sum

from .shared import (
    PROBABILITIES,
    SMOOTHING,
    bernoulli,
    categorical,
    logit,
    smoothed,
    smoothed_over_columns,
    softmax,
)

GAMMA = Parameter(2.0, minimum=0)
ALPHA = Parameter(0.25, minimum=0, maximum=1)
LIN = "T.-Y. Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, eq. 5"


def balance(target: Expr, alpha: Expr) -> Expr:
    """Weight alpha of the positive class, 1 − alpha of the negative one."""
    return target * alpha + (1 - target) * (1 - alpha)


@loss(domain=PROBABILITIES, link=logit, axis_argument=True, reference=LIN)
def binary_focal_crossentropy(
    y_true, y_pred, *, apply_class_balancing=False, alpha=ALPHA, gamma=GAMMA, from_logits=False,
    label_smoothing=SMOOTHING,
):  # fmt: skip
    """Binary cross-entropy times (1 − p_t)^gamma, p_t the probability of the target; mean over the axis.

    Target in [0, 1]; prediction a probability, clipped to [1e-7, 1 − 1e-7], or a logit.
    """
    yes, no = bernoulli(y_pred, from_logits)
    positive, negative = smoothed(y_true, label_smoothing), smoothed(1 - y_true, label_smoothing)
    wrong = positive * no + negative * yes
    focal = wrong**gamma * (-positive * log(yes) - negative * log(no))
    if apply_class_balancing:
        focal *= positive * alpha + negative * (1 - alpha)
    return Mean(focal)


@loss(domain=PROBABILITIES, link=softmax, axis_argument=True, reference=LIN)
def categorical_focal_crossentropy(
    y_true, y_pred, *, alpha=Parameter(0.25, minimum=0, per_class=True), gamma=GAMMA, from_logits=False,
    label_smoothing=SMOOTHING,
):  # fmt: skip
    """Categorical cross-entropy with each class faded out by (1 − its probability)^gamma, sum over the axis.

    Target a distribution; prediction probabilities, divided by their sum, or logits. alpha is one weight, or
    one a class.
    """
    probability = categorical(y_pred, from_logits)
    log_probability = LogSoftmax(y_pred) if from_logits else log(probability)
    target = smoothed_over_columns(y_true, label_smoothing)
    return -Sum(alpha * (1 - probability) ** gamma * target * log_probability)


@loss(domain={"target": "probability", "prediction": "real"}, link="logit", reference=LIN)
def sigmoid_focal(y_true, y_pred, *, alpha=ALPHA, gamma=GAMMA):
    """Focal loss of hard yes/no targets from logits, in log space, mean over the columns.

    Target 0 or 1; prediction a logit. The margin is the logit, positive where the prediction is right.
    """
    margin = (2 * y_true - 1) * y_pred
    return Mean(balance(y_true, alpha) * sigmoid(-margin) ** gamma * softplus(-margin))


@loss(
    domain={"target": "probability", "prediction": "real"},
    link="logit",
    reference="T. Ridnik et al., Asymmetric Loss For Multi-Label Classification, ICCV 2021, eq. 7",
)
def asymmetric_loss(
    y_true, y_pred, *, gamma_negative=Parameter(4.0, minimum=0), gamma_positive=Parameter(1.0, minimum=0),
    margin=Parameter(0.05, minimum=0, maximum=1),
):  # fmt: skip
    """Multi-label focal loss that fades negatives out faster and drops easy ones; sum over the labels.

    Target 0 or 1 a label; prediction a logit a label. Negatives below the margin are dropped.
    """
    hit, miss = sigmoid(y_pred), sigmoid(-y_pred)
    positive = miss**gamma_positive * log(hit)
    log_miss = Piecewise((log(miss), Eq(margin, 0)), (log(minimum(miss + margin, 1)), True))
    negative = relu(hit - margin) ** gamma_negative * log_miss
    return -Sum(y_true * positive + (1 - y_true) * negative)
