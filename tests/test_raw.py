"""Derivatives on raw scores: against differences of fourth order, and the same in every order and dtype."""

import pickle
import tracemalloc
from copy import deepcopy

import numpy as np
import pytest
from raw_cases import RAW_CASES, loss_of, raw_inputs, slopes
from scipy.special import softmax

import lossgen as lg
from lossgen import losses
from lossgen.errors import CurvatureError, DtypeError, LabelError, NoGradientError, ShapeError, WeightError
from lossgen.runtime import threads
from lossgen.runtime.lanes import LANES
from lossgen.runtime.raw import RawDerivatives
from lossgen.runtime.raw_kernels import RawKernels

random = np.random.default_rng(5)
ORDERS = {"C": np.ascontiguousarray, "F": np.asfortranarray}

LOGISTIC = losses.BinaryCrossentropy(from_logits=True)
SOFTMAX = losses.SparseCategoricalCrossentropy(from_logits=True)
SOFT = losses.CategoricalCrossentropy(from_logits=True)


@pytest.fixture(autouse=True)
def same_numbers():
    """Every test draws the same numbers, whichever tests run before it."""
    random.bit_generator.state = np.random.default_rng(5).bit_generator.state


def exact(loss, y, raw, weight=None) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and second derivative in float64, whatever its sign."""
    kernels, results = RawKernels(loss), (np.empty_like(raw), np.empty_like(raw))
    kernels.run(kernels.targets(y, raw), raw, weight, *results)
    return results


@pytest.mark.parametrize("case", RAW_CASES, ids=str)
def test_derivatives_are_those_of_differences(case):
    loss = loss_of(case)
    y, raw = raw_inputs(case, 200)
    weight = random.uniform(0.5, 2, len(raw))
    gradient, hessian = exact(loss, y, raw, weight)
    for column in range(raw.shape[1]):
        slope = weight * slopes(lambda p: loss.call(y, p), raw, column)
        curvature = weight * slopes(lambda p, c=column: exact(loss, y, p)[0][:, c], raw, column)
        for found, expected in ((gradient, slope), (hessian, curvature)):
            smooth = ~np.isnan(expected)
            assert smooth.mean() > 0.9
            np.testing.assert_allclose(found[smooth, column], expected[smooth], rtol=1e-6, atol=1e-8)


def test_columns_that_do_not_meet_are_problems_of_their_own():
    y, raw = random.poisson(2.0, (500, 3)).astype(float), random.normal(size=(500, 3))
    gradient, hessian = RawDerivatives(losses.PoissonNLL())(
        y, raw, out=(np.empty_like(raw), np.empty_like(raw))
    )
    np.testing.assert_allclose(gradient, np.exp(raw) - y, rtol=1e-12)
    np.testing.assert_allclose(hessian, np.exp(raw), rtol=1e-14)
    for column in range(3):
        alone = RawDerivatives(losses.PoissonNLL())(y[:, column], raw[:, column].copy())
        np.testing.assert_array_equal(alone[0], gradient[:, column].astype(np.float32))


@pytest.mark.parametrize("rows", [1, LANES - 1, LANES, 3 * LANES + 5, 40_000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", [LOGISTIC, SOFTMAX, SOFT], ids=lambda loss: loss.name)
def test_order_and_threads_change_no_bit(loss, dtype, rows):
    raw = random.normal(size=(rows, 5)).astype(dtype)
    y = random.integers(0, 5, rows) if loss.labels else random.dirichlet(np.ones(5), rows)
    weight = random.uniform(0.5, 2, rows)
    weight[rows // 2] = 0
    derivatives = RawDerivatives(loss)
    for given in (None, weight):
        results = {order: derivatives(y, place(raw), given) for order, place in ORDERS.items()}
        for order, arrays in results.items():
            for array in arrays:
                assert array.dtype == np.float32 and array.shape == raw.shape
                assert array.flags[f"{order}_CONTIGUOUS"]
        for one, other in zip(*results.values(), strict=True):
            np.testing.assert_array_equal(one, other)
    lg.set_num_threads(1)
    try:
        for one, other in zip(derivatives(y, raw, weight), results["C"], strict=True):
            np.testing.assert_array_equal(one, other)
    finally:
        lg.set_num_threads(2)


@pytest.mark.parametrize("loss", [SOFTMAX, SOFT], ids=lambda loss: loss.name)
@pytest.mark.parametrize("columns", [2, 17, 100])
def test_results_are_those_of_gradient_and_hessian(loss, columns):
    raw = 3 * random.normal(size=(300, columns))
    y = random.integers(0, columns, 300) if loss.labels else random.dirichlet(np.ones(columns), 300)
    weight = random.uniform(0.5, 2, 300)
    expected = loss.gradient_and_hessian(y, raw, weight)
    for place in ORDERS.values():
        for one, other in zip(RawDerivatives(loss)(y, place(raw), weight), expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-12)


def test_float32_results_are_float64_results_rounded():
    raw, y = random.normal(size=(200, 4)), random.integers(0, 4, 200)
    places = np.empty_like(raw), np.empty_like(raw)
    for given in (raw, np.asfortranarray(raw)):
        rounded = RawDerivatives(SOFTMAX)(y, given)
        RawDerivatives(SOFTMAX)(y, given, out=places)
        for one, other in zip(rounded, places, strict=True):
            np.testing.assert_array_equal(one, other.astype(np.float32))


@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_of_float32_scores_are_computed_in_float64(order):
    raw = np.asarray(3 * random.normal(size=(200, 4)), np.float32, order=order)
    y = random.integers(0, 4, 200)
    found = RawDerivatives(SOFTMAX)(y, raw)
    for one, other in zip(found, RawDerivatives(SOFTMAX)(y, raw.astype(np.float64)), strict=True):
        assert one.dtype == np.float32
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.uint64, np.float32, np.float64, bool])
def test_labels_of_any_dtype(dtype):
    raw = random.normal(size=(50_000, 2))
    y = random.integers(0, 2, 50_000)
    expected = RawDerivatives(SOFTMAX)(y.astype(np.int32), raw)
    for one, other in zip(RawDerivatives(SOFTMAX)(y.astype(dtype), raw), expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float16, np.float32, bool])
def test_targets_and_weights_of_any_dtype(dtype):
    raw, y = random.normal(size=300), random.integers(0, 2, 300)
    expected = RawDerivatives(LOGISTIC)(y.astype(float), raw, y.astype(float))
    found = RawDerivatives(LOGISTIC)(y.astype(dtype), raw, y.astype(dtype))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_ignored_labels_count_nothing():
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    raw, y = random.normal(size=(200, 3)), random.integers(-1, 3, 200)
    for labels in (y, y.astype(np.float32)):
        gradient, hessian = RawDerivatives(loss)(labels, raw)
        assert not gradient[y == -1].any() and not hessian[y == -1].any()
        used = RawDerivatives(loss)(y[y >= 0], raw[y >= 0])
        np.testing.assert_array_equal(gradient[y >= 0], used[0])


def test_a_weight_of_zero_takes_a_row_out():
    raw, y = np.array([0.0, 1e5, 1.0]), np.array([1.0, 1.0, 2.0])
    gradient, hessian = RawDerivatives(losses.PoissonNLL())(y, raw, np.array([1.0, 0.0, 2.0]))
    assert gradient[1] == hessian[1] == 0 and np.isfinite(gradient).all()


def test_parameters_of_a_class_go_with_its_column():
    @lg.loss
    def steep(y_true, y_pred, *, factor=lg.Parameter(1.0, positive=True, per_class=True)):
        return lg.Mean(factor * (y_pred - y_true) ** 2)

    derivatives = RawDerivatives(lg.compile(steep)(factor=(1.0, 2.0, 4.0)))
    y, raw = random.normal(size=(2, 300, 3))
    for place in ORDERS.values():
        for weight in (None, random.uniform(1, 2, 300)):
            factor = np.array([2.0, 4.0, 8.0]) * (1 if weight is None else weight[:, None])
            gradient, hessian = derivatives(y, place(raw), weight)
            np.testing.assert_allclose(gradient, factor * (raw - y), rtol=1e-6)
            np.testing.assert_allclose(hessian, np.broadcast_to(factor, raw.shape), rtol=1e-6)


def test_arrays_are_left_alone():
    raw, y = np.asfortranarray(random.normal(size=(200, 3))), random.integers(0, 3, 200).astype(np.float32)
    weight = random.uniform(1, 2, 200)
    expected = RawDerivatives(SOFTMAX)(y, raw, weight)
    copies = raw.copy(), y.copy(), weight.copy()
    for array in (raw, y, weight):
        array.flags.writeable = False
    for one, other in zip(RawDerivatives(SOFTMAX)(y, raw, weight), expected, strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip((raw, y, weight), copies, strict=True):
        np.testing.assert_array_equal(one, other)
    for given in (raw[::-1], raw[:, ::2], np.repeat(raw, 2, 0)[::2]):
        labels = np.zeros(len(given))
        for one, other in zip(
            RawDerivatives(SOFTMAX)(labels, given), RawDerivatives(SOFTMAX)(labels, given.copy()), strict=True
        ):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("loss", [LOGISTIC, SOFTMAX, SOFT], ids=lambda loss: loss.name)
@pytest.mark.parametrize("place", [np.ascontiguousarray, np.asfortranarray])
def test_nothing_is_copied(loss, place, monkeypatch):
    """But for labels, which become int32, and the tiles of a thread."""
    monkeypatch.setattr(threads, "_wanted", 1)
    rows, columns = 20_000, 4
    raw = place(random.normal(size=(rows, columns)))
    y = random.integers(0, 4, rows).astype(np.float32) if loss.labels else place(softmax(raw, axis=1))
    weight = random.uniform(1, 2, rows) if not loss.properties.diagonal else None
    derivatives = RawDerivatives(loss)
    derivatives(y, raw, weight)
    tracemalloc.start()
    try:
        gradient, hessian = derivatives(y, raw, weight)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    allowed = gradient.nbytes + hessian.nbytes + (4 * rows if loss.labels else 0)
    assert peak < allowed + 20_000


def test_results_are_written_where_they_are_wanted():
    raw, y = np.asfortranarray(random.normal(size=(200, 3))), random.integers(0, 3, 200)
    expected = RawDerivatives(SOFTMAX)(y, raw)
    for dtypes in ((np.float32, np.float32), (np.float64, np.float64), (np.float32, np.float64)):
        for order in "CF":
            out = tuple(np.full(raw.shape, np.nan, dtype, order) for dtype in dtypes)
            found = RawDerivatives(SOFTMAX)(y, raw, out=out)
            assert found[0] is out[0] and found[1] is out[1]
            for one, other in zip(out, expected, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-6)


def test_no_rows():
    gradient, hessian = RawDerivatives(SOFTMAX)(np.empty(0), np.empty((0, 3)))
    assert gradient.shape == hessian.shape == (0, 3)
    assert RawDerivatives(LOGISTIC)(np.empty(0), np.empty(0))[0].shape == (0,)


def test_copies_are_equal():
    derivatives = RawDerivatives(losses.SigmoidFocal(gamma=1.0), "absolute", 2.0)
    raw, y = random.normal(size=100), random.integers(0, 2, 100)
    for copy in (pickle.loads(pickle.dumps(derivatives)), deepcopy(derivatives)):
        assert repr(copy) == repr(derivatives)
        for one, other in zip(copy(y, raw), derivatives(y, raw), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("loss", "arguments", "error", "words"),
    [
        (LOGISTIC, (np.zeros(3), np.zeros(4)), ShapeError, "`y` must have the shape of `raw`"),
        (LOGISTIC, (np.zeros((3, 2)), np.zeros((2, 3))), ShapeError, "`y` must have the shape"),
        (LOGISTIC, (np.zeros(3), np.zeros((3, 1, 1))), ShapeError, "`raw` must have shape"),
        (
            LOGISTIC,
            (np.zeros(3), np.zeros(3), np.zeros(2)),
            WeightError,
            "`weight` must hold one number a row",
        ),
        (LOGISTIC, (np.zeros(3), np.zeros(3, complex)), DtypeError, "`raw` must hold real numbers"),
        (LOGISTIC, (np.array(["a"]), np.zeros(1)), DtypeError, "`y` must hold real numbers"),
        (SOFTMAX, (np.zeros(3), np.zeros(3)), ShapeError, "one column a class"),
        (SOFTMAX, (np.array([0, 3]), np.zeros((2, 3))), LabelError, "label 3 at position"),
        (SOFTMAX, (np.array([0, -1]), np.zeros((2, 3))), LabelError, "label -1 at position"),
        (SOFTMAX, (np.array([0, 0.5]), np.zeros((2, 3))), LabelError, "label 0.5 at position"),
        (SOFTMAX, (np.array([0, np.nan]), np.zeros((2, 3))), LabelError, "label nan at position"),
        (SOFTMAX, (np.array([0, 1e300]), np.zeros((2, 3))), LabelError, "label 1e\\+300 at position"),
        (SOFT, (np.zeros(3), np.zeros(3)), ShapeError, r"\(rows, columns\)"),
    ],
)
def test_bad_arguments_are_named(loss, arguments, error, words):
    with pytest.raises(error, match=words):
        RawDerivatives(loss)(*arguments)


@pytest.mark.parametrize(
    "out",
    [
        np.empty(3),
        (np.empty(3),),
        (np.empty(3), np.empty(4)),
        (np.empty(3), np.empty(3, int)),
        ([0] * 3, [0] * 3),
    ],
)
def test_bad_places_are_refused(out):
    with pytest.raises(ShapeError, match="`out` must be two writeable"):
        RawDerivatives(LOGISTIC)(np.zeros(3), np.zeros(3), out=out)


def test_losses_without_rows_of_their_own_are_refused():
    with pytest.raises(ShapeError, match="does not give every row a loss of its own"):
        RawDerivatives(losses.Dice())
    with pytest.raises(NoGradientError, match="is written as code"):

        class Written(losses.Loss):
            def call(self, y_true, y_pred):
                return y_pred

        RawDerivatives(Written())
    for scale in (0, -1.0, np.inf, np.nan, True):
        with pytest.raises(CurvatureError, match="`hessian_scale` must be a positive number"):
            RawDerivatives(LOGISTIC, hessian_scale=scale)
