"""Write the modules of declared losses: those of the catalogue, or those of a file of one's own."""

import argparse
import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from rich.console import Console

from lossgen.cli.finding import catalogue, find, from_file
from lossgen.compiler.build import build, stale_files
from lossgen.compiler.files import write_tree
from lossgen.compiler.module import modules
from lossgen.compiler.ownership import check_free
from lossgen.errors import CommandError
from lossgen.language.declaration import Declaration
from lossgen.language.penalty import PenaltyDeclaration

EPILOG = """\
examples:
  lossgen build                              every loss of the catalogue, into generated/
  lossgen build huber dice                   two of them
  lossgen build --check                      exit code 1 if generated/ is not what the catalogue says
  lossgen build my_losses.py -o my_package/  every loss that the file declares

A .py file is imported, that is: run, as your own program; a .json file, which lg.to_json wrote, is only read.
"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The arguments of `lossgen build`."""
    command.add_argument("names", nargs="*", metavar="NAME", help="losses of the catalogue, .py, .json files")
    command.add_argument("-o", "--output", metavar="FOLDER", help="where the modules go")
    command.add_argument("--check", action="store_true", help="write nothing; exit code 1 if one is stale")


def run(options: argparse.Namespace) -> int:
    """Build, or check what was built."""
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    declarations, folder = _what_and_where(options)
    packages = {folder: declarations} if options.output else shipped_packages(declarations, folder)
    stale: list[str] = []
    with _progress(console, len(declarations)) as progress:
        for place, chosen in packages.items():
            if options.names and not options.output:
                found = _some(chosen, place, options.check, progress)
            else:
                index = not options.names
                report = build(chosen, place, index=index, check=options.check, progress=progress)
                found = [*report.written, *report.left_over]
            stale += [str((place / name).relative_to(folder)) for name in found]
    if options.check and stale:
        console.print(f"{len(stale)} files in {folder} are not what the declarations say:")
        for path in stale:
            console.print(f"  {path}")
        console.print("`lossgen build` rebuilds them.")
        return 1
    losses = "1 loss" if len(declarations) == 1 else f"{len(declarations)} losses"
    files = "1 file" if len(stale) == 1 else f"{len(stale)} files"
    console.print(f"{'checked' if options.check else 'built'} {losses} in {folder}; {files} changed")
    return 0


def _some(
    declarations: Iterable[Declaration], folder: Path, check: bool, progress: Callable[[Declaration], None]
) -> list[str]:
    """Some losses of a package whose others stay as they are; what changed."""
    stale: dict[str, str] = {}
    for each in declarations:
        progress(each)
        stale |= stale_files(folder, modules(each))
    if not check:
        check_free(folder, stale)
        write_tree(folder, stale)
    return list(stale)


def _what_and_where(options: argparse.Namespace) -> tuple[tuple[Declaration, ...], Path]:
    files = [name for name in options.names if name.endswith((".py", ".json"))]
    if files and not options.output:
        raise CommandError(f"say where the modules go: lossgen build {' '.join(files)} -o my_package/")
    declarations = [each for file in files for each in from_file(file)]
    declarations += [find(name) for name in options.names if name not in files]
    return tuple(declarations) or catalogue(), Path(options.output) if options.output else generated_folder()


def shipped_packages(
    declarations: Iterable[Declaration], folder: Path
) -> dict[Path, tuple[Declaration, ...]]:
    """What of the catalogue belongs into which folder: penalties have one of their own."""
    packages: dict[Path, tuple[Declaration, ...]] = {}
    for each in declarations:
        place = folder / "penalties" if isinstance(each, PenaltyDeclaration) else folder
        packages[place] = (*packages.get(place, ()), each)
    return packages


def generated_folder() -> Path:
    """The folder of the shipped modules.

    Raises:
        CommandError: lossgen is installed from a wheel, where `generated/` is not to be written.
    """
    import lossgen.generated

    folder = Path(lossgen.generated.__file__).parent
    if not (folder.parent / "pyproject.toml").is_file():
        raise CommandError("an installed lossgen does not rebuild itself; write elsewhere with -o FOLDER")
    return folder


@contextlib.contextmanager
def _progress(console: Console, count: int) -> Iterator[Callable[[Declaration], None]]:
    """A bar in a terminal, nothing elsewhere; yields what is called with each loss."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description:36}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=count)

        def advance(declaration: Declaration) -> None:
            bar.update(task, advance=1, description=declaration.name)

        yield advance
