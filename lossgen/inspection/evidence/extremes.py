"""The range of a loss, and the prediction at which it is least for one target."""

from collections.abc import Callable
from math import isfinite

import numpy as np
from sympy import Expr, Float, Integer, Piecewise, exp, log

from lossgen.compiler.driver import Derived
from lossgen.compiler.opening import opened
from lossgen.compiler.properties.signs import Ranges, parts_of
from lossgen.compiler.properties.verdicts import element_function
from lossgen.language.atoms import sigmoid
from lossgen.language.notation import unfold
from lossgen.language.numbers import rational
from lossgen.language.reductions import Mean, Sum
from lossgen.language.symbols import y_pred, y_true

from .finding import PROVED, SAMPLED, UNDECIDED, Finding
from .sampling import Sample, Sampler, number
from .steepness import GROWTH, distance, far_samples, interval

FLAT = 1e-9
LINKS: dict[str, tuple[str, Expr, Callable[[np.ndarray], np.ndarray]]] = {
    "identity": ("p = y", y_true, lambda y: y),
    "logit": ("p = log(y/(1 − y))", log(y_true / (1 - y_true)), lambda y: np.log(y / (1 - y))),
    "log": ("p = log(y)", log(y_true), np.log),
    "softmax": ("p = log(y)", log(y_true), np.log),
}


# Where a loss is least ----------------------------------------------------------------------------


def minimiser(
    gradients: tuple[Expr, ...], link: str, is_convex: bool, sampler: Sampler
) -> Finding:
    """Whether the loss of one target is least at the prediction that the link makes of it.

    Args:
        gradients: of each term at a column, spelt out in textbook form.
        link: between prediction and target.
        is_convex: whether that was proved.
    """
    if sampler.subject.is_penalty:
        return _of_penalty(gradients, is_convex, sampler)
    if sampler.subject.labels:
        return Finding("minimiser", "unknown", UNDECIDED, "a label is no prediction")
    parameters = sampler.subject.parameters.items()
    defaults = {symbol: rational(Float(value)) for symbol, value in parameters if isinstance(value, float)}
    for name in dict.fromkeys((link, "identity")):
        says, place, function = LINKS[name]
        if is_convex and _is_stationary(gradients, place, defaults):
            detail = f"the gradient is 0 there, and the loss is convex{sampler.settings}"
            return Finding("minimiser", says, PROVED, detail)
        tried = _tried(sampler, function)
        if tried is not None and tried[0] == "":
            count = f"for {tried[1]} targets{sampler.settings}"
            return Finding("minimiser", says, SAMPLED, f"no sample is lower {count}")
    return _least_sample(sampler)


def least_at(gradients: tuple[Expr, ...], link: str, is_convex: bool) -> Expr | None:
    """Where a convex loss is proved to be least for all parameters: at the link of the target."""
    places = (LINKS[name][1] for name in dict.fromkeys((link, "identity")))
    return next((each for each in places if is_convex and _is_stationary(gradients, each, {})), None)


def _is_stationary(gradients: tuple[Expr, ...], place: Expr, parameters: dict[Expr, Expr]) -> bool:
    return all(vanishes(each.xreplace({**parameters, y_pred: place})) for each in gradients)


def vanishes(expression: Expr) -> bool:
    """Whether it is proved to be 0."""
    expression = unfold(expression).replace(sigmoid, lambda x: 1 / (1 + exp(-x))).doit()
    expression = expression.xreplace({each: Integer(0) for each in (Sum(0), Mean(0))})
    return expression == 0 or (not expression.has(Piecewise) and opened(parts_of(expression)[0]) == 0)


def _of_penalty(gradients: tuple[Expr, ...], is_convex: bool, sampler: Sampler) -> Finding:
    if is_convex and all(vanishes(each.xreplace({y_pred: Integer(0)})) for each in gradients):
        return Finding("minimiser", "x = 0", PROVED, "the gradient is 0 there, and the penalty is convex")
    return _least_sample(sampler)


def _tried(sampler: Sampler, function: Callable) -> tuple[str, int] | None:
    """(a place that is lower, or nothing; how many targets were tried), None where no target has a place."""
    low, high = sampler.subject.bounds("prediction")
    count = 0
    by_target: dict[tuple, list[Sample]] = {}
    for sample in sampler.samples:
        by_target.setdefault(sample.y, []).append(sample)
    for y, others in by_target.items():
        with np.errstate(divide="ignore", invalid="ignore"):
            p = function(np.array(y))
        if not np.isfinite(p).all() or (p < low).any() or (p > high).any():
            continue
        own = sampler.at(y, p, 1)
        if own is None:
            continue
        count += 1
        scale = max(abs(each.value) for each in (own, *others))
        if np.isfinite(own.gradient).all() and len(others) == 1:  # rows have one sample a target
            scale_of = max(float(np.abs(others[0].gradient).max()), 1e-30)
            if float(np.abs(own.gradient).max()) > FLAT * max(scale_of, 1.0):
                return own.place, count
        lower = [each for each in others if each.value < own.value - FLAT * scale]
        if lower:
            return lower[0].place, count
    return ("", count) if count else None


def _least_sample(sampler: Sampler) -> Finding:
    """The lowest sample of one target, where the loss of a column can be looked through."""
    if not sampler.is_elementwise or not sampler.samples:
        return Finding("minimiser", "unknown", UNDECIDED, "columns meet, and it is not where the link says")
    targets = [each.y for each in sampler.samples]
    places = []
    for y in dict.fromkeys(targets):
        own = [each for each in sampler.samples if each.y == y]
        least = min(own, key=lambda each: each.value)
        last = least in (own[0], own[-1])
        places.append(least.place + (" and beyond" if last else ""))
    return Finding("minimiser", "elsewhere", SAMPLED, f"least at {'; '.join(places[:3])}{sampler.settings}")


# Range --------------------------------------------------------------------------------------------


def extent(
    values: tuple[Expr, ...],
    derived: tuple[Derived, ...],
    ranges: Ranges,
    sampler: Sampler,
    least_at: Expr | None,
) -> Finding:
    """Between which numbers the loss of a row is.

    An end is in square brackets where it was reached; ≈ marks one that was only seen.

    Args:
        values: the loss of each term, spelt out in textbook form.
        least_at: the prediction at which it is proved to be least.
    """
    low, high = interval(values, ranges, sampler)
    if least_at is not None and all(vanishes(each.xreplace({y_pred: least_at})) for each in values):
        low = 0.0
    if not low >= 0 and all(_is_nonnegative(term, ranges) for term in derived):
        low = 0.0
    samples = [*sampler.samples, *far_samples(sampler)]
    if not samples:
        return Finding("range", "unknown", UNDECIDED, "the formula has no value at any sample")
    by_distance = sorted(samples, key=lambda each: distance(sampler, each))
    seen = [each.value for each in by_distance]
    near = seen[: 2 * len(seen) // 3 + 1]
    least, most = min(seen), max(seen)
    falls = least < min(near) - GROWTH * (abs(min(near)) + 1)
    rises = most > max(near) + GROWTH * (abs(max(near)) + 1)
    first = f"{_bracket(low, least, '[(')}{_end(low, least, falls)}"
    last = f"{_end(high, most, rises)}{_bracket(high, most, '])')}"
    proved = [f"at least {number(low)}"] if isfinite(low) else []
    proved += [f"at most {number(high)}"] if isfinite(high) else []
    detail = f"seen from {number(least)} to {number(most)}{sampler.settings}"
    detail = f"{' and '.join(proved)}, proved; {detail}" if proved else detail
    return Finding("range", f"{first}, {last}", PROVED if len(proved) == 2 else SAMPLED, detail)


def _end(bound: float, seen: float, grows: bool) -> str:
    """A proved bound, infinity where the loss grows far out, or what was seen."""
    if isfinite(bound):
        return number(bound)
    return ("−∞" if bound < 0 else "∞") if grows else f"≈{number(seen)}"


def _bracket(bound: float, seen: float, marks: str) -> str:
    """Closed where the bound was reached."""
    closed, opened_ = marks
    return closed if isfinite(bound) and abs(bound - seen) <= FLAT * max(abs(bound), 1e-3) else opened_


def _is_nonnegative(term: Derived, ranges: Ranges) -> bool:
    """Whether signs prove it."""
    definitions = dict(term.targets)
    function = element_function(term.ladder)
    if function is not None and ranges.is_nonnegative(function.xreplace(definitions)):
        return True
    return ranges.is_nonnegative(term.expression.xreplace(definitions))


