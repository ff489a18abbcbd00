"""The cache of compiled losses: one entry a formula, shared by processes, rebuilt when damaged."""

import importlib.util
import os
import shutil
import stat
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest
from private_cache import private_cache

import lossgen as lg
from lossgen.compiler import cache
from lossgen.compiler.module import modules

error = lg.y_pred - lg.y_true
SQUARE = lg.declare("cached_square", lg.Mean(error**2))
OPTIONS = lg.loss(name="cached_choice")(
    lambda y_true, y_pred, *, twice=False: lg.Mean((1 + twice) * (y_pred - y_true) ** 2)
)

PROGRAM = """
import lossgen as lg, lossgen.compiler.cache as cache
made = []
build = cache.modules
cache.modules = lambda declaration: made.append(declaration.name) or build(declaration)
Loss = lg.compile(lg.declare("cached_square", lg.Mean((lg.y_pred - lg.y_true)**2)))
print(Loss()([0.0, 0.0], [1.0, 3.0]), len(made))
"""


@pytest.fixture
def folder(tmp_path):
    before = forget_modules()
    with private_cache(tmp_path / "cache") as made:
        yield made
    forget_modules()
    sys.modules.update(before)


def forget_modules() -> dict[str, ModuleType]:
    """As a new process would, import compiled losses again; the modules that were imported."""
    names = [name for name in sys.modules if name.startswith(cache.IN_MEMORY)]
    return {name: sys.modules.pop(name) for name in names}


def entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def works(cls: type) -> bool:
    return cls()([0.0, 0.0], [1.0, 3.0]) == 5


@pytest.fixture
def builds(monkeypatch):
    """The names of the losses whose modules are generated."""
    made = []
    monkeypatch.setattr(cache, "modules", lambda each: made.append(each.name) or modules(each))
    return made


def start_process(folder: Path) -> subprocess.Popen:
    environment = {**os.environ, "LOSSGEN_CACHE_DIR": str(folder)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", PROGRAM], env=environment, **pipes)


def result_of(process: subprocess.Popen) -> str:
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert not errors
    return output.strip()


# One entry a formula ----------------------------------------------------------------------------------


def test_a_formula_has_one_entry(folder, builds):
    first = lg.compile(SQUARE)
    again = lg.compile(lg.declare("cached_square", lg.Mean(error**2)))
    assert first is again and works(first)
    (entry,) = entries(folder)
    assert entry.name.startswith("cached_square-")
    assert {path.name for path in entry.iterdir()} - {"__pycache__"} == {
        "manifest.json", "_cuda_cached_square.py", "cached_square.py",
    }  # fmt: skip
    assert builds == ["cached_square"]


@pytest.mark.parametrize(
    "other",
    [
        lg.declare("cached_square", lg.Mean(error**4)),
        lg.declare("cached_square", lg.Mean(error**2), scope=None),
        lg.declare("cached_square", lg.Mean(error**2), documentation="Another description."),
        lg.declare("cached_square", lg.Mean(error**2), domain={"prediction": "probability"}),
        lg.declare("cached_square", lg.Mean(error**2), link="log"),
        SQUARE.renamed("cached_other"),
    ],
    ids=["formula", "scope", "documentation", "domain", "link", "name"],
)
def test_what_says_something_else_has_another_entry(folder, other):
    assert lg.compile(SQUARE) is not lg.compile(other)
    assert len(entries(folder)) == 2


def test_parameters_that_look_alike_are_told_apart(folder):
    width = {"a": lg.Parameter(1.0, positive=True), "b": lg.Parameter(1.0)}
    formulas = [lg.loss(name="cached_width")(_weighted(each)) for each in width.values()]
    assert len({lg.compile(each) for each in formulas}) == 2 == len(entries(folder))


def _weighted(parameter):
    def formula(y_true, y_pred, *, width=parameter):
        return lg.Mean((y_pred - y_true) ** 2 * width)

    return formula


def test_a_loss_with_options_is_a_folder(folder):
    cls = lg.compile(OPTIONS)
    assert works(cls) and cls(twice=True)([0.0], [1.0]) == 2
    (entry,) = entries(folder)
    assert {path.name for path in (entry / "cached_choice").glob("*.py")} == {
        "__init__.py", "_cuda_no_twice.py", "_cuda_twice.py", "no_twice.py", "twice.py",
    }  # fmt: skip


def test_another_process_finds_the_entry(folder):
    assert result_of(start_process(folder)) == "5.0 1"
    assert result_of(start_process(folder)) == "5.0 0"
    assert len(entries(folder)) == 1


def test_many_processes_at_once(folder):
    processes = [start_process(folder) for _ in range(8)]
    assert {result_of(each).split()[0] for each in processes} == {"5.0"}
    assert [entry.name.split("-")[0] for entry in entries(folder)] == ["cached_square"]


def test_many_threads_at_once(folder, builds):
    with ThreadPoolExecutor(8) as pool:
        classes = set(pool.map(lambda _: lg.compile(SQUARE), range(16)))
    assert len(classes) == 1 and builds == ["cached_square"]


# Damage -----------------------------------------------------------------------------------------------


MODULE, MANIFEST = "cached_square.py", "manifest.json"
DAMAGES = {
    "module edited": (MODULE, b"raise SystemExit"),
    "module empty": (MODULE, b""),
    "module removed": (MODULE, None),
    "manifest removed": (MANIFEST, None),
    "manifest no JSON": (MANIFEST, b"{"),
    "manifest no UTF-8": (MANIFEST, b"\xff\xfe"),
    "manifest empty": (MANIFEST, b"{}"),
    "manifest a list": (MANIFEST, b'["cached_square.py"]'),
    "manifest of numbers": (MANIFEST, b'{"cached_square.py": 1}'),
    "manifest of other files": (MANIFEST, b'{"../../secret.py": "0"}'),
}
"""What can happen to a file of an entry: its new content, or None where it is gone."""


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_rebuilt(folder, builds, damage):
    lg.compile(SQUARE)
    (entry,) = entries(folder)
    name, content = DAMAGES[damage]
    (entry / name).unlink()
    if content is not None:
        (entry / name).write_bytes(content)
    forget_modules()
    assert works(lg.compile(SQUARE))
    assert builds == 2 * ["cached_square"]
    assert entries(folder) == [entry]
    forget_modules()
    assert works(lg.compile(SQUARE)) and len(builds) == 2


def test_a_file_in_place_of_an_entry_is_replaced(folder):
    lg.compile(SQUARE)
    (entry,) = entries(folder)
    shutil.rmtree(entry)
    entry.write_text("no folder")
    forget_modules()
    assert works(lg.compile(SQUARE))
    assert entries(folder) == [entry] and entry.is_dir()


def test_damage_to_what_python_keeps_beside_a_module(folder, builds):
    lg.compile(SQUARE)
    (entry,) = entries(folder)
    bytecode = Path(importlib.util.cache_from_source(str(entry / MODULE)))
    bytecode.parent.mkdir(exist_ok=True)
    source = (entry / MODULE).stat()
    sizes = [0, int(source.st_mtime), source.st_size]
    header = importlib.util.MAGIC_NUMBER + b"".join(each.to_bytes(4, "little") for each in sizes)
    bytecode.write_bytes(header + b"cut short")
    forget_modules()
    assert works(lg.compile(SQUARE))
    assert len(builds) == 2 and len(entries(folder)) == 1


def test_one_damaged_variant_rebuilds_all(folder, builds):
    lg.compile(OPTIONS)
    (entry,) = entries(folder)
    (entry / "cached_choice" / "twice.py").write_text("")
    forget_modules()
    assert lg.compile(OPTIONS)(twice=True)([0.0], [1.0]) == 2
    assert len(builds) == 2


def test_a_module_added_to_an_entry_is_not_imported(folder):
    lg.compile(OPTIONS)
    (entry,) = entries(folder)
    (entry / "cached_choice" / "math.py").write_text("raise SystemExit\n")
    forget_modules()
    assert works(lg.compile(OPTIONS))


def test_an_entry_that_fails_to_load_is_rebuilt(folder, builds, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(cache, "modules", lambda each: {MODULE: "raise RuntimeError('damaged')"})
        with pytest.raises(RuntimeError, match="damaged"):
            lg.compile(SQUARE)
    assert works(lg.compile(SQUARE))
    assert builds == ["cached_square"] and len(entries(folder)) == 1


def test_a_failure_leaves_no_folder_behind(folder, monkeypatch):
    def fail(path, text):
        raise OSError("no space left")

    monkeypatch.setattr("lossgen.compiler.files.write_atomically", fail)
    with pytest.raises(OSError, match="no space left"):
        lg.compile(SQUARE)
    assert entries(folder) == []


# The folder -------------------------------------------------------------------------------------------


def test_the_folder_is_private(folder):
    lg.compile(SQUARE)
    (entry,) = entries(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(entry.stat().st_mode) & 0o022 == 0


def test_the_folder_is_that_of_the_user_by_default(tmp_path, monkeypatch):
    monkeypatch.delenv("LOSSGEN_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    cache.cache_folder.cache_clear()
    try:
        assert cache.cache_folder() == tmp_path / "lossgen"
    finally:
        cache.cache_folder.cache_clear()


def unusable_folders(tmp_path: Path):
    """Folders that must not be used, with what the warning says about them."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    file = tmp_path / "file"
    file.write_text("")
    return {"written by others": (shared, "can be written by other users"), "a file": (file, "")}


@pytest.mark.parametrize("which", ["written by others", "a file"])
def test_a_folder_that_cannot_be_trusted_is_replaced_by_a_temporary_one(tmp_path, which):
    unusable, reason = unusable_folders(tmp_path)[which]
    with pytest.warns(RuntimeWarning, match=reason) as caught, private_cache(unusable) as folder:
        assert folder != unusable and stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert works(lg.compile(SQUARE))
        assert cache.cache_folder() == folder
    assert len(caught) == 1 and "Set LOSSGEN_CACHE_DIR" in str(caught[0].message)
    forget_modules()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="this system has no owners of files")
def test_a_folder_of_another_user_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.warns(RuntimeWarning, match="belongs to another user"), private_cache(tmp_path) as folder:
        assert folder != tmp_path


def test_a_read_only_home_gives_a_temporary_folder(tmp_path, monkeypatch):
    def read_only(self, *_, **__):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", read_only)
    with pytest.warns(RuntimeWarning, match="Permission denied"), private_cache(tmp_path / "home") as folder:
        assert folder.is_dir() and not (tmp_path / "home").exists()


def test_a_user_without_a_home_gets_a_temporary_folder(tmp_path, monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    for name in ("LOSSGEN_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    cache.cache_folder.cache_clear()
    try:
        with pytest.warns(RuntimeWarning, match="Could not determine home directory"):
            assert cache.cache_folder().is_dir()
    finally:
        cache.cache_folder.cache_clear()


def test_a_temporary_folder_is_gone_when_the_process_ends(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "temporary").mkdir()
    program = "from lossgen.compiler.cache import cache_folder; print(cache_folder())"
    folders = {"LOSSGEN_CACHE_DIR": str(tmp_path / "file"), "TMPDIR": str(tmp_path / "temporary")}
    environment = {**os.environ, **folders}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert Path(run.stdout.strip()).parent == tmp_path / "temporary", run.stderr
    assert run.stderr.count("RuntimeWarning") == 1
    assert not any((tmp_path / "temporary").iterdir())


@pytest.mark.parametrize("given", ["~/losses", "losses"])
def test_the_folder_is_the_same_wherever_the_process_goes(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with private_cache(given) as folder:
        assert folder == tmp_path / "losses"


def test_no_warning_where_all_is_well(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with private_cache(tmp_path / "new" / "cache") as folder:
            assert folder == tmp_path / "new" / "cache"
