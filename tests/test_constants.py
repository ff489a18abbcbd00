"""The best constant prediction: closed forms, SciPy, Newton's method on the derivatives that boosters get."""

import warnings

import numpy as np
import pytest
import sympy
from raw_cases import RAW_CASES, loss_of, raw_inputs
from scipy.optimize import brentq
from scipy.special import expit, logit, logsumexp, softmax

import lossgen as lg
from lossgen import losses
from lossgen.errors import ConstantError, LabelError, ShapeError, TargetError, WeightError
from lossgen.runtime.minimisation import last_of, middle_of_minimisers, root_of
from lossgen.runtime.raw_kernels import RawKernels

random = np.random.default_rng(3)
Y, WEIGHT = 3 * random.normal(size=501) + 1, random.uniform(0.1, 2, 501)
COUNTS, BITS = random.poisson(2.5, 501), random.integers(0, 2, 501)
CLASSES = random.integers(0, 4, 501)
LIMIT = logit(1 - 10 * np.finfo(float).eps)

LOGISTIC = losses.BinaryCrossentropy(from_logits=True)
SOFTMAX = losses.SparseCategoricalCrossentropy(from_logits=True)


@pytest.fixture(autouse=True)
def same_numbers():
    """Every test draws the same numbers, whichever tests run before it."""
    random.bit_generator.state = np.random.default_rng(3).bit_generator.state


def frequencies(weight=None):
    return np.bincount(CLASSES, weight) / (len(CLASSES) if weight is None else weight.sum())


# Closed forms ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weighted"])
@pytest.mark.parametrize(
    ("loss", "y", "expected"),
    [
        (losses.MeanSquaredError(), Y, lambda mean: mean),
        (losses.Expectile(), Y, lambda mean: mean),
        (LOGISTIC, BITS, logit),
        (
            losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1),
            BITS,
            lambda q: logit(0.9 * q + 0.05),
        ),
        (losses.PoissonNLL(), COUNTS, np.log),
        (losses.Gamma(), np.exp(Y), np.log),
        (losses.Tweedie(rho=1.3), np.maximum(Y, 0), np.log),
    ],
    ids=lambda value: repr(value) if isinstance(value, losses.Loss) else "",
)
def test_the_link_of_the_mean(loss, y, expected, weight):
    found = loss.optimal_constant(y, weight)
    assert isinstance(found, np.float64)
    np.testing.assert_allclose(found, expected(np.average(y, weights=weight)), rtol=1e-13)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weighted"])
def test_classes_start_at_the_logarithms_of_their_frequencies(weight):
    expected = np.log(frequencies(weight))
    np.testing.assert_allclose(SOFTMAX.optimal_constant(CLASSES, weight), expected, rtol=1e-13)
    soft = losses.CategoricalCrossentropy(from_logits=True)
    np.testing.assert_allclose(soft.optimal_constant(np.eye(4)[CLASSES], weight), expected, rtol=1e-13)
    smoothed = losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)
    found = smoothed.optimal_constant(np.eye(4)[CLASSES], weight)
    np.testing.assert_allclose(found, np.log(0.8 * frequencies(weight) + 0.05), rtol=1e-12)


def test_labels_may_be_floats_and_classes_may_be_missing():
    np.testing.assert_array_equal(
        SOFTMAX.optimal_constant(CLASSES.astype(np.float32)), SOFTMAX.optimal_constant(CLASSES)
    )
    found = SOFTMAX.optimal_constant(CLASSES, classes=6)
    np.testing.assert_allclose(found[:4], np.log(frequencies()), rtol=1e-13)
    np.testing.assert_allclose(found[4:], np.log(10 * np.finfo(float).eps), rtol=1e-13)
    ignoring = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=3)
    rest = frequencies()[:3] / frequencies()[:3].sum()
    np.testing.assert_allclose(ignoring.optimal_constant(CLASSES), np.log(rest), rtol=1e-13)


def test_the_median_is_the_usual_one():
    absolute = losses.MeanAbsoluteError()
    for y in (Y, Y[1:], Y[:1], Y[:2], np.round(Y), np.round(Y[1:]), np.zeros(7), 1e6 * Y, 1e-12 * Y, Y - 1e9):
        assert absolute.optimal_constant(y) == np.median(y)
    assert absolute.optimal_constant([0.0, 0.0, 1.0, 1.0]) == 0.5
    assert absolute.optimal_constant([1.0, 2.0, 3.0], [1, 1, 2]) == 2.5
    assert absolute.optimal_constant([1.0, 2.0, 3.0], [1, 1, 2.5]) == 3.0


@pytest.mark.parametrize("level", [0.0, 0.1, 0.25, 0.9, 1.0])
def test_quantiles_lie_in_the_middle_of_what_is_as_good(level):
    for y, weight in ((Y, None), (Y, WEIGHT), (np.arange(20.0), None), (np.arange(20.0), np.full(20, 0.1))):
        loss = losses.Quantile(quantile=level)
        found = loss.optimal_constant(y, weight)
        order = np.argsort(y)
        share = np.cumsum(np.ones(len(y)) if weight is None else weight[order])
        share /= share[-1]
        low = y[order][min(np.searchsorted(share, level - 1e-12), len(y) - 1)]
        high = y[order][min(np.searchsorted(share, level + 1e-12), len(y) - 1)]
        low, high = (high, high) if level == 0 else (low, low) if level == 1 else (low, high)
        np.testing.assert_allclose(found, (low + high) / 2, rtol=1e-15)


def test_means_at_the_end_of_the_domain_are_taken_just_within():
    assert LOGISTIC.optimal_constant(np.ones(5)) == pytest.approx(LIMIT, rel=1e-12)
    assert LOGISTIC.optimal_constant(np.zeros(5)) == pytest.approx(-LIMIT, rel=1e-12)
    assert losses.PoissonNLL().optimal_constant(np.zeros(5)) == pytest.approx(-LIMIT, rel=1e-12)
    focal = losses.SigmoidFocal(gamma=2.0).optimal_constant(np.ones(5))
    assert focal == pytest.approx(LIMIT, rel=1e-12)


# Newton's method and SciPy --------------------------------------------------------------------------------


def slope_of(loss, y, weight):
    """Function of a constant: the weighted sum of gradients and of Hessians."""
    kernels = RawKernels(loss)
    results = np.empty(y.shape), np.empty(y.shape)

    def slope(constant):
        raw = np.full(y.shape, constant)
        kernels.run(kernels.targets(y, raw), raw, weight, *results)
        return results[0].sum(), results[1].sum()

    return slope


ELEMENTWISE = [case for case in RAW_CASES if loss_of(case).properties.diagonal]
ROWWISE = [case for case in RAW_CASES if not loss_of(case).properties.diagonal]


@pytest.mark.parametrize("case", ELEMENTWISE, ids=str)
def test_newton_on_the_derivatives_reaches_the_constant(case):
    loss = loss_of(case)
    y, _ = raw_inputs(case, 400, seed=1)
    weight = np.random.default_rng(5).uniform(0.1, 2, 400)
    found = loss.optimal_constant(y, weight)
    slope = slope_of(loss, y[:, 0], weight)
    if loss.properties.curvature == "zero":
        left, right = slope(found - 1e-6)[0], slope(found + 1e-6)[0]
        assert left <= 1e-9 and right >= -1e-9
        return
    constant = found + 0.01
    gradient, hessian = slope(constant)
    for _ in range(60):
        if not hessian > 0:  # on a piece without curvature
            hessian = np.inf
        step = np.clip(-gradient / hessian, -0.1, 0.1)
        while abs(step) > 1e-16 and abs(slope(constant + step)[0]) > abs(gradient):  # beyond the root
            step /= 2
        constant += step
        gradient, hessian = slope(constant)
        if abs(step) < 1e-15:
            break
    scale = max(1.0, abs(found))
    if slope(found)[1] > 1e-8:
        assert abs(constant - found) <= 1e-9 * scale
    left, right = slope(found - 1e-6 * scale)[0], slope(found + 1e-6 * scale)[0]
    assert left <= 1e-9 and right >= -1e-9


@pytest.mark.parametrize("case", ROWWISE, ids=str)
def test_newton_with_the_full_hessian_reaches_the_constant(case):
    loss = loss_of(case)
    y, _ = raw_inputs(case, 300, seed=1)
    weight = random.uniform(0.1, 2, 300)
    if case.name in ("categorical_hinge", "multi_margin", "cosine_similarity"):
        if loss.properties.curvature == "zero" or case.name == "cosine_similarity":
            with pytest.raises(ConstantError, match="no best constant"):
                loss.optimal_constant(y, weight)
        return
    found = loss.optimal_constant(y, weight)
    constant = found + 0.05 * random.normal(size=found.shape)
    for _ in range(30):
        raw = np.tile(constant, (len(weight), 1))
        gradient = loss.gradient_and_hessian(y, raw, weight)[0].sum(axis=0)
        hessian = loss.hessian_matrix(y, raw, weight).sum(axis=0)
        constant = constant - np.linalg.pinv(hessian, rcond=1e-10) @ gradient
    np.testing.assert_allclose(softmax(constant), softmax(found), rtol=1e-9)
    assert abs(logsumexp(found)) < 1e-14


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("level", [0.02, 0.5, 0.9])
def test_expectiles_are_those_of_a_root_finder(level, scale):
    y = scale * Y

    def balance(constant):
        return (np.where(y > constant, level, 1 - level) * (constant - y) * WEIGHT).sum()

    expected = brentq(balance, y.min(), y.max(), xtol=1e-15 * scale, rtol=1e-15)
    found = losses.Expectile(expectile=level).optimal_constant(y, WEIGHT)
    np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_huber_is_between_mean_and_median(scale):
    wide, narrow = (losses.Huber(delta=delta * scale).optimal_constant(scale * Y) for delta in (1e3, 1e-9))
    np.testing.assert_allclose(wide, scale * Y.mean(), rtol=1e-12)
    np.testing.assert_allclose(narrow, scale * np.median(Y), rtol=1e-8)


def test_outputs_have_constants_of_their_own():
    y = random.normal(size=(101, 3)) * [1.0, 10.0, 100.0]
    for loss in (losses.MeanSquaredError(), losses.MeanAbsoluteError(), losses.Huber(), losses.LogCosh()):
        found = loss.optimal_constant(y, WEIGHT[:101])
        assert found.shape == (3,)
        for column in range(3):
            assert found[column] == pytest.approx(
                loss.optimal_constant(y[:, column], WEIGHT[:101]), rel=1e-12
            )


def test_parameters_of_a_class_go_with_its_column():
    @lg.loss
    def leaning(y_true, y_pred, *, level=lg.Parameter(0.5, minimum=0, maximum=1, per_class=True)):
        error = y_true - y_pred
        return lg.Mean(lg.relu(error) * level + lg.relu(-error) * (1 - level))

    found = lg.compile(leaning)(level=(0.1, 0.5, 0.9)).optimal_constant(np.stack([Y] * 3, axis=1))
    for each, level in zip(found, (0.1, 0.5, 0.9), strict=True):
        assert each == losses.Quantile(quantile=level).optimal_constant(Y)


# Weights --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "loss", [losses.Huber(), losses.MeanAbsoluteError(), losses.MeanSquaredError(), losses.Cauchy()], ids=repr
)
def test_weights_are_repetitions(loss):
    times = random.integers(0, 4, len(Y))
    found = loss.optimal_constant(Y, times)
    np.testing.assert_allclose(found, loss.optimal_constant(np.repeat(Y, times)), rtol=1e-12)
    hidden = np.where(times == 0, np.nan, Y)
    np.testing.assert_allclose(loss.optimal_constant(hidden, times), found, rtol=1e-15)
    np.testing.assert_allclose(loss.optimal_constant(Y, times * 1e-9), found, rtol=1e-12)


# Refusals -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "arguments", "error", "words"),
    [
        (
            losses.Huber(),
            ([1.0, np.nan],),
            TargetError,
            "`y_true` of Huber must be finite and real. Received: nan in row 1",
        ),
        (losses.Huber(), ([np.inf],), TargetError, "Received: inf in row 0"),
        (losses.Huber(), ([],), TargetError, "at least one target"),
        (losses.Huber(), (np.zeros((2, 2, 2)),), ShapeError, "`y_true` must have shape"),
        (losses.PoissonNLL(), ([1, -1],), TargetError, "nonnegative. Received: -1.0 in row 1"),
        (losses.Gamma(), ([1, 0],), TargetError, "positive. Received: 0.0 in row 1"),
        (LOGISTIC, ([0, 2],), TargetError, "probability. Received: 2.0 in row 1"),
        (SOFTMAX, ([0, np.nan],), TargetError, "NaN at position 1"),
        (SOFTMAX, ([0, -1],), LabelError, "from -1 to 0"),
        (SOFTMAX, ([0, 0.5],), LabelError, "label 0.5"),
        (SOFTMAX, (np.eye(3),), ShapeError, "one label a row"),
        (losses.Huber(), ([1.0, 2.0], [0, 0]), WeightError, "`sample_weight` must have a positive sum"),
        (losses.Huber(), ([1.0, 2.0], [1, -1]), WeightError, "at least 0. Received: -1.0 at position 1"),
        (losses.Huber(), ([1.0, 2.0], [1, np.nan]), WeightError, "Received: nan at position 1"),
        (losses.Huber(), ([1.0, 2.0], [1]), WeightError, "one number a row"),
        (losses.Dice(), ([[1.0, 0.0]],), ShapeError, "does not give every row a loss of its own"),
    ],
)
def test_bad_arguments_are_named(loss, arguments, error, words):
    with pytest.raises(error, match=words):
        loss.optimal_constant(*arguments)


@pytest.mark.parametrize("formula", ["-y_pred*y_true", "sqrt(1 + y_pred**2) - 2*y_pred + y_true"])
def test_a_loss_without_a_minimum_is_refused(formula):
    falling = lg.compile(lg.declare("falling", f"Mean({formula})"))
    with warnings.catch_warnings(), pytest.raises(ConstantError, match="falls without end towards inf"):
        warnings.simplefilter("error")
        falling().optimal_constant([1.0, 2.0])


# What finds them ------------------------------------------------------------------------------------------


def test_roots_are_found_to_the_last_digit():
    for function, start in ((lambda x: (x**3 - 2, 3 * x**2), 9.0), (lambda x: (expit(x) - 0.9, 0.0), 0.0)):
        evaluations = []

        def slope(x, function=function, evaluations=evaluations):
            evaluations.append(x)
            return *function(x), 0.0

        root = root_of(slope, start, 0.1)
        assert function(np.nextafter(root, -np.inf))[0] <= 0 <= function(np.nextafter(root, np.inf))[0]
        assert len(evaluations) < 90
    assert root_of(lambda x: (1.0, 0.0, 1.0), 0.0, 1.0, -5.0, 5.0) == -5.0
    assert root_of(lambda x: (-1.0, 0.0, 1.0), 0.0, 1.0) == np.inf


def test_ends_between_points_are_found():
    points = np.array([-3.0, 0.0, 1.0])
    for end in (-100.0, -3.0, -1.7, 0.0, 1.0, 55.5):
        found = last_of(lambda x, end=end: x <= end, points)
        assert found == pytest.approx(end, rel=1e-15)
    assert last_of(lambda x: True, points) == np.inf and last_of(lambda x: False, points) == -np.inf


def test_a_level_line_has_its_middle_at_0():
    assert middle_of_minimisers(lambda x: (0.0, 0.0, 1.0), np.array([1.0, 2.0])) == 0
    assert middle_of_minimisers(lambda x: (float(x > 5), 0.0, 1.0), np.array([1.0, 2.0])) == 5


# Far starts, and slopes that die away ----------------------------------------------------------------------

UNIT = np.array([0.3, -1.2, 0.7, 2.1, -0.4])


@pytest.mark.parametrize(
    ("formula", "y", "expected"),
    [
        ("exp(p) - y*p", [500.0], np.log(500)),
        ("exp(p) - y*p", [5000.0], np.log(5000)),
        ("exp(p) - y*p", [5e-9], np.log(5e-9)),
        ("exp(p) - y*p", [1e8, 3.0], np.log((1e8 + 3) / 2)),
        ("y*exp(-p) + p", [5000.0, 5100.0], np.log(5050)),
        ("y*exp(-p) + p", [1e14], np.log(1e14)),
        ("y*exp(-p) + p", [1e300], np.log(1e300)),
        ("y*exp(p) - p", [1e4, 2e4], -np.log(1.5e4)),
        ("exp(5*(p - y)) - 5*(p - y) - 1", 10 * UNIT, -(logsumexp(-50 * UNIT) - np.log(5)) / 5),
        ("softplus(p) - y*p", [0.0, 1.0, 1.0, 1.0], np.log(3)),
    ],
)
def test_minima_far_from_the_start_are_found(formula, y, expected):
    loss = lg.compile(lg.declare("FarStart", f"mean({formula})"))()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert loss.optimal_constant(np.array(y)) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("formula", "y"),
    [
        ("softplus(p - y)**2", [1.0, 2.0]),
        ("softplus(p - y)**2", [500.0]),
        ("softplus(p) - y*p", [1.0, 1.0]),
        ("exp(p) - y*p", [0.0, 0.0]),
        ("y*exp(p)", [1e4, 3.0]),
    ],
)
def test_slopes_that_underflow_are_no_minima(formula, y):
    loss = lg.compile(lg.declare("Fading", f"mean({formula})"))()
    with pytest.raises(ConstantError, match="falls without end towards"):
        loss.optimal_constant(np.array(y))


@pytest.mark.parametrize(
    ("formula", "y", "expected"),
    [
        ("relu(p - y)**2", [1.0, 2.0], 1.0),
        ("relu(p - y)**2", [0.0, 0.0], 0.0),
        ("relu(p - y)**4", [-7.0], -7.0),
        ("relu(abs(p - y) - 1)**2", [1.0, 2.0], 1.5),
        ("relu(abs(p - y) - 1)**4", [0.0, 0.5], 0.25),
        ("(p - y)**4", [0.0, 0.0], 0.0),
        ("(p - y)**4", [0.0, 5.0], 2.5),
    ],
)
def test_level_pieces_are_minima(formula, y, expected):
    loss = lg.compile(lg.declare("Level", f"mean({formula})"))()
    assert loss.optimal_constant(np.array(y)) == pytest.approx(expected, rel=1e-14)


def test_where_gradients_cancel_it_is_the_middle():
    assert losses.Huber().optimal_constant([0.0, 100.0]) == pytest.approx(50, rel=1e-14)
    assert losses.LogCosh().optimal_constant([-1000.0, 1000.0]) == 0


def test_a_root_next_to_nan_is_refused():
    def slope(x):
        return (-1.0 if x < 2 else np.nan), 0.0, 1.0

    assert np.isnan(root_of(slope, 0.0, 1.0))


# Losses that are not convex, and classes ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "expected"),
    [([0, 0, 0, 5, 7], (6 * 8) ** 0.2 - 1), ([0, 0, 1e6], (1e6 + 1) ** (1 / 3) - 1), ([3.0], 3)],
)
def test_a_dead_gradient_at_the_median_is_no_minimum(y, expected):
    loss = losses.MeanSquaredLogarithmicError()
    found = loss.optimal_constant(y)
    assert found == pytest.approx(expected, rel=1e-5)  # the formula takes log of at least 1e-7
    y = np.array(y, float)
    assert loss(y, np.full(len(y), found)) <= min(loss(y, np.full(len(y), found * f)) for f in (0.99, 1.01))


def test_of_several_minima_the_better_one_is_taken():
    y = np.array([0.0] * 10 + [100.0] * 14 + [50.0, 40.0, 45.0, 30.0, -1000.0])
    loss = losses.Cauchy(c=1.0)
    found = loss.optimal_constant(y)
    grid = np.linspace(-10, 110, 5000)
    assert loss(y, np.full(len(y), found)) <= min(loss(y, np.full(len(y), each)) for each in grid)


@pytest.mark.parametrize("classes", [3.5, 0, -1, "3", True])
def test_the_number_of_classes_is_a_whole_number(classes):
    with pytest.raises(LabelError, match=r"`classes` must be a whole number of at least 1. Received: "):
        SOFTMAX.optimal_constant([0, 0], classes=classes)
    np.testing.assert_array_equal(
        SOFTMAX.optimal_constant([0, 1], classes=np.int64(2)), SOFTMAX.optimal_constant([0, 1])
    )


def test_of_one_class_every_constant_is_best():
    for loss in (SOFTMAX, losses.MultiMargin(), losses.MultiMargin(exponent=2)):
        assert loss.optimal_constant([0, 0]) == 0


def test_columns_that_meet_in_kinks_are_told_so():
    loss = lg.compile(lg.declare("Meeting", "LogSumExp(Abs(y_pred-y_true))"))()
    with pytest.raises(ConstantError, match=r"needs curvature: columns meet.* Pass a start of your own"):
        loss.optimal_constant(random.normal(size=(9, 2)))


def test_complementary_log_log_has_a_constant_only_between_0_and_1():
    formula = "(1 - y)*exp(p) - y*log(1 - exp(-exp(p)))"
    loss = lg.compile(lg.declare("LogLog", f"mean({formula})", domain={"target": "probability"}))()
    found = loss.optimal_constant([0.0, 1.0, 1.0, 1.0])
    assert found == pytest.approx(np.log(-np.log(0.25)), rel=1e-13)
    for y in ([0.0, 0.0], [1.0, 1.0]):
        with pytest.raises(ConstantError, match=r"no best constant|Pass a start"):
            loss.optimal_constant(y)


def test_targets_of_minus_one_and_one_have_the_logit_of_their_share():
    signed = lg.declare(
        "Signed", lg.Mean(lg.softplus(lg.y_pred) - (lg.y_true + 1) / 2 * lg.y_pred),
        domain={"target": "signs"}, link="logit",
    )  # fmt: skip
    found = lg.compile(signed)().optimal_constant(np.array([-1.0, 1, 1, 1]))
    assert float(found) == pytest.approx(np.log(3), rel=1e-14)


def test_a_maximum_is_no_best_constant():
    square = (lg.y_pred - lg.y_true) ** 2
    scaled = lg.declare("Scaled", lg.Mean(sympy.Symbol("alpha") * square), alpha=1.0)
    for declaration in (lg.declare("Hill", lg.Mean(-square)), scaled):
        arguments = {"alpha": -1.0} if declaration.parameters else {}
        with pytest.raises(ConstantError, match="falls without end"):
            lg.compile(declaration)(**arguments).optimal_constant(np.array([0.0, 1, 5]))


def test_a_mean_outside_the_link_is_named():
    counts = lg.declare("Counts", lg.Mean(sympy.exp(lg.y_pred) - lg.y_true * lg.y_pred), link="log")
    with pytest.raises(ConstantError, match=r"its link is log, and the mean of `y_true` is \[-1.5\]"):
        lg.compile(counts)().optimal_constant(np.array([-1.0, -2]))


def test_many_classes_take_no_square_of_memory():
    found = losses.SparseCategoricalCrossentropy(from_logits=True).optimal_constant(np.array([0, 1, 50_000]))
    assert found.shape == (50_001,) and found[1] == pytest.approx(np.log(1 / 3))
    with pytest.raises(LabelError, match="Received: label 1099511627776"):
        losses.SparseCategoricalCrossentropy(from_logits=True).optimal_constant(np.array([0, 2**40]))
    with pytest.raises(ConstantError, match="at most 2000 classes"):
        losses.MultiMargin().optimal_constant(np.array([0, 50_000]))


def test_large_weights_and_targets_do_not_overflow():
    y, weight = np.array([5.0, 6, 7]), np.full(3, 1e308)
    assert losses.MeanSquaredError().optimal_constant(y, weight) == 6
    assert losses.MeanAbsoluteError().optimal_constant(y, weight) == 6
    with pytest.raises(ConstantError):
        losses.MeanSquaredError().optimal_constant(np.full(2, 1.7e308))
