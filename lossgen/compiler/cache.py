"""Losses compiled in memory: their generated modules live in the user's cache folder, one folder a formula.

An entry's name is the digest of the declaration and of the compiler; its manifest holds the digest of every
file, which is checked before anything is imported. Numba's own cache files beside the modules are pickles,
so the folder is private and one that somebody else owns or can write is refused.
"""

import atexit
import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import stat
import sys
import tempfile
import threading
import warnings
from functools import cache
from pathlib import Path
from types import ModuleType

from lossgen.language.declaration import Declaration
from lossgen.runtime.compiled import IN_MEMORY

from .digest import compiler_digest, digest_of
from .files import write_tree
from .module import modules

MANIFEST = "manifest.json"

_declarations: dict[str, Declaration] = {}  # by the name of the module that each was compiled to
_one_at_a_time = threading.RLock()  # a module that another thread is still importing is not ready for use


def compiled_module(declaration: Declaration) -> ModuleType:
    """The imported module of a declaration, generated first if the cache does not hold it intact."""
    key = hashlib.sha256(
        f"{digest_of(declaration)} {_wording(declaration)} {compiler_digest()}".encode()
    ).hexdigest()[:24]
    name = f"{IN_MEMORY}.{declaration.name}_{key}"
    with _one_at_a_time:
        _declarations.setdefault(name, declaration)
        if name in sys.modules:
            return sys.modules[name]
        entry = cache_folder() / f"{declaration.name}-{key}"
        if not _is_intact(entry):
            _store(entry, modules(declaration))
        try:
            return _import(name, entry, declaration)
        except Exception:  # its files are as they were written, but not what Python cached beside them
            _store(entry, modules(declaration), replace=True)
            return _import(name, entry, declaration)


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
def cache_folder() -> Path:
    """The folder of compiled losses: `LOSSGEN_CACHE_DIR`, else the user's cache folder, else a temporary one.

    Warns:
        RuntimeWarning: once, when no private folder can be written and a temporary one is used.
    """
    try:
        given = os.environ.get("LOSSGEN_CACHE_DIR")
        wanted = (Path(given).expanduser() if given else _user_cache() / "lossgen").absolute()
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
        problem = _objection(wanted)
        if problem is None:
            return wanted
    except (OSError, RuntimeError) as error:  # RuntimeError: a user without a home
        problem = str(error)
    temporary = Path(tempfile.mkdtemp(prefix="lossgen-"))
    atexit.register(_remove, temporary, os.getpid())
    warnings.warn(
        f"compiled losses are kept in {temporary} and lost afterwards: {problem}. "
        "Set LOSSGEN_CACHE_DIR to a folder that only you can write.",
        RuntimeWarning,
        stacklevel=2,
    )
    return temporary


def _remove(folder: Path, process: int) -> None:
    if os.getpid() == process:  # not at the end of a fork, while its parent goes on
        shutil.rmtree(folder, ignore_errors=True)


def _user_cache() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _objection(folder: Path) -> str | None:
    """Why a folder must not be used, or None."""
    found = folder.stat()
    if hasattr(os, "getuid"):
        if found.st_uid != os.getuid():
            return f"{folder} belongs to another user"
        if stat.S_IMODE(found.st_mode) & 0o022:
            return f"{folder} can be written by other users"
    with tempfile.TemporaryFile(dir=folder):
        return None


def _is_intact(entry: Path) -> bool:
    """Whether every file of the entry is as it was written."""
    try:
        manifest = json.loads((entry / MANIFEST).read_text(encoding="utf-8"))
        return bool(manifest) and all(
            hashlib.sha256((entry / name).read_bytes()).hexdigest() == digest
            for name, digest in manifest.items()
        )
    except (OSError, ValueError, AttributeError, TypeError):
        return False


def _store(entry: Path, files: dict[str, str], replace: bool = False) -> None:
    """Writes the entry beside its place and renames it there; of several writers the first one wins.

    Damaged entries make way, and with `replace` intact ones, too.
    """
    manifest = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()}
    with tempfile.TemporaryDirectory(
        dir=entry.parent, prefix=f".{entry.name}.", ignore_cleanup_errors=True
    ) as aside:
        fresh = Path(aside, "fresh")
        write_tree(fresh, {**files, MANIFEST: json.dumps(manifest, indent=1)})
        if entry.exists() and (replace or not _is_intact(entry)):
            with contextlib.suppress(OSError):
                os.replace(entry, Path(aside, "damaged"))
        try:
            os.replace(fresh, entry)
        except OSError:
            if not _is_intact(entry):
                raise


def _import(name: str, entry: Path, declaration: Declaration) -> ModuleType:
    folder = entry / declaration.name
    path = folder / "__init__.py" if folder.is_dir() else entry / f"{declaration.name}.py"
    places = [str(folder)] if folder.is_dir() else None
    if IN_MEMORY not in sys.modules:
        package = ModuleType(IN_MEMORY)
        package.__path__ = []
        sys.modules[IN_MEMORY] = package
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=places)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
