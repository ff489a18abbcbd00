"""`make bench`: loss + gradient next to torch eager in the same process, and what comes before.

Rounds are interleaved, so that a busy moment of the machine hits all contenders; medians are shown.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numba
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from lossgen import losses
from lossgen.runtime.threads import set_num_threads

ROUNDS = 15
console = Console(width=120)


@dataclass(frozen=True)
class Case:
    """One piece of work: two functions of no argument, and how many times faster lossgen ought to be."""

    name: str
    lossgen: Callable[[], object]
    torch: Callable[[], object]
    target: float | None = None


def main() -> int:
    """Print both tables; exit code 1 if a target is missed."""
    versions = f"numba {numba.__version__}, torch {torch.__version__}"
    console.print(f"{versions}, {os.cpu_count()} cores, float32", highlight=False)
    reached = [speed(cases()), costs()]
    return 0 if all(reached) else 1


# Loss + gradient ---------------------------------------------------------------------------------------


def cases() -> list[Case]:
    """The work, with the arrays that it reads and the one that it writes."""
    random = np.random.default_rng(0)

    def floats(*shape: int) -> np.ndarray:
        return random.normal(size=shape).astype(np.float32)

    binary = random.integers(0, 2, (1_000_000, 1)).astype(np.float32)
    labels = random.integers(0, 10, 100_000)
    one_hot = np.eye(10, dtype=np.float32)[labels]
    functional = torch.nn.functional
    return [
        case("BCE with logits, 1M", losses.BinaryCrossentropy(from_logits=True), binary, floats(1_000_000, 1),
             functional.binary_cross_entropy_with_logits, target=3.5),
        case("softmax CE 100 000×10, labels", losses.SparseCategoricalCrossentropy(from_logits=True), labels,
             floats(100_000, 10), functional.cross_entropy, target=8),
        case("softmax CE 100 000×10, one-hot", losses.CategoricalCrossentropy(from_logits=True), one_hot,
             floats(100_000, 10), functional.cross_entropy, target=8),
        case("MSE, 16M", losses.MeanSquaredError(), floats(16_000_000, 1), floats(16_000_000, 1),
             functional.mse_loss),
    ]  # fmt: skip


def case(name: str, loss, y: np.ndarray, p: np.ndarray, function, target: float | None = None) -> Case:
    """Both contenders on the same arrays; lossgen writes into a given array, torch into a new one."""
    out = np.empty_like(p)
    truth, prediction = torch.from_numpy(y), torch.from_numpy(p).requires_grad_()

    def with_lossgen():
        return loss.value_and_gradient(y, p, out=out)

    def with_torch():
        prediction.grad = None
        value = function(prediction, truth)
        value.backward()
        return value.item(), prediction.grad

    value, gradient = with_lossgen()
    expected, slope = with_torch()
    np.testing.assert_allclose(value, expected, rtol=1e-4)
    np.testing.assert_allclose(gradient, slope.numpy(), rtol=1e-3, atol=1e-9)
    return Case(name, with_lossgen, with_torch, target)


def speed(cases: list[Case]) -> bool:
    """The table of times; whether every target is reached with one thread and with all."""
    table = Table(title=f"Loss + gradient, median of {ROUNDS} interleaved rounds")
    for heading in ("work", "threads", "lossgen ms", "torch ms", "ratio", "target"):
        table.add_column(heading, justify="left" if heading == "work" else "right")
    reached = True
    for each in cases:
        for threads in dict.fromkeys((1, os.cpu_count() or 1)):
            ours, theirs = times(each, threads)
            ratio = theirs / ours
            good = each.target is None or ratio >= each.target
            reached &= good
            table.add_row(
                each.name, str(threads), f"{ours * 1e3:.2f}", f"{theirs * 1e3:.2f}",
                f"[{'green' if good else 'red'}]{ratio:.1f}×", f"{each.target}×" if each.target else "",
            )  # fmt: skip
    console.print(table)
    return reached


def times(each: Case, threads: int) -> tuple[float, float]:
    """Median seconds of both contenders with this many threads each."""
    torch.set_num_threads(threads)
    set_num_threads(threads)
    measured = ([], [])
    for _ in range(ROUNDS):
        for function, seconds in zip((each.lossgen, each.torch), measured, strict=True):
            started = time.perf_counter()
            function()
            seconds.append(time.perf_counter() - started)
    return median(measured[0]), median(measured[1])


# What comes before the first number ------------------------------------------------------------------------

CATALOGUE = """
import time
import lossgen.compiler.api
from lossgen.catalog import DECLARATIONS
from lossgen.compiler.module import modules
started = time.perf_counter()
for declaration in DECLARATIONS:
    modules(declaration)
print(time.perf_counter() - started)
"""

FIRST_RESULT = """
import numpy as np, sympy, numba, time
import lossgen as lg, lossgen.compiler.api, lossgen.runtime.loss, lossgen.runtime.vector_math
p = np.linspace(-3, 3, 1000, dtype=np.float32)[:, None]
started = time.perf_counter()
@lg.loss
def my_loss(y_true, y_pred, *, delta=lg.Parameter(1.0, positive=True)):
    return lg.Mean(delta**2 * (sympy.sqrt(1 + ((y_pred - y_true) / delta) ** 2) - 1))
lg.compile(my_loss)(delta=0.5).value_and_gradient(np.zeros_like(p), p)
print(time.perf_counter() - started)
"""

IMPORT = """
import time
started = time.perf_counter()
import {module}
print(time.perf_counter() - started)
"""


def costs() -> bool:
    """The table of what is paid once; each figure comes from fresh processes, with empty caches."""
    modules = ("lossgen.losses", "numba")
    ours, theirs = (
        median(in_process(IMPORT.format(module=module)) for _ in range(5)) for module in modules
    )
    rows = [
        ("derive and render the whole catalogue", in_process(CATALOGUE), 20.0),
        ("declare → first result, nothing cached, imports not counted",
         median(in_process(FIRST_RESULT) for _ in range(3)), 1.5),
        ("import lossgen.losses, beyond import numba", ours - theirs, 0.1),
    ]  # fmt: skip
    table = Table(title="Paid once")
    for heading in ("what", "seconds", "at most"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for what, seconds, limit in rows:
        table.add_row(what, f"[{'green' if seconds <= limit else 'red'}]{seconds:.2f}", f"{limit}")
    console.print(table)
    return all(seconds <= limit for _, seconds, limit in rows)


def in_process(script: str) -> float:
    """What the script prints, run as a file in a fresh process with cache folders of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "script.py"
        path.write_text(script, encoding="utf-8")
        caches = {"LOSSGEN_CACHE_DIR": f"{folder}/lossgen", "NUMBA_CACHE_DIR": f"{folder}/numba"}
        run = subprocess.run(
            [sys.executable, path], env={**os.environ, **caches}, capture_output=True, text=True, check=True
        )
        return float(run.stdout)


if __name__ == "__main__":
    sys.exit(main())
