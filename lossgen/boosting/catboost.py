"""CatBoost on the CPU: objectives for `loss_function`, metrics for `eval_metric`, the baseline.

CatBoost maximises: derivatives are those of minus the loss. One output comes in blocks of a thousand rows,
several outputs one row at a time, from several threads in turn. Without `no_jit` CatBoost would try to
compile the methods, and warn. Errors come back as CatBoostError with their text inside.
"""

from typing import Any

import numpy as np

from lossgen.boosting.checks import check_start
from lossgen.boosting.objective import TWO_CLASSES, Metric, Objective
from lossgen.errors import ObjectiveError, ShapeError
from lossgen.runtime.door import missing
from lossgen.runtime.loss import Loss

try:
    from catboost import MultiTargetCustomMetric, MultiTargetCustomObjective, Pool
except ImportError as error:
    raise missing("CatBoost", "lossgen.boosting.catboost", error) from error


class CatBoostObjective(Objective):
    """An objective of CatBoost for one output, or for classes (a loss of labels). See `Objective`.

    CatBoost wants an `eval_metric` beside it. Several classes: "MultiClass", or a `CatBoostMetric` and
    `class_names`, without which a classifier does not know its classes either.
    """

    no_jit = True  # read by CatBoost

    def calc_ders_range(self, approxes, targets, weights) -> np.ndarray:
        """Minus the derivatives of rows, (n, 2): what CatBoost calls for one output."""
        not_of_labels(self)
        y, weight = self._checked(targets, approxes, weights, some=False)
        derivatives = np.empty((2, len(approxes)))
        self.derivatives(y, approxes, weight, (derivatives[0], derivatives[1]))
        return np.negative(derivatives, derivatives).T

    def calc_ders_multi(self, approxes, target, weight) -> tuple[np.ndarray, np.ndarray]:
        """Minus gradient (k,) and Hessian (k, k) of one row: what CatBoost calls for several outputs.

        With the policy "exact" the Hessian is the whole matrix, otherwise a diagonal one.
        """
        raw, y, row_weight = approxes[None], np.asarray(target)[None], np.array([weight], np.float64)
        y, row_weight = self._checked(y, raw, row_weight, some=False)
        derivatives = np.empty((2, 1, raw.size))
        self.derivatives(y, raw, row_weight, (derivatives[0], derivatives[1]))
        np.negative(derivatives, derivatives)
        if self.hessian != "exact" or self.loss.properties.diagonal:
            return derivatives[0, 0], np.diag(derivatives[1, 0])
        matrix = self.loss.hessian_matrix(y, raw, row_weight)[0]
        return derivatives[0, 0], -self.hessian_scale * matrix

    def set_start(self, pool: Pool, start: Any = None) -> Any:
        """Sets the baseline of a Pool, and returns it: CatBoost starts there but does not keep it.

        Args:
            pool: the one to train on; for evaluation sets call it again with the start that it returned.
            start: None for the optimal constant of the Pool's own labels and weights.

        Raises:
            TargetError, LabelError, WeightError: labels or weights that the loss cannot be trained on.
            ShapeError, ObjectiveError: a start that is not finite, or not one number a class.
        """
        if start is None:
            start = self.start(np.asarray(pool.get_label(), np.float64), np.asarray(pool.get_weight()))
        start = self._given(start, None if self.loss.properties.target == "labels" else 1)
        pool.set_baseline(np.broadcast_to(start, (pool.num_row(), *start.shape)).copy())
        return float(start) if start.ndim == 0 else start

    def add_start(self, model: Any, start: Any) -> None:
        """Makes the start the model's bias, so that it has it wherever it is loaded.

        Args:
            model: one that was trained with this start as baseline.
            start: what `set_start` or `start` returned.

        Raises:
            ObjectiveError: a start that is not finite, or a model that has a scale or bias already.
            ShapeError: a start that does not hold one number for each raw score of a row.
        """
        leaves = model.get_tree_leaf_counts().sum()
        start = self._given(start, len(model.get_leaf_values()) // leaves if leaves else None)
        scale, bias = model.get_scale_and_bias()
        if scale != 1 or np.any(bias):
            raise ObjectiveError(f"The model has a scale and bias already: {scale}, {bias}.")
        model.set_scale_and_bias(1, start.tolist())

    def predict(self, model: Any, X: Any, start: Any = None, **arguments: Any) -> np.ndarray:
        """Predictions: the inverse link of raw scores plus the start (probabilities, means).

        Args:
            model: a CatBoost model, trained or loaded.
            X: features, or a Pool; the baseline of a Pool, which CatBoost adds, stands for the start.
            start: what `set_start` or `start` returned; None where there was none, or after `add_start`.
            arguments: as for the model's own `predict` (ntree_end …).
        """
        if isinstance(X, Pool) and np.size(X.get_baseline()):
            start = None
        raw = np.asarray(model.predict(X, prediction_type="RawFormulaVal", **arguments))
        return self._from_raw(raw, start)


class CatBoostMultiObjective(CatBoostObjective, MultiTargetCustomObjective):
    """An objective for targets (n, outputs), beside `eval_metric="MultiRMSE"` or `CatBoostMultiMetric`.

    Args:
        offset: None, or raw scores (outputs,) to which those of the trees are added: the start, for which
            CatBoost takes no baseline.
    """

    def __init__(
        self, loss: Loss, hessian: str | None = None, hessian_scale: float = 1.0, *, offset: Any = None
    ):
        super().__init__(loss, hessian, hessian_scale)
        self.offset = np.zeros(()) if offset is None else self._given(offset)

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self), self._arguments(), self.offset)

    def calc_ders_multi(self, approxes, target, weight) -> tuple[np.ndarray, np.ndarray]:
        """See `CatBoostObjective`."""
        return super().calc_ders_multi(moved(approxes, self.offset), target, weight)

    def set_start(self, pool: Pool, start: Any = None) -> Any:
        """CatBoost refuses a baseline for targets (n, outputs).

        Raises:
            ObjectiveError: always; says what to do instead.
        """
        raise ObjectiveError(
            "CatBoost takes no baseline for several targets: make another objective, "
            "CatBoostMultiObjective(loss, offset=objective.start(y)), and a metric with the same offset."
        )


class CatBoostMetric(Metric):
    """A metric of CatBoost for one output, or for classes: `eval_metric`."""

    no_jit = True  # read by CatBoost

    def evaluate(self, approxes, target, weight) -> tuple[float, float]:
        """The sum of the weighted losses, and of the weights."""
        if len(approxes) == 1:
            not_of_labels(self)
        raw = approxes[0] if len(approxes) == 1 else np.stack(approxes, axis=1)
        return self.sum_and_weight(target, raw, weight)

    def get_final_error(self, error: float, weight: float) -> float:
        """The mean."""
        return error / weight if weight else 0.0

    def is_max_optimal(self) -> bool:
        """Less is better."""
        return False


class CatBoostMultiMetric(CatBoostMetric, MultiTargetCustomMetric):
    """A metric of CatBoost for targets (n, outputs).

    Args:
        offset: as for the objective.
    """

    def __init__(self, loss: Loss, *, offset: Any = None):
        super().__init__(loss)
        given = 0.0 if offset is None else offset
        self.offset = check_start(self.name, loss.properties, given)

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self), (self.loss,), self.offset)

    def evaluate(self, approxes, target, weight) -> tuple[float, float]:
        """The sum of the weighted losses, and of the weights."""
        raw = moved(np.stack(approxes, axis=1), self.offset)
        return self.sum_and_weight(np.stack(target, axis=1), raw, weight)


def not_of_labels(one: Objective | Metric) -> None:
    """Refuses a loss of labels where CatBoost has one raw score a row.

    Raises:
        ObjectiveError: says which parameters CatBoost needs, or which loss.
    """
    if one.loss.properties.target == "labels":
        raise ObjectiveError(
            f"CatBoost {TWO_CLASSES.format(name=type(one.loss).__name__)} For more classes name them, "
            "class_names=[0, 1, 2], or say eval_metric='MultiClass'."
        )


def moved(raw: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Raw scores plus the offset.

    Raises:
        ShapeError: there are not as many numbers as outputs.
    """
    if offset.size not in (1, raw.shape[-1]):
        raise ShapeError(
            f"`offset` must hold one number for each of {raw.shape[-1]} outputs. "
            f"Received: {offset.size} numbers"
        )
    return raw + offset


def _remade(kind: type, arguments: tuple, offset: Any) -> Any:
    return kind(*arguments, offset=offset)
