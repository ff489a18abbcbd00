"""Losses compiled in memory: their generated modules live in the user's cache folder, one folder a formula.

An entry's name is the digest of the declaration and of the compiler; its manifest holds the digest of every
file, which is checked before anything is imported. Numba's own cache files beside the modules are pickles,
so the folder is private and one that somebody else owns or can write is refused.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import stat
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path
from types import ModuleType

from lossgen.language.declaration import Declaration

from .digest import compiler_digest
from .files import write_tree
from .module import digest_of, modules

MANIFEST = "manifest.json"
NAMESPACE = "lossgen_compiled"


def compiled_module(declaration: Declaration) -> ModuleType:
    """The imported module of a declaration, generated first if the cache does not hold it intact."""
    key = hashlib.sha256(
        f"{digest_of(declaration)} {_wording(declaration)} {compiler_digest()}".encode()
    ).hexdigest()[:24]
    name = f"{NAMESPACE}.{declaration.name}_{key}"
    if name in sys.modules:
        return sys.modules[name]
    entry = cache_folder() / f"{declaration.name}-{key}"
    if not _is_intact(entry):
        _store(entry, modules(declaration))
    try:
        return _import(name, entry, declaration)
    except Exception:
        sys.modules.pop(name, None)
        _store(entry, modules(declaration))
        return _import(name, entry, declaration)


def _wording(declaration: Declaration) -> str:
    """Everything that the formulas say, assumptions of symbols included."""
    words = []
    for key, case in declaration.cases.items():
        for term in case.terms:
            symbols = sorted(term.expression.free_symbols, key=str)
            words.append(
                repr((key, term.scope, str(term.expression), [(s.name, s.assumptions0) for s in symbols]))
            )
    return "\n".join(words)


@cache
def cache_folder() -> Path:
    """The folder of compiled losses: `LOSSGEN_CACHE_DIR`, else the user's cache folder, else a temporary one.

    Warns:
        RuntimeWarning: once, when no private folder can be written and a temporary one is used.
    """
    wanted = Path(os.environ.get("LOSSGEN_CACHE_DIR") or _user_cache() / "lossgen")
    try:
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
        problem = _objection(wanted)
        if problem is None:
            return wanted
    except OSError as error:
        problem = str(error)
    temporary = Path(tempfile.mkdtemp(prefix="lossgen-"))
    warnings.warn(
        f"compiled losses are kept in {temporary} and lost afterwards: {problem}. "
        "Set LOSSGEN_CACHE_DIR to a folder that only you can write.",
        RuntimeWarning,
        stacklevel=2,
    )
    return temporary


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


def _store(entry: Path, files: dict[str, str]) -> None:
    """Writes the entry beside its place and renames it there; of several writers the first one wins."""
    manifest = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()}
    fresh = Path(tempfile.mkdtemp(dir=entry.parent, prefix=f".{entry.name}."))
    write_tree(fresh, {**files, MANIFEST: json.dumps(manifest, indent=1)})
    damaged = None
    if entry.exists() and not _is_intact(entry):
        damaged = Path(tempfile.mkdtemp(dir=entry.parent, prefix=".damaged."))
        with contextlib.suppress(OSError):  # another process was first
            os.replace(entry, damaged / entry.name)
    try:
        os.replace(fresh, entry)
    except OSError:
        if not _is_intact(entry):
            raise
    finally:
        for folder in (fresh, damaged):
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)


def _import(name: str, entry: Path, declaration: Declaration) -> ModuleType:
    folder = entry / declaration.name
    path = folder / "__init__.py" if folder.is_dir() else entry / f"{declaration.name}.py"
    places = [str(folder)] if folder.is_dir() else None
    if NAMESPACE not in sys.modules:
        package = ModuleType(NAMESPACE)
        package.__path__ = []
        sys.modules[NAMESPACE] = package
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=places)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
