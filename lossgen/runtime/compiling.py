"""`njit` and `cfunc` as Numba has them, but for one thing: what is in the cache is loaded in milliseconds.

Before Numba reads machine code from a file, it loads everything that it knows how to compile (and SciPy, if
there is one, to find out about linear algebra): about 0.3 s in every process that uses a compiled loss. Code
that is compiled needs only the runtime that counts references; the rest is loaded when something is compiled.
"""

from collections.abc import Callable

import numba
from numba.core import config
from numba.core.caching import FunctionCache
from numba.core.ccallback import CFunc
from numba.core.runtime import rtsys


class QuickCache(FunctionCache):
    """Numba's cache of a function, read without a refresh of the compiler's tables."""

    def load_overload(self, sig, target_context):
        """The machine code for a signature; None if the cache has none."""
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)


def njit(signature=None, *, cache: bool = True, **options) -> Callable:
    """Compiles a function at its first call, or at once for a signature; see `numba.njit`.

    Args:
        signature: result and argument types; none to compile for the types of each call.
        cache: whether machine code is kept in a file.
        options: what else `numba.njit` takes.
    """

    def decorate(function):
        made = numba.njit(**options)(function)
        if cache and not config.DISABLE_JIT:
            made._cache = QuickCache(function)
        if signature is not None and not config.DISABLE_JIT:
            made.compile(signature)
            made.disable_compile()
        return made

    return decorate


def cfunc(signature) -> Callable:
    """Compiles a function that C code can call; see `numba.cfunc`."""

    def decorate(function):
        made = CFunc(function, numba.core.sigutils.normalize_signature(signature), locals={}, options={})
        made._cache = QuickCache(function)
        made.compile()
        return made

    return decorate
