"""What a trial can end in, and how many did."""

from collections.abc import Iterable
from dataclasses import dataclass, field

FAILURES = ("wrong", "hung", "lost", "failed")
"""A result of other bits; no end within the time limit; a file missing, changed or left over; an error."""


@dataclass
class Count:
    """The trials of one fault."""

    trials: int = 0
    failures: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in FAILURES})
    remarks: dict[str, int] = field(default_factory=dict)

    def add(self, place: str, failures: Iterable[tuple[str, str]] = (), remarks: Iterable[str] = ()) -> None:
        """One trial, where it was, with what was wrong about it and what else is to be counted."""
        self.trials += 1
        for kind, text in failures:
            self.failures[kind].append(f"{place}: {text}")
        for remark in remarks:
            self.remarks[remark] = self.remarks.get(remark, 0) + 1

    @property
    def total(self) -> int:
        """How many things were wrong."""
        return sum(map(len, self.failures.values()))
