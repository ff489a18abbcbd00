"""LightGBM: both APIs, memory order, weights, initial scores, metrics, starts added to saved models."""

import copy
import pickle

import numpy as np
import pytest
from requiring import require

lightgbm = require("lightgbm")

from booster_data import CASES, Watched, agrees, classes, outputs, regression, weights, yes_or_no  # noqa: E402

from lossgen.boosting import lightgbm_metric, lightgbm_objective  # noqa: E402
from lossgen.errors import LabelError, ObjectiveError, ShapeError, TargetError, WeightError  # noqa: E402
from lossgen.losses import (  # noqa: E402
    BinaryCrossentropy,
    Expectile,
    Gamma,
    Huber,
    PoissonNLL,
    SparseCategoricalCrossentropy,
    Tweedie,
)

QUIET = {"num_threads": 2, "verbosity": -1, "deterministic": True}
NAMES = {"logistic": "binary", "poisson": "poisson", "squared": "regression", "softmax": "multiclass"}


def dataset(features, y, weight=None, **arguments):
    return lightgbm.Dataset(features, y, weight=weight, free_raw_data=False, **arguments)


def train(objective, data, rounds=5, /, **params):
    return lightgbm.train({**QUIET, "objective": objective, **params}, data, rounds)


def of_classes(case):
    return {"num_class": 3} if case == "softmax" else {}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_what_lightgbm_is_given_is_the_formula(case, weighted):
    loss, data, derivatives = CASES[case]
    features, y = data()
    weight = weights(len(y)) if weighted else None
    learn = dataset(features, y, weight)
    objective = lightgbm_objective(loss)
    watched = Watched(objective)
    calls = watched.calls  # LightGBM copies its parameters
    start = objective.set_start(learn)
    train(lambda raw, data: watched(raw, data), learn, 3, **of_classes(case))
    assert len(calls) == 3
    np.testing.assert_array_equal(calls[0][0], np.broadcast_to(start, calls[0][0].shape))
    for raw, _, _, found in calls:
        assert found[0].flags.f_contiguous and found[1].flags.f_contiguous
        agrees(found, derivatives(y, raw), weight)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_both_apis_grow_the_same_trees(case, weighted):
    loss, data, _ = CASES[case]
    features, y = data()
    weight = weights(len(y)) if weighted else None
    objective = lightgbm_objective(loss)
    learn = dataset(features, y, weight)
    start = objective.set_start(learn)
    native = train(objective, learn, **of_classes(case))
    kind = lightgbm.LGBMClassifier if case in ("logistic", "softmax") else lightgbm.LGBMRegressor
    estimator = kind(n_estimators=5, objective=objective, **QUIET)
    estimator.fit(features, y, sample_weight=weight, init_score=objective.init_score(start, len(y)))
    predicted = objective.predict(native, features, start)
    np.testing.assert_allclose(predicted, objective.predict(estimator, features, start), rtol=1e-6)
    assert predicted.shape == ((len(y), 3) if case == "softmax" else y.shape)


@pytest.mark.parametrize(
    ("name", "loss", "scale", "params"),
    [
        ("binary", BinaryCrossentropy(from_logits=True), 1.0, {}),
        ("multiclass", SparseCategoricalCrossentropy(from_logits=True), 3 / 2, {"num_class": 3}),
        ("regression", Expectile(0.5), 1.0, {}),
        ("poisson", PoissonNLL(), np.exp(0.7), {}),
        ("gamma", Gamma(), 1.0, {}),
        ("tweedie", Tweedie(rho=1.3), 1.0, {"tweedie_variance_power": 1.3}),
    ],
)
def test_the_built_in_objective_grows_the_same_trees(name, loss, scale, params):
    features, y = {"binary": yes_or_no, "multiclass": classes}.get(name, regression)()
    objective = lightgbm_objective(loss, hessian_scale=scale)
    learn = dataset(features, y)
    start = objective.set_start(learn)
    if name == "multiclass":  # its start has no influence on trees, as it moves all classes
        learn.set_init_score(objective.init_score(start, len(y)))
    own = train(objective, learn, 20, **params)
    built_in = train(name, dataset(features, y), 20, **params)
    close = np.isclose(objective.predict(own, features, start), built_in.predict(features), rtol=1e-4)
    assert np.mean(close) > 0.99


def test_several_outputs():
    features, y = outputs()
    rows = np.arange(len(y))
    objective = lightgbm_objective(Expectile(0.5), targets=y)
    learn = dataset(features, rows)
    start = objective.set_start(learn)
    np.testing.assert_allclose(start, y.mean(axis=0), rtol=1e-6)
    both = train(objective, learn, num_class=2)
    predicted = objective.predict(both, features, start)
    for column in range(2):
        one = lightgbm_objective(Expectile(0.5))
        alone = dataset(features, y[:, column])
        one_start = one.set_start(alone)
        np.testing.assert_allclose(
            one.predict(train(one, alone), features, one_start), predicted[:, column], rtol=1e-5, atol=1e-4
        )
    estimator = lightgbm.LGBMRegressor(
        n_estimators=5, objective=objective, num_class=2, metric="none", **QUIET
    )
    estimator.fit(features, rows, init_score=objective.init_score(start, len(y)))
    np.testing.assert_allclose(objective.predict(estimator, features, start), predicted, rtol=1e-6)
    again = pickle.loads(pickle.dumps(objective))
    np.testing.assert_array_equal(again(rows, y)[0], np.zeros_like(y))
    metric = lightgbm_metric(Expectile(0.5), targets=y)
    name, value, more_is_better = metric(np.array([3, 0]), y[[3, 0]] + 2.0)
    assert (name, value, more_is_better) == ("expectile", pytest.approx(2), False)
    with pytest.raises(ShapeError, match="LightGBM: pass the table as `targets=`"):
        lightgbm_metric(Expectile(0.5))(np.array([3.0, 0]), y[[3, 0]])
    for wrong in (rows + 1, rows - 0.5):
        with pytest.raises(ShapeError, match="which row of `targets`"):
            objective(wrong, y)


def test_row_numbers_that_float32_cannot_hold():
    table = np.broadcast_to(np.zeros(2), (2**24 + 1, 2))
    with pytest.raises(ShapeError, match="at most 16777216 rows"):
        lightgbm_objective(Expectile(0.5), targets=table)
    with pytest.raises(ShapeError, match="at most 16777216 rows"):
        lightgbm_metric(Expectile(0.5), targets=table)


def test_metrics_and_early_stopping():
    features, y = yes_or_no()
    weight = weights(len(y))
    loss = BinaryCrossentropy(from_logits=True)
    objective, metric = lightgbm_objective(loss), lightgbm_metric(loss)
    learn = dataset(features[:400], y[:400], weight[:400])
    valid = dataset(features[400:], y[400:], weight[400:], reference=learn)
    start = objective.set_start(learn)
    assert objective.set_start(valid, start) == start
    seen = {}
    callbacks = [lightgbm.early_stopping(5, verbose=False), lightgbm.record_evaluation(seen)]
    model = lightgbm.train({**QUIET, "objective": objective, "metric": "none"}, learn, 300,
                           valid_sets=[valid], feval=metric, callbacks=callbacks)  # fmt: skip
    stopped = model.best_iteration
    assert 5 < stopped < 295
    best = objective.predict(model, features[400:], start)
    entropy = -np.average(np.log(np.where(y[400:] == 1, best, 1 - best)), weights=weight[400:])
    assert seen["valid_0"]["binary_crossentropy"][stopped - 1] == pytest.approx(entropy, rel=1e-6)

    estimator = lightgbm.LGBMClassifier(n_estimators=300, objective=objective, metric="none", **QUIET)
    estimator.fit(
        features[:400], y[:400], sample_weight=weight[:400], init_score=objective.init_score(start, 400),
        eval_set=[(features[400:], y[400:])], eval_sample_weight=[weight[400:]],
        eval_init_score=[objective.init_score(start, len(y) - 400)], eval_metric=metric,
        callbacks=[lightgbm.early_stopping(5, verbose=False)],
    )  # fmt: skip
    assert estimator.best_iteration_ == stopped


@pytest.mark.parametrize("case", CASES)
def test_the_start_can_be_added_to_the_model(case, tmp_path):
    loss, data, _ = CASES[case]
    features, y = data()
    objective = lightgbm_objective(loss)
    learn = dataset(features, y)
    start = objective.set_start(learn)
    model = train(objective, learn, **of_classes(case))
    predicted = objective.predict(model, features, start)
    objective.add_start(model, start)
    model.save_model(tmp_path / "model.txt")
    loaded = lightgbm.Booster(model_file=tmp_path / "model.txt")
    np.testing.assert_allclose(objective.predict(loaded, features), predicted, rtol=1e-9)


def test_a_start_is_added_once_and_only_if_it_fits():
    features, y = regression()
    objective = lightgbm_objective(Expectile(0.5))
    learn = dataset(features, y)
    start = objective.set_start(learn)
    model = train(objective, learn)
    before = model.model_to_string()
    for wrong in (None, np.nan, np.inf):
        with pytest.raises(ObjectiveError, match="start of Expectile must be finite"):
            objective.add_start(model, wrong)
        with pytest.raises(ObjectiveError, match="must be finite"):
            objective.init_score(wrong, 3)
    for wrong in ([1.0, 2.0], [], "mean", [[1.0]]):
        with pytest.raises(ShapeError, match="start of Expectile must be a number"):
            objective.add_start(model, wrong)
        with pytest.raises(ShapeError, match="there is 1"):
            objective.set_start(learn, wrong)
    assert model.model_to_string() == before
    objective.add_start(model, [start])
    with pytest.raises(ObjectiveError, match="has a start already"):
        objective.add_start(model, start)
    with pytest.raises(ObjectiveError, match="must be finite"):
        objective.predict(model, features, np.nan)
    with pytest.raises(ObjectiveError, match="no trees"):
        objective.add_start(lightgbm.Booster({**QUIET, "objective": "none"}, learn), start)


def test_starts_of_classes():
    features, y = classes()
    objective = lightgbm_objective(SparseCategoricalCrossentropy(from_logits=True))
    learn = dataset(features, y)
    with pytest.raises(ShapeError, match="one number a class"):
        objective.set_start(learn, 0.0)
    with pytest.raises(LabelError, match="labels 0 … 1"):
        objective.set_start(learn, [0.0, 0.0])


@pytest.mark.parametrize("params", [{"boosting": "dart"}, {"linear_tree": True}])
def test_no_start_is_added_to_trees_that_are_no_sum_of_constants(params):
    features, y = regression()
    objective = lightgbm_objective(Expectile(0.5))
    model = train(objective, dataset(features, y, params=params), **params)
    with pytest.raises(ObjectiveError, match=r"objective.predict\(model, X, start\)"):
        objective.add_start(model, 1.0)


def test_cross_validation_and_continued_training():
    features, y = yes_or_no()
    loss = BinaryCrossentropy(from_logits=True)
    objective = lightgbm_objective(loss)
    params = {**QUIET, "objective": objective, "metric": "none"}
    learn = dataset(features, y)
    objective.set_start(learn)
    folds = lightgbm.cv(params, learn, 5, nfold=3, feval=lightgbm_metric(loss))
    assert (np.diff(folds["valid binary_crossentropy-mean"]) < 0).all()
    half = lightgbm.train(params, dataset(features, y), 5)
    whole = lightgbm.train(params, dataset(features, y), 5, init_model=half)
    at_once = lightgbm.train(params, dataset(features, y), 10)
    np.testing.assert_allclose(whole.predict(features), at_once.predict(features), rtol=1e-6)


def test_copies_and_pickles():
    objective = lightgbm_objective(Huber(delta=3.0), hessian="ones", hessian_scale=2.0)
    y, raw = np.array([0, 3, 5], np.float32), np.array([0, 0.5, -2])
    for again in (pickle.loads(pickle.dumps(objective)), copy.deepcopy(objective)):
        np.testing.assert_array_equal(again(y, raw), objective(y, raw))
    features, y = regression()
    estimator = lightgbm.LGBMRegressor(n_estimators=2, objective=objective, verbosity=-1).fit(features, y)
    again = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(again.predict(features), estimator.predict(features))


class TestBadData:
    """Is refused when training begins, and when the start is set, with the name of the argument."""

    def refused(self, loss, y, error, message, weight=None, **params):
        objective, features = lightgbm_objective(loss), np.arange(len(y))[:, None]
        with pytest.raises(error, match=message):
            objective.set_start(dataset(features, y, weight))
        with pytest.raises(error, match=message):
            train(objective, dataset(features, y, weight), **params, min_data_in_bin=1, min_data_in_leaf=1)

    def test_targets(self):
        logistic = BinaryCrossentropy(from_logits=True)
        self.refused(PoissonNLL(), [1.0, -2.0], TargetError, r"`y_true` of PoissonNLL .* y_true\[1\] = -2")
        self.refused(logistic, [0.0, 1, 2], TargetError, r"from 0 to 1; 1 of 3 .* y_true\[2\] = 2")
        self.refused(Gamma(), [0.0, 1], TargetError, r"above 0; .* y_true\[0\] = 0")
        with pytest.raises(TargetError, match="no label"):
            lightgbm_objective(logistic).set_start(lightgbm.Dataset(np.zeros((3, 1))))

    def test_labels(self):
        sparse = SparseCategoricalCrossentropy(from_logits=True)
        self.refused(sparse, [0, 0.5, 1], LabelError, r"y_true\[1\] = 0.5", num_class=3)
        features = np.arange(90)[:, None]
        with pytest.raises(LabelError, match=r"labels 0 … 2, .* y_true\[2\] = 3"):
            train(lightgbm_objective(sparse), dataset(features, [0, 1, 3] * 30), num_class=3)
        with pytest.raises(ShapeError, match="num_class"):
            train(lightgbm_objective(sparse), dataset(features, [0, 1, 2] * 30))

    def test_weights(self):
        self.refused(PoissonNLL(), [1, 2], WeightError, "0 everywhere", weight=[0, 0])
        self.refused(PoissonNLL(), [1, 2], WeightError, r"sample_weight\[1\] = -1", weight=[1, -1])


def test_labels_that_are_set_anew_are_looked_through_anew():
    features, y = regression()
    learn, objective = dataset(features, np.abs(y)), lightgbm_objective(PoissonNLL())
    train(objective, learn, 2)
    learn.set_label(np.where(np.arange(len(y)) == 3, -1, np.abs(y)))
    with pytest.raises(TargetError, match=r"y_true\[3\] = -1"):
        objective(np.zeros(len(y)), learn)
