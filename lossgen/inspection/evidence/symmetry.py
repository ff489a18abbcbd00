"""Whether a loss treats opposite errors, or opposite classes, alike: by substitution, else at samples."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sympy import Expr, Symbol

from lossgen.compiler.opening import opened
from lossgen.language.notation import unfold
from lossgen.language.symbols import y_pred, y_true

from .finding import PROVED, SAMPLED, UNDECIDED, Finding
from .sampling import Sample, Sampler, numbers

CLOSE = 1e-9
SMALL = 1e-6
DISTANCE = Symbol("e", real=True)


@dataclass(frozen=True)
class Mirror:
    """A symmetry that a loss may have: the equation, and what it does to target and prediction."""

    equation: str
    target: Expr
    prediction: Expr

    def of(self, expression: Expr) -> Expr:
        """The loss at the mirrored place."""
        return expression.xreplace({y_true: self.target, y_pred: self.prediction})

    def place(self, sample: Sample) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """The mirrored row."""
        y = np.array(sample.y if sample.y is not None else np.zeros(len(sample.p)))
        p = np.array(sample.p)
        values = {y_true: y, y_pred: p}
        return tuple(
            tuple(np.atleast_1d(_number(each, values)).tolist()) for each in (self.target, self.prediction)
        )


def _number(expression: Expr, values: dict[Symbol, np.ndarray]) -> np.ndarray:
    """An affine expression of target and prediction in numbers."""
    constant = float(expression.subs({y_true: 0, y_pred: 0}))
    return constant + sum(float(expression.coeff(symbol)) * value for symbol, value in values.items())


RESIDUAL = Mirror("L(y − e) = L(y + e)", y_true, 2 * y_true - y_pred)
SIGN = Mirror("L(−y, −p) = L(y, p)", -y_true, -y_pred)
LOGIT = Mirror("L(1 − y, −p) = L(y, p)", 1 - y_true, -y_pred)
SHARE = Mirror("L(1 − y, 1 − p) = L(y, p)", 1 - y_true, 1 - y_pred)
EXCHANGE = Mirror("L(p, y) = L(y, p)", y_pred, y_true)
PENALTY = Mirror("L(−x) = L(x)", y_true, -y_pred)


def symmetry(sampler: Sampler) -> Finding:
    """The finding for the symmetries that the domains admit, in their order."""
    if sampler.subject.labels:
        return Finding("symmetric", "unknown", UNDECIDED, "no exchange of labels and scores was tried")
    expression = unfold(sampler.expression)
    against = ""
    for mirror in _mirrors(sampler, expression):
        if _is_equal(unfold(mirror.of(expression)), expression):
            return Finding("symmetric", "yes", PROVED, f"{mirror.equation}, by substitution")
        found = _compared(sampler, mirror)
        if found == "":
            count = f"at {len(_some(sampler))} samples{sampler.settings}"
            return Finding("symmetric", "seems so", SAMPLED, f"{mirror.equation} {count}")
        against = against or f"not {mirror.equation}: {found}"
    return Finding("symmetric", "no", SAMPLED, against + sampler.settings)


def is_residual(expression: Expr) -> bool:
    """Whether the loss depends on the prediction's distance from the target alone."""
    return y_true not in expression.xreplace({y_pred: y_true + DISTANCE}).free_symbols


def _is_equal(one: Expr, other: Expr) -> bool:
    return one == other or opened(one) == opened(other)


def _mirrors(sampler: Sampler, expression: Expr) -> Iterator[Mirror]:
    subject = sampler.subject
    if subject.is_penalty:
        yield PENALTY
        return
    if is_residual(expression) and subject.bounds("target") == (-np.inf, np.inf):
        yield RESIDUAL
        return
    if subject.domain("target") == "probability":
        yield SHARE if subject.bounds("prediction") == (0, 1) else LOGIT
    else:
        yield SIGN
    if subject.domain("target") == subject.domain("prediction"):
        yield EXCHANGE


def _some(sampler: Sampler) -> tuple[Sample, ...]:
    return sampler.samples[:: max(len(sampler.samples) // 40, 1)]


def _compared(sampler: Sampler, mirror: Mirror) -> str:
    """Two rows that ought to have one loss, and have not; nothing where all have."""
    largest = max((abs(each.value) for each in _some(sampler)), default=0.0)
    for sample in _some(sampler):
        y, p = mirror.place(sample)
        other = sampler.at(y, p, 0)
        if other is None:
            continue
        scale = max(abs(other.value), abs(sample.value), SMALL * largest)
        if abs(other.value - sample.value) > CLOSE * scale:
            return f"{numbers((sample.value,))} at {sample.place}, {numbers((other.value,))} at {other.place}"
    return ""
