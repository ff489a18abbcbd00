"""The numbers of a curve: value, gradient and Hessian of a compiled loss over the variable of its view.

Everything is computed by the loss's own kernels in float64; kinks are found in these numbers, by bisection.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossgen.inspection.classes import loss_class
from lossgen.inspection.curves.views import View
from lossgen.language.declaration import Declaration
from lossgen.runtime.compiled import Compiled
from lossgen.runtime.loss import Loss

POINTS = 801
CLEARANCE = 1e-3
"""Share of the interval that a curve keeps clear of an end where it may have no value."""

JUMP, NEAR, NEGLIGIBLE, MOST_KINKS = 1e-4, 1e-9, 1e-6, 12
"""A kink is a jump by more than this share of what the derivative spans, within this share of the interval; a
derivative that spans less than this share of what the value does is rounding; how many kinks are told."""

BESIDE, GROWTH = 1e-3, 100.0
"""At a pole numbers near it are larger by this factor than those at this share of the interval."""

Numbers = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, eq=False)
class Curve:
    """A loss and its derivatives along a line.

    Args:
        label: what tells it from the other curves of a picture.
        x: places of the variable, rising.
        value, gradient, hessian: the row's loss there, and its first and second derivative with respect to
            the variable.
        kinks: where value, gradient or Hessian jump.
        poles: where one of them grows without bound; it is NaN there, as it is where the loss has no value.
    """

    label: str
    x: Numbers
    value: Numbers
    gradient: Numbers
    hessian: Numbers
    kinks: tuple[float, ...] = ()
    poles: tuple[float, ...] = ()

    def index(self, place: float) -> int:
        """The index of the nearest place, such as that of a kink."""
        return int(np.argmin(np.abs(self.x - place)))


def loss_of(declaration: Declaration, arguments: Mapping[str, object]) -> Compiled:
    """The loss or penalty that curves are computed with: in float64, not reduced.

    Args:
        arguments: values of parameters and options.

    Raises:
        ParameterError: a value outside its range.
    """
    cls = loss_class(declaration)
    assert cls.signature is not None, "what a declaration is compiled to has a constructor"
    known = cls.signature.parameters
    fixed: dict[str, Any] = {"dtype": "float64"}
    if "reduction" in known:
        fixed["reduction"] = "none"
    if "axes" in known:
        fixed["axes"] = (-1,)
    return cls(**arguments, **fixed)


def curve_of(
    loss: Compiled, view: View, target: float, label: str = "", places: Sequence[float] | None = None
) -> Curve:
    """The curve of a loss for one target.

    Args:
        loss: from `loss_of`.
        view: of its declaration, for the same options.
        target: of the first column, or the label.
        label: what the curve is called.
        places: of the variable; by default 801 from one end of the view to the other, and both sides of
            every kink.
    """
    sampled = Sampled(loss, view, target)
    if places is not None:
        x = np.asarray(places, dtype=np.float64)
        return Curve(label, x, *sampled(x))
    x = np.linspace(*interior(view), POINTS)
    span = float(x[-1] - x[0])
    with np.errstate(all="ignore"):  # what is not finite is no kink
        found = kinks(sampled, x)
        poles = tuple(place for place in found if _is_pole(sampled, place, span))
    found = tuple(place for place in found if place not in poles)
    step = NEAR * span
    x = np.unique(np.concatenate([x, poles, *([kink - step, kink, kink + step] for kink in found)]))
    numbers = np.array(sampled(x))
    numbers[:, np.isnan(numbers[0]) | np.isin(x, poles)] = np.nan
    value, gradient, hessian = numbers
    return Curve(label, x, value, gradient, hessian, found, poles)


def _is_pole(sampled: "Sampled", place: float, span: float) -> bool:
    """Whether the value or a derivative grows without bound towards a place."""
    near, beside = (
        np.abs(np.array(sampled(np.array([place - share * span, place + share * span]))))
        for share in (2 * NEAR, BESIDE)
    )
    largest, ordinary = (np.where(np.isfinite(each), each, np.inf).max(axis=1) for each in (near, beside))
    return bool(np.any(np.isinf(largest) | (largest > GROWTH * ordinary)))


def interior(view: View) -> tuple[float, float]:
    """The interval of a view, clear of ends where a curve may have no value."""
    low, high = view.interval
    margin = CLEARANCE * (high - low)
    if view.is_open and low <= view.limits[0]:
        low += margin
    if view.is_open and high >= view.limits[1]:
        high -= margin
    return low, high


class Sampled:
    """Value, gradient and Hessian of a loss along the variable of a view."""

    def __init__(self, loss: Compiled, view: View, target: float):
        self._loss, self._view, self._target = loss, view, target
        shared = all(scope == -1 for scope in view.scopes) and not view.differences
        self._call: Callable[[Numbers], tuple[Numbers, ...]] = self._rows if shared else self._one_by_one

    def __call__(self, x: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """At every place of `x`; the derivatives are those with respect to the variable."""
        slope = self._view.slope(self._target)
        prediction = np.empty((len(x), self._view.columns))
        prediction[:, 0] = self._view.offset(self._target) + slope * x
        prediction[:, 1:] = self._view.others(self._target)
        with np.errstate(all="ignore"):
            value, gradient, hessian = self._call(prediction)
        return value, slope * gradient, hessian

    def _rows(self, prediction: Numbers) -> tuple[Numbers, ...]:
        """All places at once: each is a row."""
        rows = len(prediction)
        loss = self._loss
        if isinstance(loss, Loss):
            truth: Any = np.tile(self._view.row(self._target), (rows, 1))
            if self._view.labels:
                truth = np.full(rows, int(self._target))
            gradient, hessian = loss.gradient_and_hessian(truth, prediction)
            return np.reshape(loss.call(truth, prediction), -1), gradient[:, 0], hessian[:, 0]
        penalty: Any = loss
        value, gradient = penalty.value_and_gradient(prediction)
        first = np.zeros_like(prediction)
        first[:, 0] = 1.0
        product = penalty.hessian_vector_product(prediction, first)
        return np.reshape(value, -1), gradient[:, 0], product[:, 0]

    def _one_by_one(self, prediction: Numbers) -> tuple[Numbers, ...]:
        """A place a call: the loss sees the row of columns along its own axes."""
        results = np.empty((3, len(prediction)))
        for number, row in enumerate(prediction):
            results[:, number] = self._alone(row)
        return tuple(results)

    def _alone(self, row: Numbers) -> tuple[float, float, float]:
        loss, view = self._loss, self._view
        if view.differences:
            row = np.concatenate([np.zeros(1), row])
        shape = shape_of(view, len(row))
        x, place = row.reshape(shape), -1 if view.differences else 0
        if isinstance(loss, Loss):
            truth: Any = np.reshape(view.row(self._target), shape)
            if view.labels:
                axis = column_axis(view)
                truth = np.full(shape[:axis] + shape[axis + 1 :], int(self._target))
            gradient, hessian = loss.gradient_and_hessian(truth, x)
            return np.ravel(loss.call(truth, x))[0], gradient.flat[place], hessian.flat[place]
        penalty: Any = loss
        value, gradient = penalty.value_and_gradient(x)
        direction = np.zeros(shape)
        direction.flat[place] = 1.0
        product = penalty.hessian_vector_product(x, direction)
        return np.ravel(value)[0], gradient.flat[place], product.flat[place]


def shape_of(view: View, count: int) -> tuple[int, ...]:
    """The shape of one row for a loss of these scopes: its columns lie along one axis, the others are 1."""
    shape = [1] * _rank(view)
    shape[column_axis(view)] = count
    return tuple(shape)


def column_axis(view: View) -> int:
    """The axis along which the columns of one row lie: the last one of the first scope that names one."""
    last = [axis for scope in view.scopes for axis in _axes(scope)[-1:]]
    return last[0] % _rank(view) if last else 0


def _rank(view: View) -> int:
    """How many axes an array must have for all scopes."""
    axes = [axis for scope in view.scopes for axis in _axes(scope)]
    return max([1, *(axis + 1 if axis >= 0 else -axis for axis in axes)])


def _axes(scope: int | tuple[int, ...] | None) -> tuple[int, ...]:
    return () if scope is None else (scope,) if isinstance(scope, int) else scope


# Kinks --------------------------------------------------------------------------------------------

Function = Callable[[Numbers], tuple[Numbers, Numbers, Numbers]]


def kinks(sampled: Function, x: Numbers) -> tuple[float, ...]:
    """Where value, gradient or Hessian jump between neighbouring places of `x`, at most twelve.

    A jump is what stays of a difference when its interval is halved again and again; the difference of a
    smooth function, however steep, shrinks with the interval.

    Args:
        sampled: value, gradient and Hessian at some places.
        x: places, rising and evenly spaced.
    """
    span, found = float(x[-1] - x[0]), list[float]()
    at = sampled(x)
    for order, numbers in enumerate(at):
        least = JUMP * max(_spread(numbers), NEGLIGIBLE * _spread(at[0]) / span**order)
        steps = np.abs(np.diff(numbers))
        for start in np.flatnonzero(steps > np.maximum(least, _neighbouring(steps))):
            place = _narrowed(sampled, order, (x[start], x[start + 1]), NEAR * span)
            if not any(abs(place - other) <= 1e-6 * span for other in found) and _jumps(
                sampled, order, place, 2 * NEAR * span, least
            ):
                found.append(place)
    return tuple(sorted(found)[:MOST_KINKS])


def _spread(numbers: Numbers) -> float:
    """What most of the numbers span: a peak is no measure of the others."""
    finite = numbers[np.isfinite(numbers)]
    if not finite.size:
        return 0.0
    low, high = np.quantile(finite, (0.02, 0.98))
    return float(high - low) or float(finite.max() - finite.min())


def _neighbouring(steps: Numbers) -> Numbers:
    """What a step must exceed to be looked at: more than the smaller one of its neighbours."""
    before = np.concatenate([steps[:1], steps[:-1]])
    after = np.concatenate([steps[1:], steps[-1:]])
    return 1.01 * np.minimum(before, after)


def _narrowed(sampled: Function, order: int, ends: tuple[float, float], near: float) -> float:
    """The place between two others where most of the difference is; a round number if it is as near."""
    low, high = ends
    left, right = (sampled(np.array([end]))[order][0] for end in ends)
    while high - low > near:
        middle = (low + high) / 2
        between = sampled(np.array([middle]))[order][0]
        if abs(between - left) >= abs(right - between):
            high, right = middle, between
        else:
            low, left = middle, between
    middle = (low + high) / 2
    rounded = round(middle, 6) + 0.0  # no −0
    return float(rounded if abs(rounded - middle) <= near else middle)


def _jumps(sampled: Function, order: int, place: float, near: float, least: float) -> bool:
    """Whether a difference around a place does not shrink with the distance."""
    far = 100 * near
    left, before, after, right = sampled(place + np.array([-far, -near, near, far]))[order]
    return bool(abs(after - before) > max(least, 0.5 * abs(right - left)))
