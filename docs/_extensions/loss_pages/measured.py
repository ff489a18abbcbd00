"""What was measured of a loss: rows of docs/verification.md, cases of benchmarks/results/bench.json."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
REPORT = ROOT / "docs" / "verification.md"
BENCHMARK = ROOT / "benchmarks" / "results" / "bench.json"
OURS = ("lossgen", "lossgen out=", "limit")
"""Columns of the benchmark that are no peers."""


@dataclass(frozen=True)
class Table:
    """A table of figures, and in `note` where they come from."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def accuracy(class_name: str) -> Table | None:
    """Errors of every variant and output; None where they were not measured."""
    head, rows = _verification()
    found, ours = [], False
    for row in rows:
        ours = row[0].startswith(f"`{class_name}(") if row[0] else ours
        if ours:
            found.append(row)
    if not found:
        return None
    kept = [number for number in range(len(head)) if number < 4 or any(row[number] for row in found)]
    return Table(
        tuple(head[number] for number in kept), tuple(tuple(row[number] for number in kept) for row in found)
    )


@cache
def _verification() -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The first table of the report: its head and its rows."""
    lines = iter(REPORT.read_text("utf-8").splitlines())
    head = next(_cells(line) for line in lines if line.startswith("| loss"))
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            return head, rows
        rows.append(_cells(line))
    return head, rows


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))


def speed(name: str) -> Table | None:
    """Milliseconds of lossgen and, as multiples of them, of its peers; None where nothing was measured."""
    run = json.loads(BENCHMARK.read_text("utf-8"))
    cases = [case for case in run["cases"] if case["case"]["loss"] == name and "lossgen" in case["peers"]]
    if not cases:
        return None
    peers = list(dict.fromkeys(peer for case in cases for peer in case["peers"] if peer not in OURS))
    rows = [
        (
            case["name"].removeprefix(name).strip(),
            f"{1000 * case['peers']['lossgen']['seconds']:.3g}",
            *(_ratio(case["peers"].get(peer)) for peer in peers),
        )
        for case in cases
    ]
    machine = run["machine"]
    note = f"{run['date'][:10]}, {machine['cores']} cores of an {machine['processor']}"
    return Table(("case", "lossgen, ms", *peers), tuple(rows), note)


def _ratio(peer: dict | None) -> str:
    return f"{peer['ratio']:.2f} ×" if peer and peer.get("ratio") else ""
