"""Kernels called by XLA compute, bit for bit, what the standalone losses compute, and check labels first."""

import os
import subprocess
import sys

import numpy as np
import pytest
from requiring import require

from lossgen import get_num_threads, losses, set_execution, set_num_threads

jax = require("jax")
import jax.numpy as jnp  # noqa: E402

import lossgen.jax as door  # noqa: E402
from lossgen.jax.native import kernels  # noqa: E402

LOGITS = {"from_logits": True}
CASES = {
    "flat": ("MeanSquaredError", (9, 4), {}),
    "flat in chunks": ("BinaryCrossentropy", (50_000, 3), LOGITS),
    "rows": ("CategoricalCrossentropy", (7, 5), LOGITS),
    "rows in chunks": ("CategoricalCrossentropy", (700, 200), LOGITS),
    "lanes": ("SparseCategoricalCrossentropy", (64, 10), LOGITS),
    "split": ("CategoricalCrossentropy", (2, 70_000), LOGITS),
    "whole tensor": ("Dice", (4, 6, 6), {}),
    "an axis in the middle": ("CategoricalCrossentropy", (5, 4, 6), {**LOGITS, "axis": 1}),
    "one row": ("MeanSquaredError", (7,), {}),
    "prepared targets": ("Hinge", (8, 4), {}),
    "a parameter a column": ("CategoricalFocalCrossentropy", (8, 3), {"alpha": (0.25, 0.5, 0.75)}),
    "the same in chunks": ("CategoricalFocalCrossentropy", (20_000, 3), {"alpha": (0.25, 0.5, 0.75)}),
    "a whole exponent": ("BinaryFocalCrossentropy", (7, 2), {"gamma": 2.0}),
}  # fmt: skip


def data(name: str, shape: tuple[int, ...], dtype=np.float32):
    rng = np.random.default_rng(0)
    p = rng.uniform(0.01, 0.99, shape).astype(dtype)
    if name.startswith("Sparse"):
        return rng.integers(0, shape[-1], shape[:-1]).astype(np.int32), p
    return rng.integers(0, 2, shape).astype(dtype), p


def pair(name: str, **arguments):
    return getattr(losses, name)(**arguments), getattr(door, name)(**arguments)


def same(found, wanted) -> None:
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(np.asarray(found), wanted)


@pytest.mark.parametrize("case", CASES)
def test_value_and_gradient_are_those_of_the_standalone_loss(case):
    name, shape, arguments = CASES[case]
    standalone, loss = pair(name, **arguments)
    y, p = data(name, shape)
    value, gradient = jax.jit(jax.value_and_grad(loss, argnums=1))(y, p)
    wanted = standalone.value_and_gradient(y, p)
    same(value, wanted[0])
    same(gradient, wanted[1])
    same(loss(y, p), wanted[0])


@pytest.mark.parametrize("case", ["flat", "rows", "lanes", "whole tensor", "an axis in the middle"])
def test_losses_of_rows_and_their_gradient(case):
    name, shape, arguments = CASES[case]
    standalone, loss = pair(name, **arguments)
    y, p = data(name, shape)
    found = loss.losses(y, p)
    same(found, standalone.call(y, p))
    cotangent = np.cos(np.arange(found.size, dtype=np.float32)).reshape(found.shape)
    gradient = jax.jit(jax.grad(lambda p: jnp.vdot(cotangent, loss.losses(y, p))))(p)
    sums = getattr(losses, name)(**arguments, reduction="sum")
    wanted = sums.gradient(y, p, cotangent if cotangent.ndim else float(cotangent))
    np.testing.assert_allclose(gradient, wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_results_do_not_depend_on_the_number_of_threads(threads):
    name, shape, arguments = CASES["flat in chunks"]
    standalone, loss = pair(name, **arguments)
    y, p = data(name, shape)
    before = get_num_threads()
    try:
        set_num_threads(threads)
        value, gradient = jax.jit(jax.value_and_grad(loss, argnums=1))(y, p)
    finally:
        set_num_threads(before)
    wanted = standalone.value_and_gradient(y, p)
    same(value, wanted[0])
    same(gradient, wanted[1])


def test_several_calls_at_once_do_not_disturb_each_other():
    name, shape, arguments = CASES["flat in chunks"]
    standalone, loss = pair(name, **arguments)
    y, p = data(name, shape)
    function = jax.jit(jax.value_and_grad(loss, argnums=1))
    scaled = [(scale * p).astype(np.float32) for scale in range(1, 5)]
    for _ in range(3):
        for each, (value, gradient) in zip(scaled, [function(y, each) for each in scaled], strict=True):
            wanted = standalone.value_and_gradient(y, each)
            same(value, wanted[0])
            same(gradient, wanted[1])


def test_no_array_is_copied_on_its_way_to_the_kernel():
    loss = door.MeanSquaredError()
    y, p = data("MeanSquaredError", (64, 8))
    text = jax.jit(jax.value_and_grad(loss, argnums=1)).lower(y, p).compile().as_text()
    entry = text[text.index("ENTRY") :]
    assert entry.count("custom-call(") == 1
    assert " copy(" not in entry and " fusion(" not in entry


LABELS = np.array([2, 0, 1, 1], np.int32)


@pytest.mark.parametrize("wrong", [3, -1, 2**31 - 1, -(2**31)])
def test_a_label_that_names_no_column_is_an_error(wrong):
    loss = door.SparseCategoricalCrossentropy(from_logits=True)
    p = np.zeros((4, 3), np.float32)
    labels = np.where(np.arange(4) == 2, np.int32(wrong), LABELS)
    shown = r"holds the label -?\d* in row 2 .* labels lie in 0 \.\.\. 2 because y_pred has 3 columns"
    for function in (loss, jax.jit(jax.grad(loss, argnums=1)), loss.losses):
        with pytest.raises((ValueError, jax.errors.JaxRuntimeError), match=shown):
            jax.block_until_ready(function(labels, p))


def test_ignored_labels_are_skipped_and_do_not_count():
    arguments = {"from_logits": True, "ignore_class": -1}
    standalone, loss = pair("SparseCategoricalCrossentropy", **arguments)
    _, p = data("SparseCategoricalCrossentropy", (4, 3))
    for labels in (np.array([2, -1, 1, -1], np.int32), np.full(4, -1, np.int32)):
        value, gradient = jax.value_and_grad(loss, argnums=1)(labels, p)
        wanted = standalone.value_and_gradient(labels, p)
        same(value, wanted[0])
        same(gradient, wanted[1])
        same(loss.losses(labels, p), standalone.call(labels, p))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.uint16, np.int32, np.uint32, bool])
def test_labels_of_any_integer_dtype(dtype):
    standalone, loss = pair("SparseCategoricalCrossentropy", from_logits=True)
    _, p = data("SparseCategoricalCrossentropy", (4, 3))
    labels = np.array([0, 1, 1, 0]).astype(dtype)
    same(loss(labels, p), standalone(labels, p))


def test_without_elements_the_loss_is_zero():
    nothing = jnp.zeros((0, 3))
    value, gradient = jax.value_and_grad(door.MeanSquaredError(), argnums=1)(nothing, nothing)
    assert value == 0 and gradient.shape == (0, 3)


def test_array_code_gives_the_same_and_nan_for_a_wrong_label():
    standalone, loss = pair("SparseCategoricalCrossentropy", from_logits=True)
    y, p = data("SparseCategoricalCrossentropy", (64, 10))
    try:
        set_execution("ops")
        function = jax.jit(jax.value_and_grad(loss, argnums=1))
        assert "custom_call" not in function.lower(y, p).as_text()
        value, gradient = function(y, p)
        wanted = standalone.value_and_gradient(y, p)
        np.testing.assert_allclose(value, wanted[0], rtol=1e-6)
        np.testing.assert_allclose(gradient, wanted[1], rtol=1e-4, atol=1e-8)
        wrong = loss.losses(np.where(np.arange(64) == 5, 10, y).astype(np.int32), p)
        assert np.isnan(wrong[5]) and np.isfinite(np.delete(wrong, 5)).all()
    finally:
        set_execution("auto")


def test_where_a_program_runs_is_known_when_it_is_compiled_for_a_platform():
    loss = door.MeanSquaredError()
    y, p = data("MeanSquaredError", (8, 4))
    traced = jax.jit(jax.value_and_grad(loss, argnums=1)).trace(y, p)
    assert "lossgen_" in traced.lower(lowering_platforms=("cpu",)).as_text()
    assert "lossgen_" not in traced.lower(lowering_platforms=("tpu",)).as_text()
    try:
        set_execution("kernels")
        traced = jax.jit(jax.value_and_grad(loss, argnums=1)).trace(y, p)
        assert "lossgen_" in traced.lower(lowering_platforms=("cpu",)).as_text()
        with pytest.raises(NotImplementedError):
            traced.lower(lowering_platforms=("tpu",))
    finally:
        set_execution("auto")


def test_a_program_whose_kernel_this_process_has_not_made_is_an_error():
    loss = jax.jit(door.Huber())
    y, p = jnp.zeros((4, 3)), jnp.ones((4, 3))
    loss(y, p)
    saved = kernels._table.copy()
    kernels._table[:] = 0
    try:
        with pytest.raises((ValueError, RuntimeError), match="has not made the kernel"):
            jax.block_until_ready(loss(y, p))
    finally:
        kernels._table[:] = saved
    assert loss(y, p) == 0.5


TWICE = """
import warnings; warnings.simplefilter("ignore")
import numpy as np
from numba.core.dispatcher import Dispatcher
from lossgen.losses import BinaryCrossentropy

y, p = np.ones((50_000, 3), np.float32), np.zeros((50_000, 3), np.float32)
if {jax}:
    import lossgen.jax, jax
    loss = lossgen.jax.BinaryCrossentropy(from_logits=True)
    jax.jit(jax.value_and_grad(loss, argnums=1))(y, p)
loss = BinaryCrossentropy(from_logits=True)
loss.value_and_gradient(y, p)
compile, calls = Dispatcher.compile, []
Dispatcher.compile = lambda self, types: calls.append(self) or compile(self, types)
loss.value_and_gradient(y, p)
print(len(calls))
"""


def test_kernels_that_jax_has_compiled_are_found_by_calls_of_python(tmp_path):
    """Without Numba's compiler: its lock is slow, and deadly for a child that is forked meanwhile."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    for from_jax in (True, False):  # the second process finds on disk what the first has compiled
        command = [sys.executable, "-c", TWICE.format(jax=from_jax)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.stdout == "0\n", (from_jax, done.stdout, done.stderr[-2000:])
