"""Overlap losses of a predicted and a true region, over the whole tensor unless `axis` is given.

With TP = Σ y·p, FP = Σ (1−y)·p and FN = Σ y·(1−p), each is written as 1 / (1 + overlap / mistakes) rather
than 1 − overlap / (overlap + mistakes): the same number, with all its digits when the regions agree.
"""

from lossgen.language.decorator import loss
from lossgen.language.parameters import Parameter
from lossgen.language.reductions import Sum

from .shared import EPSILON

REGIONS = {"target": "probability", "prediction": "probability"}
SHARE = Parameter(0.5, minimum=0)


def tversky_share(y_true, y_pred, alpha, beta):
    """1 − TP / (TP + alpha·FP + beta·FN + 1e-7)."""
    overlap = Sum(y_true * y_pred)
    mistakes = alpha * Sum((1 - y_true) * y_pred) + beta * Sum(y_true * (1 - y_pred)) + EPSILON
    return 1 / (1 + overlap / mistakes)


@loss(scope=None, axis_argument=True, domain=REGIONS, arguments=("reduction", "name", "axis", "dtype"))
def dice(y_true, y_pred):
    """1 − 2·TP / (2·TP + FP + FN + 1e-7), the complement of the Sørensen-Dice coefficient.

    Target and prediction in [0, 1]; two empty regions have loss 1, as in Keras.
    """
    mistakes = Sum((1 - y_true) * y_pred + y_true * (1 - y_pred)) + EPSILON
    return 1 / (1 + 2 * Sum(y_true * y_pred) / mistakes)


@loss(
    scope=None, axis_argument=True, domain=REGIONS,
    arguments=("alpha", "beta", "reduction", "name", "axis", "dtype"),
    reference="S. S. M. Salehi et al., Tversky Loss for Image Segmentation, MLMI 2017, eq. 4",
)  # fmt: skip
def tversky(y_true, y_pred, *, alpha=SHARE, beta=SHARE):
    """1 − TP / (TP + alpha·FP + beta·FN + 1e-7); alpha = beta = ½ is Dice.

    Target and prediction in [0, 1]; alpha weights false positives, beta false negatives.
    """
    return tversky_share(y_true, y_pred, alpha, beta)


@loss(scope=None, axis_argument=True, domain=REGIONS, arguments=("reduction", "name", "axis", "dtype"))
def jaccard(y_true, y_pred):
    """1 − TP / (TP + FP + FN + 1e-7), the complement of intersection over union.

    Target and prediction in [0, 1].
    """
    mistakes = Sum((1 - y_true) * y_pred + y_true * (1 - y_pred)) + EPSILON
    return 1 / (1 + Sum(y_true * y_pred) / mistakes)


@loss(
    scope=None, axis_argument=True, domain=REGIONS,
    arguments=("alpha", "beta", "gamma", "reduction", "name", "axis", "dtype"),
    reference="N. Abraham, N. M. Khan, A Novel Focal Tversky Loss, ISBI 2019, eq. 4",
)  # fmt: skip
def focal_tversky(
    y_true, y_pred, *, alpha=Parameter(0.3, minimum=0), beta=Parameter(0.7, minimum=0),
    gamma=Parameter(0.75, positive=True),
):  # fmt: skip
    """Tversky to the power gamma: below 1, regions that already overlap well keep a gradient.

    Target and prediction in [0, 1]; alpha weights false positives, beta false negatives. The paper writes its
    exponent as 1/gamma with gamma 4/3.
    """
    return tversky_share(y_true, y_pred, alpha, beta) ** gamma
