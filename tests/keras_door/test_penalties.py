"""Penalties next to the standalone ones, by name and by configuration; runs on every backend."""

import inspect
import json

import keras
import numpy as np
import pytest
from keras import ops

import lossgen as lg
import lossgen.keras
from lossgen import penalties
from lossgen.generated.penalties._index import CLASSES, FUNCTIONS

X = np.random.default_rng(0).uniform(0.05, 0.95, size=(4, 5, 3)).astype("float32")


@lg.penalty
def smooth_absolute(x, *, weight=lg.Parameter(0.1, minimum=0)):
    """The square root of 1 + x², summed."""
    return weight * lg.Sum((1 + x**2) ** 0.5)


def number(tensor):
    """A tensor as a NumPy array."""
    return np.asarray(ops.convert_to_numpy(tensor))


@pytest.mark.parametrize("name", CLASSES)
def test_classes(name):
    cls, standalone = getattr(lossgen.keras, name), getattr(penalties, name)
    assert issubclass(cls, keras.regularizers.Regularizer)
    assert keras.saving.get_registered_name(cls) == f"lossgen>{name}"
    assert inspect.signature(cls) == standalone.signature and cls.__doc__ == standalone.__doc__
    penalty = cls(dtype="float32", name="mine")
    np.testing.assert_allclose(number(penalty(X)), standalone()(X), rtol=1e-6)
    config = penalty.get_config()
    assert set(config) == set(standalone.signature.parameters) and json.loads(json.dumps(config)) == config
    for again in (
        cls.from_config(config),
        keras.regularizers.deserialize(keras.regularizers.serialize(penalty)),
        lossgen.keras.get({"class_name": f"lossgen>{name}", "config": config}),
    ):
        assert type(again) is cls and again.get_config() == config


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    function = getattr(lossgen.keras, name)
    np.testing.assert_allclose(number(function(X)), getattr(penalties, name)(X), rtol=1e-6)
    assert inspect.signature(function) == inspect.signature(getattr(penalties, name))


@pytest.mark.parametrize("name", ["L1", "L2", "L1L2"])
def test_as_keras(name):
    arguments = {"l1": 0.3, "l2": 0.2} if name == "L1L2" else {name.lower(): 0.3}
    ours, theirs = (
        getattr(library, name)(**arguments)(ops.convert_to_tensor(X))
        for library in (lossgen.keras, keras.regularizers)
    )
    np.testing.assert_allclose(number(ours), number(theirs), rtol=1e-6)


def test_arguments():
    for arguments in ({"reduction": "sum"}, {"reduction": "none"}, {"axis": 1, "reduction": "mean"}):
        ours, theirs = (one.Entropy(**arguments)(X) for one in (lossgen.keras, penalties))
        np.testing.assert_allclose(number(ours), theirs, rtol=1e-6)
    ours, theirs = (one.TotalVariation(axes=(0, 2))(X) for one in (lossgen.keras, penalties))
    np.testing.assert_allclose(number(ours), theirs, rtol=1e-6)
    half = lossgen.keras.L2()(ops.cast(ops.convert_to_tensor(X), "float16"))
    assert keras.backend.standardize_dtype(half.dtype) == "float16"
    assert keras.backend.standardize_dtype(lossgen.keras.L2(dtype="float32")(half).dtype) == "float32"
    with pytest.raises(lg.ShapeError, match="axes"):
        lossgen.keras.TotalVariation()(X[0, 0])
    with pytest.raises(lg.ParameterError):
        lossgen.keras.L2(-1.0)
    with pytest.raises(TypeError):
        lossgen.keras.Penalty()


def test_a_penalty_of_ones_own():
    cls = lossgen.keras.compile(smooth_absolute)
    assert issubclass(cls, keras.regularizers.Regularizer)
    assert keras.saving.get_registered_name(cls) == "lossgen>Penalty"
    assert keras.saving.get_registered_object("Custom>SmoothAbsolute") is cls
    np.testing.assert_allclose(number(cls(0.5)(X)), 0.5 * np.sqrt(1 + X**2).sum(), rtol=1e-6)
    again = keras.regularizers.deserialize(keras.regularizers.serialize(cls(0.5)))
    assert type(again) is cls and again.weight == 0.5
