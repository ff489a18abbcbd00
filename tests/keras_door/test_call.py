"""Calling a loss: weights, masks, dtypes and labels, next to Keras and by hand; runs on every backend."""

from functools import partial

import keras
import numpy as np
import pytest
from keras import ops

import lossgen as lg
import lossgen.keras
from lossgen import losses

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None)
Y, P = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype("float32")


def numbers(tensor):
    """A tensor as a NumPy array."""
    return np.asarray(ops.convert_to_numpy(tensor))


def prediction(values, mask=None):
    """A tensor with the mask that a layer would have attached."""
    tensor = ops.convert_to_tensor(values)
    if mask is not None:
        keras.src.backend.set_keras_mask(tensor, ops.convert_to_tensor(mask))
    return tensor


def masked(values, mask):
    """NumPy's arrays carry no attribute; its mask is found by the array's id, so both must be kept."""
    return prediction(np.array(values), mask)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("masking", [False, True])
@pytest.mark.parametrize("shape", [None, (), (1,), (4, 5), (4, 1), (4, 5, 1)], ids=str)
def test_weights_and_masks(reduction, masking, shape):
    """Keras gets weights in the shape of the losses: it divides by the weights as given, and multiplies the
    mask into them in place."""
    random = np.random.default_rng(1)
    mask = random.random((4, 5)) > 0.3 if masking else None
    weight = full = None if shape is None else random.random(shape).astype("float32")
    if shape is not None and len(shape) < 3:
        full = np.broadcast_to(weight, (4, 5)).copy()
    ours = lossgen.keras.Huber(delta=0.7, reduction=reduction)(Y, masked(P, mask), weight)
    theirs = keras.losses.Huber(delta=0.7, reduction=reduction)(Y, masked(P, mask), full)
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=2e-6, atol=1e-7)


def test_trailing_axis_of_weights():
    y, p = Y[0], P[0]
    for shape in ((5,), (5, 1), (1, 1), (1,)):
        weight = np.linspace(0, 2, np.prod(shape), dtype="float32").reshape(shape)
        ours, theirs = (
            library.MeanSquaredError(reduction="none")(y, p, weight)
            for library in (lossgen.keras, keras.losses)
        )
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=2e-6)


@pytest.mark.parametrize("shape", [(4, 1, 1, 1), (4,), (3, 5), (4, 5, 3)], ids=str)
def test_weights_that_do_not_fit_are_refused(shape):
    with pytest.raises(lg.WeightError, match=r"`sample_weight` must broadcast to the losses.*\(4, 5\)"):
        lossgen.keras.MeanSquaredError()(Y, P, np.ones(shape))


def test_weights_of_rank_plus_two_are_refused():
    with pytest.raises(ValueError, match="sample_weight"):
        lossgen.keras.MeanSquaredError()(np.zeros((2, 3)), np.ones((2, 3)), np.ones((2, 1, 1)))


def test_weights_for_one_loss_of_a_whole_batch_are_refused():
    with pytest.raises(ValueError, match="one loss for the whole tensor"):
        lossgen.keras.Dice()(np.ones((4, 3)), np.ones((4, 3)), np.ones(4))


def test_ten_numbers_against_a_column_of_ten():
    y, p = np.arange(10.0), np.zeros((10, 1))
    assert numbers(lossgen.keras.MeanSquaredError(reduction="none")(y, p)).shape == (10,)
    assert numbers(lossgen.keras.MeanSquaredError()(y, p)) == pytest.approx(28.5)
    assert numbers(lossgen.keras.mean_squared_error(y, p)).shape == (10,)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="y_true"):
        lossgen.keras.MeanSquaredError()(np.zeros((4, 1)), np.zeros((4, 3)))


def test_masked_losses_may_be_anything():
    y, p = np.zeros((2, 2, 1), "float32"), np.ones((2, 2, 1), "float32")
    p[0, 0], mask = np.nan, np.array([[False, True], [True, True]])
    for reduction, expected in (("mean", 1), ("sum", 3), ("mean_with_sample_weight", 1)):
        loss = lossgen.keras.MeanSquaredError(reduction=reduction)
        assert numbers(loss(y, masked(p, mask))) == expected
        weight = np.array([[np.nan, 1], [1, 1]], "float32")
        assert numbers(loss(y, masked(p, mask), weight)) == expected


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_nan_in_a_mask_is_an_error(dtype):
    p, y = P[:, 0], np.array([0, 9, 2, 1])
    for number in (0.5, np.nan):
        carrier = np.array(p)
        tensor = prediction(carrier, ops.cast(ops.convert_to_tensor([1.0, 0.0, -1.0, number]), dtype))
        for loss, target in ((lossgen.keras.Huber(), p), (lossgen.keras.SparseCategoricalCrossentropy(), y)):
            if np.isnan(number):
                with pytest.raises(lg.WeightError, match=r"`mask` must.*_keras_mask.*with NaN"):
                    loss(target, tensor)
            else:
                expected = loss(target, masked(p, np.array([True, False, True, True])))
                np.testing.assert_array_equal(numbers(loss(target, tensor)), numbers(expected))


def test_all_masked():
    y, p = np.zeros((2, 2, 1), "float32"), np.ones((2, 2, 1), "float32")
    for reduction in REDUCTIONS[:4]:
        loss = lossgen.keras.MeanSquaredError(reduction=reduction)
        assert numbers(loss(y, masked(p, np.zeros((2, 2), bool)))) == 0
        assert numbers(loss(y, p, np.zeros((2, 2)))) == 0


def test_an_empty_batch_has_the_loss_0():
    assert numbers(lossgen.keras.MeanSquaredError()(np.zeros((0, 3)), np.zeros((0, 3)))) == 0


def test_mean_with_weights_that_broadcast():
    loss = lossgen.keras.MeanSquaredError(reduction="mean_with_sample_weight")
    assert numbers(loss(np.zeros((2, 5, 3)), np.ones((2, 5, 3)), np.array([[1.0], [3.0]]))) == 1


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("kind", ["int64", "float32"])
def test_labels_are_never_rounded(dtype, kind):
    p = np.zeros((1, 300), "float32")
    p[0, 257] = 50
    loss = lossgen.keras.SparseCategoricalCrossentropy(from_logits=True, dtype=dtype)
    value = loss(np.array([257]).astype(kind), ops.cast(ops.convert_to_tensor(p), dtype))
    assert float(numbers(ops.cast(value, "float32"))) < 1e-6
    assert keras.backend.standardize_dtype(value.dtype) == dtype


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int32", "int64", "float32"])
def test_labels_of_any_kind(dtype):
    y, p = np.array([[0], [1], [1], [0]]), np.random.default_rng(0).random((4, 3)).astype("float32")
    ours = lossgen.keras.SparseCategoricalCrossentropy(ignore_class=-1)(y.astype(dtype), p)
    np.testing.assert_allclose(numbers(ours), losses.SparseCategoricalCrossentropy()(y, p), rtol=1e-6)


def test_labels_that_are_no_whole_numbers_are_refused():
    loss = lossgen.keras.SparseCategoricalCrossentropy()
    for wrong in (1.5, np.nan, 1e10):
        with pytest.raises(lg.LabelError, match="whole numbers"):
            loss(np.array([0, wrong]), np.ones((2, 3)))


@pytest.mark.parametrize("dtype, columns", [("bfloat16", 256), ("float16", 2048)])
def test_labels_in_half_precision(dtype, columns):
    """Refused where the dtype rounds a label to another; up to there they are as good as integers."""
    labels, last = np.array([1, columns - 1]), ops.convert_to_tensor(np.array([1.0, columns - 1], "float32"))
    for further in (0, 1):
        p = np.zeros((2, columns + further), "float32")
        p[1, columns - 1] = 3
        for function in (
            lossgen.keras.SparseCategoricalCrossentropy(from_logits=True),
            partial(lossgen.keras.sparse_categorical_crossentropy, from_logits=True),
        ):
            if further:
                with pytest.raises(lg.LabelError, match=rf"{columns + 1} columns in {dtype}"):
                    function(ops.cast(last, dtype), p)
            else:
                found, expected = numbers(function(ops.cast(last, dtype), p)), numbers(function(labels, p))
                np.testing.assert_array_equal(found, expected)


WORDS = np.array([["a"]])
NOT_REAL = [np.ones((1, 1), "complex64"), WORDS, [["a"]], [[1j]], WORDS.astype(object)]


@pytest.mark.parametrize("wrong", NOT_REAL)
@pytest.mark.parametrize("name", ["y_true", "y_pred", "sample_weight"])
def test_what_holds_no_real_numbers_is_refused(name, wrong):
    right = np.ones((1, 1), "float32")
    given = {"y_true": right, "y_pred": right, "sample_weight": right, name: wrong}
    for loss in (lossgen.keras.MeanSquaredError(), lossgen.keras.SparseCategoricalCrossentropy()):
        if loss.name.startswith("sparse"):
            given["y_true"] = wrong if name == "y_true" else np.zeros((1, 1), "int32")
        with pytest.raises(lg.DtypeError, match=f"`{name}` must hold real numbers"):
            loss(**given)


def test_tensors_that_hold_no_real_numbers_are_refused():
    """Those of the backend, which TensorFlow makes of words too."""
    tensors = [ops.convert_to_tensor(np.ones((1, 1), "complex64"))]
    if keras.backend.backend() == "tensorflow":
        tensors.append(ops.convert_to_tensor(WORDS))
    for tensor in tensors:
        with pytest.raises(lg.DtypeError, match="`y_true` must hold real numbers"):
            lossgen.keras.MeanSquaredError()(tensor, np.ones((1, 1), "float32"))


def test_labels_out_of_range():
    """An error; where values cannot be looked at, as under jit, NaN instead of Keras's 0."""
    loss = lossgen.keras.SparseCategoricalCrossentropy()
    try:
        value = loss(np.array([0, 5]), np.ones((2, 3), "float32"))
    except Exception as error:
        assert "label 5" in str(error)
    else:
        assert np.isnan(numbers(value))


@pytest.mark.parametrize("ignored", [None, -1])
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1)])
def test_masked_labels_are_not_looked_at(shape, ignored):
    y, p = np.array([[2, -5, 1], [99, 1, 1]]), np.random.default_rng(3).random((2, 3, 4)).astype("float32")
    mask = np.array([[True, False, True], [False, True, True]])
    loss = lossgen.keras.SparseCategoricalCrossentropy(ignore_class=ignored)
    ours = loss(y.reshape(shape), masked(p, mask))
    theirs = lossgen.losses.SparseCategoricalCrossentropy()(y, p, mask=mask)
    np.testing.assert_allclose(numbers(ours), theirs, rtol=2e-6)


@pytest.mark.parametrize("reduction", ["mean", "none", "mean_with_sample_weight"])
def test_ignored_labels_and_a_mask(reduction):
    y, p = np.array([[2, 0, 9], [9, 1, 1]]), np.random.default_rng(3).random((2, 3, 4)).astype("float32")
    mask = np.array([[True, False, True], [True, True, True]])
    ours, theirs = (
        library.SparseCategoricalCrossentropy(ignore_class=9, reduction=reduction)(y, masked(p, mask))
        for library in (lossgen.keras, keras.losses)
    )
    np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=2e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_single(dtype):
    y, p = np.array([[0.0]], "float32"), np.array([[1.0]], "float32")
    value = lossgen.keras.BinaryCrossentropy(dtype=dtype)(y, ops.cast(ops.convert_to_tensor(p), dtype))
    assert float(numbers(ops.cast(value, "float32"))) == pytest.approx(-np.log(1e-7), rel=1e-2)
    value = lossgen.keras.MeanSquaredError(dtype=dtype)(np.zeros((1, 1)), np.full((1, 1), 200.0))
    assert float(numbers(ops.cast(value, "float32"))) == pytest.approx(4e4, rel=1e-2)


def test_dtypes():
    assert lossgen.keras.Huber().dtype == "float32"
    assert lossgen.keras.Huber(dtype=keras.DTypePolicy("mixed_float16")).dtype == "float16"
    assert keras.backend.standardize_dtype(lossgen.keras.Huber()(Y, P.astype("float64")).dtype) == "float32"
    with pytest.raises(lg.DtypeError, match="int32"):
        lossgen.keras.Huber(dtype="int32")


def test_functions_keep_the_rows_and_the_dtype():
    ours = lossgen.keras.huber(Y, ops.cast(ops.convert_to_tensor(P), "float16"), delta=0.5)
    assert keras.backend.standardize_dtype(ours.dtype) == "float16"
    theirs = keras.losses.huber(Y, ops.convert_to_tensor(P), delta=0.5)
    np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=5e-3)


def test_arguments_that_are_refused():
    for make, error in (
        (lambda: lossgen.keras.Huber(delta=-1), lg.ParameterError),
        (lambda: lossgen.keras.Huber(reduction="average"), lg.ReductionError),
        (lambda: lossgen.keras.Huber(gamma=1), TypeError),
        (lambda: lossgen.keras.Loss(), TypeError),
        (lambda: lossgen.keras.Huber()(np.ma.masked_equal(Y, 0), P), lg.DtypeError),
        (lambda: setattr(lossgen.keras.Huber(), "delta", 2.0), AttributeError),
    ):
        with pytest.raises(error):
            make()


def test_symbolic_tensors():
    y, p, weight = keras.Input((3,)), keras.Input((3,)), keras.Input(())
    for reduction, shape in (("mean", ()), ("none", (None,))):
        loss = lossgen.keras.Huber(reduction=reduction)
        value = loss(y, p, weight)
        assert tuple(value.shape) == shape and value.dtype == "float32"
        model = keras.Model([y, p, weight], value)
        again = keras.Model.from_config(model.get_config())
        expected = numbers(loss(Y[0], P[0], np.arange(5.0)))
        for one in (model, again):
            found = numbers(one([Y[0], P[0], np.arange(5, dtype="float32")]))
            np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_functions_of_symbolic_tensors():
    y, p = keras.Input((3,)), keras.Input((3,), dtype="float16")
    value = lossgen.keras.huber(y, p, delta=0.5)
    assert tuple(value.shape) == (None,) and value.dtype == "float16"
    model = keras.Model([y, p], value)
    again = keras.Model.from_config(model.get_config())
    half = ops.cast(ops.convert_to_tensor(P[0]), "float16")
    expected = numbers(lossgen.keras.huber(Y[0], half, delta=0.5))
    for one in (model, again):
        np.testing.assert_array_equal(numbers(one([ops.convert_to_tensor(Y[0]), half])), expected)
    labels = lossgen.keras.sparse_categorical_crossentropy(keras.Input((), dtype="int32"), keras.Input((4,)))
    assert tuple(labels.shape) == (None,) and labels.dtype == "float32"
