"""Penalties in models: of weights, of activities, in `add_loss`; trained, saved, loaded."""

import keras
import numpy as np
import pytest
from keras import layers
from models import data, same_weights, train

import lossgen.keras


def model_of(**arguments):
    """A model of one layer with the same weights each time."""
    keras.utils.set_random_seed(5)
    return keras.Sequential([keras.Input((64,)), layers.Dense(10, activation="softmax", **arguments)])


@pytest.mark.parametrize("name, arguments", [("L1", [0.02]), ("L2", [0.05]), ("L1L2", [0.02, 0.05])])
@pytest.mark.parametrize("place", ["kernel_regularizer", "activity_regularizer"])
def test_training_as_with_keras(place, name, arguments):
    ours, theirs = (
        train(model_of(**{place: getattr(one, name)(*arguments)}), "mse", *data("classes"))
        for one in (lossgen.keras, keras.regularizers)
    )
    same_weights(ours, theirs)


@keras.saving.register_keras_serializable("tests")
class Sparse(layers.Layer):
    """Adds penalties of its inputs."""

    def call(self, inputs):
        self.add_loss(lossgen.keras.KLSparsity(weight=0.5)(inputs))
        self.add_loss(lossgen.keras.entropy(inputs, 0.1))
        self.add_loss(lossgen.keras.TotalVariation(axes=(-1,))(inputs))
        return inputs


def test_add_loss_and_a_saved_model(tmp_path):
    regularizers = {"kernel_regularizer": lossgen.keras.L1L2(0.01, 0.02)}
    plain = train(model_of(**regularizers), "mse", *data("classes"))
    model = model_of(**regularizers)
    model.add(Sparse())
    trained = train(model, "mse", *data("classes"))
    assert not np.allclose(trained[0], plain[0], atol=1e-4)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(again.layers[0].kernel_regularizer, lossgen.keras.L1L2)
    assert again.layers[0].kernel_regularizer.get_config() == model.layers[0].kernel_regularizer.get_config()
    for one in (model, again):
        one.fit(*data("classes"), epochs=1, batch_size=48, shuffle=False, verbose=0)
    same_weights(again.get_weights(), model.get_weights())
