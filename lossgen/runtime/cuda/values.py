"""Traced functions (`lossgen.runtime.tracing`) for the GPU: the same instructions, written for NVVM.

A function that is traced here and by `vector_function` computes the same bits on both: all that it is made of
(sums, products, quotients, roots, fused multiply-adds, comparisons) IEEE 754 defines to the last bit. So what
is verified on the CPU holds on the GPU, too, which the simulator makes use of: there a traced function is
machine code of the CPU.
"""

import inspect
from collections.abc import Callable

import numba
import numpy as np
from llvmlite import ir

from lossgen.runtime.cuda.toolchain import SIMULATED, intrinsic, signature, types
from lossgen.runtime.tracing import Value, all_alike, vector_function

LIBRARY = {
    "llvm.fabs": ("__nv_fabsf", "__nv_fabs"),
    "llvm.rint": ("__nv_rintf", "__nv_rint"),
    "llvm.sqrt": ("__nv_fsqrt_rn", "__nv_dsqrt_rn"),
}
"""LLVM's intrinsics that NVVM does not know, and the functions of libdevice that are one instruction."""


class DeviceValue(Value):
    """A value of a CUDA kernel.

    Its products are rounded before they are added to something: where a fused multiply-add is wanted, it is
    written, and pairs of numbers rely on all others being two operations.
    """

    __slots__ = ()

    def of(self, ir_value) -> Value:
        return DeviceValue(ir_value, self.builder, self.context, self.typing)

    def __mul__(self, other):
        if not self.is_float:
            return super().__mul__(other)
        return self.call("llvm.nvvm.mul.rn.f", "llvm.nvvm.mul.rn.d", other)

    __rmul__ = __mul__

    def __neg__(self):
        return -0.0 - self if self.is_float else super().__neg__()

    def _unary(self, name, *others):
        if name == "llvm.copysign":
            top = -1 << (self.bits - 1)
            size, sign = self.as_integer() & ~top, self.lift(others[0]).as_integer() & top
            return (size | sign).as_float()
        if name in ("llvm.maximum", "llvm.minimum"):
            kind = name.removeprefix("llvm.")[:3]
            other = self.lift(others[0])
            number = self.call(f"__nv_f{kind}f", f"__nv_f{kind}", other)
            ordered = self.of(self.builder.fcmp_ordered("ord", self.ir, other.ir))
            return self.of(self.builder.select(ordered.ir, number.ir, (self + other).ir))
        if name in LIBRARY:
            return self.call(*LIBRARY[name])
        return super()._unary(name, *others)

    def call(self, single: str, double: str, *others) -> Value:
        """A function of the float32 or the float64 name, whose arguments and result have this type."""
        arguments = [self.ir, *(self.lift(other).ir for other in others)]
        name, kind = single if self.bits == 32 else double, self.ir.type
        module = self.builder.module
        function = module.globals.get(name)
        if function is None:
            function = ir.Function(module, ir.FunctionType(kind, [kind] * len(arguments)), name)
        return self.of(self.builder.call(function, arguments))


def common_float(*kinds):
    """The float type of a call: the widest float among the arguments, float64 if there is none."""
    widths = [kind.bitwidth for kind in kinds if isinstance(kind, types.Float)]
    return types.float32 if widths and max(widths) <= 32 else types.float64


def alike(*kinds):
    """Signature of a function whose arguments and result have the common float type."""
    kind = common_float(*kinds)
    return signature(kind, *[kind] * len(kinds))


def device_function(function: Callable, typed_by=alike, host_typed_by=all_alike) -> Callable:
    """Makes a traced function callable from device code.

    Args:
        function: takes `Value`s, returns a `Value`.
        typed_by: argument types -> signature, in the types of the CUDA package.
        host_typed_by: the same in Numba's types, for the simulator.
    """
    if SIMULATED:
        return _of_host(function, vector_function(function, host_typed_by))

    def define(typing, *kinds):
        if not all(isinstance(kind, types.Number | types.Boolean) for kind in kinds):
            return None

        def lower(context, builder, chosen, values):
            return function(*(DeviceValue(value, builder, context, typing) for value in values)).ir

        return typed_by(*kinds), lower

    return named_intrinsic(define, function)


def named_intrinsic(define, like: Callable):
    """An intrinsic with the name, the documentation and the arguments of a function."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    names = ["typing", *inspect.signature(like).parameters]
    define.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])
    define.__name__ = define.__qualname__ = like.__name__
    define.__module__, define.__doc__ = like.__module__, like.__doc__
    return intrinsic(define)


def _of_host(function: Callable, compiled: Callable) -> Callable:
    """The function for NumPy's scalars, by compiled code of the CPU; NumPy's float types in and out."""

    @numba.njit(error_model="numpy")
    def call(*arguments):
        return compiled(*arguments)

    def run(*arguments):
        result = call(*arguments)
        kinds = {type(argument) for argument in arguments}
        return np.float32(result) if np.float32 in kinds and not kinds & WIDE else np.float64(result)

    run.__name__, run.__doc__, run.traced = function.__name__, function.__doc__, function
    return run


WIDE = {float, np.float64}
"""Types of float64 in the simulator: a parameter of a kernel is a Python float."""
