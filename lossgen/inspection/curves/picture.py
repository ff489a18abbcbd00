"""The curves of one picture: of one loss or several compared, of families, of targets; on one axis.

What `figure` draws with matplotlib and `braille` in a terminal.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lossgen.errors import NoViewError, ParameterError
from lossgen.inspection.curves.admissible import LARGEST, checked_interval, checked_targets
from lossgen.inspection.curves.sampling import Curve, Numbers, curve_of, loss_of
from lossgen.inspection.curves.subjects import Subject
from lossgen.inspection.curves.views import View, variables_of, view_of

MOST_CURVES = 40
PANELS = ("loss", "gradient", "Hessian")
DERIVATIVES = ("value", "gradient", "hessian")
LONGEST_FORMULA = 110


@dataclass(frozen=True)
class Series:
    """A curve and its place among the others: which loss or member of a family, which target."""

    curve: Curve
    member: int
    target: int


@dataclass(frozen=True)
class Picture:
    """What a picture shows.

    Args:
        title: names of the losses, with arguments.
        note: the formula, where it is one and short; else "".
        label: of the axis.
        interval: of the axis.
        series: the curves, with labels; a label is "" where there is nothing to tell apart.
        members, targets: how many losses or members of families, and how many targets each has.
        is_ordered: whether the members are values of one parameter in order.
    """

    title: str
    note: str
    label: str
    interval: tuple[float, float]
    series: tuple[Series, ...]
    members: int
    targets: int
    is_ordered: bool


def picture_of(
    subjects: Sequence[Subject],
    view: str | None = None,
    targets: Sequence[float] | float | None = None,
    interval: tuple[float, float] | None = None,
) -> Picture:
    """The picture of one loss, or of several on one axis.

    Args:
        subjects: the losses.
        view: the variable, where the usual one is not wanted.
        targets: targets or labels to draw curves for; by default typical ones, of several losses one each.
        interval: of the variable; by default typical.

    Raises:
        NoViewError: a loss has no such view, or the losses have none in common.
        ParameterError: targets or an interval outside their domains, or too many curves.
    """
    variable = view if view or len(subjects) == 1 else common_variable(subjects)
    views = [views_of(subject, variable) for subject in subjects]
    flat = [each for several in views for each in several]
    shown = checked_interval(subjects[0], flat, interval)
    chosen = [
        [checked_targets(subject, each, targets, len(subjects)) for each in several]
        for subject, several in zip(subjects, views, strict=True)
    ]
    count = sum(len(each) for several in chosen for each in several)
    if count > MOST_CURVES:
        raise ParameterError(f"{count} curves are too many for one picture; at most {MOST_CURVES} are drawn")
    series: list[Series] = []
    place, formula = 0, ""
    for subject, several, wanted in zip(subjects, views, chosen, strict=True):
        for (words, values), member_view, its_targets in zip(subject.members(), several, wanted, strict=True):
            loss = loss_of(subject.declaration, values)
            formula = loss.formula()
            within = replace(member_view, interval=shown)
            for number, target in enumerate(its_targets):
                parts = [subject.name] * (len(subjects) > 1) + [words] * bool(words)
                if len(its_targets) > 1:
                    parts.append(target_text(member_view, target))
                curve = curve_of(loss, within, target, ", ".join(parts))
                series.append(Series(curve, place, number))
            place += 1
    first = chosen[0][0]
    return Picture(
        title=", ".join(subject.name for subject in subjects),
        note=f"L = {formula}" if len(subjects) == 1 and len(formula) <= LONGEST_FORMULA else "",
        label=_label(flat[0], first, {each.label for each in flat}),
        interval=shown,
        series=tuple(series),
        members=place,
        targets=len(first),
        is_ordered=len(subjects) == 1 and _is_ordered(subjects[0]),
    )


def views_of(subject: Subject, variable: str | None) -> list[View]:
    """The view of each member of a family; all have the interval of the widest."""
    widest = subject.widest()
    views = []
    for _, values in subject.members():
        options, declaration = subject.options(values), subject.declaration
        own = {name: value for name, value in values.items() if name in declaration.parameters}
        view = view_of(declaration, options, own, variable)
        views.append(replace(view, interval=view_of(declaration, options, widest, variable).interval))
    if len({(view.variable, view.quantity) for view in views}) > 1:
        names = ", ".join(subject.families)
        raise NoViewError(
            f"{subject.declaration.class_name} is drawn over different things for these values of {names}; "
            "make a plot of each"
        )
    return views


def common_variable(subjects: Sequence[Subject]) -> str:
    """The first variable that all losses can be drawn over.

    Raises:
        NoViewError: there is none.
    """
    allowed = [
        variables_of(subject.declaration, subject.options(values))
        for subject in subjects
        for _, values in subject.members()
    ]
    common = [each for each in allowed[0] if all(each in others for others in allowed[1:])]
    assert common, "every loss can be drawn over its prediction"
    return common[0]


def target_text(view: View, target: float) -> str:
    """What a curve says of its target."""
    return f"label {target:g}" if view.labels else f"y = {target:g}".replace("-", "−")


def _label(view: View, targets: tuple[float, ...], labels: set[str]) -> str:
    """The label of the axis, with the target where it matters and there is one."""
    if len(labels) == 1:
        words = view.label
    else:  # what they have in common
        words = "margin" if view.variable == "margin" else view.label.partition(" of one column")[0]
    if view.target is None or len(targets) > 1 or (view.targets == (0.0,) and targets == (0.0,)):
        return words
    if view.variable == "margin" and view.targets == targets:
        return words
    return f"{words}   ({target_text(view, targets[0])})"


def _is_ordered(subject: Subject) -> bool:
    """Whether the members are the values of one parameter."""
    if len(subject.families) != 1:
        return False
    (values,) = subject.families.values()
    return len(values) > 2 and all(isinstance(value, float) for value in values)


def shown_limits(curves: Sequence[Curve], which: str) -> tuple[float, float]:
    """What a panel shows of a value or derivative: all, but for what rises at an end of the axis or a pole.

    There the span of nine tenths of the numbers is shown once more beyond them. Other peaks are whole.
    """
    numbers = drawable(np.concatenate([getattr(curve, which) for curve in curves]))
    inside = drawable(np.concatenate([_inside(curve, which) for curve in curves]))
    if not numbers.size:
        return -1.0, 1.0
    low, high = float(numbers.min()), float(numbers.max())
    inner, outer = (float(each) for each in np.quantile(numbers, (0.05, 0.95)))
    if outer > inner and inside.size:
        low = max(low, min(inner - (outer - inner), float(inside.min())))
        high = min(high, max(outer + (outer - inner), float(inside.max())))
    if high - low < 1e-12 * max(1.0, abs(high)):
        room = max(1.0, abs(high)) / 2
        return low - room, high + room
    room = 0.06 * (high - low)
    return low - room, high + room


def drawable(numbers: Numbers) -> Numbers:
    """Those numbers that a picture can show."""
    return numbers[np.abs(numbers) <= LARGEST]


def _inside(curve: Curve, which: str) -> Numbers:
    """The numbers over the middle nine tenths of the axis, away from poles."""
    low, high = curve.x[0], curve.x[-1]
    edge = (high - low) / 20
    numbers: Numbers = getattr(curve, which)
    kept = (curve.x > low + edge) & (curve.x < high - edge)
    for pole in curve.poles:
        kept &= np.abs(curve.x - pole) > edge
    return numbers[kept]


def jumps(series: Series, which: str, kink: float) -> bool:
    """Whether a value or derivative is not continuous at a kink, as far as an eye can see."""
    numbers, index = getattr(series.curve, which), series.curve.index(kink)
    finite = drawable(numbers)
    span = float(finite.max() - finite.min()) if finite.size else 0.0
    return bool(np.ptp(numbers[max(index - 1, 0) : index + 2]) > 1e-6 * span)
