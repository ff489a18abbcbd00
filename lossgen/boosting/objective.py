"""What the objectives and metrics of all boosters have in common; knows no booster."""

import weakref
from typing import Any

import numpy as np

from lossgen.boosting.checks import check_columns, check_start, check_targets, check_weight
from lossgen.errors import ObjectiveError
from lossgen.runtime.labels import label_array
from lossgen.runtime.loss import Loss
from lossgen.runtime.raw import RawDerivatives

IN_RAW_SCORES = {"Poisson": "PoissonNLL()"}
"""What to take instead of a loss of the catalogue whose prediction is a mean."""


TWO_CLASSES = (
    "grows one tree a round for two classes, and {name} takes a raw score for each. Take a loss for targets "
    "0 and 1, BinaryCrossentropy(from_logits=True)."
)
"""What to say after the name of a booster where a loss of labels meets two classes."""


class Unchanging:
    """An object that a copy is itself: scikit-learn's `clone` and CatBoost copy what they are given.

    CatBoost's estimators copy their parameters whenever they are asked for them, and `clone` takes that for a
    constructor that changes its arguments.
    """

    def __copy__(self):
        return self

    def __deepcopy__(self, memo: dict[int, Any]):
        return self


class Seen:
    """Which targets and weights have been looked through, for raw scores of which shape; keeps no array."""

    def __init__(self, y: np.ndarray, weight: np.ndarray | None, shape: tuple[int, ...]):
        self.y, self.shape = weakref.ref(y), shape
        self.weight = None if weight is None else weakref.ref(weight)

    def are(self, y: np.ndarray, weight: np.ndarray | None, shape: tuple[int, ...]) -> bool:
        """Whether these are the same arrays."""
        known = None if self.weight is None else self.weight()
        return self.y() is y and known is weight and self.shape == shape


class Objective(Unchanging):
    """Gradient and Hessian of a loss as one booster wants them, and where to start.

    Its methods change nothing that shows. It is pickled as the loss and its arguments.

    Args:
        loss: a loss compiled from its formula, in raw scores. Its `reduction` plays no part: boosters add up
            rows. Where its columns do not meet, each output is a problem of its own, without the 1/C of a
            mean.
        hessian: "exact", "absolute", "clipped", "fisher", "upper_bound" or "ones"; None for "exact" where
            the loss is convex and for "ones" where its Hessian is 0.
        hessian_scale: positive number that multiplies the Hessian.

    Raises:
        CurvatureError: the Hessian can be negative and no policy was named; says where and which to take.
        ObjectiveError: the loss does not take raw scores; says what to write instead.
    """

    def __init__(self, loss: Loss, hessian: str | None = None, hessian_scale: float = 1.0):
        self.loss = in_raw_scores(loss)
        self.derivatives = RawDerivatives(loss, hessian, hessian_scale)
        self.name = type(loss).__name__
        self._seen: Seen | None = None

    @property
    def hessian(self) -> str:
        """The policy in use."""
        return self.derivatives.policy

    @property
    def hessian_scale(self) -> float:
        """What the Hessian is multiplied by."""
        return self.derivatives.hessian_scale

    def _arguments(self) -> tuple[Any, ...]:
        return self.loss, self.hessian, self.hessian_scale

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments()

    def __repr__(self) -> str:
        scale = f", hessian_scale={self.hessian_scale:g}" if self.hessian_scale != 1 else ""
        return f"{type(self).__name__}({self.loss!r}, hessian={self.hessian!r}{scale})"

    def start(self, y_true, sample_weight=None, *, classes: int | None = None) -> Any:
        """The constant raw score with the least loss: where the booster should begin.

        Args:
            y_true: targets, (n,) or (n, outputs), or one label a row.
            sample_weight: None, or one weight a row.
            classes: for labels, how many classes there are; None for one more than the largest label.

        Returns:
            A number, or one for each output or class (float64), see `Loss.optimal_constant`.

        Raises:
            TargetError, LabelError, WeightError: data that the loss cannot be trained on; names the argument.
            ConstantError: the loss has no best constant.
        """
        y = check_targets(self.name, self.loss.properties, y_true)
        weight = check_weight(sample_weight, len(y))
        start = np.asarray(self.loss.optimal_constant(y, weight, classes=classes), np.float64)
        return float(start) if start.ndim == 0 else start

    def gradient_and_hessian(
        self, y_true, raw, weight=None, out=None, *, once: bool = False, some: bool = True
    ) -> tuple[np.ndarray, np.ndarray]:
        """Both of every row, checked: in the shape and memory order of the raw scores, float32.

        Args:
            once: whether targets and weights are arrays of a booster, which hands over the same ones in every
                round: their numbers are looked through when they are first seen.
            some: whether at least one weight has to be above 0; not in a share of the data.
        """
        known = once and self._seen is not None and self._seen.are(y_true, weight, raw.shape)
        y, given = self._checked(y_true, raw, weight, some, known)
        if once and not known:
            self._seen = Seen(y_true, weight, raw.shape)
        return self.derivatives(y, raw, given, out)

    def forget(self) -> None:
        """Targets and weights will be looked through again, even if they are the same arrays."""
        self._seen = None

    def _checked(self, y_true, raw: np.ndarray, weight, some: bool = True, known: bool = False):
        """Targets and weights that fit the raw scores."""
        properties = self.loss.properties
        classes = raw.shape[1] if properties.target == "labels" and raw.ndim == 2 else None
        y = check_targets(self.name, properties, y_true, classes, known)
        check_columns(self.name, properties, y, raw)
        y = y if classes or y.shape == raw.shape else y.reshape(raw.shape)
        return y, check_weight(weight, len(raw), some, known)

    def _from_raw(self, raw: np.ndarray, start: Any = None) -> np.ndarray:
        """Predictions: the inverse link of raw scores, to which the start is added."""
        if start is not None:
            start = self._given(start, 1 if raw.ndim == 1 else raw.shape[1])
            raw = raw + (start if raw.ndim == 1 else start.reshape(-1)).astype(raw.dtype)
        return self.loss.inverse_link(raw)

    def _given(self, start: Any, columns: int | None = None) -> np.ndarray:
        """A start that somebody names, checked, see `check_start`."""
        return check_start(self.name, self.loss.properties, start, columns)


class Metric(Unchanging):
    """The mean of a loss over rows, in raw scores, for evaluation and early stopping. Smaller is better.

    Args:
        loss: a loss in raw scores; its `reduction` plays no part.

    Raises:
        ObjectiveError: the loss does not take raw scores; says what to write instead.
    """

    def __init__(self, loss: Loss):
        self.loss = in_raw_scores(loss)
        self.name = loss.name
        self._sums = type(loss)(**{**loss.get_config(portable=False), "reduction": "mean_with_sample_weight"})

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.loss,)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.loss!r})"

    def mean(self, y_true, raw, weight=None) -> float:
        """The weighted mean of the losses of all rows."""
        total, count = self.sum_and_weight(y_true, raw, weight)
        return total / count if count else 0.0

    def sum_and_weight(self, y_true, raw: np.ndarray, weight=None) -> tuple[float, float]:
        """The weighted sum of the losses and the sum of the weights."""
        total, count = self._sums.sum_and_weight(*self._in_rows(y_true, raw), weight)
        return float(total), float(count)

    def losses(self, y_true, raw: np.ndarray) -> np.ndarray:
        """The loss of every row, unweighted."""
        return self._sums.call(*self._in_rows(y_true, raw))

    def _in_rows(self, y_true, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Targets and raw scores as a loss takes them: (n, columns) in C order, labels (n,) as integers."""
        y, raw = np.asarray(y_true), np.ascontiguousarray(raw if raw.ndim == 2 else raw[:, None])
        labels = self.loss.properties.target == "labels"
        y = y.reshape(len(raw)) if labels and y.size == len(raw) else y
        check_columns(type(self.loss).__name__, self.loss.properties, y, raw)
        return (label_array(y) if labels else y.reshape(raw.shape)), raw


def in_raw_scores(loss: Any) -> Loss:
    """The loss, if a booster can be trained with it.

    Raises:
        ObjectiveError: it is none, is written by hand, couples rows, or takes no raw scores.
    """
    if not isinstance(loss, Loss):
        advice = f": pass an instance, {loss.__name__}()" if isinstance(loss, type) else ""
        raise ObjectiveError(f"`loss` must be a loss of lossgen{advice}. Received: {loss!r}")
    name = type(loss).__name__
    if not loss.is_compiled:
        raise ObjectiveError(
            f"{name} is written as code, so it has no Hessian. Declare it as a formula with @lg.loss and "
            "lg.compile, and lossgen derives it."
        )
    if any(scope not in (-1, (-1,), 1, (1,)) for scope in loss._plan.scopes):
        raise ObjectiveError(
            f"{loss!r} is no sum over rows of raw scores (rows, outputs): its axis is not the last one."
        )
    if getattr(loss, "ignore_class", None) is not None:
        raise ObjectiveError(
            f"{loss!r} ignores a label, and boosters know no rows that do not count: leave them out, or give "
            "them a weight of 0 and any label."
        )
    prediction = loss.properties.prediction
    if prediction != "real":
        if "from_logits" in type(loss).options:
            advice = f"Write {name}(from_logits=True)."
        elif name in IN_RAW_SCORES:
            advice = f"Take {IN_RAW_SCORES[name]}, which has a link."
        else:
            advice = "Declare it in the raw score, with its link: @lg.loss(link=…)."
        raise ObjectiveError(
            f"{loss!r} takes predictions of the domain {prediction!r}, but the raw scores of a booster are "
            f"any real numbers. {advice}"
        )
    return loss
