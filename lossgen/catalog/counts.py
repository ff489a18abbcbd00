"""Negative log-likelihoods of counts and positive amounts, without the terms that only the target enters."""

from sympy import exp, log

from lossgen.language.decorator import loss
from lossgen.language.parameters import Parameter
from lossgen.language.reductions import Mean

from .shared import EPSILON

LOG_LINK = {"target": "nonnegative", "prediction": "real"}


@loss(domain={"target": "nonnegative", "prediction": "nonnegative"})
def poisson(y_true, y_pred):
    """Poisson negative log-likelihood of a predicted mean; log y! is dropped.

    Target a count or amount ≥ 0; prediction the mean, ≥ 0 (link: identity). 1e-7 keeps the logarithm finite.
    """
    return Mean(y_pred - y_true * log(y_pred + EPSILON))


@loss(name="PoissonNLL", domain=LOG_LINK, link="log")
def poisson_nll(y_true, y_pred):
    """Poisson negative log-likelihood of a predicted log-mean; log y! is dropped.

    Target a count or amount ≥ 0; prediction the logarithm of the mean, real (link: log).
    """
    return Mean(exp(y_pred) - y_true * y_pred)


@loss(domain={"target": "positive", "prediction": "real"}, link="log")
def gamma(y_true, y_pred):
    """Half the gamma deviance of a predicted log-mean; −log y − 1 is dropped.

    Target an amount > 0; prediction the logarithm of the mean, real (link: log).
    """
    return Mean(y_pred + y_true * exp(-y_pred))


@loss(domain=LOG_LINK, link="log", reference="B. Jørgensen, J. R. Stat. Soc. B 49 (1987)")
def tweedie(y_true, y_pred, *, rho=Parameter(1.5, above=1, below=2)):
    """Half the compound Poisson-gamma deviance of a predicted log-mean: amounts that are often exactly 0.

    Target an amount ≥ 0; prediction the logarithm of the mean, real (link: log); rho is the power of the
    variance function. The term y^(2−rho) / ((1−rho)(2−rho)) is dropped.
    """
    return Mean(exp((2 - rho) * y_pred) / (2 - rho) - y_true * exp((1 - rho) * y_pred) / (1 - rho))
