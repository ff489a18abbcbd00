"""How each booster calls an objective and trains with one: what `benchmarks.boosting` times.

Each class makes a data set and the scores as its booster hands them over, an objective of lossgen and one
written in NumPy, and trains with either or with a built-in one by name.
"""

import numpy as np

from .objectives import Objective

TRAINING_ROUNDS = 50
THREADS = 2


class XGBoost:
    """Calls and trainings as XGBoost makes them."""

    def dataset(self, features, y):
        import xgboost

        return xgboost.DMatrix(features, y)

    def scores(self, raw: np.ndarray) -> np.ndarray:
        return raw.astype(np.float32)

    def objective(self, loss):
        from lossgen.boosting import xgboost_objective

        return xgboost_objective(loss)

    def numpy(self, each: Objective):
        return lambda raw, data: each.numpy(labels_like(data.get_label(), raw), raw)

    def train(self, each: Objective, dataset, objective) -> None:
        import xgboost

        params = {"nthread": THREADS, "verbosity": 0, "base_score": 0.5}
        if each.classes > 1:
            params["num_class"] = each.classes
        if isinstance(objective, str):
            xgboost.train({**params, "objective": objective}, dataset, TRAINING_ROUNDS)
        else:
            params |= {"disable_default_eval_metric": True}
            xgboost.train(params, dataset, TRAINING_ROUNDS, obj=objective)


class LightGBM:
    """Calls and trainings as LightGBM makes them."""

    def dataset(self, features, y):
        import lightgbm

        return lightgbm.Dataset(features, y, params={"verbose": -1}, free_raw_data=False).construct()

    def scores(self, raw: np.ndarray) -> np.ndarray:
        return np.asfortranarray(raw, np.float64)

    def objective(self, loss):
        from lossgen.boosting import lightgbm_objective

        return lightgbm_objective(loss)

    def numpy(self, each: Objective):
        return lambda raw, data: each.numpy(labels_like(data.get_label(), raw), raw)

    def train(self, each: Objective, dataset, objective) -> None:
        import lightgbm

        params = {"num_threads": THREADS, "verbose": -1, "objective": objective}
        if each.classes > 1:
            params["num_class"] = each.classes
        lightgbm.train(params, dataset, TRAINING_ROUNDS)


class CatBoost:
    """Calls and trainings as CatBoost makes them. It asks for several classes one row at a time: not here."""

    def dataset(self, features, y):
        import catboost

        return catboost.Pool(features, y)

    def objective(self, loss):
        from lossgen.boosting import CatBoostObjective

        return CatBoostObjective(loss)

    def numpy(self, each: Objective):
        class Written:
            no_jit = True

            def calc_ders_range(self, approxes, targets, weights):
                gradient, hessian = each.numpy(np.asarray(targets), np.asarray(approxes))
                return np.stack([-gradient, -hessian], axis=1)

        return Written()

    def train(self, each: Objective, dataset, objective) -> None:
        import catboost

        params = {
            "loss_function": objective, "iterations": TRAINING_ROUNDS, "thread_count": THREADS,
            "leaf_estimation_iterations": 1, "leaf_estimation_method": "Newton", "learning_rate": 0.1,
            "allow_writing_files": False, "boost_from_average": False, "verbose": False,
        }  # fmt: skip
        if not isinstance(objective, str):
            params["eval_metric"] = "RMSE"  # CatBoost wants one
        catboost.CatBoost(params).fit(dataset)


class Sklearn:
    """Calls and trainings as scikit-learn's histogram boosting makes them."""

    def dataset(self, features, y):
        return features, y

    def objective(self, loss):
        from lossgen.boosting import sklearn_loss

        return sklearn_loss(loss)

    def own(self, each: Objective):
        from sklearn._loss import loss

        further = {"HalfMultinomialLoss": {"n_classes": each.classes}}.get(each.built_in["sklearn"], {})
        return getattr(loss, each.built_in["sklearn"])(**further)

    def train(self, each: Objective, dataset, objective) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        kind = HistGradientBoostingRegressor
        if each.loss in ("BinaryCrossentropy", "SparseCategoricalCrossentropy"):
            kind = HistGradientBoostingClassifier
        kind(loss=objective, max_iter=TRAINING_ROUNDS, early_stopping=False).fit(*dataset)


BOOSTERS = {"xgboost": XGBoost, "lightgbm": LightGBM, "catboost": CatBoost, "sklearn": Sklearn}


def labels_like(labels: np.ndarray, raw: np.ndarray) -> np.ndarray:
    """Labels in the dtype of the scores, as a careful person would write it; a view where they have it."""
    return labels.astype(raw.dtype, copy=False)
