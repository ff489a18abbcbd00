"""Losses compiled in memory: their generated modules live in the user's cache folder, one folder a formula.

An entry's name is the digest of the declaration and of the compiler; its manifest holds the digest of every
file. What is imported is the text that was read and compared with it. Numba's own cache files beside the
modules are pickles, so the folder is private, and one that somebody else owns or can write is refused. Where
nothing can be kept, the modules live in memory alone.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import threading
import time
import warnings
from functools import cache
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType

from lossgen.errors import CacheWarning
from lossgen.language.declaration import Declaration
from lossgen.runtime.compiled import IN_MEMORY
from lossgen.runtime.privacy import is_own, objection, read_regular

from . import loading
from .digest import compiler_digest, digest_of
from .files import write_tree
from .module import modules

MANIFEST = "manifest.json"
ENTRY = re.compile(r"\w+-[0-9a-f]{24}")
"""The name of an entry: that of the loss, and its key."""

LITTER = re.compile(rf"\.{ENTRY.pattern}\.\w{{8}}(\.damaged)?")
"""The name of what an entry is written to, or makes way to. The folder may hold a person's own things."""

FILE = re.compile(r"(\w+/)?\w+\.py")
"""The names of files of an entry."""

MAXIMUM_MANIFEST, MAXIMUM_BYTES = 2**20, 2**24  # a manifest, and the files of an entry together

ABANDONED = 86_400  # seconds after which what a process was writing is taken for litter

_declarations: dict[str, Declaration] = {}  # by the name of the module that each was compiled to
_one_at_a_time = threading.RLock()  # a module that another thread is still importing is not ready for use
_unfinished: set[str] = set()  # names of modules that are being imported


def _start_anew() -> None:
    """In a forked child the thread that held the lock, or was importing a module, is not there to go on."""
    global _one_at_a_time
    _one_at_a_time = threading.RLock()
    for name in _unfinished:
        sys.modules.pop(name, None)
    _unfinished.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)


def compiled_module(declaration: Declaration) -> ModuleType:
    """The imported module of a declaration, generated first if the cache does not hold it intact.

    Warns:
        CacheWarning: once for each reason why nothing can be kept.
    """
    key = hashlib.sha256(
        f"{digest_of(declaration)} {_wording(declaration)} {compiler_digest()}".encode()
    ).hexdigest()[:24]
    name = f"{IN_MEMORY}.{declaration.name}_{key}"
    with _one_at_a_time:
        _declarations.setdefault(name, declaration)
        if name in sys.modules:
            return sys.modules[name]
        folder = cache_folder()
        entry = folder and folder / f"{declaration.name}-{key}"
        kept = entry and intact_files(entry)
        if kept is not None:
            try:
                return _import(name, declaration, entry, kept)
            except Exception:
                fresh = modules(declaration)
                if fresh == kept:
                    raise
                return _import(name, declaration, _store(entry, fresh, replace=True), fresh)
        fresh = modules(declaration)
        return _import(name, declaration, entry and _store(entry, fresh), fresh)


def declaration_of(module: str) -> Declaration:
    """What a module of this process's compiled losses was made of; equal declarations share one."""
    return _declarations[module]


def _wording(declaration: Declaration) -> str:
    """Everything that the modules say besides what `digest_of` counts: assumptions of symbols, remarks."""
    words = [repr((declaration.source, declaration.kinks))]
    for key, case in declaration.cases.items():
        for term in case.terms:
            symbols = sorted(term.expression.free_symbols, key=str)
            words.append(
                repr((key, term.scope, str(term.expression), [(s.name, s.assumptions0) for s in symbols]))
            )
        words.append(repr(case.link))
    return "\n".join(words)


@cache
def cache_folder() -> Path | None:
    """The folder of compiled losses: `LOSSGEN_CACHE_DIR`, else one in the user's cache folder, else None.

    Warns:
        CacheWarning: once, when no private folder can be written.
    """
    try:
        given = os.environ.get("LOSSGEN_CACHE_DIR")
        wanted = (Path(given).expanduser() if given else _user_cache() / "lossgen").resolve()
        for place in (*reversed(wanted.parents), wanted):
            if not place.exists():
                place.mkdir(mode=0o700, exist_ok=True)
        problem = objection(wanted)
        if problem is None:
            tempfile.TemporaryFile(dir=wanted).close()
            return wanted
    except (OSError, RuntimeError) as error:  # RuntimeError: a user without a home
        problem = str(error)
    _say(problem)
    return None


@cache
def _say(problem: str) -> None:
    warnings.warn(
        f"compiled losses are kept in memory and derived again by the next process: {problem}. "
        "Set LOSSGEN_CACHE_DIR to a folder that only you can write.",
        CacheWarning,
        stacklevel=2,
    )


def _user_cache() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def intact_files(entry: Path) -> dict[str, str] | None:
    """The files of an entry by name; None unless all are as they were written, by this user."""
    try:
        if not is_own(entry) or not is_own(entry / MANIFEST):
            return None
        manifest = json.loads(read_regular(entry / MANIFEST, MAXIMUM_MANIFEST)[0])
        files, left = {}, MAXIMUM_BYTES
        for name, digest in manifest.items():
            path = entry / name
            machine_code = path.parent / "__pycache__"
            if not FILE.fullmatch(name) or not all(is_own(each) for each in (path.parent, path)):
                return None
            if os.path.lexists(machine_code) and not is_own(machine_code):
                return None
            content, _ = read_regular(path, left)
            left -= len(content)
            if hashlib.sha256(content).hexdigest() != digest:
                return None
            files[name] = content.decode("utf-8")
        return files or None
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return None


def _store(entry: Path, files: dict[str, str], replace: bool = False) -> Path | None:
    """Writes the entry beside its place and renames it there; of several writers the first one wins.

    Damaged entries make way, and with `replace` intact ones, too. Returns None if that cannot be done.

    Warns:
        CacheWarning: once for each reason, as no space left.
    """
    manifest = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()}
    try:
        _clear_litter(entry.parent)
        with tempfile.TemporaryDirectory(
            dir=entry.parent, prefix=f".{entry.name}.", ignore_cleanup_errors=True
        ) as aside:
            fresh = Path(aside, "fresh")
            for place in sorted({fresh, *((fresh / name).parent for name in files)}):
                place.mkdir(mode=0o700)
            write_tree(fresh, {**files, MANIFEST: json.dumps(manifest, indent=1)})
            if os.path.lexists(entry) and (replace or intact_files(entry) is None):
                damaged = Path(f"{aside}.damaged")  # beside: that of another user can be renamed only there
                with contextlib.suppress(OSError):
                    os.replace(entry, damaged)
                remove(damaged)
            with contextlib.suppress(OSError):  # another process was first
                os.replace(fresh, entry)
    except OSError as error:
        _say(f"{error.strerror}: {entry.parent}")
        return None
    if intact_files(entry) == files:
        return entry
    _say(f"{entry} cannot be replaced")
    return None


def _clear_litter(folder: Path) -> None:
    """Removes what processes were writing when they were killed, long ago or, by this clock, long ahead."""
    for path in folder.glob(".*"):
        with contextlib.suppress(OSError):
            if LITTER.fullmatch(path.name) and abs(time.time() - path.lstat().st_mtime) > ABANDONED:
                remove(path)


def remove(path: Path) -> None:
    """Removes a file, or a folder with all that is in it, as far as that is allowed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _import(name: str, declaration: Declaration, entry: Path | None, files: dict[str, str]) -> ModuleType:
    loading.start()
    loading.texts.add(name, declaration.name, entry or loading.NOWHERE / name, files)
    module = module_from_spec(find_spec(name))
    _unfinished.add(name)
    sys.modules[name] = module
    try:
        module.__loader__.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        _unfinished.discard(name)
    return module
