"""`make mutation`: every mutant, and the test that notices it."""

import argparse
import sys

from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from .killers import killer_of
from .mutants import mutants


def main() -> int:
    """Exit code 1 if a mutant survives."""
    parser = argparse.ArgumentParser(prog="python -m mutation", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="mutants whose description has this text")
    wanted = parser.parse_args().only
    console = Console()
    chosen = [each for each in mutants() if wanted in str(each)]
    found = [(each, killer_of(each)) for each in track(chosen, "mutants", console=console)]
    table = Table("mutant", "noticed by")
    for mutant, test in found:
        table.add_row(escape(str(mutant)), "[red]nothing[/]" if test is None else escape(test))
    console.print(table)
    survivors = [mutant for mutant, test in found if test is None]
    console.print(f"{len(found)} mutants, {len(survivors)} survive")
    return bool(survivors)


if __name__ == "__main__":
    sys.exit(main())
