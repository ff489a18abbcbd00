"""Values and gradients: those of the standalone losses, by kernels and by array code."""

import numpy as np
import pytest
from torch_inputs import KINDS, door, executed, make, standalone, tensors, torch, weight_of

import lossgen as lg
from lossgen.torch import bridge

REDUCTIONS = ("sum_over_batch_size", "sum", "mean_with_sample_weight", "none")
EXECUTIONS = ("kernels", "ops")


def close(found, right, dtype):
    size = np.abs(right).max() if np.size(right) else 0
    return np.allclose(found, right, rtol=0, atol=4e-6 * size if dtype == torch.float32 else 1e-13 * size)


@pytest.mark.parametrize("execution", EXECUTIONS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_value_and_gradient_are_those_of_the_standalone_loss(kind, reduction, execution):
    for dtype in (torch.float32, torch.float64):
        y, p = tensors(kind, dtype=dtype)
        weight = weight_of(kind, p)
        mask = torch.arange(weight.numel()).reshape(weight.shape) != 2
        loss, right = make(kind, reduction=reduction), standalone(kind, reduction=reduction)
        both = {"sample_weight": weight, "mask": mask}
        for arguments in ({}, {"sample_weight": weight}, {"mask": mask}, both):
            arrays = {name: one.numpy() for name, one in arguments.items()}
            value, gradient = right.value_and_gradient(y.numpy(), p.detach().numpy(), **arrays)
            with executed(execution):
                found = loss(y, p, **arguments)
                with torch.no_grad():
                    alone = loss(y, p, **arguments)
                (slope,) = torch.autograd.grad(found.sum(), p)
            assert found.dtype == slope.dtype == dtype and found.shape == np.shape(value)
            assert close(found.detach(), value, dtype) and close(slope, gradient, dtype)
            assert close(alone, value, dtype) and not alone.requires_grad


@pytest.mark.parametrize("kind", KINDS)
def test_by_kernels_the_bits_are_those_of_the_standalone_loss(kind):
    y, p = tensors(kind, (40, 6), torch.float32)
    value, gradient = standalone(kind).value_and_gradient(y.numpy(), p.detach().numpy())
    found = make(kind)(y, p)
    found.backward()
    assert found.item() == value and np.array_equal(p.grad.numpy(), gradient)


@pytest.mark.parametrize("execution", EXECUTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_tensors_may_lie_in_memory_as_they_like(kind, execution):
    y, p = tensors(kind, (6, 4))
    right = make(kind)(y, p)
    (slope,) = torch.autograd.grad(right, p)
    turned = p.detach().T.contiguous().T.requires_grad_()
    spaced = torch.stack([y, y])[..., None].expand(*y.shape[:0], 2, *y.shape, 3)[0, ..., 1]
    with executed(execution):
        found = make(kind)(spaced, turned)
        (turned_slope,) = torch.autograd.grad(found, turned)
    assert not turned.is_contiguous()
    assert torch.allclose(found, right, rtol=1e-14) and torch.allclose(turned_slope, slope, rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_is_computed_in_single(kind, dtype):
    y, p = tensors(kind, (6, 4), torch.float32)
    p = p.detach().to(dtype).requires_grad_()
    y = y.to(dtype) if y.is_floating_point() else y
    value = make(kind)(y, p)
    (slope,) = torch.autograd.grad(value, p)
    single = p.detach().float().requires_grad_()
    right = make(kind)(y.float() if y.is_floating_point() else y, single)
    (single_slope,) = torch.autograd.grad(right, single)
    assert value.dtype == slope.dtype == dtype
    assert torch.equal(value, right.to(dtype)) and torch.equal(slope, single_slope.to(dtype))


def test_under_autocast_the_value_stays_in_single():
    y, p = tensors("flat", dtype=torch.float32)
    layer = torch.nn.Linear(4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        prediction = layer(p)
        value = make("flat")(y, prediction)
        right = torch.nn.functional.mse_loss(prediction, y)
    assert prediction.dtype == torch.bfloat16 and value.dtype == right.dtype == torch.float32
    assert value.item() == pytest.approx(right.item(), rel=1e-6)
    value.backward()
    assert layer.weight.grad.dtype == torch.float32


def test_dtype_says_what_is_computed_and_returned():
    y, p = tensors("flat", dtype=torch.float32)
    for dtype in ("float64", torch.float64):
        loss = door.MeanSquaredError(dtype=dtype)
        value = loss(y, p)
        assert value.dtype == torch.float64 and loss.dtype == "float64"
        assert torch.autograd.grad(value, p)[0].dtype == torch.float32
    whole = torch.arange(6).reshape(2, 3)
    assert make("flat")(whole, whole + 1).dtype == torch.float64


@pytest.mark.parametrize("execution", EXECUTIONS)
def test_integer_labels_stay_integers_beside_half_precision(execution):
    p = torch.zeros(1, 300, dtype=torch.bfloat16)
    p[0, 257] = 8
    with executed(execution):
        losses = [make("labels")(torch.tensor([label]), p).item() for label in (256, 257, 258)]
    assert losses[1] < 1 < min(losses[0], losses[2])


@pytest.mark.parametrize("execution", EXECUTIONS)
def test_ranks_may_differ_by_a_last_axis_of_one(execution):
    p = torch.randn(7, 1, dtype=torch.float64, requires_grad=True)
    y = torch.randn(7, dtype=torch.float64)
    loss = make("flat")
    with executed(execution):
        pairs = [(y, p), (y[:, None], p), (y[:, None], p[:, 0]), (y, p[:, 0])]
        for targets, predictions in pairs:
            right = lg.losses.MeanSquaredError()(targets.numpy(), predictions.detach().numpy())
            value = loss(targets, predictions)
            assert value.item() == pytest.approx(right, rel=1e-14)
            (slope,) = torch.autograd.grad(value, p)
            assert torch.allclose(slope, 2 * (p - y[:, None]).detach() / 7)


def test_nothing_counts():
    y, p = tensors("flat")
    for loss in (door.MeanSquaredError(), door.MeanSquaredError(reduction="mean_with_sample_weight")):
        for execution in EXECUTIONS:
            with executed(execution):
                infinite = torch.full_like(p, torch.inf, requires_grad=True)
                value = loss(y, infinite, mask=torch.zeros(5, dtype=torch.bool))
                assert value.item() == 0 and not torch.autograd.grad(value, infinite)[0].any()
    empty = torch.zeros(0, 3, requires_grad=True)
    value = door.MeanSquaredError()(torch.zeros(0, 3), empty)
    value.backward()
    assert value.item() == 0 and empty.grad.shape == (0, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_sum_and_weight_normalise_to_the_mean(kind):
    y, p = tensors(kind)
    weight = weight_of(kind, p)
    mask = torch.arange(weight.numel()).reshape(weight.shape) != 2
    for reduction in REDUCTIONS:
        loss = make(kind, reduction=reduction)
        total, count = loss.sum_and_weight(y, p, weight, mask=mask)
        right = standalone(kind, reduction=reduction).sum_and_weight(
            y.numpy(), p.detach().numpy(), weight.numpy(), mask=mask.numpy()
        )
        assert total.item() == pytest.approx(right[0], rel=1e-13) and count.item() == right[1]
        assert total.requires_grad and not count.requires_grad


@pytest.mark.parametrize("execution", EXECUTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_bridge_gives_unreduced_losses(kind, execution):
    y, p = tensors(kind)
    with executed(execution):
        losses = bridge.losses_of(standalone(kind), y, p)
    right = standalone(kind, reduction="none").call(y.numpy(), p.detach().numpy())
    assert losses.shape == right.shape and np.allclose(losses.detach(), right, rtol=1e-13)
    functions = {"flat": door.mean_squared_error, "whole": door.dice}
    if kind in functions:
        assert torch.equal(functions[kind](y, p), losses) or execution == "ops"
