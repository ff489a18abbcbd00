"""`make fuzz`: random declarations until there were enough. It goes on where it was interrupted."""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("NUMBA_ENABLE_CUDASIM", "1")

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .campaign import FOUND, State, key_of, run_batch

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Exit code 1 if an example has failed, now or earlier in the same campaign."""
    arguments = parser().parse_args()
    state = State.load(arguments.state, key_of(arguments.batch, arguments.share, arguments.depth))
    batches = range(arguments.first, arguments.first + -(-arguments.examples // arguments.batch))
    waiting = [number for number in batches if number not in state.done]
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(summary(state), total=len(batches), completed=len(batches) - len(waiting))
        for number in waiting:
            run_batch(number, arguments.batch, state, arguments.state, arguments.share, arguments.depth)
            progress.update(task, advance=1, description=summary(state))
    console.print(summary(state), markup=False)
    for what, number in sorted(state.compared.items()):
        console.print(f"  {what}: {number}", markup=False)
    for name in state.failures:
        console.print(f"  {FOUND / name}", markup=False, style="red", soft_wrap=True)
    return bool(state.failures)


def summary(state: State) -> str:
    """The campaign in one line."""
    counts = state.counts
    tried = counts.total() - counts["refused"]
    return (
        f"{tried} examples, {counts['refused']} refused by the language, {counts['failed']} failed, "
        f"{state.seconds:.0f} s"
    )


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("examples", nargs="?", type=int, default=1000, help="how many to try (1000)")
    parser.add_argument("--batch", type=int, default=50, help="examples in one run of hypothesis (50)")
    parser.add_argument(
        "--first", type=int, default=1, help="number of the first batch, which is its seed (1)"
    )
    parser.add_argument("--share", type=int, default=10, help="run the kernels of every n-th example (10)")
    parser.add_argument("--depth", type=int, default=3, help="how deep expressions are nested (3)")
    parser.add_argument("--state", type=Path, default=ROOT / ".fuzz", help="folder for what is done")
    return parser


if __name__ == "__main__":
    sys.exit(main())
