"""The code that a GPU would get, executed: its values against the CPU kernels, its memory traffic counted."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from compile_kernels import compiled_elsewhere
from on_machine import Data, group_of, on_host, on_machine
from ptx_machine.conversion import from_bfloat16, to_bfloat16
from requiring import missing

from lossgen.errors import MissingLibraryError
from lossgen.inspection.cuda.assembler import assembler_version
from lossgen.inspection.cuda.ptx import read_kernel

pytestmark = pytest.mark.xdist_group("machine code")

FLAT = {"schedule": "flat", "output": "value_and_gradient"}
ROWS = {"schedule": "rows", "output": "value_and_gradient"}
LOGITS = {"options": {"from_logits": True}}
DECLARED = f"{Path(__file__).parent / 'declared_losses.py'}:shared_products"
REQUESTS = {
    "flat": {"loss": "huber", **FLAT},
    "flat value": {"loss": "mean_squared_error", **FLAT, "output": "value"},
    "flat float64": {"loss": "log_cosh", **FLAT, "dtype": "float64"},
    "flat float16": {"loss": "huber", **FLAT, "dtype": "float16"},
    "flat bfloat16": {"loss": "huber", **FLAT, "dtype": "bfloat16"},
    "flat weighted": {"loss": "binary_crossentropy", **LOGITS, **FLAT, "weighted": True},
    "flat unreduced": {"loss": "poisson_nll", **FLAT, "unreduced": True},
    "flat Hessian": {"loss": "binary_crossentropy", **LOGITS, **FLAT, "output": "gradient_and_hessian"},
    "flat product": {"loss": "huber", **FLAT, "output": "hessian_vector_product"},
    "flat 8.0": {"loss": "huber", **FLAT, "capability": [8, 0]},
    "rows": {"loss": "categorical_crossentropy", **LOGITS, **ROWS, "weighted": True, "unreduced": True},
    "rows float64": {"loss": "cosine_similarity", **ROWS, "dtype": "float64"},
    "rows products": {"loss": DECLARED, **ROWS},
    "rows value": {"loss": "cosine_similarity", **ROWS, "output": "value"},
    "rows Hessian": {"loss": "categorical_crossentropy", **LOGITS, **ROWS, "output": "gradient_and_hessian"},
    "labels": {"loss": "sparse_categorical_crossentropy", **LOGITS, **ROWS},
    "labels product": {
        "loss": "sparse_categorical_crossentropy", **LOGITS, **ROWS, "output": "hessian_vector_product",
    },
    "whole rows": {"loss": "dice", **ROWS},
    "called function": {"loss": "focal_tversky", **ROWS},
    "split": {"loss": "dice", **ROWS, "schedule": "split", "weighted": True, "unreduced": True},
    "split softmax": {"loss": "categorical_crossentropy", **LOGITS, **ROWS, "schedule": "split"},
    "split product": {"loss": "dice", **ROWS, "schedule": "split", "output": "hessian_vector_product"},
    "split labels": {"loss": "sparse_categorical_crossentropy", **LOGITS, **ROWS, "schedule": "split"},
}  # fmt: skip


@pytest.fixture(scope="module")
def made():
    """The kernels, compiled by one process."""
    try:
        assembler_version()
    except MissingLibraryError as error:
        missing(str(error))
    return dict(zip(REQUESTS, compiled_elsewhere(list(REQUESTS.values())), strict=True))


def data_for(request: dict, rows: int, columns: int) -> Data:
    """Targets that suit every loss here, predictions, weights with a zero."""
    rng = np.random.default_rng(rows * columns)
    dtype = np.dtype(request.get("dtype", "float32"))
    p = rng.normal(size=(rows, columns)).astype(dtype)
    if request["loss"] in ("dice", "focal_tversky"):
        p = (1 / (1 + np.exp(-p))).astype(dtype)
    y = np.abs(rng.normal(size=(rows, columns))).astype(dtype) / dtype.type(columns)
    if request["loss"] in ("binary_crossentropy", "dice", "focal_tversky"):
        y = (rng.random((rows, columns)) < 0.5).astype(dtype)
    if request["loss"] == DECLARED:
        y = rng.normal(size=(rows, columns)).astype(dtype)
    if request["loss"].startswith("sparse"):
        y = rng.integers(0, columns, rows)
        y[rows // 2] = -1  # ignored
    vector = rng.normal(size=p.shape).astype(dtype) if "product" in request["output"] else None
    weight = rng.random(rows).astype(np.float32)
    weight[0] = 0
    return Data(y, p, vector, weight)


def assert_agrees(outcome, expected, dtype: str):
    """Equal to some units in the last place of the greatest: libdevice rounds otherwise than our own."""
    unit = {"float16": 2.0**-11, "float32": 2.0**-24, "float64": 2.0**-53}[dtype]
    if expected.total is not None:
        # A unit of 1, too: the addends of a cosine, which are as large, cancel.
        assert outcome.total == pytest.approx(expected.total, rel=8 * max(unit, 2.0**-53), abs=4 * unit)
    assert outcome.arrays.keys() == expected.arrays.keys()
    for name, array in expected.arrays.items():
        most = float(np.max(np.abs(array)))
        np.testing.assert_allclose(
            outcome.arrays[name], array, rtol=8 * unit, atol=8 * unit * most, err_msg=name
        )


# Values ---------------------------------------------------------------------------------------------------

FLAT_CASES = [name for name in REQUESTS if name.startswith("flat") and name != "flat bfloat16"]


@pytest.mark.parametrize("name", FLAT_CASES)
def test_flat_kernels_compute_what_the_cpu_computes(made, name):
    columns = 1 if name == "flat unreduced" else 7
    data = data_for(REQUESTS[name], 259 // columns, columns)
    expected = on_host(made[name], data)
    aligned = on_machine(made[name], data, 2, 32)
    unaligned = on_machine(made[name], data, 3, 64, groups=0, offset=data.p.itemsize)
    for outcome in (aligned, unaligned):
        assert_agrees(outcome, expected, made[name]["dtype"])
    for name, array in aligned.arrays.items():
        np.testing.assert_array_equal(array, unaligned.arrays[name])


def test_bfloat16_is_read_and_written_as_bits(made):
    data = data_for(REQUESTS["flat"], 37, 7)
    bits = {name: to_bfloat16(getattr(data, name)) for name in "yp"}
    rounded = replace(data, **{name: from_bfloat16(array) for name, array in bits.items()})
    expected = on_host(made["flat bfloat16"], rounded)
    outcome = on_machine(made["flat bfloat16"], replace(data, **bits), 2, 32)
    assert outcome.total == pytest.approx(expected.total, rel=2**-20)
    np.testing.assert_array_equal(
        outcome.arrays["gradient_out"], to_bfloat16(expected.arrays["gradient_out"])
    )
    assert dict(outcome.memory["p"].loads) == {8: 64, 2: 3}


ROW_CASES = [name for name, request in REQUESTS.items() if request["schedule"] == "rows"]
TEAMS = [(1, 32, 3), (4, 32, 70), (32, 64, 33), (64, 64, 100), (128, 128, 129), (256, 256, 300)]


@pytest.mark.parametrize("name", ROW_CASES)
@pytest.mark.parametrize(("team", "threads", "columns"), TEAMS)
def test_row_kernels_compute_what_the_cpu_computes(made, name, team, threads, columns):
    data = data_for(REQUESTS[name], 9, columns)
    outcome = on_machine(made[name], data, 2, threads, team)
    assert_agrees(outcome, on_host(made[name], data), made[name]["dtype"])


SPLIT_CASES = [name for name in REQUESTS if name.startswith("split")]


@pytest.mark.parametrize("name", SPLIT_CASES)
@pytest.mark.parametrize(("columns", "length"), [(150, 64), (64, 64), (33, 128)])
def test_split_kernels_compute_what_the_cpu_computes(made, name, columns, length):
    data = data_for(REQUESTS[name], 2, columns)
    outcome = on_machine(made[name], data, 0, 32, length=length)
    assert_agrees(outcome, on_host(made[name], data), made[name]["dtype"])


# Memory traffic -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FLAT_CASES)
def test_flat_kernels_read_every_element_once_and_write_it_once_in_groups(made, name):
    """Groups of four, of float64 two: 16 bytes at once, of halves 8."""
    data = data_for(REQUESTS[name], 37, 7)
    if name == "flat unreduced":
        data = data_for(REQUESTS[name], 259, 1)
    memory = on_machine(made[name], data, 2, 32).memory
    ((reads, writes),) = made[name]["sweeps"]
    assert {"y", "p"} <= set(reads)
    group, size = group_of(data.p), data.p.itemsize
    accesses = {group * size: 259 // group, size: 259 % group}
    for array in map(memory.get, reads):
        assert (array.reads == 1).all() and not array.writes.any(), array.name
        assert dict(array.loads) == accesses, array.name
    for array in map(memory.get, writes):
        assert (array.writes == 1).all() and not array.reads.any(), array.name
        if array.name != "value_out":
            assert dict(array.stores) == accesses, array.name


@pytest.mark.parametrize("name", ["flat", "flat Hessian", "flat product"])
def test_warps_touch_no_more_memory_than_they_use(made, name):
    memory = on_machine(made[name], data_for(REQUESTS[name], 64, 4), 1, 64).memory
    for array in (memory[name] for sweep in made[name]["sweeps"] for side in sweep for name in side):
        assert 32 * array.sectors == array.requested == array.nbytes, array.name


def picked(data: Data) -> np.ndarray:
    """Where labels point, and the greatest prediction: read once more, by every thread of a team."""
    hit = np.zeros(data.p.shape, bool)
    if data.y.ndim == 1:
        hit[np.arange(len(data.y)), data.y] = True
        hit[np.arange(len(data.y)), data.p.argmax(axis=1)] = True
    return hit.reshape(-1)


@pytest.mark.parametrize("name", [*ROW_CASES, *SPLIT_CASES])
def test_row_kernels_read_every_element_once_a_sweep_and_write_it_once(made, name):
    is_split = name in SPLIT_CASES
    data = data_for(REQUESTS[name], 5, 96)
    data.weight[0] = 1  # where a row has no weight, zeros are written and nothing is read
    data.y = np.maximum(data.y, 0)  # nor where its label is ignored
    how = {"length": 64} if is_split else {"team": 32}
    memory = on_machine(made[name], data, 0 if is_split else 2, 32, **how).memory
    sweeps = made[name]["sweeps"]
    assert sweeps
    for array in {name for reads, _ in sweeps for name in reads}:
        times = sum(array in reads for reads, _ in sweeps)
        counted = memory[array].reads.reshape(data.p.size, -1)
        assert (counted[~picked(data)] == times).all(), array
        assert set(memory[array].loads) == {data.p.itemsize}
    for array in {name for _, writes in sweeps for name in writes}:
        assert sum(array in writes for _, writes in sweeps) == 1
        assert (memory[array].writes == 1).all() and not memory[array].reads.any(), array


@pytest.mark.parametrize("name", ["rows", "rows value", "whole rows", "split"])
def test_teams_read_neighbouring_columns_together(made, name):
    """No more sectors than bytes, where rows begin at multiples of a sector."""
    is_split = name in SPLIT_CASES
    data = data_for(REQUESTS[name], 4, 64)
    how = {"length": 64} if is_split else {"team": 32}
    memory = on_machine(made[name], data, 0 if is_split else 2, 32, **how).memory
    for array in {name for sweep in made[name]["sweeps"] for side in sweep for name in side}:
        assert 32 * memory[array].sectors == memory[array].requested, array


def test_every_process_compiles_the_same_code(made):
    """Numba alone links the parts of a kernel in the order of their addresses in memory."""

    def instructions(kernel: dict) -> list[str]:
        """Without the names of symbols, in which Numba counts what the process has compiled before."""
        return [re.sub(r"[\w$]{40,}", "", each.text) for each in read_kernel(kernel["ptx"]).instructions]

    names = ["rows", "labels product"]
    again = compiled_elsewhere([REQUESTS[name] for name in reversed(names)])
    for name, kernel in zip(reversed(names), again, strict=True):
        assert instructions(kernel) == instructions(made[name])
