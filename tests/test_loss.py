"""`Loss`: what its calls return, for which shapes and dtypes, and what they refuse."""

import copy
import inspect
import os
import pickle
import re

import numpy as np
import pytest
from handwritten_losses import (
    Huber,
    HuberAndOverlap,
    Overlap,
    SignedOverlap,
    SparseCrossentropy,
    huber,
    sparse_crossentropy,
)

from lossgen.errors import (
    DeclarationError,
    DtypeError,
    LabelError,
    NoGradientError,
    ParameterError,
    ShapeError,
)
from lossgen.runtime import dispatch, threads
from lossgen.runtime.loss import Loss
from lossgen.runtime.parameters import Parameter
from lossgen.runtime.variant import Variant

random = np.random.default_rng(7)


def data(*shape, dtype=np.float32):
    return random.normal(size=shape).astype(dtype), random.normal(size=shape).astype(dtype)


def huber_reference(y, p, delta=1.0, axis=-1):
    error = p.astype(float) - y
    small = np.abs(error) <= delta
    return np.where(small, error**2 / 2, delta * (np.abs(error) - delta / 2)).mean(axis=axis)


def derivative(function, p, step=1e-6):
    """Central differences of a function of an array of float64."""
    result = np.empty(p.shape)
    for index in np.ndindex(p.shape):
        ends = []
        for sign in (1, -1):
            moved = p.copy()
            moved[index] += sign * step
            ends.append(float(function(moved)))
        result[index] = (ends[0] - ends[1]) / (2 * step)
    return result


# Values and gradients ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5,), (4, 3), (4, 1), (2, 3, 4), (1, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_value_and_losses_of_a_row(shape, dtype):
    y, p = data(*shape, dtype=dtype)
    expected = huber_reference(y, p, 0.5)
    losses = Huber(0.5).call(y, p)
    assert losses.shape == shape[:-1] and losses.dtype == dtype
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
    value = Huber(0.5)(y, p)
    assert isinstance(value, dtype)
    np.testing.assert_allclose(value, expected.mean(), rtol=1e-6)


@pytest.mark.parametrize("loss", [Huber(0.5), Overlap(), SignedOverlap(), HuberAndOverlap(0.5)], ids=repr)
@pytest.mark.parametrize("reduction", ["mean", "sum", "mean_with_sample_weight"])
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_is_the_derivative_of_the_value(loss, reduction, weighted):
    y, p = data(2, 3, 4, dtype=np.float64)
    loss = type(loss).from_config({**loss.get_config(), "reduction": reduction})
    shape = loss.call(y, p).shape
    weight = random.uniform(0.5, 2, size=shape) if weighted else None
    value, gradient = loss.value_and_gradient(y, p, weight)
    assert value == loss(y, p, weight)
    np.testing.assert_allclose(gradient, derivative(lambda q: loss(y, q, weight), p), atol=1e-8)
    np.testing.assert_array_equal(gradient, loss.gradient(y, p, weight))


def test_unreduced_gradient_is_that_of_the_sum():
    y, p = data(4, 3, dtype=np.float64)
    weight = random.uniform(size=4)
    losses, gradient = Huber(reduction="none").value_and_gradient(y, p, weight)
    np.testing.assert_allclose(losses, weight * huber_reference(y, p), rtol=1e-12)
    np.testing.assert_array_equal(gradient, Huber(reduction="sum").gradient(y, p, weight))


def test_hessian_is_of_each_row_and_weighted():
    y, p = data(4, 3, dtype=np.float64)
    weight = random.uniform(0.5, 1, size=4)
    gradient, hessian = Huber(0.7).gradient_and_hessian(y, p, weight)
    np.testing.assert_allclose(gradient, weight[:, None] * np.clip(p - y, -0.7, 0.7) / 3)
    np.testing.assert_allclose(hessian, weight[:, None] * (np.abs(p - y) <= 0.7) / 3)


def test_hessian_of_a_sum_of_scopes_counts_the_whole_tensor_once():
    class Both(Loss):
        variants = {(): Variant((*Overlap.variants[()].terms, *SignedOverlap.variants[()].terms))}  # noqa: RUF012

    y, p = data(4, 3, dtype=np.float64)
    weight = random.uniform(0.5, 1, size=4)
    gradient, hessian = Both().gradient_and_hessian(y, p, weight)
    np.testing.assert_allclose(gradient, -4 * weight[:, None] * y * p)
    np.testing.assert_allclose(hessian, -4 * weight[:, None] * y)


def test_hessian_vector_product_is_of_the_reduced_value():
    y, p = data(4, 3, dtype=np.float64)
    vector, weight = random.normal(size=p.shape), random.uniform(0.5, 1, size=4)
    product = Huber(0.7).hessian_vector_product(y, p, vector, weight)
    _, hessian = Huber(0.7).gradient_and_hessian(y, p, weight)
    np.testing.assert_allclose(product, hessian * vector / 4)
    with pytest.raises(ShapeError, match=re.escape("vector of shape (3,) and y_pred of shape (4, 3)")):
        Huber().hessian_vector_product(y, p, vector[0])


def test_a_missing_kernel_is_named():
    with pytest.raises(NoGradientError, match=r"SparseCrossentropy .* `gradient_and_hessian`"):
        SparseCrossentropy().gradient_and_hessian([0], [[0.5, 0.5]])


def test_sum_of_scopes_adds_broadcast_losses():
    y, p = data(2, 3, 4, dtype=np.float64)
    np.testing.assert_allclose(HuberAndOverlap().call(y, p), Huber().call(y, p) + Overlap().call(y, p))
    np.testing.assert_allclose(HuberAndOverlap()(y, p), Huber()(y, p) + Overlap()(y, p))


# Axes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, -2, (0, 1), (-1, 0), None])
def test_axis(axis):
    y, p = data(2, 3, 4, dtype=np.float64)
    given = tuple(axis) if isinstance(axis, tuple) else axis
    loss = Huber(0.5, axis=axis)
    expected = huber_reference(y, p, 0.5, axis=given)
    np.testing.assert_allclose(loss.call(y, p), expected, rtol=1e-12)
    weight = random.uniform(0.5, 1, size=expected.shape)
    for each in (None, weight):
        value, gradient = loss.value_and_gradient(y, p, each)
        np.testing.assert_allclose(value, (expected if each is None else each * expected).mean(), rtol=1e-12)
        np.testing.assert_allclose(gradient, derivative(lambda q, w=each: loss(y, q, w), p), atol=1e-8)


def test_axis_replaces_the_scope_of_the_declaration_only():
    y, p = data(4, 3, dtype=np.float64)
    np.testing.assert_allclose(
        HuberAndOverlap(axis=0).call(y, p), huber_reference(y, p, axis=0) + Overlap().call(y, p)
    )


def test_axis_refused():
    with pytest.raises(
        ParameterError, match=r"`axis` must be of type `int`.* axis=True of type <class 'bool'>"
    ):
        Huber(axis=True)
    with pytest.raises(ParameterError, match="`axis` must be of type `int`"):
        Huber(axis=1.5)
    with pytest.raises(ShapeError, match=re.escape("`axis` 2 does not exist in predictions of 2 dimensions")):
        Huber(axis=2)(*data(4, 3))
    with pytest.raises(ShapeError, match=re.escape("`axis` (0, -2) names an axis of y_pred twice")):
        Huber(axis=(0, -2))(*data(4, 3))
    with pytest.raises(ShapeError, match="does not exist in predictions of 0 dimensions"):
        Huber()(0.5, 0.5)
    assert Huber(axis=None)(0.0, 1.0) == 0.5


# Shapes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "prediction", "losses"),
    [((3,), (3, 1), (3,)), ((3, 1), (3,), (3,)), ((2, 3, 1), (2, 3), (2,)), ((2, 3), (2, 3, 1), (2,))],
)
def test_a_trailing_one_is_squeezed_as_in_keras(target, prediction, losses):
    y, p = data(*target)[0], data(*prediction)[0]
    assert Huber().call(y, p).shape == losses
    assert Huber().gradient(y, p).shape == prediction


def test_other_shapes_must_be_equal():
    with pytest.raises(ShapeError, match=re.escape("y_true of shape (4, 1) and y_pred of shape (4, 3)")):
        Huber()(np.zeros((4, 1)), np.zeros((4, 3)))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0,), (0, 0), (2, 0, 3)])
@pytest.mark.parametrize("reduction", ["mean", "sum", "mean_with_sample_weight", "none"])
def test_nothing_gives_zero(shape, reduction):
    loss = Huber(reduction=reduction)
    value, gradient = loss.value_and_gradient(np.zeros(shape), np.zeros(shape))
    assert gradient.shape == shape
    np.testing.assert_array_equal(value, np.zeros(shape[:-1]) if reduction == "none" else 0)
    np.testing.assert_array_equal(loss.call(np.zeros(shape), np.zeros(shape)), np.zeros(shape[:-1]))
    assert all(array.shape == shape for array in loss.gradient_and_hessian(np.zeros(shape), np.zeros(shape)))


@pytest.mark.parametrize("change", ["reversed", "transposed", "readonly", "big-endian", "unaligned", "list"])
def test_any_memory_gives_the_same_result(change):
    y, p = data(6, 6, dtype=np.float64)
    expected = Huber().value_and_gradient(y, p)
    changes = {
        "reversed": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
        "transposed": lambda a: a.T.copy().T,
        "readonly": lambda a: np.frombuffer(a.tobytes()).reshape(a.shape),
        "big-endian": lambda a: a.astype(">f8"),
        "unaligned": lambda a: np.frombuffer(b"x" + a.tobytes(), offset=1).reshape(a.shape),
        "list": lambda a: a.tolist(),
    }
    y, p = changes[change](y), changes[change](p)
    value, gradient = Huber().value_and_gradient(y, p)
    assert value == expected[0]
    np.testing.assert_array_equal(gradient, expected[1])


def test_read_only_predictions_need_no_kernel_of_their_own():
    y, p = data(4, 3)
    Huber().value_and_gradient(y, p)
    kernel = Huber.variants[()].terms[0].flat["value_and_gradient"]
    before = len(kernel.signatures)
    p.flags.writeable = False
    Huber().value_and_gradient(y, p)
    assert len(kernel.signatures) == before and not p.flags.writeable


# Dtypes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [bool, np.int8, np.uint64, np.float16, np.float32, np.float64])
def test_targets_of_any_dtype(target):
    y, p = (random.normal(size=(4, 3)) > 0).astype(target), data(4, 3)[0]
    value, gradient = Huber().value_and_gradient(y, p)
    np.testing.assert_allclose(value, huber_reference(y.astype(float), p).mean(), rtol=1e-6)
    assert value.dtype == gradient.dtype == np.float32


def test_half_precision_is_computed_in_single():
    p = np.full((4, 2), 300, np.float16)
    y = np.zeros((4, 2), np.float16)
    value, gradient = Huber(1000.0, reduction="none").value_and_gradient(y, p)
    assert value.dtype == gradient.dtype == np.float16
    np.testing.assert_array_equal(value, np.float16(45000))
    assert Huber(1000.0)(y, p) == np.float16(45000)


def test_integer_predictions_are_computed_in_double():
    value, gradient = Huber().value_and_gradient([0, 0], [1, 3])
    assert value.dtype == gradient.dtype == np.float64 and value == 1.5


def test_dtype_argument_sets_the_result():
    y, p = data(4, 3)
    value, gradient = Huber(dtype="float64").value_and_gradient(y, p)
    assert value.dtype == gradient.dtype == np.float64
    assert Huber(dtype=np.float32)(y.astype(float), p.astype(float)).dtype == np.float32


@pytest.mark.parametrize("dtype", ["float16", "int32", "nonsense", 7])
def test_other_dtype_arguments_are_refused(dtype):
    with pytest.raises(
        ValueError,
        match=re.escape(f"`dtype` must be None, 'float32' or 'float64'. Received: dtype={dtype!r}"),
    ):
        Huber(dtype=dtype)


def test_arrays_that_hold_no_numbers_are_refused():
    with pytest.raises(DtypeError, match=r"`y_pred` must hold real numbers .* y_pred of dtype complex128"):
        Huber()(np.zeros(3), np.zeros(3, complex))
    with pytest.raises(DtypeError, match=r"`y_true` must hold real numbers.*y_true of dtype <U1"):
        Huber()(["a", "b"], [0.0, 1.0])
    with pytest.raises(DtypeError, match="`sample_weight` must hold real numbers"):
        Huber()([0.0], [0.0], sample_weight="heavy")


# Labels ---------------------------------------------------------------------------------------------------


def crossentropy(labels, p):
    shifted = p - np.log(np.exp(p).sum(-1, keepdims=True))
    return -np.take_along_axis(shifted, labels[..., None], -1)[..., 0]


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.uint64, np.float32, bool])
def test_labels_of_a_row(shape, dtype):
    labels, p = np.array([0, 1, 1, 0]), data(4, 3, dtype=np.float64)[0]
    losses = SparseCrossentropy(True).call(labels.reshape(shape).astype(dtype), p)
    np.testing.assert_allclose(losses, crossentropy(labels, p), rtol=1e-12)


def test_labels_along_another_axis():
    labels, p = random.integers(0, 3, size=(2, 5)), data(2, 3, 5, dtype=np.float64)[0]
    loss = SparseCrossentropy(True, axis=1)
    for given in (labels, labels[:, None, :], labels[..., None]):
        np.testing.assert_allclose(
            loss.call(given, p), crossentropy(labels, np.moveaxis(p, 1, -1)), rtol=1e-12
        )
    np.testing.assert_allclose(loss.gradient(labels, p), derivative(lambda q: loss(labels, q), p), atol=1e-8)


def test_ignored_labels_do_not_count():
    p = data(4, 3, dtype=np.float64)[0]
    labels = np.array([0, -1, 2, -1])
    loss = SparseCrossentropy(True, ignore_class=-1)
    losses = np.where(labels < 0, 0, crossentropy(np.maximum(labels, 0), p))
    np.testing.assert_allclose(loss.call(labels, p), losses)
    np.testing.assert_allclose(loss(labels, p), losses.sum() / 2)
    weight = np.array([1.0, 5.0, 3.0, 7.0])
    np.testing.assert_allclose(loss(labels, p, weight), (weight * losses).sum() / 2)
    loss = SparseCrossentropy(True, ignore_class=-1, reduction="mean_with_sample_weight")
    np.testing.assert_allclose(loss(labels, p, weight), (weight * losses).sum() / 4)
    assert SparseCrossentropy(True, ignore_class=0)([0, 0], p[:2]) == 0


def test_masked_labels_are_not_looked_at():
    p = data(3, 3, dtype=np.float64)[0]
    masked = SparseCrossentropy(True).value_and_gradient([0, 999, 2], p, mask=[True, False, True])
    value, gradient = SparseCrossentropy(True).value_and_gradient([0, 2], p[[0, 2]])
    np.testing.assert_allclose(masked[0], value)
    np.testing.assert_array_equal(masked[1][1], 0)
    np.testing.assert_allclose(masked[1][[0, 2]], gradient)


def test_bad_labels_are_named():
    p = np.zeros((2, 3, 5))
    with pytest.raises(LabelError, match=re.escape("the label 7 at position (1, 0); labels lie in 0 … 4")):
        SparseCrossentropy()([[0, 1, 2], [7, 9, 0]], p)
    with pytest.raises(LabelError, match=re.escape("the label -1 at position (0, 1)")):
        SparseCrossentropy(ignore_class=-2)([[0, -1, -2], [0, 0, 0]], p)
    with pytest.raises(
        LabelError, match=re.escape("the label 0.5 at position (1,); labels are whole numbers")
    ):
        SparseCrossentropy()([0.0, 0.5], p[0, :2])
    with pytest.raises(LabelError, match="nan at position"):
        SparseCrossentropy()([np.nan], p[0, :1])
    with pytest.raises(LabelError, match="18446744073709551615 at position"):
        SparseCrossentropy()(np.array([2**64 - 1], np.uint64), p[0, :1])
    with pytest.raises(LabelError, match="an empty range"):
        SparseCrossentropy()([0], np.zeros((1, 0)))


def test_labels_of_a_bad_shape_are_refused():
    with pytest.raises(ShapeError, match=re.escape("in shape (2,). Received: y_true of shape (3,)")):
        SparseCrossentropy()([0, 1, 2], np.zeros((2, 3)))
    with pytest.raises(ShapeError, match=r"looks like one column a class: pass y_true.argmax"):
        SparseCrossentropy()(np.eye(3), np.ones((3, 3)))


def test_ignore_class_refused():
    with pytest.raises(
        ParameterError, match=r"`ignore_class` must be an integer or None. Received: ignore_class=1.5"
    ):
        SparseCrossentropy(ignore_class=1.5)


# Per-class parameters -------------------------------------------------------------------------------------


def test_per_class_parameters():
    p, labels = data(4, 3, dtype=np.float64)[0], np.array([0, 1, 2, 1])
    alpha = np.array([1.0, 2.0, 3.0])
    loss = SparseCrossentropy(True, alpha=alpha)
    np.testing.assert_allclose(loss.call(labels, p), alpha[labels] * crossentropy(labels, p))
    assert loss.alpha == (1.0, 2.0, 3.0)
    with pytest.raises(
        ShapeError, match=r"`alpha` of SparseCrossentropy .* of length 3 and y_pred with 4 columns"
    ):
        loss([0], np.zeros((1, 4)))


# Signed targets -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32, np.float64])
def test_zero_and_one_become_signs(dtype):
    y = np.array([[0, 1], [1, 0]], dtype)
    p = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(SignedOverlap().call(y, p), 1 - ((2.0 * y - 1) * p**2).sum(-1))


@pytest.mark.parametrize(
    "y", [[[0, -1], [1, 1]], [[0.5, 1], [0, 0]], [[-1, 1], [1, -1]], [[np.nan, 1], [0, 0]]]
)
def test_other_targets_stay(y):
    p = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(SignedOverlap().call(y, p), 1 - (np.asarray(y) * p**2).sum(-1))


# Masks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", ["mean", "sum", "mean_with_sample_weight", "none"])
@pytest.mark.parametrize("weight", [None, 2.0, np.array([1.0, 2.0, 3.0, 4.0])], ids=str)
def test_what_is_masked_does_not_count_even_if_it_is_not_a_number(reduction, weight):
    y, p = data(4, 3, dtype=np.float64)
    p[1] = np.nan
    mask = np.array([True, False, True, True])
    loss = Huber(reduction=reduction)
    value, gradient = loss.value_and_gradient(y, p, weight, mask=mask)
    part = weight[mask] if isinstance(weight, np.ndarray) else weight
    expected, part_gradient = loss.value_and_gradient(y[mask], p[mask], part)
    np.testing.assert_allclose(value[mask] if reduction == "none" else value, expected)
    np.testing.assert_allclose(gradient[mask], part_gradient)
    np.testing.assert_array_equal(gradient[1], 0)
    _, hessian = loss.gradient_and_hessian(y, p, weight, mask=mask)
    np.testing.assert_array_equal(hessian[1], 0)


def test_all_masked_gives_zero():
    y, p = data(2, 3)
    for loss in (Huber(), HuberAndOverlap(), Huber(reduction="mean_with_sample_weight")):
        value, gradient = loss.value_and_gradient(y, np.full_like(p, np.nan), mask=[False, False])
        assert value == 0
        np.testing.assert_array_equal(gradient, 0)


# Where the gradient is written -----------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [-1, 0])
@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize("weighted", [False, True])
def test_out(axis, layout, weighted):
    y, p = data(4, 4)
    weight = random.uniform(size=4) if weighted else None
    expected = Huber(axis=axis).gradient(y, p, weight)
    out = np.full(p.shape, np.nan, np.float32, order=layout)
    value, gradient = Huber(axis=axis).value_and_gradient(y, p, weight, out=out)
    assert gradient is out and value == Huber(axis=axis)(y, p, weight)
    np.testing.assert_array_equal(out, expected)


def test_out_may_be_an_input():
    y, p = data(4, 3)
    expected = Huber().gradient(y, p)
    Huber().gradient(y, p, out=p)
    np.testing.assert_array_equal(p, expected)


def test_out_is_checked():
    y, p = data(4, 3)
    with pytest.raises(
        ShapeError,
        match=re.escape(
            "shape (4, 3) and dtype float32 of the gradient. Received: float64 array of shape (4, 3)"
        ),
    ):
        Huber().gradient(y, p, out=np.zeros((4, 3)))
    with pytest.raises(ShapeError, match="Received: list"):
        Huber().gradient(y, p, out=[0.0])


# Many elements --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_threads_change_no_bit(weighted, monkeypatch):
    monkeypatch.setattr(dispatch, "CHUNK_ELEMENTS", 1000)
    y, p = data(5000, 7)
    weight = random.uniform(size=5000).astype(np.float32) if weighted else None
    before = threads.get_num_threads()
    results = []
    try:
        for number in (1, 2, 5):
            threads.set_num_threads(number)
            results.append((*Huber().value_and_gradient(y, p, weight), Huber().call(y, p)))
    finally:
        threads.set_num_threads(before)
    np.testing.assert_allclose(results[0][0], Huber(dtype="float64")(y, p, weight), rtol=1e-6)
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("length", [1, 999, 131_072, 131_073, 10_000_000])
@pytest.mark.parametrize("columns", [1, 10, 1_000_000])
def test_chunks_cover_everything(length, columns):
    rows = dispatch.chunk_length(length, length * columns)
    chunks = -(-length // rows)
    assert rows >= 1 and chunks * rows >= length and (chunks - 1) * rows < length
    assert chunks <= 2 * dispatch.MAXIMUM_CHUNKS


def test_an_error_in_a_thread_is_raised_in_the_caller():
    def fail(index):
        raise RuntimeError(f"chunk {index}")

    before = threads.get_num_threads()
    threads.set_num_threads(3)
    try:
        with pytest.raises(RuntimeError, match="chunk"):
            threads.pool.run(fail, 8)
        assert threads.pool.run(lambda index: index, 8) == list(range(8))
    finally:
        threads.set_num_threads(before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_starts_its_own_threads():
    before = threads.get_num_threads()
    threads.set_num_threads(3)
    try:
        threads.pool.run(lambda index: index, 8)
        child = os.fork()
        if not child:
            os._exit(0 if threads.pool.run(lambda index: index, 8) == list(range(8)) else 1)
        assert os.waitpid(child, 0)[1] == 0
    finally:
        threads.set_num_threads(before)


def test_number_of_threads_is_checked(monkeypatch):
    with pytest.raises(ParameterError, match=r"integer of at least 1. Received: 0"):
        threads.set_num_threads(0)
    monkeypatch.setattr(threads.pool, "size", None)
    monkeypatch.setenv("LOSSGEN_NUM_THREADS", "many")
    with pytest.raises(ParameterError, match=r"LOSSGEN_NUM_THREADS must be an integer of at least 1.*'many'"):
        threads.get_num_threads()
    monkeypatch.setenv("LOSSGEN_NUM_THREADS", "3")
    assert threads.get_num_threads() == 3


# The constructor -------------------------------------------------------------------------------------------


def test_constructor_signature():
    assert str(inspect.signature(Huber)) == (
        "(delta=1.0, reduction='sum_over_batch_size', name='huber_loss', dtype=None, *, axis=-1)"
    )
    assert list(inspect.signature(SparseCrossentropy).parameters) == [
        "from_logits", "ignore_class", "reduction", "axis", "name", "dtype", "alpha",
    ]  # fmt: skip


def test_constructor_arguments_become_attributes():
    loss = Huber(2, "sum", "mine", "float32", axis=0)
    assert (loss.delta, loss.reduction, loss.name, loss.dtype, loss.axis) == (
        2.0,
        "sum",
        "mine",
        "float32",
        0,
    )
    assert Huber().name == "huber_loss" and Huber(name=None).name == "huber_loss"
    assert Overlap().name == "overlap"


def test_constructor_refuses():
    with pytest.raises(ParameterError, match=r"`delta` must be a finite number > 0. Received: delta=-1"):
        Huber(-1)
    with pytest.raises(
        ParameterError, match=r"`from_logits` must be one of False, True. Received: from_logits=1"
    ):
        SparseCrossentropy(1)
    with pytest.raises(TypeError, match=r"Huber\(delta=1.0.*unexpected keyword argument 'sigma'"):
        Huber(sigma=1)
    with pytest.raises(TypeError, match="too many positional arguments"):
        Huber(1, "sum", "name", None, 0)


def test_instances_do_not_change():
    loss = Huber()
    with pytest.raises(
        AttributeError,
        match=re.escape("`delta` of Huber cannot be changed: make another loss, Huber(delta=2)"),
    ):
        loss.delta = 2
    loss.name = "renamed"


def test_a_parameter_cannot_hide_what_every_loss_has():
    with pytest.raises(DeclarationError, match="a parameter cannot be called `gradient`"):
        type("Bad", (Loss,), {"parameters": {"gradient": Parameter(1.0)}, "variants": Huber.variants})
    with pytest.raises(DeclarationError, match="lists `sigma`, which is no parameter"):
        type("Bad", (Loss,), {"arguments": ("sigma",), "variants": Huber.variants})


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda loss: pickle.loads(pickle.dumps(loss))]
)
def test_copies_and_pickles(duplicate):
    loss = Huber(0.25, "sum", axis=(0, 1))
    y, p = data(4, 3)
    loss(y, p)
    other = duplicate(loss)
    assert other.get_config() == loss.get_config() and other(y, p) == loss(y, p)


def test_repr_and_formulas():
    assert repr(Huber(0.5)) == "Huber(delta=0.5)"
    shown = (
        "SparseCrossentropy(alpha=1.0, from_logits=True, ignore_class=0, reduction='sum', dtype='float32')"
    )
    assert repr(SparseCrossentropy(True, 0, "sum", dtype="float32")) == shown
    assert Huber().formula() == "mean(huber(p - y))"
    assert Huber().gradient_formula() == "clip(p - y, -delta, delta)/C"
    assert Huber()._repr_latex_() == r"$\displaystyle \rho(p-y)$"


# Losses written by hand -----------------------------------------------------------------------------------


class MeanSquared(Loss):
    def call(self, y_true, y_pred):
        return np.mean(np.square(y_true - y_pred), axis=-1)


class Scaled(Huber):
    def call(self, y_true, y_pred):
        return 3 * super().call(y_true, y_pred)


def test_a_loss_with_only_call_reduces_and_weighs():
    y, p = data(4, 3)
    losses = ((y - p) ** 2).mean(-1)
    weight = np.array([1.0, 2, 0, 1])
    np.testing.assert_allclose(MeanSquared()(y, p), losses.mean(), rtol=1e-6)
    np.testing.assert_allclose(MeanSquared("sum")(y, p, weight), (losses * weight).sum(), rtol=1e-6)
    np.testing.assert_allclose(MeanSquared("none")(y.tolist(), p, weight), losses * weight, rtol=1e-6)
    masked = MeanSquared("mean")(y, p, mask=[True, False, False, True])
    np.testing.assert_allclose(masked, losses[[0, 3]].mean(), rtol=1e-6)
    assert MeanSquared()(y, p).dtype == np.float32 and MeanSquared(dtype="float64")(y, p).dtype == np.float64
    assert MeanSquared().name == "mean_squared" and repr(MeanSquared("sum")) == "MeanSquared(reduction='sum')"
    assert MeanSquared.from_config(MeanSquared("sum").get_config()).reduction == "sum"


def test_a_loss_written_by_hand_has_no_derivatives():
    y, p = data(4, 3)
    for loss in (MeanSquared(), Scaled()):
        name = type(loss).__name__
        with pytest.raises(NoGradientError, match=f"{name} is written as code.*@lg.loss and lg.compile"):
            loss.gradient(y, p)
        with pytest.raises(NoGradientError, match="has no `gradient_and_hessian`"):
            loss.gradient_and_hessian(y, p)
        with pytest.raises(NoGradientError, match="has no `formula`"):
            loss.formula()
        assert loss._repr_latex_() is None


def test_a_compiled_loss_can_be_extended_by_hand():
    y, p = data(4, 3)
    np.testing.assert_allclose(Scaled(0.5)(y, p), 3 * Huber(0.5)(y, p), rtol=1e-6)


def test_a_loss_of_one_number_takes_no_weights_of_samples():
    class Total(Loss):
        def call(self, y_true, y_pred):
            return np.sum((y_true - y_pred) ** 2)

    y, p = data(4, 3)
    assert Total()(y, p, 2.0) == 2 * Total()(y, p)
    with pytest.raises(ValueError, match="only a single number can weigh it"):
        Total()(y, p, np.ones(4))


def test_a_loss_with_neither_formula_nor_call():
    with pytest.raises(NotImplementedError, match="Loss has no formula: override `call"):
        Loss()([0.0], [0.0])


# Functions -------------------------------------------------------------------------------------------------


def test_function_does_not_reduce():
    y, p = data(4, 3)
    np.testing.assert_array_equal(huber(y, p, 0.5), Huber(0.5).call(y, p))
    np.testing.assert_array_equal(huber(y, p, delta=0.5, axis=0), Huber(0.5, axis=0).call(y, p))
    np.testing.assert_array_equal(
        sparse_crossentropy([0, 1], p[:2], True, alpha=[1, 2, 3]),
        SparseCrossentropy(True, alpha=[1, 2, 3]).call([0, 1], p[:2]),
    )


def test_function_looks_like_one():
    assert huber.__name__ == "huber" and huber.__module__ == "handwritten_losses"
    assert huber.__doc__.startswith("Huber loss, mean over the last axis.")
    assert str(inspect.signature(huber)) == "(y_true, y_pred, delta=1.0, *, axis=-1)"
    assert list(inspect.signature(sparse_crossentropy).parameters) == [
        "y_true", "y_pred", "from_logits", "ignore_class", "axis", "alpha",
    ]  # fmt: skip
    assert pickle.loads(pickle.dumps(huber)) is huber


def test_function_refuses():
    y, p = data(4, 3)
    with pytest.raises(ParameterError, match="`delta` must be"):
        huber(y, p, -1)
    with pytest.raises(ParameterError, match="`delta` must be"):
        huber(y, p, True)
    with pytest.raises(TypeError, match="unexpected keyword argument 'reduction'"):
        huber(y, p, reduction="sum")
    with pytest.raises(TypeError, match="multiple values for argument 'delta'"):
        huber(y, p, 1.0, delta=1.0)
    with pytest.raises(TypeError, match="takes 3 positional arguments, 4 were given"):
        huber(y, p, 1.0, 2.0)
