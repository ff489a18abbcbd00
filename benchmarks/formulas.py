"""Every loss of the catalogue as a torch or JAX user writes it, in the usual stable forms.

A formula takes the operations, target, prediction and the arguments of the loss. It returns one number an
element or a row, of which the loss is the mean, or (whole-tensor losses) the loss itself. Where torch has the
loss, `TORCH_BUILT_IN` is what torch users call.
"""

import math

TINY = 1e-7


def clipped(o, p):
    return o.clip(p, TINY, 1 - TINY)


# Elementwise -------------------------------------------------------------------------------------------


def mean_squared_error(o, y, p):
    return (p - y) ** 2


def mean_absolute_error(o, y, p):
    return o.abs(p - y)


def mean_absolute_percentage_error(o, y, p):
    return 100 * o.abs((p - y) / o.clip(o.abs(y), TINY, None))


def mean_squared_logarithmic_error(o, y, p):
    return (o.log1p(o.clip(p, TINY, None)) - o.log1p(o.clip(y, TINY, None))) ** 2


def huber(o, y, p, delta=1.0):
    error = o.abs(p - y)
    return o.where(error <= delta, 0.5 * error**2, delta * (error - 0.5 * delta))


def smooth_l1(o, y, p, beta=1.0):
    error = o.abs(p - y)
    return o.where(error <= beta, 0.5 * error**2 / beta, error - 0.5 * beta)


def log_cosh(o, y, p):
    error = p - y
    return error + o.softplus(-2 * error) - math.log(2)


def pseudo_huber(o, y, p, delta=1.0):
    return delta**2 * (o.sqrt(1 + ((p - y) / delta) ** 2) - 1)


def quantile(o, y, p, quantile=0.5):
    rest = y - p
    return o.maximum(quantile * rest, (quantile - 1) * rest)


def expectile(o, y, p, expectile=0.5):
    rest = y - p
    return o.where(rest >= 0, expectile, 1 - expectile) * rest**2


def cauchy(o, y, p, c=1.0):
    return o.log1p(((p - y) / c) ** 2 / 2)


def charbonnier(o, y, p, epsilon=1e-3):
    return o.sqrt((p - y) ** 2 + epsilon**2)


def wing(o, y, p, w=10.0, epsilon=2.0):
    error = o.abs(p - y)
    return o.where(error < w, w * o.log1p(error / epsilon), error - (w - w * math.log1p(w / epsilon)))


def adaptive_robust(o, y, p, alpha=1.0, c=1.0):
    distance = abs(alpha - 2)
    return distance / alpha * ((((p - y) / c) ** 2 / distance + 1) ** (alpha / 2) - 1)


def poisson(o, y, p):
    return p - y * o.log(p + TINY)


def poisson_nll(o, y, p):
    return o.exp(p) - y * p


def gamma(o, y, p):
    return p + y * o.exp(-p)


def tweedie(o, y, p, rho=1.5):
    return o.exp((2 - rho) * p) / (2 - rho) - y * o.exp((1 - rho) * p) / (1 - rho)


def binary_crossentropy(o, y, p, from_logits=False):
    if from_logits:
        return -y * o.log_sigmoid(p) - (1 - y) * o.log_sigmoid(-p)
    q = clipped(o, p)
    return -y * o.log(q) - (1 - y) * o.log(1 - q)


def binary_focal_crossentropy(o, y, p, gamma=2.0, from_logits=False):
    q = o.sigmoid(p) if from_logits else clipped(o, p)
    wrong = y * (1 - q) + (1 - y) * q
    return wrong**gamma * binary_crossentropy(o, y, p, from_logits)


def sigmoid_focal(o, y, p, alpha=0.25, gamma=2.0):
    q = o.sigmoid(p)
    right = y * q + (1 - y) * (1 - q)
    weight = y * alpha + (1 - y) * (1 - alpha)
    return weight * (1 - right) ** gamma * binary_crossentropy(o, y, p, from_logits=True)


def asymmetric_loss(o, y, p, gamma_negative=4.0, gamma_positive=1.0, margin=0.05):
    hit = o.sigmoid(p)
    miss = o.clip(1 - hit + margin, None, 1.0)
    positive = y * o.log_sigmoid(p) * (1 - hit) ** gamma_positive
    negative = (1 - y) * o.log(miss) * (1 - miss) ** gamma_negative
    return -(positive + negative)


def hinge(o, y, p):
    return o.relu(1 - y * p)


def squared_hinge(o, y, p):
    return o.relu(1 - y * p) ** 2


# Rows --------------------------------------------------------------------------------------------------


def categorical_crossentropy(o, y, p, from_logits=False):
    return -o.row_sum(y * log_probabilities(o, p, from_logits))


def log_probabilities(o, p, from_logits):
    return o.log_softmax(p) if from_logits else o.log(clipped(o, p / o.row_sum(p, keep=True)))


def sparse_categorical_crossentropy(o, y, p, from_logits=False):
    if from_logits:
        return -o.pick(o.log_softmax(p), y)
    return -o.log(clipped(o, o.pick(p, y)[:, 0] / o.row_sum(p)))


def categorical_focal_crossentropy(o, y, p, alpha=0.25, gamma=2.0, from_logits=False):
    q = o.softmax(p) if from_logits else clipped(o, p / o.row_sum(p, keep=True))
    return -o.row_sum(alpha * (1 - q) ** gamma * y * log_probabilities(o, p, from_logits))


def categorical_generalized_cross_entropy(o, y, p, q=0.5):
    return (1 - o.pick(p, y) ** q) / q


def categorical_hinge(o, y, p):
    return o.relu(o.row_max((1 - y) * p) - o.row_sum(y * p) + 1)


def cosine_similarity(o, y, p):
    return -o.row_sum(y * p) / (o.sqrt(o.row_sum(y**2)) * o.sqrt(o.row_sum(p**2)))


def kl_divergence(o, y, p):
    y, p = o.clip(y, TINY, 1.0), o.clip(p, TINY, 1.0)
    return o.row_sum(y * o.log(y / p))


def poly1(o, y, p, epsilon=1.0, from_logits=False):
    q = o.softmax(p) if from_logits else clipped(o, p / o.row_sum(p, keep=True))
    return o.row_sum(y * (epsilon * (1 - q) - log_probabilities(o, p, from_logits)))


def brier(o, y, p, from_logits=False):
    return o.row_sum(((o.softmax(p) if from_logits else p) - y) ** 2)


def multi_margin(o, y, p, margin=1.0, exponent=1):
    ahead = o.relu(margin + p - o.pick(p, y)) ** exponent
    return (o.row_sum(ahead) - margin**exponent) / p.shape[-1]


# The whole tensor --------------------------------------------------------------------------------------


def tversky(o, y, p, alpha=0.5, beta=0.5):
    hit, false_hit, missed = o.sum(y * p), o.sum((1 - y) * p), o.sum(y * (1 - p))
    return 1 - hit / (hit + alpha * false_hit + beta * missed + TINY)


def dice(o, y, p):
    return 1 - 2 * o.sum(y * p) / (o.sum(y) + o.sum(p) + TINY)


def jaccard(o, y, p):
    hit = o.sum(y * p)
    return 1 - hit / (o.sum(y) + o.sum(p) - hit + TINY)


def focal_tversky(o, y, p, alpha=0.3, beta=0.7, gamma=0.75):
    return tversky(o, y, p, alpha, beta) ** gamma


FORMULAS = {
    one.__name__: one
    for one in (
        mean_squared_error, mean_absolute_error, mean_absolute_percentage_error,
        mean_squared_logarithmic_error, huber, smooth_l1, log_cosh, pseudo_huber, quantile, expectile,
        cauchy, charbonnier, wing, adaptive_robust, poisson, poisson_nll, gamma, tweedie,
        binary_crossentropy, binary_focal_crossentropy, sigmoid_focal, asymmetric_loss, hinge,
        squared_hinge, categorical_crossentropy, sparse_categorical_crossentropy,
        categorical_focal_crossentropy, categorical_generalized_cross_entropy, categorical_hinge,
        cosine_similarity, kl_divergence, poly1, brier, multi_margin, tversky, dice, jaccard, focal_tversky,
    )
}  # fmt: skip


def mean_loss(o, loss: str, arguments: dict):
    """A function of target, prediction and weight (None, or one an element): the loss as one number."""
    formula = FORMULAS[loss]

    def function(y, p, weight=None):
        losses = formula(o, y, p, **arguments)
        return o.mean(losses if weight is None else weight * losses)

    return function


def torch_loss(loss: str, arguments: dict):
    """As `mean_loss`, by torch's own function where there is one."""
    from .operations import torch_operations

    built_in = _torch_built_in(loss, dict(arguments))
    return built_in or mean_loss(torch_operations(), loss, arguments)


def _torch_built_in(loss: str, arguments: dict):
    from torch.nn import functional as f

    logits = arguments.pop("from_logits", False)
    table = {
        "mean_squared_error": f.mse_loss,
        "mean_absolute_error": f.l1_loss,
        "huber": f.huber_loss,
        "smooth_l1": f.smooth_l1_loss,
        "poisson": lambda p, y: f.poisson_nll_loss(p, y, log_input=False, eps=TINY),
        "poisson_nll": f.poisson_nll_loss,
        "binary_crossentropy": f.binary_cross_entropy_with_logits if logits else f.binary_cross_entropy,
        "categorical_crossentropy": f.cross_entropy if logits else None,
        "sparse_categorical_crossentropy": f.cross_entropy if logits else None,
        "cosine_similarity": lambda p, y: -f.cosine_similarity(p, y, dim=-1).mean(),
        "kl_divergence": lambda p, y: f.kl_div(p.log(), y, reduction="batchmean"),
        "multi_margin": f.multi_margin_loss if "exponent" not in arguments else None,
    }
    function = table.get(loss)
    if function is None:
        return None

    def built_in(y, p, weight=None):
        return function(p, y, **arguments, **({} if weight is None else {"weight": weight}))

    return built_in
