"""Losses of real targets that bound or damp the influence of outliers. `error` is prediction − target."""

from sympy import Abs, Eq, Piecewise, exp, log, sqrt

from lossgen.language.atoms import expm1, log1p
from lossgen.language.decorator import loss
from lossgen.language.parameters import Parameter
from lossgen.language.reductions import Mean

from .regression import REAL


@loss(domain=REAL, reference="J. T. Barron, A General and Adaptive Robust Loss, CVPR 2019, α = 0")
def cauchy(y_true, y_pred, *, c=Parameter(1.0, positive=True)):
    """Lorentzian loss: error²/(2c²) near 0, logarithmic far away, so the influence of outliers falls off.

    Target and prediction real; c is the scale of the errors that count as small.
    """
    return Mean(log(1 + ((y_pred - y_true) / c) ** 2 / 2))


@loss(domain=REAL, reference="P. Charbonnier et al., ICIP 1994")
def charbonnier(y_true, y_pred, *, epsilon=Parameter(1e-3, positive=True)):
    """Absolute error with its kink rounded off over a width of epsilon.

    Target and prediction real; the smallest value is epsilon.
    """
    return Mean(sqrt((y_pred - y_true) ** 2 + epsilon**2))


@loss(domain=REAL, reference="Z.-H. Feng et al., Wing Loss, CVPR 2018, eq. 5")
def wing(y_true, y_pred, *, w=Parameter(10.0, positive=True), epsilon=Parameter(2.0, positive=True)):
    """Logarithmic for errors below w, so that small errors keep their influence; linear beyond.

    Target and prediction real; epsilon limits the curvature at 0.
    """
    error = Abs(y_pred - y_true)
    return Mean(
        Piecewise((w * log(1 + error / epsilon), error < w), (error - w + w * log(1 + w / epsilon), True))
    )


@loss(domain=REAL, reference="J. T. Barron, A General and Adaptive Robust Loss, CVPR 2019, eq. 8")
def adaptive_robust(y_true, y_pred, *, alpha=Parameter(1.0), c=Parameter(1.0, positive=True)):
    """Barron's family: alpha 2 is squared error, 1 pseudo-Huber, 0 Cauchy, −2 Geman-McClure, −∞ Welsch.

    Target and prediction real; c is the scale of the errors that count as small. The general formula
    has limits at alpha = 2, 0 and −∞, which stand here as branches; below −1e8 it is Welsch's.
    """
    square = ((y_pred - y_true) / c) ** 2
    distance = Abs(alpha - 2)
    return Mean(
        Piecewise(
            (square / 2, Eq(alpha, 2)),
            (log(1 + square / 2), Eq(alpha, 0)),
            (1 - exp(-square / 2), alpha < -(10**8)),
            (distance / alpha * expm1(alpha / 2 * log1p(square / distance)), True),
        )
    )
