"""CatBoost: blocks and single rows, signs, weights, full Hessians, baselines, metrics, biases of models."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from requiring import require

catboost = require("catboost")

from booster_data import CASES, classes, logistic, outputs, regression, softmax, weights, yes_or_no  # noqa: E402

from lossgen.boosting import (  # noqa: E402
    CatBoostMetric,
    CatBoostMultiMetric,
    CatBoostMultiObjective,
    CatBoostObjective,
)
from lossgen.errors import LabelError, ObjectiveError, ShapeError, TargetError, WeightError  # noqa: E402
from lossgen.losses import (  # noqa: E402
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Expectile,
    Huber,
    PoissonNLL,
    SparseCategoricalCrossentropy,
)

QUIET = {
    "iterations": 8, "verbose": False, "allow_writing_files": False, "thread_count": 2, "random_seed": 0,
    "depth": 3, "learning_rate": 0.2, "leaf_estimation_method": "Newton", "leaf_estimation_iterations": 1,
    "boost_from_average": False, "bootstrap_type": "No",
}  # fmt: skip


def train(objective, metric, pool, kind=catboost.CatBoost, **params):
    settings = {**QUIET, "loss_function": objective, "eval_metric": metric, **params}
    model = kind(settings) if kind is catboost.CatBoost else kind(**settings)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # CatBoost warns where it failed to compile a method
        return model.fit(pool)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", ["logistic", "poisson", "squared"])
def test_blocks_are_minus_the_derivatives(case, weighted):
    loss, data, derivatives = CASES[case]
    _, y = data()
    raw = np.random.default_rng(3).normal(size=len(y))
    weight = weights(len(y)) if weighted else None
    found = CatBoostObjective(loss).calc_ders_range(raw, y, weight)
    assert found.shape == (len(y), 2) and found.dtype == np.float64
    factor = 1 if weight is None else weight
    for column, right in enumerate(derivatives(y, raw)):
        np.testing.assert_allclose(found[:, column], -right * factor, rtol=1e-12, atol=1e-14)


def test_a_row_of_classes_has_its_full_hessian():
    loss = SparseCategoricalCrossentropy(from_logits=True)
    raw, weight = np.array([0.3, -1.0, 2.0]), 1.5
    gradient, hessian = CatBoostObjective(loss, hessian_scale=2.0).calc_ders_multi(raw, 2.0, weight)
    right, _ = softmax(np.array([2.0]), raw[None])
    share = right[0] + [0, 0, 1]
    np.testing.assert_allclose(gradient, -weight * right[0], rtol=1e-12)
    np.testing.assert_allclose(hessian, -2 * weight * (np.diag(share) - np.outer(share, share)), rtol=1e-12)
    _, bounded = CatBoostObjective(loss, hessian="ones").calc_ders_multi(raw, 2.0, weight)
    np.testing.assert_array_equal(bounded, -weight * np.eye(3))


@pytest.mark.parametrize(
    ("name", "loss", "data"),
    [
        ("Logloss", BinaryCrossentropy(from_logits=True), yes_or_no),
        ("RMSE", Expectile(0.5), regression),
        ("Poisson", PoissonNLL(), regression),
        ("Huber:delta=30", Huber(delta=30.0), regression),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_built_in_objective_grows_the_same_trees(name, loss, data, weighted):
    features, y = data()
    weight = weights(len(y)) if weighted else None
    pool = catboost.Pool(features, y, weight=weight)
    objective = CatBoostObjective(loss)
    start = objective.set_start(pool)
    own = train(objective, "RMSE" if name != "Logloss" else name, pool)
    built_in = train(name, name, pool)
    raw = own.predict(features, prediction_type="RawFormulaVal")
    expected = built_in.predict(features, prediction_type="RawFormulaVal")
    assert np.mean(np.isclose(raw, expected, rtol=1e-4, atol=1e-6 * np.abs(expected).max())) > 0.99
    predicted = objective.predict(own, features, start)
    np.testing.assert_allclose(objective.predict(own, pool, start), predicted, rtol=1e-6)
    np.testing.assert_allclose(predicted, loss.inverse_link(raw + start), rtol=1e-12)


@pytest.mark.parametrize("metric", ["MultiClass", "ours"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_built_in_softmax_grows_the_same_trees(metric, weighted):
    features, y = classes()
    pool = catboost.Pool(features, y, weight=weights(len(y)) if weighted else None)
    loss = SparseCategoricalCrossentropy(from_logits=True)
    objective = CatBoostObjective(loss)
    start = objective.set_start(pool)
    chosen = CatBoostMetric(loss) if metric == "ours" else metric
    own = train(objective, chosen, pool, catboost.CatBoostClassifier, classes_count=3)
    built_in = train("MultiClass", "MultiClass", pool)
    raw = own.predict(features, prediction_type="RawFormulaVal")
    expected = built_in.predict(features, prediction_type="RawFormulaVal")
    assert np.mean(np.isclose(raw, expected, rtol=1e-4, atol=1e-5).all(axis=1)) > 0.99
    predicted = objective.predict(own, features, start)
    assert np.mean(predicted.argmax(axis=1) == y) > 0.95
    (ours, value), = own.get_best_score()["learn"].items()
    entropy = -np.log(predicted[np.arange(len(y)), y.astype(int)])
    assert ours == ("CatBoostMetric" if metric == "ours" else metric)
    assert value == pytest.approx(np.average(entropy, weights=pool.get_weight()), rel=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
def test_several_outputs(weighted):
    features, y = outputs()
    pool = catboost.Pool(features, y, weight=weights(len(y)) if weighted else None)
    loss = Expectile(0.5)
    start = CatBoostMultiObjective(loss).start(y, pool.get_weight())
    np.testing.assert_allclose(start, np.average(y, axis=0, weights=pool.get_weight()), rtol=1e-6)
    objective = CatBoostMultiObjective(loss, offset=start)
    metric = pickle.loads(pickle.dumps(CatBoostMultiMetric(loss, offset=start)))
    own = train(pickle.loads(pickle.dumps(objective)), metric, pool, catboost.CatBoostRegressor)
    moved = catboost.Pool(features, y - start, weight=weights(len(y)) if weighted else None)
    built_in = train("MultiRMSE", "MultiRMSE", moved, catboost.CatBoostRegressor)
    predicted = objective.predict(own, features, start)
    assert np.mean(np.isclose(predicted, built_in.predict(features) + start, rtol=1e-4)) > 0.99
    (value,) = own.get_best_score()["learn"].values()
    errors = ((predicted - y) ** 2).mean(axis=1) / 2
    assert value == pytest.approx(np.average(errors, weights=pool.get_weight()), rel=1e-5)
    with pytest.raises(ObjectiveError, match="offset"):
        objective.set_start(pool)
    objective.add_start(own, start)
    np.testing.assert_allclose(objective.predict(own, features), predicted)


def test_soft_targets_of_classes():
    features, y = classes()
    soft = np.full((len(y), 3), 0.1, np.float32)
    soft[np.arange(len(y)), y.astype(int)] = 0.8
    loss = CategoricalCrossentropy(from_logits=True)
    pool = catboost.Pool(features, soft)
    start = CatBoostMultiObjective(loss).start(soft)
    objective = CatBoostMultiObjective(loss, offset=start)
    predicted = objective.predict(train(objective, "MultiRMSE", pool), features, start)
    np.testing.assert_allclose(predicted.sum(axis=1), 1)
    assert np.mean(predicted.argmax(axis=1) == y) > 0.95


def test_metrics_and_early_stopping():
    features, y = yes_or_no()
    weight = weights(len(y))
    loss = BinaryCrossentropy(from_logits=True)
    objective, metric = CatBoostObjective(loss), CatBoostMetric(loss)
    parts = [slice(400), slice(400, None)]
    learn, valid = (catboost.Pool(features[part], y[part], weight=weight[part]) for part in parts)
    start = objective.set_start(learn)
    assert objective.set_start(valid, start) == start
    settings = {**QUIET, "iterations": 400, "loss_function": objective, "eval_metric": metric}
    model = catboost.CatBoostClassifier(**settings)
    model.fit(learn, eval_set=valid, early_stopping_rounds=5)
    assert 5 < model.tree_count_ < 395 and model.tree_count_ == model.best_iteration_ + 1
    best = objective.predict(model, features[400:], start)
    entropy = -np.average(np.log(np.where(y[400:] == 1, best, 1 - best)), weights=weight[400:])
    assert model.best_score_["validation"]["CatBoostMetric"] == pytest.approx(entropy, rel=1e-6)


@pytest.mark.parametrize("case", ["poisson", "softmax"])
def test_the_start_can_be_made_the_bias_of_the_model(case, tmp_path):
    loss, data, _ = CASES[case]
    features, y = data()
    pool = catboost.Pool(features, y)
    objective = CatBoostObjective(loss)
    start = objective.set_start(pool)
    model = train(objective, "MultiClass" if case == "softmax" else "RMSE", pool)
    predicted = objective.predict(model, features, start)
    objective.add_start(model, start)
    model.save_model(str(tmp_path / "model.cbm"))
    loaded = catboost.CatBoost().load_model(str(tmp_path / "model.cbm"))
    np.testing.assert_allclose(objective.predict(loaded, features), predicted, rtol=1e-6)
    with pytest.raises(ObjectiveError, match="already"):
        objective.add_start(model, start)


@pytest.mark.parametrize("case", ["logistic", "softmax"])
def test_a_classifier_that_is_told_its_classes_predicts_them(case):
    loss, data, _ = CASES[case]
    features, y = data()
    objective, pool = CatBoostObjective(loss), catboost.Pool(features, y)
    start = objective.set_start(pool)
    names = [0, 1, 2] if case == "softmax" else [0, 1]
    model = train(objective, CatBoostMetric(loss), pool, catboost.CatBoostClassifier, class_names=names)
    objective.add_start(model, start)
    assert np.mean(model.predict(features).ravel() == y) > 0.95
    assert list(model.classes_) == names


@pytest.mark.parametrize("further", [{"classes_count": 2}, {"class_names": [0, 1]}, {}])
def test_two_classes_and_a_loss_of_labels(further):
    loss, pool = SparseCategoricalCrossentropy(from_logits=True), catboost.Pool(*yes_or_no())
    with pytest.raises(catboost.CatBoostError, match=r"BinaryCrossentropy\(from_logits=True\)"):
        train(CatBoostObjective(loss), CatBoostMetric(loss), pool, catboost.CatBoostClassifier, **further)
    with pytest.raises(ObjectiveError, match=r"BinaryCrossentropy\(from_logits=True\)"):
        CatBoostMetric(loss).evaluate([np.zeros(3)], np.zeros(3), None)


def test_a_start_must_fit():
    features, y = regression()
    objective, pool = CatBoostObjective(Expectile(0.5)), catboost.Pool(features, y)
    model = train(objective, "RMSE", pool)
    for wrong in (None, np.nan):
        with pytest.raises(ObjectiveError, match="must be finite"):
            objective.add_start(model, wrong)
    for use, target in (objective.add_start, model), (objective.set_start, pool):
        with pytest.raises(ShapeError, match="there is 1"):
            use(target, [1.0, 2.0])
    with pytest.raises(ObjectiveError, match="must be finite"):
        objective.set_start(pool, np.nan)
    for kind in (CatBoostMultiObjective, CatBoostMultiMetric):
        with pytest.raises(ObjectiveError, match="must be finite"):
            kind(Expectile(0.5), offset=[0.0, np.nan])
    table = outputs()[1]
    with pytest.raises(ShapeError, match="`offset` must hold one number for each of 2 outputs"):
        CatBoostMultiObjective(Expectile(0.5), offset=np.zeros(3)).calc_ders_multi(np.zeros(2), table[0], 1.0)
    with pytest.raises(ShapeError, match="`offset` must hold"):
        CatBoostMultiMetric(Expectile(0.5), offset=np.zeros(3)).evaluate(table.T, table.T, None)


def test_a_classifier_gives_the_probabilities_once_it_has_the_start():
    features, y = yes_or_no()
    objective = CatBoostObjective(BinaryCrossentropy(from_logits=True))
    pool = catboost.Pool(features, y)
    start = objective.set_start(pool)
    model = train(objective, "Logloss", pool, catboost.CatBoostClassifier)
    objective.add_start(model, start)
    probability = model.predict_proba(features)[:, 1]
    np.testing.assert_allclose(probability, objective.predict(model, features), rtol=1e-6)


def test_copies_and_pickles():
    y, raw = np.array([0, 3, 5], np.float32), np.array([0, 0.5, -2])
    for kind in (CatBoostObjective, CatBoostMultiObjective):
        objective = kind(PoissonNLL(), hessian="absolute", hessian_scale=2.0)
        for again in (pickle.loads(pickle.dumps(objective)), copy.deepcopy(objective)):
            assert type(again) is kind and repr(again) == repr(objective)
            np.testing.assert_array_equal(
                again.calc_ders_range(raw, y, None), objective.calc_ders_range(raw, y, None)
            )
    for kind in (CatBoostMetric, CatBoostMultiMetric):
        assert type(pickle.loads(pickle.dumps(kind(PoissonNLL())))) is kind
    loss = Expectile(0.5)
    model = train(CatBoostObjective(loss), CatBoostMetric(loss), catboost.Pool(*regression()))
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(regression()[0]), model.predict(regression()[0]))


def test_blocks_do_not_depend_on_where_they_are_cut():
    raw = np.random.default_rng(5).normal(size=5000)
    y = (raw > 0.3).astype(np.float32)
    objective = CatBoostObjective(BinaryCrossentropy(from_logits=True))
    whole = objective.calc_ders_range(raw, y, None)
    cuts = [slice(at, at + 999) for at in range(0, 5000, 999)]
    parts = [objective.calc_ders_range(raw[cut], y[cut], None) for cut in cuts]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    np.testing.assert_allclose(whole.T, np.negative(logistic(y, raw)), rtol=1e-12, atol=1e-15)


def test_a_block_of_rows_without_weight_is_no_error():
    found = CatBoostObjective(PoissonNLL()).calc_ders_range(np.zeros(2), np.ones(2, np.float32), np.zeros(2))
    np.testing.assert_array_equal(found, np.zeros((2, 2)))


class TestBadData:
    """Is refused when training begins, and when the start is set, with the name of the argument."""

    def refused(self, loss, y, error, message, weight=None, **params):
        objective = CatBoostObjective(loss)
        pool = catboost.Pool(np.arange(len(y))[:, None], y, weight=weight)
        with pytest.raises(error, match=message):
            objective.set_start(pool)
        with pytest.raises(catboost.CatBoostError, match=message):
            train(objective, "RMSE", pool, **params)

    def test_targets(self):
        logistic = BinaryCrossentropy(from_logits=True)
        self.refused(PoissonNLL(), [1.0, -2.0], TargetError, r"`y_true` of PoissonNLL .* y_true\[1\] = -2")
        self.refused(logistic, [0.0, 1, 2], TargetError, r"from 0 to 1; 1 of 3 .* y_true\[2\] = 2")

    def test_labels(self):
        sparse = CatBoostObjective(SparseCategoricalCrossentropy(from_logits=True))
        with pytest.raises(LabelError, match=r"y_true\[1\] = 0.5"):
            sparse.set_start(catboost.Pool(np.zeros((3, 1)), [0, 0.5, 1]))
        with pytest.raises(LabelError, match=r"labels 0 … 2, .* y_true\[0\] = 3"):
            sparse.calc_ders_multi(np.zeros(3), 3.0, 1.0)

    def test_weights(self):
        pool = catboost.Pool(np.zeros((2, 1)), [1, 2], weight=[1, 0])  # refuses bad ones itself
        assert CatBoostObjective(PoissonNLL()).set_start(pool) == 0
        for weight, message in ([0, 0], "0 everywhere"), ([1, -1], r"sample_weight\[1\] = -1"):
            with pytest.raises(WeightError, match=message):
                CatBoostObjective(PoissonNLL()).start([1, 2], weight)
