"""What was found of one output in one float type: the worst error, where, how many numbers are not finite."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from lossgen.inspection.verification.contract import Float, Quantity
from lossgen.inspection.verification.limits import Limit
from lossgen.inspection.verification.subjects import Subject

CALLS = {"value": "__call__", "gradient": "gradient", "hessian": "gradient_and_hessian"}


@dataclass(frozen=True, eq=False)
class Deviation:
    """One computed number next to the exact one.

    Args:
        size: error as a multiple of the allowed error.
        ulps: error in units of the last place of the exact number; infinite for a number that is not finite.
        target, prediction: the row, its target a label where the loss reads labels.
        addend: the largest |addend| of any sum over the columns.
        loss: the exact loss of the row.
    """

    subject: Subject
    quantity: Quantity
    kind: Float
    got: float
    exact: float
    size: float
    ulps: float
    target: object
    prediction: np.ndarray
    addend: float = 0.0
    loss: float = 0.0

    @property
    def is_lost(self) -> bool:
        """Whether the number is not finite where the exact one is in range."""
        return not math.isfinite(self.got) and self.kind.holds(self.exact)

    @property
    def place(self) -> str:
        """The inputs as Python code: `y = [1.0], p = [20.0]`."""
        p = shown(self.prediction)
        if self.subject.is_penalty:
            return f"x = {p}"
        return f"y = {self.target if self.subject.labels else shown(self.target)}, p = {p}"

    @property
    def call(self) -> str:
        """The call that gives the number, as Python code with `np` for NumPy."""
        dtype = self.kind.dtype.name
        own = {**self.subject.options, **self.subject.values}
        arguments = ", ".join(f"{name}={value!r}" for name, value in own.items())
        p = f"np.array({shown(self.prediction)}, np.{dtype})"
        inputs = p if self.subject.is_penalty else f"{self._target()}, {p}"
        method = {"value": "", "product": ".hessian_vector_product"}.get(
            self.quantity.output, f".{CALLS.get(self.quantity.output, self.quantity.output)}"
        )
        if self.quantity.output.startswith("by "):
            method = f" derived {self.quantity.output} at "
        return f"{self.subject.declaration.class_name}({arguments}){method}({inputs})"

    def _target(self) -> str:
        return repr(self.target) if self.subject.labels else shown(self.target)

    def __str__(self) -> str:
        column = "" if self.quantity.column is None else f"[{self.quantity.column}]"
        return (
            f"{self.subject} {self.quantity.output}{column} {self.kind.dtype}: {self.got!r}, "
            f"exact {self.exact!r}, {multiple(self.size)} times the allowed error, at {self.place}"
        )


def shown(numbers) -> str:
    """Numbers as a Python list that gives exactly them."""
    return "[" + ", ".join(repr(float(each)) for each in np.ravel(numbers)) + "]"


def multiple(size: float) -> str:
    """A multiple in few characters."""
    if math.isinf(size):
        return "∞"
    return (
        f"{size:.2g}"
        if size < 10
        else f"{size:.0f}"
        if size < 1e4
        else f"{size:.0e}".replace("e+0", "e").replace("e+", "e")
    )


@dataclass(eq=False)
class Excused:
    """What a known limit has excused."""

    limit: Limit
    count: int = 0
    not_finite: int = 0
    worst: Deviation | None = None


@dataclass(eq=False)
class Tally:
    """All numbers of one output in one float type.

    Attributes:
        numbers: how many were compared.
        broken: how many miss the contract, known limits aside.
        not_finite: how many of these are not finite.
        worst, coarsest: the largest multiple of the allowed error, and the largest error in ULP, of what no
            known limit covers.
        jumps: how many are right on the other side of a switch of the formula beside the inputs.
        unknown: rows tried whose exact derivative (by the target or a parameter) cannot be found.
        nonzero, vague: how many exact numbers are not 0, and of these how many are smaller than the allowed
            error, so that 0 would pass.
        known: what known limits have excused.
    """

    numbers: int = 0
    broken: int = 0
    not_finite: int = 0
    jumps: int = 0
    unknown: int = 0
    nonzero: int = 0
    vague: int = 0
    worst: Deviation | None = None
    coarsest: Deviation | None = None
    known: dict[int, Excused] = field(default_factory=dict)

    def count(self, deviation: Deviation) -> None:
        """One number that no known limit covers."""
        self.numbers += 1
        self.broken += deviation.size > 1
        self.not_finite += deviation.is_lost
        self.worst = larger(self.worst, deviation, lambda each: each.size)
        self.coarsest = larger(self.coarsest, deviation, lambda each: each.ulps)

    def excuse(self, limit: Limit, deviation: Deviation) -> None:
        """One number that a known limit covers."""
        self.numbers += 1
        excused = self.known.setdefault(id(limit), Excused(limit))
        excused.count += 1
        excused.not_finite += deviation.is_lost
        excused.worst = larger(excused.worst, deviation, lambda each: each.size)

    def add(self, other: "Tally") -> None:
        """Take in what was found with other arguments."""
        self.numbers += other.numbers
        self.broken += other.broken
        self.not_finite += other.not_finite
        self.jumps += other.jumps
        self.unknown += other.unknown
        self.nonzero += other.nonzero
        self.vague += other.vague
        self.worst = larger(self.worst, other.worst, lambda each: each.size)
        self.coarsest = larger(self.coarsest, other.coarsest, lambda each: each.ulps)
        for key, excused in other.known.items():
            own = self.known.setdefault(key, Excused(excused.limit))
            own.count += excused.count
            own.not_finite += excused.not_finite
            own.worst = larger(own.worst, excused.worst, lambda each: each.size)


def larger(first: Deviation | None, second: Deviation | None, measure) -> Deviation | None:
    """Of two deviations the one with the larger measure; the first at a tie."""
    if first is None or second is None:
        return second if first is None else first
    return second if measure(second) > measure(first) else first


Tallies = dict[tuple[str, str], Tally]
"""By output and dtype."""


def merged(parts: Iterable[Tallies]) -> Tallies:
    """The tallies of several settings of one variant as one."""
    result: Tallies = {}
    for part in parts:
        for key, tally in part.items():
            result.setdefault(key, Tally()).add(tally)
    return result
