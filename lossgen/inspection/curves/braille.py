"""A picture in the terminal: curves of braille dots with axes, numbers and a legend. Needs no matplotlib."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from rich.text import Text

from lossgen.inspection.curves.picture import DERIVATIVES, PANELS, Picture, Series, jumps, shown_limits
from lossgen.inspection.curves.sampling import Numbers

BLANK = 0x2800
BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The dot of each row and column of a cell, two dots wide and four high, as Unicode numbers them."""

COLOURS = ("cyan", "yellow", "magenta", "green", "red", "blue", "bright_cyan", "bright_yellow")
"""Those of the terminal's own theme, which are readable on its background."""

DASHES = ((1, 0), (4, 3), (1, 2), (6, 2), (2, 2), (8, 4))
"""Dots drawn and left out along each curve in turn, which tell curves apart without colours."""

HEIGHTS = (12, 7, 7)
"""Lines of the panels of loss, gradient and Hessian."""

SMALLEST, LARGEST = 40, 160
"""Columns of a terminal that are used at least and at most."""

SAMPLE = 6
"""Cells of a curve in the legend."""


class Canvas:
    """Braille cells of some width and height; dots are counted from the lower left."""

    def __init__(self, width: int, height: int):
        self.width, self.height = width, height
        self._dots = np.zeros((height, width), dtype=np.int32)
        self._owner = np.full((height, width), -1)

    def dot(self, across: int, up: int, owner: int) -> None:
        """Set the dot; outside the canvas nothing happens."""
        if 0 <= across < 2 * self.width and 0 <= up < 4 * self.height:
            row, column = self.height - 1 - up // 4, across // 2
            self._dots[row, column] |= BITS[3 - up % 4][across % 2]
            self._owner[row, column] = owner

    def line(self, heights: Sequence[int | None], owner: int, dashes: tuple[int, int] = (1, 0)) -> None:
        """A curve by its height at each column of dots, None where it has none; steep parts are joined."""
        length = 0
        for across, height in enumerate(heights):
            if height is None:
                continue
            before = heights[across - 1] if across else None
            start = height if before is None or before == height else before + (1 if height > before else -1)
            step = 1 if height >= start else -1
            for up in range(start, height + step, step):
                if length % sum(dashes) < dashes[0]:
                    self.dot(across, up, owner)
                length += 1

    def rows(self) -> list[list[tuple[str, int]]]:
        """From the top, the characters of each line, each with the curve that was drawn there last, or −1."""
        return [
            [(chr(BLANK + int(bits)), int(owner)) for bits, owner in zip(*line, strict=True)]
            for line in zip(self._dots, self._owner, strict=True)
        ]


def terminal_picture(picture: Picture, width: int) -> Text:
    """A picture as lines of text, coloured where the terminal shows colours.

    Args:
        picture: what is drawn.
        width: columns of the terminal.
    """
    width = max(SMALLEST, min(width, LARGEST))
    page = Text(no_wrap=True)
    page.append(_cut(picture.title, width) + "\n", "bold")
    if picture.note:
        page.append(_cut(picture.note, width) + "\n", "dim")
    page.append(_legend(picture, width))
    page.append(_kinks(picture, width), "dim")
    limits = [shown_limits([each.curve for each in picture.series], which) for which in DERIVATIVES]
    marks = [_marks(*ends, max(3, lines // 2)) for ends, lines in zip(limits, HEIGHTS, strict=True)]
    margin = max(len(label) for each in marks for label in labels_of(each))
    for index, which in enumerate(DERIVATIVES):
        page.append(f"\n{PANELS[index]}\n", "bold")
        page.append(_panel(picture, which, limits[index], marks[index], margin, width, HEIGHTS[index]))
    page.append(_axis(picture, margin, width))
    return page


def _cut(words: str, width: int) -> str:
    return words if len(words) <= width else words[: width - 1] + "…"


def _style(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _legend(picture: Picture, width: int) -> Text:
    """A piece of each curve beside what it is, as many a line as fit; nothing for a single curve."""
    lines = Text()
    used = 0
    for number, series in enumerate(picture.series):
        label = series.curve.label
        if not label:
            continue
        sample = Canvas(SAMPLE, 1)
        sample.line([1] * (2 * SAMPLE), 0, DASHES[number % len(DASHES)])
        drawn = "".join(one for one, _ in sample.rows()[0])
        entry = Text.assemble((drawn, _style(number)), " ", _cut(label, width - SAMPLE - 1))
        if used and used + 3 + len(entry) > width:
            lines.append("\n")
            used = 0
        elif used:
            lines.append("   ")
            used += 3
        lines.append(entry)
        used += len(entry)
    if used:
        lines.append("\n")
    return lines


def _kinks(picture: Picture, width: int) -> str:
    """Where the curves have kinks, in a line."""
    kinks = sorted({kink for series in picture.series for kink in series.curve.kinks})
    if not kinks:
        return ""
    words = ", ".join(f"{kink:.4g}".replace("-", "−") for kink in kinks)
    return _cut(f"{'kink' if len(kinks) == 1 else 'kinks'} at {words}", width) + "\n"


def _panel(
    picture: Picture,
    which: str,
    limits: tuple[float, float],
    marks: Sequence[float],
    margin: int,
    width: int,
    height: int,
) -> Text:
    """The curves of one panel between the axis at the left and the end of the line."""
    canvas = Canvas(width - margin - 2, height)
    for number, series in enumerate(picture.series):
        heights = heights_of(series, which, picture.interval, limits, canvas)
        canvas.line(heights, number, DASHES[number % len(DASHES)])
    low, high = limits
    labels: dict[int, str] = {}
    for place, label in zip(marks, labels_of(marks), strict=True):
        row = height - 1 - min(height - 1, int((place - low) / (high - low) * height))
        labels.setdefault(row, label)
    text = Text()
    for row, cells in enumerate(canvas.rows()):
        text.append(f"{labels.get(row, ''):>{margin}} {'┤' if row in labels else '│'}", "dim")
        for one, owner in cells:
            text.append(one, _style(owner) if owner >= 0 else "")
        text.append("\n")
    return text


def heights_of(
    series: Series, which: str, interval: tuple[float, float], limits: tuple[float, float], canvas: Canvas
) -> list[int | None]:
    """The height of a curve, in dots, at the middle of each column of dots; None where it is not shown.

    Between two columns with a jump of the curve the second has none, so that no line joins them.
    """
    (first, last), (low, high) = interval, limits
    count, dots = 2 * canvas.width, 4 * canvas.height
    places = first + (np.arange(count) + 0.5) / count * (last - first)
    curve = series.curve
    numbers: Numbers = getattr(curve, which)
    at = np.interp(places, curve.x, numbers, left=math.nan, right=math.nan)
    heights: list[int | None] = []
    for number in at:
        up = (number - low) / (high - low) * dots if math.isfinite(number) else math.nan
        heights.append(math.floor(min(up, dots - 1e-9)) if 0 <= up <= dots else None)
    broken = [kink for kink in curve.kinks if jumps(series, which, kink)]
    for index, (left, right) in enumerate(pairwise(places)):
        if any(left < kink <= right for kink in broken):
            heights[index + 1] = None
    return heights


def _axis(picture: Picture, margin: int, width: int) -> Text:
    """The axis below: a line with marks, their numbers, and what it is."""
    low, high = picture.interval
    cells = width - margin - 2
    places = _marks(low, high, max(5, cells // 12))
    line, below = ["─"] * cells, [" "] * (cells + margin + 2)
    for place, label in zip(places, labels_of(places), strict=True):
        at = min(cells - 1, int((place - low) / (high - low) * cells))
        start = min(max(0, margin + 2 + at - len(label) // 2), len(below) - len(label))
        if any(one != " " for one in below[max(0, start - 1) : start + len(label) + 1]):
            continue
        line[at] = "┴"
        below[start : start + len(label)] = label
    words = picture.label.center(cells)
    text = Text(f"{'':{margin}} └{''.join(line)}\n{''.join(below).rstrip()}\n", "dim")
    text.append(" " * (margin + 2) + words.rstrip() + "\n")
    return text


def _marks(low: float, high: float, most: int) -> list[float]:
    """Round numbers between two, at most so many: multiples of 1, 2 or 5 times a power of ten."""
    span = high - low
    power = 10.0 ** math.floor(math.log10(span / most))
    for step in (power, 2 * power, 5 * power, 10 * power):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first + 1 <= most:
            return [number * step for number in range(first, last + 1)]
    return [0.0] if low <= 0 <= high else [low]


def labels_of(places: Sequence[float]) -> list[str]:
    """Numbers with as many decimals as tell them apart."""
    largest = max((abs(place) for place in places), default=0.0)
    if largest and not 1e-3 <= largest < 1e5:
        return [f"{place:.3g}".replace("-", "−") for place in places]
    exact = (number for number in range(8) if all(abs(round(at, number) - at) < 1e-9 for at in places))
    decimals = next(exact, 3)
    return [f"{round(place, decimals) + 0.0:.{decimals}f}".replace("-", "−") for place in places]
