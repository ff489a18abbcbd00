"""A loss at many points: value, gradient and Hessian of its declared formula in 40-digit arithmetic.

Nothing of the compiler is used and nothing is compiled: the evaluator is that of `lossgen verify`. Parameters
have the values at which the loss is made by default.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from mpmath import mp
from sympy import Expr

from lossgen.inspection.verification.inputs import ordinary_predictions
from lossgen.inspection.verification.jets import Undetermined
from lossgen.inspection.verification.kinks import Branches
from lossgen.inspection.verification.reference import Exact, Row
from lossgen.inspection.verification.subjects import Subject, subjects
from lossgen.inspection.verification.targets import few_targets, row_targets
from lossgen.language.declaration import Declaration

DIGITS = 40
SIZES = np.logspace(-9, 4, 27)
"""Distances from 0, from the target and from the ends of the domain, log-uniform."""

MOST_TARGETS, LARGE_TARGET = 5, 20.0
ROWS, COLUMNS = 40, 3
LARGEST_TARGET, SMALLEST_TARGET = 1e3, 1e-3
FAILURES = (Undetermined, ZeroDivisionError, OverflowError, MemoryError, ValueError, TypeError)
"""What the evaluator raises where a formula has no value."""


@dataclass(frozen=True)
class Sample:
    """A row with its loss and the derivatives by its predictions.

    Args:
        y: targets, or the label; None for a penalty.
        p: predictions.
        value: a float; infinite where it is too large for one.
        gradient, hessian: (columns,) and (columns, columns).
    """

    y: tuple[float, ...] | int | None
    p: tuple[float, ...]
    value: float
    gradient: np.ndarray
    hessian: np.ndarray

    @property
    def place(self) -> str:
        """Where it is, in words."""
        if self.y is None:
            return f"x = {numbers(self.p)}"
        if isinstance(self.y, int):
            return f"label {self.y}, p = {numbers(self.p)}"
        return f"y = {numbers(self.y)}, p = {numbers(self.p)}"


def numbers(values: Iterable[float]) -> str:
    """One number, or several in brackets."""
    written = [number(value) for value in values]
    return written[0] if len(written) == 1 else f"({', '.join(written)})"


def number(value: float) -> str:
    """Four digits, or as many as tell it from a whole number."""
    short = f"{value:.4g}"
    if abs(value) < 1e4 and float(short).is_integer() and value != float(short):
        short = f"{value:.10g}"
    return short.replace("e+", "e").replace("-", "−").replace("inf", "∞")


@dataclass(frozen=True, eq=False)
class Sampler:
    """A variant with values of its parameters, to be evaluated anywhere."""

    subject: Subject

    @property
    def expression(self) -> Expr:
        """The formula of a row."""
        return self.subject.expression

    @property
    def is_elementwise(self) -> bool:
        """Whether a column can stand alone: rows have one column then."""
        return self.subject.is_elementwise and self.subject.fitting_columns in (None, 1)

    @property
    def settings(self) -> str:
        """The values of the parameters that the formula has, in words: ` at delta = 1`."""
        own = self.subject.differentiable
        values = [f"{name} = {value:g}" for name, value in self.subject.values.items() if name in own
                  and isinstance(value, float | int)]  # fmt: skip
        return f" at {', '.join(values)}" if values else ""

    def at(self, y, p: Iterable[float], order: int = 2) -> Sample | None:
        """The loss of a row; None where it has none."""
        p = tuple(map(float, p))
        with mp.workdps(DIGITS):
            try:
                exact = Row(y, np.array(p), self.subject.parameters, order).loss(self.expression)
                return _sample(None if self.subject.is_penalty else y, p, exact, order)
            except FAILURES:
                return None

    def seen(self, y, p: tuple[float, ...], order: int) -> Sample | None:
        """The same, kept for the next time."""
        key = (y, p, order)
        if key not in self._kept:
            self._kept[key] = self.at(y, p, order)
        return self._kept[key]

    @cached_property
    def _kept(self) -> dict[tuple, Sample | None]:
        return {}

    @cached_property
    def samples(self) -> tuple[Sample, ...]:
        """The loss on the grid, or at the rows."""
        pairs = self._pairs() if self.is_elementwise else self._rows()
        found = (self.at(y, p) for y, p in pairs)
        return tuple(each for each in found if each is not None and np.isfinite(each.value))

    @cached_property
    def targets(self) -> tuple[float, ...]:
        """A few targets of ordinary size for losses of one column."""
        few = few_targets(self.subject)
        found = [y for y in few if y == 0 or SMALLEST_TARGET <= abs(y) <= LARGEST_TARGET]
        if self.subject.domain("target") == "probability" and self.subject.reads_target:
            found.append(0.75)
        elif self.subject.reads_target and np.isinf(self.subject.bounds("target")[1]):
            found.append(LARGE_TARGET)
        return tuple(found[:MOST_TARGETS])

    def grid(self, y: float, sizes: np.ndarray = SIZES) -> list[float]:
        """Increasing predictions inside the domain, around 0, the target and the ends."""
        low, high = self.subject.bounds("prediction")
        if np.isfinite(low) and np.isfinite(high):
            near = (high - low) * sizes[sizes < 0.5]
            found = np.concatenate([low + near, high - near, np.linspace(low, high, 12)[1:-1], [y]])
        else:
            found = np.concatenate([sizes, -sizes, y + sizes, y - sizes, [0.0, y]])
        inside = (found > low) & (found < high)
        return np.unique(found[inside]).tolist()

    def _pairs(self) -> Iterator[tuple[tuple[float], tuple[float]]]:
        for y in self.targets:
            for p in self.grid(y):
                yield (y,), (p,)

    def _rows(self) -> Iterator[tuple[tuple[float, ...] | int, np.ndarray]]:
        """Ordinary, small and far rows, with targets that fit them."""
        rng = np.random.default_rng(0)
        columns = self.subject.fitting_columns or COLUMNS
        p = ordinary_predictions(self.subject, rng, (ROWS, columns))
        low, high = self.subject.bounds("prediction")
        if np.isinf(low) and np.isinf(high):
            p[::4] *= 10
            p[1::4] /= 30
        y = row_targets(self.subject, p.astype(np.float32).astype(np.float64), rng, np.float32)
        if not self.subject.labels and (low, high) == self.subject.bounds("target"):
            p[:4] = np.clip(y[:4], *np.clip((low + 1e-9, high - 1e-9), -1e9, 1e9))  # the target itself
        for target, row in zip(y, p, strict=True):
            yield int(target) if self.subject.labels else tuple(map(float, target)), row

    @cached_property
    def branches(self) -> Branches:
        """Which branches of the formula an input takes."""
        return Branches(self.expression, self.subject.parameters)


def _sample(y, p: tuple[float, ...], exact: Exact, order: int) -> Sample:
    columns = range(len(p))
    gradient = [float(each) for each in exact.gradient] if order else [0.0 for _ in columns]
    hessian = [[float(each) for each in row] for row in exact.hessian] if order > 1 else [[0.0]]
    return Sample(y, p, float(exact.value), np.array(gradient), np.array(hessian))


def samplers_of(declaration: Declaration, options: Mapping[str, object]) -> tuple[Sampler, ...]:
    """Samplers of a variant: its parameters at their defaults, then, if it has any, at other values."""
    return tuple(Sampler(each) for each in subjects(declaration, options, quick=True))
