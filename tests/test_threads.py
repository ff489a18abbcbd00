"""Chunks and threads: they change the time a call takes and nothing else."""

import os

import numpy as np
import pytest
from handwritten_losses import Huber, data, random

from lossgen.errors import ParameterError
from lossgen.runtime import dispatch, threads

# Many elements ------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_threads_change_no_bit(weighted, monkeypatch):
    monkeypatch.setattr(dispatch, "CHUNK_ELEMENTS", 1000)
    y, p = data(5000, 7)
    weight = random.uniform(size=5000).astype(np.float32) if weighted else None
    before = threads.get_num_threads()
    results = []
    try:
        for number in (1, 2, 5):
            threads.set_num_threads(number)
            results.append((*Huber().value_and_gradient(y, p, weight), Huber().call(y, p)))
    finally:
        threads.set_num_threads(before)
    np.testing.assert_allclose(results[0][0], Huber(dtype="float64")(y, p, weight), rtol=1e-6)
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("length", [1, 999, 131_072, 131_073, 10_000_000])
@pytest.mark.parametrize("columns", [1, 10, 1_000_000])
def test_chunks_cover_everything(length, columns):
    rows = dispatch.chunk_length(length, length * columns)
    chunks = -(-length // rows)
    assert rows >= 1 and chunks * rows >= length and (chunks - 1) * rows < length
    assert chunks <= 2 * dispatch.MAXIMUM_CHUNKS


def test_an_error_in_a_thread_is_raised_in_the_caller():
    def fail(index):
        raise RuntimeError(f"chunk {index}")

    before = threads.get_num_threads()
    threads.set_num_threads(3)
    try:
        with pytest.raises(RuntimeError, match="chunk"):
            threads.pool.run(fail, 8)
        assert threads.pool.run(lambda index: index, 8) == list(range(8))
    finally:
        threads.set_num_threads(before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_starts_its_own_threads():
    before = threads.get_num_threads()
    threads.set_num_threads(3)
    try:
        threads.pool.run(lambda index: index, 8)
        child = os.fork()
        if not child:
            os._exit(0 if threads.pool.run(lambda index: index, 8) == list(range(8)) else 1)
        assert os.waitpid(child, 0)[1] == 0
    finally:
        threads.set_num_threads(before)


def test_number_of_threads_is_checked(monkeypatch):
    with pytest.raises(ParameterError, match=r"integer of at least 1. Received: 0"):
        threads.set_num_threads(0)
    monkeypatch.setattr(threads.pool, "size", None)
    monkeypatch.setenv("LOSSGEN_NUM_THREADS", "many")
    with pytest.raises(ParameterError, match=r"LOSSGEN_NUM_THREADS must be an integer of at least 1.*'many'"):
        threads.get_num_threads()
    monkeypatch.setenv("LOSSGEN_NUM_THREADS", "3")
    assert threads.get_num_threads() == 3
