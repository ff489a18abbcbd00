"""Write the loss explorer: one page on which parameters are moved and the curves of losses move with them."""

import argparse
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from rich.console import Console

from lossgen.cli.finding import find, from_file, variables_of
from lossgen.errors import CommandError
from lossgen.language.declaration import Declaration

EPILOG = """\
examples:
  lossgen explore
  lossgen explore huber log_cosh -o huber.html
  lossgen explore my_losses.py -o my_losses.html
  lossgen explore my_losses.py:wing_ratio huber --single-file

The page needs no server and no network: open it in a browser. The plotting library is copied into a folder
beside it, or with --single-file into the page.
"""


Read = Callable[[str], dict[str, Declaration]]

SETTING = re.compile(r"(\w+)=(?!.*\.(py|json)\b).*", re.DOTALL)
"""How other commands are given a parameter; a file may have such a name."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The arguments of `lossgen explore`."""
    command.add_argument(
        "names", nargs="*", metavar="NAME", help="losses, FILE.py or FILE.py:NAME; the catalogue if none"
    )
    command.add_argument(
        "-o", "--output", metavar="PAGE.html", default="loss_explorer.html",
        help="the page to write; loss_explorer.html if not said",
    )  # fmt: skip
    command.add_argument("--single-file", action="store_true", help="the plotting library inside the page")


def run(options: argparse.Namespace) -> int:
    """Write the page."""
    read = cache(variables_of)  # a file that is named twice holds the same declarations both times
    chosen = [pair for name in dict.fromkeys(options.names) for pair in _named(name, read)]
    from lossgen.inspection.explorer.page import explore

    imports = {each.name: lines for each, lines in chosen if lines}
    path = explore(
        *(each for each, _ in chosen), path=options.output, single_file=options.single_file, imports=imports
    )
    Console(highlight=False).print(f"wrote {path}", markup=False, soft_wrap=True)
    return 0


def _named(name: str, read: Read) -> list[tuple[Declaration, tuple[str, ...]]]:
    """What a name means, each with the lines of Python that import it; none for the catalogue."""
    if setting := SETTING.fullmatch(name):
        raise CommandError(f"`{name}`: explore takes names of losses only; move `{setting[1]}` on the page")
    file, _, loss = name.rpartition(":") if not name.endswith((".py", ".json")) else (name, "", "")
    if not file:
        return [(find(loss), ())]
    if file.endswith(".json"):
        return [(each, _reading(file, each)) for each in from_file(file)]
    declarations = read(file)
    chosen = [find(loss, declarations.values())] if loss else declarations.values()
    variables = {id(each): variable for variable, each in declarations.items()}
    return [(each, _importing(file, variables[id(each)], each)) for each in chosen]


def _reading(file: str, declaration: Declaration) -> tuple[str, ...]:
    read = f"{declaration.class_name} = lg.compile(lg.from_json(Path({file!r}).read_text()))"
    return ("from pathlib import Path", "", "import lossgen as lg", "", read)


def _importing(file: str, variable: str, declaration: Declaration) -> tuple[str, ...]:
    compiled = f"{declaration.class_name} = lg.compile({variable})"
    return ("import lossgen as lg", f"from {Path(file).stem} import {variable}", "", compiled)
