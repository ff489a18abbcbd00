"""Grids for a GPU: chosen from the shape alone, enough threads for every element, never too many sums."""

from types import SimpleNamespace

import pytest

from lossgen.errors import NoGradientError
from lossgen.runtime.cuda import dispatch, grid
from lossgen.runtime.cuda.grid import GPU, chunk_length, is_split, line_blocks, row_shape
from lossgen.runtime.cuda.variant import CudaTerm
from lossgen.runtime.shapes import layout_of

SIZES = (1, 2, 3, 4, 5, 10, 31, 32, 33, 100, 128, 129, 256, 257, 1000, 1024, 1025, 4096, 32_000, 10**6)


@pytest.fixture(autouse=True)
def gpu(monkeypatch):
    monkeypatch.setattr(grid, "grid", GPU)
    monkeypatch.setattr(dispatch, "grid", GPU)


def test_lines():
    assert [line_blocks(size) for size in (0, 1, 1024, 1025, 10**6)] == [1, 1, 1, 2, 977]
    assert [line_blocks(size) for size in (2**20, 2**24, 2**24 + 1, 2**28)] == [1024, 1024, 1025, 16_384]


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        (1000, 1, (8, 128, 1)),
        (1000, 4, (8, 128, 1)),
        (1000, 5, (16, 128, 2)),
        (1000, 10, (32, 128, 4)),
        (1000, 100, (250, 128, 32)),
        (1000, 1024, (250, 128, 32)),
        (1000, 1025, (1000, 256, 256)),
        (256, 1000, (256, 256, 256)),
        (257, 1000, (65, 128, 32)),
        (3, 32_000, (3, 256, 256)),
        (10**6, 10, (1024, 128, 4)),
        (10**6, 32_000, (1_000_000, 256, 256)),
    ],
)
def test_rows(rows, columns, expected):
    assert row_shape(rows, columns) == expected


@pytest.mark.parametrize("columns", SIZES)
@pytest.mark.parametrize("rows", SIZES)
def test_every_shape(rows, columns):
    blocks, threads, team = row_shape(rows, columns)
    assert 1 <= blocks <= rows and threads % 32 == 0 and 128 <= threads <= 256
    assert team == threads if team > 32 else threads % team == 0 and team in (1, 2, 4, 8, 16, 32)
    assert blocks <= max(1024, -(-rows * columns // 16_384))
    if is_split(rows, columns):
        length = chunk_length(columns)
        chunks = -(-columns // length)
        assert length % 4096 == 0 and chunks <= 1024 and (chunks - 1) * length < columns <= chunks * length


def test_few_long_rows_are_split():
    assert is_split(1, 16_384) and is_split(63, 10**6)
    assert not is_split(64, 10**6) and not is_split(1, 16_383)
    assert chunk_length(16_384) == 4096 and chunk_length(10**9) == 978_944


# The kernel for a layout --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "losses", "has_arrays", "has_split", "expected"),
    [
        ((6, 4), False, False, False, ("flat", 1, 256)),
        ((6, 4), True, False, False, ("rows", 1, 1)),
        ((6, 4), False, True, False, ("rows", 1, 1)),
        ((6, 1), True, True, False, ("flat", 1, 256)),
        ((3, 20_000), False, False, False, ("flat", 59, 256)),
        ((3, 20_000), True, False, True, ("split", (5, 3), 256)),
        ((3, 20_000), True, True, False, ("rows", 3, 256)),
        ((70, 20_000), True, True, True, ("rows", 70, 256)),
    ],
)
def test_choices(shape, losses, has_arrays, has_split, expected):
    flat = None if has_split else {"value": "flat kernel"}
    split = {"value": "split kernel"} if has_split else None
    bound = SimpleNamespace(has_arrays=has_arrays, owner="Own")
    term = SimpleNamespace(bound=bound, kernels=CudaTerm({"value": "rows kernel"}, flat, split))
    chosen = dispatch.choose(term, "value", layout_of(shape, -1), losses)
    kind, blocks, threads = expected
    assert (chosen.kind, chosen.kernel, chosen.blocks) == (kind, f"{kind} kernel", blocks)
    assert threads == (chosen.shared if kind == "rows" else chosen.threads)
    assert chosen.sums == (shape[0] if kind == "split" else blocks)
    with pytest.raises(NoGradientError, match="Own was generated without a kernel for `gradient_and_hess"):
        dispatch.choose(term, "gradient_and_hessian", layout_of(shape, -1), losses)
