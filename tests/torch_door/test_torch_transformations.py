"""Under torch.func and forward mode: right, where a naive bridge is silently wrong."""

from functools import partial

import pytest
from torch.autograd import forward_ad
from torch_inputs import KINDS, SMOOTH, door, executed, make, tensors, torch, weight_of

from lossgen.errors import ExecutionError

func = torch.func
COLUMN_KINDS = [kind for kind in SMOOTH if kind not in ("whole", "both", "axis")]
FLOAT_TARGETS = [kind for kind in SMOOTH if KINDS[kind][2] != "labels"]


def problem(kind, reduction="mean"):
    """A function of the predictions, and predictions."""
    y, p = tensors(kind, (4, 3))
    return partial(make(kind, reduction=reduction), y), p.detach()


def eager_gradient(function, p):
    p = p.clone().requires_grad_()
    return torch.autograd.grad(function(p), p)[0]


def eager_hessian(function, p):
    return torch.autograd.functional.hessian(function, p)


@pytest.mark.parametrize("kind", KINDS)
def test_grad(kind):
    function, p = problem(kind)
    assert torch.allclose(func.grad(function)(p), eager_gradient(function, p), rtol=1e-12)


@pytest.mark.parametrize("kind", SMOOTH)
def test_grad_of_grad_is_not_0(kind):
    function, p = problem(kind)
    vector = torch.linspace(-1, 1, p.numel(), dtype=p.dtype).reshape(p.shape)
    found = func.grad(lambda p: (func.grad(function)(p) * vector).sum())(p)
    wanted = torch.einsum("abcd,cd->ab", eager_hessian(function, p), vector)
    assert torch.allclose(found, wanted, rtol=1e-10) and wanted.abs().max() > 1e-4


@pytest.mark.parametrize("kind", SMOOTH)
def test_hessian_by_forward_over_reverse_and_reverse_over_reverse(kind):
    function, p = problem(kind)
    wanted = eager_hessian(function, p)
    for found in (func.hessian(function)(p), func.jacrev(func.jacrev(function))(p)):
        assert torch.allclose(found, wanted, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("kind", SMOOTH)
def test_jvp_has_a_tangent(kind):
    function, p = problem(kind)
    vector = torch.linspace(-1, 1, p.numel(), dtype=p.dtype).reshape(p.shape)
    value, tangent = func.jvp(function, (p,), (vector,))
    slope = eager_gradient(function, p)
    assert torch.allclose(value, function(p)) and torch.allclose(tangent, (slope * vector).sum(), rtol=1e-12)
    _, curvature = func.jvp(func.grad(function), (p,), (vector,))
    wanted = torch.einsum("abcd,cd->ab", eager_hessian(function, p), vector)
    assert torch.allclose(curvature, wanted, rtol=1e-10)
    with forward_ad.dual_level():
        found = forward_ad.unpack_dual(function(forward_ad.make_dual(p, vector))).tangent
        assert torch.allclose(found, tangent)
        rows, _ = problem(kind, "none")
        found = forward_ad.unpack_dual(rows(forward_ad.make_dual(p, vector))).tangent
    assert torch.allclose(found, torch.autograd.functional.jvp(rows, p, vector)[1])


@pytest.mark.parametrize("kind", COLUMN_KINDS)
def test_vmap_of_grad_gives_gradients_of_samples(kind):
    y, p = tensors(kind, (6, 4, 3))
    loss = make(kind)
    weight = weight_of(kind, p[0])
    found = func.vmap(func.grad(lambda p, y: loss(y, p, weight)))(p.detach(), y)
    for slope, one_p, one_y in zip(found, p, y, strict=True):
        assert torch.allclose(slope, eager_gradient(lambda q, y=one_y: loss(y, q, weight), one_p.detach()))
    nested = func.vmap(func.vmap(lambda p, y: loss(y, p)))(p.detach(), y)
    rows = make(kind, reduction="none")(y, p)
    assert torch.allclose(nested, rows)


def test_vmap_over_whole_tensors_and_over_targets_alone():
    y, p = tensors("whole", (5, 4, 3))
    found = func.vmap(make("whole"))(y, p)
    assert torch.allclose(found, torch.stack([make("whole")(*pair) for pair in zip(y, p, strict=True)]))
    found = func.vmap(make("whole"), in_dims=(0, None))(y, p[0])
    assert torch.allclose(found, torch.stack([make("whole")(one, p[0]) for one in y]))


@pytest.mark.parametrize("kind", FLOAT_TARGETS)
def test_gradients_by_targets(kind):
    y, p = tensors(kind, (4, 3))
    loss = make(kind)
    found = func.grad(lambda y: loss(y, p.detach()))(y)
    assert torch.allclose(found, torch.autograd.grad(loss(y.requires_grad_(), p), y)[0])
    mixed = func.jacrev(func.grad(loss, argnums=1), argnums=0)(y.detach(), p.detach())
    other = func.jacrev(func.grad(loss, argnums=0), argnums=1)(y.detach(), p.detach())
    assert torch.allclose(mixed, other.permute(2, 3, 0, 1), rtol=1e-10, atol=1e-14)


def test_forward_mode_along_targets():
    y, p = tensors("softmax", (4, 3))
    loss, y, p = make("softmax"), y.detach(), p.detach()
    by_prediction = func.grad(loss, argnums=1)
    wanted = func.jacrev(by_prediction, argnums=0)(y, p)
    assert torch.allclose(func.jacfwd(by_prediction, argnums=0)(y, p), wanted, rtol=1e-10, atol=1e-14)
    found = func.jvp(lambda y: loss(y, p), (y,), (torch.ones_like(y),))[1]
    assert torch.allclose(found, func.grad(lambda y: loss(y, p))(y).sum())


def test_parameters_and_weights_under_transformations():
    y, p = tensors("kinked", (4, 3))
    y, p = y.detach(), p.detach()
    delta, weight = torch.tensor(0.5, dtype=torch.float64), torch.rand(4, dtype=torch.float64)

    def value(delta, weight):
        return (weight * door.huber(y, p, delta)).mean()

    learned = delta.clone().requires_grad_()
    wanted = torch.autograd.grad(value(learned, weight), learned)[0]
    assert torch.allclose(func.grad(value)(delta, weight), wanted)
    assert torch.allclose(func.jacfwd(value)(delta, weight), wanted)
    found = func.vmap(func.grad(value), in_dims=(0, None))(torch.stack([delta, delta / 2]), weight)
    assert torch.allclose(found[0], wanted) and found.shape == (2,)
    module = door.Huber(delta=torch.nn.Parameter(delta))
    slopes = func.grad(lambda state: func.functional_call(module, state, (y, p, weight)))({"delta": delta})
    assert torch.allclose(slopes["delta"], wanted)


def test_per_sample_gradients_of_a_model():
    layer = torch.nn.Linear(5, 3).double()
    x, labels = torch.randn(7, 5, dtype=torch.float64), torch.randint(0, 3, (7,))
    loss = make("labels")

    def one(parameters, x, label):
        return loss(label, func.functional_call(layer, parameters, x))

    state = {name: value.detach() for name, value in layer.named_parameters()}
    found = func.vmap(func.grad(one), in_dims=(None, 0, 0))(state, x, labels)
    loss(labels, layer(x)).backward()
    assert torch.allclose(found["weight"].mean(0), layer.weight.grad)


def test_labels_that_cannot_be_checked_give_nan():
    p = torch.randn(3, 4, dtype=torch.float64)
    found = func.vmap(make("labels"))(torch.tensor([0, 9, -1]), p)
    assert found.isnan().tolist() == [False, True, True]


def test_kernels_that_are_demanded_say_where_they_cannot_run():
    y, p = tensors("flat")
    with executed("kernels"):
        assert make("flat")(y, p).requires_grad
        with pytest.raises(ExecutionError, match=r"torch\.func"):
            func.grad(lambda p: make("flat")(y, p))(p.detach())


class Marked(torch.Tensor):
    """A subclass, whose operations torch sends through __torch_function__."""


def test_a_subclass_of_tensors_keeps_its_type():
    y, p = tensors("softmax")
    marked = p.detach().as_subclass(Marked).requires_grad_()
    value = make("softmax")(y, marked)
    assert type(value) is Marked
    assert torch.allclose(torch.autograd.grad(value, marked)[0].as_subclass(torch.Tensor),
                          eager_gradient(partial(make("softmax"), y), p.detach()))  # fmt: skip
    with executed("kernels"), pytest.raises(ExecutionError, match="Marked"):
        make("softmax")(y, marked)
