"""The constant raw score that a loss likes best for given targets: where boosting starts."""

from math import inf, isfinite, isnan

import numpy as np
from numpy.typing import ArrayLike

from lossgen.errors import ConstantError
from lossgen.runtime.domains import bounds
from lossgen.runtime.dtypes import numbers_array
from lossgen.runtime.links import LINKS, NEAREST
from lossgen.runtime.minimisation import middle_of_minimisers, newton, root_of
from lossgen.runtime.properties import Properties
from lossgen.runtime.raw_kernels import RawKernels
from lossgen.runtime.weighted_targets import class_weights, weighted_targets

BOUNDS = {"logit": float(LINKS["logit"](1.0)), "log": 700.0}
"""Largest raw scores tried: the logit of a mean of 1, see `NEAREST`; one whose exponential is no overflow."""

MOST_CLASSES = 2000
"""For Newton's method, which solves equations in as many unknowns."""

QUANTILES = np.linspace(0, 1, 9)
"""Of the targets: near which the least value is looked for of a loss that is not proved to be convex."""

AROUND = np.logspace(-8, 0, 25)
"""And how far, in units of the targets' spread, from their median and from 0."""


def optimal_constant_of(loss, y_true: ArrayLike, sample_weight: ArrayLike | None, classes: int | None):
    """See `Loss.optimal_constant`."""
    kernels = RawKernels(loss)
    y = numbers_array("y_true", y_true)
    properties = loss.properties
    if kernels.labels:
        weight = class_weights(kernels, y, sample_weight, classes)
        mean = weight / weight.sum()
    else:
        y, weight = weighted_targets(loss, kernels, y, sample_weight)
        mean = np.average(y, axis=0, weights=weight)
    if properties.mean_is_optimal:
        check_link(loss, mean)
        constant = link_of(properties, mean)
        if properties.curvature != "unproved" or is_minimum(kernels, mean, constant):
            return number_or_array(np.array([finite(loss, float(each)) for each in constant]))
    if kernels.labels:
        y = classes_as_rows(loss, len(weight))
    elif properties.affine:
        y, weight = mean[None], np.ones(1)
    if kernels.elementwise:
        columns = y.shape[1]
        found = [
            constant_of_column(loss, kernels, kernels.parameters_of(column, columns), y[:, column], weight)
            for column in range(columns)
        ]
        return number_or_array(np.array(found))
    return constant_of_rows(loss, kernels, y, weight)


def number_or_array(constants: np.ndarray):
    """A scalar for one column."""
    return constants[0] if len(constants) == 1 else constants


def link_of(properties: Properties, mean: np.ndarray) -> np.ndarray:
    """The raw scores whose inverse link is the mean of the targets; −1 and 1 stand for no and yes."""
    signs = properties.target == "signs" and properties.link == "logit"
    return LINKS[properties.link]((mean + 1) / 2 if signs else mean)


def check_link(loss, mean: np.ndarray) -> None:
    """Refuses a mean that no raw score predicts, not even nearly.

    Raises:
        ConstantError: names mean and link.
    """
    properties = loss.properties
    least = -1.0 if properties.target == "signs" else 0.0
    ranges = {"logit": (least, 1.0), "log": (0.0, inf), "softmax": (0.0, inf)}
    low, high = ranges.get(properties.link, (-inf, inf))
    if not np.all((mean >= low) & (mean <= high)):
        raise ConstantError(
            f"{type(loss).__name__} has no best constant: its link is {properties.link}, and the mean of "
            f"`y_true` is {mean.tolist()}. Pass a start of your own."
        )


def is_minimum(kernels: RawKernels, mean: np.ndarray, constant: np.ndarray) -> bool:
    """Whether a loss affine in the target curves upwards where it is stationary."""
    if kernels.elementwise:
        gradient, hessian = np.empty((2, 1))
        for column, (y, point) in enumerate(zip(mean, constant, strict=True)):
            parameters = kernels.parameters_of(column, len(mean))
            kernels.run_line(parameters, None, np.array([y]), np.array([point]), gradient, hessian)
            if not hessian[0] > 0:
                return False
        return True
    labels = kernels.labels
    y, weight = (np.arange(len(mean)), mean) if labels else (mean[None], np.ones(1))
    eigenvalues = np.linalg.eigvalsh(kernels.summed(y, constant, weight)[2])
    return bool(eigenvalues[0] >= -1e-9 * np.abs(eigenvalues).max())


def classes_as_rows(loss, classes: int) -> np.ndarray:
    """One-hot targets of all classes.

    Raises:
        ConstantError: there are more than Newton's method takes.
    """
    if classes > MOST_CLASSES:
        raise ConstantError(
            f"{type(loss).__name__}: Newton's method takes at most {MOST_CLASSES} classes. Received: "
            f"`y_true` with labels up to {classes - 1}. Pass a start of your own."
        )
    return np.eye(classes)


def constant_of_column(loss, kernels: RawKernels, parameters, y: np.ndarray, weight: np.ndarray) -> float:
    """The best constant of one column of an elementwise loss.

    Raises:
        ConstantError: the loss falls without end.
    """
    y = np.ascontiguousarray(y)
    gradient, hessian = np.empty(len(y)), np.empty(len(y))

    def slope(point: float) -> tuple[float, float, float]:
        kernels.run_line(parameters, weight, y, np.full(len(y), point), gradient, hessian)
        return float(gradient.sum()), float(hessian.sum()), float(np.abs(gradient).sum())

    if loss.properties.curvature == "zero":
        return finite(loss, middle_of_minimisers(slope, np.unique(y)))
    low, high = bounds(loss.properties.prediction)
    link = loss.properties.link
    if link in BOUNDS:
        low, high = -BOUNDS[link], BOUNDS[link]
    mean = float(link_of(loss.properties, np.average(y, weights=weight)))
    start = mean if link != "identity" else median(y, weight)
    if not low < start < high:
        start = 0.0 if low < 0 < high else (low + high) / 2 if high < inf else low + 1.0
    spread = float(np.abs(y - start).max()) if link == "identity" else 1.0
    step = spread / 64 or 1.0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found = root_of(slope, start, step, low, high)
        if loss.properties.curvature == "unproved":  # there may be several minima
            value = value_of(loss, parameters, y, weight)
            around = [centre + sign * spread * AROUND for centre in (0.0, start) for sign in (-1, 1)]
            within = np.quantile(y, QUANTILES) if link == "identity" else []
            grid = np.unique(np.concatenate([*around, within, [0.0, mean, start]]))
            grid = grid[(low < grid) & (grid < high)]
            best = int(np.argmin([value(float(point)) for point in grid]))
            nearest = float(np.diff(grid[max(best - 1, 0) : best + 2]).min(initial=step))
            other = root_of(slope, float(grid[best]), nearest, low, high)
            found = min((one for one in (found, other) if isfinite(one)), key=value, default=found)
    if link == "log" and found == low:
        return float(LINKS[link](0.0))
    return finite(loss, found)


def value_of(loss, parameters, y: np.ndarray, weight: np.ndarray):
    """The sum of the losses of one column as a function of the constant; inf where it is NaN."""
    kernels, unused = RawKernels(loss, "value_and_gradient"), np.empty(len(y))

    def value(point: float) -> float:
        found = kernels.run_line(parameters, weight, y, np.full(len(y), point), unused, unused)
        return inf if isnan(found) else found

    return value


def finite(loss, constant: float) -> float:
    """The constant.

    Raises:
        ConstantError: it is infinite, or NaN: none was found.
    """
    if isnan(constant):
        raise ConstantError(
            f"{type(loss).__name__}: no best constant was found; its gradient is NaN somewhere, or "
            "its sum over these targets has no minimum that floats can tell. Pass a start of your own."
        )
    if not -inf < constant < inf:
        raise ConstantError(
            f"{type(loss).__name__} has no best constant for these targets: its sum over them falls without "
            f"end towards {constant}. Pass a start of your own."
        )
    return constant


def median(y: np.ndarray, weight: np.ndarray) -> float:
    """A target in the middle of the weights."""
    order = np.argsort(y)
    reached = np.cumsum(weight[order])
    return float(y[order[np.searchsorted(reached, reached[-1] / 2)]])


def constant_of_rows(loss, kernels: RawKernels, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The best constants of a loss whose columns meet.

    Raises:
        ConstantError: Newton's method does not settle.
    """
    columns = y.shape[1]
    softmax = loss.properties.link == "softmax"
    mean = np.average(y, axis=0, weights=weight)
    start = link_of(loss.properties, mean)
    if kernels.labels:  # a class that does not occur would be pushed away without end
        y, weight = np.arange(columns), np.maximum(weight, NEAREST * weight.sum())
    elif softmax:
        y = np.maximum(y, NEAREST)

    def derivatives(point: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        value, gradient, hessian = kernels.summed(y, point, weight)
        if softmax:  # adding a constant to all scores changes nothing
            diagonal = np.diagonal(hessian).copy()
            hessian += np.outer(diagonal, diagonal) / np.abs(diagonal).sum()
        return value, gradient, hessian

    if kernels.labels and columns == 1:
        _, gradient, hessian = derivatives(np.zeros(1))
        if not gradient.any() and not hessian.any():  # one class: every constant is best
            return np.zeros(1)
    found = None if loss.properties.curvature == "zero" else newton(derivatives, start)
    if found is not None and not softmax:  # where a direction is level, Newton's method may end anywhere
        eigenvalues = np.linalg.eigvalsh(derivatives(found)[2])
        found = found if eigenvalues[0] > 1e-9 * eigenvalues[-1] else None
    if found is None:
        raise ConstantError(
            f"{type(loss).__name__}: no best constant was found by Newton's method, which needs curvature: "
            "columns meet, and the minimum may lie on a kink. Pass a start of your own, one number a column."
        )
    return found - log_sum_exp(found) if softmax else found


def log_sum_exp(scores: np.ndarray) -> float:
    """log Σ exp(scores)."""
    largest = scores.max()
    return float(largest + np.log(np.exp(scores - largest).sum()))
