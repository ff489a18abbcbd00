"""Rows cut into chunks: the same as row by row, wherever a chunk ends.

The kernels are called directly. The rows kernel on one row at a time is the yardstick.
"""

from functools import partial

import numpy as np
import pytest
from cases import Case, cases
from kernel_calls import agree, inputs, one_row_at_a_time, run, settings, term_of
from private_cache import private_cache

import lossgen as lg
from lossgen import losses
from lossgen.catalog import DECLARATIONS
from lossgen.runtime import threads
from lossgen.runtime.dispatch import SPLIT, TAKES_LOSSES, choose
from lossgen.runtime.labels import NO_LABEL
from lossgen.runtime.options import BLOCK
from lossgen.runtime.shapes import layout_of
from lossgen.runtime.split import CHUNK_COLUMNS, SPLIT_CHUNKS, first_of, split_length
from lossgen.runtime.team.own import OwnTeam
from lossgen.runtime.variant import OUTPUTS

ALL = {str(case): case for case in cases(DECLARATIONS) if not case.arguments}
HAVING = {name: case for name, case in ALL.items() if term_of(case).split}
EDGES = (1, BLOCK - 1, BLOCK, BLOCK + 1, CHUNK_COLUMNS - 1, CHUNK_COLUMNS, CHUNK_COLUMNS + 1)
AT_EDGES = ("dice", "sparse_categorical_crossentropy-from_logits=True", "multi_margin")
TEAM = OwnTeam()


def split(term, output, number: int = 2):
    """The split kernel on that many threads, with the arguments of the one by rows."""
    return partial(term.split[output], TEAM.of(number))


def both(term, output, y, p, weight=None, scale=1.0, ignored=None):
    """What the split kernel leaves, and the yardstick."""
    columns = p.shape[1]
    vector = np.cos(np.arange(p.size)).reshape(p.shape).astype(p.dtype)
    direction = vector if output == "hessian_vector_product" else None
    fixed = term.row_parameters(columns)
    got = run(split(term, output), output, y, p, fixed, weight, scale, ignored, direction)
    return got, one_row_at_a_time(term, output, y, p, columns, weight, scale, ignored, direction)


def long_inputs(case: Case, rows: int, columns: int, dtype):
    """Targets and predictions of long rows: the columns of shorter ones, again and again."""
    if case.labels:
        return inputs(case, rows, columns, dtype)
    few = min(columns, 257)
    repeated = [np.tile(each, -(-columns // few))[:, :columns] for each in inputs(case, rows, few, dtype)]
    return tuple(np.ascontiguousarray(each) for each in repeated)


def test_every_loss_without_a_flat_kernel_has_split_ones_and_no_other():
    for name, case in ALL.items():
        term = term_of(case)
        assert bool(term.split) != bool(term.flat), name
        assert set(term.split) <= set(term.rows)


def test_few_long_rows_are_cut():
    dice = term_of(ALL["dice"])
    shapes = {(1, 1): False}
    for rows, columns in SPLIT:
        shapes |= {(rows - 1, columns): True, (rows - 1, columns - 1): False, (rows, columns): False}
    for shape, split_ in shapes.items():
        for output in OUTPUTS:
            chosen = choose(dice, output, layout_of(shape, -1), True)
            assert (chosen.kernel is dice.split[output]) == split_, shape
    huber = term_of(ALL["huber"])
    assert choose(huber, "value", layout_of((1, SPLIT[0][1]), -1), False).kernel is huber.flat["value"]


def test_the_whole_tensor_on_any_number_of_threads(monkeypatch):
    shape = (5, 99, 101)
    rng = np.random.default_rng(0)
    p, y = rng.random(shape), rng.random(shape) < 0.3
    loss, found = losses.Dice(), []
    for number in (1, 2, 3, 8):
        monkeypatch.setattr(threads, "_wanted", number)
        found.append(loss.value_and_gradient(y, p))
    for value, gradient in found[1:]:
        assert value == found[0][0]
        np.testing.assert_array_equal(gradient, found[0][1])
    np.testing.assert_allclose(found[0][0], 1 - 2 * p[y].sum() / (p.sum() + y.sum() + 1e-7), rtol=1e-12)


def test_a_chunk_is_made_of_whole_blocks_and_a_row_of_few_chunks():
    for columns in (1, BLOCK, CHUNK_COLUMNS + 1, CHUNK_COLUMNS * SPLIT_CHUNKS + 1, 10**7 + 1, 10**9):
        length = split_length(columns)
        assert length % BLOCK == 0 and length >= CHUNK_COLUMNS
        assert -(-columns // length) <= SPLIT_CHUNKS


@pytest.mark.parametrize("name", HAVING)
def test_split_agrees_with_rows(name):
    case = HAVING[name]
    term = term_of(case)
    y, p = long_inputs(case, 2, 2 * CHUNK_COLUMNS + BLOCK + 3, np.float64)
    for output in ("value_and_gradient", "hessian_vector_product"):  # the others: where chunks end
        got, wanted = both(term, output, y, p, np.array([0.0, 0.75]), 0.5, NO_LABEL if case.labels else None)
        agree(got, wanted, np.float64)
        assert all(not array[0].any() for array in got[2])


@pytest.mark.parametrize(("name", "dtype"), [(AT_EDGES[0], np.float32), *((n, np.float64) for n in AT_EDGES)])
def test_where_chunks_end(name, dtype):
    case = HAVING[name]
    term = term_of(case)
    for columns in EDGES:
        y, p = long_inputs(case, 3, columns, dtype)
        for output in term.split:
            for weight, scale in settings(output, 3, dtype):
                got, wanted = both(term, output, y, p, weight, scale, NO_LABEL if case.labels else None)
                agree(got, wanted, dtype)
                if output in TAKES_LOSSES and weight is None and case.labels is False:
                    fixed = term.row_parameters(columns)
                    alone = run(split(term, output), output, y, p, fixed, None, 1.0, with_losses=False)
                    # another specialisation: LLVM may add up a loop in other lanes
                    np.testing.assert_allclose(alone[0], got[0], rtol=1e-15)


@pytest.mark.parametrize("name", AT_EDGES)
def test_the_same_bits_on_any_number_of_threads(name):
    case = HAVING[name]
    term, columns = term_of(case), 3 * CHUNK_COLUMNS + 7
    y, p = long_inputs(case, 2, columns, np.float64)
    p += np.random.default_rng(0).uniform(0, 1e-3, p.shape)
    fixed, ignored = term.row_parameters(columns), NO_LABEL if case.labels else None
    for output in term.split:
        vector = np.cos(p) if output == "hessian_vector_product" else None
        first, *others = [
            run(split(term, output, number), output, y, p, fixed, None, 0.5, ignored, vector)
            for number in (1, 2, 3, 8, 2)
        ]
        for total, values, arrays in others:
            assert total == first[0]
            if values is not None:
                np.testing.assert_array_equal(values, first[1])
            for one, two in zip(arrays, first[2], strict=True):
                np.testing.assert_array_equal(one, two)


def test_labels_and_ignored_labels_in_every_chunk():
    case = HAVING["sparse_categorical_crossentropy-from_logits=True"]
    term, columns = term_of(case), 2 * CHUNK_COLUMNS + 5
    labels = [0, CHUNK_COLUMNS - 1, CHUNK_COLUMNS, -1, columns - 1]  # -1 is ignored
    _, p = inputs(case, len(labels), columns, np.float64)
    for dtype in (np.int8, np.uint16, np.int64):
        y = np.array(labels) if dtype is np.int64 else np.array([3, 1, 100, 7, 0]).astype(dtype)
        for output in ("value_and_gradient", "hessian_vector_product"):
            got, wanted = both(term, output, y, p, ignored=int(y[3]))
            agree(got, wanted, np.float64)
            assert not got[2][0][3].any() and got[2][0][4].any()


# An own loss with every reduction -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own_loss(tmp_path_factory):
    p = lg.y_pred
    declared = lg.declare(
        "every_reduction",
        lg.LogSumExp(p / 2) - lg.Gather(p) + lg.Max(p) ** 2 - lg.Min(p * lg.Max(p)) + lg.Mean(p**2),
    )
    with private_cache(tmp_path_factory.mktemp("cache")):
        yield lg.compile(declared)()._plan.terms[0]


@pytest.mark.parametrize("columns", [1, CHUNK_COLUMNS + 1, 3 * CHUNK_COLUMNS])
def test_every_reduction(own_loss, columns):
    rng = np.random.default_rng(columns)
    p = rng.standard_normal((2, columns))
    y = rng.integers(0, columns, 2)
    for output in own_loss.split:
        agree(*both(own_loss, output, y, p, ignored=NO_LABEL), np.float64)


def test_the_first_of_equal_columns_is_taken_whatever_its_chunk(own_loss):
    columns = 3 * CHUNK_COLUMNS
    for first in (0, CHUNK_COLUMNS - 1, CHUNK_COLUMNS, 2 * CHUNK_COLUMNS + 7, columns - 1):
        p = np.zeros((1, columns))
        p[0, first:] = 1
        p[0, first // 2 : first] = -1
        for output in own_loss.split:
            agree(*both(own_loss, output, np.array([3]), p, ignored=NO_LABEL), np.float64)


def test_what_is_not_a_number_stays_in_its_row(own_loss):
    p = np.random.default_rng(0).standard_normal((3, CHUNK_COLUMNS + 9))
    p[1, -1] = np.nan
    for output in own_loss.split:
        got, wanted = both(own_loss, output, np.array([1, 2, 3]), p, ignored=NO_LABEL)
        for one, two in zip(got[2], wanted[2], strict=True):
            np.testing.assert_array_equal(np.isnan(one), np.isnan(two))
            assert np.isfinite(one[[0, 2]]).all() and np.isnan(one[1]).any()


def test_the_first_index_of_partial_ones():
    partial_ = np.array([[4.0], [4.0], [1.0], [0.0]])
    assert first_of(partial_, 0, 4, 13) == 9
    assert first_of(np.array([[4.0], [4.0], [4.0], [1.0]]), 0, 4, 13) == 13
    assert first_of(np.array([[4.0], [3.0], [1.0]]), 0, 4, 12) == 7
