"""The numbers of level sets: losses and directions of descent at distributions of three classes."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossgen.inspection.curves.sampling import Numbers
from lossgen.inspection.curves.views import CLASSES
from lossgen.runtime.compiled import Compiled
from lossgen.runtime.loss import Loss

CLEARANCE = 1e-4
"""The smallest probability: further out a logarithm tells nothing but how far."""

CORNERS = np.array([[0.5, math.sqrt(0.75)], [0.0, 0.0], [1.0, 0.0]])
"""Where the certain distributions lie: class 0 above, 1 at the left, 2 at the right."""


@dataclass(frozen=True)
class Panel:
    """One triangle: a loss with one target, an integer label or a distribution; None for a penalty."""

    title: str
    loss: Compiled
    is_logit: bool
    target: tuple[float, ...] | int | None


def grid(steps: int) -> Numbers:
    """Distributions of three classes, evenly spaced, none with a probability below the clearance."""
    first, second = np.meshgrid(np.arange(steps + 1), np.arange(steps + 1))
    inside = first + second <= steps
    shares = np.stack([first[inside], second[inside], steps - first[inside] - second[inside]], axis=1)
    return CLEARANCE + (1 - CLASSES * CLEARANCE) * shares / steps


def place(distributions: Numbers) -> Numbers:
    """Where distributions lie in the picture: (…, 3) → (…, 2)."""
    return distributions @ CORNERS


def values(panel: Panel, distributions: Numbers) -> Numbers:
    """The loss of each distribution."""
    truth, prediction = _data(panel, distributions)
    loss: Any = panel.loss
    with np.errstate(all="ignore"):
        found = loss.call(truth, prediction) if isinstance(loss, Loss) else loss(prediction)
    return np.reshape(found, -1)


def descents(panel: Panel, distributions: Numbers) -> Numbers:
    """Which way each distribution moves as the loss falls fastest, in the same shape.

    For probabilities minus the gradient, projected on their sum 1; for logits what their own step of descent
    makes of the distribution q: dq = q·(d − Σ q·d) with d minus the gradient.
    """
    truth, prediction = _data(panel, distributions)
    loss: Any = panel.loss
    with np.errstate(all="ignore"):
        downhill = -(
            loss.gradient(truth, prediction) if isinstance(loss, Loss) else loss.gradient(prediction)
        )
    if panel.is_logit:
        return distributions * (downhill - np.sum(distributions * downhill, axis=1, keepdims=True))
    return downhill - downhill.mean(axis=1, keepdims=True)


def _data(panel: Panel, distributions: Numbers) -> tuple[Any, Numbers]:
    """Targets and predictions, a row a distribution."""
    prediction = np.log(distributions) if panel.is_logit else distributions
    if isinstance(panel.target, int):
        return np.full(len(distributions), panel.target), prediction
    return np.tile(panel.target or (0.0,) * CLASSES, (len(distributions), 1)), prediction


def lowest(numbers: Numbers) -> np.ndarray[Any, Any]:
    """Where the least value is, as often as it is there up to rounding."""
    least = np.nanmin(numbers)
    return np.flatnonzero(numbers <= least + 1e-9 * (np.nanmax(numbers) - least))
