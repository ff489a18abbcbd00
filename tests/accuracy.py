"""Inputs on which the accuracy contract has to hold: extremes, kinks and their neighbours, ordinary ones."""

from collections.abc import Iterable

import numpy as np
from cases import HARD_LABELS, Case

from lossgen.language.reductions import Mean, Reduction, Sum

Inputs = tuple[np.ndarray, np.ndarray]

MAGNITUDES = (
    1e-45, 1e-40, 1.2e-38, 1e-30, 1e-20, 1e-10, 5e-8, 1e-7, 2e-7, 1e-5, 1e-3, 0.03, 0.25, 0.5, 0.9,
    0.99999994, 1.0, 1.0000001, 1.5, 2.0, 3.0, 5.0, 8.0, 10.0, 15.0, 16.0, 17.0, 20.0, 40.0, 50.0, 80.0,
    87.0, 88.5, 89.0, 100.0, 103.0, 104.0, 200.0, 1e3, 1e4, 1e6, 1e10, 1e15, 1.8e19, 1e20, 1e30, 3.4e38,
)  # fmt: skip
"""Around 0, 1, the ends of exp in float32, the square root of the largest float, the largest float."""

DOUBLE_MAGNITUDES = (
    5e-324, 1e-310, 2.3e-308, 1e-200, 1e-160, 1e-100, 1 - 2**-53, 1 + 2**-52, 36.0, 37.5, 700.0, 709.5,
    710.0, 740.0, 745.0, 746.0, 1e100, 1e154, 1e160, 1e250, 1.7e308,
)  # fmt: skip
"""The same for float64."""


def element_inputs(case: Case, magnitudes: Iterable[float], seed: int = 0) -> Inputs:
    """Pairs of target and prediction in the loss's domain: extremes, kinks and their neighbours, random ones.

    The values are float32 numbers unless the magnitudes are not.
    """
    rng = np.random.default_rng(seed)
    magnitudes = np.array(magnitudes)
    sides = np.concatenate([magnitudes, -magnitudes, [0.0, -0.0]])
    targets = target_values(case)
    pairs = [(y, p) for y in targets for p in sides]
    for y in targets:
        for kink in (0.0, 1.0, *(abs(v) for v in case.parameters.values() if not isinstance(v, tuple))):
            for p in (y + kink, y - kink, -y):
                near = np.nextafter(np.float32(p), np.float32([p, np.inf, -np.inf]))
                pairs += [(y, float(each)) for each in near]
    if max(magnitudes) < 1e39:
        y, p = random_elements(case, rng, 60)
        spread = rng.choice([-1, 1], 60) * 10.0 ** rng.uniform(-38, 38, 60)
        pairs += [*zip(y, p, strict=True), *zip(y, spread, strict=True)]
    pairs = np.unique(np.array(pairs).astype(np.float32 if max(magnitudes) < 1e39 else np.float64), axis=0)
    pairs = pairs.astype(np.float64)
    low, high = case.bounds("prediction")
    pairs = pairs[(pairs[:, 1] >= low) & (pairs[:, 1] <= high)]
    return pairs[:, :1].copy(), pairs[:, 1:].copy()


def target_values(case: Case) -> tuple[float, ...]:
    """A few targets of the loss's domain."""
    if case.name in HARD_LABELS:
        return (0.0, 1.0)
    return {
        "signs": (-1.0, 1.0),
        "probability": (0.0, 1.0, 0.25),
        "nonnegative": (0.0, 1.0, 2.5, 1e-10),
        "positive": (1.0, 2.5, 1e-10, 1e10),
        "real": (0.0, 1.0, -0.3, 1e-20, 1e10),
    }[case.domain("target")]


def random_elements(case: Case, rng, count: int) -> Inputs:
    """Ordinary targets and predictions."""
    if case.domain("target") == "signs" or case.name in HARD_LABELS:
        y = rng.choice(target_values(case), count)
    elif case.domain("target") == "probability":
        y = rng.random(count)
    else:
        y = rng.normal(size=count) * 3
        y = np.abs(y) if case.bounds("target")[0] >= 0 else y
    low, high = case.bounds("prediction")
    p = rng.random(count) if high == 1 else rng.normal(size=count) * 3
    return y, np.abs(p) if low == 0 else p


def row_inputs(case: Case, columns: int, double: bool, seed: int = 0) -> Inputs:
    """Rows of targets (or labels) and predictions: ordinary, tied, saturated, tiny and huge ones."""
    rng = np.random.default_rng(seed)
    low, high = case.bounds("prediction")
    ordinary = rng.normal(size=(6, columns))
    far = np.arange(columns) == 0
    if high == 1:
        shares = rng.dirichlet(np.ones(columns), 6)
        rows = [
            *shares, *rng.random((4, columns)), *np.eye(columns), *(1 - np.eye(columns))[:2],
            np.full(columns, 0.5), np.where(far, 1.0, 1e-7), np.where(far, 1e-7, 1.0),
            np.where(far, 1e-12, 0.5), np.where(far, 1e-38, 1.0), np.where(far, 0.999999, 5e-7),
            np.where(far, 0.0, 1 / columns), np.full(columns, 1e-30),
        ]  # fmt: skip
    else:
        rows = [
            *ordinary, *(10 * ordinary[:3]), *(1e4 + ordinary[:3]), *(1e4 * ordinary[:3]),
            *(1e-3 * ordinary[:3]), *(10.0 ** rng.uniform(-18, 18, (6, columns)) * np.sign(ordinary)),
            ordinary[0] + 20 * far, ordinary[1] + 80 * far, ordinary[2] + 104 * far,
            1e4 + ordinary[3] + 20 * far, 1e4 * far, -1e4 * far, np.zeros(columns), np.ones(columns),
            50.0 * (-1) ** np.arange(columns), np.full(columns, 1e-20), ordinary[0] - 50 * far,
            ordinary[4] + 8 * far, np.full(columns, 1e18), 1e-38 * ordinary[5],
        ]  # fmt: skip
        if double:
            rows += [ordinary[0] + 400 * far, ordinary[1] + 740 * far]
            rows += [1e150 * ordinary[0], 1e-300 * ordinary[1]]
        elif "softmax" in str(case.expression).lower():
            rows += [1e38 * ordinary[0], np.where(far, 3.4e38, -3.4e38), np.where(far, -3.4e38, 3.4e38)]
    p = np.abs(rows) if low == 0 else np.array(rows)
    p = p if double else p.astype(np.float32).astype(np.float64)
    y = row_targets(case, p, rng)
    return y, p


def row_targets(case: Case, p: np.ndarray, rng) -> np.ndarray:
    """A target for each row of predictions: one-hot at the largest, the smallest, elsewhere; soft ones."""
    rows, columns = p.shape
    turn = np.arange(rows) % 3
    picked = np.select([turn == 0, turn == 1], [p.argmax(1), p.argmin(1)], rng.integers(0, columns, rows))
    if case.labels:
        return picked
    hard = np.eye(columns)[picked]
    if case.name in HARD_LABELS:
        return hard
    if case.domain("target") == "real":
        soft = rng.normal(size=p.shape)
        hard = np.where((np.arange(rows) % 4 == 3)[:, None], p, soft)
    else:
        soft = rng.dirichlet(np.ones(columns), rows)
    y = np.where((np.arange(rows) % 4 < 2)[:, None], hard, soft)
    return y.astype(np.float32).astype(np.float64)


def is_elementwise(case: Case) -> bool:
    """Whether the loss is a sum or mean of a function of one target and one prediction."""
    found = case.expression.atoms(Reduction)
    return len(found) == 1 and isinstance(next(iter(found)), Sum | Mean)
