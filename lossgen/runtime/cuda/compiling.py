"""`device` and `kernel`: functions for the GPU, compiled at their first call, or Python in the simulator.

No fast mathematics, and no product is fused with a sum: a column that attains a maximum in one sweep would
not do so in the next, where another product was fused. Machine code of a kernel is kept on disk, beside its
module, where that is a file, in the files of `lossgen.runtime.compiling`: they are named after this runtime,
too, whose functions are part of it.
"""

import inspect
import types
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, wraps
from importlib import import_module
from pathlib import Path

import numpy as np

from lossgen.runtime.compiling import CacheFiles
from lossgen.runtime.cuda.toolchain import SIMULATED, cuda
from lossgen.runtime.cuda.toolchain import types as numba_types
from lossgen.runtime.digest import runtime_digest

MOST_GRIDS = 256  # of a kernel, that are remembered


def device(function: Callable) -> Callable:
    """A scalar function that kernels call; part of their code, never a call.

    The simulator calls the Python function itself: it must not name `cuda`, as a kernel may.
    """
    if SIMULATED:
        return function
    return cuda.jit(function, device=True, **_known(forceinline=True))


def kernel(function: Callable) -> Callable:
    """A kernel, launched as `name[blocks, threads, stream](…)`."""
    if SIMULATED:
        return cuda.jit(_silenced(function))
    # What a test inspects is what runs: no optimisation when it is linked.
    made = cuda.jit(function, extensions=[NoArgument()], **_known(lto=False))
    made.compile = exact_products()(made.compile)
    if Path(function.__code__.co_filename).is_file():
        made.enable_caching()
        locator = made._cache._impl.locator
        stamp = (locator.get_source_stamp(), runtime_digest())
        made._cache._cache_file = CacheFiles(locator.get_cache_path(), made._cache._impl.filename_base, stamp)
    return Kernel(made)


class NoArgument:
    """Numba compiles a kernel for an argument None, a pointer that nobody reads, but cannot pass it."""

    def prepare_args(self, kind, value, stream, retr):
        """What is passed for an argument of a type: for None the pointer 0."""
        return (numba_types.int64, 0) if kind == numba_types.none else (kind, value)


class Kernel:
    """A kernel that a grid may be small for: Numba would warn of it at each new one."""

    def __init__(self, dispatcher):
        self.dispatcher = dispatcher
        self.configured = lru_cache(maxsize=MOST_GRIDS)(self._configured)

    def __getattr__(self, name):
        return getattr(self.dispatcher, name)

    def __getitem__(self, configuration):
        return self.configured(configuration)

    def _configured(self, configuration):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Grid size")
            return self.dispatcher[configuration]


_ours: ContextVar[bool] = ContextVar("compiles a kernel of lossgen", default=False)


@contextmanager
def exact_products():
    """While this lasts, Numba compiles kernels whose products are rounded before anything is added to them.

    Numba has no option for it; its default lets NVVM fuse products and sums as it likes.
    """
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)


class InOrder(dict):
    """A set that is read in the order in which it was filled."""

    def add(self, member) -> None:
        """Puts a member in."""
        self[member] = None


def _adapt_library() -> None:
    """Makes Numba link the parts of our kernels in the order of their calls, and fuse no products in them.

    It has the parts in a set, which is read in the order of their addresses in memory: every process would
    compile other machine code, with other registers. Kernels of others stay as they are.
    """
    library = import_module("numba.cuda.codegen").CUDACodeLibrary
    initialise = library.__init__

    @wraps(initialise)
    def initialise_adapted(self, *arguments, **options):
        initialise(self, *arguments, **options)
        if _ours.get():
            self._linking_libraries = InOrder()
            self._nvvm_options = {**self._nvvm_options, "fma": 0}

    library.__init__ = initialise_adapted


if not SIMULATED:
    _adapt_library()


def _known(**options) -> dict:
    """The options that this package's `cuda.jit` has."""
    names = inspect.signature(cuda.jit).parameters
    return {name: value for name, value in options.items() if name in names}


def _silenced(function: Callable) -> Callable:
    """The function without NumPy's warnings, as floats are on a GPU.

    The simulator exchanges what `cuda` means among the globals of the function that it is given.
    """
    quiet = np.errstate

    def run(*arguments):
        with quiet(all="ignore"):
            function(*arguments)

    made = types.FunctionType(run.__code__, function.__globals__, function.__name__, None, run.__closure__)
    made.__module__, made.__doc__ = function.__module__, function.__doc__
    return made
