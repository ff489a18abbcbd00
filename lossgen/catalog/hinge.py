"""Maximum-margin losses. The gradient on the margin itself is 0."""

from lossgen.language.atoms import maximum, relu
from lossgen.language.decorator import loss
from lossgen.language.parameters import Option, Parameter
from lossgen.language.reductions import Gather, Max, Mean, Sum
from lossgen.language.symbols import column_count

SIGNS = {"target": "signs", "prediction": "real"}


@loss(domain=SIGNS, target_preparation="signed_labels")
def hinge(y_true, y_pred):
    """Linear up to a margin of 1, then 0; mean over the columns.

    Target −1 or +1 (a target tensor of 0 and 1 only is converted); prediction a real score.
    """
    return Mean(relu(1 - y_true * y_pred))


@loss(domain=SIGNS, target_preparation="signed_labels")
def squared_hinge(y_true, y_pred):
    """Quadratic up to a margin of 1, then 0; mean over the columns.

    Target −1 or +1 (a target tensor of 0 and 1 only is converted); prediction a real score.
    """
    return Mean(relu(1 - y_true * y_pred) ** 2)


@loss(domain={"target": "probability", "prediction": "real"})
def categorical_hinge(y_true, y_pred):
    """Hinge between the score of the true class and the best rival; a rival below 0 counts as 0, as in Keras.

    Target one-hot; prediction real scores.
    """
    return relu(Max((1 - y_true) * y_pred) - Sum(y_true * y_pred) + 1)


@loss(
    domain={"target": "labels", "prediction": "real"},
    arguments=("margin", "exponent", "reduction", "name", "dtype", "ignore_class"),
    reference="K. Crammer, Y. Singer, JMLR 2 (2001); J. Weston, C. Watkins, ESANN 1999",
)
def multi_margin(y_true, y_pred, *, margin=Parameter(1.0, minimum=0), exponent=Option(1, choices=(1, 2))):
    """Every rival that comes closer than the margin to the true class is punished; sum over rivals / columns.

    Target an integer in 0 … C−1; prediction real scores. The true class is its own rival, ahead by exactly 0:
    its margin^exponent is taken off again.
    """
    ahead = maximum(y_pred - Gather(y_pred), -margin)
    return (Sum((ahead + margin) ** exponent) - margin**exponent) / column_count
