"""scikit-learn's histogram boosting: results in place, starts, leaves, probabilities, stopping, scorers."""

import copy
import pickle

import numpy as np
import pytest
from booster_data import CASES, agrees, classes, regression, weights, yes_or_no
from requiring import require
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from lossgen.boosting import sklearn_loss, sklearn_metric
from lossgen.errors import (
    ConstantError,
    LabelError,
    ObjectiveError,
    ShapeError,
    TargetError,
    WeightError,
)
from lossgen.losses import (
    BinaryCrossentropy,
    Expectile,
    Gamma,
    Hinge,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MultiMargin,
    PoissonNLL,
    Quantile,
    SparseCategoricalCrossentropy,
)

FEW = {"max_iter": 20, "early_stopping": False}
LOGISTIC, SOFTMAX = BinaryCrossentropy(from_logits=True), SparseCategoricalCrossentropy(from_logits=True)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Histograms of a few hundred rows are slower on several threads, by far where others use the cores."""
    with threadpool_limits(1, "openmp"):
        yield


def boosting(loss, **arguments):
    classifies = loss.objective.loss.properties.link in ("logit", "softmax")
    kind = HistGradientBoostingClassifier if classifies else HistGradientBoostingRegressor
    return kind(loss=loss, **{**FEW, **arguments})


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_gradients_and_hessians_are_written_in_place(case, weighted):
    loss, data, derivatives = CASES[case]
    y = data()[1].astype(np.float64)
    weight = weights(len(y)).astype(np.float64) if weighted else None
    columns = 3 if case == "softmax" else 1
    raw = np.asfortranarray(np.random.default_rng(2).normal(size=(len(y), columns)))
    ours = sklearn_loss(loss)
    ours.fit_intercept_only(y, weight)
    places = ours.init_gradient_and_hessian(len(y), np.float32)
    found = ours.gradient_hessian(
        y_true=y, raw_prediction=raw, sample_weight=weight, gradient_out=places[0], hessian_out=places[1]
    )
    assert found[0] is places[0] and found[1] is places[1] and found[0].flags.f_contiguous
    expected = derivatives(y, raw if columns > 1 else raw[:, 0])
    agrees(places, expected, weight)
    again = ours.gradient(y_true=y, raw_prediction=raw, sample_weight=weight)
    factor = 1 if weight is None else weight if columns == 1 else weight[:, None]
    size = np.abs(expected[0]).max()
    np.testing.assert_allclose(
        again.reshape(expected[0].shape), factor * expected[0], rtol=1e-12, atol=1e-12 * size
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("name", "loss", "data"),
    [
        ("log_loss", LOGISTIC, yes_or_no),
        ("log_loss", SOFTMAX, classes),
        ("squared_error", Expectile(0.5), regression),
        ("poisson", PoissonNLL(), regression),
        ("gamma", Gamma(), regression),
    ],
)
def test_the_built_in_loss_grows_the_same_trees(name, loss, data, weighted):
    features, y = data()
    weight = weights(len(y)) if weighted else None
    own = boosting(sklearn_loss(loss))
    built_in = type(own)(loss=name, **FEW)
    for model in (own, built_in):
        model.fit(features, y, sample_weight=weight)
    if name == "log_loss":
        np.testing.assert_array_equal(own.predict(features), built_in.predict(features))
        predicted, expected = (model.predict_proba(features)[:, -1] for model in (own, built_in))
    else:
        predicted, expected = own.predict(features), built_in.predict(features)
    assert np.mean(np.isclose(predicted, expected, rtol=1e-4)) > 0.99


@pytest.mark.parametrize("weighted", [False, True])
def test_quantiles_of_leaves_are_as_good_as_the_built_in_ones(weighted):
    """Not the same: of an interval of minimisers scikit-learn takes another point than the middle."""
    features, y = regression()
    weight = weights(len(y)) if weighted else None
    own = boosting(sklearn_loss(Quantile(0.8))).fit(features, y, sample_weight=weight)
    built_in = HistGradientBoostingRegressor(loss="quantile", quantile=0.8, **FEW)
    built_in.fit(features, y, sample_weight=weight)
    loss = Quantile(0.8, reduction="mean_with_sample_weight")
    ours, theirs = (loss(y[:, None], model.predict(features)[:, None], weight) for model in (own, built_in))
    assert ours < 1.05 * theirs


def test_leaves():
    features, y = regression()
    searched = boosting(sklearn_loss(MeanAbsoluteError())).fit(features, y).predict(features)
    built_in = HistGradientBoostingRegressor(loss="absolute_error", **FEW).fit(features, y)
    assert np.mean(np.isclose(searched, built_in.predict(features), rtol=1e-4)) > 0.99
    newton = boosting(sklearn_loss(MeanAbsoluteError(), leaves="newton")).fit(features, y).predict(features)
    assert np.ptp(newton) < 0.1 * np.ptp(searched)  # without a search no leaf moves by more than 1
    assert sklearn_loss(Expectile(0.5)).differentiable
    assert not sklearn_loss(Expectile(0.5), leaves="line_search").differentiable
    assert sklearn_loss(MeanAbsolutePercentageError()).differentiable  # is not one of the residual
    assert sklearn_loss(Hinge()).differentiable
    with pytest.raises(ObjectiveError, match="not a loss of the residual"):
        sklearn_loss(PoissonNLL(), leaves="line_search")
    with pytest.raises(ObjectiveError, match="`leaves` must be"):
        sklearn_loss(PoissonNLL(), leaves="exact")


@pytest.mark.parametrize("case", ["logistic", "softmax", "poisson"])
def test_early_stopping_on_the_loss_and_on_a_scorer(case):
    loss, data, _ = CASES[case]
    features, y = data()
    weight = weights(len(y)) + 0.5
    settings = {"max_iter": 300, "early_stopping": True, "random_state": 0, "n_iter_no_change": 5}
    own, scored = (
        boosting(sklearn_loss(loss), **settings, **further).fit(features, y, sample_weight=weight)
        for further in ({}, {"scoring": sklearn_metric(loss)})
    )
    built_in = type(own)(**({"loss": "poisson"} if case == "poisson" else {}), **settings)
    built_in.fit(features, y, sample_weight=weight)
    assert 5 < own.n_iter_ < 300
    np.testing.assert_allclose(own.validation_score_[:20], built_in.validation_score_[:20], rtol=1e-4)
    np.testing.assert_allclose(own.validation_score_[:20], scored.validation_score_[:20], rtol=1e-5)


def test_probabilities():
    features, y = yes_or_no()
    model = boosting(sklearn_loss(LOGISTIC)).fit(features, np.where(y == 1, "benign", "malignant"))
    probability = model.predict_proba(features)
    assert list(model.classes_) == ["benign", "malignant"]
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    np.testing.assert_allclose(probability[:, 1], LOGISTIC.inverse_link(model.decision_function(features)))
    margin = HistGradientBoostingClassifier(loss=sklearn_loss(Hinge()), **FEW).fit(features, y)
    assert margin.score(features, y) > 0.95
    with pytest.raises(AttributeError, match="gives no probabilities"):
        margin.predict_proba(features)


def test_classes():
    features, y = classes()
    given = boosting(sklearn_loss(SOFTMAX, classes=3)).fit(features, y)
    found = boosting(sklearn_loss(SOFTMAX)).fit(features, y)
    np.testing.assert_array_equal(given.predict_proba(features), found.predict_proba(features))
    with pytest.raises(ObjectiveError, match=r"BinaryCrossentropy\(from_logits=True\)"):
        boosting(sklearn_loss(SOFTMAX)).fit(*yes_or_no())


@pytest.mark.parametrize("further", [{"classes": 4}, {"start": np.zeros(4)}])
def test_more_classes_than_the_data_have(further):
    with pytest.raises(ObjectiveError, match=r"to be 4 classes .* has only 3"):
        HistGradientBoostingClassifier(loss=sklearn_loss(SOFTMAX, **further), **FEW).fit(*classes())


SCORED = [
    ("xgboost", "XGBRegressor", "regression", PoissonNLL()),
    ("xgboost", "XGBClassifier", "yes_or_no", LOGISTIC),
    ("xgboost", "XGBClassifier", "classes", SOFTMAX),
    ("lightgbm", "LGBMRegressor", "regression", PoissonNLL()),
    ("lightgbm", "LGBMClassifier", "classes", SOFTMAX),
    ("catboost", "CatBoostRegressor", "regression", PoissonNLL()),
    ("catboost", "CatBoostClassifier", "yes_or_no", LOGISTIC),
]


@pytest.mark.parametrize(("library", "kind", "data", "loss"), SCORED)
def test_estimators_of_other_boosters_are_scored_by_their_raw_scores(library, kind, data, loss):
    module = require(library)
    features, y = {"regression": regression, "yes_or_no": yes_or_no, "classes": classes}[data]()
    quiet = {
        "xgboost": {"n_jobs": 2}, "lightgbm": {"n_jobs": 2, "verbosity": -1},
        "catboost": {"thread_count": 2, "verbose": False, "allow_writing_files": False},
    }[library]  # fmt: skip
    built_in = {
        "xgboost": {"objective": "count:poisson"}, "lightgbm": {"objective": "poisson"},
        "catboost": {"loss_function": "Poisson"},
    }[library] if data == "regression" else {}  # fmt: skip
    model = getattr(module, kind)(n_estimators=5, **quiet, **built_in)
    names = y if data == "regression" else np.array(["c", "a", "b"])[y.astype(int)]
    if library == "xgboost":
        names = y  # it takes numbers only
    search = GridSearchCV(
        make_pipeline(StandardScaler(), model), {f"{kind.lower()}__max_depth": [2]},
        scoring=sklearn_metric(loss), cv=3, error_score="raise",
    )  # fmt: skip
    search.fit(features, names)
    score = sklearn_metric(loss)(search.best_estimator_, features, names)
    if data == "regression":
        mean = search.best_estimator_.predict(features)
        expected = np.mean(mean - y * np.log(mean))
    else:
        found = search.best_estimator_.predict_proba(features)
        column = np.searchsorted(np.unique(names), names)
        expected = -np.log(found[np.arange(len(y)), column]).mean()
    assert score == pytest.approx(-expected, rel=1e-5)


def test_a_start_of_ones_own():
    features, y = classes()
    loss = MultiMargin()
    with pytest.raises(ConstantError, match="Pass a start of your own"):
        boosting(sklearn_loss(loss)).fit(features, y)
    model = HistGradientBoostingClassifier(loss=sklearn_loss(loss, start=np.zeros(3)), **FEW).fit(features, y)
    assert model.score(features, y) > 0.95
    for wrong, error in ([0.0, 1.0], ShapeError), (np.nan, ObjectiveError):
        with pytest.raises(error, match="start of PoissonNLL"):
            sklearn_loss(PoissonNLL(), start=wrong)
    with pytest.raises(ShapeError, match="one number a class; there are 3"):
        sklearn_loss(loss, start=np.zeros(2), classes=3)
    assert sklearn_loss(MeanAbsoluteError(), start=100.0).differentiable
    with pytest.raises(ObjectiveError, match="it takes no `start`"):
        sklearn_loss(MeanAbsoluteError(), start=100.0, leaves="line_search")


def test_warm_start():
    features, y = classes()
    model = boosting(sklearn_loss(SOFTMAX), warm_start=True, max_iter=10).fit(features, y)
    model.set_params(max_iter=20).fit(features, y)
    at_once = boosting(sklearn_loss(SOFTMAX)).fit(features, y)
    np.testing.assert_allclose(model.predict_proba(features), at_once.predict_proba(features), rtol=1e-6)


def test_staged_predictions():
    features, y = regression()
    model = boosting(sklearn_loss(PoissonNLL())).fit(features, y)
    stages = list(model.staged_predict(features))
    np.testing.assert_allclose(stages[-1], model.predict(features), rtol=1e-12)
    assert abs(stages[0].mean() / y.mean() - 1) < 0.01


def test_copies_and_pickles():
    loss = sklearn_loss(SOFTMAX, "absolute", 2.0, classes=3, leaves="newton")
    y, raw = np.array([0.0, 2, 1]), np.random.default_rng(0).normal(size=(3, 3))
    for again in (pickle.loads(pickle.dumps(loss)), copy.deepcopy(loss), clone(loss, safe=False)):
        assert repr(again) == repr(loss) and again.n_classes == 3 and again.differentiable
        for ours, theirs in zip(again.gradient_hessian(y, raw), loss.gradient_hessian(y, raw), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    features, y = classes()
    model = boosting(sklearn_loss(SOFTMAX)).fit(features, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(features), model.predict_proba(features))


def test_a_search_with_two_processes():
    features, y = regression()
    pipeline = make_pipeline(StandardScaler(), HistGradientBoostingRegressor(**FEW))
    name = "histgradientboostingregressor__loss"
    search = GridSearchCV(
        pipeline,
        {name: [sklearn_loss(PoissonNLL()), sklearn_loss(PoissonNLL(), hessian_scale=5.0)]},
        scoring=sklearn_metric(PoissonNLL()), n_jobs=2, cv=2, error_score="raise",
    )  # fmt: skip
    search.fit(features, y)
    score = sklearn_metric(PoissonNLL())(search.best_estimator_, features, y)
    raw = np.log(search.predict(features))
    assert score == pytest.approx(-np.mean(np.exp(raw) - y * raw), rel=1e-9)


class TestBadData:
    """Is refused before a tree is grown, with the name of the argument."""

    def refused(self, loss, y, error, message, weight=None):
        model = boosting(sklearn_loss(loss), min_samples_leaf=1)
        with pytest.raises(error, match=message):
            model.fit(np.arange(len(y))[:, None], y, sample_weight=weight)

    def test_targets(self):
        self.refused(PoissonNLL(), [1.0, -2.0], TargetError, r"`y_true` of PoissonNLL .* y_true\[1\] = -2")
        self.refused(Gamma(), [1.0, 0.0], TargetError, r"above 0; .* y_true\[1\] = 0")
        with pytest.raises(TargetError, match="from 0 to 1"):
            HistGradientBoostingRegressor(loss=sklearn_loss(LOGISTIC)).fit(np.zeros((2, 1)), [0, 2])
        with pytest.raises(LabelError, match=r"labels lie in 0 … 1"):
            boosting(sklearn_loss(SOFTMAX, classes=2)).fit(*classes())

    def test_weights(self):
        self.refused(PoissonNLL(), [1, 2], WeightError, r"sample_weight\[1\] = -1", weight=[1, -1])
        # That of scikit-learn, where it has one:
        self.refused(PoissonNLL(), [1, 2], ValueError, "at least one non-zero|0 everywhere", weight=[0, 0])

    def test_estimators_of_other_libraries_are_not_scored(self):
        class Other:
            pass

        with pytest.raises(ObjectiveError, match="estimators of scikit-learn, XGBoost"):
            sklearn_metric(PoissonNLL())(Other(), None, None)


def test_targets_are_looked_through_when_a_training_begins():
    loss, y = sklearn_loss(Expectile(expectile=0.5)), regression()[1].astype(np.float64)
    raw = np.zeros((len(y), 1), order="F")
    loss.gradient_hessian(y, raw)
    y[3] = np.nan
    loss.init_gradient_and_hessian(len(y), np.float32)
    with pytest.raises(TargetError, match=r"y_true\[3\] = nan"):
        loss.gradient_hessian(y, raw)


def test_a_row_of_weight_0_has_no_loss_however_large():
    raw, weight = np.array([[1e4], [0.0]], order="F"), np.array([0.0, 2.0])
    with np.errstate(invalid="ignore"):
        losses = sklearn_loss(PoissonNLL()).loss(np.ones(2), raw, weight)
    np.testing.assert_array_equal(losses, [0, 2])
