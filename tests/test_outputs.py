"""Memory of large results: lent, given back when the last view dies, bounded, and off on demand."""

import gc
import subprocess
import sys
import threading

import numpy as np
import pytest
from requiring import require

from lossgen import losses
from lossgen.errors import ParameterError
from lossgen.runtime import outputs

FLOAT32 = np.dtype(np.float32)
MANY = (1 << 20,)  # 4 MiB


@pytest.fixture(autouse=True)
def empty_pool():
    before = outputs.get_output_pool()
    outputs.set_output_pool(0)
    outputs.set_output_pool(64 << 20)
    yield
    outputs.set_output_pool(before)


def address(array):
    return array.__array_interface__["data"][0]


def test_memory_is_used_again():
    first = outputs.new_output(MANY, FLOAT32)
    place = address(first)
    assert place % 64 == 0 and first.flags.carray and first.dtype == FLOAT32 and first.shape == MANY
    del first
    gc.collect()
    assert outputs.held() > 0
    assert address(outputs.new_output((1 << 10, 1 << 10), FLOAT32)) == place
    assert outputs.held() > 0  # and is back at once, as nobody kept it


def test_a_view_keeps_the_memory():
    first = outputs.new_output(MANY, FLOAT32)
    first[:] = 7
    view = first.reshape(-1, 2)[5:, 1]
    del first
    gc.collect()
    assert outputs.held() == 0
    outputs.new_output(MANY, FLOAT32)[:] = 1
    assert (view == 7).all()


def test_a_tensor_keeps_the_memory():
    torch = require("torch")
    tensor = torch.from_numpy(outputs.new_output(MANY, FLOAT32)).fill_(7)
    gc.collect()
    assert outputs.held() == 0
    outputs.new_output(MANY, FLOAT32)[:] = 1
    assert bool((tensor == 7).all())


def test_the_pool_is_bounded_and_can_be_switched_off():
    kept = [outputs.new_output(MANY, FLOAT32) for _ in range(40)]
    del kept
    gc.collect()
    assert 0 < outputs.held() <= 64 << 20
    outputs.set_output_pool(0)
    assert outputs.held() == 0
    outputs.new_output(MANY, FLOAT32)
    assert outputs.held() == 0
    with pytest.raises(ParameterError, match=r"`limit` in bytes .* Received: -1"):
        outputs.set_output_pool(-1)


def test_threads_share_the_pool():
    wrong = []

    def work(number):
        for _ in range(200):
            array = outputs.new_output(MANY, FLOAT32)
            array[::4096] = number
            if (array[::4096] != number).any():
                wrong.append(number)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong and outputs.held() <= 64 << 20


def test_results_of_calls_do_not_share_memory():
    y, p = np.zeros((1 << 19, 2), np.float32), np.ones((1 << 19, 2), np.float32)
    loss = losses.MeanSquaredError(reduction="sum")
    first = loss.gradient(y, p)
    second = loss.gradient(y, 2 * p)
    assert not np.may_share_memory(first, second)
    assert (first == 1).all() and (second == 2).all()


def test_the_environment_says_how_much():
    script = "import lossgen; print(lossgen.get_output_pool())"
    for text, expected in (("0", "0"), ("1000", "1000")):
        run = subprocess.run(
            [sys.executable, "-c", script], env={outputs.VARIABLE: text}, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        assert run.stdout.strip() == expected


@pytest.mark.parametrize("shape", [(), (1,), (3, 3), (63,)])
def test_a_small_result_starts_far_behind_what_lies_before_it(shape):
    """Within 256 bytes of an input a loop would not go in vectors, and the last bit of a sum would differ."""
    result = outputs.new_output(shape, FLOAT32)
    assert result.shape == shape and result.flags.carray
    memory = result if result.base is None else result.base
    assert address(result) - address(memory) >= 256


def test_neighbours_in_memory_do_not_change_a_sum():
    loss, count = losses.BinaryCrossentropy(), 12
    rng, found = np.random.default_rng(0), set()
    target, prediction = rng.random(count, np.float32) > 0.5, rng.random(count, np.float32)
    for _ in range(200):
        value, _ = loss.value_and_gradient(target.astype(np.float32), prediction.copy())
        found.add(float(value))
    assert len(found) == 1
