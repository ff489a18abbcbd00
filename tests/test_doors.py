"""The same numbers from every door, for every loss of the catalogue and every option: one test."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from cases import cases
from conftest import missing

RUNS = {
    "standalone": ("standalone", "kernels", None),
    "torch-kernels": ("torch", "kernels", None),
    "torch-ops": ("torch", "ops", None),
    "jax-kernels": ("jax", "kernels", None),
    "jax-ops": ("jax", "ops", None),
    "tensorflow-kernels": ("tensorflow", "kernels", None),
    "tensorflow-ops": ("tensorflow", "ops", None),
    "tf_keras": ("tf_keras", "auto", None),
    "keras-on-torch": ("keras", "auto", "torch"),
    "keras-on-jax": ("keras", "auto", "jax"),
    "keras-on-tensorflow": ("keras", "auto", "tensorflow"),
    "keras-on-numpy": ("keras", "auto", "numpy"),
}
"""Door, execution, and the backend of Keras."""

CASES = [str(case) for case in cases()]
PROGRAM = Path(__file__).with_name("door_numbers.py")


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    """What a run computes; each runs once, when it is first asked for."""
    found: dict[str, dict[str, np.ndarray]] = {}

    def of(run: str):
        if run not in found:
            door, execution, backend = RUNS[run]
            path = tmp_path_factory.mktemp("numbers") / f"{run}.npz"
            environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
            if backend:
                environment["KERAS_BACKEND"] = backend
            command = [sys.executable, str(PROGRAM), door, execution, str(path)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr[-4000:]
            found[run] = dict(np.load(path))
        return found[run]

    return of


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    "run", [pytest.param(run, marks=pytest.mark.xdist_group(run)) for run in RUNS if run != "standalone"]
)
def test_every_door_computes_the_same(run, case, numbers):
    for module in (run.split("-")[0], *({RUNS[run][2]} - {None, "numpy"})):
        if find_spec(module) is None:
            missing(f"there is no {module}")
    right, found = numbers("standalone")[case], numbers(run)[case]
    if run == "keras-on-numpy":  # has no gradients
        right, found = right[:1], found[:1]
    size = np.abs(right).max()
    assert np.allclose(found, right, rtol=3e-6, atol=3e-6 * size), (found, right)
