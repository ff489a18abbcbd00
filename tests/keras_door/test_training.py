"""Every way in which Keras trains with a loss: outputs, weights, masks, compilation, precision, own loops."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from models import ROWS, data, model_of, same_weights, train

import lossgen as lg
import lossgen.keras
from lossgen.generated._index import CLASSES


def pair(name, **arguments):
    """A loss of both libraries."""
    return [getattr(library, name)(**arguments) for library in (lossgen.keras, keras.losses)]


def trained_alike(losses, task="classes", activation=None, weight=None, **arguments):
    """Both losses train a model of a task to the same weights."""
    ours, theirs = (
        train(model_of(task, activation), loss, *data(task), weight=weight, **arguments) for loss in losses
    )
    same_weights(ours, theirs)


@pytest.mark.parametrize("jit_compile", [True, False, "auto"])
def test_jit_compile(jit_compile):
    trained_alike(pair("CategoricalCrossentropy", from_logits=True), jit_compile=jit_compile)
    if jit_compile is True:
        trained_alike(pair("SparseCategoricalCrossentropy", from_logits=True), "labels", jit_compile=True)


def test_eager():
    trained_alike(pair("CategoricalCrossentropy", from_logits=True), run_eagerly=True)


def test_functions_and_strings():
    trained_alike([lossgen.keras.huber, keras.losses.huber], "regression")
    lossgen.keras.use_names(replace=True)
    try:
        ours = train(model_of("labels", "softmax"), "sparse_categorical_crossentropy", *data("labels"))
        train(model_of("positive", "softplus"), "tweedie", *data("positive"), epochs=1)
    finally:
        lossgen.keras.forget_names()
    theirs = train(model_of("labels", "softmax"), "sparse_categorical_crossentropy", *data("labels"))
    same_weights(ours, theirs)


def test_kernels_and_array_code_agree():
    found = []
    for execution in ("kernels", "ops"):
        lg.set_execution(execution)
        try:
            loss = lossgen.keras.CategoricalCrossentropy(from_logits=True)
            found.append(train(model_of("classes", None), loss, *data("classes"), jit_compile=False))
        finally:
            lg.set_execution("auto")
    same_weights(*found)


def test_class_weight():
    ours, theirs = (model_of("labels", "softmax") for _ in range(2))
    x, y = data("labels")
    for model, library in ((ours, lossgen.keras), (theirs, keras.losses)):
        model.compile("sgd", library.SparseCategoricalCrossentropy())
        weights = {label: 0.5 + label / 10 for label in range(10)}
        model.fit(x, y, class_weight=weights, batch_size=32, epochs=2, shuffle=False, verbose=0)
    same_weights(ours.get_weights(), theirs.get_weights())


def test_evaluate_and_train_on_batch():
    x, y = data("binary")
    weight = np.linspace(0, 2, ROWS, dtype="float32")
    found = []
    for loss in pair("BinaryFocalCrossentropy", gamma=1.5):
        model = model_of("binary", "sigmoid")
        model.compile("sgd", loss)
        values = [model.evaluate(x, y, sample_weight=weight, verbose=0)]
        values += [float(model.train_on_batch(x, y)), float(model.test_on_batch(x, y, sample_weight=weight))]
        found.append(values)
    np.testing.assert_allclose(*found, rtol=1e-5)


def test_several_outputs_with_loss_weights():
    x, y = data("classes")
    labels, found = data("labels")[1], []
    for library in (lossgen.keras, keras.losses):
        keras.utils.set_random_seed(3)
        inputs = keras.Input(x.shape[1:])
        outputs = {"a": layers.Dense(10, name="a")(inputs), "b": layers.Dense(10, name="b")(inputs)}
        model = keras.Model(inputs, outputs)
        losses = {
            "a": library.CategoricalCrossentropy(from_logits=True),
            "b": library.SparseCategoricalCrossentropy(from_logits=True),
        }
        model.compile("sgd", losses, loss_weights={"a": 0.3, "b": 2.0})
        model.fit(x, {"a": y, "b": labels}, batch_size=48, epochs=2, shuffle=False, verbose=0)
        found.append(model.get_weights())
    same_weights(*found)


def test_masks_of_an_embedding():
    random = np.random.default_rng(0)
    x, y = random.integers(0, 5, (32, 6)), random.integers(0, 3, (32, 6))
    found = []
    for loss in pair("SparseCategoricalCrossentropy", from_logits=True, ignore_class=2):
        keras.utils.set_random_seed(3)
        model = keras.Sequential([layers.Embedding(5, 4, mask_zero=True), layers.Dense(3)])
        found.append(train(model, loss, x, y))
    same_weights(*found)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(policy):
    """The last layer is in float32, as Keras advises; the loss is in float32 whatever the policy."""
    found = []
    for loss in pair("CategoricalCrossentropy", from_logits=True):
        keras.utils.set_random_seed(3)
        hidden = layers.Dense(8, dtype=policy)
        model = keras.Sequential([hidden, layers.Dense(10, dtype=policy)])
        found.append(train(model, loss, *data("classes"), rate=0.5))
    same_weights(*found, tolerance=1e-3)


class WithLoss(layers.Layer):
    """Adds a loss of its inputs."""

    def __init__(self, loss, **arguments):
        super().__init__(**arguments)
        self.loss = loss

    def call(self, inputs):
        self.add_loss(0.1 * self.loss(ops.zeros_like(inputs), inputs))
        return inputs


def test_add_loss_inside_of_a_layer():
    found = []
    for loss in pair("Huber", delta=0.5):
        keras.utils.set_random_seed(3)
        model = keras.Sequential([layers.Dense(4), WithLoss(loss), layers.Dense(10)])
        found.append(train(model, keras.losses.MeanSquaredError(), *data("classes")))
    same_weights(*found)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "mean_with_sample_weight"])
def test_add_loss_where_the_batch_is_unknown(reduction, weighted):
    """A functional model is built before the number of rows is known."""

    class Penalised(layers.Layer):
        def __init__(self, loss):
            super().__init__()
            self.loss = loss

        def call(self, inputs):
            weight = ops.sum(ops.square(inputs), axis=-1) if weighted else None
            self.add_loss(self.loss(ops.zeros_like(inputs), inputs, weight))
            return inputs

    found = []
    for loss in pair("MeanSquaredError", reduction=reduction):
        keras.utils.set_random_seed(3)
        inputs = keras.Input((64,))
        outputs = layers.Dense(10)(Penalised(loss)(layers.Dense(4)(inputs)))
        model = keras.Model(inputs, outputs)
        found.append(train(model, keras.losses.MeanSquaredError(), *data("classes")))
    same_weights(*found)


def test_clone_model():
    model = model_of("classes", "softmax")
    ours = train(model, lossgen.keras.CategoricalCrossentropy(), *data("classes"))
    clone = keras.models.clone_model(model)
    clone.set_weights(model_of("classes", "softmax").get_weights())
    clone.compile_from_config(model.get_compile_config())
    clone.fit(*data("classes"), batch_size=ROWS // 2, epochs=3, shuffle=False, verbose=0)
    clone_weights = clone.get_weights()
    assert isinstance(clone.loss, lossgen.keras.CategoricalCrossentropy)
    same_weights(clone_weights, ours)


@pytest.mark.parametrize("name", [name for name in CLASSES if not hasattr(keras.losses, name)])
def test_losses_that_keras_has_not(name):
    loss = getattr(lossgen.keras, name)()
    tasks = {"Gamma": "positive", "Tweedie": "positive", "PoissonNLL": "positive", "MultiMargin": "labels"}
    tasks |= dict.fromkeys(("AsymmetricLoss", "SigmoidFocal", "Brier", "Poly1"), "classes")
    tasks |= dict.fromkeys(("FocalTversky", "Jaccard"), "classes")
    task = tasks.get(name, "regression")
    if loss.standalone._plan.labels:
        task = "labels"
    activation = {"positive": "softplus", "classes": "softmax"}.get(task)
    start = model_of(task, activation).get_weights()
    end = train(model_of(task, activation), loss, *data(task), rate=1e-3, epochs=1)
    assert all(np.isfinite(one).all() for one in end)
    assert not np.array_equal(start[0], end[0])


def test_a_loss_of_ones_own():
    @lg.loss
    def half_squared_error(y_true, y_pred):
        return lg.Mean((y_true - y_pred) ** 2) / 2

    own = lossgen.keras.compile(half_squared_error)()
    ours = train(model_of("regression", None), own, *data("regression"), rate=0.1)
    theirs = train(model_of("regression", None), "mse", *data("regression"), rate=0.05)
    same_weights(ours, theirs)
