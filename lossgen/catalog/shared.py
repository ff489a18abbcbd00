"""Pieces that several formulas of the catalogue share: Keras' guard, probabilities, label smoothing."""

from sympy import Expr, Rational

from lossgen.language.atoms import clip, sigmoid
from lossgen.language.parameters import Parameter
from lossgen.language.reductions import Softmax, Sum
from lossgen.language.symbols import column_count

EPSILON = Rational(1, 10**7)
"""Keras' `backend.epsilon()`, which keeps a logarithm or a quotient finite; a constant of the formula."""

SMOOTHING = Parameter(0.0, minimum=0, maximum=1)



def probability_or_logit(from_logits: bool) -> str:
    """Domain of a prediction that is a probability unless it is said to be a logit."""
    return "real" if from_logits else "probability"


def logit(from_logits: bool) -> str | None:
    """Link of a binary prediction."""
    return "logit" if from_logits else None


def softmax(from_logits: bool) -> str | None:
    """Link of a categorical prediction."""
    return "softmax" if from_logits else None


PROBABILITIES = {"target": "probability", "prediction": probability_or_logit}


def clipped(probability: Expr) -> Expr:
    """The probability, kept away from 0 and 1 so that its logarithm is finite; the gradient is 0 outside."""
    return clip(probability, EPSILON, 1 - EPSILON)


def bernoulli(prediction: Expr, from_logits: bool) -> tuple[Expr, Expr]:
    """The probabilities of yes and no. Both are written out, because 1 − σ(p) would lose the small one."""
    if from_logits:
        return sigmoid(prediction), sigmoid(-prediction)
    return clipped(prediction), 1 - clipped(prediction)


def categorical(prediction: Expr, from_logits: bool) -> Expr:
    """The probability of each column: softmax of logits, or the column's share of the sum."""
    return Softmax(prediction) if from_logits else clipped(prediction / Sum(prediction))


def smoothed(target: Expr, label_smoothing: Expr, classes: Expr | int = 2) -> Expr:
    """The target moved towards 1/classes; call it with 1 − y for the other class, so that nothing cancels."""
    return target * (1 - label_smoothing) + label_smoothing / classes


def smoothed_over_columns(target: Expr, label_smoothing: Expr) -> Expr:
    """The target moved towards the uniform distribution over the columns."""
    return smoothed(target, label_smoothing, column_count)
