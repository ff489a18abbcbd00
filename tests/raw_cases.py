"""The catalogue's losses of raw scores, inputs for them, and derivatives of functions by differences."""

from collections.abc import Callable

import numpy as np
from cases import Case, cases, random_inputs

from lossgen import losses

COLUMNS = 3
RAW_CASES = [case for case in cases() if case.domain("prediction") == "real"]
STEP = 2e-3
COEFFICIENTS = {-2: 1 / 12, -1: -8 / 12, 1: 8 / 12, 2: -1 / 12}
"""Times the values so many steps away: the sum is the slope but for a term with the step's fourth power."""


def loss_of(case: Case):
    """The loss of a case."""
    return getattr(losses, case.declaration.class_name)(**case.keywords)


def raw_inputs(case: Case, rows: int, seed: int = 0):
    """Targets and scores, (rows, columns): one column where columns do not meet."""
    return random_inputs(case, rows, 1 if loss_of(case).properties.diagonal else COLUMNS, seed)


def slopes(function: Callable, raw: np.ndarray, column: int) -> np.ndarray:
    """The derivative of each row of a function by one column; NaN in rows with a kink, where steps of
    another size give another slope.
    """
    found = []
    for step in (STEP, STEP / 2):
        shift = step * np.eye(raw.shape[1])[column]
        found.append(sum(each * function(raw + k * shift) for k, each in COEFFICIENTS.items()) / step)
    same = np.isclose(*found, rtol=2e-6, atol=2e-8)  # so the second is 15 times as near to the slope
    return np.where(same, found[1], np.nan)
