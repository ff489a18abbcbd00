"""Compile losses ahead of their first use: later processes load their kernels from Numba's cache on disk."""

import argparse
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from lossgen.cli.finding import catalogue, named
from lossgen.inspection.classes import loss_class
from lossgen.runtime.variant import OUTPUTS
from lossgen.runtime.warming import DTYPES, tasks

EPILOG = """\
examples:
  lossgen warm                                      every loss of the catalogue: takes many minutes
  lossgen warm huber sparse_categorical_crossentropy
  lossgen warm mse --dtype float32 --output value_and_gradient
  lossgen warm my_losses.py:wing_ratio

Numba keeps what it compiles in __pycache__ beside the modules, or in NUMBA_CACHE_DIR.
"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The arguments of `lossgen warm`."""
    command.add_argument("names", nargs="*", metavar="NAME", help="losses, or FILE.py:NAME; by default all")
    command.add_argument(
        "--dtype", action="append", choices=DTYPES, help="of predictions and targets; by default both"
    )
    command.add_argument("--output", action="append", choices=OUTPUTS, help="by default all four")


def run(options: argparse.Namespace) -> int:
    """Compile, with a bar in a terminal."""
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    declarations = [named(name) for name in options.names] or list(catalogue())
    begin = time.monotonic()
    if not options.names:
        console.print(f"compiling all {len(declarations)} losses takes many minutes; what is done stays")
    columns = TextColumn("{task.description:36}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        work = [
            (each.name, task)
            for each in declarations
            for task in tasks(loss_class(each), options.dtype or DTYPES, options.output or OUTPUTS)
        ]
        shown = bar.add_task("", total=len(work))
        for name, task in work:
            bar.update(shown, description=name)
            task()
            bar.advance(shown)
    losses = "1 loss" if len(declarations) == 1 else f"{len(declarations)} losses"
    console.print(f"{losses} ready after {time.monotonic() - begin:.1f} s")
    return 0
