"""Concurrency and faults: many threads, forks after parallel use, workers of torch; always the same bits.

What could hang or die runs in a process of its own, with a time limit.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from many_losses import LARGE, SMALL, same
from requiring import require

import lossgen as lg
from lossgen.runtime import threads

TIME = 240  # seconds; kernels may have to be compiled first
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


@pytest.fixture
def set_threads(monkeypatch):
    """Sets the number of threads for one test."""
    monkeypatch.setattr(threads, "_wanted", threads._wanted)
    return lg.set_num_threads


# The number of threads --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "weighted"), [
    (name, weighted)
    for name, sample in LARGE.items()
    for weighted in (False, True)
    if not weighted or sample.loss.axis is not None  # one loss for the whole tensor has no weight a row
])  # fmt: skip
def test_neither_threads_nor_repetition_change_a_bit(name, dtype, weighted, set_threads):
    sample = LARGE[name]
    y, p = sample.arrays(dtype)
    weight = np.linspace(0.5, 2, len(p)).astype(dtype) if weighted else None
    set_threads(1)
    expected = sample.outputs(y, p, weight)
    for number in (1, 2, 3, 8, 2):
        set_threads(number)
        same(sample.outputs(y, p, weight), expected)


@pytest.mark.parametrize("samples", [SMALL, LARGE], ids=["small", "large"])
def test_eight_threads_of_python_at_once(samples, set_threads):
    set_threads(2)
    inputs = [(sample, *sample.arrays(seed=seed)) for seed in (0, 1) for sample in samples.values()]
    expected = [sample.loss.value_and_gradient(y, p) for sample, y, p in inputs]
    start, wrong = threading.Barrier(8), []

    def call(number: int) -> None:
        start.wait()
        for step in range(40):
            place = (number + step) % len(inputs)
            sample, y, p = inputs[place]
            try:
                same(sample.loss.value_and_gradient(y, p), expected[place])
            except BaseException as error:
                wrong.append(error)
                return

    callers = [threading.Thread(target=call, args=(number,), daemon=True) for number in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(TIME)
        assert not caller.is_alive(), "hangs"
    assert not wrong, wrong[0]


# Other processes --------------------------------------------------------------------------------------


def run(program: str) -> None:
    """A program in a process of its own, which must end well within the time limit."""
    setting = "import warnings; warnings.simplefilter('ignore', DeprecationWarning)\n"
    environment = {name: text for name, text in os.environ.items() if name != threads.VARIABLE}
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", setting + program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIME,
    )
    assert done.returncode == 0, done.stderr


COMMON = """
import os, signal, sys, time
import numpy as np
import lossgen as lg
from many_losses import LARGE, same

def use():
    return [sample.loss.value_and_gradient(*sample.arrays()) for sample in LARGE.values()]

def check(*_):
    for found, wanted in zip(use(), expected, strict=True):
        same(found, wanted)
    return os.getpid()

def fork():
    child = os.fork()
    if not child:
        signal.alarm(60)
        try:
            check()
            grandchild = os.fork()
            if not grandchild:
                check()
                os._exit(0)
            os._exit(os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1]))
        except BaseException:
            import traceback
            traceback.print_exc()
        os._exit(1)
    return child

def wait(*children):
    for child in children:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""

OWN = """
lg.set_num_threads(2)
expected = use()
"""

TORCH = """
import torch
torch.set_num_threads(2)
def work():
    x = torch.rand(2000, 2000, requires_grad=True)
    (x @ x).sigmoid().sum().backward()
work()
expected = use()
work()
"""

SETTINGS = {"own": OWN, "torch": TORCH}
"""The team is lossgen's own, or that of torch."""


@forks
@pytest.mark.parametrize("setting", ["own", "torch"])
def test_forked_children_compute_after_their_parent_has(setting):
    if setting == "torch":
        require("torch")
    run(COMMON + SETTINGS[setting] + "wait(fork(), fork()); check(); wait(fork())")


@forks
@pytest.mark.parametrize("setting", ["own", "torch"])
def test_a_pool_of_forked_processes(setting):
    if setting == "torch":
        require("torch")
    pool = """
import multiprocessing
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert len(pool.map_async(check, range(8), chunksize=1).get(timeout=120)) == 8
check()
"""
    run(COMMON + SETTINGS[setting] + pool)


@forks
def test_a_fork_while_another_thread_computes():
    program = """
import threading
stop = threading.Event()
def busy():
    while not stop.is_set():
        check()
thread = threading.Thread(target=busy)
thread.start()
for _ in range(4):
    wait(fork())
stop.set()
thread.join()
"""
    run(COMMON + OWN + program)


DATA_LOADER = """
class Losses(torch.utils.data.Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        sample = list(LARGE.values())[index % len(LARGE)]
        value, gradient = sample.loss.value_and_gradient(*sample.arrays())
        return index, float(value), torch.from_numpy(gradient.reshape(-1)[:100].copy())

def collate(items):
    check()
    return items

def go_through(context):
    loader = torch.utils.data.DataLoader(
        Losses(), num_workers=2, collate_fn=collate, timeout=120, multiprocessing_context=context
    )
    seen = []
    for ((index, value, gradient),) in loader:
        wanted, full = expected[index % len(LARGE)]
        assert value == float(wanted)
        np.testing.assert_array_equal(gradient.numpy(), full.reshape(-1)[:100])
        seen.append(index)
        work()
        check()
    assert seen == list(range(6))
"""


@forks
def test_a_worker_of_a_data_loader():
    require("torch")
    run(COMMON + TORCH + DATA_LOADER + "go_through('fork')")


def test_torch_and_lossgen_by_turns():
    require("torch")
    by_turns = """
for number in (1, 2, 3, 2):
    torch.set_num_threads(number)
    for _ in range(3):
        work()
        check()
"""
    run(COMMON + TORCH + by_turns)
