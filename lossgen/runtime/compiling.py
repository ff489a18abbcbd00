"""`njit` and `cfunc` as Numba has them, but for the cache on disk: quick, and safe with many processes.

Before Numba reads machine code from a file, it loads everything that it knows how to compile (and SciPy, if
there is one, to find out about linear algebra): about 0.3 s in every process that uses a compiled loss. Code
that is compiled needs only the runtime that counts references; the rest is loaded when something is compiled.

Numba's index gives machine code a numbered file and is written first: a process that reads in between gets
what was in that file before, code for other types or of an older source. Here a file is named after all that
its code depends on, and begins with a digest of its name and content.

Where nothing can be written, code is compiled by every process; a warning says so once.
"""

import contextlib
import hashlib
import os
import pickle
import stat
import time
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numba
from numba.core import config
from numba.core.caching import FunctionCache, IndexDataCacheFile, NullCache
from numba.core.ccallback import CFunc
from numba.core.runtime import rtsys
from numba.core.sigutils import normalize_signature

from lossgen.errors import CacheWarning
from lossgen.runtime.digest import runtime_digest
from lossgen.runtime.own_copies import SelfContained
from lossgen.runtime.privacy import OTHERS, others_write, read_regular

MAXIMUM_BYTES = 2**28  # of the machine code of one function

ABANDONED = 86_400  # seconds after which a file that a process was writing is taken for litter

UNREADABLE = (OSError, ImportError, AttributeError, pickle.UnpicklingError, EOFError)
"""What reading a file raises that is not there, or that names what is not there any more."""


class CacheFiles(IndexDataCacheFile):
    """Machine code of one function: a file for each signature, and no index.

    The files are pickles, as Numba's own are, in the folder that Numba chooses. The digest finds damage; what
    others than the owner could write is not read, unless they can write the module of the function, too.
    """

    module_owner: int | None = None  # the user that the module of the function belongs to, where known
    module_is_open: bool = False  # whether others can write that module, or put another in its place
    text_digest: str = ""  # of the module; its time and size, which Numba goes by, can stay as they were

    def path(self, key) -> Path:
        """The file of a signature: of this source, this runtime, this Numba, this processor."""
        sources = self._version, self._source_stamp, self.text_digest, runtime_digest()
        source = _digest(repr(sources).encode())[:8]
        stem = self._index_name.removesuffix(".nbi")
        # Types of different kinds may be spelt alike, as a tuple of arguments and one that is an argument.
        kinds = [type(one).__name__ for one in getattr(key[0], "args", key[0])]
        return Path(self._cache_path, f"{stem}.{source}.{_digest(repr((key, kinds)).encode())[:16]}.nbc")

    def save(self, key, data) -> None:
        """Writes machine code; files of older sources go, and what killed processes left."""
        path, content = self.path(key), self._dump(data)
        source = path.name.rsplit(".", 2)[0]
        stem = self._index_name.removesuffix(".nbi")
        for other in path.parent.glob(f"{stem}.*.nbc"):
            if not other.name.startswith(f"{source}."):
                other.unlink(missing_ok=True)
        for other in path.parent.glob(f"{stem}.*.nbc.tmp.*"):
            if _is_abandoned(other):
                other.unlink(missing_ok=True)
        with self._open_for_write(str(path)) as file:
            if hasattr(os, "fchmod"):  # whatever the umask: who else could write it could run code
                os.fchmod(file.fileno(), stat.S_IMODE(os.fstat(file.fileno()).st_mode) & ~OTHERS)
            file.write(_seal(path, content) + content)

    def load(self, key):
        """The machine code for a signature; None if there is none, or if it is damaged or names no module.

        So is a file that was written for another signature, or by a user who could not write the module.
        What Numba compiles while the module of the function cannot be imported is of the module `<dynamic>`.
        """
        path = self.path(key)
        try:
            if not self._is_trusted(path.parent.stat()):
                _say(f"{path.parent} belongs to another user or can be written by others")
                return None
            found, status = read_regular(path, MAXIMUM_BYTES)
            if not self._is_trusted(status):
                return None
            seal, content = found[:64], found[64:]
            return pickle.loads(content) if seal == _seal(path, content) else None
        except UNREADABLE:
            return None

    def _is_trusted(self, found: os.stat_result) -> bool:
        """Whether only users who can run code in this process anyway can have written a file or folder.

        In a sticky folder, as `/tmp` is, others can add files, and each file is looked at by itself.
        """
        if not hasattr(os, "getuid"):
            return True
        if found.st_uid not in (os.getuid(), 0, self.module_owner):
            return False
        sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
        return bool(sticky) or self.module_is_open or not others_write(found)

    def flush(self) -> None:
        """Removes all files of the function."""
        for path in Path(self._cache_path).glob(f"{self._index_name.removesuffix('.nbi')}.*.nbc"):
            path.unlink(missing_ok=True)


def _seal(path: Path, content: bytes) -> bytes:
    return _digest(path.name.encode() + b"\0" + content).encode()


def _is_abandoned(path: Path) -> bool:
    try:
        return abs(time.time() - path.stat().st_mtime) > ABANDONED
    except OSError:
        return False


@cache
def _text_digest(module: Path, *identity: int) -> str:
    """The digest of a module's text, read once for each file that was in its place."""
    return _digest(module.read_bytes())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class QuickCache(FunctionCache):
    """Numba's cache of a function, read without a refresh of the compiler's tables."""

    def __init__(self, function):
        super().__init__(function)
        locator = self._impl.locator
        self._cache_file = CacheFiles(
            locator.get_cache_path(), self._impl.filename_base, locator.get_source_stamp()
        )
        module = Path(function.__code__.co_filename)
        with contextlib.suppress(OSError):  # the module is in an archive
            found = module.stat()
            self._cache_file.module_owner = found.st_uid
            self._cache_file.module_is_open = others_write(found) or others_write(module.parent.stat())
            times = found.st_mtime_ns, found.st_ctime_ns
            self._cache_file.text_digest = _text_digest(module, found.st_ino, *times)

    def load_overload(self, sig, target_context):
        """The machine code for a signature; None if the cache has none."""
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)

    def save_overload(self, sig, data):
        """Writes machine code; without it every process compiles anew, but no call fails.

        Warns:
            CacheWarning: once for each reason, as no space left.
        """
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _say(f"{error.strerror}: {self.cache_path}")


def _cache_of(function) -> FunctionCache | NullCache:
    """A cache where Numba finds a folder to write to; no other for a function that stands in no file."""
    path = Path(function.__code__.co_filename)
    try:
        return QuickCache(function)
    except (RuntimeError, OSError):
        if path.is_file():
            _say(f"neither {path.parent} nor the user's cache folder can be written")
        return NullCache()


@cache
def _say(problem: str) -> None:
    warnings.warn(
        f"machine code is not kept and compiled again by the next process: {problem}. "
        "Set NUMBA_CACHE_DIR to a folder that only you can write.",
        CacheWarning,
        stacklevel=2,
    )


def njit(signature=None, *, cache: bool = True, **options) -> Callable:
    """Compiles a function at its first call, or at once for a signature; see `numba.njit`.

    Args:
        signature: result and argument types; none to compile for the types of each call.
        cache: whether machine code is kept in a file.
        options: what else `numba.njit` takes.
    """

    def decorate(function):
        made = numba.njit(pipeline_class=SelfContained, **options)(function)
        if cache and not config.DISABLE_JIT:
            made._cache = _cache_of(function)
        if signature is not None and not config.DISABLE_JIT:
            made.compile(signature)
            made.disable_compile()
        return made

    return decorate


def cfunc(signature) -> Callable:
    """Compiles a function that C code can call; see `numba.cfunc`."""

    def decorate(function):
        made = CFunc(
            function,
            normalize_signature(signature),
            locals={},
            options={},
            pipeline_class=SelfContained,
        )
        made._cache = _cache_of(function)
        made.compile()
        return made

    return decorate
