"""Machine code on disk: found again, never mistaken for other code, damaged files made anew."""

import errno
import importlib.util
import os
import pickle
import shutil
import stat
import subprocess
import sys
import time
import warnings

import pytest
from numba.core import caching

from lossgen.runtime import compiling, privacy

posix = pytest.mark.skipif(not hasattr(os, "getuid"), reason="this system has no owners of files")

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


def compiled_here(folder, name, factor=2):
    """The function of a module of that name, compiled in this process."""
    path = folder / f"{name}.py"
    path.write_text(MODULE.format(factor=factor))
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module.doubled


@pytest.fixture
def anew():
    """Warns as a new process would."""
    compiling._say.cache_clear()
    yield
    compiling._say.cache_clear()


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


def test_whole_code_of_another_function_is_not_taken(folder):
    """Only its name tells: the two files have been exchanged."""
    other = MODULE.format(factor=5).replace("doubled", "other")
    (folder / "module.py").write_text(MODULE.format(factor=2) + other)
    program = SCRIPT + "from module import other\nother(np.float32(3))\n"
    (folder / "script.py").write_text(program)
    run(folder, "float32")
    first, second = files(folder)
    content = first.read_bytes()
    shutil.copy(second, first)
    second.write_bytes(content)
    assert run(folder, "float32") == [("6.0", "0")]


def test_code_made_with_another_runtime_is_not_taken(tmp_path, monkeypatch, anew):
    first = compiled_here(tmp_path, "of_one_runtime")
    assert first(1.0) == 2.0 and not first.stats.cache_hits
    again = compiled_here(tmp_path, "of_one_runtime")
    assert again(1.0) == 2.0 and again.stats.cache_hits
    monkeypatch.setattr(compiling, "runtime_digest", lambda: "00000000")
    later = compiled_here(tmp_path, "of_one_runtime")
    assert later(1.0) == 2.0 and not later.stats.cache_hits


@posix
def test_code_that_another_user_wrote_is_not_unpickled(tmp_path, monkeypatch, anew):
    compiled_here(tmp_path, "of_somebody")(1.0)
    (path,) = files(tmp_path)
    here = path.stat().st_uid
    cache = compiled_here(tmp_path, "of_somebody")._cache._cache_file
    monkeypatch.setattr(cache, "path", lambda key: path)
    monkeypatch.setattr(pickle, "loads", lambda content: "unpickled")
    assert cache.load(None) == "unpickled"
    monkeypatch.setattr(os, "fstat", lambda _: os.stat_result((0o100644, 0, 0, 1, here + 1, 0, 0, 0, 0, 0)))
    assert cache.load(None) is None
    cache.module_owner = here + 1  # who can run code here anyway
    assert cache.load(None) == "unpickled"


@posix
@pytest.mark.parametrize("which", ["file", "folder"])
def test_code_that_others_could_write_is_not_unpickled(tmp_path, monkeypatch, anew, which):
    monkeypatch.setattr(privacy, "_private_group", lambda: None)
    name = f"beside_an_open_{which}"
    compiled_here(tmp_path, name)(1.0)
    (path,) = files(tmp_path)
    cache = compiled_here(tmp_path, name)._cache._cache_file
    monkeypatch.setattr(cache, "path", lambda key: path)
    monkeypatch.setattr(pickle, "loads", lambda content: "unpickled")
    place = path if which == "file" else path.parent
    for others in (0o020, 0o002):
        mode = stat.S_IMODE(place.stat().st_mode)
        assert cache.load(None) == "unpickled"
        place.chmod(mode | others)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert cache.load(None) is None
        assert which == "file" or others == 0o002 or "can be written by others" in str(caught[0].message)
        cache.module_is_open = True  # they can run code here anyway
        assert cache.load(None) == "unpickled"
        cache.module_is_open = False
        place.chmod(mode)


@posix
def test_machine_code_is_written_for_oneself_whatever_the_umask(tmp_path, anew):
    before = os.umask(0)
    try:
        compiled_here(tmp_path, "of_an_open_umask")(1.0)
    finally:
        os.umask(before)
    (path,) = files(tmp_path)
    assert not stat.S_IMODE(path.stat().st_mode) & 0o022


@posix
@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_what_is_no_file_is_not_read(tmp_path, anew, kind):
    compiled_here(tmp_path, f"behind_a_{kind}")(1.0)
    (path,) = files(tmp_path)
    kept = path.rename(tmp_path / "elsewhere")
    {"pipe": os.mkfifo, "link": lambda path: path.symlink_to(kept), "folder": os.mkdir}[kind](path)
    again = compiled_here(tmp_path, f"behind_a_{kind}")
    if kind == "folder":  # and nothing can be written in its place
        with pytest.warns(RuntimeWarning, match="directory"):
            assert again(1.0) == 2.0
    else:
        assert again(1.0) == 2.0
    assert not again.stats.cache_hits


def test_a_rebuild_of_the_same_size_in_the_same_tick_is_other_code(tmp_path, monkeypatch, anew):
    """The times of a coarse clock, and the stamp that Numba makes of them."""
    monkeypatch.setattr(caching._SourceFileBackedLocatorMixin, "get_source_stamp", lambda _: (1.7e9, 99))
    for factor in (2, 3, 2):
        (tmp_path / "rebuilt.py").unlink(missing_ok=True)
        made = compiled_here(tmp_path, "rebuilt", factor=factor)
        assert made(1.0) == factor and not made.stats.cache_hits
    assert compiled_here(tmp_path, "rebuilt", factor=2)(1.0) == 2


def test_on_a_full_disk_code_is_compiled_and_not_kept(tmp_path, monkeypatch, anew):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    function = compiled_here(tmp_path, "on_a_full_disk")
    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(RuntimeWarning, match=r"No space left on device.*Set NUMBA_CACHE_DIR") as caught:
        assert function(3.0) == 6.0 and function(3) == 6
    assert len(caught) == 1 and not any((tmp_path / "__pycache__").glob("*.nb*"))


def test_where_no_folder_can_be_written_code_is_not_kept(tmp_path, monkeypatch, anew):
    monkeypatch.setattr(caching._CacheLocator, "ensure_cache_path", _read_only)
    with pytest.warns(RuntimeWarning, match="nor the user's cache folder can be written") as caught:
        function = compiled_here(tmp_path, "read_only")
    assert function(3.0) == 6.0 and len(caught) == 1
    assert not files(tmp_path)


def _read_only(self):
    raise PermissionError(13, "Permission denied")


def test_what_killed_processes_left_goes_after_a_day(tmp_path, anew):
    compiled_here(tmp_path, "often_killed")(1.0)
    (path,) = files(tmp_path)
    old, young = (path.with_name(f"{path.name}.tmp.{each}") for each in ("0123", "4567"))
    for each, age in ((old, 100_000), (young, 10)):
        each.write_bytes(b"half")
        os.utime(each, (time.time() - age, time.time() - age))
    path.unlink()
    compiled_here(tmp_path, "often_killed")(1.0)
    assert not old.exists() and young.exists()
