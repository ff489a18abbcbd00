"""scikit-learn: `HistGradientBoosting*(loss=sklearn_loss(loss))`, and a scorer on raw scores.

The estimators take an instance of `sklearn._loss.loss.BaseLoss`, a private class: its module may change with
every release. All that is taken from it is imported at the top of this file.
"""

from typing import Any

import numpy as np

from lossgen.boosting.checks import check_targets
from lossgen.boosting.objective import TWO_CLASSES, Metric, Objective
from lossgen.boosting.team import team_of
from lossgen.errors import MissingLibraryError, ObjectiveError
from lossgen.runtime.door import missing
from lossgen.runtime.loss import Loss
from lossgen.runtime.properties import Properties
from lossgen.runtime.weights import guarded_product

try:
    import sklearn
except ImportError as error:
    raise missing("scikit-learn", "lossgen.boosting.sklearn", error) from error

try:
    from sklearn._loss.link import BaseLink, Interval
    from sklearn._loss.loss import BaseLoss
    from sklearn.utils import _openmp_helpers
except ImportError as error:
    raise MissingLibraryError(
        f"`lossgen.boosting.sklearn` uses private modules of scikit-learn, and version {sklearn.__version__} "
        f"has others ({error}). It was tried with 1.4 to 1.9."
    ) from error


RAW_SCORES = {
    "xgboost": {"output_margin": True},
    "lightgbm": {"raw_score": True},
    "catboost": {"prediction_type": "RawFormulaVal"},
}
"""What `predict` of an estimator is told, to give raw scores."""


class SklearnLoss(BaseLoss):
    """A loss for scikit-learn's histogram boosting.

    Args:
        loss, hessian, hessian_scale: see `lossgen.boosting.objective.Objective`.
        classes: for losses of labels, how many classes there are; None for one more than the largest label
            that it is fitted to.
        start: None for the optimal constant; else the raw score to start from, or one for each class.
        leaves: "newton": a leaf is what gradient and Hessian say. "line_search": it is the optimal constant
            of its residuals, as scikit-learn has it for the absolute error; for losses of the residual only.
            None for a line search where the loss has no curvature and is one of the residual, and no start is
            given.

    Raises:
        CurvatureError, ObjectiveError: as `Objective`; a line search for a loss that is not one of the
            residual, or with a start.
    """

    def __init__(
        self,
        loss: Loss,
        hessian: str | None = None,
        hessian_scale: float = 1.0,
        *,
        classes: int | None = None,
        start: Any = None,
        leaves: str | None = None,
    ):
        self.objective = Objective(loss, hessian, hessian_scale)
        self.metric = Metric(loss)
        self.classes, self.leaves = classes, leaves
        self.is_multiclass = loss.properties.target == "labels"
        columns = classes if self.is_multiclass else 1
        self.given_start = None if start is None else self.objective._given(start, columns)
        super().__init__(closs=None, link=InverseLink(loss), n_classes=classes)
        self.approx_hessian = self.objective.hessian != "exact"
        if start is not None and leaves == "line_search":
            raise ObjectiveError("A line search takes the optimal constant of a leaf: it takes no `start`.")
        self.differentiable = start is not None or not searches(loss, leaves)

    def __reduce__(self) -> tuple[Any, ...]:
        named = {"classes": self.classes, "start": self.given_start, "leaves": self.leaves}
        return _remade, (self.objective._arguments(), named, self.n_classes)

    @property
    def properties(self) -> Properties:
        """What is known of the loss."""
        return self.objective.loss.properties

    def __repr__(self) -> str:
        return f"sklearn_loss{repr(self.objective).removeprefix('Objective')}"

    # What the estimators call, with their names of arguments. Raw scores are float64, (n, 1) or (n, classes)
    # in Fortran order; places for results are float32, (n,) or (n, classes).

    def fit_intercept_only(self, y_true, sample_weight=None) -> np.ndarray:
        """The optimal constant, float64: of the targets, or in a line search of the residuals in a leaf."""
        start = self.given_start
        if start is None:
            start = self.objective.start(y_true, sample_weight, classes=self.classes)
        start = np.asarray(start, np.float64)
        if self.is_multiclass:
            if start.size == 2:
                raise ObjectiveError(f"scikit-learn {TWO_CLASSES.format(name=self.objective.name)}")
            found = int(check_targets(self.objective.name, self.properties, y_true, start.size).max()) + 1
            if found < start.size:
                raise ObjectiveError(
                    f"There are to be {start.size} classes (`classes` or `start`), and scikit-learn, which "
                    f"numbers the labels that it finds in `y`, has only {found}. Leave `classes` away."
                )
            self.n_classes = start.size
        return start

    def init_gradient_and_hessian(self, n_samples, dtype=np.float64, order="F"):
        """Places for the results; a training begins, with targets that have not been looked through."""
        self.objective.forget()
        return super().init_gradient_and_hessian(n_samples, dtype, order)

    def gradient_hessian(
        self,
        y_true,
        raw_prediction,
        sample_weight=None,
        gradient_out=None,
        hessian_out=None,
        n_threads=1,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Gradient and Hessian of every row, written in place where there is a place."""
        raw, given = flat(raw_prediction), (gradient_out, hessian_out)
        dtype = next((out.dtype for out in given if out is not None), raw.dtype)
        places = tuple(np.empty(raw.shape, dtype, "F") if out is None else out for out in given)
        with team_of(_openmp_helpers.__file__):
            out = tuple(map(flat, places))
            self.objective.gradient_and_hessian(y_true, raw, sample_weight, out, once=True)
        return places

    def gradient(self, y_true, raw_prediction, sample_weight=None, gradient_out=None, n_threads=1):
        """The gradient of every row."""
        return self.gradient_hessian(y_true, raw_prediction, sample_weight, gradient_out)[0]

    def loss(self, y_true, raw_prediction, sample_weight=None, loss_out=None, n_threads=1) -> np.ndarray:
        """The loss of every row, times its weight."""
        losses = self.metric.losses(y_true, flat(raw_prediction))
        if sample_weight is not None:
            losses = guarded_product(np.asarray(sample_weight, losses.dtype), losses)
        if loss_out is None:
            return losses
        loss_out[...] = losses
        return loss_out

    @property
    def predict_proba(self) -> Any:
        """The function that gives the probabilities of all classes, (n, classes), of raw scores.

        Raises:
            AttributeError: the link of the loss does not give probabilities.
        """
        link = self.properties.link
        if link not in ("logit", "softmax"):
            raise AttributeError(
                f"{self.objective.name} has the link {link!r}, which gives no probabilities: take "
                "`predict` or `decision_function`."
            )
        return self._probabilities

    def _probabilities(self, raw_prediction: np.ndarray) -> np.ndarray:
        raw = flat(raw_prediction)
        if raw.ndim == 1:
            raw = np.stack([-raw, raw], axis=1)
        return self.objective.loss.inverse_link(raw)


class InverseLink(BaseLink):
    """The link of a loss, as the estimators ask for it."""

    interval_y_pred = Interval(-np.inf, np.inf, False, False)

    def __init__(self, loss: Loss):
        self.loss = loss

    def inverse(self, raw_prediction, out=None) -> np.ndarray:
        """Predictions of raw scores."""
        found = self.loss.inverse_link(raw_prediction)
        if out is None:
            return found
        out[...] = found
        return out

    def link(self, y_pred, out=None):
        """Not known: histogram boosting takes the start from `fit_intercept_only`."""
        raise NotImplementedError("Take fit_intercept_only for the start.")


class SklearnMetric(Metric):
    """A scorer: minus the mean of a loss on raw scores, for estimators of boosters and their searches.

    Of LightGBM and CatBoost it sees what the trees say, without a start that is not in the model.

    Args:
        loss: a loss in raw scores.
    """

    def __call__(self, estimator, X, y, sample_weight=None) -> float:
        """Minus the weighted mean of the losses; more is better.

        Args:
            estimator: `HistGradientBoosting*` or an estimator of XGBoost, LightGBM or CatBoost, fitted, or a
                pipeline that ends with one.

        Raises:
            ObjectiveError: an estimator of another library, whose `predict` may or may not give raw scores. A
                search makes NaN of it, unless it is told error_score="raise".
        """
        last = getattr(estimator, "_final_estimator", estimator)
        libraries = [kind.__module__.partition(".")[0] for kind in type(last).__mro__]
        asking = next((RAW_SCORES[name] for name in libraries if name in RAW_SCORES), None)
        if asking is None and libraries[0] != "sklearn":
            raise ObjectiveError(
                "`sklearn_metric` scores estimators of scikit-learn, XGBoost, LightGBM and CatBoost. "
                f"Received: {type(last).__name__}"
            )
        classes = getattr(estimator, "classes_", ())
        if len(classes):
            order = np.argsort(classes)  # CatBoost's class_names have any
            y = order[np.searchsorted(classes, y, sorter=order)]
        if asking is not None:
            raw = estimator.predict(X, **asking)
        elif hasattr(estimator, "decision_function"):
            raw = estimator.decision_function(X)
        else:
            raw = estimator.predict(X)
            if self.loss.properties.link == "log":
                raw = np.log(raw)
        return -self.mean(y, np.asarray(raw, np.float64), sample_weight)


def searches(loss: Loss, leaves: str | None) -> bool:
    """Whether leaves are found by a line search, see `SklearnLoss`."""
    if leaves not in (None, "newton", "line_search"):
        raise ObjectiveError(f"`leaves` must be None, 'newton' or 'line_search'. Received: {leaves!r}")
    if leaves == "line_search" and not is_of_the_residual(loss):
        raise ObjectiveError(
            f"A line search sees only the residuals of a leaf, and {loss!r} is not a loss of the residual. "
            "Take leaves='newton'."
        )
    if leaves is None:
        return loss.properties.curvature == "zero" and is_of_the_residual(loss)
    return leaves == "line_search"


def is_of_the_residual(loss: Loss) -> bool:
    """Whether the loss stays the same, to the last bit, when target and prediction move together.

    Looked up at quarters moved by whole numbers, whose differences are exact.
    """
    if loss.properties.target != "real" or loss.properties.link != "identity":
        return False
    y, p = (each.reshape(-1, 1) for each in np.meshgrid(np.arange(-5, 5.25, 0.25), np.arange(-5, 5.25, 0.25)))
    return all(np.array_equal(loss.call(y, p), loss.call(y + move, p + move)) for move in (-7.0, 3.0, 64.0))


def flat(array: np.ndarray) -> np.ndarray:
    """(n, 1) as (n,), a view."""
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def _remade(arguments: tuple, named: dict[str, Any], classes: int | None) -> SklearnLoss:
    made = SklearnLoss(*arguments, **named)
    made.n_classes = classes
    return made


sklearn_loss = SklearnLoss
sklearn_metric = SklearnMetric
