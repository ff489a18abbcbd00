"""What a person calls: `declaration.plot()`, `loss.plot()`, `lg.plot(a, b)`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lossgen.errors import ParameterError
from lossgen.inspection.curves import figure as figures
from lossgen.inspection.curves.picture import picture_of
from lossgen.inspection.curves.subjects import Plottable, is_plottable, subjects_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot(
    *losses: Plottable,
    path: str | Path | None = None,
    view: str | None = None,
    targets: Sequence[Any] | float | None = None,
    interval: tuple[float, float] | None = None,
    simplex: bool | str = False,
    **arguments: Any,
) -> "Figure":
    """Loss, gradient and Hessian of a loss over one number; of several losses on one axis, to compare them.

    The number is the residual p − y, the margin y·p or the prediction, as fits the loss. Where its columns
    meet (softmax, Dice), it is the prediction of the first of three columns, and the others stay as they are.
    The derivatives are those with respect to the number. Kinks are marked; at a jump of a derivative a full
    circle stands at what the loss takes there. All numbers come from the compiled losses, in float64.

    Args:
        losses: declarations, classes of losses or penalties, or instances of them.
        path: where the figure is saved, by its ending as PNG, SVG or PDF; None leaves that to the caller.
        view: "residual", "margin" or "prediction", where the usual one is not wanted.
        targets: target values, or labels for losses of labels; by default typical ones of the domain. On the
            simplex: labels, or distributions of three classes.
        interval: range of the number, (low, high); by default typical of the domain.
        simplex: draw level sets over the distributions of three classes instead, see `simplex.draw_simplex`;
            "arrows" adds the direction of steepest descent.
        arguments: constructor arguments that change the curve; a list gives a curve for each of its values.

    Returns:
        The matplotlib figure.

    Raises:
        MissingLibraryError: matplotlib is not installed.
        ParameterError: an argument is unknown or outside its range; a target or the interval is outside its
            domain.
        NoViewError: a loss has no such view, or the losses have none in common.
        FileError: the file has another ending, or cannot be written.
    """
    figures.needs_matplotlib()
    if path is not None:
        figures.check_ending(path)
    if not losses:
        raise ParameterError("nothing to plot; write the loss, as in lg.plot(huber)")
    subjects = subjects_of(losses, arguments)
    if simplex:
        from lossgen.inspection.curves.simplex import draw_simplex

        if view is not None or interval is not None:
            raise ParameterError("level sets over the simplex take no `view` and no `interval`")
        made = draw_simplex(subjects, targets, simplex)
    else:
        made = figures.draw(picture_of(subjects, view, targets, interval))
    if path is not None:
        figures.save(made, path)
    return made


def plot_against(
    loss: Plottable,
    path: str | Path | None = None,
    *,
    against: Plottable | Sequence[Plottable] | None = None,
    **options: Any,
) -> "Figure":
    """`plot` of one loss, and of those that it is compared with."""
    others: Sequence[Any] = ()
    if against is not None:
        others = against if isinstance(against, list | tuple) else (against,)
        for other in others:
            if not is_plottable(other):
                raise ParameterError(
                    "`against` is a declaration, a class such as lossgen.losses.Huber, an instance of one, "
                    f"or a list of them. Received: {other!r}"
                )
    return plot(loss, *others, path=path, **options)
