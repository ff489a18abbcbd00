"""The sizes of numbers at which arithmetic and exponentials change, and random ones of any size."""

import math
from collections.abc import Iterable

import numpy as np

from lossgen.inspection.verification.contract import Float

MAGNITUDES = (
    1e-45, 1e-40, 1.2e-38, 1e-30, 1e-20, 1e-10, 5e-8, 1e-7, 2e-7, 1e-5, 1e-3, 0.03, 0.25, 0.5, 0.9,
    0.99999994, 1.0, 1.0000001, 1.5, 2.0, 3.0, 5.0, 8.0, 10.0, 15.0, 16.0, 17.0, 20.0, 40.0, 50.0, 80.0,
    87.0, 88.5, 89.0, 100.0, 103.0, 104.0, 200.0, 1e3, 1e4, 1e6, 1e10, 1e15, 1.8e19, 1e20, 1e30, 3.4e38,
    3.4028234663852886e38,
)  # fmt: skip
"""Around 0, 1, the ends of exp in float32, the square root of the largest float, the largest float."""

DOUBLE_MAGNITUDES = (
    5e-324, 1e-310, 2.3e-308, 1e-200, 1e-160, 1e-100, 1 - 2**-53, 1 + 2**-52, 36.0, 37.5, 700.0, 709.5,
    710.0, 740.0, 745.0, 746.0, 1e100, 1e154, 1e160, 1e250, 1.7e308, 1.7976931348623157e308,
)  # fmt: skip
"""The same for float64."""


def predictions_between(bounds: tuple[float, float], magnitudes: Iterable[float]) -> list[float]:
    """Increasing numbers of these sizes and both signs inside an interval, and near its ends; and zero.

    An end that is finite and not 0 is approached as 0 is.
    """
    low, high = bounds
    sizes = np.array(tuple(magnitudes))
    numbers = [sizes, -sizes, [0.0]]
    for end, sign in ((low, 1.0), (high, -1.0)):
        if math.isfinite(end) and end:
            numbers += [end + sign * sizes, [end]]
    found = np.unique(np.concatenate(numbers))
    found = found[(found >= low) & (found <= high)]
    return [*([-0.0] if low <= 0 <= high else []), *found.tolist()]


def log_uniform(rng, count: int, kind: Float, *, signed: bool) -> np.ndarray:
    """Numbers of any size that the float type has, subnormals included, all exponents alike."""
    lowest = kind.lowest_exponent - kind.digits
    exponents = rng.uniform(lowest, -kind.lowest_exponent + 2, count)
    sizes = np.minimum(np.exp2(exponents - 1) * 2, float(kind.largest))
    return sizes * rng.choice([-1.0, 1.0], count) if signed else sizes
