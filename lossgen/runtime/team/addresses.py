"""Atomic access to 64-bit integers at an address, and calls of C functions at one. For compiled code only."""

import platform

from llvmlite import ir
from numba.core import types
from numba.core.typing import signature
from numba.extending import intrinsic

WORD = ir.IntType(64)


def _at(builder, address):
    return builder.inttoptr(address, WORD.as_pointer())


@intrinsic
def load(typing, address):
    """The integer at the address; what was stored before it is seen."""

    def lower(context, builder, chosen, values):
        return builder.load_atomic(_at(builder, values[0]), "acquire", 8)

    return signature(types.int64, types.int64), lower


@intrinsic
def store(typing, address, value):
    """Stores an integer at the address, after everything that was written before."""

    def lower(context, builder, chosen, values):
        builder.store_atomic(values[1], _at(builder, values[0]), "release", 8)
        return context.get_dummy_value()

    return signature(types.none, types.int64, types.int64), lower


@intrinsic
def add(typing, address, value):
    """Adds to the integer at the address and returns what it was."""

    def lower(context, builder, chosen, values):
        return builder.atomic_rmw("add", _at(builder, values[0]), values[1], "acq_rel")

    return signature(types.int64, types.int64, types.int64), lower


@intrinsic
def keep_bits(typing, address, mask):
    """Clears the bits of the integer at the address that the mask does not have."""

    def lower(context, builder, chosen, values):
        return builder.atomic_rmw("and", _at(builder, values[0]), values[1], "acq_rel")

    return signature(types.int64, types.int64, types.int64), lower


@intrinsic
def replace(typing, address, expected, value):
    """Stores the value if the integer at the address is the expected one; whether it was."""

    def lower(context, builder, chosen, values):
        pair = builder.cmpxchg(_at(builder, values[0]), values[1], values[2], "acq_rel", "acquire")
        return builder.extract_value(pair, 1)

    return signature(types.boolean, types.int64, types.int64, types.int64), lower


@intrinsic
def call(typing, function, data):
    """function(data), a C function of one pointer."""

    def lower(context, builder, chosen, values):
        pointer = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer]).as_pointer()
        builder.call(builder.inttoptr(values[0], kind), [builder.inttoptr(values[1], pointer)])
        return context.get_dummy_value()

    return signature(types.none, types.int64, types.int64), lower


@intrinsic
def pause(typing):
    """Tells the processor that this is a loop that waits."""

    def lower(context, builder, chosen, values):
        if platform.machine() in ("x86_64", "AMD64"):
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(builder.module.declare_intrinsic("llvm.x86.sse2.pause", (), kind), [])
        return context.get_dummy_value()

    return signature(types.none), lower
