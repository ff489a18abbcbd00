"""Kernels of the runtime, in the simulator (or on a GPU), and as the code that a GPU gets, executed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from ptx_machine import DeviceArray, Machine
from requiring import missing
from simulator import simulated_only

from lossgen.errors import MissingLibraryError
from lossgen.inspection.cuda.assembler import assembler_version
from lossgen.inspection.cuda.ptx import read_kernel
from lossgen.runtime.cuda import kernels

GENERATOR = np.random.default_rng(5)
NO_ROW = kernels.NO_ROW
THREADS = 32


@dataclass
class Case:
    """Kernels that run one after another, and what the last array that they write then holds."""

    steps: list[tuple]
    result: np.ndarray
    expected: object
    check: Callable = np.testing.assert_array_equal


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def floats(size: int, kind=np.float32) -> np.ndarray:
    return GENERATOR.normal(size=size).astype(kind)


def fill(kind, value):
    out = np.zeros(50, kind)
    return Case([("fill", 1, out, value)], out, np.full(50, value, kind))


def copied(source, out, expected, numbers=None):
    return Case([("copy_strided", 2, source, numbers, out)], out, expected)


def summed(kind):
    partials, out = floats(70, np.float64), np.zeros(1, kind)
    return Case([("sum_partials", 1, partials, 67, 0.5, out)], out, [0.5 * partials[:67].sum()], close)


def weighed(weight, mask):
    out = np.zeros(mask.size, np.float32)
    expected = np.where(mask != 0, 1 if weight is None else weight.astype(np.float32), np.float32(0))
    return Case([("weigh", 2, weight, mask, out)], out, expected)


def weights_summed(labels):
    weight, partials, out = np.abs(floats(150)), np.zeros(3), np.zeros(1)
    used = np.ones(150, bool) if labels is None else labels != -1
    steps = [
        ("sum_weights", 3, weight, labels, -1, partials),
        ("sum_partials", 1, partials, 3, 1.0, out),
    ]
    return Case(steps, out, [weight[used].sum(dtype=np.float64)], close)


def mask_counted(mask):
    partials, out = np.zeros(6), np.zeros(2)
    steps = [("count_mask", 3, mask, partials), ("join_mask_counts", 1, partials, 3, out)]
    return Case(steps, out, [(mask != 0).sum(), (mask != mask).sum()])


def labels_counted(labels, expected, mask=None, ignored=-1, ignores=True, blocks=3):
    partials, out = np.zeros(5 * blocks), np.zeros(5)
    steps = [
        ("count_labels", blocks, labels, mask, 10, ignored, ignores, partials),
        ("join_label_counts", 1, partials, blocks, out),
    ]
    return Case(steps, out, expected)


def labels_hidden():
    labels, mask, out = np.arange(-5, 45, dtype=np.int8), np.arange(50) % 3 == 0, np.zeros(50, np.int64)
    return Case([("hide_labels", 1, labels, mask, -7, out)], out, np.where(mask, labels, -7))


def targets_signed(targets):
    partials, others, out = np.zeros(2), np.zeros(1), np.zeros(targets.size, np.float32)
    steps = [
        ("count_others", 2, targets, partials),
        ("sum_partials", 1, partials, 2, 1.0, others),
        ("sign_targets", 2, targets, others, out),
    ]
    binary = np.isin(targets, (0, 1)).all()
    return Case(steps, out, np.where(targets != 0, 1, -1) if binary else targets.astype(np.float32))


LABELS = GENERATOR.integers(0, 10, 200)
WRONG = LABELS.astype(np.int32)
WRONG[[150, 77, 120]] = [10, -3, 1000]
IGNORED = WRONG.copy()
IGNORED[[3, 77]] = -1
BROKEN = LABELS.astype(np.float32)
BROKEN[[90, 14, 199]] = [2.5, np.nan, 11]
HALVES = floats(60, np.float16)
PATTERNS = (floats(60).view(np.uint32) >> 16).astype(np.uint16)
BINARY = GENERATOR.integers(0, 2, 60)

CASES = {
    "fill float16": lambda: fill(np.float16, 0.1),
    "fill float64": lambda: fill(np.float64, -3.5),
    "copy float16": lambda: copied(HALVES, np.zeros(60, np.float32), HALVES.astype(np.float32)),
    "copy to float16": lambda: copied(
        HALVES.astype(np.float64) + 1e-5, np.zeros(60, np.float16), (HALVES.astype(np.float64) + 1e-5).astype(
            np.float32).astype(np.float16)
    ),
    "copy bfloat16": lambda: copied(
        PATTERNS, np.zeros(60, np.float32), (PATTERNS.astype(np.uint32) << 16).view(np.float32)
    ),
    "copy to bfloat16": lambda: copied(
        np.array([1, 1 + 2**-8, 1 + 3 * 2**-8, np.nan, np.inf, -3e38], np.float32), np.zeros(6, np.uint16),
        [0x3F80, 0x3F80, 0x3F82, 0x7FC0, 0x7F80, 0xFF62],
    ),
    "copy uint16": lambda: copied(PATTERNS, np.zeros(60, np.int32), PATTERNS.astype(np.int32), True),
    "copy truth values": lambda: copied(BINARY == 1, np.zeros(60), BINARY),
    "copy to truth values": lambda: copied(np.array([0, 0.5, -2, np.nan]), np.zeros(4, bool), [0, 1, 1, 1]),
    "copy int8": lambda: copied(np.arange(-9, 9, dtype=np.int8), np.zeros(18, np.int64), np.arange(-9, 9)),
    "sum float64": lambda: summed(np.float64),
    "sum float32": lambda: summed(np.float32),
    "weights of rows": lambda: weighed(floats(50, np.float16), BINARY[:50] == 1),
    "weights of a mask": lambda: weighed(None, floats(50) * BINARY[:50]),
    "sum of weights": lambda: weights_summed(None),
    "sum of weights of labels": lambda: weights_summed(GENERATOR.integers(-1, 3, 150)),
    "mask of truth values": lambda: mask_counted(BINARY == 1),
    "mask of floats": lambda: mask_counted(np.where(np.arange(60) % 7 == 0, np.float32(np.nan), BINARY)),
    "labels": lambda: labels_counted(LABELS, [200, 0, 0, NO_ROW, NO_ROW]),
    "wrong labels": lambda: labels_counted(WRONG, [200, 3, 0, 77, NO_ROW]),
    "one block": lambda: labels_counted(WRONG, [200, 3, 0, 77, NO_ROW], blocks=1),
    "ignored labels": lambda: labels_counted(IGNORED, [198, 2, 0, 120, NO_ROW]),
    "labels that nothing ignores": lambda: labels_counted(IGNORED, [200, 4, 0, 3, NO_ROW], ignores=False),
    "masked labels": lambda: labels_counted(
        WRONG, [122, 2, 0, 120, NO_ROW], (np.arange(200) % 120 < 61) * 1.0
    ),
    "labels in floats": lambda: labels_counted(BROKEN, [200, 1, 2, 199, 14]),
    "labels of 8 bits": lambda: labels_counted(
        np.array([3, 200, 4], np.uint8), [3, 1, 0, 1, NO_ROW], ignores=False
    ),
    "hidden labels": labels_hidden,
    "binary targets": lambda: targets_signed(BINARY.astype(np.int8)),
    "signed targets": lambda: targets_signed((2 * BINARY - 1).astype(np.float32)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_kernel(name):
    case = CASES[name]()
    for kernel, blocks, *arguments in case.steps:
        getattr(kernels, kernel)[blocks, THREADS, 0](*arguments)
    case.check(case.result, case.expected)


SHAPES = {
    "transposed": np.arange(24.0).reshape(4, 6).T,
    "every other, backwards": np.arange(60.0)[::-2],
    "broadcast": np.broadcast_to(np.arange(3.0)[:, None], (2, 3, 5)),
    "no dimension": np.array(7.0),
    "rank 8": np.arange(256.0).reshape((2,) * 8).transpose(7, 0, 6, 1, 5, 2, 4, 3),
}


@simulated_only
@pytest.mark.parametrize("name", SHAPES)
def test_arrays_of_any_strides_are_copied_in_c_order(name):
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

    source = SHAPES[name]
    out = np.zeros(source.size, np.float32)
    kernels.copy_strided[2, THREADS, 0](FakeCUDAArray(source), None, out)
    assert (out == source.ravel()).all()


# The code that a GPU gets ---------------------------------------------------------------------------------

STRIDED = [["copy_strided", [f"{kind}[{':' * (rank - 1)}]", "none", "float32[]"], [8, 0]]
           for kind in ("float64", "float16", "uint16", "boolean") for rank in (2, 8)]  # fmt: skip


def types_of(arguments) -> list[str]:
    """What `runtime_kernels_code.py` calls the types of arguments."""
    names = {type(None): "none", bool: "boolean", int: "int64", float: "float64"}
    return [
        f"{argument.dtype.name.replace('bool', 'boolean')}[]"
        if isinstance(argument, np.ndarray)
        else names[type(argument)]
        for argument in arguments
    ]


@pytest.fixture(scope="module")
def compiled() -> dict:
    """(kernel, types) → PTX for compute capability 9.0; what the assembler says of all is checked."""
    try:
        assembler_version()
    except MissingLibraryError as error:
        missing(str(error))
    requests = [
        [kernel, types_of(arguments), [9, 0]]
        for make in CASES.values()
        for kernel, _, *arguments in make().steps
    ]
    requests = [list(each) for each in {json.dumps(each): each for each in requests}.values()] + STRIDED
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_ENABLE_CUDASIM"}
    done = subprocess.run(
        [sys.executable, Path(__file__).parent / "runtime_kernels_code.py"], input=json.dumps(requests),
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {json.dumps(request): row for request, row in zip(requests, json.loads(done.stdout), strict=True)}


@pytest.mark.xdist_group("runtime kernels")
def test_no_kernel_uses_local_memory(compiled):
    found = {key: row[1:] for key, row in compiled.items() if row[1] or row[2] or row[3] > 64}
    assert found == {}


@pytest.mark.xdist_group("runtime kernels")
@pytest.mark.parametrize("name", CASES)
def test_the_code_of_a_kernel(compiled, name):
    case = CASES[name]()
    machine = Machine()
    there: dict[int, DeviceArray] = {}
    for kernel, blocks, *arguments in case.steps:
        ptx = compiled[json.dumps([kernel, types_of(arguments), [9, 0]])][0]
        given = []
        for argument in arguments:
            if isinstance(argument, np.ndarray):
                argument = there.setdefault(id(argument), machine.put(argument))
            given.append(argument)
        machine.launch(read_kernel(ptx), blocks, THREADS, *given)
    case.check(machine.get(there[id(case.result)]), case.expected)
