"""Runs `tests/keras_door` for each backend of Keras, in a process of its own: a process has one backend."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from requiring import require

FOLDER = Path(__file__).parent / "keras_door"
LIBRARIES = {"torch": "torch", "jax": "jax", "tensorflow": "tensorflow", "numpy": "numpy"}


@pytest.mark.parametrize("backend", LIBRARIES)
def test_backend(backend):
    require("keras"), require("sklearn", "trains on the data sets of scikit-learn")
    library = subprocess.run([sys.executable, "-c", f"import {LIBRARIES[backend]}"], capture_output=True)
    if library.returncode:
        require(LIBRARIES[backend])
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("PYTEST_XDIST_WORKER", None)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(FOLDER)]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=FOLDER.parents[1])
    assert run.returncode == 0, f"{' '.join(command)}\n{run.stdout}\n{run.stderr[-5000:]}"
    assert " passed" in run.stdout and " skipped" not in run.stdout, run.stdout
