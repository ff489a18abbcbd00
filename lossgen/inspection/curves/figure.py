"""A picture as a matplotlib figure: loss, gradient and Hessian side by side. Needs matplotlib."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lossgen.errors import FileError, MissingLibraryError, ParameterError
from lossgen.inspection.curves.admissible import LARGEST
from lossgen.inspection.curves.picture import (
    DERIVATIVES,
    PANELS,
    Picture,
    Series,
    jumps,
    shown_limits,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE: dict[Any, Any] = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "text.color": "#1a1a1a",
    "axes.labelcolor": "#1a1a1a",
    "axes.edgecolor": "#4d4d4d",
    "xtick.color": "#4d4d4d",
    "ytick.color": "#4d4d4d",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#b0b0b0",
    "grid.alpha": 0.35,
    "grid.linewidth": 0.6,
    "axes.titlesize": 11.5,
    "axes.titlepad": 8,
    "axes.labelsize": 10.5,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "axes.unicode_minus": True,
    "svg.hashsalt": "lossgen",
    "pdf.fonttype": 42,
}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#7F7F7F")
"""Okabe and Ito's, which the colour-blind tell apart; yellow, pale on white, is left out."""

LINES = (
    "-", (0, (5, 1.6)), (0, (1.2, 1.4)), (0, (6, 1.6, 1.2, 1.6)), (0, (3, 1.2)),
    (0, (8, 1.6, 1.2, 1.2, 1.2, 1.6)),
)  # fmt: skip
"""Line styles, which also tell curves apart in black and white."""

SCALE, LIGHTEST = "viridis", 0.8
"""The colours of a family in order, dark to light, without the yellow end."""

ENDINGS = ("png", "svg", "pdf")


def check_ending(path: str | Path) -> str:
    """The ending of a file that a figure can be saved as.

    Raises:
        ParameterError: it is no path.
        FileError: it is none of PNG, SVG and PDF, or the folder does not exist.
    """
    if not isinstance(path, str | os.PathLike):
        raise ParameterError(f"`path` must be a file name, such as 'loss.png'. Received: path={path!r}")
    file = Path(path)
    ending = file.suffix.lower().removeprefix(".")
    if ending not in ENDINGS:
        known = ", ".join(f".{each}" for each in ENDINGS)
        raise FileError(f"a figure is saved by the ending of its file as {known}. Received: {path}")
    if not file.parent.is_dir():
        raise FileError(f"{path} cannot be written: there is no folder {file.parent}")
    return ending


def needs_matplotlib() -> None:
    """Refuse where matplotlib is missing.

    Raises:
        MissingLibraryError: says how to install it.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise MissingLibraryError("plots need matplotlib: pip install 'lossgen[plot]'") from error


def save(figure: "Figure", path: str | Path) -> None:
    """Write a figure, the same bytes every time.

    Raises:
        FileError: of that ending nothing is written, or the file cannot be.
    """
    from matplotlib import rc_context

    from lossgen.inspection.curves.shown import RESOLUTION

    ending = check_ending(path)
    undated: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(ending, {})
    try:
        with rc_context(STYLE):
            figure.savefig(path, dpi=RESOLUTION, metadata=undated)
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}") from error


def draw(picture: Picture) -> "Figure":
    """The figure of a picture."""
    from matplotlib import rc_context

    from lossgen.inspection.curves.shown import ShownFigure

    with rc_context(STYLE):
        figure = ShownFigure(figsize=(12.6, 4.4), layout="constrained")
        layout: Any = figure.get_layout_engine()
        layout.set(w_pad=0.08, h_pad=0.06, wspace=0.03)
        panels = figure.subplots(1, 3)
        for panel, title, which in zip(panels, PANELS, DERIVATIVES, strict=True):
            _draw_panel(panel, picture, which)
            panel.set_title(title)
            panel.set_xlabel(picture.label)
        _title(figure, panels[0], picture)
        _legend(figure, panels[0], picture)
    return figure


def _title(figure: Any, panel: Any, picture: Picture) -> None:
    size = 14 if len(picture.title) < 70 else 11
    figure.suptitle(picture.title + ("\n" if picture.note else ""), fontsize=size, fontweight="bold")
    if picture.note:
        figure.text(
            0.5, 0.918, picture.note, ha="center", va="center", fontsize=10.5, color="#4d4d4d",
        )  # fmt: skip


def _draw_panel(panel: Any, picture: Picture, which: str) -> None:
    low, high = shown_limits([series.curve for series in picture.series], which)
    if low < 0 < high:
        panel.axhline(0, color="#4d4d4d", linewidth=0.8, zorder=1)
    for series in picture.series:
        colour, line = look(picture, series)
        x, numbers = _broken(series, which)
        panel.plot(x, numbers, color=colour, linestyle=line, linewidth=2, label=series.curve.label, zorder=2)
        for place in series.curve.kinks:
            _mark(panel, series, which, place, colour)
    low_x, high_x = picture.interval
    panel.set_xlim(low_x, high_x)
    panel.set_ylim(low, high)
    panel.margins(0)


def _broken(series: Series, which: str) -> tuple[Any, Any]:
    """The line of a curve, with a gap where it jumps."""
    x, numbers = series.curve.x, np.array(getattr(series.curve, which))
    for place in series.curve.kinks:
        if jumps(series, which, place):
            numbers[series.curve.index(place)] = np.nan
    numbers[~(np.abs(numbers) <= LARGEST)] = np.nan
    return x, numbers


def _mark(panel: Any, series: Series, which: str, place: float, colour: str) -> None:
    """A kink: an open circle; where the curve jumps, one at each end and a full one at its own number."""
    index = series.curve.index(place)
    numbers = getattr(series.curve, which)
    ends: dict[str, Any] = {"markersize": 6, "markeredgewidth": 1.4, "linestyle": "none"}
    ends["markeredgecolor"] = colour
    if jumps(series, which, place):
        for end in (index - 1, index + 1):
            panel.plot([place], [numbers[end]], "o", markerfacecolor="white", zorder=3, **ends)
        panel.plot([place], [numbers[index]], "o", markerfacecolor=colour, zorder=4, **ends)
    else:
        panel.plot([place], [numbers[index]], "o", markerfacecolor="white", zorder=3, **ends)


def look(picture: Picture, series: Series) -> tuple[str, Any]:
    """Colour and line style: by loss or member, then by target."""
    if picture.members > 1 and picture.targets > 1:
        return _colour(picture, series.member), LINES[series.target % len(LINES)]
    number = series.member if picture.members > 1 else series.target
    return _colour(picture, number), LINES[number % len(LINES)]


def _colour(picture: Picture, number: int) -> str:
    if not (picture.is_ordered and picture.members > 2):
        return COLOURS[number % len(COLOURS)]
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return to_hex(colormaps[SCALE](LIGHTEST * number / (picture.members - 1)))


def _legend(figure: Any, panel: Any, picture: Picture) -> None:
    """Below the panels, or at the right where there are many entries."""
    from matplotlib.lines import Line2D

    handles = [line for line in panel.lines if line.get_label() and not line.get_label().startswith("_")]
    if any(series.curve.kinks for series in picture.series):
        handles.append(
            Line2D([], [], marker="o", markerfacecolor="white", markeredgecolor="#4d4d4d",
                   markeredgewidth=1.4, markersize=6, linestyle="none", label="kink")
        )  # fmt: skip
    if not handles:
        return
    longest = max(len(handle.get_label()) for handle in handles)
    across = max(1, min(len(handles), 130 // (longest + 8)))
    if len(handles) > 3 * across:
        figure.legend(handles=handles, loc="outside right upper", handlelength=3)
        return
    if picture.members > 1 and picture.targets > 1:  # a column a member
        across = min(across, -(-len(handles) // picture.targets))
    figure.legend(handles=handles, loc="outside lower center", ncols=across, handlelength=3)
