"""Tracers: torch.compile without a graph break, torch.export, fake tensors, and torch's own checks."""

import io
import subprocess
import sys
from contextlib import nullcontext
from functools import partial

import pytest
from torch_inputs import KINDS, SMOOTH, door, executed, make, tensors, torch, weight_of

from lossgen.errors import ConfigError, DtypeError, ReductionError

compiled = partial(torch.compile, fullgraph=True, backend="aot_eager")


@pytest.fixture(autouse=True)
def fresh():
    torch._dynamo.reset()


def both(function, p, *others):
    """Value and gradient."""
    value = function(p, *others)
    return value, torch.autograd.grad(value.sum(), p)[0]


def assert_equal(found, right, tolerance=1e-12):
    for one, other in zip(found, right, strict=True):
        assert one.dtype == other.dtype and torch.allclose(one, other, rtol=tolerance, atol=1e-15)


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("kind", KINDS)
def test_compile_without_a_graph_break(kind, reduction):
    y, p = tensors(kind)
    weight = weight_of(kind, p)
    mask = torch.arange(weight.numel()).reshape(weight.shape) != 2
    loss = make(kind, reduction=reduction)

    def step(p, weight, mask):
        return 2 * loss(y, 1 * p, weight, mask=mask)

    assert_equal(both(compiled(step), p, weight, mask), both(step, p, weight, mask))
    with torch.no_grad():
        assert torch.allclose(compiled(step)(p, weight, mask), step(p, weight, mask))


@pytest.mark.parametrize("kind", ["flat", "labels", "axis"])
def test_sizes_may_be_symbols(kind):
    loss = make(kind)
    counter = torch._dynamo.testing.CompileCounterWithBackend("aot_eager")
    function = torch.compile(loss, fullgraph=True, dynamic=True, backend=counter)
    for rows in (3, 5, 8, 13):
        y, p = tensors(kind, (rows, 4))
        assert_equal(both(partial(function, y), p), both(partial(loss, y), p))
    assert counter.frame_count == 1


def test_inductor_compiles_a_step_of_training():
    torch.manual_seed(0)
    layer, loss = torch.nn.Linear(6, 3), make("labels")
    x, y = torch.randn(8, 6), torch.randint(0, 3, (8,))

    def step():
        return loss(y, layer(x))

    value = torch.compile(step, fullgraph=True)()
    value.backward()
    slope, layer.weight.grad = layer.weight.grad, None
    step().backward()
    assert torch.allclose(slope, layer.weight.grad, rtol=1e-5, atol=1e-7)


def test_functions_half_precision_and_learned_parameters_compile():
    y, p = tensors("kinked", dtype=torch.float32)
    assert_equal(both(compiled(lambda p: door.huber(y, p, 0.3)), p), both(lambda p: door.huber(y, p, 0.3), p))
    half = p.detach().bfloat16().requires_grad_()
    assert_equal(both(compiled(partial(make("flat"), y)), half), both(partial(make("flat"), y), half))
    delta = torch.tensor(0.5, requires_grad=True)
    assert_equal(both(compiled(lambda d: door.huber(y, p.detach(), d)), delta),
                 both(lambda d: door.huber(y, p.detach(), d), delta), 1e-5)  # fmt: skip
    module = door.Huber(delta=torch.nn.Parameter(torch.tensor(0.5)))
    assert_equal(both(compiled(partial(module, y)), p), both(partial(module, y), p), 1e-5)


def test_gradients_by_weights_and_targets_compile():
    y, p = tensors("softmax")
    weight = weight_of("softmax", p).requires_grad_()
    loss = make("softmax")
    assert_equal(both(compiled(lambda w: loss(y, p, w)), weight), both(lambda w: loss(y, p, w), weight))
    y.requires_grad_()
    assert_equal(both(compiled(lambda y: loss(y, p)), y), both(lambda y: loss(y, p), y))


@pytest.mark.parametrize("kind", ["softmax", "labels"])
def test_transformations_inside_compile(kind):
    y, p = tensors(kind)
    loss, p = partial(make(kind), y), p.detach()
    for transformed in (
        torch.func.grad(loss),
        lambda p: torch.func.jvp(loss, (p,), (torch.ones_like(p),))[1],
        lambda p: torch.func.vmap(torch.func.grad(loss))(torch.stack([p, 2 * p])),
    ):
        assert torch.allclose(compiled(transformed)(p), transformed(p), rtol=1e-10)


def test_errors_inside_compile():
    y, p = tensors("labels")
    with pytest.raises(Exception, match="label 9"):
        compiled(make("labels"))(y.clamp(min=9), p.detach())
    with pytest.raises(Exception, match="same shape"):
        compiled(make("flat"))(p.detach()[:2], p.detach())


@pytest.mark.parametrize("kind", SMOOTH)
def test_operators_pass_the_checks_of_torch(kind):
    y, p = tensors(kind, (3, 2))
    loss = make(kind)
    weight = weight_of(kind, p)
    rows = torch.ones_like(weight)
    key, vector = loss._loss._key, torch.ones_like(p).requires_grad_()
    ops = torch.ops.lossgen
    calls = {
        ops.losses: (y, p, key),
        ops.gradient: (y, p, rows.clone().requires_grad_(), key),
        ops.product: (y, p.detach(), rows, vector, key),
        ops.slope: (y, p, vector, key),
        ops.value: (y, p, weight, None, key),
        ops.value_and_gradient: (y, p, weight, None, key),
        ops.value_product: (y, p.detach(), vector, weight, None, key),
    }
    for operator, arguments in calls.items():
        torch.library.opcheck(operator.default, arguments)


@pytest.mark.parametrize("kind", ["flat", "labels", "both"])
def test_fake_and_meta_tensors(kind):
    from torch._subclasses.fake_tensor import FakeTensorMode

    y, p = tensors(kind)
    for reduction in ("mean", "none"):
        loss = make(kind, reduction=reduction)
        right = loss(y, p)
        mode = FakeTensorMode()
        fakes = [mode.from_tensor(one) for one in (y, p)]
        metas = [one.detach().to("meta") for one in (y, p)]
        for pair, context in ((fakes, mode), (metas, nullcontext())):
            pair[1].requires_grad_()
            for execution in ("auto", "ops"):
                with executed(execution), context:
                    found = loss(*pair)
                    assert found.shape == right.shape and found.dtype == right.dtype
                    (slope,) = torch.autograd.grad(found.sum(), pair[1])
                    assert slope.shape == p.shape


def test_tracers_that_record_calls_do_not_freeze_numbers():
    from torch.fx.experimental.proxy_tensor import make_fx

    y, p = tensors("flat")
    p = p.detach()
    for reduction in ("mean", "none"):
        loss = make("flat", reduction=reduction)
        for traced in (make_fx(loss)(y, p), torch.jit.trace(loss, (y, p), check_trace=False)):
            assert torch.allclose(traced(y + 1, p), loss(y + 1, p))


def test_an_exported_program_runs_in_a_fresh_process(tmp_path):
    layer, loss = torch.nn.Linear(4, 3), make("labels")

    class Step(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.loss = layer, loss

        def forward(self, x, y):
            return self.loss(y, self.layer(x))

    x, y = torch.randn(5, 4), torch.randint(0, 3, (5,))
    program = torch.export.export(Step(), (x, y))
    assert "lossgen.value" in program.graph_module.code
    right = Step()(x, y)
    assert torch.allclose(program.module()(x, y), right)
    torch.export.save(program, tmp_path / "step.pt2")
    torch.save((x, y, right.detach()), tmp_path / "inputs.pt")
    code = """
import sys, torch, lossgen.torch
program = torch.export.load(sys.argv[1] + "/step.pt2").module()
x, y, right = torch.load(sys.argv[1] + "/inputs.pt")
assert torch.allclose(program(x, y), right)
"""
    run = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_operators_refuse_what_they_do_not_know():
    y, p = tensors("flat")
    ops = torch.ops.lossgen
    with pytest.raises(ConfigError, match="is not known here"):
        ops.losses(y, p, "Own 99999")
    with pytest.raises(DtypeError, match="float32 or float64"):
        ops.losses(y, p.detach().half(), make("flat")._loss._key)
    with pytest.raises(ReductionError, match="reduc"):
        ops.value(y, p, None, None, make("flat", reduction="none")._loss._key)


def test_a_compiled_module_can_be_pickled(tmp_path):
    y, p = tensors("softmax")
    buffer = io.BytesIO()
    torch.save(make("softmax"), buffer)
    buffer.seek(0)
    loaded = torch.load(buffer, weights_only=False)
    assert torch.equal(compiled(loaded)(y, p), make("softmax")(y, p))
