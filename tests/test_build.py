"""Packages of generated modules: written once, left alone when fresh, stale when anything differs."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sympy as sp

import lossgen as lg
from lossgen.catalog import DECLARATIONS
from lossgen.compiler.build import Report, build
from lossgen.compiler.module import variant_name

ROOT = Path(__file__).parent.parent
error = lg.y_pred - lg.y_true


@lg.loss
def steep(y_true, y_pred, *, width=lg.Parameter(2.0, positive=True), squared=False):
    """A loss of one's own."""
    power = 2 if squared else 1
    return lg.Mean(1 - sp.exp(-((y_pred - y_true) ** 2) / width)) ** power


FLAT = lg.declare("flat_loss", lg.Mean(error**4))
LOSSES = (FLAT, steep)
FILES = {
    "__init__.py",
    "flat_loss.py",
    "steep/__init__.py",
    "steep/no_squared.py",
    "steep/squared.py",
}


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Content and time of every source file."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*.py")
    }


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "my_package"
    build(LOSSES, folder)
    return folder


def check(folder: Path, losses=LOSSES) -> Report:
    before = tree(folder)
    report = build(losses, folder, check=True)
    assert tree(folder) == before, "a check writes nothing"
    return report


# Writing ------------------------------------------------------------------------------------------------


def test_a_build_writes_a_package(tmp_path):
    seen = []
    report = build(LOSSES, tmp_path / "new" / "package", progress=seen.append)
    assert set(report.written) == FILES == set(tree(tmp_path / "new" / "package"))
    assert not report.unchanged and not report.left_over and not report.is_fresh
    assert seen == list(LOSSES)
    assert {path.name for path in (tmp_path / "new" / "package").iterdir()} == {
        "__init__.py", "flat_loss.py", "steep",
    }  # fmt: skip


def test_a_second_build_changes_nothing(package):
    before = tree(package)
    report = build(LOSSES, package)
    assert report.is_fresh and set(report.unchanged) == FILES
    assert tree(package) == before


def test_the_order_of_losses_changes_no_module(package):
    assert set(build(LOSSES[::-1], package).written) <= {"__init__.py"}


def test_text_ends_lines_alike_everywhere(package):
    for content, _ in tree(package).values():
        text = content.decode("utf-8")
        assert "\r" not in text and text.endswith("\n") and not text.endswith("\n\n")
        assert all(line == line.rstrip() for line in text.splitlines())


def test_the_same_text_in_every_process(package):
    """Sets are ordered by hashes, and those of strings differ from process to process."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import json; from test_build import LOSSES;"
        "from lossgen.compiler.module import modules;"
        "print(json.dumps({k: v for each in LOSSES for k, v in modules(each).items()}))"
    )
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", program, str(Path(__file__).parent)],
            env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        for name, text in json.loads(run.stdout).items():
            assert (package / name).read_text(encoding="utf-8") == text, name


# Staleness ----------------------------------------------------------------------------------------------


def test_a_fresh_package_passes_the_check(package):
    assert check(package) == Report((), tuple(build(LOSSES, package).unchanged), ())


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("change", [b"# a remark\n", None], ids=["edited", "missing"])
def test_a_file_that_differs_is_found_and_rebuilt(package, name, change):
    right = (package / name).read_bytes()
    if change is None:
        (package / name).unlink()
    else:
        (package / name).write_bytes(right + change)
    report = check(package)
    assert report.written == (name,) and not report.is_fresh
    assert build(LOSSES, package).written == (name,)
    assert (package / name).read_bytes() == right and check(package).is_fresh


def test_what_no_declaration_accounts_for_is_left_over(package):
    report = check(package, (FLAT,))
    assert set(report.left_over) == {name for name in FILES if name.startswith("steep/")}
    assert report.written == ("__init__.py",) and not report.is_fresh
    build((FLAT,), package)
    assert set(tree(package)) == {"__init__.py", "flat_loss.py"}
    assert check(package, (FLAT,)).is_fresh


def test_files_of_a_person_stay(package):
    (package / "helpers.py").write_text('"""Mine."""\n')
    (package / "notes.txt").write_text("mine")
    (package / "steep" / "extra.py").write_text("x = 1\n")
    assert check(package).is_fresh
    build((FLAT,), package)
    assert (package / "helpers.py").exists() and (package / "notes.txt").exists()
    assert (package / "steep" / "extra.py").exists()


def test_a_changed_formula_is_stale(package):
    other = lg.declare("flat_loss", lg.Mean(error**6))
    assert check(package, (other, steep)).written == ("flat_loss.py",)


def test_a_failure_writes_nothing(tmp_path, monkeypatch):
    def fail(path, text):
        raise OSError("no space left")

    monkeypatch.setattr("lossgen.compiler.files.os.replace", fail)
    with pytest.raises(OSError, match="no space left"):
        build((FLAT,), tmp_path / "package")
    assert not any((tmp_path / "package").iterdir())


# Using it ---------------------------------------------------------------------------------------------


def run_python(program: str, cwd: Path) -> str:
    run = subprocess.run([sys.executable, "-c", program], cwd=cwd, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_a_package_works_without_sympy(package):
    program = """
import sys
import my_package
from my_package import FlatLoss, Steep, steep
assert "sympy" not in sys.modules and "jinja2" not in sys.modules
value, gradient = FlatLoss().value_and_gradient([[0.0, 0.0]], [[1.0, 2.0]])
print(value, gradient.tolist(), my_package.__all__)
print(Steep(squared=True).get_config()["width"], round(float(steep([0.0], [1.0], width=1.0)), 6))
assert "sympy" not in sys.modules
"""
    first, second = run_python(program, package.parent).splitlines()
    assert first == "8.5 [[2.0, 16.0]] ['FlatLoss', 'Steep', 'flat_loss', 'steep']"
    assert second == "2.0 0.632121"


def test_a_package_says_when_the_runtime_is_another(package):
    path = package / "flat_loss.py"
    text = path.read_text(encoding="utf-8")
    digest = text.split('digest = "')[1][:8]
    path.write_text(text.replace(f'digest = "{digest}"', 'digest = "00000000"'), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", "from my_package import FlatLoss; FlatLoss()"],
        cwd=package.parent, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode != 0 and "lossgen build" in run.stderr, run.stderr


# Names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("second", "name"),
    [
        (lg.declare("flat_loss", lg.Mean(error**2)), "flat_loss"),
        (lg.loss(name="FlatLoss")(lambda y_true, y_pred: lg.Mean((y_pred - y_true) ** 2)), "flat_loss"),
        (
            lg.loss(name="other", identifiers=("flat_loss",))(lambda y_true, y_pred: lg.Sum(y_pred)),
            "flat_loss",
        ),
    ],
    ids=["function", "class", "identifier"],
)
def test_two_losses_of_one_name_are_refused(tmp_path, second, name):
    with pytest.raises(lg.DeclarationError, match=f"two losses are called `{name}`.*rename one of them"):
        build((FLAT, second), tmp_path / "package")
    assert not (tmp_path / "package").exists()


def test_variants_have_names_of_their_own():
    for declaration in DECLARATIONS:
        names = [variant_name(options) for options in declaration.variants()]
        assert len(set(names)) == len(names)
        assert all(name.isidentifier() or name == "" for name in names)


# The repository -----------------------------------------------------------------------------------------


def test_the_generated_folder_is_what_the_catalogue_says():
    report = build(DECLARATIONS, ROOT / "generated", index=True, check=True)
    assert report.is_fresh, f"run `lossgen build`: {report.written} {report.left_over}"


def test_generated_code_does_what_it_says_line_by_line():
    """A statement that is neither a call nor documentation computes something and drops it."""
    for path in (ROOT / "generated").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Expr):
                assert isinstance(node.value, ast.Call | ast.Constant), f"{path}:{node.lineno}"
