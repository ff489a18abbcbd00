"""XGBoost: both APIs, shapes, weights, starts, links, metrics, saved models."""

import copy
import pickle

import numpy as np
import pytest
from requiring import require
from sklearn.linear_model import LinearRegression

xgboost = require("xgboost")

from booster_data import CASES, Watched, agrees, classes, outputs, regression, weights, yes_or_no  # noqa: E402

from lossgen.boosting import xgboost_metric, xgboost_objective  # noqa: E402
from lossgen.errors import (  # noqa: E402
    ConstantError,
    LabelError,
    ObjectiveError,
    ShapeError,
    TargetError,
    WeightError,
)
from lossgen.losses import (  # noqa: E402
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Expectile,
    MeanAbsoluteError,
    MultiMargin,
    PoissonNLL,
    SparseCategoricalCrossentropy,
)

QUIET = {"nthread": 2, "verbosity": 0}
ESTIMATORS = {
    "logistic": xgboost.XGBClassifier, "poisson": xgboost.XGBRegressor, "squared": xgboost.XGBRegressor,
    "softmax": xgboost.XGBClassifier,
}  # fmt: skip


def train(objective, data, rounds=5, /, **params):
    return xgboost.train({**QUIET, **params}, data, rounds, obj=objective)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_what_xgboost_is_given_is_the_formula(case, weighted):
    loss, data, derivatives = CASES[case]
    features, y = data()
    weight = weights(len(y)) if weighted else None
    objective = Watched(xgboost_objective(loss))
    ours = xgboost_objective(loss).parameters(y, weight)
    train(objective, xgboost.DMatrix(features, y, weight=weight), 3, **ours)
    assert len(objective.calls) == 3
    for raw, _, _, found in objective.calls:
        agrees(found, derivatives(y, raw.astype(np.float64)), weight)
        assert found[0].flags.c_contiguous


@pytest.mark.parametrize("case", CASES)
def test_the_start_is_the_optimal_constant(case):
    loss, data, _ = CASES[case]
    features, y = data()
    weight = weights(len(y))
    objective = Watched(xgboost_objective(loss))
    train(objective, xgboost.DMatrix(features, y, weight=weight), 1,
          **objective.objective.parameters(y, weight))  # fmt: skip
    raw, _, _, (gradient, _) = objective.calls[0]
    slope = np.abs(gradient.sum(axis=0, dtype=np.float64)).max()
    assert (raw == raw[0]).all() and slope < 2e-6 * np.abs(gradient).sum()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_both_apis_grow_the_same_trees(case, weighted):
    loss, data, _ = CASES[case]
    features, y = data()
    weight = weights(len(y)) if weighted else None
    objective = xgboost_objective(loss)
    native = train(objective, xgboost.QuantileDMatrix(features, y, weight=weight),
                   **objective.parameters(y, weight))  # fmt: skip
    kind = ESTIMATORS[case]
    estimator = kind(n_estimators=5, n_jobs=2, **objective.parameters(y, weight, estimator=kind))
    estimator.fit(features, y, sample_weight=weight)
    predicted = objective.predict(native, features)
    np.testing.assert_allclose(predicted, objective.predict(estimator, features), rtol=1e-6)
    # The link of the built-in objective that is named beside ours is the link of the loss.
    np.testing.assert_allclose(predicted, native.predict(xgboost.DMatrix(features)), rtol=2e-6)
    if kind is xgboost.XGBClassifier:
        probability = estimator.predict_proba(features)
        expected = predicted if predicted.ndim == 2 else np.stack([1 - predicted, predicted], axis=1)
        np.testing.assert_allclose(probability, expected, rtol=1e-5, atol=1e-7)
        assert (estimator.predict(features) == expected.argmax(axis=1)).all()


@pytest.mark.parametrize("case", ["logistic", "poisson", "squared"])
def test_the_built_in_objective_grows_the_same_trees(case):
    loss, data, _ = CASES[case]
    features, y = data()
    matrix = xgboost.DMatrix(features, y)
    name, scale = {"logistic": ("binary:logistic", 1), "poisson": ("count:poisson", np.exp(0.7)),
                   "squared": ("reg:squarederror", 1)}[case]  # fmt: skip
    objective = xgboost_objective(loss, hessian_scale=scale)
    ours = objective.parameters(y)
    built_in = xgboost.train({**QUIET, "objective": name, "base_score": ours["base_score"]}, matrix, 20)
    if case == "poisson":
        ours["max_delta_step"] = 0.7
    own = train(objective, matrix, 20, **ours)
    assert np.mean(np.isclose(own.predict(matrix), built_in.predict(matrix), rtol=1e-4)) > 0.99


def test_the_built_in_softmax_is_the_upper_bound():
    features, y = classes()
    matrix = xgboost.DMatrix(features, y)
    objective = xgboost_objective(SparseCategoricalCrossentropy(from_logits=True), hessian="upper_bound")
    ours = objective.parameters(y)
    built_in = xgboost.train({**QUIET, "objective": "multi:softprob", "num_class": 3,
                              "base_score": ours["base_score"]}, matrix, 20)  # fmt: skip
    own = train(objective, matrix, 20, **ours)
    assert np.mean(np.isclose(own.predict(matrix), built_in.predict(matrix), rtol=1e-4)) > 0.99


def test_leaves_of_the_absolute_error_are_medians_where_the_built_in_is_named():
    features, y = regression()
    matrix = xgboost.DMatrix(features, y)
    built_in = xgboost.train({**QUIET, "objective": "reg:absoluteerror"}, matrix, 20)
    objective = xgboost_objective(MeanAbsoluteError())
    named = train(objective, matrix, 20, **{**objective.parameters(y), "objective": "reg:absoluteerror"})
    np.testing.assert_allclose(named.predict(matrix), built_in.predict(matrix), rtol=1e-4)
    left = train(objective, matrix, 20, **objective.parameters(y))
    assert not np.allclose(left.predict(matrix), built_in.predict(matrix), rtol=1e-2)


def test_several_outputs():
    features, y = outputs()
    matrix = xgboost.DMatrix(features, y)
    objective = xgboost_objective(Expectile(0.3))
    watched = Watched(objective)
    both = train(watched, matrix, **objective.parameters(y))
    raw, _, _, (gradient, hessian) = watched.calls[0]
    np.testing.assert_allclose(raw[0], objective.start(y), rtol=1e-6)
    alone = [objective(y[:, column], raw[:, column].copy()) for column in range(2)]
    for column in range(2):  # outputs are problems of their own
        np.testing.assert_array_equal(gradient[:, column], alone[column][0])
        np.testing.assert_array_equal(hessian[:, column], alone[column][1])
    estimator = xgboost.XGBRegressor(
        n_estimators=5, n_jobs=2, tree_method="exact",
        **objective.parameters(y, estimator=xgboost.XGBRegressor),
    )  # fmt: skip
    estimator.fit(features, y)
    exact = train(objective, matrix, tree_method="exact", **objective.parameters(y))
    np.testing.assert_allclose(
        objective.predict(estimator, features), objective.predict(exact, features), rtol=1e-5, atol=1e-5
    )
    assert objective.predict(both, features).shape == y.shape


def test_vector_leaves():
    features, y = outputs()
    objective = xgboost_objective(Expectile(0.5))
    params = {**QUIET, **objective.parameters(y), "multi_strategy": "multi_output_tree"}
    matrix = xgboost.QuantileDMatrix(features, y)
    ours = xgboost.train(params, matrix, 5, obj=objective)
    built_in = xgboost.train({**params, "objective": "reg:squarederror"}, matrix, 5)
    np.testing.assert_allclose(ours.inplace_predict(features), built_in.inplace_predict(features), rtol=1e-5)


def test_soft_targets_of_classes():
    features, y = classes()
    soft = np.full((len(y), 3), 0.1, np.float32)
    soft[np.arange(len(y)), y.astype(int)] = 0.8
    objective = xgboost_objective(CategoricalCrossentropy(from_logits=True))
    model = train(objective, xgboost.DMatrix(features, soft), **objective.parameters(soft))
    predicted = objective.predict(model, features)
    np.testing.assert_allclose(predicted.sum(axis=1), 1, rtol=1e-6)
    assert (predicted.argmax(axis=1) == y).all()


def test_a_start_of_ones_own():
    features, y = classes()
    objective = xgboost_objective(MultiMargin())
    with pytest.raises(ConstantError, match="Pass a start of your own"):
        objective.parameters(y)
    for wrong, error in (0.0, ShapeError), ([0, np.nan, 0], ObjectiveError):
        with pytest.raises(error, match="start of MultiMargin"):
            objective.parameters(y, start=wrong)
    with pytest.raises(ShapeError, match="one for each output; there are 2"):
        xgboost_objective(Expectile(0.5)).parameters(outputs()[1], start=np.zeros(3))
    matrix = xgboost.DMatrix(features, y)
    model = train(objective, matrix, 20, **objective.parameters(y, start=np.zeros(3)))
    assert objective.predict(model, features).shape == (len(y), 3)  # margins, as it has no link
    assert (model.predict(matrix) == y).mean() > 0.95  # the class


def test_two_classes_and_a_loss_of_labels():
    features, y = yes_or_no()
    objective = xgboost_objective(SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(ObjectiveError, match=r"XGBClassifier .* BinaryCrossentropy\(from_logits=True\)"):
        objective.parameters(y, estimator=xgboost.XGBClassifier)
    model = train(objective, xgboost.DMatrix(features, y), **objective.parameters(y))
    assert (objective.predict(model, features).argmax(axis=1) == y).mean() > 0.95


@pytest.mark.parametrize("wrong", ["XGBRegressor", xgboost.XGBRegressor(), LinearRegression])
def test_what_is_no_estimator_of_xgboost(wrong):
    with pytest.raises(ObjectiveError, match="`estimator` must be the class"):
        xgboost_objective(PoissonNLL()).parameters([1, 2], estimator=wrong)


def test_metrics_and_early_stopping():
    features, y = yes_or_no()
    loss = BinaryCrossentropy(from_logits=True)
    objective, metric = xgboost_objective(loss), xgboost_metric(loss)
    weight = weights(len(y))
    parts = [slice(0, 400), slice(400, None)]
    learn, valid = (xgboost.DMatrix(features[part], y[part], weight=weight[part]) for part in parts)
    seen = {}
    model = xgboost.train(
        {**QUIET, **objective.parameters(y[parts[0]]), "eval_metric": "logloss"}, learn, 300, obj=objective,
        custom_metric=metric, evals=[(learn, "learn"), (valid, "valid")], early_stopping_rounds=5,
        evals_result=seen, verbose_eval=False,
    )  # fmt: skip
    assert 5 < len(seen["valid"]["binary_crossentropy"]) < 300
    np.testing.assert_allclose(seen["valid"]["binary_crossentropy"], seen["valid"]["logloss"], rtol=1e-4)
    last = objective.predict(model, valid)
    entropy = -np.average(np.log(np.where(y[400:] == 1, last, 1 - last)), weights=weight[400:])
    assert seen["valid"]["binary_crossentropy"][-1] == pytest.approx(entropy, rel=1e-4)

    kind = xgboost.XGBClassifier
    estimator = kind(n_estimators=300, n_jobs=2, eval_metric=metric, early_stopping_rounds=5,
                     **objective.parameters(y[parts[0]], estimator=kind))  # fmt: skip
    estimator.fit(
        features[:400], y[:400], sample_weight=weight[:400], verbose=False,
        eval_set=[(features[400:], y[400:])], sample_weight_eval_set=[weight[400:]],
    )  # fmt: skip
    assert list(estimator.evals_result_["validation_0"]) == ["binary_crossentropy"]
    assert estimator.best_iteration == model.best_iteration


def test_a_metric_is_never_maximised():
    loss = BinaryCrossentropy(from_logits=True, name="precise")
    assert xgboost_metric(loss).__name__ == "loss_precise"


def test_saved_models_have_start_and_link(tmp_path):
    features, y = regression()
    objective = xgboost_objective(PoissonNLL())
    model = train(objective, xgboost.DMatrix(features, y), **objective.parameters(y))
    model.save_model(tmp_path / "model.json")
    loaded = xgboost.Booster(model_file=tmp_path / "model.json")
    predicted = objective.predict(model, features)
    np.testing.assert_array_equal(objective.predict(loaded, features), predicted)
    np.testing.assert_allclose(loaded.predict(xgboost.DMatrix(features)), predicted, rtol=1e-6)
    assert abs(predicted.mean() / y.mean() - 1) < 0.05


def test_cross_validation_and_continued_training():
    features, y = yes_or_no()
    loss = BinaryCrossentropy(from_logits=True)
    objective, matrix = xgboost_objective(loss), xgboost.DMatrix(features, y)
    params = {**QUIET, **objective.parameters(y)}
    folds = xgboost.cv(params, matrix, 5, nfold=3, obj=objective, custom_metric=xgboost_metric(loss))
    assert (np.diff(folds["test-binary_crossentropy-mean"]) < 0).all()
    half = xgboost.train(params, matrix, 5, obj=objective)
    whole = xgboost.train(params, matrix, 5, obj=objective, xgb_model=half)
    at_once = xgboost.train(params, matrix, 10, obj=objective)
    np.testing.assert_allclose(whole.predict(matrix), at_once.predict(matrix), rtol=1e-4)


def test_copies_and_pickles():
    objective = xgboost_objective(PoissonNLL(), hessian="absolute", hessian_scale=2.0)
    metric = xgboost_metric(PoissonNLL())
    y, raw = np.array([0, 3, 5], np.float32), np.array([0, 0.5, -2], np.float32)
    for again in (pickle.loads(pickle.dumps(objective)), copy.deepcopy(objective), copy.copy(objective)):
        assert repr(again) == repr(objective) and "hessian='absolute', hessian_scale=2" in repr(again)
        np.testing.assert_array_equal(again(y, raw), objective(y, raw))
    assert pickle.loads(pickle.dumps(metric))(y, raw) == metric(y, raw)
    features, y = regression()
    estimator = xgboost.XGBRegressor(n_estimators=2, objective=objective).fit(features, y)
    again = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(again.predict(features), estimator.predict(features))


class TestBadData:
    """Is refused when training begins, and when the start is computed, with the name of the argument."""

    def refused(self, loss, y, error, message, weight=None, **params):
        objective = xgboost_objective(loss)
        features = np.zeros((len(y), 1), np.float32)
        with pytest.raises(error, match=message):
            objective.start(y, weight)
        with pytest.raises(error, match=message):
            train(objective, xgboost.DMatrix(features, y, weight=weight), **params)

    def test_targets(self):
        logistic = BinaryCrossentropy(from_logits=True)
        self.refused(PoissonNLL(), [1.0, -2.0], TargetError, r"`y_true` of PoissonNLL .* y_true\[1\] = -2")
        self.refused(logistic, [0.0, 1, 2], TargetError, r"from 0 to 1; 1 of 3 .* y_true\[2\] = 2")
        with pytest.raises(TargetError, match=r"y_true\[1\] = nan"):
            xgboost_objective(PoissonNLL()).parameters([1.0, np.nan])
        with pytest.raises(ShapeError, match="`y_true`"):
            train(xgboost_objective(logistic), xgboost.DMatrix(np.zeros((3, 1))))

    def test_labels(self):
        sparse = SparseCategoricalCrossentropy(from_logits=True)
        self.refused(sparse, [0, 0.5, 1], LabelError, r"y_true\[1\] = 0.5", num_class=3)
        self.refused(sparse, [0, -1, 1], LabelError, r"y_true\[1\] = -1", num_class=3)
        data = xgboost.DMatrix(np.zeros((3, 1)), [0, 1, 3])
        with pytest.raises(LabelError, match=r"labels 0 … 2, .* y_true\[2\] = 3"):
            train(xgboost_objective(sparse), data, num_class=3)
        with pytest.raises(ShapeError, match="num_class"):
            train(xgboost_objective(sparse), data)
        with pytest.raises(LabelError):
            xgboost_objective(sparse).parameters([0, 1, 3], classes=3)

    def test_weights(self):
        with pytest.raises(WeightError, match="0 everywhere"):
            train(xgboost_objective(PoissonNLL()), xgboost.DMatrix(np.zeros((2, 1)), [1, 2], weight=[0, 0]))
        bad = {r"sample_weight\[1\] = nan": [1, np.nan], "= -1": [1, -1], "shape": [1]}
        for message, weight in bad.items():
            with pytest.raises(WeightError, match=message):
                xgboost_objective(PoissonNLL()).start([1, 2], weight)

    def test_columns(self):
        features, y = outputs()
        with pytest.raises(ShapeError, match=r"take the loss for labels"):
            data = xgboost.DMatrix(features, np.zeros(len(y)))
            train(xgboost_objective(CategoricalCrossentropy(from_logits=True)), data, num_class=3)
