"""Losses by name: `get`, `serialize`, `deserialize`, and the door `lossgen.losses`."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from handwritten_losses import Huber, Overlap, huber

from lossgen.errors import ConfigError, UnknownLossError
from lossgen.runtime.loss import Loss
from lossgen.runtime.registry import Registry


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setitem(sys.modules, "some_package.handwritten_losses", sys.modules["handwritten_losses"])
    monkeypatch.setitem(sys.modules, "some_package", sys.modules["handwritten_losses"])
    modules = {"Huber": "handwritten_losses", "Overlap": "handwritten_losses"}
    return Registry(
        "some_package", modules, {"huber": "handwritten_losses"}, {"hub": "huber", "HUB": "Huber"}
    )


def test_get(registry):
    assert registry.get(None) is None
    assert isinstance(registry.get("Huber"), Huber) and isinstance(registry.get("HUB"), Huber)
    assert registry.get("huber") is huber and registry.get("hub") is huber
    assert isinstance(registry.get("lossgen>Huber"), Huber)
    assert isinstance(registry.get(Overlap), Overlap)
    loss = Huber(2.0)
    assert registry.get(loss) is loss
    own = lambda y_true, y_pred: y_pred  # noqa: E731
    assert registry.get(own) is own


def test_get_of_a_configuration(registry):
    for name in ("Huber", "lossgen>Huber"):
        loss = registry.get({"class_name": name, "config": {"delta": 3.0}})
        assert isinstance(loss, Huber) and loss.delta == 3
    assert registry.get({"class_name": "Huber"}).delta == 1
    keras = {"module": "keras.losses", "class_name": "Huber", "registered_name": None,
             "config": {"name": "huber_loss", "reduction": "sum", "delta": 0.5}}  # fmt: skip
    assert repr(registry.get(keras)) == "Huber(delta=0.5, reduction='sum')"
    assert registry.deserialize({"class_name": "function", "config": "huber"}) is huber


@pytest.mark.parametrize(
    ("identifier", "message"),
    [
        ("hubr", "Could not interpret loss identifier: 'hubr'. Did you mean 'huber'"),
        ("quantum", "Could not interpret loss identifier: 'quantum'. Pass a loss of your own as a class"),
        ("keras>Huber", "Could not interpret loss identifier: 'keras>Huber'"),
        ("CTC", "The loss 'CTC' is not yet available in lossgen."),
        ("circle", "The loss 'circle' is not yet available in lossgen."),
        (3, "Could not interpret loss identifier: 3 of type int"),
        ({"class_name": "Hubr"}, "Did you mean 'Huber'"),
    ],
)
def test_unknown_identifiers(registry, identifier, message):
    with pytest.raises(UnknownLossError, match=re.escape(message)):
        registry.get(identifier)


def test_serialize_and_deserialize(registry, monkeypatch):
    monkeypatch.setattr(Huber, "__module__", "some_package.handwritten_losses")
    loss = Huber(0.5, "none", axis=0)
    data = json.loads(json.dumps(registry.serialize(loss)))
    assert data == {
        "module": "lossgen.losses",
        "class_name": "Huber",
        "config": loss.get_config(),
        "registered_name": "lossgen>Huber",
    }
    assert registry.deserialize(data).get_config() == loss.get_config()
    assert registry.serialize(huber) == "huber" and registry.deserialize("huber") is huber


def test_losses_of_ones_own_need_custom_objects(registry):
    class Mine(Loss):
        def call(self, y_true, y_pred):
            return y_pred

    data = registry.serialize(Mine("sum"))
    assert data["registered_name"] == "Custom>Mine"
    with pytest.raises(UnknownLossError, match="name it in `custom_objects`"):
        registry.deserialize(data)
    assert registry.deserialize(data, {"Mine": Mine}).reduction == "sum"
    assert isinstance(registry.get("Mine", {"Mine": Mine}), Mine)
    assert isinstance(registry.deserialize({**data, "class_name": "Custom>Mine"}, {"Mine": Mine}), Mine)


def test_what_cannot_be_serialized(registry):
    with pytest.raises(ConfigError, match=r"Make an instance first: Huber\(\)"):
        registry.serialize(Huber)
    with pytest.raises(ConfigError, match="Only instances of losses and named functions"):
        registry.serialize(lambda y_true, y_pred: y_pred)
    with pytest.raises(ConfigError, match="Received: 3"):
        registry.serialize(3)


@pytest.mark.parametrize("config", [{}, {"class_name": 3}, [], {"config": {}}])
def test_malformed_configurations(registry, config):
    with pytest.raises(ConfigError, match="A loss is configured by its name or by"):
        registry.deserialize(config)


def test_a_configuration_imports_nothing(registry):
    data = {"module": "antigravity", "class_name": "fly", "config": {}, "registered_name": "os>system"}
    with pytest.raises(UnknownLossError):
        registry.deserialize(data)
    assert "antigravity" not in sys.modules
    with pytest.raises(ConfigError, match="names a function: pass the name alone"):
        registry.deserialize({"class_name": "huber", "config": {}})


# The door ---------------------------------------------------------------------------------------------------


def test_names_of_the_door():
    from lossgen import losses

    assert {"Loss", "Reduction", "get", "serialize", "deserialize"} <= set(losses.__all__) <= set(dir(losses))
    with pytest.raises(UnknownLossError, match="'CTC' is not yet available"):
        losses.CTC  # noqa: B018
    with pytest.raises(AttributeError, match="has no attribute 'Hubr'"):
        losses.Hubr  # noqa: B018
    for name in losses.CLASSES:
        assert isinstance(losses.get(name), Loss)
        assert (
            losses.deserialize(losses.serialize(losses.get(name))).get_config()
            == losses.get(name).get_config()
        )
    for name in losses.FUNCTIONS:
        assert losses.get(name).__name__ == name and losses.serialize(getattr(losses, name)) == name
    for identifier, name in losses.IDENTIFIERS.items():
        assert losses.get(identifier) is getattr(losses, name)


def test_importing_the_door_loads_no_framework_and_no_compiler():
    code = (
        "import lossgen.losses, sys; "
        "heavy = {'sympy', 'jinja2', 'keras', 'torch', 'jax', 'tensorflow', 'dask'} & set(sys.modules); "
        "print(sorted(heavy))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"


def test_a_function_of_ones_own_is_called_as_it_is(registry):
    loss = registry.get(lambda y_true, y_pred: np.abs(y_pred - y_true))
    np.testing.assert_array_equal(loss(np.zeros(2), np.ones(2)), 1)
