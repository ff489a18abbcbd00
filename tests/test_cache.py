"""The cache of compiled losses: one entry a formula, shared by processes, rebuilt when damaged."""

import errno
import hashlib
import importlib.util
import json
import marshal
import os
import pickle
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import pytest
from private_cache import forget, private_cache

import lossgen as lg
from lossgen.cli import main
from lossgen.compiler import cache
from lossgen.compiler.digest import GENERATING
from lossgen.compiler.module import modules
from lossgen.runtime import privacy

error = lg.y_pred - lg.y_true
SQUARE = lg.declare("cached_square", lg.Mean(error**2))
OPTIONS = lg.loss(name="cached_choice")(
    lambda y_true, y_pred, *, twice=False: lg.Mean((1 + twice) * (y_pred - y_true) ** 2)
)

posix = pytest.mark.skipif(not hasattr(os, "getuid"), reason="this system has no owners of files")

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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fork_while_another_thread_compiles(folder, monkeypatch):
    began, go_on = threading.Event(), threading.Event()

    def waiting(declaration):
        began.set()
        assert go_on.wait(60)
        return modules(declaration)

    monkeypatch.setattr(cache, "modules", waiting)
    compiling = threading.Thread(target=lg.compile, args=(SQUARE,))
    compiling.start()
    assert began.wait(60)
    child = os.fork()
    if not child:
        signal.alarm(60)
        go_on.set()
        os._exit(0 if works(lg.compile(SQUARE)) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    go_on.set()
    compiling.join()
    assert works(lg.compile(SQUARE))


def test_the_key_counts_every_file_that_text_is_generated_by():
    known = {files(package) for package in GENERATING}
    for package in ("lossgen.compiler", "lossgen.language", "lossgen.templates"):
        for folder in (files(package), *files(package).rglob("*/")):
            assert folder in known or not any(folder.glob("*.py")), f"{folder} is missing in GENERATING"


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
    "manifest of a device": (MANIFEST, b'{"/dev/zero": "0"}'),
    "manifest too deep": (MANIFEST, b"[" * 100_000),
    "manifest too long": (MANIFEST, b" " * 2**20 + b"{}"),
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


def test_what_python_keeps_beside_a_module_is_not_read(folder, builds):
    """Bytecode of another formula, which Python itself would take for that of the module."""
    lg.compile(SQUARE)
    (entry,) = entries(folder)
    text = (entry / MODULE).read_text()
    other = text.replace("error*error", "error")
    assert other != text
    bytecode = Path(importlib.util.cache_from_source(str(entry / MODULE)))
    bytecode.parent.mkdir(exist_ok=True)
    source = (entry / MODULE).stat()
    sizes = [0, int(source.st_mtime), source.st_size]
    header = importlib.util.MAGIC_NUMBER + b"".join(each.to_bytes(4, "little") for each in sizes)
    bytecode.write_bytes(header + marshal.dumps(compile(other, str(entry / MODULE), "exec")))
    forget_modules()
    assert works(lg.compile(SQUARE))
    assert len(builds) == 1 and len(entries(folder)) == 1


def test_what_was_checked_is_imported_and_not_what_a_file_has_become_since(folder):
    cls = lg.compile(OPTIONS)
    (entry,) = entries(folder)
    (entry / "cached_choice" / "twice.py").write_text("raise SystemExit\n")
    assert cls(twice=True)([0.0], [1.0]) == 2


@posix
@pytest.mark.parametrize("which", ["entry", "manifest.json", MODULE, "__pycache__"])
def test_what_others_could_write_is_made_anew(folder, builds, which):
    works(lg.compile(SQUARE))
    (entry,) = entries(folder)
    (entry if which == "entry" else entry / which).chmod(0o777)
    forget_modules()
    assert works(lg.compile(SQUARE)) and len(builds) == 2
    assert entries(folder) == [entry] and not stat.S_IMODE(entry.stat().st_mode) & 0o022


@posix
@pytest.mark.parametrize("which", ["entry", "manifest.json", MODULE, "__pycache__"])
def test_a_symbolic_link_is_made_anew(folder, builds, tmp_path, which):
    works(lg.compile(SQUARE))
    (entry,) = entries(folder)
    path = entry if which == "entry" else entry / which
    shutil.move(path, tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    forget_modules()
    assert works(lg.compile(SQUARE)) and len(builds) == 2
    assert entries(folder) == [entry] and not entry.is_symlink()
    assert (tmp_path / "elsewhere").exists(), "what the link led to stays"


@posix
@pytest.mark.parametrize("which", ["manifest.json", MODULE])
def test_a_pipe_is_not_waited_for(folder, builds, which):
    lg.compile(SQUARE)
    (entry,) = entries(folder)
    (entry / which).unlink()
    os.mkfifo(entry / which, 0o600)
    forget_modules()
    assert works(lg.compile(SQUARE)) and len(builds) == 2


def test_no_file_outside_of_an_entry_is_read(folder, tmp_path, monkeypatch):
    (tmp_path / "secret.py").write_text("raise SystemExit")
    entry = folder / f"own-{'a' * 24}"
    entry.mkdir(mode=0o700)
    opened = []
    monkeypatch.setattr(cache, "read_regular", lambda *of: opened.append(of[0]) or privacy.read_regular(*of))
    digest = hashlib.sha256(b"raise SystemExit").hexdigest()
    for name in (f"{tmp_path}/secret.py", "../../secret.py", "a/../../../secret.py", "secret.py\n", ".py"):
        (entry / "manifest.json").write_text(json.dumps({name: digest}))
        assert cache.intact_files(entry) is None
    assert {path.name for path in opened} == {"manifest.json"}


def test_the_files_of_an_entry_are_bounded_together(folder, monkeypatch):
    lg.compile(OPTIONS)
    (entry,) = entries(folder)
    size = sum(len(text.encode()) for text in cache.intact_files(entry).values())
    monkeypatch.setattr(cache, "MAXIMUM_BYTES", size)
    assert cache.intact_files(entry) == modules(OPTIONS)
    monkeypatch.setattr(cache, "MAXIMUM_BYTES", size - 1)
    assert cache.intact_files(entry) is None


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


@pytest.fixture
def full_disk(monkeypatch):
    def fail(path, text):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("lossgen.compiler.files.write_atomically", fail)


@pytest.mark.parametrize("declaration", [SQUARE, OPTIONS], ids=["module", "folder"])
def test_on_a_full_disk_losses_are_kept_in_memory(folder, declaration, full_disk):
    with pytest.warns(RuntimeWarning, match=r"in memory.*No space left on device.*Set LOSS") as caught:
        cls = lg.compile(declaration)
    assert works(cls) and len(caught) == 1
    assert lg.compile(declaration) is cls
    assert entries(folder) == []


def test_the_warning_of_a_full_disk_comes_once(folder, full_disk):
    with pytest.warns(RuntimeWarning) as caught:
        lg.compile(SQUARE)
        lg.compile(OPTIONS)
    assert len(caught) == 1


def test_what_is_in_memory_is_what_would_be_in_a_file(folder, full_disk):
    with pytest.warns(RuntimeWarning):
        cls = lg.compile(OPTIONS)
    assert cls(twice=True)([0.0], [1.0]) == 2
    assert cls(twice=True).source() == modules(OPTIONS)["cached_choice/twice.py"]
    again = pickle.loads(pickle.dumps(cls(twice=True)))
    assert type(again) is cls and again([0.0], [1.0]) == 2


def test_what_killed_processes_left_goes_after_a_day(folder):
    lg.compile(SQUARE)
    (entry,) = entries(folder)
    now = time.time()
    ages = {"older678": -100_000, "ahead678": 100_000, "young678": 0, "older678.damaged": -100_000}
    left = {f".{entry.name}.{name}": now + age for name, age in ages.items()}  # the clock went back since
    mine = {".ssh": now - 100_000, f".{entry.name}": now - 100_000}
    for name, time_ in {**left, **mine}.items():
        (folder / name).mkdir()
        (folder / name / "file").write_text("")
        os.utime(folder / name, (time_, time_))
    lg.compile(OPTIONS)
    assert {path.name for path in folder.glob(".*")} == {f".{entry.name}.young678", *mine}


# The command ------------------------------------------------------------------------------------------


def test_the_command_lists_and_clears_what_is_kept(folder, capsys):
    works(lg.compile(SQUARE))
    lg.compile(OPTIONS)
    (folder / "notes.txt").write_text("mine")
    for name in ("own", ".hidden"):
        (folder / name).mkdir()
        (folder / name / "manifest.json").write_text("{}")
    assert main(["cache"]) == 0
    printed = capsys.readouterr().out
    files = [file for entry in folder.glob("cached_*") for file in entry.rglob("*") if file.is_file()]
    kept = sum(file.stat().st_size for file in files)
    assert f": {kept / 1024:,.0f} KB" in printed  # notes.txt is none of ours
    assert "cached_square" in printed and "cached_choice" in printed
    assert f"2 entries in {folder}" in printed.replace("\n", "")
    assert main(["cache", "--clear"]) == 0
    assert "2 entries removed" in capsys.readouterr().err
    assert {path.name for path in folder.iterdir()} == {"notes.txt", "own", ".hidden"}
    forget_modules()
    assert works(lg.compile(SQUARE))


def test_the_command_says_where_there_is_no_folder(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    with pytest.warns(RuntimeWarning), private_cache(tmp_path / "file"):
        assert main(["cache"]) == 2
    assert "set LOSSGEN_CACHE_DIR" in capsys.readouterr().err


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


@posix
@pytest.mark.parametrize("which", ["written by others", "a file"])
def test_a_folder_that_cannot_be_trusted_is_not_used(tmp_path, which):
    unusable, reason = unusable_folders(tmp_path)[which]
    before = forget_modules()
    with pytest.warns(RuntimeWarning, match=reason) as caught, private_cache(unusable) as folder:
        assert folder is None
        assert works(lg.compile(SQUARE))
        assert cache.cache_folder() is None
    assert len(caught) == 1 and "Set LOSSGEN_CACHE_DIR" in str(caught[0].message)
    assert not unusable.is_dir() or not any(unusable.iterdir())
    forget_modules()
    sys.modules.update(before)


@posix
@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757])
def test_a_folder_within_one_that_others_write_is_refused(tmp_path, monkeypatch, mode):
    monkeypatch.setattr(privacy, "_private_group", lambda: None)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(mode)
    with (
        pytest.warns(RuntimeWarning, match="shared can be written by other users"),
        private_cache(tmp_path / "shared" / "own") as folder,
    ):
        assert folder is None


@posix
def test_a_folder_within_one_where_others_may_only_add_is_used(tmp_path):
    (tmp_path / "sticky").mkdir()
    (tmp_path / "sticky").chmod(0o1777)
    with private_cache(tmp_path / "sticky" / "own") as folder:
        assert folder == tmp_path / "sticky" / "own"


@posix
def test_the_group_of_a_user_alone_may_write(tmp_path, monkeypatch):
    (tmp_path / "own").mkdir()
    (tmp_path / "own").chmod(0o770)
    monkeypatch.setattr(privacy, "_private_group", lambda: (tmp_path / "own").stat().st_gid)
    assert privacy.objection(tmp_path / "own") is None
    (tmp_path / "own").chmod(0o772)
    assert "can be written by other users" in privacy.objection(tmp_path / "own")


@posix
def test_a_group_that_is_somebody_elses_own_is_not_private(monkeypatch):
    """Its list of members leaves such a user out."""
    import grp
    import pwd

    me = pwd.struct_passwd(("me", "x", os.getuid(), 7001, "", "/home/me", "/bin/sh"))
    other = pwd.struct_passwd(("other", "x", os.getuid() + 1, 7001, "", "/home/other", "/bin/sh"))
    users = [me]
    monkeypatch.setattr(pwd, "getpwuid", lambda _: me)
    monkeypatch.setattr(pwd, "getpwall", lambda: users)
    monkeypatch.setattr(grp, "getgrgid", lambda _: grp.struct_group(("me", "x", 7001, [])))
    found = privacy._private_group.__wrapped__
    assert found() == 7001
    users.append(other)
    assert found() is None


@posix
def test_a_link_counts_as_what_it_leads_to(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    (tmp_path / "link").symlink_to(tmp_path / "shared")
    with (
        pytest.warns(RuntimeWarning, match="shared can be written by other users"),
        private_cache(tmp_path / "link" / "own") as folder,
    ):
        assert folder is None


@posix
def test_a_folder_of_another_user_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.warns(RuntimeWarning, match="belongs to another user"), private_cache(tmp_path) as folder:
        assert folder is None


@posix
def test_new_folders_are_private_up_to_the_one_that_was_there(tmp_path):
    before = os.umask(0)
    try:
        with private_cache(tmp_path / "home" / "cache" / "losses") as folder:
            assert folder is not None
    finally:
        os.umask(before)
    for path in (tmp_path / "home", *(tmp_path / "home").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_read_only_home_keeps_losses_in_memory(tmp_path, monkeypatch):
    def read_only(self, *_, **__):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", read_only)
    with pytest.warns(RuntimeWarning, match="Permission denied"), private_cache(tmp_path / "home") as folder:
        assert folder is None and not (tmp_path / "home").exists()


def test_a_user_without_a_home_keeps_losses_in_memory(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    for name in ("LOSSGEN_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    forget()
    try:
        with pytest.warns(RuntimeWarning, match="Could not determine home directory"):
            assert cache.cache_folder() is None
    finally:
        forget()


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
