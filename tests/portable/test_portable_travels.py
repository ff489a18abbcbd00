"""Losses of one's own in another process, which has lossgen and not the program that declared them."""

import json
import os
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
from portable.declared import every_feature, own_penalty, picked

import lossgen as lg
import lossgen.keras
import lossgen.torch
from lossgen.errors import ConfigError, PortableError, UnknownLossError
from lossgen.language.portable import portable


def elsewhere(folder, program, **environment):
    """What a program prints in a process whose folder, path and cache know nothing of this one."""
    folder.mkdir(exist_ok=True)
    script = folder / "program.py"
    script.write_text(program, encoding="utf-8")
    variables = {**os.environ, "LOSSGEN_CACHE_DIR": str(folder / "cache"), **environment}
    variables.pop("PYTHONPATH", None)
    command = [sys.executable, "-I", script]
    run = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    return run.stdout


RANDOM = np.random.default_rng(7)
X = RANDOM.normal(size=(24, 5)).astype("float32")
LABELS = RANDOM.integers(0, 3, 24)

# Configurations -----------------------------------------------------------------------------------------


def test_losses_of_ones_own_carry_their_declaration():
    loss = lg.compile(picked)(temperature=1.5, reduction="sum", ignore_class=1)
    config = json.loads(json.dumps(loss.get_config()))
    assert config["declaration"] == portable(picked) and config["temperature"] == 1.5
    assert "declaration" not in loss.get_config(portable=False)
    assert type(loss).from_config(config).get_config() == config
    again = lg.losses.Loss.from_config(config)
    assert type(again) is type(loss) and again.get_config() == config
    assert loss.declaration is picked


def test_losses_of_the_catalogue_carry_it_on_demand():
    loss = lg.losses.Huber(delta=0.5)
    assert "declaration" not in loss.get_config()
    config = loss.get_config(portable=True)
    assert type(lg.losses.Loss.from_config(config)) is lg.losses.Huber
    assert lg.losses.Huber.from_config(config).delta == 0.5
    assert lg.penalties.L1(0.25).get_config(portable=True)["declaration"]["kind"] == "penalty"
    config = lg.penalties.L1().get_config(portable=True)
    assert type(lg.penalties.Penalty.from_config(config)) is lg.penalties.L1
    assert loss.declaration.class_name == "Huber"


def test_another_declaration_is_refused():
    config = lg.compile(picked)().get_config()
    config["declaration"]["documentation"] = "Another text."
    with pytest.raises(ConfigError, match="another declaration than that of Picked: 'documentation' differs"):
        lg.compile(picked).from_config(config)
    assert lg.losses.Loss.from_config(config).__doc__.startswith("Another text.")
    with pytest.raises(ConfigError, match="another declaration than that of Huber"):
        lg.losses.Huber.from_config({"declaration": portable(picked)})


def test_a_loss_is_no_penalty():
    config = {"declaration": portable(own_penalty)}
    for read in (lg.losses.Loss.from_config, lossgen.keras.Loss.from_config):
        with pytest.raises(ConfigError, match="describes OwnPenalty, which is no Loss"):
            read(config)
    config = {"declaration": portable(picked)}
    for read in (lg.penalties.Penalty.from_config, lossgen.keras.Penalty.from_config):
        with pytest.raises(ConfigError, match="describes Picked, which is no Penalty"):
            read(config)
    with pytest.raises(ConfigError, match="describes Picked, which is no Penalty"):
        lg.penalties.deserialize({"class_name": "Picked", "config": config})


def test_what_is_wrong_in_a_configuration_is_named():
    config = lg.compile(picked)().get_config()
    for change, error, message in (
        ({"lossgen": 2}, PortableError, "written by a newer lossgen"),
        ({"lossgen": 0}, PortableError, "the version of the format is expected"),
        ({"name": "os.system"}, PortableError, "name: .* is no identifier"),
    ):
        changed = {**config, "declaration": {**config["declaration"], **change}}
        for loss in (lg.losses.Loss, lossgen.keras.Loss, lossgen.torch.Loss):
            with pytest.raises(error, match=message):
                loss.from_config(changed)
    with pytest.raises(ConfigError, match="Picked has no argument `heat`"):
        lg.losses.Loss.from_config({**config, "heat": 1})
    for base in (lossgen.keras.Loss, lossgen.torch.Loss):
        with pytest.raises(ConfigError, match="carries a declaration"):
            base.from_config({"temperature": 1})
    old = {"class_name": "Picked", "config": {"temperature": 1.0}, "registered_name": "Custom>Picked"}
    with pytest.raises(UnknownLossError, match="its configuration carries no declaration"):
        lg.deserialize(old)


# Other processes ----------------------------------------------------------------------------------------

STANDALONE = """
import json, sys
from pathlib import Path
import numpy as np
import lossgen
from lossgen import losses, penalties

assert "sympy" not in sys.modules
first, second, third = json.loads(Path("losses.json").read_text("utf-8"))
arrays = np.load("arrays.npz")
loss = lossgen.get(first)
value, gradient = loss.value_and_gradient(arrays["labels"], arrays["x"])
penalty = penalties.deserialize(second)
every = lossgen.deserialize(third)
assert every.from_config(every.get_config()).get_config() == third["config"]
assert lossgen.serialize(loss) == first and penalties.serialize(penalty) == second
rows = every(arrays["y"], arrays["p"])
np.savez("results.npz", value=value, gradient=gradient, penalty=penalty(arrays["x"]), rows=rows)
"""


def test_standalone_losses_travel_as_json(tmp_path):
    loss = lg.compile(picked)(temperature=1.5, ignore_class=1)
    penalty = lg.compile(own_penalty)(weight=0.5, axis=0)
    every = lg.compile(every_feature)(weights=[1, 2], mode=2.5, from_logits=True, axis=-1, reduction="none")
    data = [lg.serialize(loss), lg.penalties.serialize(penalty), lg.serialize(every)]
    assert [each["registered_name"] for each in data] == ["lossgen>Loss", "lossgen>Penalty", "lossgen>Loss"]
    (tmp_path / "losses.json").write_text(json.dumps(data), encoding="utf-8")
    y, p = RANDOM.random((2, 6, 2))
    np.savez(tmp_path / "arrays.npz", x=X, labels=LABELS, y=y, p=p)
    elsewhere(tmp_path, STANDALONE)
    value, gradient = loss.value_and_gradient(LABELS, X)
    with np.load(tmp_path / "results.npz") as found:
        assert found["value"] == value and found["penalty"] == penalty(X)
        np.testing.assert_array_equal(found["gradient"], gradient)
        np.testing.assert_array_equal(found["rows"], every(y, p))


KERAS = """
import keras
import lossgen.keras
import numpy as np

model = keras.saving.load_model("model.keras")
arrays = np.load("arrays.npz")
model.fit(arrays["x"], arrays["labels"], batch_size=12, epochs=2, shuffle=False, verbose=0)
model.save("again.keras")
assert keras.saving.load_model("again.keras").loss.get_config() == model.loss.get_config()
np.savez("weights.npz", *model.get_weights())
print(type(model.loss).__name__, model.loss.temperature, model.layers[-1].kernel_regularizer.weight)
"""


def test_a_model_of_keras_loads_without_the_program_that_declared_its_loss(tmp_path):
    keras.utils.set_random_seed(3)
    penalty = lossgen.keras.compile(own_penalty)(weight=0.03, axis=-1)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3, kernel_regularizer=penalty)])
    loss = lossgen.keras.compile(picked)(temperature=1.5, ignore_class=1)
    model.compile(keras.optimizers.SGD(0.1), loss)
    model.fit(X, LABELS, batch_size=12, epochs=1, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "arrays.npz", x=X, labels=LABELS)
    assert elsewhere(tmp_path, KERAS).split() == ["Picked", "1.5", "0.03"]
    model.fit(X, LABELS, batch_size=12, epochs=2, shuffle=False, verbose=0)
    with np.load(tmp_path / "weights.npz") as found:
        for one, other in zip(model.get_weights(), (found[name] for name in found.files), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)


def test_keras_reads_what_lossgen_writes_and_the_other_way_round():
    loss = lossgen.keras.compile(picked)(temperature=1.5)
    data = json.loads(json.dumps(lossgen.keras.serialize(loss)))
    assert data["module"] == "lossgen.keras" and data["registered_name"] == "lossgen>Loss"
    standalone = lg.deserialize(data)
    assert type(standalone) is lg.compile(picked) and standalone.temperature == 1.5
    assert type(lossgen.keras.deserialize(lg.serialize(standalone))) is type(loss)
    assert type(keras.losses.get(lg.serialize(standalone))) is type(loss)
    assert type(lossgen.torch.deserialize(data)) is lossgen.torch.compile(picked)


TORCH = """
import json, pickle, torch
from pathlib import Path
import numpy as np
import lossgen.torch

arrays = np.load("arrays.npz")
x, labels = torch.tensor(arrays["x"]), torch.tensor(arrays["labels"])
for loss in (
    pickle.loads(Path("loss.pickle").read_bytes()),
    torch.load("loss.pt", weights_only=False),
    lossgen.torch.Loss.from_config(json.loads(Path("config.json").read_text("utf-8"))),
    lossgen.torch.deserialize(json.loads(Path("loss.json").read_text("utf-8"))),
):
    print(loss(labels, x).item().hex(), type(loss).__name__)
"""


def test_modules_of_torch_travel(tmp_path):
    import torch

    loss = lossgen.torch.compile(picked)(temperature=1.5)
    (tmp_path / "loss.pickle").write_bytes(pickle.dumps(loss))
    torch.save(loss, tmp_path / "loss.pt")
    (tmp_path / "config.json").write_text(json.dumps(loss.get_config()))
    (tmp_path / "loss.json").write_text(json.dumps(lossgen.torch.serialize(loss)))
    np.savez(tmp_path / "arrays.npz", x=X, labels=LABELS)
    expected = loss(torch.tensor(LABELS), torch.tensor(X)).item().hex()
    assert elsewhere(tmp_path, TORCH).split() == [expected, "Picked"] * 4
