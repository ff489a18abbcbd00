"""Write the loss explorer: one page on which parameters are moved and the curves of losses move with them."""

import argparse
from pathlib import Path

from rich.console import Console

from lossgen.cli.finding import from_file, named
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
    output = Path(options.output)
    if output.suffix not in (".html", ".htm"):
        raise CommandError(f"the page is HTML: write a name that ends in .html, not {options.output}")
    chosen = [pair for name in options.names for pair in _named(name)]
    from lossgen.inspection.explorer.page import explore

    imports = {each.name: lines for each, lines in chosen if lines}
    path = explore(
        *(each for each, _ in chosen), path=output, single_file=options.single_file, imports=imports
    )
    Console(highlight=False).print(f"wrote {path}", markup=False, soft_wrap=True)
    return 0


def _named(name: str) -> list[tuple[Declaration, tuple[str, ...]]]:
    """What a name means, each with the lines of Python that import it; none for the catalogue."""
    if name.endswith(".py"):
        return [(each, _imports(name, each)) for each in from_file(name)]
    declaration, file = named(name), name.rpartition(":")[0]
    if name.endswith(".json") or file.endswith(".json"):
        read = f"{declaration.class_name} = lg.compile(lg.from_json(Path({name!r}).read_text()))"
        return [(declaration, ("from pathlib import Path", "", "import lossgen as lg", "", read))]
    return [(declaration, _imports(file, declaration) if file else ())]


def _imports(file: str, declaration: Declaration) -> tuple[str, ...]:
    return (
        "import lossgen as lg",
        f"from {Path(file).stem} import {declaration.name}",
        "",
        f"{declaration.class_name} = lg.compile({declaration.name})",
    )
