"""Saved models: safe mode on, no `custom_objects`, also in a process that imports only Keras and the door."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from models import data, model_of, same_weights, train

import lossgen as lg
import lossgen.keras

RESUME = """
import sys
import keras
import lossgen.keras
import numpy as np

path, arrays = sys.argv[1:]
model = keras.models.load_model(path)
given = np.load(arrays)
model.fit(given["x"], given["y"], batch_size=48, epochs=2, shuffle=False, verbose=0)
np.savez(arrays, *model.get_weights())
"""


@lg.loss
def cubic_error(y_true, y_pred, *, height=lg.Parameter(1.0, positive=True)):
    """The cube of the absolute error."""
    return height * lg.Mean(abs(y_true - y_pred) ** 3)


def trained_and_saved(path, loss, task="classes", activation="softmax"):
    """A model that was trained and saved."""
    model = model_of(task, activation)
    train(model, loss, *data(task))
    model.save(path)
    return model


def resume(model, task="classes"):
    """The weights after two more epochs."""
    model.fit(*data(task), batch_size=48, epochs=2, shuffle=False, verbose=0)
    return model.get_weights()


def test_a_fresh_process_goes_on(tmp_path):
    loss = lossgen.keras.CategoricalFocalCrossentropy(gamma=1.5, label_smoothing=0.1, reduction="sum")
    model = trained_and_saved(tmp_path / "model.keras", loss)
    x, y = data("classes")
    np.savez(tmp_path / "arrays.npz", x=x, y=y)
    program = tmp_path / "resume.py"
    program.write_text(RESUME)
    command = [sys.executable, program, tmp_path / "model.keras", tmp_path / "arrays.npz"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    with np.load(tmp_path / "arrays.npz") as found:
        same_weights([found[name] for name in found.files], resume(model))


@pytest.mark.parametrize(
    "loss",
    [
        lossgen.keras.Huber(delta=0.25, reduction="mean_with_sample_weight", name="mine", dtype="float64"),
        lossgen.keras.CosineSimilarity(axis=1),
        lossgen.keras.mean_squared_error,
        {"main": lossgen.keras.LogCosh()},
    ],
    ids=["Huber", "CosineSimilarity", "function", "dictionary"],
)
def test_the_loss_comes_back(tmp_path, loss):
    model = model_of("classes", None)
    if isinstance(loss, dict):
        loss = {model.output_names[0]: next(iter(loss.values()))}
    train(model, loss, *data("classes"), epochs=1)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    one, other = (
        next(iter(each.loss.values())) if isinstance(loss, dict) else each.loss for each in (model, again)
    )
    if loss is lossgen.keras.mean_squared_error:
        assert other is loss
    else:
        assert type(one) is type(other) and one.get_config() == other.get_config()
    same_weights(resume(model), resume(again))


def test_a_loss_of_ones_own_comes_back(tmp_path):
    loss = lossgen.keras.compile(cubic_error)(height=0.5)
    model = trained_and_saved(tmp_path / "model.keras", loss)
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again.loss) is type(loss) and again.loss.get_config() == loss.get_config()
    same_weights(resume(model), resume(again))


def test_a_loss_that_was_saved_without_its_declaration_is_named():
    cls = lossgen.keras.compile(cubic_error)
    config = {name: value for name, value in cls().get_config().items() if name != "declaration"}
    data = {"module": None, "class_name": "CubicError", "registered_name": "Custom>CubicError"}
    data["config"] = config
    assert isinstance(lossgen.keras.deserialize(data), cls)  # compiled here: Keras knows the name
    registered = keras.saving.get_custom_objects()
    del registered["Custom>CubicError"]
    try:
        with pytest.raises(TypeError, match="CubicError"):
            keras.losses.deserialize(data)
        with pytest.raises(lg.UnknownLossError, match=r"carries no declaration: .* lossgen\.keras\.compile"):
            lossgen.keras.deserialize(data)
        assert isinstance(keras.losses.deserialize(data, custom_objects={"Custom>CubicError": cls}), cls)
    finally:
        registered["Custom>CubicError"] = cls
