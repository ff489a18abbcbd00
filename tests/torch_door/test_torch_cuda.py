"""CUDA tensors, as far as there is no GPU: what the operators do with them, in Numba's simulator."""

from types import SimpleNamespace

import numpy as np
import pytest
from on_device import device_array, host_array
from torch_inputs import KINDS, executed, standalone, tensors, torch, weight_of

from lossgen.errors import ExecutionError
from lossgen.torch import choice, cuda_operators, operators

SINGLE = [kind for kind in KINDS if kind != "both"]


@pytest.fixture
def on_device(monkeypatch):
    """Tensors of the processor stand for those of a GPU: their numbers go to the device and back."""

    def there(tensor):
        return None if tensor is None else device_array(tensor.detach())

    monkeypatch.setattr(cuda_operators, "array_of", there)
    monkeypatch.setattr(cuda_operators, "tensor_of", lambda array: torch.from_numpy(host_array(array)))


def compare(name, *arguments):
    found = getattr(cuda_operators, name)(*arguments)
    wanted = getattr(operators, name)(*arguments)
    for one, other in zip(*(r if isinstance(r, tuple) else (r,) for r in (found, wanted)), strict=True):
        assert one.shape == other.shape and one.dtype == other.dtype
        assert torch.allclose(one, other, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("kind", SINGLE)
def test_operators_compute_what_those_of_the_processor_do(kind, on_device):
    y, p = tensors(kind, (5, 4))
    y, p = y.detach(), p.detach()
    loss = standalone(kind)
    rows = weight_of(kind, p)
    vector = torch.cos(torch.arange(p.numel(), dtype=p.dtype)).reshape(p.shape)
    key = operators.key_of(loss)
    compare("losses", y, p, key)
    compare("gradient", y, p, rows, key)
    compare("product", y, p, rows, vector, key)
    compare("slope", y, p, vector, key)
    mask = torch.arange(rows.numel()).reshape(rows.shape) != 2
    for weight, used in ((None, None), (rows, None), (rows, mask)):
        if used is not None and not rows.ndim:
            continue
        compare("value", y, p, weight, used, key)
        compare("value_and_gradient", y, p, weight, used, key)
        compare("value_product", y, p, vector, weight, used, key)


@pytest.mark.parametrize("shapes", [((6, 1), (6,)), ((6,), (6, 1)), ((2, 3), (2, 3, 1))], ids=str)
def test_slopes_where_ranks_differ_by_a_last_axis(shapes, on_device):
    rng = np.random.default_rng(0)
    y, p = (torch.from_numpy(rng.normal(size=shape)) for shape in shapes)
    compare("slope", y, p, torch.cos(p), operators.key_of(standalone("kinked")))


def test_torch_knows_them():
    for function in cuda_operators.OPERATORS:
        assert torch._C._dispatch_has_kernel_for_dispatch_key(f"lossgen::{function.__name__}", "CUDA")


def test_kernels_run_there_only_where_they_are_demanded():
    tensor = SimpleNamespace(device=torch.device("cuda", 0))
    one, several = (SimpleNamespace(terms=terms) for terms in ((1,), (1, 2)))
    given = {"y_pred": tensor}
    with executed("auto"):
        assert not choice.by_kernels(one, given, ())
    with executed("kernels"), pytest.raises(ExecutionError, match=r"sum of losses .*cuda:0"):
        choice.by_kernels(several, given, ())
