"""What a loss draws out of uncertain targets: their mean (a proper loss), another statistic, or a side."""

import numpy as np

from lossgen.runtime.properties import Properties

from .constant import Constant
from .finding import PROVED, SAMPLED, UNDECIDED, Finding
from .sampling import Sampler, number

CHANCES = (0.1, 0.3, 0.5, 0.75, 0.9)
CLOSE = 1e-3
STEPS = 24


def properness(properties: Properties, constant: Constant, sampler: Sampler) -> Finding:
    """The finding.

    Args:
        properties: what the compiler knows.
        constant: the best constant prediction.
    """
    through = "" if properties.link == "identity" else f", through the link {properties.link},"
    if constant.how == "link" and properties.curvature != "unproved":
        what = "the mean of the targets" if properties.mean_is_optimal else "the mean of t"
        verdict = "yes" if properties.mean_is_optimal else "yes, for t"
        detail = f"convex, and the mean gradient is 0 where the prediction{through} is {what}"
        return Finding("proper", verdict, PROVED, detail)
    if properties.target in ("probability", "signs") and sampler.is_elementwise:
        found = _of_outcomes(properties, sampler)
        if found is not None:
            return found
    if constant.how == "link":
        detail = f"the mean gradient is 0 where the prediction{through} is the mean, which need not be least"
        return Finding("proper", "stationary", PROVED, detail)
    if constant.statistic and properties.curvature == "unproved":
        return Finding("proper", "stationary", PROVED, f"at {constant.statistic}")
    if constant.statistic:
        detail = f"the best constant is {constant.statistic}"
        return Finding("proper", "for another statistic", PROVED, detail)
    return Finding("proper", "unknown", UNDECIDED, "no statistic of the targets is known to be best")


def _of_outcomes(properties: Properties, sampler: Sampler) -> Finding | None:
    """Targets that are yes with some chance: the best prediction against that chance."""
    low = -1.0 if properties.target == "signs" else 0.0
    found = []
    for chance in CHANCES:
        best = _best(sampler, low, chance)
        if best is None:
            return None
        found.append(best)
    shares = 1 / (1 + np.exp(-np.array(found))) if properties.link == "logit" else np.array(found)
    if properties.link != "logit" and properties.target == "signs":
        shares = (shares + 1) / 2
    wrong = max(zip(CHANCES, shares, strict=True), key=lambda pair: abs(pair[1] - pair[0]))
    if abs(wrong[1] - wrong[0]) < CLOSE:
        detail = f"the best predictions of {len(CHANCES)} chances are those chances{sampler.settings}"
        return Finding("proper", "seems so", SAMPLED, detail)
    chance, share = (number(round(each, 3)) for each in wrong)
    detail = f"a chance of {chance} is best predicted as {share}{sampler.settings}"
    pairs = zip(CHANCES, shares, strict=True)
    if all((share - 0.5) * (chance - 0.5) > 0 for chance, share in pairs if chance != 0.5):
        return Finding("proper", "calibrated only", SAMPLED, f"on the right side of 1/2, but {detail}")
    return Finding("proper", "no", SAMPLED, detail)


def _best(sampler: Sampler, low: float, chance: float) -> float | None:
    """The prediction with the least expected loss: the lowest of a grid, then where the slope turns."""
    grid = sampler.grid(0.0)
    values = [_expected(sampler, low, chance, p) for p in grid[::2]]
    best = 2 * int(np.argmin([value for value, _ in values]))
    if not np.isfinite(values[best // 2][0]):
        return None
    left, right = grid[max(best - 2, 0)], grid[min(best + 2, len(grid) - 1)]
    for _ in range(STEPS):
        middle = (left + right) / 2
        if _expected(sampler, low, chance, middle)[1] > 0:
            right = middle
        else:
            left = middle
    return (left + right) / 2


def _expected(sampler: Sampler, low: float, chance: float, p: float) -> tuple[float, float]:
    """The expected loss and its slope."""
    yes, no = sampler.seen((1.0,), (p,), 1), sampler.seen((low,), (p,), 1)
    if yes is None or no is None:
        return np.inf, 0.0
    slope = chance * yes.gradient[0] + (1 - chance) * no.gradient[0]
    return chance * yes.value + (1 - chance) * no.value, slope
