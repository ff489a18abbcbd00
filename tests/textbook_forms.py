"""The gradients that books and papers print for the losses of the catalogue, at one column.

`n` is the number of columns, `hit` is 1 at the column of the label, `first` at the largest column. Where a
loss clips, `t` is the clipped number and `on` is 1 inside of the clip.
"""

from functools import partial

from sympy import Abs, Eq, Expr, Or, Piecewise, Rational, Symbol, exp, log, sign, sqrt, tanh

from lossgen.catalog import DECLARATIONS, PENALTIES
from lossgen.compiler.ladder import LABEL_HIT as hit
from lossgen.language.atoms import clip, greater, inside, maximum, minimum, relu, sigmoid, softplus
from lossgen.language.reductions import Gather, LogSoftmax, Max, Mean, Softmax, Sum
from lossgen.language.symbols import column_count as n
from lossgen.language.symbols import where
from lossgen.language.symbols import y_pred as p
from lossgen.language.symbols import y_true as y

NAMED = {each.name: each for each in (*DECLARATIONS, *PENALTIES)}
EPS = Rational(1, 10**7)
ONE, TWO = {"exponent": 1}, {"exponent": 2}
LOGITS, PROBABILITIES = {"from_logits": True}, {"from_logits": False}
first = Symbol("maximum_1_hit", real=True)
e = p - y
softmax, log_softmax = Softmax(p), LogSoftmax(p)
share, on_share = clip(p / Sum(p), EPS, 1 - EPS), inside(p / Sum(p), EPS, 1 - EPS)
t, on = clip(p, EPS, 1 - EPS), inside(p, EPS, 1 - EPS)


def of(loss: str, *names: str) -> list[Expr]:
    """The symbols of parameters."""
    return [NAMED[loss].symbols()[name] for name in names]


def smoothed(loss: str) -> tuple[Expr, Expr]:
    """A target and its complement, smoothed."""
    (s,) = of(loss, "label_smoothing")
    positive = y * (1 - s) + s / 2
    return positive, 1 - positive


def smoothed_over_columns(loss: str) -> Expr:
    (s,) = of(loss, "label_smoothing")
    return y * (1 - s) + s / n


def binary_focal(is_balanced: bool, from_logits: bool) -> Expr:
    """w the probability of being wrong, x the cross-entropy: (wᵞ·x)′ = γ·w^(γ−1)·w′·x + wᵞ·x′."""
    yes, no = smoothed("binary_focal_crossentropy")
    alpha, gamma = of("binary_focal_crossentropy", "alpha", "gamma")
    if from_logits:
        q, slope = sigmoid(p), sigmoid(p) * sigmoid(-p)
        crossentropy, its_slope = yes * softplus(-p) + no * softplus(p), q - yes
        wrong = yes * sigmoid(-p) + no * q
    else:
        q, slope = t, on
        crossentropy, its_slope = -yes * log(q) - no * log(1 - q), on * (no / (1 - q) - yes / q)
        wrong = yes * (1 - q) + no * q
    found = gamma * wrong ** (gamma - 1) * slope * (no - yes) * crossentropy + wrong**gamma * its_slope
    return (yes * alpha + no * (1 - alpha) if is_balanced else 1) * found / n


def categorical_focal(from_logits: bool) -> Expr:
    """c the slope of the summand by the probability: softmax·(c·q − Σ c·q), or (c − Σ c·q)/Σp."""
    target = smoothed_over_columns("categorical_focal_crossentropy")
    alpha, gamma = of("categorical_focal_crossentropy", "alpha", "gamma")
    if from_logits:
        q = softmax
        inner = alpha * target * (gamma * (1 - q) ** (gamma - 1) * q * log_softmax - (1 - q) ** gamma)
        return inner - q * Sum(inner)
    q = share
    slope = alpha * target * on_share * (gamma * (1 - q) ** (gamma - 1) * log(q) - (1 - q) ** gamma / q)
    return (slope - Sum(slope * p) / Sum(p)) / Sum(p)


def overlap(loss: str) -> Expr:
    """−(I′·U − I·U′)/(I + U)², I the overlap and U the mistakes; Dice counts the overlap twice."""
    if loss in ("dice", "jaccard"):
        twice = 2 if loss == "dice" else 1
        common, mistakes = twice * Sum(y * p), Sum((1 - y) * p + y * (1 - p)) + EPS
        slope, its_slope = twice * y, 1 - 2 * y
    else:
        alpha, beta = of(loss, "alpha", "beta")
        common, mistakes = Sum(y * p), alpha * Sum((1 - y) * p) + beta * Sum(y * (1 - p)) + EPS
        slope, its_slope = y, alpha * (1 - y) - beta * y
    found = (common * its_slope - slope * mistakes) / (common + mistakes) ** 2
    if loss != "focal_tversky":
        return found
    (gamma,) = of(loss, "gamma")
    return gamma * (1 / (1 + common / mistakes)) ** (gamma - 1) * found


def sigmoid_focal() -> Expr:
    alpha, gamma = of("sigmoid_focal", "alpha", "gamma")
    s = 2 * y - 1
    wrong = sigmoid(-s * p)
    weight = y * alpha + (1 - y) * (1 - alpha)
    return -s * weight * wrong**gamma * (gamma * sigmoid(s * p) * softplus(-s * p) + wrong) / n


def asymmetric() -> Expr:
    minus, plus, margin = of("asymmetric_loss", "gamma_negative", "gamma_positive", "margin")
    q, r = sigmoid(p), sigmoid(-p)
    positive = -y * r**plus * (r + plus * q * softplus(-p))
    shifted, left = relu(q - margin), minimum(r + margin, 1)
    over, under = greater(q, margin), greater(1, r + margin)
    fall = where(Eq(margin, 0), -q, -under * q * r / left)
    logarithm = where(Eq(margin, 0), -softplus(p), log(left))
    negative = minus * shifted ** (minus - 1) * over * q * r * logarithm + shifted**minus * fall
    return positive - (1 - y) * negative


def adaptive() -> Expr:
    alpha, c = of("adaptive_robust", "alpha", "c")
    general = (1 + e**2 / (c**2 * Abs(alpha - 2))) ** (alpha / 2 - 1)
    cauchy, welsch = 1 / (1 + e**2 / (2 * c**2)), exp(-(e**2) / (2 * c**2))
    factor = Piecewise((1, Eq(alpha, 2)), (cauchy, Eq(alpha, 0)), (welsch, alpha < -(10**8)), (general, True))
    return e / c**2 * factor / n


def poly(from_logits: bool) -> Expr:
    (epsilon,) = of("poly1", "epsilon")
    if from_logits:
        return softmax * Sum(y * (1 + epsilon * softmax)) - y * (1 + epsilon * softmax)
    slope = y * on_share * (epsilon + 1 / share)
    return (Sum(slope * p) / Sum(p) - slope) / Sum(p)


def crossentropy_of_shares() -> Expr:
    target = smoothed_over_columns("categorical_crossentropy")
    slope = target * on_share / share
    return (Sum(slope * p) / Sum(p) - slope) / Sum(p)


def label_of_shares() -> Expr:
    own = Gather(p) / Sum(p)
    return inside(own, EPS, 1 - EPS) * (own - hit) / (clip(own, EPS, 1 - EPS) * Sum(p))


def cosine() -> Expr:
    a, b, both = Sum(y**2), Sum(p**2), Sum(y * p)
    return where(Or(b <= 0, a <= 0), 0, (both * p / b - y) / (sqrt(a) * sqrt(b)))


def logits(loss: str) -> Expr:
    yes, _ = smoothed(loss)
    return (sigmoid(p) - yes) / n


def brier_of_logits() -> Expr:
    return 2 * softmax * (softmax - y - Sum((softmax - y) * softmax))


def entropy_of_logits(weight: Expr) -> Expr:
    return weight * softmax * (Sum(softmax * log_softmax) - log_softmax)


delta, beta, c, epsilon, w, eps_wing = (
    of(loss, name)[0]
    for loss, name in (
        ("huber", "delta"), ("smooth_l1", "beta"), ("cauchy", "c"), ("charbonnier", "epsilon"), ("wing", "w"),
        ("wing", "epsilon"),
    )
)  # fmt: skip
tau, expectile = of("quantile", "quantile")[0], of("expectile", "expectile")[0]
q = of("categorical_generalized_cross_entropy", "q")[0]
rho, margin = of("tweedie", "rho")[0], of("multi_margin", "margin")[0]
ce_target = smoothed_over_columns("categorical_crossentropy")
bce_yes, bce_no = smoothed("binary_crossentropy")
close, ahead = greater(p + margin, Gather(p)), maximum(p - Gather(p), -margin) + margin
wide = 1 + maximum(p, EPS)
balanced = partial(dict, apply_class_balancing=True)
plain = partial(dict, apply_class_balancing=False)
activity = clip(Mean(p), EPS, 1 - EPS)
sparsity, sparse_weight = of("kl_sparsity", "rho", "weight")

GRADIENTS: list[tuple[str, dict, Expr]] = [
    ("binary_crossentropy", PROBABILITIES, on * (bce_no / (1 - t) - bce_yes / t) / n),
    ("binary_crossentropy", LOGITS, logits("binary_crossentropy")),
    ("binary_focal_crossentropy", plain(PROBABILITIES), binary_focal(False, False)),
    ("binary_focal_crossentropy", plain(LOGITS), binary_focal(False, True)),
    ("binary_focal_crossentropy", balanced(PROBABILITIES), binary_focal(True, False)),
    ("binary_focal_crossentropy", balanced(LOGITS), binary_focal(True, True)),
    ("categorical_crossentropy", PROBABILITIES, crossentropy_of_shares()),
    ("categorical_crossentropy", LOGITS, softmax * Sum(ce_target) - ce_target),
    ("categorical_focal_crossentropy", PROBABILITIES, categorical_focal(False)),
    ("categorical_focal_crossentropy", LOGITS, categorical_focal(True)),
    ("sparse_categorical_crossentropy", PROBABILITIES, label_of_shares()),
    ("sparse_categorical_crossentropy", LOGITS, softmax - hit),
    ("poisson", {}, (1 - y / (p + EPS)) / n),
    ("kl_divergence", {}, -clip(y, EPS, 1) / clip(p, EPS, 1) * inside(p, EPS, 1)),
    ("mean_squared_error", {}, 2 * e / n),
    ("mean_absolute_error", {}, sign(e) / n),
    ("mean_absolute_percentage_error", {}, 100 * sign(e) / (n * maximum(Abs(y), EPS))),
    ("mean_squared_logarithmic_error", {},
     2 * log(wide / (1 + maximum(y, EPS))) * greater(p, EPS) / (n * wide)),
    ("cosine_similarity", {}, cosine()),
    ("huber", {}, where(Abs(e) <= delta, e, delta * sign(e)) / n),
    ("log_cosh", {}, tanh(e) / n),
    ("hinge", {}, -y * greater(1, y * p) / n),
    ("squared_hinge", {}, -2 * y * relu(1 - y * p) / n),
    ("categorical_hinge", {}, greater(Max((1 - y) * p) + 1, Sum(y * p)) * (first * (1 - y) - y)),
    ("dice", {}, overlap("dice")),
    ("tversky", {}, overlap("tversky")),
    ("categorical_generalized_cross_entropy", {}, hit * where(Gather(p) <= 0, 0, -Gather(p) ** (q - 1))),
    ("smooth_l1", {}, where(Abs(e) <= beta, e / beta, sign(e)) / n),
    ("pseudo_huber", {}, e / sqrt(1 + e**2 / of("pseudo_huber", "delta")[0] ** 2) / n),
    ("quantile", {}, where(e <= 0, -tau, 1 - tau) / n),
    ("expectile", {}, 2 * where(e <= 0, expectile, 1 - expectile) * e / n),
    ("cauchy", {}, 2 * e / (2 * c**2 + e**2) / n),
    ("charbonnier", {}, e / sqrt(e**2 + epsilon**2) / n),
    ("wing", {}, where(Abs(e) < w, w * sign(e) / (eps_wing + Abs(e)), sign(e)) / n),
    ("adaptive_robust", {}, adaptive()),
    ("poisson_nll", {}, (exp(p) - y) / n),
    ("gamma", {}, (1 - y * exp(-p)) / n),
    ("tweedie", {}, (exp((2 - rho) * p) - y * exp((1 - rho) * p)) / n),
    ("brier", PROBABILITIES, 2 * e),
    ("brier", LOGITS, brier_of_logits()),
    ("poly1", PROBABILITIES, poly(False)),
    ("poly1", LOGITS, poly(True)),
    ("sigmoid_focal", {}, sigmoid_focal()),
    ("asymmetric_loss", {}, asymmetric()),
    ("multi_margin", ONE, (close - hit * Sum(close)) / n),
    ("multi_margin", TWO, 2 * (close * ahead - hit * Sum(close * ahead)) / n),
    ("jaccard", {}, overlap("jaccard")),
    ("focal_tversky", {}, overlap("focal_tversky")),
    ("l1", {}, of("l1", "l1")[0] * sign(p)),
    ("l2", {}, 2 * of("l2", "l2")[0] * p),
    ("l1_l2", {}, of("l1_l2", "l1")[0] * sign(p) + 2 * of("l1_l2", "l2")[0] * p),
    ("entropy", PROBABILITIES,
     -of("entropy", "weight")[0] * (log(maximum(p, EPS)) + p * greater(p, EPS) / maximum(p, EPS))),
    ("entropy", LOGITS, entropy_of_logits(of("entropy", "weight")[0])),
    ("kl_sparsity", {}, sparse_weight * inside(Mean(p), EPS, 1 - EPS)
     * ((1 - sparsity) / (1 - activity) - sparsity / activity) / n),
    ("total_variation", {}, of("total_variation", "weight")[0] * sign(p)),
]  # fmt: skip
"""Loss, options, ∂L/∂p."""
