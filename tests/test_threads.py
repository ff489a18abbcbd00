"""Chunks and threads: they change the time a call takes and nothing else."""

import ctypes
import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from handwritten_losses import Huber, data, random
from numba import njit
from requiring import missing, require

from lossgen.errors import ParameterError
from lossgen.runtime import dispatch, threads
from lossgen.runtime.team import in_chunks, in_team, openmp
from lossgen.runtime.team.own import OwnTeam

compiled = njit(nogil=True)


@compiled
def stripe(index, x, factor, out):
    out[index] = factor * x[index]


@compiled
def stripes(team, x, factor, out):
    in_team(team, x.shape[0], stripe, (x, factor, out))


@compiled
def scaled_sum(x, weight, per_column, factor, out):
    total = 0.0
    for row in range(x.shape[0]):
        for column in range(x.shape[1]):
            out[row, column] = x[row, column] * per_column[column] * factor
            if weight is not None:
                out[row, column] *= weight[row]
            total += out[row, column]
    return total


@compiled
def scaled_sums(team, length, *arguments):
    return in_chunks(team, length, scaled_sum, arguments)


@compiled
def fail_at_seven(index, out):
    if index == 7:
        raise ValueError("seven")
    out[index] = 1


@compiled
def failing(team, out):
    in_team(team, out.size, fail_at_seven, (out,))


@pytest.fixture(params=["alone", "own"])
def team(request):
    if request.param == "alone":
        return lambda: threads.ALONE
    own = OwnTeam()
    return lambda: own.of(3)


# Teams --------------------------------------------------------------------------------------------


def test_every_piece_is_done_once(team):
    x, out = random.normal(size=(1000, 3)), np.zeros((1000, 3))
    for factor in range(200):
        stripes(team(), x, float(factor), out)
        np.testing.assert_array_equal(out, factor * x)


@pytest.mark.parametrize("length", [1, 7, 64, 999, 1000, 5000])
def test_chunks_are_added_in_order(team, length):
    x, per_column = random.normal(size=(1000, 3)), random.normal(size=3)
    weight = random.normal(size=1000)
    for weighting in (None, weight):
        out, expected = np.empty_like(x), np.empty_like(x)
        found = scaled_sums(team(), length, x, weighting, (per_column,), 2.0, out)
        total = 0.0
        for first in range(0, 1000, length):
            part = slice(first, first + length)
            some = None if weighting is None else weighting[part]
            total += scaled_sum(x[part], some, per_column, 2.0, expected[part])
        assert found == total
        np.testing.assert_array_equal(out, expected)


def test_an_error_in_a_piece_is_raised_in_the_caller(team):
    out = np.zeros(20)
    with pytest.raises(RuntimeError, match="a piece of work failed"):
        failing(team(), out)
    assert out.sum() == 19  # the others were done, and the team works on
    stripes(team(), np.ones((4, 1)), 1.0, np.empty((4, 1)))


def test_one_team_serves_many_callers_at_once():
    own = OwnTeam()
    x = random.normal(size=(500, 3))
    wrong = []

    def call(factor):
        out = np.zeros_like(x)
        for _ in range(100):
            stripes(own.of(3), x, factor, out)
            if not np.array_equal(out, factor * x):
                wrong.append(factor)

    callers = [threading.Thread(target=call, args=(float(k),)) for k in range(1, 9)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
        assert not caller.is_alive()
    assert not wrong


TORCH = """
import torch
import numpy as np
from lossgen import losses
from lossgen.runtime import threads
from lossgen.runtime.team.own import OwnTeam

torch.set_num_threads(2)
torch.ones(1000, 1000) @ torch.ones(1000, 1000)
enter, state, number = threads.team()
assert number == 2 and threads.get_num_threads() == 2
assert state == 0, "not the OpenMP runtime of torch"
y, p = np.zeros((100_000, 3)), np.arange(300_000.0).reshape(-1, 3)
together = losses.Huber().value_and_gradient(y, p)
torch.set_num_threads(1)
assert threads.team() == threads.ALONE
alone = losses.Huber().value_and_gradient(y, p)
assert together[0] == alone[0] and np.array_equal(together[1], alone[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="finds the OpenMP runtime of torch on Linux only")
def test_torch_lends_its_team():
    require("torch")
    environment = {name: text for name, text in os.environ.items() if name != threads.VARIABLE}
    run = subprocess.run(
        [sys.executable, "-c", TORCH], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


# Many elements ------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_threads_change_no_bit(weighted, monkeypatch):
    monkeypatch.setattr(dispatch, "CHUNK_ELEMENTS", 1000)
    monkeypatch.setattr(dispatch, "ALONE_ELEMENTS", 1000)
    y, p = data(5000, 7)
    weight = random.uniform(size=5000).astype(np.float32) if weighted else None
    results = []
    for number in (1, 2, 5):
        monkeypatch.setattr(threads, "_wanted", number)
        results.append((*Huber().value_and_gradient(y, p, weight), Huber().call(y, p)))
    np.testing.assert_allclose(results[0][0], Huber(dtype="float64")(y, p, weight), rtol=1e-6)
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("length", [1, 999, 131_072, 131_073, 10_000_000])
@pytest.mark.parametrize("columns", [1, 10, 1_000_000])
@pytest.mark.parametrize("multiple", [1, 64])
def test_chunks_cover_everything(length, columns, multiple):
    rows = dispatch.chunk_length(length, length * columns, multiple)
    chunks = -(-length // rows)
    assert rows >= 1 and chunks * rows >= length and (chunks - 1) * rows < length
    assert chunks <= 2 * dispatch.MAXIMUM_CHUNKS


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_starts_its_own_threads(monkeypatch):
    monkeypatch.setattr(threads, "_wanted", 3)
    y, p = data(30_000, 7)
    expected = Huber().value_and_gradient(y, p)
    child = os.fork()
    if not child:
        found = Huber().value_and_gradient(y, p)
        os._exit(0 if found[0] == expected[0] and np.array_equal(found[1], expected[1]) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_number_of_threads_is_checked(monkeypatch):
    with pytest.raises(ParameterError, match=r"integer of at least 1. Received: 0"):
        threads.set_num_threads(0)
    monkeypatch.setattr(threads, "_wanted", None)
    monkeypatch.setenv("LOSSGEN_NUM_THREADS", "many")
    with pytest.raises(ParameterError, match=r"LOSSGEN_NUM_THREADS must be an integer of at least 1.*'many'"):
        threads.get_num_threads()
    monkeypatch.setenv("LOSSGEN_NUM_THREADS", "3")
    assert threads.get_num_threads() == 3


def test_no_more_threads_are_started_than_can_work(monkeypatch):
    monkeypatch.setattr(threads, "_wanted", 10**6)
    monkeypatch.setattr(threads.openmp, "of_torch", lambda: None)
    monkeypatch.setattr(threads, "_own", OwnTeam())
    assert threads.team()[2] == max(threads.MOST_THREADS, os.cpu_count() or 1)
    assert threads._own.started < 10**3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_uses_as_many_threads_as_torch_does_there(monkeypatch):
    """But not the OpenMP runtime, which hangs there: workers of a DataLoader have one thread each."""
    torch = require("torch")
    monkeypatch.setattr(threads, "_wanted", None)
    monkeypatch.delenv(threads.VARIABLE, raising=False)
    child = os.fork()
    if not child:
        torch.set_num_threads(1)
        alone = threads.team() == threads.ALONE
        torch.set_num_threads(2)
        _, state, number = threads.team()
        os._exit(0 if alone and state == threads._own.state and number == 2 else 1)
    assert os.waitpid(child, 0)[1] == 0


# The team of another library ------------------------------------------------------------------------


@pytest.fixture
def runtime():
    require("sklearn")
    from sklearn.utils import _openmp_helpers

    found = openmp.Runtime(ctypes.CDLL(_openmp_helpers.__file__))
    if not found.entry:
        missing("scikit-learn is not linked with GNU's OpenMP")
    return found


def test_within_joining_calls_use_the_runtime_of_the_library(runtime):
    x, out = random.normal(size=(1000, 3)), np.zeros((1000, 3))
    with threads.joining(runtime):
        team = threads.team()
        assert team[0] in (runtime.entry, 0) and (team[0] == runtime.entry or team[2] == 1)
        for _ in range(20):
            stripes((runtime.entry, 0, 3), x, 2.0, out)
            np.testing.assert_array_equal(out, 2 * x)
    assert threads.team()[0] != runtime.entry or threads.team() == threads.ALONE


def test_a_runtime_has_as_many_threads_as_it_says(runtime, monkeypatch):
    monkeypatch.setattr(threads, "_wanted", None)
    monkeypatch.delenv(threads.VARIABLE, raising=False)
    runtime.most = lambda: 5
    with threads.joining(runtime):
        assert threads.team() == (runtime.entry, 0, 5) and threads.get_num_threads() == 5
        monkeypatch.setattr(threads, "_wanted", 2)
        assert threads.team() == (runtime.entry, 0, 2)


def test_a_library_without_openmp_changes_nothing():
    outside = threads.team()
    with threads.joining(openmp.Runtime(SimpleNamespace())):
        assert threads.team() == outside
