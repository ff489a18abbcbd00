"""Models of Keras 2: trained as with its own losses, saved, loaded in a fresh process, on replicas."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from sklearn.datasets import load_digits

import lossgen as lg
import lossgen.tf_keras as door

X, LABELS = load_digits(return_X_y=True)
X, LABELS = (X[:256] / 16).astype(np.float32), LABELS[:256]
ONE_HOT = np.eye(10, dtype=np.float32)[LABELS]
WEIGHT = np.linspace(0.2, 2, 256).astype(np.float32)

# Keras 2 adds epsilon inside the logarithms of binary cross-entropy: lossgen does not, so it is not here.
SAME = {
    "MeanSquaredError": ({}, ONE_HOT, None),
    "MeanAbsoluteError": ({}, ONE_HOT, None),
    "MeanSquaredLogarithmicError": ({}, ONE_HOT, "sigmoid"),
    "Huber": ({"delta": 0.25}, ONE_HOT, None),
    "LogCosh": ({}, ONE_HOT, None),
    "Hinge": ({}, ONE_HOT, None),
    "SquaredHinge": ({}, ONE_HOT, None),
    "CategoricalHinge": ({}, ONE_HOT, None),
    "CosineSimilarity": ({}, ONE_HOT, "sigmoid"),
    "KLDivergence": ({}, ONE_HOT, "softmax"),
    "Poisson": ({}, ONE_HOT, "softplus"),
    "BinaryCrossentropy": ({"from_logits": True, "label_smoothing": 0.1}, ONE_HOT, None),
    "CategoricalCrossentropy": ({"from_logits": True, "label_smoothing": 0.1}, ONE_HOT, None),
    "SparseCategoricalCrossentropy": ({"from_logits": True, "ignore_class": 3}, LABELS, None),
}


def model(loss, activation=None, **arguments):
    tf_keras.utils.set_random_seed(1)
    layers = [tf_keras.layers.Dense(16, "tanh", input_shape=(64,)), tf_keras.layers.Dense(10, activation)]
    made = tf_keras.Sequential(layers)
    made.compile(tf_keras.optimizers.Adam(0.01), loss, **arguments)
    return made


def weights(trained):
    return np.concatenate([one.ravel() for one in trained.get_weights()])


def trained(loss, y, activation=None, weight=None, **arguments):
    made = model(loss, activation, **arguments)
    made.fit(X, y, sample_weight=weight, epochs=3, batch_size=64, verbose=0)
    return weights(made)


@pytest.mark.parametrize("name", SAME)
def test_training_ends_where_it_ends_with_the_loss_of_keras(name):
    arguments, y, activation = SAME[name]
    weight = None if name == "Huber" else WEIGHT
    found = trained(getattr(door, name)(**arguments), y, activation, weight)
    wanted = trained(getattr(tf_keras.losses, name)(**arguments), y, activation, weight)
    assert np.abs(found - wanted).max() < 1e-5


@pytest.mark.parametrize("how", [{"run_eagerly": True}, {"jit_compile": True}], ids=str)
def test_eager_and_compiled_training(how):
    found, wanted = (
        trained(one.Huber(0.25), ONE_HOT, None, WEIGHT, **how) for one in (door, tf_keras.losses)
    )
    assert np.abs(found - wanted).max() < 1e-5


def test_masks_class_weights_and_functions():
    def recurrent(loss):
        tf_keras.utils.set_random_seed(1)
        made = tf_keras.Sequential(
            [tf_keras.layers.Embedding(5, 4, mask_zero=True, input_length=6), tf_keras.layers.Dense(3)]
        )
        made.compile("adam", loss)
        rng = np.random.default_rng(0)
        made.fit(rng.integers(0, 5, (32, 6)), rng.normal(size=(32, 6, 3)), epochs=3, verbose=0)
        return weights(made)

    assert np.abs(recurrent(door.Huber()) - recurrent(tf_keras.losses.Huber())).max() < 1e-5
    assert np.abs(recurrent(door.huber) - recurrent(tf_keras.losses.huber)).max() < 1e-5
    ends = []
    for loss in (door, tf_keras.losses):
        made = model(loss.SparseCategoricalCrossentropy(from_logits=True))
        made.fit(X, LABELS, class_weight={k: 1 + k / 5 for k in range(10)}, epochs=2, verbose=0)
        ends.append(weights(made))
    assert np.abs(ends[0] - ends[1]).max() < 1e-5


def test_mixed_precision():
    tf_keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        end = trained(door.SparseCategoricalCrossentropy(from_logits=True), LABELS)
    finally:
        tf_keras.mixed_precision.set_global_policy("float32")
    assert np.isfinite(end).all()


def test_loaded_models_go_on_in_a_fresh_process(tmp_path):
    """In both formats of one file; from a folder Keras 2 restores no optimizer, but the loss."""
    here = model(door.Huber(0.25))
    here.fit(X, ONE_HOT, epochs=1, shuffle=False, verbose=0)
    for form in ("model.keras", "model.h5", "model"):
        here.save(tmp_path / form)
    np.savez(tmp_path / "data.npz", x=X, y=ONE_HOT)
    program = f"""
import pathlib, numpy as np, tf_keras, lossgen.tf_keras
folder = pathlib.Path({str(tmp_path)!r})
data = np.load(folder / "data.npz")
for form in ("model", "model.h5", "model.keras"):
    model = tf_keras.models.load_model(folder / form)
    assert type(model.loss) is lossgen.tf_keras.Huber and model.loss.delta == 0.25, model.loss
    model.fit(data["x"], data["y"], epochs=1, shuffle=False, verbose=0)
    np.savez(folder / f"{{form}}.npz", *model.get_weights())
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    here.fit(X, ONE_HOT, epochs=1, shuffle=False, verbose=0)
    for form in ("model.keras", "model.h5"):
        there = np.load(tmp_path / f"{form}.npz")
        assert np.abs(weights(here) - np.concatenate([there[one].ravel() for one in there])).max() < 1e-5


def test_a_loss_inside_a_functional_model(tmp_path):
    def with_loss(loss):
        tf_keras.utils.set_random_seed(1)
        x, y = tf_keras.Input((64,)), tf_keras.Input((10,))
        made = tf_keras.Model([x, y], p := tf_keras.layers.Dense(10)(x))
        made.add_loss(loss(y, p))
        made.compile("adam")
        made.fit([X, ONE_HOT], epochs=2, verbose=0)
        return made

    found, wanted = with_loss(door.Huber(0.25)), with_loss(tf_keras.losses.Huber(0.25))
    assert np.abs(weights(found) - weights(wanted)).max() < 1e-5
    found.save(tmp_path / "model.keras")
    loaded = tf_keras.models.load_model(tmp_path / "model.keras")
    assert loaded.evaluate([X, ONE_HOT], verbose=0) == found.evaluate([X, ONE_HOT], verbose=0)


def test_own_losses_are_saved_and_loaded(tmp_path):
    """Here, and in both formats of one file by a process that knows neither the declaration nor the door."""
    Quartic = door.compile(lg.declare("quartic", "height*mean((y_pred - y_true)**4)", height=2.0))
    made = model(Quartic(height=0.5))
    made.fit(X, ONE_HOT, epochs=1, verbose=0)
    for form in ("model.keras", "model.h5"):
        made.save(tmp_path / form)
        assert type(tf_keras.models.load_model(tmp_path / form).loss) is Quartic
    assert type(door.get("Custom>Quartic")) is Quartic
    (tmp_path / "program.py").write_text(
        "import tf_keras\n"
        "for form in ('model.keras', 'model.h5'):\n"
        "    model = tf_keras.models.load_model(form)\n"
        "    print(type(model.loss).__name__, model.loss.height)\n"
    )
    command = [sys.executable, "-I", "program.py"]
    own_cache = {**os.environ, "LOSSGEN_CACHE_DIR": str(tmp_path / "cache")}
    run = subprocess.run(command, cwd=tmp_path, env=own_cache, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout.split() == ["Quartic", "0.5"] * 2


def test_two_replicas_train_as_one():
    def end(loss):
        with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
            made = model(loss)
        made.fit(X, ONE_HOT, epochs=2, batch_size=64, shuffle=False, verbose=0)
        return weights(made)

    assert np.abs(end(door.Huber(0.25)) - end(tf_keras.losses.Huber(0.25))).max() < 1e-5
