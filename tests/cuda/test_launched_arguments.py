"""A kernel gets as many parameters as it has been compiled with: None, too, is one."""

import json
import os
import subprocess
import sys
from pathlib import Path

from requiring import missing


def test_every_parameter_is_passed():
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_ENABLE_CUDASIM"}
    done = subprocess.run(
        [sys.executable, Path(__file__).parent / "launched_arguments.py"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "MissingLibraryError" in done.stderr:
        missing(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    for name, (parameters, passed) in json.loads(done.stdout).items():
        assert parameters == passed, name
