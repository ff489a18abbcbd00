"""`Loss`: what its calls return, for which shapes and dtypes, and what they refuse."""

import re

import numpy as np
import pytest
from handwritten_losses import (
    Huber,
    HuberAndOverlap,
    Overlap,
    SignedOverlap,
    SparseCrossentropy,
    data,
    derivative,
    random,
)

from lossgen.errors import DtypeError, NoGradientError, ParameterError, ShapeError
from lossgen.runtime.loss import Loss
from lossgen.runtime.variant import Variant


def huber_reference(y, p, delta=1.0, axis=-1):
    error = p.astype(float) - y
    small = np.abs(error) <= delta
    return np.where(small, error**2 / 2, delta * (np.abs(error) - delta / 2)).mean(axis=axis)


# Values and gradients -----------------------------------------------------------------------------


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


# Axes ---------------------------------------------------------------------------------------------


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


# Shapes -------------------------------------------------------------------------------------------


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
    kernel = Huber.variants[()].terms[0].flat["value_and_gradient"][0]
    before = len(kernel.signatures)
    p.flags.writeable = False
    Huber().value_and_gradient(y, p)
    assert len(kernel.signatures) == before and not p.flags.writeable


# Dtypes -------------------------------------------------------------------------------------------


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


def test_bfloat16_is_computed_in_single():
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    y, p = data(4, 3)
    value, gradient = Huber().value_and_gradient(y.astype(bfloat16), p.astype(bfloat16))
    assert value.dtype == gradient.dtype == bfloat16
    y, p = (array.astype(bfloat16).astype(np.float32) for array in (y, p))
    assert value == Huber()(y, p).astype(bfloat16)
    np.testing.assert_array_equal(gradient, Huber().gradient(y, p).astype(bfloat16))


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


# Masks --------------------------------------------------------------------------------------------


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


# Where the gradient is written --------------------------------------------------------------------


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
            "shape (4, 3) and dtype float32 of the result. Received: float64 array of shape (4, 3)"
        ),
    ):
        Huber().gradient(y, p, out=np.zeros((4, 3)))
    with pytest.raises(ShapeError, match="Received: list"):
        Huber().gradient(y, p, out=[0.0])


# Losses written by hand ---------------------------------------------------------------------------


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
