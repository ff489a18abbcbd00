"""Runs `tests/tensorflow_door` and `tests/tf_keras_door`, each in a process of its own.

TensorFlow is slow to import, has to know its devices before it starts, and shares no process with torch.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from requiring import missing

HERE = Path(__file__).parent
LIBRARIES = {"tensorflow_door": "tensorflow", "tf_keras_door": "tf_keras"}


@pytest.mark.parametrize("folder", LIBRARIES)
def test_door(folder):
    for library in ("tensorflow", LIBRARIES[folder]):
        if find_spec(library) is None:
            missing(f"tests {folder}: there is no {library}")
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("PYTEST_XDIST_WORKER", None)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    run = subprocess.run(
        [*command, str(HERE / folder)], capture_output=True, text=True, env=environment, cwd=HERE.parent
    )
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr[-5000:]}"
    assert " passed" in run.stdout and " skipped" not in run.stdout, run.stdout


@pytest.mark.parametrize("library, door", [("tensorflow", "tensorflow"), ("tf_keras", "tf_keras")])
def test_a_missing_framework_is_an_error_that_says_what_to_install(library, door):
    program = (
        f"import sys; sys.modules[{library!r}] = None\n"
        "from lossgen.errors import MissingLibraryError\n"
        f"try:\n    import lossgen.{door}\n"
        "except MissingLibraryError as error:\n    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert f'pip install "lossgen[{door}]"' in run.stdout, run.stderr
