"""The kernels that handlers call: a table from a kernel's own number to where its machine code is.

So a handler is compiled once for its types and calls any kernel of these types. The number is made of the
kernel's source: it is the same in every process, and XLA may keep programs that hold it on disk.
"""

import hashlib
import threading
from collections.abc import Callable

import numpy as np
from llvmlite import binding, ir
from numba.core import cgutils, types
from numba.core.typing import signature
from numba.extending import intrinsic

from lossgen.runtime.compiling import QuickCache, njit
from lossgen.runtime.options import INLINE
from lossgen.runtime.team.addresses import WORD, load

SLOTS = 1 << 14
SYMBOL = "lossgen_jax_kernels"

_table = np.zeros((SLOTS, 2), np.int64)
"""Number and address of each kernel, in the first free slot from that on which the number says."""
_known: dict[tuple, int] = {}
_lock = threading.Lock()
binding.add_symbol(SYMBOL, _table.ctypes.data)


def number_of(kernel: Callable, arguments: tuple[types.Type, ...]) -> int:
    """The number under which handlers find a kernel, compiled for these arguments."""
    key = kernel, arguments
    with _lock:
        if key not in _known:
            _known[key] = _registered(kernel, arguments)
        return _known[key]


def _registered(kernel: Callable, arguments: tuple[types.Type, ...]) -> int:
    source = QuickCache(kernel.py_func)._impl.locator.get_source_stamp()
    identity = repr((kernel.__module__, kernel.__qualname__, source, arguments)).encode()
    number = int.from_bytes(hashlib.sha256(identity).digest()[:8], "little", signed=True) or 1
    if len(_known) >= SLOTS // 2:
        raise RuntimeError(f"More than {SLOTS // 2} kernels in one process.")
    kernel.compile(arguments)
    compiled = kernel.get_compile_result(signature(None, *arguments))
    assert compiled.signature.return_type == types.float64, "`call` reads a float64"
    address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
    slot = number % SLOTS
    while _table[slot, 0] not in (0, number):
        slot = (slot + 1) % SLOTS
    _table[slot, 1] = address  # before the number: a handler that finds the one finds the other
    _table[slot, 0] = number
    return number


@intrinsic
def table(typing):
    """The address of the table in this process."""

    def lower(context, builder, chosen, values):
        found = builder.module.globals.get(SYMBOL) or ir.GlobalVariable(builder.module, WORD, SYMBOL)
        return builder.ptrtoint(found, WORD)

    return signature(types.int64), lower


@njit(**INLINE)
def address_of(number):
    """Where the machine code of a kernel is; 0 where this process has not registered it."""
    slot = number % SLOTS
    while load(table() + 16 * slot) != number:
        if load(table() + 16 * slot) == 0:
            return 0
        slot = (slot + 1) % SLOTS
    return load(table() + 16 * slot + 8)


@intrinsic
def call(typing, address, arguments):
    """A compiled function of a float64 at an address, with the arguments of a tuple."""
    given_types, returns = arguments.types, types.float64

    def lower(context, builder, chosen, values):
        given = cgutils.unpack_tuple(builder, values[1], len(given_types))
        kind = context.call_conv.get_function_type(returns, given_types)
        function = builder.inttoptr(values[0], kind.as_pointer())
        status, result = context.call_conv.call_function(builder, function, returns, given_types, given)
        with cgutils.if_unlikely(builder, status.is_error):
            context.call_conv.return_status_propagate(builder, status)
        return result

    return signature(returns, types.int64, arguments), lower
