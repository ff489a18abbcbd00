"""A dozen declarations: every kind of reduction, schedule, target, option and parameter."""

import sympy as sp

import lossgen as lg
from lossgen.language.declaration import Declaration


@lg.loss
def golden_flat(y_true, y_pred, *, width=lg.Parameter(1.0, positive=True)):
    """One line of elements."""
    error = y_pred - y_true
    return lg.Mean(lg.where(sp.Abs(error) <= width, error**2, 1 - sp.exp(-(error**2) / width)))


@lg.loss(domain={"target": "probability", "prediction": "real"}, link="softmax")
def golden_soft_targets(y_true, y_pred):
    """A sum over the columns within another: log-sum-exp, in rows and in lanes."""
    return -lg.Sum(y_true * lg.LogSoftmax(y_pred))


@lg.loss
def golden_labels(y_true, y_pred, *, from_logits=False, q=lg.Parameter(0.5, positive=True)):
    """The column that a label names; a folder with a module for each choice."""
    shares = lg.Softmax(y_pred) if from_logits else y_pred
    return (1 - lg.Gather(shares) ** q) / q


@lg.loss
def golden_margin(y_true, y_pred):
    """The largest of the columns, and the one of a label."""
    return lg.relu(1 + lg.Max(y_pred) - lg.Gather(y_pred))


@lg.loss
def golden_extremes(y_true, y_pred):
    """The largest and the smallest, whose gradients go to the first of equals."""
    return (lg.Max(y_pred - y_true) - lg.Min(y_pred - y_true)) ** 2


@lg.loss(scope=None)
def golden_overlap(y_true, y_pred, *, smooth=lg.Parameter(1.0, positive=True)):
    """Few long rows, which are cut into chunks."""
    both = lg.Sum(y_true * y_pred)
    return 1 - (2 * both + smooth) / (lg.Sum(y_true) + lg.Sum(y_pred) + smooth)


@lg.loss(scope=None)
def golden_long_softmax(y_true, y_pred):
    """A log-sum-exp, a largest and a smallest of all elements, in chunks."""
    return lg.LogSumExp(y_pred) + lg.Max(y_pred * y_true) - lg.Min(y_pred + y_true)


@lg.loss
def golden_chained(y_true, y_pred):
    """Sums of what other sums gave."""
    error = y_pred - y_true
    centred = error - lg.Mean(error)
    return lg.Mean(centred**4) / (1 + lg.Mean(centred**2))


@lg.loss
def golden_per_class(y_true, y_pred, *, weights=lg.Parameter(1.0, per_class=True, minimum=0), gamma=2.0):
    """A number for each column, and an exponent that may be whole."""
    return lg.Sum(weights * lg.sigmoid(y_pred) ** gamma * (y_pred - y_true) ** 2)


@lg.loss
def golden_choice(y_true, y_pred, *, kind=lg.Option("square", choices=("square", "log"))):
    """An option of several names."""
    error = y_pred - y_true
    return lg.Mean({"square": error**2, "log": lg.log_cosh(error)}[kind])


@lg.penalty(scope=-1, axis_argument=True, reduction="mean")
def golden_penalty(x, *, weight=lg.Parameter(0.01, minimum=0)):
    """One input."""
    return weight * lg.Sum(sp.sqrt(1 + x**2))


golden_sum = 0.5 * golden_flat + 0.25 * golden_overlap
golden_sum = golden_sum.renamed("golden_sum")

DECLARATIONS: tuple[Declaration, ...] = (
    golden_flat, golden_soft_targets, golden_labels, golden_margin, golden_extremes, golden_overlap,
    golden_long_softmax, golden_chained, golden_per_class, golden_choice, golden_penalty, golden_sum,
)  # fmt: skip
