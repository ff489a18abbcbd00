"""What `lg.compile` has kept: which losses, how much of the disk; or remove it."""

import argparse
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lossgen.compiler.cache import ENTRY, LITTER, MANIFEST, cache_folder, remove
from lossgen.errors import CommandError

EPILOG = """\
examples:
  lossgen cache            the folder and what is in it
  lossgen cache --clear    remove all of it: losses are derived and compiled again when they are used next

LOSSGEN_CACHE_DIR says where the folder is.
"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The arguments of `lossgen cache`."""
    command.add_argument("--clear", action="store_true", help="remove everything that lossgen put there")


def run(options: argparse.Namespace) -> int:
    """List, or remove.

    Raises:
        CommandError: there is no folder that could be used.
    """
    folder = cache_folder()
    if folder is None:
        raise CommandError("no folder keeps losses; set LOSSGEN_CACHE_DIR to one that only you can write")
    found = (path.parent for path in folder.glob(f"*/{MANIFEST}"))
    entries = sorted(entry for entry in found if ENTRY.fullmatch(entry.name))
    if options.clear:
        for path in (*entries, *(path for path in folder.glob(".*") if LITTER.fullmatch(path.name))):
            remove(path)
        said = f"{_count(entries)} removed in {folder}"
        Console(stderr=True, highlight=False, soft_wrap=True).print(said)
        return 0
    table = Table("loss", "kept since", "modules", "machine code", box=None)
    for entry in entries:
        since = time.strftime("%Y-%m-%d", time.localtime((entry / MANIFEST).stat().st_mtime))
        table.add_row(entry.name.rpartition("-")[0], since, _size([entry], "*.py"), _size([entry], "*.nbc"))
    console = Console(highlight=False, soft_wrap=True)
    console.print(table)
    console.print(f"{_count(entries)} in {folder}: {_size(entries, '*')}")
    return 0


def _count(entries: list[Path]) -> str:
    return f"{len(entries)} {'entry' if len(entries) == 1 else 'entries'}"


def _size(entries: list[Path], pattern: str) -> str:
    files = (path for entry in entries for path in entry.rglob(pattern))
    size = sum(path.stat().st_size for path in files if path.is_file())
    return f"{size / 1024:,.0f} KB" if size < 1 << 20 else f"{size / (1 << 20):,.1f} MB"
