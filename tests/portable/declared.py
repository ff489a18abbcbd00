"""Losses of one's own that together use every feature of a declaration, for the tests of what travels."""

import sympy as sp

import lossgen as lg
from lossgen.language.functions import power


@lg.loss(
    scope=1,
    axis_argument=True,
    arguments=("gamma", "weights", "mode", "reduction", "axis", "name", "dtype", "from_logits"),
    domain={"target": (0, 1), "prediction": lambda from_logits: "real" if from_logits else (None, 1.5)},
    link=lambda from_logits: "logit" if from_logits else None,
    kinks=("at 0", "where p = ±2"),
    reference='A. "Quoted" \\ Author, 1999, eq. 3',
    identifiers=("every", "everything"),
    instance_name="of_every_kind",
)
def every_feature(
    y_true,
    y_pred,
    *,
    gamma=lg.Parameter(1.5, minimum=1, below=10),
    weights=lg.Parameter((0.5, 2.0), positive=True, per_class=True),
    mode=lg.Option("plain", choices=("plain", 2, 2.5, None)),
    from_logits=False,
):
    """Uses what there is.

    Über mehrere Zeilen: "quotes", \\backslashes, {{ braces }} and {% signs %}.
    """
    p = lg.sigmoid(y_pred) if from_logits else y_pred
    error = abs(p - y_true)
    branches = sp.Piecewise(
        (error**2, sp.And(error < 1, sp.Or(p > 0, sp.Not(sp.Eq(y_true, 0))))), (error, error <= 2), (2, True)
    )
    chosen = {"plain": branches, 2: error**gamma, 2.5: sp.Max(error, 1, gamma), None: lg.maximum(error, 1)}
    return lg.Sum(weights * chosen[mode]) / lg.column_count + 1e-3 * sp.pi * lg.Mean(p) ** 2


@lg.loss(target_preparation="signed_labels")
def squared_margin(y_true, y_pred, *, shift=0.25):
    return lg.Max(lg.relu(1 - y_true * y_pred + shift)) + lg.Min(y_pred) ** 2


@lg.loss(domain={"prediction": "real"})
def picked(y_true, y_pred, *, temperature=lg.Parameter(2.0, above=0.5, maximum=8)):
    """Integer labels."""
    return lg.LogSumExp(y_pred / temperature) - lg.Gather(y_pred / temperature)


@lg.loss(scope=(1, 2))
def with_further_input(y_true, y_pred, margin, *, power_value=3.0):
    return lg.Mean(lg.softplus(margin - y_true * y_pred) ** power_value)


@lg.loss(scope=None)
def overlap(y_true, y_pred):
    return 1 - 2 * lg.Sum(y_true * y_pred) / (lg.Sum(y_true) + lg.Sum(y_pred) + sp.Rational(1, 3))


@lg.penalty(scope=-1, axis_argument=True, domain=(-100, None), reduction="mean", kinks="at 0")
def own_penalty(x, *, weight=lg.Parameter(0.1, minimum=0)):
    """A penalty of one's own."""
    return weight * lg.Sum(sp.log(1 + abs(x)))


@lg.penalty(preparation="differences")
def of_differences(x, *, strength=1.0):
    return strength * lg.Sum(x**2)


unevaluated = lg.declare(
    "unevaluated",
    lg.Mean(sp.Mul(2, sp.Add(lg.y_pred, -lg.y_true, evaluate=False), evaluate=False) ** 2)
    + lg.Mean(sp.Pow(lg.y_pred, sp.Rational(3), evaluate=False)) ** 2,
)

functions = lg.declare(
    "functions",
    lg.Mean(
        sum(
            function(lg.y_pred)
            for function in (
                sp.exp, sp.Abs, sp.sign, sp.sin, sp.cos, sp.atan, sp.sinh, sp.cosh, sp.tanh, sp.erf, sp.erfc,
                lg.erf, lg.erfc, lg.expm1, lg.log_cosh, lg.relu, lg.sigmoid, lg.softplus, lg.square,
            )
        )
        + sp.loggamma(1 + lg.y_true**2) + sp.polygamma(0, 1 + lg.y_true**2) + lg.digamma(2 + lg.y_true**2)
        + sp.log(1 + lg.y_pred**2) + sp.Min(lg.y_pred, lg.y_true) + lg.clip(lg.y_pred, -1, sp.E)
        + lg.Softmax(lg.y_pred) * lg.LogSoftmax(lg.y_pred) + power(1 + lg.y_pred**2, sp.Rational(1, 3))
        + sp.EulerGamma + sp.Integer(2) ** 70 * sp.Float("1e-40")
    ),
)  # fmt: skip

combined = (0.5 * squared_margin + squared_margin.renamed("other_margin") / 3).renamed("BothMargins")
two_scopes = 0.3 * lg.declare("errors", lg.Mean((lg.y_pred - lg.y_true) ** 2)) - overlap.with_defaults()

DECLARATIONS = (
    every_feature, squared_margin, picked, with_further_input, overlap, own_penalty, of_differences,
    unevaluated, functions, combined, two_scopes, 2 * own_penalty,
    every_feature.renamed_arguments(gamma="slope"),
)  # fmt: skip
