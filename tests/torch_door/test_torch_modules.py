"""Modules and functions as objects: names, configuration, copies, parameters."""

import copy
import inspect
import json
import pickle
import subprocess
import sys

import pytest
import sympy as sp
from torch_inputs import Both, door, tensors, torch

import lossgen as lg
from lossgen.errors import UnknownLossError
from lossgen.generated._index import CLASSES, FUNCTIONS

nn = torch.nn


@lg.loss
def pinched(y_true, y_pred, *, width=lg.Parameter(1.0, positive=True)):
    """Quadratic in units of the width."""
    return lg.Mean(sp.Abs((y_pred - y_true) / width) ** 2)


Pinched = door.compile(pinched)


def test_every_loss_of_the_catalogue_is_a_module():
    assert {*CLASSES, *FUNCTIONS} <= set(door.__all__) and set(door.__all__) <= set(dir(door))
    for name in CLASSES:
        cls = getattr(door, name)
        assert issubclass(cls, nn.Module) and issubclass(cls, door.Loss)
        assert cls.__name__ == name and cls.__module__ == "lossgen.torch"
        assert inspect.signature(cls) == inspect.signature(getattr(lg.losses, name))
    for name in FUNCTIONS:
        function = getattr(door, name)
        assert function.__name__ == name
        assert inspect.signature(function) == inspect.signature(getattr(lg.losses, name))
    assert door.mse is door.mean_squared_error
    with pytest.raises(AttributeError, match="NoSuchLoss"):
        _ = door.NoSuchLoss


def test_importing_the_door_loads_no_loss_and_no_sympy():
    code = "import sys, lossgen.torch; from lossgen.torch import Huber; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = run.stdout.split()
    assert "lossgen.generated.huber" in loaded and "lossgen.generated.dice" not in loaded
    assert "lossgen.compiler" not in loaded


def test_without_torch_the_error_says_how_to_install_it():
    code = "import sys; sys.modules['torch'] = None; import lossgen.torch"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode != 0 and 'pip install "lossgen[torch]"' in run.stderr


def test_a_loss_of_ones_own():
    y, p = tensors("flat")
    loss = Pinched(width=2.0)
    assert torch.allclose(loss(y, p), ((p - y) / 2).square().mean())
    assert torch.allclose(torch.autograd.grad(loss(y, p), p)[0], (p - y).detach() / 2 / p.numel())
    assert door.compile(lg.compile(pinched)).standalone.__name__ == "Pinched"


def test_arguments_are_attributes_that_cannot_be_changed():
    loss = door.Huber(delta=0.5, reduction="sum")
    assert (loss.delta, loss.reduction, loss.name, loss.axis) == (0.5, "sum", "huber_loss", -1)
    assert repr(loss) == "Huber(delta=0.5, reduction='sum')"
    with pytest.raises(AttributeError, match=r"make another loss, Huber\(delta=2\)"):
        loss.delta = 2
    with pytest.raises(AttributeError, match="no_such"):
        _ = loss.no_such


def test_get_serialize_deserialize():
    loss = door.Huber(delta=0.5)
    data = json.loads(json.dumps(door.serialize(loss)))
    assert data == json.loads(json.dumps(lg.serialize(lg.losses.Huber(delta=0.5))))
    again = door.deserialize(data)
    assert type(again) is door.Huber and again.get_config() == loss.get_config()
    assert door.Huber.from_config(loss.get_config()).delta == 0.5
    assert type(door.get("Huber")) is door.Huber and door.get("huber") is door.huber
    assert door.get("mse") is door.mean_squared_error and door.serialize(door.huber) == "huber"
    assert type(door.get(door.Dice)) is door.Dice and door.get(loss) is loss and door.get(None) is None
    with pytest.raises(UnknownLossError, match="hubert"):
        door.get("hubert")


@pytest.mark.parametrize("again", [copy.deepcopy, lambda loss: pickle.loads(pickle.dumps(loss))])
def test_copies_compute_the_same(again):
    y, p = tensors("kinked", dtype=torch.float32)
    for loss in (door.Huber(delta=0.5), door.Huber(delta=nn.Parameter(torch.tensor(0.5)))):
        twin = again(loss)
        assert twin is not loss and type(twin) is door.Huber
        assert torch.equal(twin(y, p), loss(y, p))
        assert [name for name, _ in twin.named_parameters()] == [name for name, _ in loss.named_parameters()]
    y, p = tensors("whole")
    assert torch.equal(copy.deepcopy(Both())(y, p), Both()(y, p))


def test_what_is_learned_is_a_parameter_of_the_module():
    model = nn.Sequential(nn.Linear(2, 2))
    model.loss = door.Huber(delta=nn.Parameter(torch.tensor(0.5)))
    assert "loss.delta" in model.state_dict()
    assert model.loss.delta is dict(model.named_parameters())["loss.delta"]
    with torch.no_grad():
        model.loss.delta.fill_(0.75)
    assert model.loss.get_config()["delta"] == 0.75
    model.double()
    y, p = tensors("kinked")
    assert torch.allclose(model.loss(y, p), door.Huber(delta=0.75)(y, p))
    fixed = door.Huber(delta=torch.tensor(0.5))
    assert fixed.delta == 0.5 and not list(fixed.parameters()) and not fixed.state_dict()


def test_a_model_learns_its_own_delta():
    torch.manual_seed(0)
    layer, raw = nn.Linear(3, 1), nn.Parameter(torch.tensor(0.0))
    x = torch.randn(64, 3)
    y = x.sum(1, keepdim=True)
    optimizer = torch.optim.SGD([*layer.parameters(), raw], lr=0.1)
    values = []
    for _ in range(30):
        optimizer.zero_grad()
        value = door.huber(y, layer(x), nn.functional.softplus(raw)).mean()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < values[0] / 5 and raw.item() != 0


def test_training_ends_where_torchs_own_loss_ends():
    ends = []
    for loss in (door.SparseCategoricalCrossentropy(from_logits=True),
                 lambda y, p: nn.functional.cross_entropy(p, y)):  # fmt: skip
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        x, y = torch.randn(128, 5), torch.randint(0, 3, (128,))
        for _ in range(20):
            optimizer.zero_grad()
            loss(y, model(x)).backward()
            optimizer.step()
        ends.append(torch.cat([one.detach().reshape(-1) for one in model.parameters()]))
    assert torch.allclose(*ends, atol=1e-5)


def test_hooks_of_modules_run():
    y, p = tensors("flat")
    loss, seen = door.MeanSquaredError(), []
    loss.register_forward_hook(lambda module, arguments, value: seen.append(value))
    value = loss(y, p)
    assert seen == [value]
