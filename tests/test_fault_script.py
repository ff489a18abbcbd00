"""A share of `make faults`: every fault, a few times. What it counts must be nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TIMES = {
    "eight_at_once": 1,
    "killed_compiling": 3,
    "killed_building": 6,
    "damaged_files": 8,
    "numba_index": 1,
    "full_disk": 3,
    "full_disk_building": 3,
    "read_only_home": 2,
    "other_users": 10,
    "clocks": 1,
    "shared_by_versions": 0,
}
"""How often; of two versions of lossgen only the one that replaces the other in its place."""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("fault", TIMES)
def test_nothing_is_wrong_hung_or_lost(fault):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    run = subprocess.run(
        [sys.executable, "-m", "faults", fault, "--times", str(TIMES[fault]), "--json"],
        env=environment, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    count = json.loads(run.stdout)[fault]
    assert count["trials"] >= TIMES[fault]
    assert not any(count[kind] for kind in ("wrong", "hung", "lost", "failed"))


def test_every_fault_has_its_share():
    from faults.__main__ import FAULTS

    assert {fault.__name__ for fault in FAULTS} == set(TIMES)
