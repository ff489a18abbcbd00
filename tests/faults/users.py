"""Folders and files of other users, homes that cannot be written.

As root, a real second user plays the person, and a third one the stranger; other users that run this see the
same through injection, which counts as such.
"""

import json
import os
import pickle
import random
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from private_cache import forget

from faults.children import Ended, forked
from faults.counting import Count
from faults.losses import OTHER, SINGLE, computed, computed_in, content
from lossgen.runtime.compiling import _seal

PERSON, STRANGER = 64_001, 64_002
"""Users that no system has given to anybody."""

CANARY = "\nraise SystemExit('code of a stranger ran')\n"


def _people() -> bool:
    """Whether there can be a second user here."""
    if os.name != "posix" or os.getuid():
        return False
    with tempfile.TemporaryDirectory() as place:
        return _person(Path(place, "none"), Path(place)).error is None


def _give(folder: Path, user: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, user, follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(0o755)  # the person may read it, so that only a check keeps them from running it


def _person(cache: Path, home: Path) -> Ended:
    return forked(_become_and_compute, cache, home)


def _become_and_compute(cache: Path | None, home: Path) -> list[str]:
    """Another user, who may not be allowed to read Python's own library: all of it is loaded before."""
    import grp as grp
    import pwd as pwd

    with tempfile.TemporaryDirectory() as place:
        computed_in(place, OTHER)
    os.setgroups([])
    os.setgid(PERSON)
    os.setuid(PERSON)
    os.environ["HOME"] = str(home)
    os.environ["XDG_CACHE_HOME"] = str(home / ".cache")
    forget()
    if cache is not None:
        return computed_in(cache)
    del os.environ["LOSSGEN_CACHE_DIR"]
    return computed()


def _forge(entry: Path) -> None:
    """An entry that is whole by its manifest, and whose module is a stranger's."""
    import hashlib

    manifest = json.loads((entry / "manifest.json").read_text())
    for name in manifest:
        (entry / name).write_text((entry / name).read_text() + CANARY)
        manifest[name] = hashlib.sha256((entry / name).read_bytes()).hexdigest()
    (entry / "manifest.json").write_text(json.dumps(manifest))


def _foreign_folder(cache: Path) -> None:
    _forge(_entry(cache))
    _give(cache, STRANGER)


def _writable_folder(cache: Path) -> None:
    _forge(_entry(cache))
    cache.chmod(0o777)


def _foreign_parent(cache: Path) -> None:
    _forge(_entry(cache))
    os.chown(cache.parent, STRANGER, STRANGER)


def _writable_parent(cache: Path) -> None:
    _forge(_entry(cache))
    cache.parent.chmod(0o777)


def _foreign_entry(cache: Path) -> None:
    _forge(_entry(cache))
    _give(_entry(cache), STRANGER)


def _foreign_files(cache: Path) -> None:
    entry = _entry(cache)
    _forge(entry)
    for path in entry.iterdir():
        if path.is_file():
            os.chown(path, STRANGER, STRANGER)


def _writable_files(cache: Path) -> None:
    entry = _entry(cache)
    _forge(entry)
    for path in entry.iterdir():
        path.chmod(path.stat().st_mode | stat.S_IWOTH)


class Canary:
    """Ends a process that unpickles it."""

    def __reduce__(self):
        return exit, ("code of a stranger ran",)


def _foreign_machine_code(cache: Path) -> None:
    """Files that are whole by their seal, but of another user: they must not even be unpickled."""
    for path in cache.rglob("*.nbc"):
        code = pickle.dumps(Canary())
        path.write_bytes(_seal(path, code) + code)
        os.chown(path, STRANGER, STRANGER)


def _linked_entry(cache: Path) -> None:
    entry = _entry(cache)
    _forge(entry)
    place = cache.parent.parent / "strangers"
    shutil.rmtree(place, ignore_errors=True)
    shutil.move(entry, place)
    _give(place, STRANGER)
    entry.symlink_to(place)
    os.chown(entry, STRANGER, STRANGER, follow_symlinks=False)


def _linked_folder(cache: Path) -> None:
    _forge(_entry(cache))
    place = cache.parent.parent / "strangers"
    shutil.rmtree(place, ignore_errors=True)
    shutil.move(cache, place)
    _give(place, STRANGER)
    cache.symlink_to(place)


def _entry(cache: Path) -> Path:
    return next(path for path in cache.iterdir() if path.name.startswith(SINGLE.name))


REFUSED = (_foreign_folder, _writable_folder, _foreign_parent, _writable_parent, _linked_folder)
"""The whole folder is refused, with a warning; the others are replaced without a word."""

HOSTILE: tuple[Callable[[Path], None], ...] = (
    *REFUSED, _foreign_entry, _foreign_files, _writable_files, _foreign_machine_code, _linked_entry,
)  # fmt: skip


def other_users(folder: Path, times: int, random_: random.Random) -> Count:
    """A cache of another user, or that one can write, wholly or in part, with code of a stranger in it."""
    if not _people():
        return _injected(folder)
    count = Count()
    folder.chmod(0o755)
    expected = forked(computed_in, folder / "quiet").result
    for number in range(min(times, 2 * len(HOSTILE))):
        prepare = HOSTILE[number % len(HOSTILE)]
        home = folder / f"home-{number}"
        home.mkdir(mode=0o700)
        home.chmod(0o755)
        os.chown(home, PERSON, PERSON)
        cache = home / "caches" / "lossgen"
        first = _person(cache, home)
        failures = first.failures(expected)
        prepare(cache)
        before = content(cache)
        end = _person(cache, home)
        failures += end.failures(expected)
        if prepare in REFUSED:
            failures += [] if len(end.warned) == 1 else [("failed", f"warnings: {end.warned}")]
            failures += [] if content(cache) == before else [("failed", "a refused folder was written")]
        count.add(prepare.__name__.lstrip("_").replace("_", " "), failures, ["by a second user"])
    return count


def _injected(folder: Path) -> Count:
    """What a process that is told to be another user makes of its own cache."""
    count = Count()
    expected = forked(computed_in, folder / "quiet").result
    forked(computed_in, folder / "cache")
    end = forked(_as_stranger, folder / "cache")
    failures = end.failures(expected) + (
        [] if len(end.warned) == 1 else [("failed", f"warnings: {end.warned}")]
    )
    count.add("a folder of another user", failures, ["by injection"])
    return count


def _as_stranger(cache: Path) -> list[str]:
    found = os.getuid() + 1
    os.getuid = lambda: found
    return computed_in(cache)


def read_only_home(folder: Path, times: int, random_: random.Random) -> Count:
    """A home that cannot be written, or is not there: losses are compiled in memory, with a warning."""
    count = Count()
    folder.chmod(0o755)
    expected = forked(computed_in, folder / "quiet").result
    people = _people()
    for number in range(min(times, 4)):
        home = folder / f"home-{number}"
        if number % 2:
            home.mkdir(mode=0o755)
        before = content(folder)
        end = forked(_become_and_compute, None, home) if people else forked(_in_read_only_home, home)
        failures = end.failures(expected)
        failures += [] if 1 <= len(end.warned) <= 2 else [("failed", f"warnings: {end.warned}")]
        failures += [] if content(folder) == before else [("lost", "something was written")]
        count.add(
            "read-only" if number % 2 else "not there",
            failures,
            ["by a second user" if people else "by injection"],
        )
    return count


def _in_read_only_home(home: Path) -> list[str]:
    make = os.mkdir

    def read_only(path, *arguments, **keywords):
        if str(path).startswith(str(home)):
            raise PermissionError(13, "Permission denied", str(path))
        return make(path, *arguments, **keywords)

    os.mkdir = read_only
    return computed_in(home / ".cache" / "lossgen", OTHER) and computed_in(home / ".cache" / "lossgen")
