"""The same bits from kernels that were just compiled and from machine code that a file held."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
import numpy as np
from lossgen import losses

generator = np.random.default_rng(0)
name, arguments, order = sys.argv[1], eval(sys.argv[2]), sys.argv[3].split(",")
for shape in ((900, 41), (700, 37), (5, 3000)):
    for dtype in (np.float64, np.float32):
        y, p = generator.random(shape).astype(dtype), (2 * generator.normal(size=shape)).astype(dtype)
        loss = getattr(losses, name)(reduction="none", **arguments)
        calls = {"value": lambda: (loss(y, p),), "first": lambda: loss.value_and_gradient(y, p),
                 "second": lambda: loss.gradient_and_hessian(y, p)}
        found = {each: calls[each]() for each in order}
        print(shape, dtype.__name__, *[part.tobytes().hex() for each in calls for part in found[each]])
"""


def printed(cache, name, arguments, order):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    command = [sys.executable, "-c", PROGRAM, name, repr(arguments), order]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.parametrize(("name", "arguments"), [
    ("Huber", {}), ("BinaryCrossentropy", {"from_logits": True}), ("CosineSimilarity", {}),
])  # fmt: skip
def test_neither_the_cache_nor_the_order_of_calls_changes_a_bit(tmp_path, name, arguments):
    compiled = printed(tmp_path, name, arguments, "value,first,second")
    assert printed(tmp_path, name, arguments, "value,first,second") == compiled
    assert printed(tmp_path, name, arguments, "second,first,value") == compiled
    assert printed(tmp_path / "other", name, arguments, "second,first,value") == compiled
