"""Whether targets and weights are ones that a loss can be trained on: one pass over them, before any tree.

A booster takes NaN, negative counts or weights of 0 without a word, and returns trees of NaN or of nothing.
"""

from math import inf

import numpy as np

from lossgen.errors import LabelError, ObjectiveError, ShapeError, TargetError, WeightError
from lossgen.runtime import threads
from lossgen.runtime.compiling import njit
from lossgen.runtime.dtypes import numbers_array
from lossgen.runtime.properties import Properties
from lossgen.runtime.team import in_chunks

CHUNK = 65_536
LARGEST = float(np.finfo(np.float64).max)
DOMAINS = {
    "real": (-LARGEST, LARGEST, False, "finite numbers"),
    "nonnegative": (0.0, LARGEST, False, "finite numbers of at least 0"),
    "positive": (float(np.nextafter(0, 1)), LARGEST, False, "finite numbers above 0"),
    "probability": (0.0, 1.0, False, "numbers from 0 to 1"),
    "signs": (-1.0, 1.0, True, "-1 and 1, or 0 and 1"),
    "labels": (0.0, 2.0**53, True, "labels 0, 1, 2 …"),
}
"""Lowest and highest target of a domain, whether targets are whole numbers, and how to say it."""


ONE_A_ROW = (
    " For one label a row take the loss for labels; for several outputs give each its target (LightGBM: pass "
    "the table as `targets=`, to the metric, too)."
)


def check_targets(
    name: str, properties: Properties, y_true, classes: int | None = None, known: bool = False
) -> np.ndarray:
    """The targets as an array, each in the domain of the loss.

    Args:
        name: name of the loss, for messages.
        y_true: (n,) or (n, outputs), numbers of any dtype.
        classes: for labels, how many classes there are; None where that is not known.
        known: whether the numbers have been looked through before.

    Raises:
        LabelError: a label that is no whole number, or that names none of the classes.
        TargetError: a target that is not finite or not in the domain of the loss.
        ShapeError: no targets, or an array of another rank.
    """
    y = numbers_array("y_true", y_true)
    if y.ndim not in (1, 2) or not y.size:
        raise ShapeError(
            f"`y_true` must hold one target a row, (n,), or one row of them, (n, outputs). "
            f"Received: y_true of shape {y.shape}"
        )
    if properties.target == "labels" and y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if known:
        return y
    low, high, whole, wanted = _limits(properties.target)
    if properties.target == "labels" and classes is not None:
        high = classes - 1.0
        wanted = f"labels 0 … {classes - 1}, because there are {classes} raw scores a row"
    line = y.reshape(-1, order="A") if y.flags.forc else y.reshape(-1)
    wrong = how_many_outside(line, low, high, whole)
    if not wrong and properties.target == "signs" and line.min() < 0:
        wrong, low = float((line == 0).sum()), 1.0  # -1 and 0 do not go together
    if wrong:
        place = np.argwhere(~_inside(y, low, high, whole))[0]
        kind = LabelError if properties.target == "labels" else TargetError
        position = int(place[0]) if y.ndim == 1 else tuple(map(int, place))
        raise kind(
            f"`y_true` of {name} must hold {wanted}; {int(wrong)} of {line.size} do not fit. "
            f"Received: y_true[{position}] = {y[tuple(place)]}"
        )
    return y


def check_weight(sample_weight, rows: int, some: bool = True, known: bool = False) -> np.ndarray | None:
    """The weights as an array, finite and not negative; None for none.

    Args:
        rows: how many rows there are.
        some: whether at least one has to be above 0.
        known: whether the numbers have been looked through before.

    Raises:
        WeightError: a weight that is negative, infinite or NaN, all weights 0, or not one a row.
    """
    if sample_weight is None:
        return None
    weight = numbers_array("sample_weight", sample_weight)
    if weight.shape != (rows,):
        raise WeightError(
            f"`sample_weight` must hold one weight a row, ({rows},). "
            f"Received: sample_weight of shape {weight.shape}"
        )
    if known:
        return weight
    wrong = how_many_outside(weight, 0.0, LARGEST, False)
    if wrong:
        place = int(np.argmin(_inside(weight, 0.0, LARGEST, False)))
        raise WeightError(
            f"`sample_weight` must hold finite numbers of at least 0; {int(wrong)} of {rows} are not. "
            f"Received: sample_weight[{place}] = {weight[place]}"
        )
    if some and not weight.any():
        raise WeightError("`sample_weight` must not be 0 everywhere: no row would count.")
    return weight


def check_columns(name: str, properties: Properties, y: np.ndarray, raw: np.ndarray) -> None:
    """Refuses raw scores that do not fit the targets.

    Raises:
        ShapeError: other numbers of rows or outputs; says which parameter of the booster sets them.
    """
    if properties.target == "labels":
        if raw.ndim != 2 or raw.shape[1] < 2:
            raise ShapeError(
                f"{name} takes one raw score a class: tell the booster how many classes there are "
                f"(num_class). Received: raw scores of shape {raw.shape}"
            )
        fits = y.shape == raw.shape[:1]
    else:
        fits = y.shape == raw.shape or y.size == raw.size == len(raw)
        if not properties.diagonal and raw.ndim != 2:
            raise ShapeError(
                f"The columns of {name} belong together, and there is only one raw score a row. "
                f"Received: raw scores of shape {raw.shape}"
            )
    if not fits:
        advice = ONE_A_ROW if y.ndim == 1 and raw.ndim == 2 else ""
        raise ShapeError(
            f"`y_true` does not fit the raw scores of {name}.{advice} "
            f"Received: y_true of shape {y.shape} and raw scores of shape {raw.shape}"
        )


def check_start(name: str, properties: Properties, start, columns: int | None = None) -> np.ndarray:
    """A start of one's own as float64: a number, or (columns,).

    Args:
        name: name of the loss, for messages.
        start: a number, or one for each output or class.
        columns: how many raw scores a row has; None where that is not known.

    Raises:
        ShapeError: it is no number, or there are not as many as raw scores a row.
        ObjectiveError: None, NaN or infinite.
    """
    try:
        found = np.asarray(start, np.float64)
    except (TypeError, ValueError):
        found = np.empty((0,))
    labels = properties.target == "labels"
    fits = found.size > labels if columns is None else found.ndim == 0 or found.size == columns
    if found.ndim > 1 or not fits:
        wanted = "one number a class" if labels else "a number, or one for each output"
        known = "" if columns is None else f"; there {'is 1' if columns == 1 else f'are {columns}'}"
        raise ShapeError(f"The start of {name} must be {wanted}{known}. Received: {start!r}")
    if not np.isfinite(found).all():
        raise ObjectiveError(f"The start of {name} must be finite. Received: {start!r}")
    if columns is None:
        return found
    return found.reshape(()) if columns == 1 else np.broadcast_to(found, (columns,)).copy()


def _limits(target) -> tuple[float, float, bool, str]:
    if isinstance(target, str):
        return DOMAINS[target]
    low, high = (-inf if target[0] is None else target[0]), (inf if target[1] is None else target[1])
    return max(low, -LARGEST), min(high, LARGEST), False, f"finite numbers from {low:g} to {high:g}"


def _inside(values: np.ndarray, low: float, high: float, whole: bool) -> np.ndarray:
    values = values.astype(np.float64)
    fits = (values >= low) & (values <= high)
    return fits & (values == np.floor(values)) if whole else fits


def how_many_outside(values: np.ndarray, low: float, high: float, whole: bool) -> float:
    """How many values are not in [low, high] (NaN is not), or not whole."""
    line = np.ascontiguousarray(values)
    if line.size <= CHUNK:
        return (count_not_whole if whole else count_outside)(line, low, high)
    of_team = count_not_whole_team if whole else count_outside_team
    return of_team(threads.team(), CHUNK, line, low, high)


@njit(nogil=True, cache=True)
def count_outside(values, low, high):
    """How many values are not in [low, high]; NaN is not."""
    wrong = 0
    for i in range(values.size):
        wrong += not ((values[i] >= low) & (values[i] <= high))
    return float(wrong)


@njit(nogil=True, cache=True)
def count_not_whole(values, low, high):
    """How many values are no whole numbers in [low, high]."""
    wrong = 0
    for i in range(values.size):
        value = values[i]
        wrong += not ((value >= low) & (value <= high) & (value == np.floor(value)))
    return float(wrong)


@njit(nogil=True, cache=True)
def count_outside_team(team, length, *arguments):
    """The same on a team of threads."""
    return in_chunks(team, length, count_outside, arguments)


@njit(nogil=True, cache=True)
def count_not_whole_team(team, length, *arguments):
    """The same on a team of threads."""
    return in_chunks(team, length, count_not_whole, arguments)
