"""Python arithmetic that writes LLVM instructions: how vector math and intrinsics are written.

A traced function is called once, while Numba lowers a caller, with `Value`s for arguments; its operators
append instructions to the caller. What it can express is straight-line code without branches: what LLVM
vectorises. Numba compiles nothing of it, so a call of `sigmoid` adds a few milliseconds to a compilation, and
what two calls have in common (the exponential of `sigmoid(x)` and `softplus(-x)`) LLVM computes once.
"""

from __future__ import annotations

import inspect

from llvmlite import ir
from numba.core import types
from numba.core.errors import TypingError
from numba.core.extending import _Intrinsic
from numba.core.typing import signature

FLOAT_WIDTH = {ir.FloatType(): 32, ir.DoubleType(): 64}
FLOATS = {32: ir.FloatType(), 64: ir.DoubleType()}


class Value:
    """An LLVM value with Python's operators: a float, an integer, or a truth value.

    A Python number next to it becomes a constant of its type, so `0.5 * x` stays in the precision of `x`.
    """

    __slots__ = ("builder", "context", "ir", "typing")
    __hash__ = None

    def __init__(self, ir_value, builder, context, typing):
        self.ir, self.builder, self.context, self.typing = ir_value, builder, context, typing

    def of(self, ir_value) -> Value:
        """Wrap an LLVM value that was made by the same builder."""
        return Value(ir_value, self.builder, self.context, self.typing)

    def lift(self, other) -> Value:
        """The operand as a value: numbers become constants of this value's type."""
        return other if isinstance(other, Value) else self.of(ir.Constant(self.ir.type, other))

    @property
    def bits(self) -> int:
        """Width of the number: 32 or 64."""
        return FLOAT_WIDTH.get(self.ir.type) or self.ir.type.width

    @property
    def is_float(self) -> bool:
        return self.ir.type in FLOAT_WIDTH

    def _combine(self, other, float_name, integer_name, swapped=False):
        left, right = self, self.lift(other)
        if swapped:
            left, right = right, left
        method = getattr(self.builder, float_name if self.is_float else integer_name)
        return self.of(method(left.ir, right.ir))

    def __add__(self, other):
        return self._combine(other, "fadd", "add")

    def __sub__(self, other):
        return self._combine(other, "fsub", "sub")

    def __mul__(self, other):
        return self._combine(other, "fmul", "mul")

    def __truediv__(self, other):
        return self._combine(other, "fdiv", "sdiv")

    def __rsub__(self, other):
        return self._combine(other, "fsub", "sub", swapped=True)

    def __rtruediv__(self, other):
        return self._combine(other, "fdiv", "sdiv", swapped=True)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self):
        return self.of(self.builder.fneg(self.ir) if self.is_float else self.builder.neg(self.ir))

    def __lshift__(self, count):
        return self.of(self.builder.shl(self.ir, self.lift(count).ir))

    def __rshift__(self, count):
        return self.of(self.builder.ashr(self.ir, self.lift(count).ir))

    def __and__(self, other):
        return self.of(self.builder.and_(self.ir, self.lift(other).ir))

    def __or__(self, other):
        return self.of(self.builder.or_(self.ir, self.lift(other).ir))

    def __invert__(self):
        return self.of(self.builder.not_(self.ir))

    def _compare(self, other, symbol):
        """Comparisons with NaN are false, but for `!=`."""
        right = self.lift(other).ir
        if not self.is_float:
            return self.of(self.builder.icmp_signed(symbol, self.ir, right))
        method = self.builder.fcmp_unordered if symbol == "!=" else self.builder.fcmp_ordered
        return self.of(method(symbol, self.ir, right))

    def __lt__(self, other):
        return self._compare(other, "<")

    def __le__(self, other):
        return self._compare(other, "<=")

    def __gt__(self, other):
        return self._compare(other, ">")

    def __ge__(self, other):
        return self._compare(other, ">=")

    def __eq__(self, other):
        return self._compare(other, "==")

    def __ne__(self, other):
        return self._compare(other, "!=")

    def __bool__(self):
        raise TypeError("a traced value has no truth: write select(condition, a, b)")

    def __abs__(self):
        return self._unary("llvm.fabs")

    def _unary(self, name, *others):
        """Call an LLVM intrinsic whose arguments and result have this value's type."""
        kind = self.ir.type
        arguments = [self.ir, *(self.lift(other).ir for other in others)]
        function = self.builder.module.declare_intrinsic(
            name, [kind], ir.FunctionType(kind, [kind] * len(arguments))
        )
        return self.of(self.builder.call(function, arguments))

    def to(self, bits) -> Value:
        """The same float in 32 or 64 bits."""
        if bits == self.bits:
            return self
        method = self.builder.fpext if bits > self.bits else self.builder.fptrunc
        return self.of(method(self.ir, FLOATS[bits]))

    def to_float(self) -> Value:
        """The number that a signed integer stands for, as a float of the same width."""
        return self.of(self.builder.sitofp(self.ir, FLOATS[self.bits]))

    def as_integer(self) -> Value:
        """The bit pattern of a float."""
        return self.of(self.builder.bitcast(self.ir, ir.IntType(self.bits)))

    def as_float(self) -> Value:
        """The float that has this bit pattern."""
        return self.of(self.builder.bitcast(self.ir, FLOATS[self.bits]))


def fma(a, b, c) -> Value:
    """a·b + c, rounded once."""
    a, b, c = _alike(a, b, c)
    return a.of(a.builder.fma(a.ir, b.ir, c.ir))


def select(condition, a, b) -> Value:
    """a where the condition holds, else b; both are evaluated."""
    a, b = _alike(a, b)
    return condition.of(condition.builder.select(condition.ir, a.ir, b.ir))


def sqrt(x) -> Value:
    """Square root, correctly rounded."""
    return x._unary("llvm.sqrt")


def rint(x) -> Value:
    """Nearest integer, ties to even."""
    return x._unary("llvm.rint")


def copysign(magnitude, sign) -> Value:
    """The magnitude of one number with the sign of another."""
    return magnitude._unary("llvm.copysign", sign)


def maximum(a, b) -> Value:
    """The greater of two numbers; NaN if one is NaN."""
    a, b = _alike(a, b)
    return a._unary("llvm.maximum", b)


def minimum(a, b) -> Value:
    """The smaller of two numbers; NaN if one is NaN."""
    a, b = _alike(a, b)
    return a._unary("llvm.minimum", b)


def polynomial(x, coefficients) -> Value:
    """c0 + c1·x + c2·x² + … by Horner's rule in fused multiply-adds."""
    result = x.lift(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        result = fma(result, x, coefficient)
    return result


def _alike(*operands):
    pattern = next(operand for operand in operands if isinstance(operand, Value))
    return [pattern.lift(operand) for operand in operands]


# From traced function to something that compiled code can call --------------------------------------


def common_float(*arguments):
    """The float type of a call: the widest float among the arguments, float64 if there is none."""
    widths = [32 if kind == types.float32 else 64 for kind in arguments if isinstance(kind, types.Float)]
    return types.float32 if widths and max(widths) == 32 else types.float64


def all_alike(*arguments):
    """Signature of a function whose arguments and result have the common float type."""
    kind = common_float(*arguments)
    return signature(kind, *[kind] * len(arguments))


def vector_function(function, typed_by=all_alike):
    """Make a traced function callable from compiled code.

    Args:
        function: takes `Value`s, returns a `Value`.
        typed_by: argument types -> Numba signature; Numba converts the arguments to it.

    Returns:
        A Numba intrinsic of the same name and documentation. `traced` is the function itself.
    """
    names = list(inspect.signature(function).parameters)

    def define(typing, *arguments):
        if not all(isinstance(kind, types.Number | types.Boolean) for kind in arguments):
            raise TypingError(f"{function.__name__} takes numbers, not {', '.join(map(str, arguments))}")

        def lower(context, builder, chosen, values):
            traced = [Value(value, builder, context, typing) for value in values]
            return function(*traced).ir

        return typed_by(*arguments), lower

    define.__name__ = define.__qualname__ = function.__name__
    define.__module__, define.__doc__ = function.__module__, function.__doc__
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    define.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in ["typing", *names]])
    made = _Intrinsic(function.__name__, define)
    made._register()
    made.traced = function
    return made
