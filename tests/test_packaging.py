"""The wheel: what it holds, that it works outside of the repository, what type checkers see of it."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from requiring import require

pytestmark = pytest.mark.xdist_group("wheel")  # one worker builds the wheel once

ROOT = Path(__file__).parents[1]
NOT_SOURCE = shutil.ignore_patterns(
    ".git", ".venv", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis", "demo_output"
)

OUTSIDE = """
import sys
import numpy as np
import lossgen as lg
assert {root!r} not in lg.__file__, lg.__file__
from lossgen.losses import Huber
assert Huber(delta=0.5).gradient([[0.0]], [[2.0]]) == 0.5
made = lg.compile(lg.declare("HalfSquare", lg.Mean((lg.y_pred - lg.y_true) ** 2 / 2)))
value, gradient = made().value_and_gradient(np.zeros((2, 1)), np.full((2, 1), 3.0))
assert value == 4.5 and (gradient == 1.5).all(), (value, gradient)
print("works")
"""


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """A wheel built from a copy of the sources, so that no leftovers of earlier builds get into it."""
    require("setuptools", "builds a wheel")
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "source", ignore=NOT_SOURCE)
    run("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
        "--wheel-dir", str(folder), str(folder / "source"), cwd=folder)  # fmt: skip
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory) -> Path:
    """The interpreter of an environment that has the wheel, and the other packages of this one by a path."""
    folder = tmp_path_factory.mktemp("installed")
    run("-m", "venv", "--without-pip", str(folder))
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    (site,) = [Path(line) for line in run("-c", SITE, python=python).split()]
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (here,) = run("-c", SITE).split()
    (site / "others.pth").write_text(here, encoding="utf-8")
    return python


SITE = "import sysconfig; print(sysconfig.get_path('purelib'))"


def run(*arguments: str, python: Path | str = sys.executable, cwd: Path | None = None) -> str:
    """What a Python process prints; its complaint is the reason of the failure."""
    process = subprocess.run([python, *arguments], cwd=cwd, capture_output=True, text=True)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
    packaged = {name for name in names if ".dist-info/" not in name}
    folders = {"lossgen": "lossgen", "generated": "lossgen/generated", "templates": "lossgen/templates"}
    expected = {
        f"{inside}/{path.relative_to(ROOT / outside).as_posix()}"
        for outside, inside in folders.items()
        for path in (ROOT / outside).rglob("*")
        if path.suffix in (".py", ".jinja", ".js", ".css", ".typed") and not path.name.startswith(".")
    }
    assert packaged == expected
    assert "License-Expression: Apache-2.0" in metadata and "Requires-Python: >=3.11" in metadata


def test_the_wheel_works_outside_of_the_repository(installed, tmp_path):
    program = OUTSIDE.format(root=str(ROOT))
    assert run("-c", program, python=installed, cwd=tmp_path).split() == ["works"]


def test_type_checkers_accept_the_public_surface(installed, tmp_path):
    require("mypy", "checks types")
    surface = shutil.copy(ROOT / "tests" / "typing" / "public_surface.py", tmp_path)
    run("-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--python-executable", str(installed),
        "--cache-dir", str(tmp_path / "cache"), surface, cwd=tmp_path)  # fmt: skip


def test_importing_the_losses_is_light():
    heavy = {"sympy", "jinja2", "rich", "mpmath", "keras", "torch"}
    loaded = run("-c", "import sys, lossgen.losses; print(*sys.modules)").split()
    assert not heavy & set(loaded)


def test_the_test_environment_pins_what_the_extras_ask_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = sum(project["optional-dependencies"].values(), project["dependencies"])
    names = {line.partition(">=")[0].partition("[")[0] for line in wanted if not line.startswith("lossgen")}
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.partition("==")[0] for line in lines if "==" in line}
    assert names <= pinned, names - pinned
