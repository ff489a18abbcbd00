"""Curves in the terminal: dots where they should be, numbers at the axes, legend, widths."""

import io

import numpy as np
import pytest
from rich.console import Console

from lossgen.catalog import DECLARATIONS
from lossgen.inspection.curves.braille import BLANK, Canvas, heights_of, labels_of, terminal_picture
from lossgen.inspection.curves.picture import Picture, Series, picture_of
from lossgen.inspection.curves.sampling import Curve
from lossgen.inspection.curves.subjects import subjects_of

NAMED = {each.name: each for each in DECLARATIONS}


def drawn(canvas: Canvas) -> list[str]:
    return ["".join(one for one, _ in line) for line in canvas.rows()]


def dots(lines: list[str]) -> set[tuple[int, int]]:
    """The dots of braille lines as (across, up), the lower left is (0, 0)."""
    bits = {0x01: (0, 3), 0x02: (0, 2), 0x04: (0, 1), 0x40: (0, 0),
            0x08: (1, 3), 0x10: (1, 2), 0x20: (1, 1), 0x80: (1, 0)}  # fmt: skip
    return {
        (2 * column + across, 4 * (len(lines) - 1 - row) + up)
        for row, line in enumerate(lines)
        for column, one in enumerate(line)
        for bit, (across, up) in bits.items()
        if (ord(one) - BLANK) & bit
    }


def series(function, low=-1.0, high=1.0, kinks=()) -> Series:
    x = np.unique(np.concatenate([np.linspace(low, high, 801), *([k - 1e-9, k, k + 1e-9] for k in kinks)]))
    return Series(Curve("", x, function(x), function(x), function(x), tuple(kinks)), 0, 0)


def curve_dots(shown: Series, limits, width=10, height=5) -> set[tuple[int, int]]:
    canvas = Canvas(width, height)
    canvas.line(heights_of(shown, "value", (-1.0, 1.0), limits, canvas), 0)
    return dots(drawn(canvas))


def test_a_dot_is_a_bit_of_its_cell():
    canvas = Canvas(2, 1)
    canvas.dot(0, 0, 0)
    canvas.dot(3, 3, 1)
    canvas.dot(4, 0, 0)
    canvas.dot(0, -1, 0)
    assert drawn(canvas) == ["⡀⠈"]
    assert [[owner for _, owner in line] for line in canvas.rows()] == [[0, 1]]


def test_a_diagonal_goes_from_corner_to_corner():
    assert curve_dots(series(lambda x: x), (-1.0, 1.0)) == {(number, number) for number in range(20)}


def test_a_parabola_has_its_dots_where_it_is():
    found = curve_dots(series(np.square), (0.0, 1.0))
    for across in range(20):
        x = -1 + (across + 0.5) / 10
        assert (across, int(x * x * 20)) in found
    assert all(any((across, up) in found for up in range(20)) for across in range(20))
    columns = [{up for at, up in found if at == across} for across in range(20)]
    assert all(max(each) - min(each) + 1 == len(each) for each in columns), "no gaps along a column"


def test_a_jump_is_not_joined_and_what_is_outside_is_not_drawn():
    found = curve_dots(series(lambda x: np.where(x > 0, 0.75, 0.25), kinks=(0.0,)), (0.0, 1.0))
    assert {up for _, up in found} == {5, 15}
    joined = curve_dots(series(lambda x: np.where(x > 0, 0.75, 0.25)), (0.0, 1.0))
    assert {up for _, up in joined} == set(range(5, 16))
    assert curve_dots(series(lambda x: x + 5), (-1.0, 1.0)) == set()
    assert {across for across, _ in curve_dots(series(lambda x: 2 * x), (-1.0, 1.0))} == set(range(5, 15))
    broken = curve_dots(series(lambda x: np.where(x < 0, np.nan, x)), (0.0, 1.0))
    assert min(across for across, _ in broken) == 10


def page(width, declaration, interval=None, colour=False, **arguments) -> list[str]:
    picture = picture_of(subjects_of([declaration], arguments), interval=interval)
    file, system = io.StringIO(), "truecolor" if colour else None
    console = Console(file=file, width=width, force_terminal=colour, color_system=system)
    console.print(terminal_picture(picture, width), soft_wrap=True, end="")
    return file.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_page_has_three_panels_axes_and_a_legend(width):
    lines = page(width, NAMED["huber"], delta=[0.5, 1.0, 2.0])
    assert lines[0] == "Huber" and max(map(len, lines)) <= width
    if width > 40:
        assert lines[2] == "⠤⠤⠤⠤⠤⠤ δ = 0.5   ⠤⠤⠀⠠⠤⠄ δ = 1   ⠄⠠⠀⠄⠠⠀ δ = 2"
    assert "kinks at −2, −1, −0.5, 0.5, 1, 2" in lines
    titles = ["loss", "gradient", "Hessian"]
    assert [line for line in lines if line in titles] == titles
    assert lines[-1].strip() == "residual p − y"
    assert {"−4", "0", "4"} <= set(lines[-2].split())
    assert "┴" in lines[-3] and lines[-3].strip().startswith("└")
    top = next(line for line in lines if line.startswith("  6 ┤"))
    assert top[5:].strip("⠀")[0] != " " and len(top) == width


def test_numbers_of_the_axis_stand_at_their_heights():
    lines = page(80, NAMED["mean_squared_error"], interval=(-2, 2))
    first = lines.index("loss") + 1
    panel = lines[first : first + 12]
    margin = panel[0].index("│" if "│" in panel[0] else "┤") + 1
    found = dots([line[margin:] for line in panel])
    limits = (-0.24, 4.24)
    for row, line in enumerate(panel):
        if "┤" in line:
            number = float(line[: margin - 1].replace("−", "-"))
            at = (number - limits[0]) / (limits[1] - limits[0]) * 12
            assert row == 11 - int(at)
    lowest = min(up for _, up in found)
    assert lowest == int((0 - limits[0]) / (limits[1] - limits[0]) * 48)


def test_colours_only_in_a_terminal():
    assert not any("\x1b" in line for line in page(80, NAMED["huber"]))
    coloured = "\n".join(page(80, NAMED["huber"], delta=[1.0, 2.0], colour=True))
    assert "\x1b[36m" in coloured and "\x1b[33m" in coloured


@pytest.mark.parametrize(
    ("places", "labels"),
    [
        ([0.0, 0.5, 1.0], ["0.0", "0.5", "1.0"]),
        ([-20.0, 0.0, 20.0], ["−20", "0", "20"]),
        ([0.0, 0.025, 0.05], ["0.000", "0.025", "0.050"]),
        ([0.0, 2e-5], ["0", "2e−05"]),
        ([0.0, 3e6], ["0", "3e+06"]),
        ([0.0], ["0"]),
    ],
)
def test_numbers_have_as_many_decimals_as_they_need(places, labels):
    assert labels_of(places) == labels


def test_a_long_title_is_cut():
    made = series(np.square)
    picture = Picture("x" * 200, "", "p", (-1.0, 1.0), (made,), 1, 1, False)
    assert terminal_picture(picture, 60).plain.splitlines()[0] == "x" * 59 + "…"
