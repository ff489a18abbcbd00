"""Every loss of the catalogue on device arrays, against the kernels for the processor in float64.

Under Numba's simulator; on a GPU with LOSSGEN_TEST_GPU=1.
"""

import numpy as np
import pytest
from cases import Case, cases, random_inputs
from on_device import device_array, host_array

import lossgen as lg

ROUNDING = 64 * np.finfo(np.float64).eps
"""Relative to the largest number: sums are made in another order, and functions are other ones."""

SHAPES = [(1, 1), (1, 3), (3, 1), (2, 31), (1, 32), (2, 33), (5, 7), (2, 45)]
"""For teams of 1 to 32 threads, and a block a row: `lossgen.runtime.cuda.grid` says which."""

LONG = [(3, 1023), (1, 1025)]
"""A block a row, and a row cut into chunks."""

CASES = list(cases())


def loss_of(case: Case, **arguments):
    return getattr(lg.losses, case.declaration.class_name)(**case.keywords, **arguments)


def inputs(case: Case, shape, seed=0):
    """Targets, predictions, a weight a row with a 0 where there are several."""
    columns = shape[1]
    for value in case.arguments.values():  # a number a class
        if isinstance(value, tuple):
            columns = len(value)
    y, p = random_inputs(case, shape[0], columns, seed=seed)
    weight = np.linspace(0.5, 2.0, shape[0])
    weight[1:2] = 0
    return y, p, weight


def close(found, wanted):
    found, wanted = host_array(found), np.asarray(wanted)
    assert found.shape == wanted.shape and found.dtype == wanted.dtype
    scale = np.abs(wanted).max(initial=1e-300, where=np.isfinite(wanted))
    np.testing.assert_allclose(found, wanted, rtol=ROUNDING, atol=ROUNDING * scale)


def compare(loss, y, p, weight):
    """All outputs of one loss, on the device and on the processor."""
    v = np.cos(np.arange(p.size)).reshape(p.shape)
    device_y, device_p, device_v = map(device_array, (y, p, v))
    device_weight = None if weight is None else device_array(weight)
    close(loss(device_y, device_p, device_weight), loss(y, p, weight))
    for found, wanted in zip(
        loss.value_and_gradient(device_y, device_p, device_weight), loss.value_and_gradient(y, p, weight),
        strict=True,
    ):  # fmt: skip
        close(found, wanted)
    for found, wanted in zip(
        loss.gradient_and_hessian(device_y, device_p, device_weight),
        loss.gradient_and_hessian(y, p, weight),
        strict=True,
    ):
        close(found, wanted)
    close(
        loss.hessian_vector_product(device_y, device_p, device_v, device_weight),
        loss.hessian_vector_product(y, p, v, weight),
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_loss_is_that_of_the_processor(case):
    for number, shape in enumerate(SHAPES):
        y, p, weight = inputs(case, shape, seed=number)
        whole = case.declaration.scope is None
        compare(loss_of(case), y, p, None if number % 2 or whole else weight)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_long_rows_and_losses_that_are_not_reduced(case):
    for number, shape in enumerate(LONG):
        y, p, _ = inputs(case, shape, seed=number)
        loss = loss_of(case, reduction="none")
        arrays = device_array(y), device_array(p)
        close(loss(*arrays), loss(y, p))
        pairs = zip(loss.value_and_gradient(*arrays), loss.value_and_gradient(y, p), strict=True)
        for found, wanted in pairs:
            close(found, wanted)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_rows_that_are_cut(case):
    """Few long rows go through chunks, one block each, phase by phase."""
    y, p, weight = inputs(case, (2, 300))
    compare(loss_of(case), y, p, None if case.declaration.scope is None else weight)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_float32_and_integer_targets(case):
    y, p, _ = inputs(case, (3, 5), seed=3)
    y = y.astype(np.int32) if case.labels or case.hard_targets else y.astype(np.float32)
    p = p.astype(np.float32)
    loss = loss_of(case)
    arrays = device_array(y), device_array(p)
    found, wanted = loss.value_and_gradient(*arrays), loss.value_and_gradient(y, p)
    for one, other in zip(found, wanted, strict=True):
        one = host_array(one)
        assert one.dtype == np.float32
        scale = np.abs(other).max()
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=4e-6 * scale)


def test_no_elements():
    loss = lg.losses.MeanSquaredError()
    for shape in [(0, 3), (3, 0), (0,)]:
        p = np.ones(shape)
        found = loss.value_and_gradient(device_array(p), device_array(p))
        for one, other in zip(found, loss.value_and_gradient(p, p), strict=True):
            close(one, other)
