"""`make mutation`: every mutant, the test that notices it, and how: a wrong result, or a crash on the way."""

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
    found = [(each, killer_of(each, all_tests=True)) for each in track(chosen, "mutants", console=console)]
    table = Table("mutant", "noticed by", "how")
    for mutant, notice in found:
        seen = ("[red]nothing[/]", "") if notice is None else (escape(notice.test), notice.how)
        table.add_row(escape(str(mutant)), *seen)
    console.print(table)
    survivors = sum(notice is None for _, notice in found)
    crashes = sum(notice is not None and not notice.is_result for _, notice in found)
    console.print(f"{len(found)} mutants, {survivors} survive, {crashes} are noticed by a crash alone")
    return bool(survivors)


if __name__ == "__main__":
    sys.exit(main())
