"""Two replicas of TensorFlow's `MirroredStrategy` on two logical devices train as Keras's own loss does."""

import keras
import tensorflow as tf
from models import data, model_of, same_weights, train

import lossgen.keras


def test_replicas():
    """Means are divided by the number of replicas, because gradients are summed over them."""
    found = []
    for library in (lossgen.keras, keras.losses):
        loss = library.CategoricalCrossentropy(from_logits=True)
        with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
            found.append(train(model_of("classes", None), loss, *data("classes"), jit_compile=False))
    same_weights(*found)
    alone = train(model_of("classes", None), loss, *data("classes"))
    same_weights(found[0], alone, tolerance=1e-4)
