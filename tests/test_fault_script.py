"""A share of `make faults`: every fault, a few times. What it counts must be nothing."""

import json
import os
import subprocess
import sys
import time
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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_what_a_trial_would_find(tmp_path):
    from faults.children import Child, forked
    from faults.losses import content, lost

    assert forked(lambda: 1).failures(1) == []
    assert forked(lambda: 1).failures(2) == [("wrong", "1 instead of 2")]
    ((kind, text),) = forked(lambda: 1 / 0).failures(1)
    assert kind == "failed" and "ZeroDivisionError" in text
    assert Child(time.sleep, 60).end(0.1).failures(None) == [("hung", "no result")]
    killed = Child(time.sleep, 60)
    killed.kill()
    assert killed.end().failures(None) == [("failed", "ended without a result")]
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text("whole")
    before = content(tmp_path)
    (tmp_path / "a").unlink()
    (tmp_path / "b").write_text("half")
    assert lost(before, tmp_path) == [("lost", "a is gone"), ("lost", "b is changed")]


def test_every_fault_has_its_share():
    from faults.__main__ import FAULTS

    assert {fault.__name__ for fault in FAULTS} == set(TIMES)
