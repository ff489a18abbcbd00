"""Inputs by seed: the same in every version of Python and NumPy, and the same in float32 as in float64.

Only multiples of powers of two are drawn, by the generator of Python's `random`, whose numbers are promised.
"""

import zlib
from random import Random

import numpy as np

from lossgen.inspection.verification.contract import FLOATS
from lossgen.inspection.verification.inputs import Batch
from lossgen.inspection.verification.subjects import Subject

ROWS, COLUMNS = 64, 3
"""Of a loss; where every element has a loss of its own, it is the only one of its row."""
STEPS = 4096
"""Draws are whole numbers of steps."""

SATURATED = 32.0
"""What the last quarter of predictions without bounds is multiplied by."""


def batch(subject: Subject) -> Batch:
    """Ordinary rows, the last of them saturated."""
    random = Random(zlib.crc32(subject.name.encode()))
    shape = (ROWS, columns(subject))
    predictions = _numbers(random, shape, *subject.bounds("prediction"))
    if subject.bounds("prediction")[0] == -np.inf:
        predictions[-ROWS // 4 :] *= SATURATED
    return Batch(_targets(random, subject), predictions, FLOATS)


def columns(subject: Subject) -> int:
    """How many columns the inputs of a subject have."""
    return subject.fitting_columns or (1 if subject.is_elementwise else COLUMNS)


def _targets(random: Random, subject: Subject) -> np.ndarray:
    domain, count = subject.domain("target"), columns(subject)
    if subject.labels:
        return np.array([random.randrange(count) for _ in range(ROWS)])
    if domain == "signs":
        return np.array([[random.choice((-1.0, 1.0)) for _ in range(count)] for _ in range(ROWS)])
    targets = _numbers(random, (ROWS, count), *subject.bounds("target"))
    if domain == "probability":  # labels, then shares of one, then independent probabilities
        third = ROWS // 3
        targets[:third] = np.eye(max(count, 2))[[random.randrange(2) for _ in range(third)], :count]
        first = targets[third : 2 * third, 0]
        targets[third : 2 * third, 1:] = ((1 - first) / 2)[:, None]
    return targets


def _numbers(random: Random, shape: tuple[int, int], low: float, high: float) -> np.ndarray:
    """Inside the open interval; where it is infinite, 8 wide."""
    drawn = [random.randrange(1, STEPS) for _ in range(shape[0] * shape[1])]
    share = np.array(drawn, float).reshape(shape) / STEPS
    if np.isfinite(low) and np.isfinite(high):
        return low + share * (high - low)
    return low + 8 * share if np.isfinite(low) else 16 * share - 8
