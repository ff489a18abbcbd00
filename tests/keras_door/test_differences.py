"""Where `lossgen.keras` differs from Keras on purpose: each row of its table in docs/differences.md."""

import keras
import numpy as np
import pytest
from keras import ops

import lossgen as lg
import lossgen.keras

BACKEND = keras.backend.backend()


def numbers(tensor):
    """A tensor as a NumPy array."""
    return np.asarray(ops.convert_to_numpy(tensor))


def test_masked_losses_that_are_not_finite():
    prediction = ops.convert_to_tensor(np.array([[np.nan], [1.0]], "float32"))
    keras.src.backend.set_keras_mask(prediction, ops.convert_to_tensor([False, True]))
    y = np.zeros((2, 1))
    ours, theirs = (one.MeanSquaredError()(y, prediction) for one in (lossgen.keras, keras.losses))
    assert numbers(ours) == 1 and np.isnan(numbers(theirs))


def test_weights_for_one_loss():
    y, p, weight = np.array([[1.0], [0.0]]), np.array([[0.5], [0.5]]), np.array([1.0, 3.0])
    assert numbers(keras.losses.Dice()(y, p, weight)) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="one loss for the whole tensor"):
        lossgen.keras.Dice()(y, p, weight)


def test_an_empty_batch():
    empty = np.zeros((0, 3), "float32")
    assert numbers(lossgen.keras.MeanSquaredError()(empty, empty)) == 0
    assert numbers(keras.losses.MeanSquaredError()(empty, empty)).shape == (0,)


def test_targets_are_constants():
    """NumPy's backend has no gradients."""
    if BACKEND == "numpy":
        return
    y, p = np.zeros((2, 1), "float32"), np.ones((2, 1), "float32")
    assert slope(keras.losses.MeanSquaredError(), y, p).tolist() == [[-1.0], [-1.0]]
    assert slope(lossgen.keras.MeanSquaredError(target_gradient=True), y, p).tolist() == [[-1.0], [-1.0]]
    assert not slope(lossgen.keras.MeanSquaredError(), y, p).any()


def slope(loss, y, p):
    """The gradient with respect to the target; 0 where there is none."""
    if BACKEND == "torch":
        import torch

        target, prediction = torch.tensor(y, requires_grad=True), torch.tensor(p, requires_grad=True)
        loss(target, prediction).backward()
        return np.zeros_like(y) if target.grad is None else target.grad.numpy()
    if BACKEND == "jax":
        import jax

        return np.asarray(jax.grad(loss)(y, p))
    import tensorflow as tf

    target = tf.constant(y)
    with tf.GradientTape() as tape:
        tape.watch(target)
        value = loss(target, p)
    return tape.gradient(value, target, unconnected_gradients="zero").numpy()


def test_masked_arrays():
    y, p = np.ma.masked_equal(np.array([[9.0], [0.0]]), 9.0), np.zeros((2, 1))
    assert numbers(keras.losses.MeanSquaredError()(y, p)) == pytest.approx(40.5)
    with pytest.raises(ValueError, match="masked array"):
        lossgen.keras.MeanSquaredError()(y, p)


def test_shapes_that_would_broadcast():
    y, p = np.ones((10, 3), "float32"), np.zeros((10, 1), "float32")
    assert numbers(keras.losses.MeanSquaredError()(y, p)) == 1
    with pytest.raises(lg.ShapeError, match="same shape"):
        lossgen.keras.MeanSquaredError()(y, p)


def test_fractional_labels():
    p, theirs = np.array([[0.2, 0.3, 0.5]], "float32"), keras.losses.SparseCategoricalCrossentropy()
    assert numbers(theirs(np.array([1.5]), p)) == numbers(theirs(np.array([1]), p))
    with pytest.raises(lg.LabelError, match="whole numbers"):
        lossgen.keras.SparseCategoricalCrossentropy()(np.array([1.5]), p)


def test_ragged_tensors():
    """Only TensorFlow has them."""
    if BACKEND != "tensorflow":
        return
    import tensorflow as tf

    y = tf.ragged.constant([[1.0, 2.0], [1.0]])
    assert numbers(keras.losses.MeanSquaredError()(y, 0 * y)) == pytest.approx(1.75)
    dense = np.zeros((2, 2), "float32")
    for target, prediction in ((y, 0 * y), (dense, y), (y, dense)):
        with pytest.raises(lg.DtypeError, match="dense tensor"):
            lossgen.keras.MeanSquaredError()(target, prediction)
