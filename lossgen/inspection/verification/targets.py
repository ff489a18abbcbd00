"""Targets of any loss, from the domain that its declaration states: hard and soft ones, labels, amounts."""

import math

import numpy as np

from lossgen.inspection.verification.subjects import Subject

FEW = {
    "signs": (-1.0, 1.0),
    "probability": (0.0, 1.0, 0.25),
    "nonnegative": (0.0, 1.0, 2.5, 1e-10),
    "positive": (1.0, 2.5, 1e-10, 1e10),
    "real": (0.0, 1.0, -0.3, 1e-20, 1e10),
}
"""Some targets of each named domain."""


def few_targets(subject: Subject) -> tuple[float, ...]:
    """A few targets, for each of which every prediction is tried; in float32."""
    if subject.is_penalty or not subject.reads_target:
        return (0.0,)
    domain = subject.domain("target")
    if isinstance(domain, str):
        found = FEW[domain]
    else:
        low, high = subject.bounds("target")
        ends = [end for end in (low, high) if math.isfinite(end)]
        middle = sum(ends) / 2 if len(ends) == 2 else (ends[0] if math.isfinite(low) else ends[0] - 2) + 1
        found = (*ends, middle)
    return tuple(float(np.float32(y)) for y in found)


def ordinary_targets(subject: Subject, rng, count: int) -> np.ndarray:
    """Random targets that a person would have, float32 numbers."""
    if subject.is_penalty or not subject.reads_target:
        return np.zeros(count)
    return one_a_column(subject, rng, (count,)).astype(np.float32).astype(np.float64)


def one_a_column(subject: Subject, rng, shape) -> np.ndarray:
    """Random targets of the domain, each column alone."""
    if subject.domain("target") == "signs":
        return rng.choice([-1.0, 1.0], shape)
    low, high = subject.bounds("target")
    if math.isfinite(low) and math.isfinite(high):
        return rng.uniform(low, high, shape)
    normal = 3 * rng.normal(size=shape)
    if math.isfinite(low):
        return low + np.abs(normal)
    return high - np.abs(normal) if math.isfinite(high) else normal


def row_targets(subject: Subject, p: np.ndarray, rng, dtype: type) -> np.ndarray:
    """A target for each row of predictions: one-hot at the largest, the smallest, elsewhere; soft ones.

    Where the domain is the real line, targets equal to the predictions take the place of one-hot ones.
    """
    rows, columns = p.shape
    if subject.is_penalty:
        return np.zeros(p.shape)
    turn = np.arange(rows) % 3
    picked = np.select([turn == 0, turn == 1], [p.argmax(1), p.argmin(1)], rng.integers(0, columns, rows))
    if subject.labels:
        return picked
    low, high = subject.bounds("target")
    soft = one_a_column(subject, rng, p.shape)
    if subject.domain("target") == "real":
        hard = np.where((np.arange(rows) % 4 == 1)[:, None], soft, p)
    elif subject.domain("target") in ("probability", "nonnegative"):
        hard = np.eye(columns)[picked]
        soft = np.where((np.arange(rows) % 8 == 3)[:, None], soft, rng.dirichlet(np.ones(columns), rows))
    else:
        hard = soft
    y = np.where((np.arange(rows) % 4 < 2)[:, None], hard, soft)
    return np.clip(y.astype(dtype).astype(np.float64), low, high)
