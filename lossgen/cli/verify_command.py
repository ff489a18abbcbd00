"""Verify losses: every output against the declared formula in many digits, on adversarial inputs."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

from lossgen.cli.finding import catalogue, find, from_file
from lossgen.errors import CommandError, FileError
from lossgen.inspection.verification.report import QUICK_POINTS, Effort, Report
from lossgen.inspection.verification.subjects import Subject
from lossgen.language.declaration import Declaration

STANDARD_OUTPUT = "-"
WIDTH_OF_A_FILE = 130

EPILOG = """\
examples:
  lossgen verify huber                          value, gradient, Hessian …, float32 and float64
  lossgen verify my_losses.py                   every loss that the file declares
  lossgen verify my_losses.py:wing_ratio --quick
  lossgen verify                                the whole catalogue: takes minutes
  lossgen verify dice --json - | jq .kept
  lossgen verify --quick --markdown docs/verification.md

Exit code 0 when the accuracy contract is kept (docs/accuracy.md), 1 when it is broken, 2 for bad input.
A .py file is imported, that is: run, as your own program.
"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The arguments of `lossgen verify`."""
    command.add_argument("names", nargs="*", metavar="NAME", help="losses, FILE.py or FILE.py:NAME")
    command.add_argument("--quick", action="store_true", help="fewer inputs: a few seconds a loss")
    command.add_argument(
        "--points",
        type=int,
        metavar="N",
        help=f"random inputs of each sort; {Effort.points} if not said, {QUICK_POINTS} with --quick",
    )
    command.add_argument("--dtype", action="append", choices=Effort.dtypes, help="by default both")
    command.add_argument("--seed", type=int, default=Effort.seed, metavar="N", help="of the random inputs")
    command.add_argument("--no-peers", action="store_true", help="leave Keras and torch out")
    command.add_argument("--json", metavar="FILE", help="write the report as JSON; - for standard output")
    command.add_argument("--markdown", metavar="FILE", help="write it as a page; - for standard output")


def run(options: argparse.Namespace) -> int:
    """Verify, showing each variant as it is done."""
    from lossgen.inspection.verification import verify
    from lossgen.inspection.verification.text import summary, variant_text

    dtypes = options.dtype or Effort.dtypes
    effort = verify.checked(options.points, options.quick, options.seed, dtypes, not options.no_peers)
    check_files(options)
    work = [step for each in chosen(options.names) for step in verify.steps(each, effort)]
    page = Console(highlight=False)
    if not page.is_terminal:
        page = Console(width=WIDTH_OF_A_FILE, highlight=False)
    silent = STANDARD_OUTPUT in (options.json, options.markdown)
    variants = []
    with progress(sum(len(settings) for _, settings in work)) as tick:
        for step in work:
            variants.append(verify.verified(step, effort, tick))
            if not silent:
                page.print(variant_text(variants[-1]), soft_wrap=True)
    report = Report(tuple(variants), effort)
    if options.json:
        write(options.json, report.to_json())
    if options.markdown:
        write(options.markdown, report.markdown())
    if not silent:
        page.print(summary(report), soft_wrap=True)
    return 0 if report.kept else 1


def chosen(names: list[str]) -> list[Declaration]:
    """The declarations that the words mean, each once; all of the catalogue for none."""
    found: list[Declaration] = []
    for name in names:
        file, colon, plain = name.rpartition(":")
        if name.endswith((".py", ".json")):
            found += from_file(name)
        elif colon:
            found.append(find(plain, from_file(file)))
        else:
            found.append(find(name))
    return list(dict.fromkeys(found)) or list(catalogue())


def check_files(options: argparse.Namespace) -> None:
    """Refuse two reports on standard output, and a file that cannot be written, before minutes of work.

    Raises:
        CommandError: two results would go to one place.
        FileError: a file cannot be written there.
    """
    places = [place for place in (options.json, options.markdown) if place]
    if places.count(STANDARD_OUTPUT) > 1:
        raise CommandError("only one of --json and --markdown can go to standard output")
    for place in places:
        if place == STANDARD_OUTPUT:
            continue
        if Path(place).is_dir():
            raise FileError(f"{place} is a folder; name a file")
        if not Path(place).parent.is_dir():
            raise FileError(f"{place} cannot be written: there is no folder {Path(place).parent}")


def write(place: str, text: str) -> None:
    """To a file, or to standard output.

    Raises:
        FileError: the file cannot be written.
    """
    if place == STANDARD_OUTPUT:
        sys.stdout.write(text)
        return
    try:
        Path(place).write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileError(f"{place} cannot be written: {error.strerror}") from error


@contextlib.contextmanager
def progress(count: int) -> Iterator[Callable[[Subject], None]]:
    """A bar in a terminal, nothing elsewhere; yields what is called after each setting."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, highlight=False)
    columns = TextColumn("{task.description:48}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=count)

        def tick(subject: Subject) -> None:
            bar.update(task, advance=1, description=str(subject)[:48])

        yield tick
