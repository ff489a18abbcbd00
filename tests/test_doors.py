"""The same numbers from every door, for every loss of the catalogue and every option: one test."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from cases import cases
from once import once
from requiring import missing

RUNS = {
    "standalone": ("standalone", "kernels", None),
    "jax-kernels": ("jax", "kernels", None),
    "jax-ops": ("jax", "ops", None),
    "keras-on-jax": ("keras", "auto", "jax"),
    "keras-on-numpy": ("keras", "auto", "numpy"),
    "keras-on-tensorflow": ("keras", "auto", "tensorflow"),
    "keras-on-torch": ("keras", "auto", "torch"),
    "tensorflow-kernels": ("tensorflow", "kernels", None),
    "tensorflow-ops": ("tensorflow", "ops", None),
    "tf_keras": ("tf_keras", "auto", None),
    "torch-kernels": ("torch", "kernels", None),
    "torch-ops": ("torch", "ops", None),
}
"""Door, execution, and the backend of Keras; each in a process of its own."""

CASES = [str(case) for case in cases()]
PROGRAM = Path(__file__).with_name("door_numbers.py")
TOLERANCE = 3e-6  # of the largest number of a gradient; 25 roundings of float32


def needed(run: str) -> set[str]:
    """The libraries of a run."""
    door, _, backend = RUNS[run]
    return {door, backend or "numpy"} - {"standalone"}


def compute(run: str, folder: Path) -> None:
    """Writes the numbers of a run, or what it said when it failed."""
    door, execution, backend = RUNS[run]
    if any(find_spec(library) is None for library in needed(run)):
        return
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": backend or "numpy"}
    command = [sys.executable, str(PROGRAM), door, execution, str(folder / f"{run}.npz")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        (folder / f"{run}.failed").write_text(done.stderr[-4000:])


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    """The numbers of a run by case."""

    def fill(folder: Path):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda run: compute(run, folder), RUNS))

    folder = once(tmp_path_factory, "doors", fill)
    loaded: dict[str, dict[str, np.ndarray]] = {}

    def of(run: str):
        failed = folder / f"{run}.failed"
        assert not failed.exists(), failed.read_text()
        if run not in loaded:
            loaded[run] = dict(np.load(folder / f"{run}.npz"))
        return loaded[run]

    return of


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("run", [run for run in RUNS if run != "standalone"])
def test_every_door_computes_the_same(run, case, numbers):
    for library in needed(run):
        if find_spec(library) is None:
            missing(f"there is no {library}")
    right, found = numbers("standalone")[case], numbers(run)[case]
    if run == "keras-on-numpy":  # has no gradients
        right, found = right[:1], found[:1]
    size = np.abs(right).max()
    assert np.allclose(found, right, rtol=TOLERANCE, atol=TOLERANCE * size), (found, right)
