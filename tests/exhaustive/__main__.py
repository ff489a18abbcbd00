"""`make exhaustive`: try everything and write the table. It goes on where it was interrupted."""

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console

from exhaustive import double_checks, table
from exhaustive.references import REFERENCES
from exhaustive.work import PIECES, run

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Exit code 1 if a bound is exceeded."""
    arguments = parser().parse_args()
    names = {"float32": list(REFERENCES), "float64": list(double_checks.CHECKS)}
    if arguments.only:
        names = {kind: [name for name in known if name in arguments.only] for kind, known in names.items()}
    work = [(kind, name) for kind in arguments.kinds for name in names[kind]]
    if not arguments.table_only:
        run(work, arguments.state, arguments.processes)
    text = table.written(arguments.state)
    arguments.table.write_text(text, encoding="utf-8")
    console = Console()
    console.print(text, markup=False, highlight=False)
    exceeded = table.exceeded(arguments.state)
    console.print("\n".join(exceeded), style="red", markup=False, highlight=False)
    return bool(exceeded)


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m exhaustive", description=__doc__)
    parser.add_argument("only", nargs="*", metavar="NAME", help="functions to try (all)")
    parser.add_argument("--kinds", nargs="+", choices=PIECES, default=list(PIECES))
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--state", type=Path, default=ROOT / ".exhaustive", help="folder for what is done")
    parser.add_argument("--table", type=Path, default=ROOT / "docs" / "vector-math.md")
    parser.add_argument("--table-only", action="store_true", help="write the table from what is done")
    return parser


if __name__ == "__main__":
    sys.exit(main())
