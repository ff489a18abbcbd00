"""global_mean: two processes with DDP or FSDP end where one process with the whole batch ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from torch_inputs import door, torch

from lossgen.errors import NoGradientError

PROGRAM = Path(__file__).with_name("training_in_processes.py")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The last value and the weights, by kind and reduction."""
    folder = tmp_path_factory.mktemp("processes")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, PROGRAM, folder]
    run = subprocess.run(command, capture_output=True, text=True, timeout=500, env=environment)
    assert run.returncode == 0, run.stderr[-4000:]
    return {tuple(path.stem.split()): torch.load(path) for path in folder.glob("*.pt")}


@pytest.mark.xdist_group("torch_processes")
@pytest.mark.parametrize(
    "kind, reduction", [("ddp", "mean"), ("fsdp", "mean"), ("ddp", "mean_with_sample_weight")]
)
def test_two_processes_end_where_one_ends(kind, reduction, trained):
    value, weights = trained["alone", reduction]
    found, others = trained[kind, reduction]
    assert found.item() == pytest.approx(value.item(), rel=1e-6)
    for one, other in zip(weights, others, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.xdist_group("torch_processes")
def test_the_mean_of_means_ends_elsewhere(trained):
    """So the test above can fail."""
    pairs = zip(trained["alone", "mean"][1], trained["naive", "mean"][1], strict=True)
    assert max((one - other).abs().max() for one, other in pairs) > 1e-3


def test_without_a_group_it_is_the_mean():
    y, p = torch.randn(5, 3), torch.randn(5, 3, requires_grad=True)
    weight = torch.rand(5)
    for reduction in ("mean", "mean_with_sample_weight"):
        loss = door.Huber(reduction=reduction)
        value = door.global_mean(*loss.sum_and_weight(y, p, weight))
        assert value.dtype == torch.float32 and torch.allclose(value, loss(y, p, weight))
        slopes = [torch.autograd.grad(one, p)[0] for one in (value, loss(y, p, weight))]
        assert torch.allclose(*slopes)
    nothing = loss.sum_and_weight(y, p * torch.inf, torch.zeros(5))
    assert door.global_mean(*nothing).item() == 0


def test_accumulated_parts_of_a_batch_are_the_batch():
    y, p = torch.randn(9, 3), torch.randn(9, 3, requires_grad=True)
    loss = door.MeanSquaredError()
    total, count = 0, 0
    for part in (slice(0, 4), slice(4, 5), slice(5, 9)):
        one, weight = loss.sum_and_weight(y[part], p[part])
        total, count = total + one, count + weight
    assert torch.allclose(door.global_mean(total, count), loss(y, p))


def test_weights_that_require_a_gradient_are_refused():
    weight = torch.rand(5, requires_grad=True)
    loss = door.Huber(reduction="mean_with_sample_weight")
    parts = loss.sum_and_weight(torch.randn(5, 3), torch.randn(5, 3), weight)
    with pytest.raises(NoGradientError, match="constant"):
        door.global_mean(*parts)
