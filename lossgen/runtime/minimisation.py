"""Minima of convex functions that kernels compute: one variable to the last digits of float64, or several.

Of a function that is not convex they find a minimum near the start.
"""

from collections.abc import Callable
from math import inf, isfinite, isnan, nan, nextafter
from typing import NamedTuple

import numpy as np

from lossgen.runtime.dtypes import FLOAT64

MOST_STEPS = 400
"""Of one search: 64 halvings of a bracket settle it in floats, and every third step at least is one."""

MOST_NEWTON_STEPS = 200
"""In several variables."""

MOST_DOUBLINGS = 1100
"""Steps of the search for the other side: past the largest float, or down to the last one before a bound."""

NOISE = 1e-13
"""A sum of slopes this small against the sum of their absolute values is 0: some 500 roundings."""

FADED = 1e-12
"""A slope that is this small, against an earlier one, a tenth of the way before it is 0 has died away: an
exponential that underflows or a 1 − 1. A power with an exponent below 12 reaches 0 faster."""

UNDERFLOW = 1e-290

EPSILON = 2.0**-52

Slope = Callable[[float], tuple[float, float, float]]
"""The derivative at a point, the second one, and the sum of the absolute values that the first sums."""


class Place(NamedTuple):
    """A point and what its slope is; of an overflow the sign counts."""

    point: float
    value: float
    curvature: float
    size: float

    @property
    def sign(self) -> float:
        """−1, 0, 1 or NaN; 0 also where straight pieces add up to no more than rounding."""
        if isnan(self.value):
            return self.value
        level = self.curvature == 0 and isfinite(self.size) and abs(self.value) <= NOISE * self.size
        return 0.0 if level else float(self.value > 0) - float(self.value < 0)

    @property
    def settled(self) -> bool:
        """Whether the slope, or the step that it asks for, is below rounding."""
        if not (isfinite(self.value) and isfinite(self.curvature)):
            return False
        small = isfinite(self.size) and abs(self.value) <= EPSILON * self.size / 2
        return small or abs(self.value) <= EPSILON * abs(self.point * self.curvature) / 4


def root_of(slope: Slope, start: float, step: float, low: float = -inf, high: float = inf) -> float:
    """Where the derivative changes from negative to positive: Newton's method, safeguarded by a bracket.

    Args:
        start: a point strictly between the bounds.
        step: where the search for the other side begins, a positive number.
        low, high: bounds of the argument.

    Returns:
        The root, the middle of an interval of roots, or its one end that is finite; the bound (or −inf, inf)
        up to which the derivative keeps its sign or dies away; NaN where the iteration does not settle.
    """

    def at(point: float) -> Place:
        return Place(point, *slope(point))

    first = at(start)
    if isnan(first.value):
        return nan
    if first.sign == 0:
        return _root_on_level(at, first, step, low, high)
    seen = _walk(at, first, first.sign < 0, step, low, high)
    level = next((place for place in seen if place.sign == 0), None)
    alive = [place for place in seen if place.sign == first.sign]
    other = seen[-1]
    bound = high if first.sign < 0 else low
    if other.sign in (0, first.sign) or (level is not None and isnan(other.sign)):
        return bound if level is None else _end(at, alive, level, bound)
    if level is not None:
        return _middle(_edge(at, level, alive[-1]), _edge(at, level, other))
    return _bracketed(at, alive[-1], other) if first.sign < 0 else _bracketed(at, other, alive[-1])


def _walk(at, first: Place, rising: bool, step: float, low: float, high: float) -> list[Place]:
    """Places ever further in one direction, until one has another sign (but 0), or at the bound."""
    sign, seen = first.sign, [first]
    step = max(step, 2 * EPSILON * abs(first.point))
    for count in range(MOST_DOUBLINGS):
        inner = seen[-1].point
        outer = inner + step if rising else inner - step
        if not low < outer < high:
            outer = inner / 2 + (high if rising else low) / 2
        if not isfinite(outer) or outer in (low, high, inner):
            break
        seen.append(at(outer))
        if seen[-1].sign not in (0, sign):
            break
        step *= 2 if count < 60 else 16
    return seen


def _root_on_level(at, first: Place, step: float, low: float, high: float) -> float:
    """The root where the slope is 0 at the start."""
    if first.curvature > 0:
        near = max(abs(first.point), step) * 1e-6
        left, right = max(first.point - near, low), min(first.point + near, high)
        if low < left < right < high and at(left).sign < 0 < at(right).sign:
            return first.point
    before, after = (_walk(at, first, rising, step, low, high) for rising in (False, True))
    left, right = before[-1], after[-1]
    for place, wrong in ((right, -1), (left, 1)):  # a level that is no minimum
        if place.sign == wrong:
            return root_of(lambda point: at(point)[1:], place.point, step, low, high)
    if isnan(left.sign) or isnan(right.sign):
        return nan
    if left.sign and right.sign:
        return _middle(_edge(at, first, left), _edge(at, first, right))
    if left.sign:
        return _end(at, [at(left.point - step), left], first, high)
    if right.sign:
        return _end(at, [at(right.point + step), right], first, low)
    return first.point


def _end(at, alive: list[Place], level: Place, bound: float) -> float:
    """Where a slope becomes 0 for good: the end of the minimisers, or the bound if it has only died away."""
    finite = [place for place in alive if isfinite(place.value)]
    if not finite:
        return bound
    largest = max(finite, key=lambda place: abs(place.value))
    edge = _edge(at, level, alive[-1])
    before = abs(at(edge + (largest.point - edge) / 10).value)
    return bound if before <= max(FADED * abs(largest.value), UNDERFLOW) else edge


def _middle(left: float, right: float) -> float:
    """Half way, without overflow."""
    return left / 2 + right / 2


def _halves(left: float, right: float, by_magnitude: bool) -> float:
    """A float between two, half way: or with as many floats on either side."""
    if not by_magnitude:
        return _middle(left, right)
    bits = np.array([left, right]).view(np.int64)
    low, high = (int(one) if one >= 0 else -(int(one) + 2**63) for one in bits)
    middle = (low + high) // 2
    return float(np.copysign(np.array(abs(middle)).view(FLOAT64), middle or 1.0))


def _edge(at, level: Place, alive: Place) -> float:
    """The end of a level piece, towards a point beyond it."""
    inside, outside = level.point, alive.point
    for count in range(MOST_STEPS):
        middle = _halves(min(inside, outside), max(inside, outside), count % 2 == 1)
        if middle in (inside, outside):
            break
        inside, outside = (middle, outside) if at(middle).sign == 0 else (inside, middle)
    return inside


def _bracketed(at, left: Place, right: Place) -> float:
    """The root between a place whose slope is negative and one whose slope is positive, or NaN.

    Newton's step from the end with the smaller slope; where two have not halved the bracket, half of it, in
    turn by length and by magnitude.
    """
    widths, halvings = [inf, inf], 0
    for _ in range(MOST_STEPS):
        near = min(left, right, key=lambda place: inf if isnan(place.value) else abs(place.value))
        if near.settled:
            return near.point
        width = right.point / 2 - left.point / 2
        point = nan
        if width <= widths[-2] / 2 and isfinite(near.value) and 0 < near.curvature < inf:
            point = near.point - near.value / near.curvature
        if not left.point < point < right.point:
            point = _halves(left.point, right.point, halvings % 2 == 1)
            halvings += 1
            if point in (left.point, right.point):
                point = _middle(left.point, right.point)
        if point in (left.point, right.point):
            known = not (isnan(left.value) or isnan(right.value))
            return near.point if known else nan
        widths.append(width)
        place = at(point)
        if place.sign == 0:
            if isnan(left.value) or isnan(right.value):
                return _root_on_level(at, place, min(width, 1.0), -inf, inf)
            if place.curvature > 0:
                return point
            return _middle(_edge(at, place, left), _edge(at, place, right))
        below = place.sign < 0 or (isnan(place.sign) and isnan(left.value))
        left, right = (place, right) if below else (left, place)
    return nan


def middle_of_minimisers(slope: Slope, points: np.ndarray) -> float:
    """The middle of the interval on which a piecewise linear function is least.

    Args:
        points: ascending numbers, among them the likely kinks.

    Returns:
        The middle; the end of the interval that is finite where only one is; 0 where the function is
        constant; −inf or inf where it falls without end.
    """

    def falls(point: float) -> bool:
        value, _, size = slope(point)
        return value < -NOISE * size

    def does_not_rise(point: float) -> bool:
        value, _, size = slope(point)
        return value <= NOISE * size

    low, high = last_of(falls, points), last_of(does_not_rise, points)
    if isfinite(low) and isfinite(high):
        return low + (high - low) / 2
    if low == high:
        return low
    return low if isfinite(low) else high if isfinite(high) else 0.0


def last_of(holds: Callable[[float], bool], points: np.ndarray) -> float:
    """The end of the numbers for which something holds that holds for all smaller ones; −inf or inf if none.

    Args:
        points: ascending numbers; an end that is one of them is found exactly.
    """
    before, after = -1, len(points)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if holds(float(points[middle])) else (before, middle)
    step = max(1.0, float(np.abs(points[[0, -1]]).max()))
    if before >= 0:
        left = float(points[before])
        if not holds(nextafter(left, inf)):
            return left
    else:
        left = _beyond(lambda point: not holds(point), float(points[0]), -step)
    if after < len(points):
        right = float(points[after])
        if holds(nextafter(right, -inf)):
            return right
    else:
        right = _beyond(holds, float(points[-1]), step)
    if not (isfinite(left) and isfinite(right)):
        return left if not isfinite(left) else right
    for _ in range(MOST_STEPS):
        middle = left + (right - left) / 2
        if middle in (left, right):
            break
        left, right = (middle, right) if holds(middle) else (left, middle)
    return left


def _beyond(holds: Callable[[float], bool], start: float, step: float) -> float:
    """A point in the direction of the step where it holds no more; infinite if there is none."""
    point = start
    while isfinite(point) and holds(point):
        point, step = point + step, 2 * step
    return point


def newton(
    derivatives: Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]], start: np.ndarray
) -> np.ndarray | None:
    """The minimum of a function of several variables: Newton's method, damped until the value falls.

    Args:
        derivatives: value, gradient and Hessian at a point.

    Returns:
        The minimum; None where the iteration does not settle at one.
    """
    point, damping = start, 0.0
    value, gradient, hessian = derivatives(point)
    for _ in range(MOST_NEWTON_STEPS):
        if not (isfinite(value) and np.isfinite(gradient).all() and np.isfinite(hessian).all()):
            return None
        diagonal = np.abs(np.diagonal(hessian))
        if not diagonal.any():
            return None
        unit = 1 / np.sqrt(np.where(diagonal > 0, diagonal, diagonal.max()))  # rare classes weigh as much
        eigenvalues, vectors = np.linalg.eigh(unit[:, None] * hessian * unit)
        largest = np.abs(eigenvalues).max()
        sizes = np.maximum(np.abs(eigenvalues), EPSILON * largest) + damping * largest
        move = -unit * (vectors @ (vectors.T @ (unit * gradient) / sizes))
        scale = max(1.0, np.abs(point).max())
        if damping == 0 and np.abs(move).max() <= 1e-8 * scale:  # the next one would be below rounding
            return point + move if eigenvalues[0] > -1e-9 * largest else None
        tried = derivatives(point + move)
        if tried[0] <= value + 8 * EPSILON * abs(value):
            point, damping = point + move, 0.0 if damping < 1e-6 else damping / 10
            value, gradient, hessian = tried
        else:
            damping = max(1e-4, 10 * damping)
    return None
