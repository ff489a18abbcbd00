"""Computed numbers against exact ones: every number of a batch is compared, and what misses is explained.

A miss is excused by a known limit, or by a jump: the number is right on the other side of a kink that is at
most one ulp of an input away. What is left breaks the contract.
"""

import math
from collections.abc import Iterator

import numpy as np
from mpmath import mpf

from lossgen.inspection.verification.contract import Float, Quantity, excess, expected, neighbours
from lossgen.inspection.verification.findings import Deviation, Tallies, Tally
from lossgen.inspection.verification.inputs import Batch
from lossgen.inspection.verification.kinks import Branches
from lossgen.inspection.verification.limits import limit_of
from lossgen.inspection.verification.reference import Exact, exact
from lossgen.inspection.verification.results import Compilation, Results, direction
from lossgen.inspection.verification.subjects import Subject

TRIED = {True: 12, False: 2}
"""How many misses of an output may be no jumps before no more are looked for: of lossgen's, of a peer's."""

STEPS = (1, 2, 4)
"""Ulps to where a number may be that of the other side; more than one only where sums are compared."""

OURS = "lossgen"


class Judge:
    """Compares results of one subject with the exact ones.

    Attributes:
        tallies: the findings, by who computed: lossgen, or the name of a peer.
        points: how many rows there were; `unknown`: how many have no exact value that can be found.
        missed: what misses the contract and is not yet explained, by who, output and dtype.
    """

    def __init__(self, subject: Subject):
        self.subject = subject
        self.tallies: dict[str, Tallies] = {}
        self.points = self.unknown = 0
        self.branches = Branches(subject.expression, subject.parameters)
        self._rows: dict[tuple, Exact | None] = {}
        self.missed: dict[tuple[str, str, str], list[Deviation]] = {}

    def judge(self, batch: Batch, kind: Float, results: dict[str, Results]) -> None:
        """Compare what lossgen and its peers computed of a batch in one float type."""
        outputs = {output for found in results.values() for output in found}
        for i, (target, prediction) in enumerate(zip(batch.targets, batch.predictions, strict=True)):
            target = int(target) if self.subject.labels else target
            row = self.row(target, prediction)
            if row is None:
                continue
            for output in outputs:
                ways = [(who, way[i]) for who, found in results.items() for way in found.get(output, ())]
                self._compare(row, output, ways, target, prediction, kind)

    def count(self, batch: Batch) -> None:
        """Count the rows of a batch, and those without an exact value."""
        for target, prediction in zip(batch.targets, batch.predictions, strict=True):
            self.points += 1
            self.unknown += self.row(int(target) if self.subject.labels else target, prediction) is None

    def judge_beyond(self, compilation: Compilation, batch: Batch, count: int) -> None:
        """Compare derivatives by targets and parameters, at `count` rows spread over a batch."""
        if not compilation.by_parameters and not self.subject.reads_target:
            return
        for i in np.unique(np.linspace(0, len(batch.predictions) - 1, count).astype(int)):
            prediction = batch.predictions[i]
            target = int(batch.targets[i]) if self.subject.labels else batch.targets[i]
            rows = {}
            for kind in batch.kinds:
                for output, ways in compilation.beyond(target, prediction, kind).items():
                    if output not in rows:
                        rows[output] = self._beyond(output, target, prediction)
                    if rows[output] is None:
                        self._tally(OURS, output, kind).unknown += 1
                        continue
                    ours = [(OURS, way) for way in ways]
                    self._compare(rows[output], output, ours, target, prediction, kind)

    def finish(self) -> None:
        """Explain every miss of lossgen's; of a peer's only the largest, which is what is shown."""
        for (who, *key), missed in self.missed.items():
            tally = self.tallies[who][tuple(key)]
            missed.sort(key=lambda each: -each.size)
            tried, jumps = TRIED[who == OURS], 0
            for deviation in missed:
                limit = limit_of(deviation) if who == OURS else None
                if limit is not None:
                    tally.excuse(limit, deviation)
                elif tried and self.is_beside_a_jump(deviation):
                    jumps += 1
                else:
                    tried = max(tried - 1, 0)
                    tally.count(deviation)
            tally.numbers += jumps
            tally.jumps += jumps
        self.missed = {}

    def row(self, target, prediction: np.ndarray) -> Exact | None:
        """The exact loss of a row and its derivatives."""
        key = (np.asarray(target).tobytes(), prediction.tobytes())
        if key not in self._rows:
            self._rows[key] = self._evaluated(target, prediction, order=3)
        return self._rows[key]

    def _beyond(self, output: str, target, prediction: np.ndarray) -> Exact | None:
        """The exact loss of a row with the derivative by the target or by one parameter."""
        symbol = self.subject.differentiable.get(output.removeprefix("by "))
        by = () if output == "by y_true" or symbol is None else (symbol,)
        return self._evaluated(target, prediction, order=2, by=by, by_target=not by)

    def _tally(self, who: str, output: str, kind: Float) -> Tally:
        return self.tallies.setdefault(who, {}).setdefault((output, kind.dtype.name), Tally())

    def _evaluated(self, target, prediction, order: int, by=(), by_target=False) -> Exact | None:
        # A mean over one column is what it is the mean of: no rounding of a sum.
        alone = self.subject.is_elementwise and prediction.size == 1
        target = np.zeros(prediction.size) if self.subject.is_penalty else target
        return exact(
            self.subject.expression, target, prediction, self.subject.parameters, order=order,
            sums=not alone, by=by, by_target=by_target,
        )  # fmt: skip

    def _compare(self, row: Exact, output: str, ways: list, target, prediction, kind: Float) -> None:
        """One output of one row, as each (who, array or number) has it."""
        vector = direction(row.columns)
        addend = float(max(row.addends, default=0)) * row.columns  # that of a mean is divided by their number
        for quantity in quantities(output, ways[0][1]):
            right, allowed = expected(self.subject, row, quantity, target, prediction, vector, kind)
            for who, way in ways:
                got = float(way if quantity.column is None else way[quantity.column])
                size = excess(got, right, allowed, kind)
                finite = math.isfinite(got)
                if size == 0 and not (finite and kind.holds(right)):
                    continue  # out of range as it should be, or an entry of the product's row is
                ulps = float(abs(mpf(got) - right) / kind.ulp(right)) if finite else math.inf
                place = target, prediction, addend, float(row.value)
                deviation = Deviation(self.subject, quantity, kind, got, float(right), size, ulps, *place)
                tally = self._tally(who, output, kind)
                if kind.smallest <= abs(right):
                    tally.nonzero += 1
                    tally.vague += abs(right) <= allowed
                if size > 1:
                    self.missed.setdefault((who, output, kind.dtype.name), []).append(deviation)
                else:
                    tally.count(deviation)

    def is_beside_a_jump(self, deviation: Deviation) -> bool:
        """Whether the number is right on the other side of a switch of the formula that is an ulp away.

        A switch that compares sums or quotients over the columns, each rounded before, may be four ulps away.
        """
        if not math.isfinite(deviation.got):
            return False
        kind, quantity = deviation.kind, deviation.quantity
        vector = direction(deviation.prediction.size)
        here = self.branches(self._target(deviation.target), deviation.prediction)
        for steps in STEPS if any(self.branches.of_sums) else STEPS[:1]:
            for target, prediction in neighbours(deviation.target, deviation.prediction, kind, steps):
                if not (np.isfinite(target).all() and np.isfinite(prediction).all()):
                    continue
                there = self.branches(self._target(target), prediction)
                if not self.branches.differ(here, there, only_sums=steps > 1):
                    continue
                row = self._neighbour(quantity, target, prediction)
                if row is None:
                    continue
                right, allowed = expected(self.subject, row, quantity, target, prediction, vector, kind)
                jumps = excess(float(right), mpf(deviation.exact), allowed, kind) > 2
                if jumps and excess(deviation.got, right, allowed, kind) <= 1:
                    return True
        return False

    def _target(self, target):
        return int(target) if self.subject.labels else np.atleast_1d(np.asarray(target, float))

    def _neighbour(self, quantity: Quantity, target, prediction) -> Exact | None:
        if quantity.output.startswith("by "):
            return self._beyond(quantity.output, target, prediction)
        return self.row(target, prediction)


def quantities(output: str, way: np.ndarray) -> Iterator[Quantity]:
    """The numbers of an output of one row."""
    if np.ndim(way) == 0:
        yield Quantity(output)
    else:
        yield from (Quantity(output, column) for column in range(len(way)))
