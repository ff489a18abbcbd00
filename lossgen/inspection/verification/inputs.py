"""The adversarial inputs of any loss, from its domains and its formula: elements and rows.

Each batch says for which float types it is meant: numbers that float32 holds are for both.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from lossgen.inspection.verification.contract import DOUBLE, FLOATS, Float
from lossgen.inspection.verification.kinks import Switch, crossings, switches
from lossgen.inspection.verification.magnitudes import (
    DOUBLE_MAGNITUDES,
    MAGNITUDES,
    log_uniform,
    predictions_between,
)
from lossgen.inspection.verification.subjects import Subject
from lossgen.inspection.verification.targets import few_targets, ordinary_targets, row_targets

COLUMNS = 3


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows of one length.

    Args:
        targets: one number a column, or one label a row; float64 (or integers).
        predictions: (rows, columns), float64.
        kinds: the float types that hold these numbers exactly.
    """

    targets: np.ndarray
    predictions: np.ndarray
    kinds: tuple[Float, ...]

    @property
    def columns(self) -> int:
        """The length of a row."""
        return self.predictions.shape[1]

    def only(self, chosen: tuple[Float, ...]) -> "Batch":
        """The same for fewer float types."""
        return Batch(self.targets, self.predictions, tuple(each for each in self.kinds if each in chosen))


def batches(subject: Subject, points: int, seed: int, *, quick: bool = False) -> Iterator[Batch]:
    """All inputs of a subject.

    Args:
        points: how many random ones of each sort; also about how many of each structured sort, when quick.
        seed: of the random ones.
        quick: a thinner choice of the structured ones.
    """
    fitting = subject.fitting_columns
    if subject.is_elementwise:
        yield from _elements(subject, points, seed, quick)
        if not quick and fitting in (None, COLUMNS):
            yield _rows(subject, COLUMNS, min(points, 16), seed, double=False)
        return
    columns = fitting or COLUMNS
    yield _rows(subject, columns, points, seed, double=False)
    yield _rows(subject, columns, points, seed + 1, double=True)
    if fitting in (None, 1):
        yield _rows(subject, 1, min(points, 32), seed + 2, double=False)


# Elements -----------------------------------------------------------------------------------------------


def _elements(subject: Subject, points: int, seed: int, quick: bool) -> Iterator[Batch]:
    """Rows of one column."""
    for kinds, magnitudes in ((FLOATS, MAGNITUDES), ((DOUBLE,), DOUBLE_MAGNITUDES)):
        dtype = kinds[0].dtype.type
        rng = np.random.default_rng([seed, len(kinds)])
        few = few_targets(subject)
        sides = predictions_between(subject.bounds("prediction"), magnitudes[:: 3 if quick else 1])
        pairs = [(y, p) for y in few for p in sides]
        for y in (*few, *ordinary_targets(subject, rng, 1 if quick else 3)):
            near = [y, -y, *(dtype(y) + dtype(1), dtype(y) - dtype(1)), *_kinks(subject, y, sides, dtype)]
            pairs += [(y, p) for p in _with_neighbours(near, dtype)]
        pairs += _target_kinks(subject, dtype)
        y = ordinary_targets(subject, rng, 3 * points)
        p = np.concatenate(
            [ordinary_predictions(subject, rng, points), log_uniform(rng, 2 * points, kinds[0], signed=True)]
        )
        pairs += zip(y, p, strict=True)
        yield _batch_of_pairs(subject, pairs, kinds)


def _batch_of_pairs(subject: Subject, pairs: list, kinds: tuple[Float, ...]) -> Batch:
    """The different pairs inside the domains."""
    with np.errstate(over="ignore"):
        numbers = np.array(pairs, np.float64).astype(kinds[0].dtype).astype(np.float64)
    low, high = subject.bounds("prediction")
    inside = (numbers[:, 1] >= low) & (numbers[:, 1] <= high) & np.isfinite(numbers).all(1)
    if subject.domain("prediction") == "positive":
        inside &= numbers[:, 1] > 0
    numbers = numbers[inside]
    signed_zeros = np.signbit(numbers) & (numbers == 0)
    _, first = np.unique(np.hstack([numbers, signed_zeros]), axis=0, return_index=True)
    numbers = numbers[np.sort(first)]
    return Batch(numbers[:, :1].copy(), numbers[:, 1:].copy(), kinds)


def _kinks(subject: Subject, y: float, scan: list[float], dtype: type) -> list[float]:
    """Predictions at which the formula changes its branch for a target."""
    found = []
    for expression in switches(subject.expression):
        switch = Switch(expression, subject.parameters)
        found += crossings(lambda p, switch=switch: switch([y], np.array([p])), scan, dtype)
    return found


def _target_kinks(subject: Subject, dtype: type) -> list[tuple[float, float]]:
    """Pairs whose target is where the formula changes its branch, for two predictions."""
    if subject.is_penalty or subject.hard_targets == (-1.0, 1.0):
        return []
    scan = predictions_between(subject.bounds("target"), MAGNITUDES[::2])
    pairs = []
    for p in (0.25, 0.75):
        for expression in switches(subject.expression):
            switch = Switch(expression, subject.parameters)
            found = crossings(lambda y, switch=switch, p=p: switch([y], np.array([p])), scan, dtype)
            pairs += [(y, p) for y in found if y in scan or subject.bounds("target")[0] <= y]
    high = subject.bounds("target")[1]
    return [(y, p) for y, p in pairs if y <= high and (y > 0 or subject.domain("target") != "positive")]


def _with_neighbours(numbers: list, dtype: type) -> list[float]:
    """Each number as a float of this type, and the floats beside it."""
    with np.errstate(over="ignore", invalid="ignore"):
        near = np.array(numbers, np.float64).astype(dtype)
        return np.concatenate(
            [near, np.nextafter(near, dtype(np.inf)), np.nextafter(near, dtype(-np.inf))]
        ).tolist()


def ordinary_predictions(subject: Subject, rng, shape) -> np.ndarray:
    """Predictions that a person would have."""
    low, high = subject.bounds("prediction")
    if np.isfinite(low) and np.isfinite(high):
        return rng.uniform(low, high, shape)
    normal = 3 * rng.normal(size=shape)
    if np.isfinite(low):
        return low + np.abs(normal)
    return high - np.abs(normal) if np.isfinite(high) else normal


# Rows ---------------------------------------------------------------------------------------------------


def _rows(subject: Subject, columns: int, points: int, seed: int, double: bool) -> Batch:
    """Rows of predictions with targets that fit them."""
    rng = np.random.default_rng([seed, columns, double])
    low, high = subject.bounds("prediction")
    ordinary = ordinary_predictions(subject, rng, (max(points, 6), columns))
    wide = np.isinf(low) or np.isinf(high)
    shaped = (
        _wide_rows(subject, ordinary[:6], double, rng) if wide else _narrow_rows(ordinary[:6], low, high, rng)
    )
    scale = FLOATS[1] if double else FLOATS[0]
    if wide:
        spread = log_uniform(rng, points * columns, scale, signed=True).reshape(points, columns)
        sides = np.sign(spread) * 10.0 ** rng.uniform(-3, 6 if double else 4, spread.shape)
        rows = np.concatenate([shaped, ordinary, spread[::2], sides[1::2]])
    else:
        rows = np.concatenate([shaped, ordinary])
    if np.isfinite(low) and np.isinf(high):
        rows = np.abs(rows - low) + low if low else np.abs(rows)
    kinds = (DOUBLE,) if double else FLOATS
    p = rows.astype(kinds[0].dtype).astype(np.float64)
    y = row_targets(subject, p, rng, kinds[0].dtype.type)
    p, y = _with_kinked_rows(subject, p, y, kinds[0].dtype.type)
    inside = ((p >= low) & (p <= high) & np.isfinite(p)).all(1)
    if subject.domain("prediction") == "positive":
        inside &= (p > 0).all(1)
    return Batch(y[inside], p[inside], kinds)


def _wide_rows(subject: Subject, ordinary: np.ndarray, double: bool, rng) -> np.ndarray:
    """Tied, saturated, shifted, tiny and huge rows of real numbers."""
    columns = ordinary.shape[1]
    far = np.arange(columns) == 0
    unit = ordinary / 3
    rows = [
        *unit, *(10 * unit[:3]), *(1e4 + unit[:3]), *(1e4 * unit[:3]), *(1e-3 * unit[:3]),
        *(10.0 ** rng.uniform(-18, 18, (6, columns)) * np.sign(unit)),
        unit[0] + 20 * far, unit[1] + 80 * far, unit[2] + 104 * far, 1e4 + unit[3] + 20 * far,
        1e4 * far, -1e4 * far, np.zeros(columns), -np.zeros(columns), np.ones(columns),
        50.0 * (-1) ** np.arange(columns), np.full(columns, 1e-20), unit[0] - 50 * far, unit[4] + 8 * far,
        np.full(columns, 1e18), 1e-38 * unit[5], np.full(columns, 1e-45), 1e-45 * far,
        np.where(far, 2.5, -2.5), unit[1] - unit[1][::-1],
    ]  # fmt: skip
    if double:
        rows += [
            unit[0] + 400 * far,
            unit[1] + 740 * far,
            1e150 * unit[0],
            1e-300 * unit[1],
            np.full(columns, 5e-324),
        ]
    else:
        rows += [
            1e38 * np.clip(unit[0], -3, 3),
            np.where(far, 3.4e38, -3.4e38),
            np.where(far, -3.4e38, 3.4e38),
        ]
    return np.array(rows)


def _narrow_rows(ordinary: np.ndarray, low: float, high: float, rng) -> np.ndarray:
    """Distributions, ties, corners and near-corners of an interval."""
    columns = ordinary.shape[1]
    far = np.arange(columns) == 0
    shares = [
        *rng.dirichlet(np.ones(columns), 6), *rng.dirichlet(np.full(columns, 0.1), 4), *np.eye(columns),
        *(1 - np.eye(columns))[:2], np.full(columns, 0.5), np.zeros(columns), np.ones(columns),
        np.where(far, 1.0, 1e-7), np.where(far, 1e-7, 1.0), np.where(far, 1e-12, 0.5),
        np.where(far, 1e-38, 1.0), np.where(far, 0.999999, 5e-7), np.where(far, 0.0, 1 / columns),
        np.full(columns, 1e-30), np.where(far, 1e-45, 1.0), np.where(far, 1 - 2.0**-24, 2.0**-24),
    ]  # fmt: skip
    return np.concatenate([ordinary, low + (high - low) * np.array(shares)])


def _with_kinked_rows(
    subject: Subject, p: np.ndarray, y: np.ndarray, dtype: type
) -> tuple[np.ndarray, np.ndarray]:
    """Some rows again, with the first column moved to where the formula changes its branch."""
    rows, targets = [p], [y]
    found: Callable = lambda i: _row_kinks(subject, y[i], p[i], dtype)  # noqa: E731
    for i in range(min(3, len(p))):
        for x in found(i):
            rows.append(np.concatenate([[x], p[i, 1:]])[None])
            targets.append(y[i : i + 1])
    return np.concatenate(rows), np.concatenate(targets)


def _row_kinks(subject: Subject, y, p: np.ndarray, dtype: type) -> list[float]:
    """Values of the first prediction at which the formula changes its branch."""
    scan = predictions_between(subject.bounds("prediction"), MAGNITUDES[::3])
    target = int(y) if subject.labels else y
    found = []
    for expression in switches(subject.expression):
        switch = Switch(expression, subject.parameters)
        found += crossings(lambda x, switch=switch: switch(target, np.concatenate([[x], p[1:]])), scan, dtype)
    return found
