"""What holds for every loss, whatever its formula says: weights, order of rows, NaN, memory, threads."""

import numpy as np
import pytest
from cases import Case, cases, random_inputs

from lossgen import losses
from lossgen.runtime import dispatch, threads

ALL = [case for case in cases() if not case.arguments]
WHOLE = {"dice", "tversky", "jaccard", "focal_tversky"}
"""Losses of the whole tensor: one number, so there are no rows to weigh, permute or keep apart."""

BY_ROWS = [case for case in ALL if case.name not in WHOLE]
PER_LOSS = [case for case in BY_ROWS if case.options == case.declaration.variants()[-1]]
"""One variant of each loss."""

ROWS, COLUMNS = 6, 3

READS_ONE_COLUMN = {"categorical_generalized_cross_entropy"}
"""Losses that depend on the prediction of the label alone."""

CONSTANT_SLOPES = {"quantile"}
"""Losses whose gradient is one of a few numbers, also where the error is NaN; their value is NaN."""


def loss_of(case: Case, reduction: str | None = None):
    return getattr(losses, case.declaration.class_name)(reduction=reduction, **case.keywords)


def everything(loss, y, p, weight=None) -> list[np.ndarray]:
    """All outputs of a loss."""
    vector = np.cos(np.arange(p.size)).reshape(p.shape).astype(p.dtype)
    product = type(loss)(**{**loss.get_config(), "reduction": "sum"}).hessian_vector_product
    value, gradient = loss.value_and_gradient(y, p, weight)
    return [
        np.asarray(value), gradient, *loss.gradient_and_hessian(y, p, weight), product(y, p, vector, weight),
    ]  # fmt: skip


def same(first, second) -> None:
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, two)


# Weights ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", PER_LOSS, ids=str)
def test_a_weight_of_k_is_k_copies(case):
    y, p = random_inputs(case, ROWS, COLUMNS)
    weight = np.array([1, 3, 0, 2, 1, 4])
    copies = np.repeat(np.arange(ROWS), weight)
    for reduction in ("sum", "mean_with_sample_weight"):
        loss = loss_of(case, reduction)
        value, gradient = loss.value_and_gradient(y, p, weight)
        wanted, parts = loss.value_and_gradient(y[copies], p[copies])
        np.testing.assert_allclose(value, wanted, rtol=1e-12)
        added = np.zeros_like(p)
        np.add.at(added, copies, parts)
        np.testing.assert_allclose(gradient, added, rtol=1e-10, atol=1e-14)


# Rows ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", PER_LOSS, ids=str)
def test_rows_in_another_order(case):
    y, p = random_inputs(case, ROWS, COLUMNS)
    order = np.array([3, 0, 5, 1, 4, 2])
    loss = loss_of(case)
    found = zip(everything(loss, y, p), everything(loss, y[order], p[order]), strict=True)
    for output, permuted in list(found)[:-1]:  # the last depends on a vector that was not permuted
        np.testing.assert_array_equal(permuted, output[order])


@pytest.mark.parametrize("case", BY_ROWS, ids=str)
def test_not_a_number_stays_in_its_row(case):
    y, p = random_inputs(case, ROWS, COLUMNS)
    loss = loss_of(case)
    clean = everything(loss, y, p)[:4]
    for column in range(COLUMNS):
        broken = p.copy()
        broken[2, column] = np.nan
        others = np.arange(ROWS) != 2
        found = everything(loss, y, broken)[:4]
        for one, two in zip(clean, found, strict=True):
            np.testing.assert_array_equal(two[others], one[others])
        if case.name in READS_ONE_COLUMN and y[2] != column:
            continue
        assert np.isnan(found[0][2])
        assert np.isnan(found[1][2]).any() or case.name in CONSTANT_SLOPES


@pytest.mark.parametrize("case", PER_LOSS, ids=str)
def test_the_value_is_that_of_all_kernels(case):
    y, p = random_inputs(case, ROWS, COLUMNS)
    loss = loss_of(case)
    values = loss(y, p)
    np.testing.assert_array_equal(loss.call(y, p), values)
    rounding = {"rtol": 4 * np.finfo(float).eps, "atol": 1e-15}
    np.testing.assert_allclose(loss.value_and_gradient(y, p)[0], values, **rounding)
    np.testing.assert_allclose(loss.gradient_and_hessian(y, p)[0], loss.gradient(y, p), **rounding)
    for reduction, wanted in (("sum", values.sum()), ("mean", values.mean())):
        reduced = loss_of(case, reduction)
        np.testing.assert_allclose(reduced(y, p), wanted, rtol=1e-14)
        np.testing.assert_allclose(reduced.value_and_gradient(y, p)[0], wanted, rtol=1e-14)


# Logits that mask a class -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["CategoricalCrossentropy", "SparseCategoricalCrossentropy"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_class_that_a_logit_of_minus_infinity_takes_out(name, dtype):
    p = np.random.default_rng(0).normal(size=(ROWS, 4)).astype(dtype)
    p[:, 2] = -np.inf
    labels = np.array([0, 1, 3, 0, 1, 3])
    y = labels if name.startswith("Sparse") else np.eye(4)[labels]
    kept = np.array([0, 1, 3])
    small = np.searchsorted(kept, labels) if name.startswith("Sparse") else y[:, kept]
    loss = getattr(losses, name)(from_logits=True, reduction=None)
    value, gradient = loss.value_and_gradient(y, p)
    wanted, parts = loss.value_and_gradient(small, np.ascontiguousarray(p[:, kept]))
    tolerance = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(value, wanted, rtol=tolerance)
    np.testing.assert_allclose(gradient[:, kept], parts, rtol=tolerance, atol=tolerance)
    assert not gradient[:, 2].any()
    again, hessian = loss.gradient_and_hessian(y, p)
    np.testing.assert_array_equal(again, gradient)
    assert np.isfinite(hessian).all() and not hessian[:, 2].any()


# Memory -------------------------------------------------------------------------------------------------


def arrangements(array: np.ndarray) -> dict[str, np.ndarray]:
    """The same numbers in other memory."""
    spread = np.zeros((2 * array.shape[0], *array.shape[1:]), array.dtype)
    spread[::2] = array
    fixed = array.copy()
    fixed.flags.writeable = False
    return {
        "strided": spread[::2], "read-only": fixed, "Fortran": np.asfortranarray(array),
        "reversed": array[::-1].copy()[::-1], "swapped": array.astype(array.dtype.newbyteorder()),
    }  # fmt: skip


@pytest.mark.parametrize("case", PER_LOSS[::5], ids=str)
def test_memory_does_not_matter(case):
    y, p = random_inputs(case, ROWS, COLUMNS)
    loss = loss_of(case)
    wanted = everything(loss, y, p)
    for name, other in arrangements(p).items():
        same(everything(loss, y, other), wanted)
        same(everything(loss, arrangements(y)[name], p), wanted)


@pytest.mark.parametrize("case", PER_LOSS[::2], ids=str)
def test_no_rows_and_one_column(case):
    y, p = random_inputs(case, 1, COLUMNS)
    loss = loss_of(case)
    for output in everything(loss, y[:0], p[:0]):
        assert output.size == 0
    for reduction in ("sum", "mean", "mean_with_sample_weight"):
        assert loss_of(case, reduction)(y[:0], p[:0]) == 0
    y, p = random_inputs(case, ROWS, 1)
    for output in everything(loss, y, p)[1:]:
        assert output.shape == (ROWS, 1) and np.isfinite(output).all()


@pytest.mark.parametrize("case", PER_LOSS[::4], ids=str)
def test_half_precision_is_single_precision_rounded(case):
    y, p = random_inputs(case, ROWS, COLUMNS)
    half = p.astype(np.float16)
    if case.bounds("prediction")[0] == 0:
        half = np.maximum(half, np.float16(0.01))
    loss = loss_of(case)
    value, gradient = loss.value_and_gradient(y, half)
    wanted, parts = loss.value_and_gradient(y, half.astype(np.float32))
    assert value.dtype == gradient.dtype == np.float16
    same((value, gradient), (wanted.astype(np.float16), parts.astype(np.float16)))


# Threads ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [*PER_LOSS[1::4], ALL[0]], ids=str)
def test_threads_and_repetition_change_no_bit(case, monkeypatch):
    monkeypatch.setattr(dispatch, "CHUNK_ELEMENTS", 300)
    y, p = random_inputs(case, 500, 7)
    weight = np.random.default_rng(0).uniform(size=500)
    before = threads.get_num_threads()
    results = []
    try:
        for number in (1, 2, 3, 5, 3):
            threads.set_num_threads(number)
            results.append([*everything(loss_of(case, "mean"), y, p, weight), loss_of(case).call(y, p)])
    finally:
        threads.set_num_threads(before)
    for other in results[1:]:
        same(other, results[0])
