"""List the losses that ship: where they belong, what they take, how often they read the data."""

import argparse
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from lossgen.cli.finding import catalogue
from lossgen.language.declaration import Declaration

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
    if not chosen:
        console.print("no loss matches")
        return 1
    console.print(_table(chosen))
    console.print(f"{len(chosen)} losses; `lossgen show NAME` shows formula, gradient and Hessian.")
    return 0


def _wanted(declaration: Declaration, options: argparse.Namespace) -> bool:
    return (not options.group or group(declaration) == options.group) and all(
        word.lower() in f"{declaration.name} {declaration.class_name.lower()}" for word in options.words
    )


def _table(declarations: list[Declaration]) -> Table:
    from rich import box
    from rich.progress import track

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("loss", style="bold", no_wrap=True)
    for heading in ("group", "target", "prediction"):
        table.add_column(heading, no_wrap=True)
    table.add_column("arguments")
    table.add_column("passes", justify="right")
    table.add_column("formula", overflow="fold")
    for each in track(declarations, description="deriving", transient=True):
        table.add_row(*_row(each))
    return table


def _row(declaration: Declaration) -> Iterator[str]:
    from lossgen.compiler.counts import passes
    from lossgen.compiler.driver import derive
    from lossgen.inspection.explain import domain_text
    from lossgen.inspection.formulas import term_formulas
    from lossgen.language.printing import text

    options = declaration.variants()[0]
    terms = derive(declaration, options)
    domain = declaration.domain_of(options)
    own = {**declaration.parameters, **declaration.options}
    yield declaration.name
    yield group(declaration)
    yield "integer labels" if declaration.uses_labels(options) else domain_text(domain.get("target", "real"))
    yield domain_text(domain.get("prediction", "real"))
    yield ", ".join(f"{name}={short(own[name].default)}" for name in declaration.own_arguments)
    yield str(max(passes(term.schedules["value_and_gradient"]) for term in terms))
    yield "\n".join(text(term_formulas(term).value) for term in terms)


def group(declaration: Declaration) -> str:
    """The group of the catalogue: the name of the module where the loss was declared."""
    return (declaration.source or "").partition(" ")[0].rpartition("/")[2].removesuffix(".py")


def short(value: object) -> str:
    """A default as a person would type it."""
    return f"{value:g}" if isinstance(value, float) else repr(value)
