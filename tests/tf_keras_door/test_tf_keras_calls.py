"""Losses of Keras 2 by themselves: its reductions, weights, squeezing, names and configurations."""

import inspect
import pickle

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import lossgen as lg
import lossgen.tf_keras as door
from lossgen.errors import DtypeError, ParameterError, WeightError
from lossgen.generated._index import CLASSES, FUNCTIONS

rng = np.random.default_rng(0)
Y, P = rng.normal(size=(2, 6, 4, 3)).astype(np.float32)
W = rng.random((6, 4)).astype(np.float32)


@pytest.mark.parametrize("reduction", ["auto", "sum", "none", "sum_over_batch_size"])
@pytest.mark.parametrize("weight", [None, 2.0, W, W[..., None], W[:, 0]], ids=lambda one: str(np.shape(one)))
def test_reductions_and_weights_are_those_of_keras(reduction, weight):
    found = door.Huber(0.5, reduction=reduction)(Y, P, weight)
    wanted = tf_keras.losses.Huber(0.5, reduction=reduction)(Y, P, weight)
    assert found.shape == wanted.shape and np.allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize("y, p", [(Y[..., :1], P[..., 0]), (Y[..., 0], P[..., :1])])
def test_the_higher_rank_loses_its_last_axis(y, p):
    y, p = tf.constant(y), tf.constant(p)
    arguments = {"reduction": "none"}
    found, wanted = (one.MeanSquaredError(**arguments)(y, p) for one in (door, tf_keras.losses))
    assert found.shape == wanted.shape and np.allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize("weight", [None, W[:, 0]])
@pytest.mark.parametrize("shape", [(6,), (6, 1)])
def test_ignored_labels_are_masked(weight, shape):
    labels = np.array([0, 2, 1, -1, 0, -1]).reshape(shape)
    arguments = {"from_logits": True, "ignore_class": -1}
    found = door.SparseCategoricalCrossentropy(**arguments)(labels, P[:, 0], weight)
    wanted = lg.losses.SparseCategoricalCrossentropy(**arguments)(labels, P[:, 0], weight)
    assert float(found) == pytest.approx(wanted, rel=1e-6)


def test_masks_of_predictions_count():
    p = tf.constant(P)
    p._keras_mask = tf.constant(W > 0.5)
    found, wanted = (one.Huber()(Y, p, W) for one in (door, tf_keras.losses))
    assert float(found) == pytest.approx(float(wanted), rel=1e-6)


def test_masked_labels_are_not_looked_at():
    p, mask = tf.constant(P), W > 0.5
    p._keras_mask = tf.constant(mask)
    arguments = {"from_logits": True}
    found = door.SparseCategoricalCrossentropy(**arguments)(np.where(mask, 1, -5), p)
    wanted = lg.losses.SparseCategoricalCrossentropy(**arguments)(np.ones((6, 4), int), P, mask=mask)
    assert float(found) == pytest.approx(float(wanted), rel=1e-5)


@pytest.mark.parametrize("shape", [(6, 4, 1, 1), (6, 6), (5, 4), (4, 4)])
def test_weights_that_keras_would_broadcast_the_losses_to_are_refused(shape):
    losses = P[:, 0] if shape[0] == 4 else P
    with pytest.raises(WeightError, match=r"sample_weight of shape"):
        door.Huber()(np.zeros_like(losses), losses, np.ones(shape, np.float32))


@pytest.mark.parametrize("reduction", ["auto", "sum_over_batch_size"])
def test_a_strategy_refuses_means_outside_fit(reduction):
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        with pytest.raises(ValueError, match=r"Reduction\.SUM"):
            door.Huber(reduction=reduction)(Y, P)
        assert float(door.Huber(reduction="sum")(Y, P)) > 0


@pytest.mark.parametrize("reduction", ["mean", None, "mean_with_sample_weight"])
def test_reductions_that_keras_2_does_not_know_are_refused(reduction):
    with pytest.raises(ValueError, match="Invalid Reduction Key"):
        door.Huber(reduction=reduction)


def test_every_name_is_there_and_registered():
    assert {*CLASSES, *FUNCTIONS} <= set(door.__all__)
    for name in (*CLASSES, *FUNCTIONS):
        assert tf_keras.saving.get_registered_object(f"lossgen>{name}") is getattr(door, name)
    for name in CLASSES:
        assert issubclass(getattr(door, name), tf_keras.losses.Loss)
    aliases = (
        "bce BCE mse MSE mae MAE mape MAPE msle MSLE kld KLD kullback_leibler_divergence logcosh huber_loss"
    )
    assert all(callable(getattr(door, name)) for name in aliases.split())
    assert inspect.signature(door.Huber).parameters["reduction"].default == "auto"
    assert tf_keras.losses.get("lossgen>Huber").delta == 1 and door.Reduction is tf_keras.losses.Reduction


@pytest.mark.parametrize("name", CLASSES)
def test_configurations_come_back(name):
    loss = getattr(door, name)(reduction="sum", name="mine")
    for again in (
        door.deserialize(door.serialize(loss)),
        tf_keras.losses.deserialize(tf_keras.losses.serialize(loss)),
        type(loss).from_config(loss.get_config()),
        door.get(door.serialize(loss)),
    ):
        assert type(again) is type(loss) and again.get_config() == loss.get_config()
        assert (again.reduction, again.name) == ("sum", "mine")


def test_functions_and_identifiers():
    assert (
        door.get("huber") is door.huber and type(door.get("Huber")) is door.Huber and door.get(None) is None
    )
    assert door.deserialize(door.serialize(door.huber)) is door.huber
    assert np.allclose(door.huber(Y, P, 0.5), lg.losses.huber(Y, P, 0.5), rtol=1e-6)
    with pytest.raises(ValueError, match="Did you mean"):
        door.get("hubr")
    with pytest.raises(AttributeError, match="cannot be changed"):
        door.Huber().delta = 3
    with pytest.raises(ParameterError):
        door.Huber(delta=-1)


@pytest.mark.parametrize("place", range(3))
def test_masked_arrays_are_refused(place):
    arguments = [Y, P, W]
    arguments[place] = np.ma.array(arguments[place], mask=arguments[place] > 0.5)
    with pytest.raises(DtypeError, match="must not be a masked array"):
        door.Huber()(*arguments)
    if place < 2:
        with pytest.raises(DtypeError, match="must not be a masked array"):
            door.huber(*arguments[:2])


def test_losses_are_pickled():
    declaration = lg.declare("own_quartic", lg.Mean((lg.y_pred - lg.y_true) ** 4))
    own = door.compile(declaration, package="Mine")
    for loss in (own(reduction="sum", name="mine"), door.Huber(0.5), door.Huber(tf.Variable(0.5))):
        copied = pickle.loads(pickle.dumps(loss))
        assert type(copied) is type(loss) and copied.get_config() == loss.get_config()
        assert float(copied(Y, P)) == float(loss(Y, P))
    assert tf_keras.saving.get_registered_name(own) == "lossgen>Loss"
    assert tf_keras.saving.get_registered_object("Mine>OwnQuartic") is own


def test_a_variable_that_left_its_range_is_an_error():
    delta = tf.Variable(0.5)
    loss = door.Huber(delta)
    delta.assign(-0.5)
    with pytest.raises(ParameterError, match="`delta`"):
        loss(Y, P)


def test_derivatives_reach_a_variable():
    delta = tf.Variable(0.5)
    with tf.GradientTape() as tape:
        value = door.Huber(delta)(Y, P)
    with tf.GradientTape() as builtin:
        wanted = tf_keras.losses.Huber(delta)(Y, P)
    slopes = tape.gradient(value, delta), builtin.gradient(wanted, delta)
    assert float(slopes[0]) == pytest.approx(float(slopes[1]), rel=1e-5)
