"""What a first call does not wait for: loads of machine code bring in no compiler; kernels can be warm."""

import subprocess
import sys

import numpy as np
import pytest

from lossgen.cli import main
from lossgen.runtime.compiling import QuickCache
from lossgen.runtime.warming import tasks

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


# Warmth -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["huber", "sparse_categorical_crossentropy", "dice"])
def test_after_warming_common_calls_compile_nothing(name):
    from lossgen import losses

    cls = getattr(losses, name).loss_class
    for task in tasks(cls, ["float32"], ["value_and_gradient"]):
        task()
    compiled = {kernel: len(kernel.overloads) for kernel in kernels(cls)}
    assert any(compiled.values())
    loss = cls()
    for rows, columns in ((1, 1), (7, 3), (40, 3), (3, 200), (50_000, 1), (20_000, 10), (900, 200)):
        p = np.full((rows, columns), 0.25, np.float32)
        y = np.zeros(rows, np.int64) if cls.labels else p
        loss.value_and_gradient(y, p)
        if loss.axis is not None:
            loss.value_and_gradient(y, p, np.ones(rows, np.float32))
    assert {kernel: len(kernel.overloads) for kernel in kernels(cls)} == compiled


def kernels(cls) -> list:
    """All kernels of the variant that the defaults choose."""
    tables = (table for term in cls()._plan.terms for table in (term.flat, term.rows, term.lanes))
    return [kernel for table in tables for pair in table.values() for kernel in pair]


def test_the_command_warms(capsys):
    assert main(["warm", "mean_absolute_error", "--dtype", "float32", "--output", "value"]) == 0
    assert "1 loss ready after" in capsys.readouterr().err
    assert main(["warm", "nothing_like_it"]) == 2
