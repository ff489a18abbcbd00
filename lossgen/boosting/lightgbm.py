"""LightGBM: objectives for `params["objective"]` and `LGBM*(objective=…)`, metrics, the initial score.

LightGBM calls both with two arguments in its native API, (raw scores, Dataset), and with (labels, raw scores,
weights) in scikit-learn's, where it counts the parameters of the signature: three of them. Raw scores are
float64 in Fortran order; float32 results in the same order are taken without a copy.
"""

from typing import Any

import numpy as np

from lossgen.boosting.checks import check_targets, how_many_outside
from lossgen.boosting.objective import Metric, Objective
from lossgen.boosting.team import team_of
from lossgen.errors import ObjectiveError, ShapeError, TargetError
from lossgen.runtime.door import missing
from lossgen.runtime.loss import Loss

try:
    import lightgbm
    from lightgbm import Booster, Dataset
except ImportError as error:
    raise missing("LightGBM", "lossgen.boosting.lightgbm", error) from error


ADDED = "lossgen_start"
"""The attribute that we give a Booster whose leaves have a start; it is not saved with the model."""

MOST_ROWS = 2**24
"""Whole numbers up to this one are told apart in float32, in which LightGBM keeps labels."""


class LightGBMObjective(Objective):
    """An objective of LightGBM, for both of its APIs. See `Objective` for the first three arguments.

    Args:
        targets: None, or (n, outputs): targets of several outputs, which the label of a Dataset, one number a
            row, cannot hold. The label then says which row of `targets` is meant: `np.arange(n)`, or those of
            a split.
    """

    def __init__(
        self,
        loss: Loss,
        hessian: str | None = None,
        hessian_scale: float = 1.0,
        *,
        targets: Any = None,
    ):
        super().__init__(loss, hessian, hessian_scale)
        self.targets = table(targets)

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self), self._arguments(), {"targets": self.targets})

    def __call__(self, y_true, y_pred, weight=None) -> tuple[np.ndarray, np.ndarray]:
        """(raw scores, Dataset), or (labels, raw scores, weights) → gradient and Hessian like the scores.

        Weights are applied, those of the Dataset in the native API.
        """
        y, raw, weight = unpacked(y_true, y_pred, weight, self.targets)
        with team_of(lightgbm.basic._LIB):
            once = isinstance(y_pred, Dataset) and isinstance(y, np.ndarray) and self.targets is None
            return self.gradient_and_hessian(y, raw, weight, once=once)

    def start(self, y_true, sample_weight=None, *, classes: int | None = None) -> Any:
        """See `Objective.start`; where there are `targets`, `y_true` are labels, rows of them."""
        return super().start(looked_up(y_true, self.targets), sample_weight, classes=classes)

    def init_score(self, start: Any, rows: int) -> np.ndarray:
        """The start for each of so many rows: `init_score` of a Dataset, or of an estimator's `fit`."""
        start = self._given(start, self._columns)
        return np.broadcast_to(start, (rows, *start.shape)).copy()

    @property
    def _columns(self) -> int | None:
        """How many raw scores a row has; None for classes."""
        if self.targets is not None:
            return self.targets.shape[1]
        return None if self.loss.properties.target == "labels" else 1

    def set_start(self, dataset: Dataset, start: Any = None) -> Any:
        """Sets the initial score of a Dataset, and returns it: LightGBM starts there but does not keep it.

        Args:
            dataset: the one to train on; for validation sets call it again with the start that it returned.
            start: None for the optimal constant of the Dataset's own labels and weights.

        Raises:
            TargetError, LabelError, WeightError: labels or weights that the loss cannot be trained on.
            ShapeError, ObjectiveError: a start that is not finite, or not one number for each output.
        """
        label = field(dataset, "label")
        if label is None:
            raise TargetError("The Dataset has no label, so there is nothing to start from.")
        if start is None:
            start = self.start(label, field(dataset, "weight"))
        elif self.loss.properties.target == "labels":
            start = self._given(start)
            check_targets(self.name, self.loss.properties, label, start.size)
        dataset.set_init_score(self.init_score(start, len(label)))
        return start

    def add_start(self, model: Any, start: Any) -> None:
        """Adds the start to the leaves of the model's first trees, so that it has it wherever it is loaded.

        Args:
            model: a Booster or an estimator that was trained with this start as initial score.
            start: what `set_start` or `start` returned.

        Raises:
            ObjectiveError: a start that is not finite; a Booster to which it has been added before (one that
                was loaded does not remember); a model without trees, or whose trees are reweighted (dart) or
                have linear leaves.
            ShapeError: a start that does not hold one number for each tree of a round.
        """
        booster = booster_of(model)
        starts = self._given(start, booster.num_model_per_iteration()).reshape(-1)
        if hasattr(booster, ADDED):
            raise ObjectiveError(f"The model has a start already: {getattr(booster, ADDED)}.")
        if not booster.num_trees():
            raise ObjectiveError("The model has no trees to which a start could be added.")
        text = booster.model_to_string(num_iteration=1)
        if "\nis_linear=1" in text or "[boosting: dart]" in text:
            raise ObjectiveError(
                "The start can be added to trees with one weight and constant leaves, not to those of "
                "boosting=dart or linear_tree. Add it to predictions: objective.predict(model, X, start)."
            )
        for tree, value in enumerate(starts):
            for leaf in range(booster.dump_model(num_iteration=1)["tree_info"][tree]["num_leaves"]):
                booster.set_leaf_output(tree, leaf, booster.get_leaf_output(tree, leaf) + value)
        setattr(booster, ADDED, starts.tolist())

    def predict(self, model: Any, X: Any, start: Any = None, **arguments: Any) -> np.ndarray:
        """Predictions: the inverse link of raw scores plus the start (probabilities, means).

        Args:
            model: a Booster or an estimator, trained or loaded.
            X: features.
            start: what `set_start` or `start` returned; None where there was none, or after `add_start`.
            arguments: as for the model's own `predict` (num_iteration …).
        """
        return self._from_raw(np.asarray(model.predict(X, raw_score=True, **arguments)), start)


class LightGBMMetric(Metric):
    """A metric of LightGBM: `feval` of `lgb.train`, `eval_metric` of an estimator's `fit`.

    It sees the initial score of the data set that it is asked for: give validation sets theirs.

    Args:
        loss: a loss in raw scores.
        targets: as for the objective; labels of validation sets are rows of them, too.
    """

    def __init__(self, loss: Loss, *, targets: Any = None):
        super().__init__(loss)
        self.targets = table(targets)
        self.__name__ = self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self), (self.loss,), {"targets": self.targets})

    def __call__(self, y_true, y_pred, weight=None) -> tuple[str, float, bool]:
        """(raw scores, Dataset), or (labels, raw scores, weights) → name, value, and that less is better."""
        return self.name, self.mean(*unpacked(y_true, y_pred, weight, self.targets)), False


def unpacked(first, second, weight, targets: np.ndarray | None):
    """Targets, raw scores and weights, whichever API has called."""
    if isinstance(second, Dataset):
        y, raw, weight = second.get_label(), first, second.get_weight()
    else:
        y, raw = first, np.asarray(second)
    return looked_up(y, targets), raw, weight


def looked_up(label, targets: np.ndarray | None) -> Any:
    """The rows of `targets` that labels name; without targets the labels."""
    if targets is None:
        return label
    rows = np.asarray(label)
    if rows.ndim != 1 or how_many_outside(rows, 0.0, len(targets) - 1.0, True):
        raise ShapeError(
            f"Labels must say which row of `targets` is meant, 0 … {len(targets) - 1}: np.arange(n). "
            f"Received: labels of shape {rows.shape}"
        )
    return targets[rows.astype(np.int64)]


def table(targets: Any) -> np.ndarray | None:
    """The `targets` argument as an array."""
    if targets is None:
        return None
    found = np.asarray(targets)
    if found.ndim != 2:
        raise ShapeError(f"`targets` must have shape (n, outputs). Received: targets of shape {found.shape}")
    if len(found) > MOST_ROWS:
        raise ShapeError(
            f"`targets` must have at most {MOST_ROWS} rows: LightGBM keeps labels in float32, which does not "
            f"tell the numbers of more rows apart. Train a model for each output. Received: {len(found)} rows"
        )
    return found


def field(dataset: Dataset, name: str) -> Any:
    """Label or weight of a Dataset; one that is not constructed stays so, to be able to take parameters."""
    if dataset._handle is None:
        found = getattr(dataset, name)
        return None if found is None else np.asarray(found)
    return dataset.get_label() if name == "label" else dataset.get_weight()


def booster_of(model: Any) -> Booster:
    """The Booster of an estimator, or the Booster."""
    return model if isinstance(model, Booster) else model.booster_


def _remade(kind: type, arguments: tuple, named: dict[str, Any]) -> Any:
    return kind(*arguments, **named)


lightgbm_objective = LightGBMObjective
lightgbm_metric = LightGBMMetric
