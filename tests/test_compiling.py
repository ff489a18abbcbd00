"""Machine code on disk: found again, never mistaken for other code, damaged files made anew."""

import subprocess
import sys

import pytest

MODULE = """
from lossgen.runtime.compiling import njit

@njit()
def doubled(x):
    return {factor}*x
"""

SCRIPT = """
import sys
import numpy as np
from module import doubled

for name in sys.argv[1:]:
    found = doubled(getattr(np, name)(3))
    print(found, sum(doubled.stats.cache_hits.values()))
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "module.py").write_text(MODULE.format(factor=2))
    (tmp_path / "script.py").write_text(SCRIPT)
    return tmp_path


def run(folder, *names, wait=True):
    process = subprocess.Popen(
        [sys.executable, "script.py", *names],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    return finished(process) if wait else process


def finished(process):
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return [tuple(line.split()) for line in output.splitlines()]


def files(folder):
    return sorted(folder.glob("__pycache__/*.nbc"))


def test_machine_code_is_found_again(folder):
    assert run(folder, "float32", "int64") == [("6.0", "0"), ("6", "0")]
    assert len(files(folder)) == 2
    assert run(folder, "int64", "float32") == [("6", "1"), ("6.0", "2")]


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_file_is_made_anew(folder, damage):
    run(folder, "float32")
    (path,) = files(folder)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert run(folder, "float32") == [("6.0", "0")]
    assert run(folder, "float32") == [("6.0", "1")]


def test_code_made_while_its_module_could_not_be_imported_is_made_anew(folder):
    program = SCRIPT.replace("import doubled\n", "import doubled\nsys.modules['module'] = None\n")
    (folder / "script.py").write_text(program)
    assert run(folder, "float32") == [("6.0", "0")]
    (folder / "script.py").write_text(SCRIPT)
    assert run(folder, "float32") == [("6.0", "0")]
    assert run(folder, "float32") == [("6.0", "1")]


def test_code_of_an_older_source_is_never_used_and_goes(folder):
    run(folder, "float32", "float64")
    (folder / "module.py").write_text(MODULE.format(factor=10))
    assert run(folder, "float32") == [("30.0", "0")]
    assert len(files(folder)) == 1


def test_processes_that_compile_for_different_types_at_once(folder):
    kinds = ("float32", "float64", "int64", "int32")
    processes = [run(folder, kind, wait=False) for kind in kinds for _ in range(2)]
    for process in processes:
        assert finished(process)[0][0] in ("6", "6.0")
    assert len(files(folder)) == len(kinds)
    assert [hits for _, hits in run(folder, *kinds)] == ["1", "2", "3", "4"]
