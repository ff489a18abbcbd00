"""What may be asked of a picture: intervals and targets inside of their domains."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lossgen.errors import NoViewError, ParameterError
from lossgen.inspection.curves.subjects import Subject
from lossgen.inspection.curves.views import View
from lossgen.language.domains import bounds
from lossgen.runtime.parameters import is_number

LARGEST, FINEST = 1e100, 1e-6
"""Numbers further out are not drawn, nor intervals finer than this share of their ends."""


def checked_interval(
    subject: Subject, views: Sequence[View], interval: Sequence[float] | None
) -> tuple[float, float]:
    """The interval of the axis: what a person wants, or what all losses share.

    Raises:
        ParameterError: its ends are no two rising numbers, or outside the domain.
        NoViewError: the losses are drawn over different things.
    """
    low, high = (end(view.limits[side] for view in views) for side, end in ((0, max), (1, min)))
    bounded = {math.isfinite(view.limits[0]) or math.isfinite(view.limits[1]) for view in views}
    if len(bounded) > 1:
        words = sorted({view.label for view in views})
        raise NoViewError(
            f"these losses are drawn over different things ({'; '.join(words)}); "
            "choose options that agree, such as from_logits, or make a plot of each"
        )
    if interval is None:
        ends = [view.interval for view in views]
        if bounded == {True}:
            return max(end[0] for end in ends), min(end[1] for end in ends)
        return min(end[0] for end in ends), max(end[1] for end in ends)
    given = tuple(interval) if isinstance(interval, Sequence | np.ndarray) else (interval,)
    if len(given) != 2 or not all(is_number(end) and math.isfinite(end) for end in given):
        raise ParameterError(f"`interval` must be two numbers (low, high). Received: interval={interval!r}")
    first, last = map(float, given)
    if not first < last:
        raise ParameterError(
            f"`interval` must go from a smaller number to a larger one. Received: {first:g} to {last:g}"
        )
    if max(-first, last) > LARGEST or last - first < FINEST * max(abs(first), abs(last), 1 / LARGEST):
        raise ParameterError(
            f"`interval` must be no wider than {LARGEST:g} and no finer than {FINEST:g} of its ends. "
            f"Received: {first} to {last}"
        )
    if first < low or last > high:
        domain = f"from {low:g} to {high:g}" if math.isfinite(high) else f"from {low:g} on"
        raise ParameterError(
            f"`interval` must lie in the domain of the prediction of {subject.declaration.class_name}, "
            f"{domain}. Received: {first:g} to {last:g}"
        )
    return first, last


def checked_targets(
    subject: Subject, view: View, targets: Sequence[float] | float | None, losses: int
) -> tuple[float, ...]:
    """The targets that there are curves for.

    Raises:
        ParameterError: a target outside its domain.
    """
    if targets is None:
        return view.targets if losses == 1 else view.targets[-1:]
    given: tuple[Any, ...] = (targets,) if is_number(targets) else tuple(targets)  # type: ignore[arg-type]
    if view.target is None:
        raise ParameterError(f"{subject.declaration.class_name} is a penalty and has no target")
    for target in given:
        if not (is_number(target) and is_admissible(view, float(target))):
            raise ParameterError(
                f"a target of {subject.declaration.class_name} must be {admissible_text(view)}. "
                f"Received: {f'{target:g}' if is_number(target) else repr(target)}"
            )
    if not given:
        raise ParameterError("`targets` is empty; write the targets to draw curves for")
    return tuple(dict.fromkeys(map(float, given)))


def is_admissible(view: View, target: float) -> bool:
    """Whether a target lies in its domain."""
    if not math.isfinite(target):
        return False
    if view.labels:
        return target in range(view.columns)
    if view.target == "signs" or view.variable == "margin":
        return target in _signs(view)
    low, high = bounds(view.target or "real")
    return (low < target if view.target == "positive" else low <= target) and target <= high


def _signs(view: View) -> tuple[float, float]:
    """The targets of the negative and the positive class."""
    return (0.0, 1.0) if view.target == "probability" else (-1.0, 1.0)


def admissible_text(view: View) -> str:
    """The domain of the target in words."""
    if view.labels:
        return f"a label from 0 to {view.columns - 1}"
    if view.target == "signs" or view.variable == "margin":
        return " or ".join(f"{sign:g}".replace("-", "−") for sign in _signs(view))
    low, high = bounds(view.target or "real")
    if (low, high) == (-math.inf, math.inf):
        return "a finite number"
    above = ">" if view.target == "positive" else "at least"
    return f"{above} {low:g}" if math.isinf(high) else f"from {low:g} to {high:g}"
