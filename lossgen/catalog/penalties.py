"""Penalties of one input, to be added to a loss: of weights, of activations, of predictions, of images."""

from sympy import Abs, log, sqrt

from lossgen.language.atoms import maximum, square
from lossgen.language.parameters import Parameter
from lossgen.language.penalty import penalty
from lossgen.language.reductions import LogSoftmax, Mean, Softmax, Sum

from .shared import EPSILON, clipped, probability_or_logit

WEIGHT = Parameter(0.01, minimum=0)
OFF = Parameter(0.0, minimum=0)


@penalty(kinks="x = 0", reference="R. Tibshirani, Regression Shrinkage and Selection via the Lasso, 1996")
def l1(x, *, l1=WEIGHT):
    """l1·Σ |x|, over the whole tensor: drives weights to 0. At 0 its slope is 0."""
    return l1 * Sum(Abs(x))


@penalty(reference="A. E. Hoerl, R. W. Kennard, Ridge Regression, Technometrics 12, 1970")
def l2(x, *, l2=WEIGHT):
    """l2·Σ x², over the whole tensor: keeps weights small."""
    return Sum(square(sqrt(l2) * x))


@penalty(
    name="L1L2", instance_name="l1_l2", kinks="x = 0",
    reference="H. Zou, T. Hastie, Regularization and Variable Selection via the Elastic Net, 2005, eq. 3",
)  # fmt: skip
def l1_l2(x, *, l1=OFF, l2=OFF):
    """l1·Σ |x| + l2·Σ x², over the whole tensor."""
    return Sum(l1 * Abs(x) + square(sqrt(l2) * x))


@penalty(
    scope=-1, axis_argument=True, reduction="mean", domain=probability_or_logit,
    kinks="x = 1e-7 (probabilities)",
    reference="G. Pereyra et al., Regularizing Neural Networks by Penalizing Confident Output "
    "Distributions, 2017, section 3",
)  # fmt: skip
def entropy(x, *, weight=0.01, from_logits=False):
    """weight times the entropy −Σ x·log x of a distribution over the last axis, its mean over the rows.

    A positive weight asks for confident predictions, a negative one for hesitant ones. Probabilities below
    1e-7 have the slope of 1e-7; they are not normalised.
    """
    if from_logits:
        return -weight * Sum(Softmax(x) * LogSoftmax(x))
    return -weight * Sum(x * log(maximum(x, EPSILON)))


@penalty(
    name="KLSparsity", scope=0, axis_argument=True, domain="probability",
    reference="A. Ng, Sparse Autoencoder, CS294A Lecture Notes, 2011, section 3",
)  # fmt: skip
def kl_sparsity(x, *, rho=Parameter(0.05, above=0, below=1), weight=WEIGHT):
    """weight·Σ KL(rho ‖ mean activation) over the units; the mean runs over the samples, axis 0.

    Activations lie in [0, 1], as those of a sigmoid; the mean is kept 1e-7 away from both ends. For images
    with one unit a channel write axis=(0, 1, 2).
    """
    active = clipped(Mean(x))
    return weight * (rho * log(rho / active) + (1 - rho) * log((1 - rho) / (1 - active)))


@penalty(
    preparation="differences", kinks="x = 0",
    reference="L. Rudin, S. Osher, E. Fatemi, Nonlinear Total Variation Based Noise Removal, 1992; "
    "anisotropic: S. Esedoglu, S. Osher, 2004",
)  # fmt: skip
def total_variation(x, *, weight=WEIGHT):
    """weight·Σ |x| over the differences x of neighbours along each of `axes`, summed over all else.

    The default axes are those of the height and width of images (…, height, width, channels). Where two
    neighbours are equal, the slope is 0.
    """
    return weight * Sum(Abs(x))


PENALTIES = (l1, l2, l1_l2, entropy, kl_sparsity, total_variation)
"""Every shipped penalty."""
