"""Losses of real targets. `error` is prediction − target; every one is a mean over the columns."""

from sympy import Abs, Piecewise, cosh, log, sqrt

from lossgen.language.atoms import maximum
from lossgen.language.decorator import loss
from lossgen.language.parameters import Parameter
from lossgen.language.reductions import Mean, Sum

from .shared import EPSILON

REAL = {"target": "real", "prediction": "real"}


@loss(domain=REAL, identifiers=("mse", "MSE"))
def mean_squared_error(y_true, y_pred):
    """Squared error; its optimal constant is the mean.

    Target and prediction real.
    """
    return Mean((y_pred - y_true) ** 2)


@loss(domain=REAL, identifiers=("mae", "MAE"))
def mean_absolute_error(y_true, y_pred):
    """Absolute error; its optimal constant is the median.

    Target and prediction real; the gradient at error 0 is 0.
    """
    return Mean(Abs(y_pred - y_true))


@loss(domain=REAL, identifiers=("mape", "MAPE"))
def mean_absolute_percentage_error(y_true, y_pred):
    """Absolute error in percent of the target.

    Target and prediction real; a target nearer to 0 than 1e-7 counts as 1e-7.
    """
    return 100 * Mean(Abs((y_pred - y_true) / maximum(Abs(y_true), EPSILON)))


@loss(domain=REAL, identifiers=("msle", "MSLE"))
def mean_squared_logarithmic_error(y_true, y_pred):
    """Squared difference of log(1 + x): relative error for large values, absolute for small ones.

    Target and prediction ≥ 0; what is below 1e-7 counts as 1e-7, with gradient 0.
    """
    return Mean(log((1 + maximum(y_pred, EPSILON)) / (1 + maximum(y_true, EPSILON))) ** 2)


@loss(domain=REAL, axis_argument=True)
def cosine_similarity(y_true, y_pred):
    """Minus the cosine of the angle between target and prediction: −1 for the same direction.

    Target and prediction real vectors; where either is the zero vector, loss and gradient are 0.
    """
    squares = Sum(y_true**2), Sum(y_pred**2)
    return Piecewise(
        (0, (squares[0] <= 0) | (squares[1] <= 0)),
        (-Sum(y_true * y_pred) / (sqrt(squares[0]) * sqrt(squares[1])), True),
    )


@loss(domain=REAL, instance_name="huber_loss", reference="P. J. Huber, Ann. Math. Statist. 35 (1964), eq. 2")
def huber(y_true, y_pred, *, delta=Parameter(1.0, positive=True)):
    """Quadratic for errors up to delta, linear beyond.

    Target and prediction real; delta is in units of the target.
    """
    error = y_pred - y_true
    return Mean(Piecewise((error**2 / 2, Abs(error) <= delta), (delta * (Abs(error) - delta / 2), True)))


@loss(domain=REAL)
def log_cosh(y_true, y_pred):
    """Logarithm of the hyperbolic cosine: error²/2 near 0, |error| − log 2 far away, smooth between.

    Target and prediction real.
    """
    return Mean(log(cosh(y_pred - y_true)))


@loss(domain=REAL, reference="R. Girshick, Fast R-CNN, ICCV 2015, eq. 3")
def smooth_l1(y_true, y_pred, *, beta=Parameter(1.0, positive=True)):
    """Absolute error, rounded off to a parabola for errors up to beta: Huber divided by beta.

    Target and prediction real; beta is in units of the target.
    """
    error = y_pred - y_true
    return Mean(Piecewise((error**2 / (2 * beta), Abs(error) <= beta), (Abs(error) - beta / 2, True)))


@loss(domain=REAL, reference="P. Charbonnier et al., IEEE Trans. Image Process. 6 (1997), table I")
def pseudo_huber(y_true, y_pred, *, delta=Parameter(1.0, positive=True)):
    """Smooth Huber: error²/2 near 0, delta·|error| far away, all derivatives continuous.

    Target and prediction real; delta is in units of the target.
    """
    return Mean(delta**2 * (sqrt(1 + ((y_pred - y_true) / delta) ** 2) - 1))


@loss(domain=REAL, reference="R. Koenker, G. Bassett, Regression Quantiles, Econometrica 46 (1978)")
def quantile(y_true, y_pred, *, quantile=Parameter(0.5, minimum=0, maximum=1)):
    """Pinball loss; its optimal constant is the quantile.

    Target and prediction real; at error 0 the gradient is that of a prediction below the target.
    """
    rest = y_true - y_pred
    return Mean(Piecewise((quantile * rest, rest >= 0), ((quantile - 1) * rest, True)))


@loss(domain=REAL, reference="W. K. Newey, J. L. Powell, Asymmetric Least Squares, Econometrica 55 (1987)")
def expectile(y_true, y_pred, *, expectile=Parameter(0.5, minimum=0, maximum=1)):
    """Squared error with different weights below and above; its optimal constant is the expectile.

    Target and prediction real; expectile ½ is half the squared error.
    """
    rest = y_true - y_pred
    return Mean(Piecewise((expectile, rest >= 0), (1 - expectile, True)) * rest**2)
