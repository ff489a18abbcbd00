"""`make faults`: does everything, counts, prints a table; exit code 1 if anything went wrong."""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

# The simulator of GPUs, which tests ask for, plays no part here; one thread, because processes are forked.
os.environ.pop("NUMBA_ENABLE_CUDASIM", None)
os.environ["LOSSGEN_NUM_THREADS"] = "1"

from rich.console import Console
from rich.progress import track
from rich.table import Table

from faults.children import warm_up
from faults.counting import FAILURES, Count
from faults.crowd import eight_at_once, killed_building, killed_compiling
from faults.damage import clocks, damaged_files, numba_index
from faults.space import full_disk, full_disk_building
from faults.users import other_users, read_only_home
from faults.versions import shared_by_versions

FAULTS = {
    eight_at_once: 10,
    killed_compiling: 50,
    killed_building: 50,
    damaged_files: 1000,
    numba_index: 6,
    full_disk: 24,
    full_disk_building: 12,
    read_only_home: 4,
    other_users: 20,
    clocks: 4,
    shared_by_versions: 2,
}
"""Every fault and how many times it is tried, or as often as it has places."""


def main() -> int:
    """Exit code 1 if a trial went wrong."""
    options = parser().parse_args()
    chosen = {each: times if options.times is None else options.times for each, times in FAULTS.items()
              if not options.only or each.__name__ in options.only}  # fmt: skip
    screen = Console(stderr=True)
    warm_up()
    counts, seconds = {}, {}
    for fault, times in track(chosen.items(), "faults", console=screen, disable=not screen.is_terminal):
        begin = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="lossgen-faults-", ignore_cleanup_errors=True) as folder:
            counts[fault.__name__] = fault(Path(folder), times, random.Random(options.seed))
        seconds[fault.__name__] = time.monotonic() - begin
        count = counts[fault.__name__]
        screen.print(f"{fault.__name__}: {count.trials} trials, {count.total} failures", highlight=False)
        for kind, texts in count.failures.items():
            for text in texts:
                screen.print(f"{fault.__name__}: {kind}: {text}", style="red", markup=False, highlight=False)
    if options.json:
        print(json.dumps({name: {"trials": count.trials, "remarks": count.remarks, **count.failures}
                          for name, count in counts.items()}))  # fmt: skip
    elif options.markdown:
        print(markdown(counts))
    else:
        Console().print(table(counts, seconds))
    return int(any(count.total for count in counts.values()))


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    made.add_argument("only", nargs="*", choices=[[], *(each.__name__ for each in FAULTS)], metavar="FAULT",
                      help=f"all by default: {', '.join(each.__name__ for each in FAULTS)}")  # fmt: skip
    made.add_argument("--times", type=int, help="how often each is tried")
    made.add_argument("--seed", type=int, default=0, help="of the moments and places that are chosen")
    made.add_argument("--json", action="store_true", help="print everything that was counted")
    made.add_argument("--markdown", action="store_true", help="print the table of docs/stability.md")
    return made


def title(name: str) -> str:
    """The fault in words: the first line of its function's docstring."""
    fault = next(each for each in FAULTS if each.__name__ == name)
    return (fault.__doc__ or "").strip().rstrip(".")


def said(count: Count) -> str:
    """What else was counted."""
    return ", ".join(f"{number} {remark}" for remark, number in count.remarks.items())


def table(counts: dict[str, Count], seconds: dict[str, float]) -> Table:
    """For a terminal."""
    made = Table("fault", "trials", *FAILURES, "seconds", "of these")
    made.columns[0].min_width = 36
    for name, count in counts.items():
        numbers = [str(len(texts)) for texts in count.failures.values()]
        row = [title(name), str(count.trials), *numbers, f"{seconds[name]:.0f}", said(count)]
        made.add_row(*row, style="red" if count.total else "")
    return made


def markdown(counts: dict[str, Count]) -> str:
    """For a document."""
    lines = [f"| fault | trials | {' | '.join(FAILURES)} | of these |", "|" + "---|" * (len(FAILURES) + 3)]
    for name, count in counts.items():
        numbers = " | ".join(str(len(texts)) for texts in count.failures.values())
        lines.append(f"| {title(name)} | {count.trials} | {numbers} | {said(count)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
