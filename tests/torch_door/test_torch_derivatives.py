"""Derivatives in eager mode: of every order, and with respect to everything that requires one."""

from functools import partial

import pytest
from torch_inputs import KINDS, SMOOTH, door, executed, make, tensors, torch, weight_of

from lossgen.errors import ExecutionError, NoGradientError, ParameterError

EXECUTIONS = ("kernels", "ops")
grad = torch.autograd.grad


def plain(loss, y, p, weight=None):
    """A loss written in torch's operations: cross-entropy from logits, weighted mean."""
    rows = -(y * torch.log_softmax(p, -1)).sum(-1)
    return (rows if weight is None else weight * rows).mean()


@pytest.mark.parametrize("execution", EXECUTIONS)
@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("kind", SMOOTH)
def test_gradcheck_and_gradgradcheck(kind, reduction, execution):
    y, p = tensors(kind, (4, 3))
    weight = weight_of(kind, p)
    loss = make(kind, reduction=reduction)
    with executed(execution):
        assert torch.autograd.gradcheck(lambda p: loss(y, p, weight), p)
        assert torch.autograd.gradgradcheck(lambda p: loss(y, p, weight), p)


@pytest.mark.parametrize("execution", EXECUTIONS)
def test_a_gradient_penalty_has_the_second_derivative(execution):
    """A saved gradient that is only scaled would lose the Hessian of the loss, without an error."""
    y, p = tensors("softmax")
    scale = torch.nn.Parameter(torch.tensor(1.5, dtype=torch.float64))

    def penalty(loss):
        (slope,) = grad(loss(y, p * scale), p, create_graph=True)
        return grad(slope.square().sum() + loss(y, p * scale), [p, scale])

    with executed(execution):
        found = penalty(make("softmax"))
    for one, right in zip(found, penalty(lambda y, p: plain(None, y, p)), strict=True):
        assert torch.allclose(one, right, rtol=1e-12)


@pytest.mark.parametrize("execution", EXECUTIONS)
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_third_derivatives(reduction, execution):
    y, p = tensors("softmax", (3, 4))

    def third(loss):
        (first,) = grad(loss(y, p).sum(), p, create_graph=True)
        (second,) = grad(first.square().sum(), p, create_graph=True)
        return grad(second.square().sum(), p)[0]

    right = third(lambda y, p: plain(None, y, p) * (1 if reduction == "mean" else len(p)))
    with executed("auto" if execution == "kernels" else "ops"):
        assert torch.allclose(third(make("softmax", reduction=reduction)), right, rtol=1e-10)


@pytest.mark.parametrize("execution", EXECUTIONS)
def test_batched_cotangents(execution):
    y, p = tensors("softmax", (3, 2))
    with executed(execution):
        for reduction in ("mean", "none"):
            loss = partial(make("softmax", reduction=reduction), y)
            hessian = partial(torch.autograd.functional.hessian, lambda p, loss=loss: loss(p).sum())
            wanted, found = hessian(p.detach()), hessian(p.detach(), vectorize=True)
            assert torch.allclose(found, wanted, rtol=1e-12) and wanted.abs().max() > 0.01
            value = loss(p)
            cotangents = torch.randn(3, *value.shape, dtype=torch.float64)
            (slopes,) = grad(value, p, cotangents, is_grads_batched=True, retain_graph=True)
            for slope, cotangent in zip(slopes, cotangents, strict=True):
                assert torch.allclose(slope, grad(value, p, cotangent, retain_graph=True)[0])


@pytest.mark.parametrize("execution", EXECUTIONS)
def test_backward_twice_over_a_retained_graph(execution):
    y, p = tensors("flat")
    with executed(execution):
        value = make("flat")(y, p)
        value.backward(retain_graph=True)
        once = p.grad.clone()
        (3 * value).backward()
    assert torch.allclose(p.grad, 4 * once) and once.abs().max() > 0


@pytest.mark.parametrize("execution", ["auto", "ops"])
def test_mixed_derivatives_by_a_weight_that_is_0(execution):
    y, p = tensors("softmax", (2, 3))
    weight = torch.tensor([0.0, 1.5], dtype=torch.float64, requires_grad=True)

    def mixed(loss, order):
        found = loss(y, p, weight)
        for _ in range(order):
            (found,) = grad(found.square().sum() if found.ndim else found, p, create_graph=True)
            found = (found * torch.arange(1.0, 7).reshape(2, 3)).sum()
        return grad(found, weight)[0]

    with executed(execution):
        for order in (1, 2):
            found, right = mixed(make("softmax"), order), mixed(lambda *a: plain(None, *a), order)
            assert torch.allclose(found, right, rtol=1e-10) and right.abs().min() > 1e-4


def test_a_changed_prediction_is_noticed():
    y, p = tensors("flat")
    prediction = 1 * p
    value = make("flat")(y, prediction)
    prediction.data_ptr()
    with torch.no_grad():
        prediction.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


def test_without_gradients_none_is_computed(monkeypatch):
    y, p = tensors("flat")
    loss = make("flat")

    def refuse(*_):
        raise AssertionError("a gradient was computed")

    monkeypatch.setattr(loss._loss.__class__, "value_and_gradient", refuse)
    with torch.no_grad():
        assert not loss(y, p).requires_grad
    with torch.inference_mode():
        assert not loss(y, p).requires_grad
    assert not loss(y, p.detach()).requires_grad


@pytest.mark.parametrize("execution", EXECUTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_gradient_reaches_the_weights(kind, execution):
    y, p = tensors(kind)
    weight = weight_of(kind, p).requires_grad_()
    with executed(execution):
        for reduction in ("sum", "mean", "mean_with_sample_weight"):
            loss = partial(make(kind, reduction=reduction), y)
            assert torch.autograd.gradcheck(loss, (p, weight))
        # the last weight is 0: its derivative is its loss all the same
        rows = make(kind, reduction="none")(y, p)
        (slope,) = grad(make(kind, reduction="sum")(y, p, weight), weight)
        assert torch.allclose(slope, rows)


@pytest.mark.parametrize("kind", [kind for kind in SMOOTH if KINDS[kind][2] != "labels"])
def test_a_gradient_reaches_the_targets(kind):
    y, p = tensors(kind, (4, 3))
    y.requires_grad_()
    loss = make(kind)
    assert torch.autograd.gradcheck(loss, (y, p))
    assert torch.autograd.gradgradcheck(loss, (y, p))
    with torch.no_grad():
        assert not loss(y, p).requires_grad
    with executed("kernels"), pytest.raises(ExecutionError, match="y_true"):
        loss(y, p)


def test_prepared_targets_have_gradients_too():
    y = torch.tensor([[0.0, 1.0, 1.0]], dtype=torch.float64, requires_grad=True)
    p = torch.tensor([[0.3, 0.2, -0.5]], dtype=torch.float64)
    (slope,) = grad(door.Hinge()(y, p), y)
    assert torch.allclose(slope, -2 * p / 3)


def test_parameters_are_learned():
    y, p = tensors("kinked", (4, 3))
    for delta in (0.7, 0.2):
        tensor = torch.tensor(delta, dtype=torch.float64, requires_grad=True)
        loss = door.Huber(delta=torch.nn.Parameter(tensor.detach().clone()))
        right = door.Huber(delta=delta)(y, p)
        assert torch.allclose(loss(y, p), right, rtol=1e-14)
        assert torch.autograd.gradcheck(lambda p, d: door.huber(y, p, d), (p, tensor))
        assert torch.autograd.gradcheck(lambda p, d: door.huber(y, p, delta=d).mean(), (p, tensor))
        loss(y, p).backward()
        assert torch.allclose(loss.delta.grad, grad(door.huber(y, p, tensor).mean(), tensor)[0])


def test_a_learned_parameter_is_checked_at_every_call():
    y, p = tensors("kinked")
    loss = door.Huber(delta=torch.nn.Parameter(torch.tensor(0.5)))
    optimizer = torch.optim.SGD(loss.parameters(), lr=1.0)
    loss.delta.grad = torch.tensor(2.0)
    optimizer.step()
    with pytest.raises(ParameterError, match=r"delta.*> 0.*softplus"):
        loss(y, p)
    with pytest.raises(ParameterError, match="delta"):
        door.huber(y, p, torch.tensor(-1.0, requires_grad=True))


def test_parameters_a_column_are_learned():
    y, p = tensors("softmax", (4, 3))
    alpha = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64, requires_grad=True)
    gamma = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)

    def loss(p, alpha, gamma):
        return door.categorical_focal_crossentropy(y, p, alpha=alpha, gamma=gamma, from_logits=True)

    right = door.categorical_focal_crossentropy(y, p, alpha=(0.2, 0.3, 0.5), gamma=1.5, from_logits=True)
    assert torch.allclose(loss(p, alpha, gamma), right, rtol=1e-12)
    assert torch.autograd.gradcheck(loss, (p, alpha, gamma))
    assert torch.autograd.gradgradcheck(loss, (p, alpha, gamma))


def test_an_operator_refuses_what_it_has_no_derivative_for():
    y, p = tensors("flat")
    key = make("flat")._loss._key
    value = torch.ops.lossgen.value(y.requires_grad_(), p, None, None, key)
    with pytest.raises(NoGradientError, match="y_true"):
        grad(value, y)
