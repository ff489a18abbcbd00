"""Every CUDA kernel of the catalogue, compiled and assembled: its registers; the table of docs/cuda.md."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from once import once
from requiring import missing

from benchmarks.cuda_table import BEGIN, DOCUMENT, END, registers, table, with_table
from lossgen.errors import MissingLibraryError
from lossgen.inspection.cuda.assembler import assembler_version

pytestmark = pytest.mark.xdist_group("kernel limits")

ROOT = Path(__file__).parents[2]
SAMPLE = (
    "huber",
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "dice",
)

BEYOND = {
    "asymmetric_loss flat gradient_and_hessian": 72,
    "asymmetric_loss flat hessian_vector_product": 72,
}
"""Kernels with more registers than they should have, and how many they may: six powers an element, four
elements at a time. With 64 registers the second one spills."""


def measured(*arguments: str) -> dict:
    """What the command finds out, in a process without the simulator."""
    try:
        assembler_version()
    except MissingLibraryError as error:
        missing(str(error))
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_ENABLE_CUDASIM"}
    command = [sys.executable, "-m", "benchmarks.cuda_table", "--json", "--jobs", "1", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    def fill(folder: Path):
        (folder / "kernels.json").write_text(json.dumps(measured()))

    return json.loads((once(tmp_path_factory, "kernel limits", fill) / "kernels.json").read_text())


def excesses(kernels: list[dict]) -> dict[str, list[str]]:
    """By kernel what it exceeds, without what is known."""
    found = {}
    for kernel in kernels:
        name = f"{kernel['loss']} {kernel['schedule']} {kernel['output']}"
        known = [line for line in kernel["excesses"] if "registers" in line and name in BEYOND]
        assert kernel["registers"] <= BEYOND.get(name, 128)
        if kernel["excesses"] != known:
            found[name] = kernel["excesses"]
    return found


def test_no_kernel_exceeds_a_limit(catalogue):
    assert len(catalogue["kernels"]) > 300
    assert {kernel["schedule"] for kernel in catalogue["kernels"]} == {"flat", "rows", "split"}
    assert excesses(catalogue["kernels"]) == {}


def test_the_table_in_the_document_is_up_to_date(catalogue):
    document = DOCUMENT.read_text(encoding="utf-8")
    if catalogue["toolchain"] not in document:
        missing(f"the table was made with another toolchain than {catalogue['toolchain']}")
    assert document == with_table(document, table(catalogue["kernels"], catalogue["toolchain"]))


def test_a_sample_keeps_the_limits_for_compute_capability_8():
    kernels = measured("--capability", "8.0", "--only", *SAMPLE)["kernels"]
    assert {kernel["loss"] for kernel in kernels} == set(SAMPLE)
    assert {tuple(kernel["capability"]) for kernel in kernels} == {(8, 0)}
    assert excesses(kernels) == {}


def test_the_table_has_a_line_a_loss_and_a_number_an_output():
    kernel = {"loss": "huber", "schedule": "flat", "term": 0, "operations": 20, "bytes": [12, 12]}
    kernels = [
        {**kernel, "output": "value_and_gradient", "registers": 31},
        {**kernel, "output": "value", "registers": 32},
        {**kernel, "output": "value", "registers": 40, "term": 1},
    ]
    assert registers(kernels) == "40 · 31"
    lines = table(kernels, "ptxas 0").splitlines()
    assert lines[-1] == "| huber | 40 · 31 |  |  | 12 · 12 | 20 · 20 |"
    assert with_table(f"before {BEGIN} old {END} after", "new") == f"before {BEGIN}\nnew\n{END} after"
