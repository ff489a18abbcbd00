"""benchmarks/cuda.py as far as it goes without a GPU: cases, peers on the host, the table, the refusal."""

import io

import numpy as np
import pytest
from requiring import require
from rich.console import Console

from benchmarks import cuda
from benchmarks.cases import Case, inputs
from lossgen import losses

torch = require("torch", "the benchmark of GPUs is one of torch tensors")

RESULTS = [
    {
        "name": "huber 1M", "group": 1, "failed": {},
        "seconds": {"lossgen": 10e-6, "limit": 9e-6, "torch": 45.5e-6, "torch.compile": 20e-6},
    },
    {
        "name": "dice 64×512×512", "group": 3, "failed": {"torch.compile": "result 0: 2.0 for 1.0"},
        "seconds": {"lossgen": 1e-3, "torch": 12e-3},
    },
]  # fmt: skip


def test_cases_have_names_of_their_own_and_losses_that_exist():
    table = cuda.cases()
    assert len({case.name for case in table}) == len(table) > 20
    assert all(hasattr(losses, case.title) for case in table)
    assert {case.output for case in table} == {"gradient", "hessian"}


def test_the_table_puts_the_peers_beside_lossgen():
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(cuda.result_table(RESULTS, "Some GPU"))
    lines = console.export_text().splitlines()
    assert "Some GPU" in lines[0]
    (huber,) = (line for line in lines if "huber 1M" in line)
    assert [part.strip() for part in huber.split("│")[2:6]] == ["10", "9 (0.90)", "45.5 (4.55)", "20 (2.00)"]
    (dice,) = (line for line in lines if "dice" in line)
    assert [part.strip() for part in dice.split("│")[2:6]] == ["1e+03", "", "12000 (12.00)", "wrong"]


@pytest.mark.parametrize(
    "case",
    [
        Case("huber", "real", (64, 1)),
        Case("sparse_categorical_crossentropy", "labels", (8, 5), {"from_logits": True}),
        Case("dice", "probabilities", (2, 4, 4)),
    ],
    ids=lambda case: case.name,
)
def test_torch_computes_the_same_and_a_wrong_result_is_found(case):
    y, p, _ = inputs(case)
    right = cuda.expected(case, y, p)
    work = cuda.Torch().prepare(case, torch.from_numpy(y), torch.from_numpy(p))
    assert cuda.wrong(work.run(), right) is None
    assert cuda.wrong(work.run(), right) is None  # the gradient is not added up
    assert "result 1" in cuda.wrong((torch.tensor(right[0]), torch.from_numpy(right[1] + 1)), right)


def test_second_derivatives_are_only_for_lossgen():
    case = Case("mean_squared_error", "real", (64, 1), output="hessian")
    y, p, _ = inputs(case)
    first, second = cuda.expected(case, y, p)
    np.testing.assert_allclose(first, 2 * (p - y), rtol=1e-6)
    assert (second == 2).all()
    assert cuda.Torch().prepare(case, y, p) is None
    assert cuda.Limit().prepare(case, y, p) is None


def test_without_a_gpu_one_line_says_so(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert cuda.main([]) == cuda.NO_GPU
    assert capsys.readouterr().err.strip() == f"nothing to measure: PyTorch {torch.__version__} finds no GPU"
    monkeypatch.setattr(cuda, "find_spec", lambda name: None)
    assert cuda.main([]) == cuda.NO_GPU
    assert capsys.readouterr().err.strip() == "nothing to measure: PyTorch is not installed"


def test_cases_are_chosen_by_pattern(capsys):
    assert cuda.main(["--list", "--only", "huber *"]) == 0
    assert capsys.readouterr().out.split("\n")[:2] == ["huber 1M", "huber 64M"]


def test_peers_that_are_not_installed_are_left_out(monkeypatch):
    monkeypatch.setattr(cuda, "find_spec", lambda name: None if name == "liger_kernel" else object())
    assert cuda.present() == ["lossgen", "limit", "torch", "torch.compile"]
