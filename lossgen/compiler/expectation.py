"""The expectation of a derivative over the target, distributed as the link and the prediction say.

A target is 1 with probability sigmoid(p) under the link logit; a class, or its one-hot vector, with the
probabilities softmax(p) under softmax; and has the mean p or exp(p) under identity and log, where that mean
is all that a derivative affine in the target asks for. The expectation is exact; where it has no closed form,
there is none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sympy import Add, Expr, Integer, Piecewise, Symbol, exp

from lossgen.language.atoms import (
    absolute,
    clip,
    expm1,
    greater,
    inside,
    maximum,
    minimum,
    relu,
    sigmoid,
    signum,
    step,
)
from lossgen.language.domains import Domain, bounds
from lossgen.language.reductions import Max, Min
from lossgen.language.symbols import y_pred, y_true

from .differentiate import Derivative
from .ladder import LABEL_HIT, Builder, Ladder, hit_symbol, prune
from .opening import is_linear, opened
from .stabilise.lower import lower

KINKED = (Max, Min, Piecewise, absolute, clip, greater, inside, maximum, minimum, relu, signum, step)
"""What has a kink or a jump: the expectation over a density does not pass through its second derivative."""

OUTCOMES = ((0, 1), (-1, 1))
"""The domains between whose ends a target of the link logit is drawn."""

MEANS = {"identity": y_pred, "log": exp(y_pred), "logit": sigmoid(y_pred)}
"""The mean of the target, where a column has one of its own."""


@dataclass(frozen=True)
class Model:
    """How targets are distributed, given the raw prediction.

    Args:
        link: "identity", "logit", "log" or "softmax".
        target: the domain of the target.
        labels: whether it is a label.
        parts: the parts of the target that symbols stand for.
        expression: the loss.
    """

    link: str
    target: Domain
    labels: bool
    parts: Mapping[Symbol, Expr]
    expression: Expr


def is_free_of_target(derivative: Derivative, model: Model) -> bool:
    """Whether a derivative is the same for all targets, which add up to 1 over the columns under softmax."""
    plain = _rebuilt(derivative, model, y_true)
    if plain is None or (model.link in ("identity", "log") and _has_kink_at_target(model)):
        return False
    used = _symbols(plain)
    return not used & {y_true, LABEL_HIT} and not any(rung.at == LABEL_HIT for rung in _rungs(plain))


def expected(
    derivative: Derivative, model: Model, stable: Callable[[Expr], Expr] | None = None
) -> Derivative | None:
    """The expectation of a derivative at a column; None where it is not known.

    Args:
        derivative: whose expectation is wanted.
        model: how the target is distributed.
        stable: rewrites an expression into atoms, for a kernel; None to multiply everything out, for a proof.
    """
    if model.labels:
        return _over_labels(derivative, model) if model.link == "softmax" else None
    if model.link == "softmax":
        return _rebuilt(derivative, model, None, stable) if _is_affine(derivative, model) else None
    if model.link == "logit" and bounds(model.target) in OUTCOMES:
        return _over_outcomes(derivative, model)
    if _has_kink_at_target(model) or not _is_affine(derivative, model) or _rungs(derivative):
        return None
    return _rebuilt(derivative, model, MEANS[model.link])


def _has_kink_at_target(model: Model) -> bool:
    expression = lower(model.expression.xreplace(dict(model.parts)))
    return any({y_pred, y_true} <= node.free_symbols for node in expression.atoms(*KINKED))


def _is_affine(derivative: Derivative, model: Model) -> bool:
    """Whether the derivative is affine in the targets, with rungs that are."""
    rungs = _rungs(derivative)
    parts = dict(model.parts)
    linear = {rung.symbol for rung in rungs if y_true in rung.summand.xreplace(parts).free_symbols}
    if any(rung.kind != "sum" for rung in rungs if rung.symbol in linear):
        return False
    for expression in (*(rung.summand for rung in rungs), derivative.textbook):
        if not is_linear(opened(expression.xreplace(parts)), linear | {y_true}):
            return False
    return True


def _rungs(derivative: Derivative):
    return prune(derivative.ladder, derivative.textbook).rungs


def _symbols(derivative: Derivative) -> set[Symbol]:
    rungs = _rungs(derivative)
    return set().union(derivative.textbook.free_symbols, *(rung.summand.free_symbols for rung in rungs))


# Each link ----------------------------------------------------------------------------------------


def _over_outcomes(derivative: Derivative, model: Model) -> Derivative | None:
    """Over the two values that a target of the link logit has."""
    rungs, parts = _rungs(derivative), dict(model.parts)
    if any(y_true in rung.summand.xreplace(parts).free_symbols for rung in rungs):
        return None  # a row's targets are independent of each other, but its reductions mix them
    low, _ = bounds(model.target)
    whole = derivative.textbook.xreplace(parts)
    outcomes = ((sigmoid(y_pred), Integer(1)), (sigmoid(-y_pred), Integer(low)))
    result = Add(*(chance * whole.xreplace({y_true: value}) for chance, value in outcomes))
    return Derivative(derivative.ladder, result, result)


def _over_labels(derivative: Derivative, model: Model) -> Derivative | None:
    """Over the label, which enters through its hit at a column and through what is picked there."""
    rungs = _rungs(derivative)
    builder = Builder(Ladder(rungs, Integer(0), derivative.ladder.columns))
    chance = exp(y_pred - builder.log_sum_exp(y_pred))
    picked = {rung.symbol: rung.summand.subs(LABEL_HIT, 1) for rung in rungs if rung.at == LABEL_HIT}
    for rung in rungs:
        if rung.summand.free_symbols & ({LABEL_HIT, *picked} if rung.at != LABEL_HIT else set(picked)):
            return None
    elsewhere = derivative.textbook.subs(LABEL_HIT, 0)
    at_label = derivative.textbook.subs(LABEL_HIT, 1).xreplace(picked)
    result = chance * (at_label - elsewhere.xreplace(picked))
    for addend in Add.make_args(opened(elsewhere, joins_exponents=True)):
        outside, inner = addend.as_independent(*picked, as_Add=False)
        if inner.free_symbols & builder.element_symbols:
            return None
        mean = builder.sum(chance * inner.xreplace(picked)) if inner != 1 else Integer(1)
        result += outside * mean
    return Derivative(builder.ladder(), result, result)


def _rebuilt(
    derivative: Derivative,
    model: Model,
    target: Expr | None,
    stable: Callable[[Expr], Expr] | None = None,
) -> Derivative | None:
    """The derivative with another target, whose sums are worked out anew; None: softmax(p).

    Under the link softmax the targets of a row add up to 1. Sums of targets alone are multiplied out; without
    `stable`, all is.
    """
    builder = Builder(Ladder((), Integer(0), derivative.ladder.columns))
    if target is None:
        target = exp(y_pred - builder.log_sum_exp(y_pred))
    names: dict[Symbol, Expr] = {}
    parts = {symbol: part.xreplace({y_true: target}) for symbol, part in model.parts.items()}
    tidied = {symbol: stable(part) for symbol, part in parts.items()} if stable else parts

    def placed(expression: Expr) -> Expr:
        if stable is not None and y_pred in expression.free_symbols:
            return expression.xreplace({**tidied, y_true: target, **names})
        expression = expression.xreplace({**parts, y_true: target}).xreplace(names)
        return opened(expression.replace(expm1, lambda x: exp(x) - 1), joins_exponents=True)

    def total(addend: Expr) -> Expr:
        outside, inner = addend.as_independent(*builder.element_symbols, as_Add=False)
        return outside if inner == y_true and model.link == "softmax" else builder.sum(addend)

    for rung in _rungs(derivative):
        summand = placed(rung.summand)
        if rung.kind == "sum":
            names[rung.symbol] = Add(*map(total, Add.make_args(summand)))
        elif rung.kind == "logsumexp":
            names[rung.symbol] = builder.log_sum_exp(summand)
        elif rung.kind == "pick" and rung.at == LABEL_HIT:
            names[rung.symbol] = builder.pick(summand, LABEL_HIT)
        elif rung.kind in ("max", "min"):
            names[rung.symbol] = builder.extremum(rung.kind, summand)
            if hit_symbol(rung) in _symbols(derivative):
                return None
        else:
            return None
    result = placed(derivative.textbook)
    return Derivative(builder.ladder(), result, result)
