"""The door in a release of torch that renamed one of the private names it asks: right, if slower."""

import importlib.util
import subprocess
import sys

import pytest
from torch_inputs import make, tensors, torch

from lossgen.torch import fused

PROGRAM = """
import importlib, sys
import torch, torch._dynamo

owner, name = sys.argv[1].rsplit(".", 1)
owner = importlib.import_module(owner)
found = getattr(owner, name)
delattr(owner, name)
import lossgen as lg
import lossgen.torch as door
from lossgen.torch.choice import by_kernels, is_direct
setattr(owner, name, found)  # torch itself needs it

direct = name == "FakeTensor"
assert is_direct() == direct
loss, standalone = door.PseudoHuber(delta=0.5), lg.losses.PseudoHuber(delta=0.5)
y, p, vector = torch.randn(3, 6, 4, dtype=torch.float64)
assert by_kernels(loss._loss._plan, {"y_true": y, "y_pred": p}, ()) == direct
value, slope = standalone.value_and_gradient(y.numpy(), p.numpy())
product = torch.from_numpy(standalone.hessian_vector_product(y.numpy(), p.numpy(), vector.numpy()))
slope = torch.from_numpy(slope)

function = lambda p: loss(y, p)
assert torch.allclose(function(p), torch.tensor(value, dtype=p.dtype))
tape = p.clone().requires_grad_()
(recorded,) = torch.autograd.grad(function(tape), tape, create_graph=True)
assert torch.allclose(recorded, slope)
assert torch.allclose(torch.autograd.grad(recorded, tape, vector)[0], product)
assert torch.allclose(torch.func.grad(function)(p), slope)
found, tangent = torch.func.jvp(torch.func.grad(function), (p,), (vector,))
assert torch.allclose(found, slope) and torch.allclose(tangent, product)
rows = torch.vmap(lambda y, p: loss(y, p))(y, p)
assert torch.allclose(rows.mean(), function(p))
with torch.autograd.forward_ad.dual_level():
    dual = loss(y, torch.autograd.forward_ad.make_dual(p, vector))
    found = torch.autograd.forward_ad.unpack_dual(dual).tangent
assert torch.allclose(found, (slope * vector).sum())
assert torch.allclose(torch.compile(function, fullgraph=True, backend="aot_eager")(p), function(p))
print("right")
"""


@pytest.mark.parametrize(
    "name",
    [
        "torch._C._functorch.peek_interpreter_stack",
        "torch._C._len_torch_dispatch_stack",
        "torch._C._get_tracing_state",
        "torch.autograd.forward_ad._current_level",
        "torch._subclasses.fake_tensor.FakeTensor",
    ],
)
def test_array_code_runs_where_torch_does_not_tell_what_is_active(name):
    run = subprocess.run([sys.executable, "-c", PROGRAM, name], capture_output=True, text=True)
    assert run.stdout == "right\n", run.stderr


def test_the_short_way_is_that_of_torch_where_there_is_no_shorter_one():
    spec = importlib.util.spec_from_file_location(fused.__name__, fused.__file__)
    other = importlib.util.module_from_spec(spec)
    other.super = lambda *classes: object()  # as if `apply` were defined by `Function` alone
    spec.loader.exec_module(other)
    assert other.value_with_gradient == other.Fused.apply
    y, p = tensors("flat")
    loss = make("flat")
    found, right = other.value_with_gradient(y, p, None, None, loss._loss), loss(y, p)
    assert torch.equal(found, right)
    assert torch.equal(*(torch.autograd.grad(one, p)[0] for one in (found, right)))
