"""XGBoost: objectives for `xgb.train(obj=…)` and `XGB*(objective=…)`, metrics on raw margins, `base_score`.

XGBoost calls both with two arguments in its native API, (margins, DMatrix), and with (labels, margins[,
sample_weight]) in scikit-learn's; the second argument tells which.
"""

import ctypes
from typing import Any

import numpy as np

from lossgen.boosting.objective import TWO_CLASSES, Metric, Objective
from lossgen.boosting.team import team_of
from lossgen.errors import ObjectiveError
from lossgen.runtime.door import missing
from lossgen.runtime.loss import Loss

try:
    import xgboost
    from xgboost import Booster, DMatrix, XGBModel
except ImportError as error:
    raise missing("XGBoost", "lossgen.boosting.xgboost", error) from error

WITH_LINK = {"logit": "binary:logistic", "log": "reg:gamma", "identity": "reg:squarederror"}
"""A built-in objective whose transformation of margins is the inverse of the link.

Beside an objective of one's own it does nothing else, but for `base_score`, which is given in its terms.
"""

MAXIMISED = ("auc", "aucpr", "pre", "map", "ndcg", "auc@", "aucpr@", "pre@", "map@", "ndcg@")
"""What the name of a metric begins with that early stopping takes for one to be maximised."""


class XGBoostObjective(Objective):
    """An objective of XGBoost, for both of its APIs. See `Objective` for the arguments."""

    def __call__(self, y_true, y_pred, sample_weight=None) -> tuple[np.ndarray, np.ndarray]:
        """(margins, DMatrix), or (labels, margins, sample_weight) → gradient and Hessian, (n,) or (n, k).

        Weights are applied, those of the DMatrix in the native API.
        """
        y, raw, weight = unpacked(y_true, y_pred, sample_weight)
        alone = xgboost.collective.get_world_size() == 1
        with team_of(xgboost.core._LIB):
            return self.gradient_and_hessian(y, raw, weight, some=alone)

    def parameters(
        self,
        y_true,
        sample_weight=None,
        *,
        estimator: type | None = None,
        classes: int | None = None,
        start: Any = None,
    ) -> dict[str, Any]:
        """What `xgb.train`, or an estimator, needs beside the objective to start at the optimal constant.

        Args:
            y_true: targets, (n,) or (n, outputs), or labels 0 … K − 1.
            sample_weight: None, or one weight a row.
            estimator: None for `xgb.train(objective.parameters(y), data, obj=objective)`; the class of an
                estimator, which then is made by `XGBRegressor(**objective.parameters(y, estimator=…), …)`.
            classes: for labels, how many classes there are; None for one more than the largest label.
            start: None for the optimal constant; else the raw score to start from, or one for each output.

        Returns:
            base_score (a number, or one for each output) and disable_default_eval_metric; for an estimator
            the objective; for `xgb.train` num_class, if there are classes, and as objective a built-in one
            with the link of the loss, so that `predict` of the model, saved and loaded, gives predictions
            instead of margins (not so for soft targets of classes, which no built-in has).

        Raises:
            TargetError, LabelError, WeightError: data that the loss cannot be trained on; names the argument.
            ShapeError, ObjectiveError: a start that is not finite, or not one number for each output; an
                estimator of another library; a classifier with two classes and a loss of labels.
        """
        if estimator is not None and not (isinstance(estimator, type) and issubclass(estimator, XGBModel)):
            raise ObjectiveError(
                "`estimator` must be the class of an estimator of XGBoost, XGBRegressor or XGBClassifier. "
                f"Received: {estimator!r}"
            )
        if start is None:
            start = self.start(y_true, sample_weight, classes=classes)
        else:
            start = self._given(start, self._columns(y_true, classes))
        start = np.asarray(start, np.float64)
        found: dict[str, Any] = {"disable_default_eval_metric": True}
        if estimator is None:
            found |= self._built_in(start)
        else:
            from sklearn.base import ClassifierMixin

            found["objective"] = self
            if issubclass(estimator, ClassifierMixin) and start.size == 2 and self._of_labels:
                raise ObjectiveError(f"{estimator.__name__} {TWO_CLASSES.format(name=self.name)}")
            if issubclass(estimator, ClassifierMixin) and start.ndim == 0:
                found["base_score"] = sigmoid(start)  # the classifier sets binary:logistic
                return found
        if found["objective"] in ("binary:logistic", "reg:gamma"):
            start = self.loss.inverse_link(start)
        found["base_score"] = start.tolist()
        return found

    @property
    def _of_labels(self) -> bool:
        return self.loss.properties.target == "labels"

    def _columns(self, y_true, classes: int | None) -> int | None:
        """How many raw scores a row has, if that is known."""
        if self._of_labels:
            return classes
        shape = np.shape(y_true)
        return shape[1] if len(shape) == 2 else 1

    def _built_in(self, start: np.ndarray) -> dict[str, Any]:
        if self._of_labels:
            link = self.loss.properties.link
            kind = "multi:softprob" if link == "softmax" else "multi:softmax"  # the latter gives the class
            return {"objective": kind, "num_class": start.size}
        return {"objective": WITH_LINK.get(self.loss.properties.link, "reg:squarederror")}

    def raw_scores(self, model: Any, X: Any, **arguments: Any) -> np.ndarray:
        """Margins that a Booster or an estimator predicts; further arguments are those of its `predict`."""
        if isinstance(model, Booster) and not isinstance(X, DMatrix):
            X = DMatrix(X)
        return model.predict(X, output_margin=True, **arguments)

    def predict(self, model: Any, X: Any, **arguments: Any) -> np.ndarray:
        """Predictions: the inverse link of the margins (probabilities, means), which hold the start already.

        Args:
            model: a Booster or an estimator, trained or loaded.
            X: a DMatrix or features.
            arguments: as for the model's own `predict` (iteration_range …).
        """
        return self._from_raw(self.raw_scores(model, X, **arguments))


class XGBoostMetric(Metric):
    """A metric of XGBoost: `custom_metric` of `xgb.train`, `eval_metric` of an estimator."""

    def __init__(self, loss: Loss):
        super().__init__(loss)
        if self.name.startswith(MAXIMISED):
            self.name = f"loss_{self.name}"
        self.__name__ = self.name  # what the estimator reports it as

    def __call__(self, y_true, y_pred, sample_weight=None) -> Any:
        """(margins, DMatrix) → name and value; (labels, margins, sample_weight) → the value."""
        y, raw, weight = unpacked(y_true, y_pred, sample_weight)
        value = self.mean(y, raw, weight)
        return (self.name, value) if isinstance(y_pred, DMatrix) else value


def unpacked(first, second, sample_weight):
    """Targets, margins and weights, whichever API has called."""
    if isinstance(second, DMatrix):
        y, raw, sample_weight = lent(second, "label"), first, lent(second, "weight")
        sample_weight = sample_weight if sample_weight.size else None
    else:
        y, raw = first, np.asarray(second)
    if raw.ndim == 2 and np.shape(y) == (raw.size,):  # several targets on one line
        y = np.reshape(y, raw.shape)
    return y, raw, sample_weight


def lent(data: DMatrix, field: str) -> np.ndarray:
    """Labels or weights of a DMatrix where they are, on one line; a copy where XGBoost does not lend them.

    `get_label` copies, which takes half as long as a gradient and a Hessian.
    """
    find = getattr(xgboost.core._LIB, "XGDMatrixGetFloatInfo", None)
    length, address = ctypes.c_uint64(), ctypes.c_void_p()
    if find is None or find(data.handle, field.encode(), ctypes.byref(length), ctypes.byref(address)):
        return data.get_float_info(field)
    if not length.value:
        return np.empty(0, np.float32)
    return np.asarray(Lent(data, address.value, length.value))


class Lent:
    """Memory of a DMatrix as an array, which keeps the DMatrix."""

    def __init__(self, data: DMatrix, address: int, length: int):
        self.data = data
        self.__array_interface__ = {
            "data": (address, True),
            "shape": (length,),
            "typestr": np.dtype(np.float32).str,
            "version": 3,
        }


def sigmoid(x: np.ndarray) -> float:
    """1/(1 + e^−x), as a base score of XGBoost: within (0, 1) in float32."""
    return float(np.clip(1 / (1 + np.exp(-x)), 1e-38, 1 - 2.0**-24))


xgboost_objective = XGBoostObjective
xgboost_metric = XGBoostMetric
