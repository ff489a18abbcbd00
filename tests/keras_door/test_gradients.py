"""Gradients beyond those of `fit`: parameters, targets, weights, second order, masked rows."""

import keras
import numpy as np
import pytest
from keras import ops

import lossgen.keras
from lossgen import losses

BACKEND = keras.backend.backend()
Y, P = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")


def gradient(function, *values):
    """Gradients of a function of tensors to a number, by the backend's own means."""
    if BACKEND == "torch":
        import torch

        tensors = [torch.tensor(value, requires_grad=True) for value in values]
        return [one.numpy() for one in torch.autograd.grad(function(*tensors), tensors, allow_unused=False)]
    if BACKEND == "jax":
        import jax

        found = jax.grad(function, argnums=tuple(range(len(values))))(*map(jax.numpy.asarray, values))
        return [np.asarray(one) for one in found]
    import tensorflow as tf

    tensors = [tf.constant(value) for value in values]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = function(*tensors)
    return [one.numpy() for one in tape.gradient(value, tensors)]


def test_weights_get_gradients():
    """The derivative of a weighted mean by a weight is its loss over the number of losses; of 0, too."""
    weight = np.array([0, 1, 2, 0.5, 1, 1], "float32")
    loss = lossgen.keras.Huber()
    (found,) = gradient(lambda w: loss(Y, ops.convert_to_tensor(P), w), weight)
    np.testing.assert_allclose(found, losses.Huber(reduction="none")(Y, P) / 6, rtol=1e-5)


def test_targets_get_gradients_on_request():
    loss = lossgen.keras.Huber(delta=0.5, target_gradient=True)
    by_target, by_prediction = gradient(lambda y, p: loss(y, p), Y, P)
    np.testing.assert_allclose(by_target, -by_prediction, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(by_prediction, losses.Huber(delta=0.5).gradient(Y, P), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("order", [1, 2])
def test_orders(order):
    """The second: the gradient of the squared gradient, which is twice the Hessian times the gradient."""
    loss, standalone = lossgen.keras.LogCosh(), losses.LogCosh()
    slope = standalone.gradient(Y, P)
    if order == 1:
        (found,) = gradient(lambda p: loss(Y, p), P)
        np.testing.assert_allclose(found, slope, rtol=1e-5, atol=1e-7)
        return
    expected = 2 * standalone.hessian_vector_product(Y, P, slope)
    np.testing.assert_allclose(squared_gradient(loss), expected, rtol=1e-4, atol=1e-7)


def squared_gradient(loss):
    """The gradient of the sum of squares of the loss's gradient."""
    if BACKEND == "torch":
        import torch

        p = torch.tensor(P, requires_grad=True)
        (first,) = torch.autograd.grad(loss(Y, p), p, create_graph=True)
        return torch.autograd.grad((first**2).sum(), p)[0].numpy()
    if BACKEND == "jax":
        import jax

        return np.asarray(jax.grad(lambda p: (jax.grad(lambda q: loss(Y, q))(p) ** 2).sum())(P))
    import tensorflow as tf

    p = tf.constant(P)
    with tf.GradientTape() as outer:
        outer.watch(p)
        with tf.GradientTape() as inner:
            inner.watch(p)
            value = loss(Y, p)
        squares = tf.reduce_sum(inner.gradient(value, p) ** 2)
    return outer.gradient(squares, p).numpy()


@pytest.mark.parametrize("weighted", [False, True])
def test_rows_that_do_not_count_have_gradient_0_even_of_infinite_losses(weighted):
    """Masked ones whatever they hold; of weight 0, where the gradient is finite (on JAX it has to be)."""
    p, weight = P.copy(), np.ones(6, "float32")
    p[0], p[1], weight[0], weight[1] = 1e30, 1e30 if weighted and BACKEND == "jax" else np.nan, 0, 0
    loss = lossgen.keras.MeanSquaredError()

    def value(prediction):
        prediction = ops.multiply(prediction, 1)
        if not weighted:
            keras.src.backend.set_keras_mask(prediction, ops.convert_to_tensor(weight > 0))
        return loss(Y, prediction, weight if weighted else None)

    (found,) = gradient(value, p)
    assert not found[:2].any()
    expected = losses.MeanSquaredError(reduction="sum").gradient(Y[2:], P[2:]) / (6 if weighted else 4)
    np.testing.assert_allclose(found[2:], expected, rtol=1e-5)


class Robust(keras.Model):
    """A linear model that learns the `delta` of its loss."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3)
        self.delta = self.add_weight(shape=(), initializer=keras.initializers.Constant(0.5), name="delta")
        self.huber = lossgen.keras.Huber(delta=self.delta)

    def call(self, inputs):
        return self.dense(inputs)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return self.huber(y, y_pred, sample_weight)


def test_a_learnable_parameter():
    """A step of gradient descent moves delta by the derivative of the loss, here by central differences."""
    keras.utils.set_random_seed(0)
    model = Robust()
    prediction = np.asarray(ops.convert_to_numpy(model(P)))
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(P, Y, batch_size=6, epochs=1, verbose=0)
    high, low = (losses.Huber(delta=0.5 + step, dtype="float64")(Y, prediction) for step in (1e-4, -1e-4))
    delta = float(ops.convert_to_numpy(model.delta))
    assert delta == pytest.approx(0.5 - 0.1 * (high - low) / 2e-4, rel=1e-4) and delta != 0.5
    assert model.huber.get_config()["delta"] == pytest.approx(delta)
    assert model.huber.delta is model.delta
