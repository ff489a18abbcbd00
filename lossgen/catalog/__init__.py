"""The losses and penalties that ship: declarations only, grouped as Keras groups them."""

from . import counts, focal, hinge, probabilistic, regression, robust, segmentation
from .penalties import PENALTIES as PENALTIES

DECLARATIONS = (
    probabilistic.binary_crossentropy,
    focal.binary_focal_crossentropy,
    probabilistic.categorical_crossentropy,
    focal.categorical_focal_crossentropy,
    probabilistic.sparse_categorical_crossentropy,
    counts.poisson,
    probabilistic.kl_divergence,
    regression.mean_squared_error,
    regression.mean_absolute_error,
    regression.mean_absolute_percentage_error,
    regression.mean_squared_logarithmic_error,
    regression.cosine_similarity,
    regression.huber,
    regression.log_cosh,
    hinge.hinge,
    hinge.squared_hinge,
    hinge.categorical_hinge,
    segmentation.dice,
    segmentation.tversky,
    probabilistic.categorical_generalized_cross_entropy,
    # not in Keras
    regression.smooth_l1,
    regression.pseudo_huber,
    regression.quantile,
    regression.expectile,
    robust.cauchy,
    robust.charbonnier,
    robust.wing,
    robust.adaptive_robust,
    counts.poisson_nll,
    counts.gamma,
    counts.tweedie,
    probabilistic.brier,
    probabilistic.poly1,
    focal.sigmoid_focal,
    focal.asymmetric_loss,
    hinge.multi_margin,
    segmentation.jaccard,
    segmentation.focal_tversky,
)
"""Every shipped declaration: first those that Keras has, then the others."""
