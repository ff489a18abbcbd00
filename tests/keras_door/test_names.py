"""Classes and functions by name, by configuration and by declaration; runs on every backend."""

import copy
import inspect
import json
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest

import lossgen as lg
import lossgen.keras
from lossgen import losses
from lossgen.generated._index import CLASSES, FUNCTIONS

Y, P = np.random.default_rng(0).uniform(0.1, 0.9, size=(2, 4, 3)).astype("float32")


@lg.loss
def squared_root_error(y_true, y_pred, *, offset=lg.Parameter(1.0, positive=True)):
    """The square root of the squared error and an offset."""
    return lg.Mean(((y_true - y_pred) ** 2 + offset) ** 0.5)


@lg.penalty
def half_square(x, *, weight=lg.Parameter(1.0, minimum=0)):
    """Half the sum of squares."""
    return weight * lg.Sum(x**2) / 2


@pytest.mark.parametrize("name", CLASSES)
def test_classes(name):
    cls, standalone = getattr(lossgen.keras, name), getattr(losses, name)
    assert issubclass(cls, keras.losses.Loss)
    assert keras.saving.get_registered_name(cls) == f"lossgen>{name}"
    *arguments, last = inspect.signature(cls).parameters.values()
    assert arguments == list(standalone.signature.parameters.values()) and last.name == "target_gradient"
    assert cls.__doc__ == standalone.__doc__
    loss = cls(dtype="float64", reduction="sum", name="mine")
    config = loss.get_config()
    assert set(config) == set(standalone.signature.parameters) and json.loads(json.dumps(config)) == config
    for again in (
        cls.from_config(config),
        lossgen.keras.deserialize(lossgen.keras.serialize(loss)),
        keras.losses.deserialize(keras.losses.serialize(loss)),
        lossgen.keras.get({"class_name": name, "config": config}),
    ):
        assert type(again) is cls and again.get_config() == config
    assert cls.from_config(cls(target_gradient=True).get_config()).target_gradient
    assert isinstance(losses.deserialize(lossgen.keras.serialize(cls())), standalone)


@pytest.mark.parametrize("name", [name for name in CLASSES if hasattr(keras.losses, name)])
def test_constructors_take_what_those_of_keras_take(name):
    ours = inspect.signature(getattr(lossgen.keras, name)).parameters
    theirs = inspect.signature(getattr(keras.losses, name)).parameters
    assert list(ours)[: len(theirs)] == list(theirs)
    for argument in theirs.values():
        assert ours[argument.name].default == argument.default
        assert ours[argument.name].kind is argument.kind


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    function = getattr(lossgen.keras, name)
    *arguments, last = inspect.signature(function).parameters.values()
    assert arguments == list(inspect.signature(getattr(losses, name)).parameters.values())
    assert last.name == "target_gradient"
    assert function.__doc__
    assert keras.losses.deserialize(keras.losses.serialize(function)) is function
    assert lossgen.keras.deserialize(lossgen.keras.serialize(function)) is function
    assert lossgen.keras.get(name) is function


def test_other_names():
    assert lossgen.keras.get("mse") is lossgen.keras.mse is lossgen.keras.mean_squared_error
    assert lossgen.keras.get(None) is None
    assert isinstance(lossgen.keras.get("lossgen>Huber"), lossgen.keras.Huber)
    assert isinstance(lossgen.keras.get(lossgen.keras.Huber), lossgen.keras.Huber)
    for name in ("CTC", "Circle", "ctc", "circle"):
        assert getattr(lossgen.keras, name) is getattr(keras.losses, name)
        assert lossgen.keras.get(name) is not None
    assert lossgen.keras.Reduction.AUTO == "auto"
    assert lossgen.keras.Huber(reduction=lossgen.keras.Reduction.AUTO).reduction == "sum_over_batch_size"
    with pytest.raises(lg.UnknownLossError, match="huber"):
        lossgen.keras.get("hubre")
    with pytest.raises(AttributeError, match="Hubert"):
        lossgen.keras.Hubert  # noqa: B018
    assert set(lossgen.keras.__all__) <= set(dir(lossgen.keras))


def test_strings_for_keras_on_request():
    with pytest.raises(ValueError):
        keras.losses.get("Tweedie")
    mse = keras.losses.get("mse")
    try:
        lossgen.keras.use_names()
        assert isinstance(keras.losses.get("Tweedie"), lossgen.keras.Tweedie)
        assert keras.losses.get("tweedie") is lossgen.keras.tweedie
        assert keras.losses.get("mse") is mse
        lossgen.keras.use_names(replace=True)
        assert keras.losses.get("mse") is lossgen.keras.mean_squared_error
    finally:
        lossgen.keras.forget_names()
    assert keras.losses.get("mse") is mse
    with pytest.raises(ValueError):
        keras.losses.get("Tweedie")


def test_a_loss_of_ones_own():
    cls = lossgen.keras.compile(squared_root_error)
    assert cls is lossgen.keras.compile(squared_root_error) and cls.__name__ == "SquaredRootError"
    assert keras.saving.get_registered_name(cls) == "lossgen>Loss"  # which rebuilds it from its declaration
    assert keras.saving.get_registered_object("Custom>SquaredRootError") is cls
    assert keras.saving.get_registered_object("lossgen>Loss") is lossgen.keras.Loss
    loss = cls(offset=0.25, reduction="none")
    expected = np.sqrt((Y - P) ** 2 + 0.25).mean(-1)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(loss(Y, P)), expected, rtol=1e-6)
    again = lossgen.keras.deserialize(lossgen.keras.serialize(loss))
    assert type(again) is cls and again.offset == 0.25
    assert isinstance(lossgen.keras.get("Custom>SquaredRootError"), cls)
    other = lossgen.keras.compile(squared_root_error, package="mine")
    assert keras.saving.get_registered_object("mine>SquaredRootError") is other is cls
    with pytest.raises(lg.CompileError):
        lossgen.keras.compile(lambda y, p: y - p)


PICKLING = """
import pickle
from pathlib import Path

import numpy as np
import lossgen.keras

loss, penalty = pickle.loads(Path({path!r}).read_bytes())
print(float(loss(np.ones((2, 3)), np.zeros((2, 3)))), loss.offset, loss.name, float(penalty(np.ones(3))))
again = lossgen.keras.deserialize(lossgen.keras.serialize(loss))
print(type(again) is type(loss))
"""


def test_a_loss_of_ones_own_is_pickled(tmp_path):
    """Here and in a process that has never seen the declaration."""
    loss = lossgen.keras.compile(squared_root_error)(offset=0.25, reduction="sum", name="own")
    penalty = lossgen.keras.compile(half_square)(weight=3.0)
    for copied in (pickle.loads(pickle.dumps(loss)), copy.deepcopy(loss)):
        assert type(copied) is type(loss) and copied.get_config() == loss.get_config()
        assert copied.name == "own" and float(copied(Y, P)) == pytest.approx(float(loss(Y, P)))
    path = tmp_path / "loss.pickle"
    path.write_bytes(pickle.dumps([loss, penalty]))
    program = PICKLING.format(path=str(path))
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    value, offset, name, penalised, same = run.stdout.split()
    assert float(value) == pytest.approx(2 * np.sqrt(1.25), rel=1e-6) and offset == "0.25" and name == "own"
    assert float(penalised) == pytest.approx(4.5) and same == "True"


def test_a_compiled_class_of_the_catalogue_keeps_its_name():
    assert lossgen.keras.compile(losses.Huber) is lossgen.keras.Huber
    assert keras.saving.get_registered_name(lossgen.keras.Huber) == "lossgen>Huber"


def test_without_keras():
    program = "import sys; sys.modules['keras'] = None; import lossgen.keras"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "MissingLibraryError: `lossgen.keras` needs Keras 3" in run.stderr
    assert 'pip install "lossgen[keras]"' in run.stderr


def test_importing_loads_no_kernels():
    program = (
        "import sys, keras; before = set(sys.modules); import lossgen.keras; "
        "print(sorted(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = run.stdout
    assert "lossgen.keras" in loaded
    for module in ("numba", "'sympy'", "lossgen.generated.huber", "lossgen.losses", "jinja2"):
        assert module not in loaded
