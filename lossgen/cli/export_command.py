"""Write losses as modules that need only NumPy and Numba: to be copied into a project that has no lossgen."""

import argparse
from pathlib import Path

from rich.console import Console

from lossgen.cli.finding import named

EPILOG = """\
examples:
  lossgen export huber -o my_project/losses/
  lossgen export dice l1 -o vendored/
  lossgen export my_losses.py:wing_ratio -o vendored/

Each loss becomes one module with its class and its function; results are those of lossgen, bit for bit, on
one thread. docs/portable.md says what such a module has and what it has not.
"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The arguments of `lossgen export`."""
    command.add_argument("names", nargs="+", metavar="NAME", help="losses or penalties, or FILE.py:NAME")
    command.add_argument("-o", "--output", metavar="FOLDER", required=True, help="folder to write to")


def run(options: argparse.Namespace) -> int:
    """Write one module a loss."""
    from lossgen.export.files import export

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    for path in export(dict.fromkeys(map(named, options.names)), Path(options.output)):
        console.print(f"wrote {path}")
    return 0
