"""Configurations: every constructor argument, in plain types, and back."""

import json
import re

import numpy as np
import pytest
from handwritten_losses import Huber, Overlap, SparseCrossentropy

from lossgen.errors import ConfigError
from lossgen.runtime.loss import Loss

EVERY_KIND = [
    Huber(0.5, "sum", "mine", "float32", axis=(0, 1)),
    Huber(np.float32(0.5), None, dtype=np.float64, axis=np.int64(0)),
    SparseCrossentropy(True, -1, "mean_with_sample_weight", 1, alpha=np.array([1, 2, 3])),
    Overlap(axis=None),
    Overlap("none", axis=[0, -1]),
]


@pytest.mark.parametrize("loss", EVERY_KIND, ids=repr)
def test_a_configuration_survives_json(loss):
    config = json.loads(json.dumps(loss.get_config()))
    other = type(loss).from_config(config)
    assert other.get_config() == loss.get_config() == config
    assert repr(other) == repr(loss)


def test_a_configuration_holds_every_argument():
    for loss in EVERY_KIND:
        assert set(loss.get_config()) == set(loss.signature.parameters)
    assert EVERY_KIND[0].get_config() == {
        "name": "mine", "reduction": "sum", "dtype": "float32", "delta": 0.5, "axis": [0, 1],
    }  # fmt: skip
    assert EVERY_KIND[2].get_config()["alpha"] == [1.0, 2.0, 3.0]


def test_an_unknown_key_is_named():
    with pytest.raises(
        ConfigError, match=r"Huber has no argument `sigma`, .* It takes delta, reduction, name, dtype, axis"
    ):
        Huber.from_config({"delta": 1.0, "sigma": 2.0})
    with pytest.raises(ConfigError, match=r"The configuration of Huber must be a dictionary. Received: list"):
        Huber.from_config(["delta"])


def test_values_are_checked():
    with pytest.raises(
        ValueError, match=re.escape("`delta` must be a finite number > 0. Received: delta='1.0'")
    ):
        Huber.from_config({"delta": "1.0"})


def test_a_configuration_of_keras_is_read():
    loss = Huber.from_config({"name": "huber_loss", "reduction": "sum_over_batch_size", "delta": 2.0})
    assert loss.delta == 2 and loss.axis == -1


def test_losses_written_by_hand():
    class Shifted(Loss):
        def __init__(self, shift=0.0, **arguments):
            super().__init__(**arguments)
            self.shift = shift

        def call(self, y_true, y_pred):
            return np.abs(y_pred - y_true + self.shift).mean(-1)

        def get_config(self):
            return {**super().get_config(), "shift": self.shift}

    loss = Shifted.from_config(Shifted(2.0, reduction="sum").get_config())
    assert (loss.shift, loss.reduction, loss.name) == (2.0, "sum", "shifted")

    class Bare(Loss):
        def call(self, y_true, y_pred):
            return y_pred

    with pytest.raises(ConfigError, match="Bare has no argument `shift`"):
        Bare.from_config({"shift": 1})
