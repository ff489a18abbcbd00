"""Losses as objectives and metrics of XGBoost, LightGBM, CatBoost and scikit-learn's histogram boosting.

A table of names: each booster is imported when one of its names is used, and no other one is.
"""

from importlib import import_module
from typing import TYPE_CHECKING

_HOMES = {
    "xgboost_objective": "lossgen.boosting.xgboost",
    "xgboost_metric": "lossgen.boosting.xgboost",
    "lightgbm_objective": "lossgen.boosting.lightgbm",
    "lightgbm_metric": "lossgen.boosting.lightgbm",
    "CatBoostObjective": "lossgen.boosting.catboost",
    "CatBoostMultiObjective": "lossgen.boosting.catboost",
    "CatBoostMetric": "lossgen.boosting.catboost",
    "CatBoostMultiMetric": "lossgen.boosting.catboost",
    "sklearn_loss": "lossgen.boosting.sklearn",
    "sklearn_metric": "lossgen.boosting.sklearn",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:  # the table once more for type checkers and editors
    from lossgen.boosting.catboost import CatBoostMetric as CatBoostMetric
    from lossgen.boosting.catboost import CatBoostMultiMetric as CatBoostMultiMetric
    from lossgen.boosting.catboost import CatBoostMultiObjective as CatBoostMultiObjective
    from lossgen.boosting.catboost import CatBoostObjective as CatBoostObjective
    from lossgen.boosting.lightgbm import lightgbm_metric as lightgbm_metric
    from lossgen.boosting.lightgbm import lightgbm_objective as lightgbm_objective
    from lossgen.boosting.sklearn import sklearn_loss as sklearn_loss
    from lossgen.boosting.sklearn import sklearn_metric as sklearn_metric
    from lossgen.boosting.xgboost import xgboost_metric as xgboost_metric
    from lossgen.boosting.xgboost import xgboost_objective as xgboost_objective
else:

    def __getattr__(name: str):
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(_HOMES)
