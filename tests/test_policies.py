"""Hessian policies against their definitions, what is said where there is none, and the full Hessian."""

import numpy as np
import pytest
import sympy as sp
from cases import random_inputs
from raw_cases import RAW_CASES, loss_of, raw_inputs
from scipy.special import softmax

import lossgen as lg
from lossgen import losses
from lossgen.errors import CurvatureError, LabelError, NoGradientError, ParameterError, ShapeError
from lossgen.runtime.curvature import POLICIES, resolve
from lossgen.runtime.examination import examine, sampled_elements, sampled_rows
from lossgen.runtime.raw import RawDerivatives
from lossgen.runtime.raw_kernels import RawKernels

random = np.random.default_rng(8)

FOCAL = losses.SigmoidFocal(gamma=2.0)
SOFTMAX = losses.SparseCategoricalCrossentropy(from_logits=True)
CATEGORICAL_FOCAL = losses.CategoricalFocalCrossentropy(from_logits=True)


@pytest.fixture(autouse=True)
def same_numbers():
    """Every test draws the same numbers, whichever tests run before it."""
    random.bit_generator.state = np.random.default_rng(8).bit_generator.state


def exact(loss, y, raw, weight=None) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and second derivative in float64."""
    kernels, results = RawKernels(loss), (np.empty_like(raw), np.empty_like(raw))
    kernels.run(kernels.targets(y, raw), raw, weight, *results)
    return results


def in_float64(loss, policy, y, raw, weight=None, scale=1.0):
    """What a policy gives, in float64."""
    out = np.empty_like(raw), np.empty_like(raw)
    return RawDerivatives(loss, policy, scale)(y, raw, weight, out=out)


def focal_data(loss):
    """Scores all over, targets, and weights with a 0 among them."""
    raw = 3 * random.normal(size=(400, 1 if loss is FOCAL else 3))
    y = random.integers(0, 2, raw.shape) if loss is FOCAL else np.eye(3)[random.integers(0, 3, 400)]
    weight = random.uniform(0.5, 2, 400)
    weight[7] = 0
    return y.astype(float), raw, weight


@pytest.mark.parametrize("loss", [FOCAL, CATEGORICAL_FOCAL], ids=lambda loss: loss.name)
@pytest.mark.parametrize("place", [np.ascontiguousarray, np.asfortranarray])
def test_each_policy_is_what_it_is_said_to_be(loss, place):
    y, raw, weight = focal_data(loss)
    gradient, hessian = exact(loss, y, raw)
    assert hessian.min() < -0.01
    for given, factor in ((None, np.ones((400, 1))), (weight, weight[:, None])):
        expected = {
            "absolute": factor * np.abs(hessian),
            "clipped": factor * np.maximum(hessian, 1e-6),
            "ones": factor * np.ones_like(raw),
        }
        for policy, values in expected.items():
            for scale in (1.0, 2.5):
                found = in_float64(loss, policy, y, place(raw), given, scale)
                np.testing.assert_allclose(found[0], factor * gradient, rtol=1e-13, atol=1e-300)
                np.testing.assert_allclose(found[1], scale * values, rtol=1e-13, atol=1e-300)
                single = RawDerivatives(loss, policy, scale)(y, place(raw), given)
                np.testing.assert_allclose(single[1], scale * values, rtol=3e-7, atol=1e-38)


def test_the_upper_bound_of_separate_columns_is_the_absolute_value():
    y, raw, weight = focal_data(FOCAL)
    for one, other in zip(
        in_float64(FOCAL, "upper_bound", y, raw, weight),
        in_float64(FOCAL, "absolute", y, raw, weight),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


WITH_BOUND = [case for case in RAW_CASES if not loss_of(case).properties.diagonal]


@pytest.mark.parametrize("case", WITH_BOUND, ids=str)
def test_the_upper_bound_is_one(case):
    loss = loss_of(case)
    if loss.properties.curvature == "zero":
        return
    y, raw = raw_inputs(case, 300)
    bound = in_float64(loss, "upper_bound", y, raw)[1]
    matrix = loss.hessian_matrix(y, raw)
    sums = np.abs(matrix).sum(axis=-1)
    assert (bound >= sums * (1 - 1e-9) - 1e-12).all()
    if case.name.endswith("categorical_crossentropy"):
        np.testing.assert_allclose(bound, sums, rtol=1e-9, atol=1e-12)
    gap = np.eye(raw.shape[1]) * bound[:, None] - matrix
    assert np.linalg.eigvalsh(gap).min() > -1e-12 * np.abs(matrix).max()


def test_fisher_is_the_expectation_over_targets():
    raw = 3 * random.normal(size=500)
    q = 1 / (1 + np.exp(-raw))
    expected = sum(
        share * exact(FOCAL, np.full(500, float(label)), raw)[1] for label, share in ((0, 1 - q), (1, q))
    )
    assert expected.min() < 0
    expected = np.maximum(expected, 1e-6)
    found = in_float64(FOCAL, "fisher", np.zeros(500), raw)[1]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(found, in_float64(FOCAL, "fisher", np.ones(500), raw)[1])


def test_fisher_of_a_canonical_link_is_exact():
    loss = losses.BinaryCrossentropy(from_logits=True)
    raw = random.normal(size=100)
    y = random.integers(0, 2, 100).astype(float)
    np.testing.assert_array_equal(in_float64(loss, "fisher", y, raw)[1], in_float64(loss, "exact", y, raw)[1])


def test_xgboost_and_lightgbm_factors_of_softmax():
    raw, y = 3 * random.normal(size=(300, 4)), random.integers(0, 4, 300)
    q = softmax(raw, axis=1)
    rest = np.stack([np.delete(q, column, axis=1).sum(axis=1) for column in range(4)], axis=1)  # 1 − q
    np.testing.assert_allclose(in_float64(SOFTMAX, "upper_bound", y, raw)[1], 2 * q * rest, rtol=1e-12)
    np.testing.assert_allclose(
        in_float64(SOFTMAX, None, y, raw, scale=4 / 3)[1], 4 / 3 * q * rest, rtol=1e-12
    )


# Which policy a loss has ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "policy"),
    [
        (losses.BinaryCrossentropy(from_logits=True), "exact"),
        (losses.PoissonNLL(), "exact"),
        (losses.Huber(), "exact"),
        (losses.AdaptiveRobust(alpha=1.5), "exact"),
        (SOFTMAX, "exact"),
        (losses.MeanAbsoluteError(), "ones"),
        (losses.Quantile(quantile=0.9), "ones"),
        (losses.Hinge(), "ones"),
    ],
    ids=repr,
)
def test_defaults(loss, policy):
    assert resolve(loss) == policy
    assert RawDerivatives(loss).policy == policy


NOT_CONVEX = [
    (FOCAL, "y_pred = ", "its Hessian is -"),
    (CATEGORICAL_FOCAL, "y_pred = ", "has the eigenvalue -"),
    (losses.Cauchy(), "y_true = ", "its Hessian is -"),
    (losses.AdaptiveRobust(alpha=0.5, c=0.01), "y_true = ", "its Hessian is -"),
    (losses.Wing(), "y_true = ", "its Hessian is -"),
]


@pytest.mark.parametrize(("loss", "where", "how"), NOT_CONVEX, ids=lambda value: getattr(value, "name", ""))
def test_losses_that_are_not_convex_need_a_policy(loss, where, how):
    for policy in (None, "exact"):
        with pytest.raises(CurvatureError) as caught:
            resolve(loss, policy)
        message = str(caught.value)
        assert "is not convex in its raw score" in message and "found by sampling" in message
        assert where in message and how in message and "hessian='absolute'" in message
        assert "docs/boosting.md#the-hessian" in message and "lossgen.runtime" not in message
        assert ("'fisher'" in message) == (loss.properties.fisher is not None)


def test_the_example_of_the_message_is_one():
    found = examine(FOCAL)
    assert (found.convex, found.how) == (False, "sampled")
    words = found.where.replace(",", "").split()
    y, raw, hessian = (float(words[words.index(name) + 2]) for name in ("y_true", "y_pred", "Hessian"))
    computed = exact(FOCAL, np.array([y]), np.array([raw]))[1][0]
    assert computed == pytest.approx(hessian, rel=1e-2) and hessian < 0


def test_a_concave_kink_is_found():
    @lg.loss
    def roof(y_true, y_pred):
        return lg.Mean(-lg.relu(y_pred - y_true - 2.0) + 3 * lg.relu(y_pred - y_true))

    found = examine(lg.compile(roof)())
    assert not found.convex and "its gradient falls from 3 to 2" in found.where

    @lg.loss
    def valley(y_true, y_pred):
        return lg.Max(y_pred) - 2 * lg.Mean(lg.relu(y_pred)) + lg.Mean(y_true)

    found = examine(lg.compile(valley)())
    assert not found.convex and "its slope falls along a line" in found.where


def test_a_convex_loss_that_is_not_proved_is_sampled():
    @lg.loss
    def bumpy(y_true, y_pred):
        return lg.Mean((y_pred - y_true) ** 2 + sp.cos(y_pred))

    loss = lg.compile(bumpy)()
    found = examine(loss)
    assert found.convex and found.how == "sampled"
    assert resolve(loss) == "exact"


SCALED = [1e-6, 1e-3, 0.3, 1.0, 30.0, 1e3, 1e6]
WELSCH = "1 - exp(-((p - y)/s)**2/2)"
STUDENT = "log(1 + ((p - y)/s)**2/4)"
CONVEX = ["(p - y)*atan((p - y)/s) - s*log(1 + ((p - y)/s)**2)/2", "s*((1 + (p - y)**2/s**2)**(3/4) - 1)"]


def of_scale(formula: str):
    """A loss with one parameter, s."""
    return lg.compile(lg.declare("OfScale", f"mean({formula})", s=lg.Parameter(1.0, positive=True)))


@pytest.mark.parametrize("formula", [WELSCH, STUDENT])
def test_losses_that_are_not_convex_are_found_at_every_scale(formula):
    kind = of_scale(formula)
    for loss in (kind(s=scale) for scale in SCALED):
        with pytest.raises(CurvatureError, match="its Hessian is -"):
            resolve(loss)


@pytest.mark.parametrize("scale", SCALED)
def test_built_in_losses_that_are_not_convex_are_found_at_every_scale(scale):
    for loss in (losses.Cauchy(c=scale), losses.AdaptiveRobust(alpha=-2.0, c=scale)):
        with pytest.raises(CurvatureError, match="its Hessian is -"):
            resolve(loss)


@pytest.mark.parametrize("formula", CONVEX)
def test_convex_losses_that_are_not_proved_pass_at_every_scale(formula):
    kind = of_scale(formula)
    assert kind().properties.curvature == "unproved"
    for loss in (kind(s=scale) for scale in SCALED):
        assert resolve(loss) == "exact"


PROVED = [case for case in RAW_CASES if loss_of(case).properties.curvature == "convex"]


@pytest.mark.parametrize("case", PROVED, ids=str)
def test_sampling_never_contradicts_a_proof(case):
    for scale in SCALED:
        arguments = {name: getattr(loss_of(case), name) for name in loss_of(case).parameters}
        scaled = {name: value * scale for name, value in arguments.items() if isinstance(value, float)}
        try:
            loss = type(loss_of(case))(**{**case.keywords, **scaled})
        except ParameterError:  # a level beyond 1
            continue
        kernels = RawKernels(loss)
        sampled = sampled_elements if kernels.elementwise else sampled_rows
        assert sampled(loss, kernels).convex, loss


def test_a_hessian_of_0_is_found_where_a_parameter_makes_it_so():
    power = lg.compile(lg.declare("AbsPow", "Mean(Abs(y_pred-y_true)**a)", a=lg.Parameter(2.0, minimum=1)))
    assert power().properties.curvature == "convex"
    assert [resolve(power(a=exponent)) for exponent in (1.0, 1.5, 2.0, 3.0)] == ["ones"] + 3 * ["exact"]
    for policy in ("exact", "absolute", "upper_bound"):
        with pytest.raises(CurvatureError, match="is 0 wherever there is one"):
            resolve(power(a=1.0), policy)
    assert resolve(power(a=1.0), "clipped") == "clipped"


def test_parameters_of_a_class_are_examined_as_they_are():
    @lg.loss
    def bent(y_true, y_pred, *, factor=lg.Parameter(1.0, per_class=True)):
        return lg.Mean(factor * (y_pred - y_true) ** 2)

    bent = lg.compile(bent)
    assert resolve(bent(factor=(1.0, 2.0))) == "exact"
    with pytest.raises(CurvatureError, match="its Hessian is -2"):
        resolve(bent(factor=(1.0, -1.0)))


@pytest.mark.parametrize(
    ("loss", "policy", "words"),
    [
        (FOCAL, "newton", "must be None or one of exact, absolute"),
        (losses.MeanAbsoluteError(), "exact", "is 0 wherever there is one"),
        (losses.MeanAbsoluteError(), "absolute", "is 0 wherever there is one"),
        (losses.Hinge(), "upper_bound", "is 0 wherever there is one"),
        (losses.Huber(), "fisher", "has no hessian='fisher'"),
    ],
)
def test_policies_that_a_loss_has_not(loss, policy, words):
    with pytest.raises(CurvatureError, match=words):
        RawDerivatives(loss, policy)


def test_every_policy_that_is_not_refused_can_be_computed():
    for case in RAW_CASES:
        loss = loss_of(case)
        y, raw = raw_inputs(case, 5)
        offered = 0
        for policy in POLICIES:
            try:
                derivatives = RawDerivatives(loss, policy)
            except CurvatureError:
                continue
            offered += 1
            _, hessian = derivatives(y, raw)
            assert np.isfinite(hessian).all()
            assert (hessian >= 0).all()
        assert offered >= 2


# The full Hessian -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", RAW_CASES, ids=str)
def test_the_matrix_agrees_with_products_and_diagonal(case):
    loss = loss_of(case)
    y, raw = random_inputs(case, 40, 3)
    weight = random.uniform(0.5, 2, 40)
    matrix = loss.hessian_matrix(y, raw, weight)
    assert matrix.shape == (40, 3, 3) and matrix.dtype == np.float64
    np.testing.assert_array_equal(matrix, matrix.transpose(0, 2, 1))
    gradient, diagonal = loss.gradient_and_hessian(y, raw, weight)
    size = np.abs(matrix).max(axis=(1, 2))[:, None] + np.abs(gradient).max(axis=1, keepdims=True) + 1e-300
    assert (np.abs(np.diagonal(matrix, axis1=1, axis2=2) - diagonal) <= 1e-12 * size).all()
    vector = random.normal(size=raw.shape)
    product = type(loss)(**case.keywords, reduction="sum").hessian_vector_product(y, raw, vector, weight)
    assert (np.abs((matrix @ vector[..., None])[..., 0] - product) <= 1e-11 * size).all()


def test_the_matrix_of_softmax_is_the_textbooks():
    raw, y = random.normal(size=(2, 5, 4)), random.integers(0, 4, (2, 5))
    q = softmax(raw, axis=-1)
    expected = np.eye(4) * q[..., None] - q[..., :, None] * q[..., None, :]
    matrix = SOFTMAX.hessian_matrix(y, raw)
    np.testing.assert_allclose(matrix, expected, rtol=1e-12, atol=1e-16)
    single = SOFTMAX.hessian_matrix(y, raw.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(SOFTMAX.hessian_matrix(y[0, 0], raw[0, 0]), expected[0, 0], rtol=1e-12)
    weighted = SOFTMAX.hessian_matrix(y[0], raw[0], np.array([0.0, 1, 2, 3, 4]))
    np.testing.assert_allclose(weighted, np.arange(5.0)[:, None, None] * expected[0], rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(
        SOFTMAX.hessian_matrix(y[0], raw[0], 2.0), 2 * expected[0], rtol=1e-12, atol=1e-16
    )


def test_the_matrix_of_an_ignored_label_is_0():
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    matrix = loss.hessian_matrix([-1, 1], np.zeros((2, 3)))
    assert not matrix[0].any() and matrix[1].any()


def test_losses_of_other_axes_have_no_matrix():
    with pytest.raises(ShapeError, match="reduces the last axis only"):
        losses.Dice().hessian_matrix(np.zeros((2, 3)), np.zeros((2, 3)))
    with pytest.raises(LabelError, match="label 3"):
        SOFTMAX.hessian_matrix([3], np.zeros((1, 3)))
    with pytest.raises(NoGradientError, match="written as code"):

        class Written(losses.Loss):
            def call(self, y_true, y_pred):
                return y_pred

        Written().hessian_matrix([0.0], [0.0])


# Links ----------------------------------------------------------------------------------------------------


def test_links_lead_back_to_means():
    raw = np.array([-1e4, -800.0, -3.0, 0.0, 2.0, 40.0, 1e4])
    np.testing.assert_array_equal(losses.Huber().inverse_link(raw), raw)
    logistic = losses.BinaryCrossentropy(from_logits=True).inverse_link(raw)
    np.testing.assert_allclose(logistic[2:5], 1 / (1 + np.exp(-raw[2:5])), rtol=1e-15)
    assert logistic[0] == 0 and logistic[-1] == 1 and logistic[5] == 1
    assert losses.BinaryCrossentropy(from_logits=True).inverse_link(-700.0) == pytest.approx(np.exp(-700.0))
    np.testing.assert_array_equal(losses.PoissonNLL().inverse_link(raw), [0, *np.exp(raw[1:6]), np.inf])
    rows = random.normal(size=(2, 3, 4)) * 1000
    np.testing.assert_allclose(SOFTMAX.inverse_link(rows), softmax(rows, axis=-1), rtol=1e-12)
    assert SOFTMAX.inverse_link(np.empty((0, 3))).shape == (0, 3)
    for dtype, result in ((np.float32, np.float32), (np.float64, np.float64), (int, np.float64)):
        for loss in (
            losses.Huber(),
            losses.PoissonNLL(),
            losses.BinaryCrossentropy(from_logits=True),
            SOFTMAX,
        ):
            assert loss.inverse_link(np.ones((2, 2), dtype)).dtype == result


def test_inverse_links_of_best_constants_are_means():
    y = random.integers(0, 3, 100)
    np.testing.assert_allclose(
        SOFTMAX.inverse_link(SOFTMAX.optimal_constant(y)), np.bincount(y) / 100, rtol=1e-13
    )
    counts = random.poisson(3, 100)
    poisson = losses.PoissonNLL()
    assert poisson.inverse_link(poisson.optimal_constant(counts)) == pytest.approx(counts.mean(), rel=1e-14)
