"""A run of the fuzzer in numbered batches, and the file that says how far it got.

A batch is one run of hypothesis with the batch's number as its seed: what is counted once need not run again.
What fails is shrunk and written as a Python file into a folder whose files `test_fuzz.py` replays.
"""

import hashlib
import json
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from private_cache import private_cache

from lossgen.errors import DeclarationError

from .checks import Finding, wrong_formulas
from .example import Case, Example
from .kernels import DOUBLE, SINGLE, Kind, wrong_kernels
from .strategies import examples

FOUND = Path(__file__).parent / "found"
"""Minimal examples that have failed once; the tests replay them."""


class Failure(AssertionError):
    """An example whose compiled loss is not what its declaration says; `stage` is where that shows."""

    def __init__(self, wrong: list[Finding]):
        super().__init__("\n".join(map(str, wrong[:8])))
        self.stage = wrong[0].stage


def findings(case: Case, kernels: tuple[Kind, ...], counts: Counter | None = None) -> list[Finding]:
    """What is wrong with a case: its formulas first, and its kernels where those are right."""
    wrong = list(wrong_formulas(case, counts))
    for kind in kernels:
        wrong = wrong or list(wrong_kernels(case, None, counts, kind))
    return wrong


def kinds(example: Example, share: int) -> tuple[Kind, ...]:
    """The float types whose kernels run: none, or one of two, mostly float64; all if the share is 1."""
    number = int(example.digest, 16)
    if number % share:
        return ()
    return (DOUBLE, SINGLE) if share == 1 else (DOUBLE,) if number // share % 4 else (SINGLE,)


def tried(example: Example, share: int, counts: Counter | None = None) -> str:
    """What became of an example: "right", or "refused" by the language.

    Args:
        share: one of so many examples runs its kernels, too; which ones, their text says.
        counts: of what is compared and what is not.

    Raises:
        Failure: a number is wrong.
    """
    try:
        case = example.case
    except DeclarationError:
        return "refused"
    if wrong := findings(case, kinds(example, share), counts):
        raise Failure(wrong)
    return "right"


def key_of(size: int, share: int, depth: int) -> str:
    """What makes a batch the same one again: the grammar, and how it is run."""
    source = "".join(
        (Path(__file__).parent / name).read_text("utf-8") for name in ("grammar.py", "strategies.py")
    )
    return f"{hashlib.sha256(source.encode()).hexdigest()[:12]} {size} {share} {depth}"


@dataclass
class State:
    """What a campaign has done.

    key  what its batches are, see `key_of`; `done` are their numbers
    counts  examples by what became of them; `failures` are files
    compared  outputs that were compared, and those that were not, by reason
    """

    key: str
    done: list[int] = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)
    compared: Counter = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @classmethod
    def load(cls, folder: Path, key: str) -> "State":
        """The state as far as it got; an empty one if there is none, or one of other batches."""
        try:
            stored = json.loads((folder / "state.json").read_text("utf-8"))
            state = cls(**{**stored, **{key: Counter(stored[key]) for key in ("counts", "compared")}})
        except (OSError, ValueError, KeyError, TypeError):
            return cls(key)
        return state if state.key == key else cls(key)

    def save(self, folder: Path) -> None:
        """Replace the file: whoever reads it sees the old one or the new one."""
        folder.mkdir(parents=True, exist_ok=True)
        beside = folder / "state.json.new"
        beside.write_text(json.dumps(vars(self), indent=1), encoding="utf-8")
        os.replace(beside, folder / "state.json")


def run_batch(
    number: int, size: int, state: State, folder: Path, share: int, depth: int, found: Path = FOUND
) -> None:
    """Try the examples of one batch, and note in the state what became of them.

    Args:
        number: of the batch, its seed; `size` is how many examples it has.
        share: one of so many examples runs its kernels, too; all do while a failure shrinks.
        depth: of the expressions.
        found: folder for what fails.
    """
    counts, compared = Counter(), Counter()
    failed: list[tuple[Example, Exception]] = []

    @seed(number)
    @settings(
        max_examples=size,
        deadline=None,
        database=DirectoryBasedExampleDatabase(folder / "examples"),
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(examples(depth))
    def try_one(example: Example) -> None:
        try:
            outcome = tried(
                example, *((share, compared) if not failed else (while_shrinking(failed[0][1]), None))
            )
        except Exception as error:
            failed.append((example, error))
            raise
        if not failed:
            counts[outcome] += 1

    start = time.monotonic()
    with tempfile.TemporaryDirectory() as cache, private_cache(cache):
        try:
            try_one()
        except Exception:
            if not failed:
                raise  # of hypothesis itself
            counts["failed"] += 1
            state.failures.append(write(*failed[-1], found).name)  # the last one that fails is the smallest
    state.done = sorted({*state.done, number})
    state.counts += counts
    state.compared += compared
    state.seconds += time.monotonic() - start
    state.save(folder)


def while_shrinking(error: Exception) -> int:
    """The share of examples that run their kernels: all, or none where the formulas are wrong already."""
    return 1 if getattr(error, "stage", "kernel").startswith("kernel") else sys.maxsize


def write(example: Example, error: Exception, found: Path) -> Path:
    """A file with the example, and what was wrong with it in its docstring."""
    found.mkdir(parents=True, exist_ok=True)
    path = found / f"found_{example.digest}.py"
    what = f"{type(error).__name__}: {error}".replace("\\", "/").replace('"""', "'''")
    path.write_text(f'"""{what}\n"""\n\n{example.source()}', encoding="utf-8")
    return path
