"""Minima of convex functions that kernels compute: one variable to the last digits of float64, or several.

Of a function that is not convex they find a minimum near the start.
"""

from collections.abc import Callable
from math import inf, isfinite, nextafter

import numpy as np

MOST_STEPS = 200
"""Halvings of a bracket: 53 settle it, unless its end is next to 0."""

MOST_DOUBLINGS = 1100
"""Doublings of a step: from the smallest useful one past the largest float."""

NOISE = 1e-13
"""A sum of slopes this small against the sum of their absolute values is 0: some 500 roundings."""

EPSILON = 2.0**-52

Slope = Callable[[float], tuple[float, float, float]]
"""The derivative at a point, the second one, and the sum of the absolute values that the first sums."""


def root_of(slope: Slope, start: float, step: float, low: float = -inf, high: float = inf) -> float:
    """Where the derivative changes from negative to positive: Newton's method, safeguarded by a bracket.

    Args:
        start: a point strictly between the bounds.
        step: where the search for the other side begins, a positive number.
        low, high: bounds of the argument.

    Returns:
        The root; the bound (or −inf, inf) up to which the derivative keeps its sign.
    """
    value, curvature, size = slope(start)
    if value == 0:
        return start
    rising = value < 0  # the root lies to the right
    inner, outer = start, start
    for _ in range(MOST_DOUBLINGS):
        inner, outer = outer, outer + step if rising else outer - step
        if not low < outer < high:
            outer = (inner + (high if rising else low)) / 2
        if not isfinite(outer) or outer in (low, high, inner):
            return high if rising else low
        there = slope(outer)[0]
        if there == 0:
            return outer
        if (there > 0) == rising:
            break
        step *= 2
    left, right = (inner, outer) if rising else (outer, inner)
    point = inner
    if point != start:
        value, curvature, size = slope(point)
    for _ in range(MOST_STEPS):
        if abs(value) <= EPSILON * size / 2 or abs(value) <= EPSILON * abs(point * curvature) / 4:
            break
        left, right = (point, right) if value < 0 else (left, point)
        point = point - value / curvature if curvature > 0 else inf
        if not left < point < right:
            point = left + (right - left) / 2
        if point in (left, right):
            return min(left, right, key=lambda end: abs(slope(end)[0]))
        value, curvature, size = slope(point)
    return point


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
    for _ in range(MOST_STEPS):
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
