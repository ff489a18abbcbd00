"""What is proven already: a JSON file for each function, written as a whole or not at all."""

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from exhaustive.sweep import Worst
from lossgen.runtime import tracing, vector_math

FOLDER = Path(vector_math.__file__).parent
IMPORT = re.compile(r"^from lossgen\.runtime\.vector_math\.(\w+) import", re.MULTILINE)


@dataclass
class Proof:
    """The pieces of the work on a function that are done, and the worst argument in them.

    source  digest of the code that was tried; with other code the work starts again
    done    numbers of the pieces
    worst   of all of them
    notes   what else the pieces found, by name
    """

    source: str
    done: list[int] = field(default_factory=list)
    worst: Worst = field(default_factory=Worst)
    notes: dict[str, float] = field(default_factory=dict)

    def add(self, piece: int, worst: Worst, notes: dict[str, float]) -> None:
        self.done = sorted({*self.done, piece})
        self.worst = self.worst.or_worse(worst)
        self.notes.update(notes)


def load(folder: Path, name: str, kind: str) -> Proof:
    """The proof as far as it got; an empty one if there is none, or one of other code."""
    source = source_digest(name)
    try:
        stored = json.loads((folder / f"{kind}-{name}.json").read_text("utf-8"))
        proof = Proof(stored["source"], stored["done"], Worst(**stored["worst"]), stored["notes"])
    except (OSError, ValueError, KeyError, TypeError):
        return Proof(source)
    return proof if proof.source == source else Proof(source)


def save(folder: Path, name: str, kind: str, proof: Proof) -> None:
    """Replace the file: whoever reads it sees the old one or the new one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}-{name}.json"
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(asdict(proof), indent=1), encoding="utf-8")
    os.replace(beside, path)


@cache
def source_digest(name: str) -> str:
    """Digest of the files that a function is made of."""
    function = getattr(vector_math, name).traced
    digest = hashlib.sha256(Path(tracing.__file__).read_bytes())
    for module in sorted(_with_imports(function.__module__.rpartition(".")[2])):
        digest.update((FOLDER / f"{module}.py").read_bytes())
    return digest.hexdigest()[:12]


def _with_imports(module: str) -> set[str]:
    found, waiting = set(), [module]
    while waiting:
        module = waiting.pop()
        if module not in found and module != "tracing":
            found.add(module)
            waiting += IMPORT.findall((FOLDER / f"{module}.py").read_text("utf-8"))
    return found
