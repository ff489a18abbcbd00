"""Level sets of a loss over the distributions of three classes: a triangle, its corners the certain ones.

Losses of probabilities are shown over the probabilities p, losses of logits over softmax(p).
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lossgen.errors import NoViewError, ParameterError
from lossgen.inspection.curves.figure import STYLE
from lossgen.inspection.curves.level_sets import CORNERS, Panel, descents, grid, lowest, place, values
from lossgen.inspection.curves.sampling import Numbers, loss_of
from lossgen.inspection.curves.subjects import Subject
from lossgen.inspection.curves.views import CLASSES, View, view_of
from lossgen.language.penalty import PenaltyDeclaration
from lossgen.language.reductions import LogSoftmax, LogSumExp, Softmax
from lossgen.runtime.parameters import is_number

if TYPE_CHECKING:
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

STEPS = 180
"""Distributions along each side of the triangle."""

ARROW_STEPS = 13
LEVELS = 14
MOST_PANELS = 9
MOST_LOWEST = 6
"""Places of the least loss that are marked; of a whole region none is."""

SOFTMAX = (LogSumExp, Softmax, LogSoftmax)
"""What makes probabilities of logits."""

TARGETS: tuple[tuple[float, ...], ...] = ((1.0, 0.0, 0.0), (0.5, 0.3, 0.2))
"""Distributions that are shown for losses that take them."""


def draw_simplex(subjects: Sequence[Subject], targets: Any, arrows: bool | str = False) -> "Figure":
    """The figure: a triangle for each loss, member of a family and target.

    Args:
        subjects: the losses.
        targets: labels, or distributions (a, b, c); by default label 0, and distributions one certain and
            one not.
        arrows: "arrows" draws the direction in which the loss falls fastest: along the triangle for
            probabilities, that of a step of gradient descent in the logits for logits.

    Raises:
        NoViewError: a loss is none of class probabilities or logits.
        ParameterError: a target is neither a label nor a distribution of three classes, or there are too
            many panels.
    """
    if arrows not in (True, "arrows"):
        raise ParameterError(f"`simplex` must be True or 'arrows'. Received: simplex={arrows!r}")
    panels = []
    for subject in subjects:
        for words, chosen in subject.members():
            title = words if len(subjects) == 1 else "\n".join(filter(None, (subject.name, words)))
            panels += panels_of(subject, title, chosen, targets)
    if len(panels) > MOST_PANELS:
        raise ParameterError(
            f"{len(panels)} triangles are too many for one picture; at most {MOST_PANELS} are drawn"
        )
    from matplotlib import rc_context

    from lossgen.inspection.curves.shown import ShownFigure

    across = min(3, len(panels))
    down = -(-len(panels) // across)
    with rc_context({**STYLE, "axes.grid": False}):
        figure = ShownFigure(figsize=(5.4 * across, 4.4 * down + 0.4), layout="constrained")
        places = figure.subplots(down, across, squeeze=False).ravel()
        for axes, panel in zip(places, panels, strict=False):
            _draw(figure, axes, panel, arrows == "arrows")
        for axes in places[len(panels) :]:
            axes.set_visible(False)
        figure.suptitle(", ".join(subject.name for subject in subjects), fontsize=14, fontweight="bold")
    return figure


def panels_of(subject: Subject, title: str, chosen: dict[str, object], targets: Any) -> list[Panel]:
    """The panels of one loss, one for each target, which their titles say after `title`."""
    declaration = subject.declaration
    parameters = {name: value for name, value in chosen.items() if name in declaration.parameters}
    options = subject.options(chosen)
    view = view_of(declaration, options, parameters)
    is_logit = any(term.expression.has(*SOFTMAX) for term in declaration.terms(options))
    if view.columns > CLASSES or view.columns == 2:
        raise NoViewError(
            f"{declaration.class_name} has parameters for {view.columns} classes; level sets need three"
        )
    if not _is_of_classes(view, is_logit):
        raise NoViewError(
            f"{declaration.class_name} is no loss of class probabilities, so it has no level sets over them; "
            "leave `simplex` out"
        )
    loss = loss_of(declaration, chosen)
    is_penalty = isinstance(declaration, PenaltyDeclaration)
    if is_penalty and targets is not None:
        raise ParameterError(f"{declaration.class_name} is a penalty and has no target")
    wanted = [None] if is_penalty else checked_targets(view, targets)
    return [
        Panel("\n".join(filter(None, (title, _target_text(each)))), loss, is_logit, each) for each in wanted
    ]


def _is_of_classes(view: View, is_logit: bool) -> bool:
    """Whether the columns of a row may be the probabilities, or the logits, of three classes."""
    if view.scopes != (-1,):
        return False
    if is_logit:
        return view.columns == CLASSES
    return view.limits[0] == 0 and view.interval[1] <= 1.25 and view.target != "real"


def checked_targets(view: View, targets: Any) -> list[Any]:
    """Labels, or distributions of three classes.

    Raises:
        ParameterError: one is neither.
    """
    if targets is None:
        return [0] if view.labels else list(TARGETS)
    given = [targets] if is_number(targets) else list(targets)
    if not view.labels and len(given) == CLASSES and all(map(is_number, given)) and sum(given) == 1:
        given = [tuple(given)]  # one distribution
    return [_checked(view, target) for target in given]


def _checked(view: View, target: Any) -> tuple[float, ...] | int:
    if is_number(target) and target in range(CLASSES):
        label = int(target)
        return label if view.labels else tuple(float(label == each) for each in range(CLASSES))
    shares = tuple(target) if isinstance(target, Sequence | np.ndarray) else ()
    if (
        not view.labels
        and len(shares) == CLASSES
        and all(is_number(share) and 0 <= share <= 1 for share in shares)
        and math.isclose(sum(shares), 1, abs_tol=1e-9)
    ):
        return tuple(map(float, shares))
    wanted = "a label 0, 1 or 2" + ("" if view.labels else ", or three probabilities that add up to 1")
    raise ParameterError(f"a target on the simplex must be {wanted}. Received: {target!r}")


def _target_text(target: tuple[float, ...] | int | None) -> str:
    if target is None:
        return ""
    if isinstance(target, int):
        return f"label {target}"
    return f"y = ({', '.join(f'{share:g}' for share in target)})"


def levels(numbers: Numbers) -> Numbers:
    """Round numbers from the least value to nearly the largest, which may be a peak at a corner."""
    from matplotlib.ticker import MaxNLocator

    finite = numbers[np.isfinite(numbers)]
    low, high = float(finite.min()), float(np.quantile(finite, 0.985))
    if not high > low:
        return np.array([low - 0.5, low + 0.5])
    rising = np.asarray(MaxNLocator(LEVELS, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
    return rising[: int(np.searchsorted(rising, high)) + 1]


# The picture --------------------------------------------------------------------------------------


def _draw(figure: Any, axes: Any, panel: Panel, arrows: bool) -> None:
    from matplotlib.tri import Triangulation

    distributions = grid(STEPS)
    numbers = values(panel, distributions)
    rising = levels(numbers)
    mesh = Triangulation(*place(distributions).T)
    shown = np.where(np.isfinite(numbers), numbers, rising[-1])
    extend = "max" if shown.max() > rising[-1] * (1 + 1e-12) else "neither"
    filled = axes.tricontourf(mesh, shown, levels=rising, cmap=_colours(), extend=extend)
    lines = axes.tricontour(mesh, shown, levels=rising, colors="#1a1a1a", linewidths=0.5, alpha=0.55)
    scale = figure.colorbar(filled, ax=axes, shrink=0.72, pad=0.02, format="%g")
    scale.add_lines(lines)
    scale.set_ticks(list(rising[:: 1 + len(rising) // 8]))
    scale.outline.set_visible(False)
    scale.set_label("loss")
    axes.plot(*CORNERS[[0, 1, 2, 0]].T, color="#1a1a1a", linewidth=1.2)
    if arrows:
        _draw_arrows(axes, panel)
    _draw_marks(axes, panel, distributions, numbers)
    letter = "softmax(p)" if panel.is_logit else "p"
    for number, (corner, side) in enumerate(zip(CORNERS, ("center", "right", "left"), strict=True)):
        up = 0.035 if number == 0 else -0.035
        axes.text(
            corner[0], corner[1] + up, f"class {number}", ha="center" if number == 0 else side,
            va="bottom" if number == 0 else "top", fontsize=10.5,
        )  # fmt: skip
    axes.text(0.5, -0.035, letter, ha="center", va="top", fontsize=10.5, color="#4d4d4d")
    axes.set_title(panel.title, pad=14)
    axes.set_xlim(-0.12, 1.12)
    axes.set_ylim(-0.12, CORNERS[0, 1] + 0.1)
    axes.set_aspect("equal")
    axes.set_axis_off()


def _colours() -> "Colormap":
    """Pale yellow to blue; without the darkest blue, on which nothing is seen."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(colormaps["YlGnBu"](np.linspace(0, 0.72, 256)))


def _draw_marks(axes: Any, panel: Panel, distributions: Numbers, numbers: Numbers) -> None:
    """A star at the target, crosses where the loss is least: one place for a proper loss."""
    edge: dict[str, Any] = {"markeredgecolor": "#1a1a1a", "linestyle": "none", "clip_on": False}
    if panel.target is not None:
        share = np.eye(CLASSES)[panel.target] if isinstance(panel.target, int) else np.array(panel.target)
        axes.plot(
            *place(share), "*", markersize=16, markerfacecolor="#E69F00", label="target", zorder=5, **edge
        )
    least = distributions[lowest(numbers)]
    if len(least) <= MOST_LOWEST:
        axes.plot(
            *place(least).T, "X", markersize=8, markerfacecolor="white", label="least loss", zorder=6, **edge
        )
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, 1.0), handletextpad=0.2, borderaxespad=0)


def _draw_arrows(axes: Any, panel: Panel) -> None:
    """Directions of descent on a coarse grid inside, all of one length."""
    inner = 0.06 + (1 - 3 * 0.06) * grid(ARROW_STEPS)
    step = place(descents(panel, inner))
    length = np.linalg.norm(step, axis=1, keepdims=True)
    unit = np.divide(step, length, out=np.zeros_like(step), where=length > 1e-12)
    axes.quiver(
        *place(inner).T, *(0.045 * unit).T, angles="xy", scale_units="xy", scale=1, width=0.005,
        color="#1a1a1a", alpha=0.85, zorder=4,
    )  # fmt: skip
