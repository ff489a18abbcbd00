"""Packages of generated modules: written once, left alone when fresh, stale when anything differs."""

import ast
import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sympy as sp

import lossgen as lg
from lossgen.catalog import DECLARATIONS, PENALTIES
from lossgen.compiler.build import Report, build
from lossgen.compiler.module import modules, variant_names
from lossgen.errors import CompileError

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
    "_cuda_flat_loss.py",
    "flat_loss.py",
    "steep/__init__.py",
    "steep/_cuda_no_squared.py",
    "steep/_cuda_squared.py",
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
        "__init__.py", "_cuda_flat_loss.py", "flat_loss.py", "steep",
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
    assert set(tree(package)) == {"__init__.py", "_cuda_flat_loss.py", "flat_loss.py"}
    assert check(package, (FLAT,)).is_fresh


def test_files_of_a_person_stay(package):
    (package / "helpers.py").write_text('"""Mine."""\n')
    (package / "notes.txt").write_text("mine")
    (package / "steep" / "extra.py").write_text("x = 1\n")
    assert check(package).is_fresh
    build((FLAT,), package)
    assert (package / "helpers.py").exists() and (package / "notes.txt").exists()
    assert (package / "steep" / "extra.py").exists()


def test_only_files_of_this_package_are_left_over(package):
    """Another package inside, a virtual environment, a copy that a person made: none is this build's own."""
    text = (package / "flat_loss.py").read_text(encoding="utf-8")
    places = [
        "inner/huber.py", "inner/deep/huber.py", "steep/deep/huber.py",
        ".venv/lib/huber.py", ".hidden/huber.py", "copied.py",
    ]  # fmt: skip
    for place in places:
        (package / place).parent.mkdir(parents=True, exist_ok=True)
        (package / place).write_text(text, encoding="utf-8")
    build((lg.declare("third", lg.Mean(error**2)),), package / "inner")
    assert check(package).is_fresh
    build((steep,), package)
    assert not (package / "flat_loss.py").exists()
    assert all((package / place).is_file() for place in [*places, "inner/third.py", "inner/__init__.py"])


@pytest.mark.parametrize("deleted", [0, 1, 3])
def test_a_build_that_is_killed_leaves_a_package_that_works(package, monkeypatch, deleted):
    """Between the new table and the last deletion; the next build knows what is left to delete."""
    places = []

    def killed(folder, name):
        if len(places) == deleted:
            raise KeyboardInterrupt
        places.append(name)
        (folder / name).unlink()

    with monkeypatch.context() as dying:
        dying.setattr("lossgen.compiler.build._delete", killed)
        with pytest.raises(KeyboardInterrupt):
            build((FLAT,), package)
    table = (package / "__init__.py").read_text(encoding="utf-8")
    assert "from .flat_loss import" in table and "from .steep import" not in table
    ast.parse(table)
    report = check(package, (FLAT,))
    assert set(report.left_over) == {name for name in FILES if name.startswith("steep/")} - {*places}
    assert len(report.left_over) and report.written == ("__init__.py",)
    build((FLAT,), package)
    assert set(tree(package)) == {"__init__.py", "_cuda_flat_loss.py", "flat_loss.py"}


def test_a_variant_that_is_gone_is_left_over(package):
    text = (package / "steep" / "squared.py").read_text(encoding="utf-8")
    (package / "steep" / "cubed.py").write_text(text, encoding="utf-8")
    assert check(package).left_over == ("steep/cubed.py",)


@pytest.mark.parametrize(
    "content",
    [b"x = 1\n", b'"""Mine.\n\nGenerated by lossgen is what I am not.\n\nMore.\n"""\n', b"", b"# caf\xe9\n"],
    ids=["no docstring", "other docstring", "empty", "Latin-1"],
)
@pytest.mark.parametrize("name", ["__init__.py", "flat_loss.py", "steep/squared.py", "steep.py"])
def test_a_file_of_a_person_is_not_overwritten(tmp_path, name, content):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(lg.FileError, match=f"{name} was not written by lossgen.*move or delete it"):
        build(LOSSES, tmp_path)
    assert set(tree(tmp_path)) == {name} and (tmp_path / name).read_bytes() == content
    assert not build(LOSSES, tmp_path, check=True).is_fresh


def test_a_file_in_place_of_a_folder(tmp_path):
    (tmp_path / "package").write_text("mine")
    with pytest.raises(lg.FileError, match="package is a file, where a folder is needed"):
        build(LOSSES, tmp_path / "package")


def test_files_in_no_encoding_of_ours_stay(package):
    (package / "helpers.py").write_bytes(b"# caf\xe9\n")
    (package / "steep" / "helpers.py").write_bytes(b'"""\xe9"""\n')
    assert check(package).is_fresh
    build((FLAT,), package)
    assert (package / "helpers.py").exists() and (package / "steep" / "helpers.py").exists()


def test_a_merge_conflict_is_rebuilt(package):
    path = package / "flat_loss.py"
    right = path.read_text(encoding="utf-8")
    path.write_text(right.replace("from lossgen", "<<<<<<< mine\nfrom lossgen", 1), encoding="utf-8")
    assert build(LOSSES, package).written == ("flat_loss.py",)
    assert path.read_text(encoding="utf-8") == right


def test_a_changed_formula_is_stale(package):
    other = lg.declare("flat_loss", lg.Mean(error**6))
    assert check(package, (other, steep)).written == ("flat_loss.py", "_cuda_flat_loss.py")


def test_a_failure_writes_nothing(tmp_path, monkeypatch):
    def fail(path, text):
        raise OSError("no space left")

    monkeypatch.setattr("lossgen.compiler.files.os.replace", fail)
    with pytest.raises(OSError, match="no space left"):
        build((FLAT,), tmp_path / "package")
    assert not any((tmp_path / "package").iterdir())


def test_bytecode_of_what_was_there_goes(package):
    """Python would take it for that of the new text, if size and time, in seconds, are equal."""
    path = package / "flat_loss.py"
    bytecode = package / "__pycache__" / "flat_loss.cpython-399.pyc"
    other = package / "__pycache__" / "flat_loss_2.cpython-399.pyc"
    bytecode.parent.mkdir()
    for each in (bytecode, other):
        each.write_bytes(b"old")
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    build(LOSSES, package)
    assert not bytecode.exists() and other.exists()


def test_what_a_killed_build_left_goes_after_a_minute(package):
    now = time.time()
    left = {".flat_loss.py.lossgen-a1b2c3d4": now - 100, "steep/.squared.py.lossgen-a1b2c3d4": now + 100}
    young = {".flat_loss.py.lossgen-e5f6a7b8": now, ".notes.txt.lossgen-a1b2c3d4": now - 100}
    young[".flat_loss.py.original"] = now - 100
    for name, age in {**left, **young}.items():
        (package / name).write_text("half")
        os.utime(package / name, (age, age))
    build(LOSSES, package)
    assert {path.relative_to(package).as_posix() for path in package.rglob(".*")} == set(young)


@pytest.mark.parametrize("space", [1, 4, 6])
def test_a_full_disk_leaves_every_file_old_or_new(package, monkeypatch, space):
    before = {name: content for name, (content, _) in tree(package).items()}
    linear = lg.loss(name="steep")(lambda y_true, y_pred, *, squared=False: (1 + squared) * lg.Mean(y_pred))
    changed = (lg.declare("flat_loss", lg.Mean(error**6)), linear)
    wanted = {name: text for each in changed for name, text in modules(each).items()}
    replace, calls = os.replace, []

    def fill(*paths):
        calls.append(paths)
        if len(calls) > space:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(*paths)

    monkeypatch.setattr("lossgen.compiler.files.os.replace", fill)
    with pytest.raises(OSError, match="No space left"):
        build(changed, package)
    after = {name: content for name, (content, _) in tree(package).items()}
    assert set(after) == FILES
    assert sum(content != before[name] for name, content in after.items()) == space
    assert all(content in (before[name], wanted.get(name, "").encode()) for name, content in after.items())
    monkeypatch.undo()
    build(changed, package)
    assert all((package / name).read_text(encoding="utf-8") == text for name, text in wanted.items())


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


def test_a_package_says_when_its_build_was_interrupted(package):
    """One variant of another formula, with the class and the other variant as they were."""
    def steep(y_true, y_pred, *, width=lg.Parameter(2.0, positive=True), squared=False):
        return lg.Mean((y_pred - y_true) ** (4 if squared else 2) * width)

    text = modules(lg.loss(steep))["steep/squared.py"]
    (package / "steep" / "squared.py").write_text(text, encoding="utf-8")
    program = """
from my_package import Steep
from lossgen.errors import StaleModuleError
print(Steep()([0.0], [0.0]))
try:
    Steep(squared=True)([0.0], [1.0])
except StaleModuleError as error:
    print(error)
"""
    first, second = run_python(program, package.parent).splitlines()
    assert first == "0.0" and "my_package.steep.squared was generated from another declaration" in second
    assert "Run `lossgen build` again" in second


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
        names = variant_names(declaration.variants())
        assert len(set(names)) == len(names)
        assert all(name.isidentifier() or name == "" for name in names)


def test_choices_that_look_alike_are_modules_of_their_own(tmp_path):
    @lg.loss(name="choosy")
    def choosy(y_true, y_pred, *, mode=lg.Option("a b", choices=("a b", "a-b", "A b", "a_b_2", "²"))):
        return ("a b", "a-b", "A b", "a_b_2", "²").index(mode) * lg.Mean(y_true) + lg.Mean(y_pred)

    names = variant_names(choosy.variants())
    assert names == ["mode_a_b", "mode_a_b_2", "mode_A_b_3", "mode_a_b_2_2", "mode__"]
    files = modules(choosy)
    assert len(files) == 11
    assert f'("a-b",): ".{names[1]}"'.replace('"a-b"', "'a-b'") in files["choosy/__init__.py"]
    assert choosy.code(mode="a-b") == files["choosy/mode_a_b_2.py"]
    compiled = lg.compile(choosy)
    assert compiled(mode="A b")([1.0], [3.0]) == pytest.approx(5.0)
    assert "declaration" not in vars(compiled), "a class of the cache is shared: nothing is written on it"


# Texts ------------------------------------------------------------------------------------------------

DOCUMENTATION = (
    r"""With \frac{a}{b}, \x and \N{nothing}, """
    + 'triple quotes """ and a "quoted" word, a path C:\\users\\new\\\n\n'
    + "from "
    + "one (very, long, line) to "
    + "another, " * 14
    + "end\n\n"
    + 'It ends with a backslash and a quote \\"'
)


@pytest.mark.parametrize("options", [{}, {"squared": False}], ids=["module", "folder"])
def test_documentation_survives(tmp_path, options):
    def documented(y_true, y_pred, **options):
        return lg.Mean((y_pred - y_true) ** (4 if options.get("squared") else 2))

    names = "".join(f", {name}={value}" for name, value in options.items())
    made = eval(f"lambda y_true, y_pred{names}: f(y_true, y_pred)", {"f": documented})
    made.__doc__ = DOCUMENTATION
    made.__name__ = "documented"
    made = lg.loss(reference='"The \\alpha paper"', identifiers=('a"b\\',), name="documented")(made)
    for path, text in modules(made).items():
        module = ast.parse(text)
        if "_cuda_" in path:  # says what it stands beside
            continue
        head = " ".join(ast.get_docstring(module).split())
        assert " ".join(DOCUMENTATION.split("\n\n")[0].split()) in head
        for node in module.body:
            if isinstance(node, ast.ClassDef):
                shown = " ".join(ast.get_docstring(node).split())
                assert " ".join(DOCUMENTATION.split()) in shown and '"The \\alpha paper"' in shown
    build((made,), tmp_path, index=True)
    table = ast.parse((tmp_path / "_index.py").read_text(encoding="utf-8")).body[-1]
    assert ast.literal_eval(table.value) == {'a"b\\': "documented"}


def test_a_module_that_is_no_python_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr("lossgen.compiler.module.render_functions", lambda *_: "def f(a, a):\n    pass")
    with pytest.raises(CompileError, match=r"flat_loss\.py is no valid Python"):
        build((FLAT,), tmp_path / "package")
    assert not (tmp_path / "package").exists()


# The repository -----------------------------------------------------------------------------------------


def test_the_generated_folder_is_what_the_catalogue_says():
    folder, known = ROOT / "generated", set()
    for place, declarations in {".": DECLARATIONS, "penalties": PENALTIES}.items():
        report = build(declarations, folder / place, index=True, check=True)
        assert report.is_fresh, f"run `lossgen build`: {report.written} {report.left_over}"
        known |= {Path(place, name).as_posix() for name in (*report.unchanged, "__init__.py")}
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")}
    assert found == known, "a module that no table lists"


def test_generated_code_does_what_it_says_line_by_line():
    """A statement that is neither a call nor documentation computes something and drops it."""
    for path in (ROOT / "generated").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Expr):
                assert isinstance(node.value, ast.Call | ast.Constant), f"{path}:{node.lineno}"
