"""List what ships: losses and penalties, what they take, how often they read the data."""

import argparse

from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text
from sympy import Expr, Integer

from lossgen.cli.finding import catalogue
from lossgen.compiler.counts import passes
from lossgen.compiler.driver import derive
from lossgen.compiler.spelling import shortest, shown
from lossgen.inspection.explanation.collect import domain_text
from lossgen.language.declaration import Declaration
from lossgen.language.notation import replace
from lossgen.language.penalty import PenaltyDeclaration
from lossgen.runtime.parameters import Option, Parameter

WIDTH_OF_A_FILE = 150

EPILOG = """\
examples:
  lossgen list
  lossgen list --group robust
  lossgen list focal            names that contain "focal"
"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The arguments of `lossgen list`."""
    command.add_argument("words", nargs="*", metavar="WORD", help="show only losses with this in their name")
    command.add_argument("--group", help="show only one group, for example regression")
    command.add_argument("--names", action="store_true", help="names only, one a line")


def run(options: argparse.Namespace) -> int:
    """Print the table."""
    chosen = [each for each in catalogue() if _wanted(each, options)]
    if options.names:
        print("\n".join(each.name for each in chosen))
        return 0
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH_OF_A_FILE)
    if not chosen:
        console.print("no loss matches")
        return 1
    console.print(_table(chosen, console))
    console.print("Σ over the columns of a row, C their number, e = p − y; `lossgen show NAME` tells more.")
    return 0


def _wanted(declaration: Declaration, options: argparse.Namespace) -> bool:
    return (not options.group or group(declaration) == options.group) and all(
        word.lower() in f"{declaration.name} {declaration.class_name.lower()}" for word in options.words
    )


def _table(declarations: list[Declaration], console: Console) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("loss", ratio=3)
    table.add_column("target → prediction", ratio=2)
    table.add_column("passes", justify="right")
    table.add_column("formula", ratio=6, overflow="fold")
    derived = [_row(each) for each in track(declarations, "deriving", console=console, transient=True)]
    for name in dict.fromkeys(map(group, declarations)):
        table.add_row(Text(name, style="dim italic"))
        rows = [row for each, row in zip(declarations, derived, strict=True) if group(each) == name]
        for row in rows:
            table.add_row(*row, end_section=row is rows[-1])
    return table


def _row(declaration: Declaration) -> tuple[Text, Text, Text, Text]:
    """Name and arguments, domains, passes of loss and gradient, formula."""
    options = declaration.variants()[0]
    terms = derive(declaration, options)
    domain = declaration.domain_of(options)
    own: dict[str, Parameter | Option] = {**declaration.parameters, **declaration.options}
    name = Text(declaration.name, style="bold")
    if own:
        arguments = ", ".join(f"{each}={short(own[each].default)}" for each in declaration.own_arguments)
        name.append(f"\n  {arguments}", style="not bold dim")
    prediction = domain_text(domain.get("prediction", "real"))
    target = "labels" if declaration.uses_labels(options) else domain_text(domain.get("target", "real"))
    return (
        name,
        Text(prediction if isinstance(declaration, PenaltyDeclaration) else f"{target} → {prediction}"),
        Text(str(max(passes(term.schedules["value_and_gradient"]) for term in terms))),
        Text("\n".join(_formula(term.expression, declaration) for term in terms)),
    )


def _formula(expression: Expr, declaration: Declaration) -> str:
    """The formula at a glance: without the parts that a default of 0 switches off, `e` for `p − y`."""
    symbols = declaration.symbols()
    zeros = {symbols[name]: Integer(0) for name, each in declaration.parameters.items() if each.default == 0}
    left = replace(expression, zeros)
    return shown(shortest(declaration.as_read(expression if left == 0 else left)))


def group(declaration: Declaration) -> str:
    """The group of the catalogue: the name of the module where the loss was declared."""
    return (declaration.source or "").partition(" ")[0].rpartition("/")[2].removesuffix(".py")


def short(value: object) -> str:
    """A default as a person would type it."""
    return f"{value:g}" if isinstance(value, float) else repr(value)
