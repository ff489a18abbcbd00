"""What a first call does not wait for: the load of machine code brings in no compiler."""

import subprocess
import sys

import pytest

from lossgen.runtime.compiling import QuickCache

PROGRAM = """
import sys
import numpy as np
from lossgen import losses
p = np.linspace(-1, 1, 1 << 17, dtype=np.float32).reshape(-1, 4)
y = np.zeros(len(p), np.int64)
for loss, target in ((losses.Huber(), p * 2), (losses.SparseCategoricalCrossentropy(from_logits=True), y)):
    print(loss.value_and_gradient(target, p)[0], loss.value_and_gradient(target[:9], p[:9])[1].sum())
print(sorted({"numba.np.arraymath", "scipy.linalg", "sympy", "jinja2"} & set(sys.modules)))
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """What the program prints in a process that compiles, and in one that finds everything in the cache."""
    folder = tmp_path_factory.mktemp("numba")
    environment = {"NUMBA_CACHE_DIR": str(folder), "PATH": ""}
    return [
        subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
        ).stdout.splitlines()
        for _ in range(2)
    ]


def test_a_cached_loss_needs_no_compiler(pages):
    first, second = pages
    assert "numba.np.arraymath" in first[-1] and second[-1] == "[]"


def test_a_cached_loss_gives_the_same_bits(pages):
    first, second = pages
    assert first[:-1] == second[:-1]


def test_kernels_have_the_quick_cache_and_point_functions_none():
    from lossgen.generated import huber

    assert type(huber.value_flat._cache) is type(huber.gradient_sweep._cache) is QuickCache
    assert type(huber.element._cache).__name__ == "NullCache"
