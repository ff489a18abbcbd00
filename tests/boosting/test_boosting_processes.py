"""Objectives in other processes: scikit-learn's searches, Dask's workers; and what an import brings along."""

import subprocess
import sys

import numpy as np
import pytest
from booster_data import regression, weights, yes_or_no
from requiring import require
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import lossgen as lg
from lossgen.losses import BinaryCrossentropy, PoissonNLL

OWN = lg.compile(lg.declare("boosted_fourth_power", lg.Mean((lg.y_pred - lg.y_true) ** 4)))


def xgboost_estimator(loss):
    from lossgen.boosting import xgboost_objective

    xgboost = require("xgboost")
    return xgboost.XGBRegressor(objective=xgboost_objective(loss), n_estimators=3, n_jobs=1, base_score=5.0)


def lightgbm_estimator(loss):
    from lossgen.boosting import lightgbm_objective

    lightgbm = require("lightgbm")
    return lightgbm.LGBMRegressor(objective=lightgbm_objective(loss), n_estimators=3, n_jobs=1, verbosity=-1)


def catboost_estimator(loss):
    from lossgen.boosting import CatBoostMetric, CatBoostObjective

    catboost = require("catboost")
    return catboost.CatBoostRegressor(
        loss_function=CatBoostObjective(loss), eval_metric=CatBoostMetric(loss), iterations=3, thread_count=1,
        verbose=False, allow_writing_files=False, random_seed=0,
    )  # fmt: skip


ESTIMATORS = {
    "xgboost": (xgboost_estimator, "max_depth"), "lightgbm": (lightgbm_estimator, "max_depth"),
    "catboost": (catboost_estimator, "depth"),
}  # fmt: skip


@pytest.mark.parametrize("library", ESTIMATORS)
def test_a_search_with_two_processes(library):
    make, depth = ESTIMATORS[library]
    features, y = regression()
    alone = GridSearchCV(make(PoissonNLL()), {depth: [2, 3]}, cv=2, error_score="raise").fit(features, y)
    search = GridSearchCV(make(PoissonNLL()), {depth: [2, 3]}, cv=2, error_score="raise", n_jobs=2)
    search.fit(features, y)
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"], rtol=1e-9
    )


@pytest.mark.parametrize("library", ESTIMATORS)
def test_estimators_are_cloned(library):
    make, depth = ESTIMATORS[library]
    features, y = regression()
    estimator = make(OWN())
    again = clone(estimator).set_params(**{depth: 4})
    np.testing.assert_array_equal(
        again.fit(features, y).predict(features),
        clone(estimator).set_params(**{depth: 4}).fit(features, y).predict(features),
    )


@pytest.mark.xdist_group("dask workers")
@pytest.mark.parametrize("loss", [BinaryCrossentropy(from_logits=True), OWN()], ids=["catalogue", "own"])
def test_on_two_workers(loss):
    distributed, da = require("distributed"), require("dask.array")
    xgboost = require("xgboost")
    from xgboost import dask as on_dask

    from lossgen.boosting import xgboost_metric, xgboost_objective

    features, y = yes_or_no()
    # Few values a feature: bins are the same, however the workers cut them.
    tenths = [np.digitize(each, np.quantile(each, np.arange(0.1, 1, 0.1))) for each in features.T]
    features, weight = np.stack(tenths, axis=1).astype(np.float32), weights(len(y)) + 0.5
    objective, metric = xgboost_objective(loss), xgboost_metric(loss)
    params = {"verbosity": 0, "nthread": 1, "max_depth": 3, **objective.parameters(y, weight)}
    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**settings) as cluster, distributed.Client(cluster) as client:
        blocks = [da.from_array(each, chunks=(285, *each.shape[1:])) for each in (features, y, weight)]
        data = on_dask.DaskDMatrix(client, blocks[0], blocks[1], weight=blocks[2])
        found = on_dask.train(
            client, params, data, 5, obj=objective, custom_metric=metric, evals=[(data, "learn")]
        )
        together = on_dask.predict(client, found["booster"], blocks[0]).compute()
        late = da.from_array(np.where(np.arange(len(y)) < 285, 0, weight), chunks=285)
        data = on_dask.DaskDMatrix(client, blocks[0], blocks[1], weight=late)
        on_dask.train(client, params, data, 2, obj=objective)  # one share counts nothing
    alone = {}
    matrix = xgboost.DMatrix(features, y, weight=weight)
    at_once = xgboost.train(
        params, matrix, 5, obj=objective, custom_metric=metric, evals=[(matrix, "learn")],
        evals_result=alone, verbose_eval=False,
    )  # fmt: skip
    assert np.mean(np.isclose(together, at_once.predict(matrix), rtol=1e-4)) > 0.99
    # XGBoost takes the mean of the workers' means.
    np.testing.assert_allclose(found["history"]["learn"][metric.name], alone["learn"][metric.name], rtol=0.1)


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("xgboost_objective", ["lightgbm", "catboost"]),
        ("lightgbm_objective", ["xgboost", "catboost"]),
        ("CatBoostObjective", ["xgboost", "lightgbm"]),
        ("sklearn_loss", ["xgboost", "lightgbm", "catboost"]),
    ],
)
def test_an_import_brings_one_booster_only(name, others):
    code = (
        f"import sys, lossgen.boosting; assert not {{'sklearn', 'numba'}} & set(sys.modules)\n"
        f"from lossgen.boosting import {name}\nprint([each for each in {others} if each in sys.modules])"
        "\nassert 'sympy' not in sys.modules"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stderr


@pytest.mark.parametrize(
    ("library", "name"),
    [
        ("xgboost", "xgboost_metric"),
        ("lightgbm", "lightgbm_metric"),
        ("catboost", "CatBoostMetric"),
        ("sklearn", "sklearn_metric"),
    ],
)
def test_a_missing_booster_is_named(library, name):
    code = (
        f"import sys, lossgen.errors; sys.modules['{library}'] = None\n"
        f"try:\n    from lossgen.boosting import {name}\n"
        "except lossgen.errors.MissingLibraryError as error:\n    print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert f'pip install "lossgen[{library}]"' in run.stdout, run.stderr


def test_a_scikit_learn_with_other_private_modules_is_named():
    code = (
        "import sys, lossgen.errors, sklearn; sys.modules['sklearn._loss.link'] = None\n"
        "try:\n    from lossgen.boosting import sklearn_loss\n"
        "except lossgen.errors.MissingLibraryError as error:\n    print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "private modules of scikit-learn" in run.stdout, run.stderr
