"""Whether the gradient is bounded, so that one odd prediction cannot take over.

Intervals prove it: every function has a range, a branch is taken only where its condition holds. What
intervals cannot bound is sampled at predictions of up to 10¹².
"""

from collections.abc import Callable, Mapping
from math import inf, isfinite, isnan

import numpy as np
from sympy import Abs, Add, Expr, Mul, Piecewise, Pow, exp, log, tanh
from sympy.core.relational import Ge, Gt, Le, Lt, Relational

from lossgen.compiler.properties.signs import Ranges
from lossgen.language import reductions
from lossgen.language.atoms import (
    absolute,
    clip,
    greater,
    inside,
    log_cosh,
    maximum,
    minimum,
    relu,
    sech2,
    sigmoid,
    signum,
    softplus,
    step,
)
from lossgen.language.symbols import column_count

from .finding import PROVED, SAMPLED, UNDECIDED, Finding
from .sampling import Sample, Sampler, number

Interval = tuple[float, float]

FAR = np.logspace(0, 12, 17)
GROWTH = 1.1
"""By which the largest slope of the farthest third may exceed that before, of a gradient that has a bound."""

UNIT = (0.0, 1.0)
RANGES: Mapping[type, Interval] = {
    sigmoid: UNIT, greater: UNIT, step: UNIT, inside: UNIT, reductions.Softmax: UNIT, sech2: UNIT,
    signum: (-1.0, 1.0), tanh: (-1.0, 1.0),
}  # fmt: skip
"""Functions that are bounded whatever their arguments."""


def steepness(gradients: tuple[Expr, ...], ranges: Ranges, sampler: Sampler) -> Finding:
    """The finding.

    Args:
        gradients: of each term at a column, spelt out in textbook form.
        ranges: of the symbols.
        sampler: for what intervals do not bound.
    """
    low, high = interval(gradients, ranges, sampler)
    if isfinite(low) and isfinite(high):
        detail = f"{number(low)} ≤ g ≤ {number(high)}, by intervals{sampler.settings}"
        return Finding("bounded gradient", "yes", PROVED, detail)
    return _sampled(sampler)


# Intervals ----------------------------------------------------------------------------------------


def interval(terms: tuple[Expr, ...], ranges: Ranges, sampler: Sampler) -> Interval:
    """Between which numbers the sum of the terms is, for the parameters of the sampler."""
    parameters = sampler.subject.parameters.items()
    values = {symbol: (value, value) for symbol, value in parameters if isinstance(value, float)}
    intervals = {**ranges.intervals, **values, column_count: (1.0, inf)}
    bounds = [_interval(each, intervals) for each in terms]
    return sum(low for low, _ in bounds), sum(high for _, high in bounds)


def _interval(expression: Expr, known: Mapping[Expr, Interval]) -> Interval:
    """Between which numbers the expression is, wherever it has a value; infinite where nothing is known."""
    if expression in known:
        return known[expression]
    if expression.is_number:
        return float(expression), float(expression)
    if isinstance(expression, Piecewise):
        parts = [
            _interval(value, {**known, **_implied(condition, known)}) for value, condition in expression.args
        ]
        return min(low for low, _ in parts), max(high for _, high in parts)
    own = RANGES.get(expression.func)
    if own is not None:
        return own
    rule = RULES.get(expression.func)
    if rule is None or not expression.args:
        return (0.0 if expression.is_nonnegative else -inf, 0.0 if expression.is_nonpositive else inf)
    found = rule(*(_interval(argument, known) for argument in expression.args))
    low, high = found
    return (-inf if isnan(low) else low), (inf if isnan(high) else high)


def _implied(condition: Expr, known: Mapping[Expr, Interval]) -> dict[Expr, Interval]:
    """What a comparison says of its smaller side, where the other is bounded: |x| ≤ δ bounds x."""
    if not isinstance(condition, Relational):
        return {}
    smaller, larger = condition.args if isinstance(condition, Le | Lt) else condition.args[::-1]
    if not isinstance(condition, Le | Lt | Ge | Gt):
        return {}
    _, most = _interval(larger, known)
    least, _ = _interval(smaller, known)
    found = {smaller: (least, most), larger: (least, _interval(larger, known)[1])}
    if isinstance(smaller, Abs | absolute) and isfinite(most):
        found[smaller.args[0]] = (-most, most)
        found[-smaller.args[0]] = (-most, most)
    return found


def _sum(*parts: Interval) -> Interval:
    return sum(low for low, _ in parts), sum(high for _, high in parts)


def _product(*parts: Interval) -> Interval:
    found = (1.0, 1.0)
    for part in parts:
        ends = [0.0 if 0.0 in (a, b) else a * b for a in found for b in part]
        found = min(ends), max(ends)
    return found


def _power(base: Interval, exponent: Interval) -> Interval:
    low, high = base
    power = exponent[0]
    if exponent[0] != exponent[1]:
        return (0.0, inf) if low >= 0 else (-inf, inf)
    if power.is_integer() and power > 0 and power % 2 == 0:
        most = max(abs(low), abs(high)) ** power
        return (0.0 if low <= 0 <= high else min(abs(low), abs(high)) ** power, most)
    if low < 0:
        return (low**power, high**power) if power.is_integer() and power > 0 else (-inf, inf)
    if power > 0:
        return low**power, high**power
    return (0.0 if high == inf else high**power, inf if low == 0 else low**power)


def _absolute(part: Interval) -> Interval:
    low, high = part
    return (0.0 if low <= 0 <= high else min(abs(low), abs(high)), max(abs(low), abs(high)))


def _rising(function: Callable[[float], float]) -> Callable[[Interval], Interval]:
    def rule(part: Interval) -> Interval:
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            return float(function(np.float64(part[0]))), float(function(np.float64(part[1])))

    return rule


def _over_columns(part: Interval) -> Interval:
    """Of a sum over any number of columns."""
    low, high = part
    return (low if low >= 0 else -inf), (high if high <= 0 else inf)


def _same(part: Interval) -> Interval:
    return part


RULES: Mapping[type, Callable[..., Interval]] = {
    exp: _rising(np.exp),
    log: _rising(lambda x: np.log(np.maximum(x, 0))),
    softplus: _rising(lambda x: np.logaddexp(x, 0)),
    log_cosh: lambda x: (0.0, inf),
    reductions.Sum: _over_columns,
    reductions.Mean: _same,
    reductions.Max: _same,
    reductions.Min: _same,
    reductions.Gather: _same,
    reductions.LogSoftmax: lambda x: (-inf, 0.0),
    Add: _sum,
    Mul: _product,
    Pow: _power,
    Abs: _absolute,
    absolute: _absolute,
    relu: lambda x: (max(x[0], 0.0), max(x[1], 0.0)),
    maximum: lambda *parts: (max(low for low, _ in parts), max(high for _, high in parts)),
    minimum: lambda *parts: (min(low for low, _ in parts), min(high for _, high in parts)),
    clip: lambda x, low, high: (max(x[0], low[0]), min(x[1], high[1])),
}


# Samples ------------------------------------------------------------------------------------------


def _sampled(sampler: Sampler) -> Finding:
    """The largest slopes near and far; for a bounded domain, near its ends."""
    samples = far_samples(sampler)
    slopes = [float(np.abs(each.gradient).max()) for each in samples]
    finite = [(slope, each) for slope, each in zip(slopes, samples, strict=True) if isfinite(slope)]
    if not finite:
        return Finding("bounded gradient", "unknown", UNDECIDED, "the formula has no slope at any sample")
    finite.sort(key=lambda pair: distance(sampler, pair[1]))
    third = len(finite) // 3
    near, far = (max(slope for slope, _ in part) for part in (finite[: 2 * third + 1], finite[2 * third :]))
    steepest, where = max(finite, key=lambda pair: pair[0])
    place = f"{number(steepest)} at {where.place}{sampler.settings}"
    if far > GROWTH * near or len(finite) < len(samples):
        return Finding("bounded gradient", "no", SAMPLED, f"|g| grows without end in sight: {place}")
    return Finding("bounded gradient", "seems so", SAMPLED, f"no growth in sight; the largest |g| is {place}")


def distance(sampler: Sampler, sample: Sample) -> float:
    """How far out a row is: how large, how near to 0 (if columns meet), how near to an end of the domain."""
    low, high = sampler.subject.bounds("prediction")
    distances = []
    if not (isfinite(low) and isfinite(high)):
        size = max(abs(p) for p in sample.p)
        distances.append(size if sampler.is_elementwise else max(size, 1 / max(size, 1e-300)))
    for end in (low, high):
        if isfinite(end):
            distances.append(1 / min(max(abs(p - end), 1e-300) for p in sample.p))
    return max(distances)


def far_samples(sampler: Sampler) -> list[Sample]:
    subject = sampler.subject
    low, high = subject.bounds("prediction")
    found = []
    if sampler.is_elementwise:
        for y in sampler.targets:
            places = {sign * size for sign in (-1, 1) for size in FAR}
            for end in (low, high):
                places |= {end + sign / size for sign in (-1, 1) for size in FAR} if isfinite(end) else set()
            found += [sampler.at((y,), (p,), 1) for p in sorted(places) if low < p < high]
    else:
        for sample in sampler.samples[:6]:
            y = sample.y if sample.y is not None else (0.0,) * len(sample.p)
            for scale in FAR[::2]:
                rows = [np.array(sample.p) * scale, np.array(sample.p) / scale]
                found += [sampler.at(y, row, 1) for row in rows if ((row > low) & (row < high)).all()]
    return [each for each in found if each is not None]
