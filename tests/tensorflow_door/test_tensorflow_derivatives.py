"""Derivatives of every order and kind: right, in eager code, in graphs of unknown shape and under XLA.

Each is compared with the kernels of the standalone loss, which are tested elsewhere. A bridge without custom
gradients of gradients gives None or 0 here and says nothing.
"""

import numpy as np
import pytest
import tensorflow as tf

import lossgen as lg
import lossgen.tensorflow as door
from lossgen.catalog import DECLARATIONS
from lossgen.runtime import evaluation
from lossgen.tensorflow.bridge import losses_of

DICE = next(each for each in DECLARATIONS if each.name == "dice")
SUM = lg.compile(0.5 * lg.declare("each", lg.Mean((lg.y_pred - lg.y_true) ** 4)) + 0.5 * DICE)
LOSSES = {
    "pseudo_huber": lg.losses.PseudoHuber(delta=0.5),
    "binary_crossentropy": lg.losses.BinaryCrossentropy(from_logits=True),
    "sparse": lg.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1),
    "cosine_on_axis_0": lg.losses.CosineSimilarity(axis=0),
    "whole_tensor": lg.losses.Dice(),
    "sum_of_two_scopes": SUM(),
}
MODES = ("eager", "function", "xla", "ops")


@pytest.fixture(params=LOSSES)
def scene(request):
    """A loss, its target, a prediction, a cotangent with a zero, and a vector."""
    loss, rng = LOSSES[request.param], np.random.default_rng(3)
    p = rng.uniform(0.1, 0.9, (5, 4))
    y = np.array([0, 3, -1, 2, 1]) if loss._plan.labels else rng.integers(0, 2, (5, 4)).astype(float)
    losses = evaluation.losses_of(loss._plan, y, p)
    cotangent = np.asarray(np.cos(np.arange(losses.size) + 1.0).reshape(losses.shape))
    if cotangent.ndim:
        cotangent[1] = 0
    return loss, y, p, cotangent, rng.normal(size=p.shape)


@pytest.fixture(params=MODES)
def mode(request):
    """How code runs; "function" is a graph whose shapes are unknown when it is traced."""
    lg.set_execution("ops" if request.param == "ops" else "auto")
    yield request.param
    lg.set_execution("auto")


def run(mode, function, *arrays):
    tensors = [tf.constant(one) for one in arrays]
    if mode == "function":
        signature = [tf.TensorSpec([None] * one.shape.rank, one.dtype) for one in tensors]
        function = tf.function(function, input_signature=signature)
    elif mode == "xla":
        function = tf.function(function, jit_compile=True)
    return tf.nest.map_structure(lambda one: one.numpy(), function(*tensors))


def kernels(loss, y, p, cotangent, vector):
    """Value, gradient and Hessian times vector of Σ cotangent·loss."""
    weight = cotangent if cotangent.ndim else float(cotangent)
    plan = loss._plan
    value = np.sum(cotangent * evaluation.losses_of(plan, y, p))
    gradient = evaluation.value_and_gradient_of(plan, "sum", y, p, weight, None, None)[1]
    return (
        value,
        gradient,
        evaluation.hessian_vector_product_of(plan, "sum", y, p, vector, weight, None, None),
    )


def close(found, wanted, tolerance=1e-10):
    return np.allclose(found, wanted, rtol=tolerance, atol=tolerance * max(np.abs(wanted).max(), 1e-3))


def total_of(loss):
    return lambda y, p, cotangent: tf.reduce_sum(cotangent * losses_of(loss, y, p))


def test_gradient_of_gradient(scene, mode):
    loss, *arrays = scene
    total = total_of(loss)

    def program(y, p, cotangent, vector):
        with tf.GradientTape() as outer:
            outer.watch(p)
            with tf.GradientTape() as inner:
                inner.watch(p)
                value = total(y, p, cotangent)
            gradient = inner.gradient(value, p)
        return value, gradient, outer.gradient(gradient, p, vector)

    for found, wanted in zip(run(mode, program, *arrays), kernels(loss, *arrays), strict=True):
        assert close(found, wanted)


def test_the_gradient_of_a_squared_loss_has_both_parts(scene, mode):
    """Its Hessian is 2·(total·H + g·gᵀ): the second part comes from the slope along a vector."""
    loss, *arrays = scene
    total = total_of(loss)

    def program(y, p, cotangent, vector):
        with tf.GradientTape() as outer:
            outer.watch(p)
            with tf.GradientTape() as inner:
                inner.watch(p)
                square = total(y, p, cotangent) ** 2
            gradient = inner.gradient(square, p)
        return outer.gradient(gradient, p, vector)

    value, gradient, product = kernels(loss, *arrays)
    wanted = 2 * (value * product + gradient * np.sum(gradient * arrays[-1]))
    assert close(run(mode, program, *arrays), wanted)


def test_the_derivative_by_the_cotangent_is_right_where_that_is_zero(scene, mode):
    loss, y, p, cotangent, vector = scene
    total = total_of(loss)

    def program(y, p, cotangent, vector):
        with tf.GradientTape() as outer:
            outer.watch(cotangent)
            with tf.GradientTape() as inner:
                inner.watch(p)
                value = total(y, p, cotangent)
            gradient = inner.gradient(value, p)
        return outer.gradient(gradient, cotangent, vector)

    found = run(mode, program, y, p, cotangent, vector)
    for place in np.ndindex(cotangent.shape):
        one = np.zeros_like(cotangent)
        one[place] = 1
        assert found[place] == pytest.approx(np.sum(kernels(loss, y, p, one, vector)[1] * vector), rel=1e-9)


def test_reduced_losses_have_the_same_derivatives(scene, mode):
    """The mean of all is computed without the losses of rows."""
    loss, y, p, _, vector = scene
    module = door.compile(type(loss))(**loss.get_config(portable=False))

    def program(y, p, vector):
        with tf.GradientTape() as outer:
            outer.watch(p)
            with tf.GradientTape() as inner:
                inner.watch(p)
                square = module(y, p) ** 2
            gradient = inner.gradient(square, p)
        return square, gradient, outer.gradient(gradient, p, vector)

    value, slope = loss.value_and_gradient(y, p)
    product = 2 * (value * loss.hessian_vector_product(y, p, vector) + slope * np.sum(slope * vector))
    wanted = value**2, 2 * value * slope, product
    for found, right in zip(run(mode, program, y, p, vector), wanted, strict=True):
        assert close(found, right)


def test_forward_mode(scene, mode):
    loss, *arrays = scene
    total = total_of(loss)

    def program(y, p, cotangent, vector):
        with tf.autodiff.ForwardAccumulator(p, vector) as accumulator:
            with tf.GradientTape() as tape:
                tape.watch(p)
                value = total(y, p, cotangent)
            gradient = tape.gradient(value, p)
        return accumulator.jvp(value), accumulator.jvp(gradient)

    slope, product = run(mode, program, *arrays)
    _, gradient, wanted = kernels(loss, *arrays)
    assert close(slope, np.sum(gradient * arrays[-1])) and close(product, wanted)


@pytest.mark.parametrize("mode", ["eager", "function"], indirect=True)
def test_forward_mode_is_right_where_tensorflow_does_not_tell_of_it(scene, mode, monkeypatch):
    monkeypatch.setattr("lossgen.tensorflow.place.pack_tangents", None)
    test_forward_mode(scene, mode)


def test_forward_mode_and_second_order_around_a_function(scene):
    loss, *arrays = scene
    total = tf.function(total_of(loss))
    y, p, cotangent, vector = (tf.constant(one) for one in arrays)
    _, gradient, product = kernels(loss, *arrays)
    with tf.autodiff.ForwardAccumulator(p, vector) as accumulator:
        with tf.GradientTape() as tape:
            tape.watch(p)
            value = total(y, p, cotangent)
        first = tape.gradient(value, p)
    assert close(accumulator.jvp(value), np.sum(gradient * arrays[-1]))
    assert close(accumulator.jvp(first), product)
    with tf.GradientTape() as outer:
        outer.watch(p)
        with tf.GradientTape() as inner:
            inner.watch(p)
            value = total(y, p, cotangent)
        first = inner.gradient(value, p)
    assert close(first, gradient) and close(outer.gradient(first, p, vector), product)


def test_jacobian_and_persistent_tapes(scene):
    loss, *arrays = scene
    y, p, cotangent, _ = (tf.constant(one) for one in arrays)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(p)
        losses = losses_of(loss, y, p)
    _, gradient, _ = kernels(loss, *arrays)
    for _ in range(2):
        assert close(tape.gradient(losses, p, cotangent), gradient)
    jacobian = tape.jacobian(losses, p)
    assert close(tf.tensordot(cotangent, jacobian, losses.shape.rank), gradient)


@pytest.mark.parametrize("graph", [False, True])
def test_vectorized_map(graph):
    loss, rng = LOSSES["sparse"], np.random.default_rng(1)
    y, p = rng.integers(0, 4, (6, 3)), rng.normal(size=(6, 3, 4))

    def one(pair):
        y, p = pair
        with tf.GradientTape() as tape:
            tape.watch(p)
            losses = losses_of(loss, y, p)
        return losses, tape.gradient(losses, p)

    def program(y, p):
        return tf.vectorized_map(one, (y, p))

    losses, gradient = (tf.function(program) if graph else program)(tf.constant(y), tf.constant(p))
    assert close(losses, evaluation.losses_of(loss._plan, y, p))
    ones = np.ones((6, 3))
    assert close(gradient, evaluation.value_and_gradient_of(loss._plan, "sum", y, p, ones, None, None)[1])


@pytest.mark.parametrize("mode", ["eager", "function", "xla"])
def test_third_order(mode):
    loss, rng = LOSSES["pseudo_huber"], np.random.default_rng(2)
    y, p, vector = rng.normal(size=(3, 5, 4))

    def program(y, p, vector):
        with tf.GradientTape() as third:
            third.watch(p)
            with tf.GradientTape() as second:
                second.watch(p)
                with tf.GradientTape() as first:
                    first.watch(p)
                    total = tf.reduce_sum(losses_of(loss, y, p))
                gradient = first.gradient(total, p)
            product = second.gradient(gradient, p, vector)
        return third.gradient(product, p, vector)

    def product(p):
        return evaluation.hessian_vector_product_of(loss._plan, "sum", y, p, vector, None, None, None)

    step = 1e-5
    wanted = vector * (product(p + step) - product(p - step)) / (2 * step)  # the Hessian is diagonal
    assert close(run(mode, program, y, p, vector), wanted, 1e-7)
