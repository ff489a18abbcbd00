"""Plot a loss with its gradient and Hessian: in the terminal, or as a PNG, SVG or PDF file."""

import argparse
import sys
from typing import Any

from rich.console import Console

from lossgen.cli.finding import named, option_values, value_of
from lossgen.errors import CommandError
from lossgen.inspection.curves.views import VARIABLES

EPILOG = """\
examples:
  lossgen plot huber                                in the terminal
  lossgen plot huber delta=0.5,1,2 -o huber.svg     a curve for each value
  lossgen plot binary_crossentropy from_logits=true --against hinge --view margin
  lossgen plot quantile quantile=0.9 --interval -2,2
  lossgen plot poisson --target 0,1,5 -o poisson.pdf
  lossgen plot categorical_crossentropy --simplex -o simplex.png
  lossgen plot my_losses.py:wing_ratio

Parameters and options of the loss are written name=value; the others have their defaults.
"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The arguments of `lossgen plot`."""
    command.add_argument("name", metavar="NAME", help="name, class or identifier of a loss, or FILE.py:NAME")
    command.add_argument(
        "options", nargs="*", metavar="PARAM=VALUE", help="parameters and options; several values as 1,2,3"
    )
    command.add_argument(
        "--against", action="append", default=[], metavar="OTHER", help="a loss to compare with; may repeat"
    )
    command.add_argument("--view", choices=VARIABLES, help="what it is drawn over, instead of the usual")
    command.add_argument("--interval", metavar="LOW,HIGH", help="range of the axis")
    command.add_argument("--target", metavar="T[,T…]", help="targets, or labels, to draw curves for")
    command.add_argument(
        "--simplex", action="store_true", help="level sets over the distributions of three classes"
    )
    command.add_argument("--arrows", action="store_true", help="with --simplex: directions of descent")
    command.add_argument("-o", "--output", metavar="FILE", help="file to write: .png, .svg or .pdf")


def run(options: argparse.Namespace) -> int:
    """Write the file, or print curves of braille dots."""
    if options.arrows and not options.simplex:
        raise CommandError("`--arrows` says something only with --simplex: add that, or leave it out.")
    if options.simplex and not options.output:
        raise CommandError("level sets are not drawn in a terminal: add -o FILE.png, .svg or .pdf.")
    losses = [named(name) for name in (options.name, *options.against)]
    given = option_values(options.options)
    arguments: dict[str, Any] = {name: _several(value) for name, value in given.items()}
    wanted: dict[str, Any] = {
        "view": options.view,
        "targets": None if options.target is None else numbers("--target", options.target),
        "interval": None if options.interval is None else interval(options.interval),
    }
    if options.output:
        from lossgen.inspection.curves.plot import plot

        simplex = "arrows" if options.arrows else options.simplex
        plot(*losses, path=options.output, simplex=simplex, **wanted, **arguments)
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"wrote {options.output}", markup=False)
        return 0
    from lossgen.inspection.curves.braille import terminal_picture
    from lossgen.inspection.curves.picture import picture_of
    from lossgen.inspection.curves.subjects import subjects_of

    picture = picture_of(subjects_of(losses, arguments), **wanted)
    page = Console(highlight=False)
    page.print(terminal_picture(picture, page.width), soft_wrap=True, end="")
    sys.stdout.flush()
    return 0


def numbers(option: str, written: str) -> list[float]:
    """`0,1.5` as numbers.

    Raises:
        CommandError: a part is none.
    """
    try:
        return [float(part) for part in written.replace("−", "-").split(",")]
    except ValueError:
        raise CommandError(f"`{option} {written}`: write numbers with commas, such as {option} 0,1") from None


def interval(written: str) -> tuple[float, float]:
    """`-2,2` as its ends.

    Raises:
        CommandError: it is no two numbers.
    """
    ends = numbers("--interval", written)
    if len(ends) != 2:
        raise CommandError(f"`--interval {written}`: write two numbers, such as --interval -2,2")
    return ends[0], ends[1]


def _several(value: object) -> object:
    """`0.5,1` as a list of values, anything else as it is."""
    if not isinstance(value, str) or "," not in value:
        return value
    return [value_of(part) for part in value.split(",") if part]
