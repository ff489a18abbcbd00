"""What the instructions compute: functions of NumPy arrays of the instruction's type.

Results are rounded as IEEE says. The approximate ones of a GPU (`ex2.approx` …) are computed in float64 and
rounded: a GPU may differ in the last bit, and so may anything here from it.
"""

import numpy as np
from numba import float32, float64, vectorize

from lossgen.runtime.intrinsics import fma as fused

TYPES = {
    "f16": np.float16, "f32": np.float32, "f64": np.float64, "pred": np.bool_,
    **{f"s{bits}": np.dtype(f"int{bits}") for bits in (8, 16, 32, 64)},
    **{f"{kind}{bits}": np.dtype(f"uint{bits}") for bits in (8, 16, 32, 64) for kind in "ub"},
    "bf16": np.uint16,
}  # fmt: skip
TYPES = {name: np.dtype(kind) for name, kind in TYPES.items()}
WIDER = {"s16": "s32", "u16": "u32", "s32": "s64", "u32": "u64"}


@vectorize([float32(float32, float32, float32), float64(float64, float64, float64)], nopython=True)
def fma(a, b, c):
    return fused(a, b, c)


def downward(a, b, c):
    """fma in float32 rounded towards −∞: `fma.rm`, with which libdevice splits off an integer."""
    wide = a.astype(np.float64) * b.astype(np.float64)
    total = wide + c
    back = total - wide
    error = (wide - (total - back)) + (c - back)  # TwoSum: total + error is exact
    rounded = total.astype(np.float32)
    above = (rounded > total) | ((rounded == total) & (error < 0))
    return np.where(above, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def toward_zero_sum(a, b):
    """The sum of two float32 rounded towards 0: `add.rz`."""
    exact = a.astype(np.float64) + b.astype(np.float64)
    rounded = exact.astype(np.float32)
    return np.where(np.abs(rounded) > np.abs(exact), np.nextafter(rounded, np.float32(0)), rounded)


def high(a, b):
    """The upper half of a product of integers."""
    bits = 8 * a.dtype.itemsize
    if bits < 64:
        wide = np.dtype(f"{a.dtype.kind}{2 * a.dtype.itemsize}")
        return (a.astype(wide) * b.astype(wide) >> wide.type(bits)).astype(a.dtype)
    products = [int(x) * int(y) >> 64 for x, y in zip(*np.broadcast_arrays(a, b), strict=True)]
    return np.array([product % (1 << 64) for product in products], np.uint64).view(a.dtype)


def wide(a, b):
    kind = np.dtype(f"{a.dtype.kind}{2 * a.dtype.itemsize}")
    return a.astype(kind) * b.astype(kind)


def quotient(a, b):
    """Integers: rounded towards 0."""
    if a.dtype.kind == "u":
        return a // b
    return (np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))).astype(a.dtype)


def remainder(a, b):
    return (a - quotient(a, b) * b).astype(a.dtype)


def shifted_left(a, count):
    bits = 8 * a.dtype.itemsize
    return np.where(count < bits, a << np.minimum(count, bits - 1).astype(a.dtype), a.dtype.type(0))


def shifted_right(a, count):
    bits = 8 * a.dtype.itemsize
    moved = a >> np.minimum(count, bits - 1).astype(a.dtype)
    return moved if a.dtype.kind == "i" else np.where(count < bits, moved, a.dtype.type(0))


def extracted(a, start, length):
    """bfe: `length` bits from bit `start` on."""
    bits = 8 * a.dtype.itemsize
    left = np.maximum(bits - start.astype(np.int64) - length, 0)
    kept = shifted_left(a, left)
    return np.where(length == 0, a.dtype.type(0), shifted_right(kept, np.maximum(bits - length, 0)))


def inserted(a, b, start, length):
    """bfi: the low `length` bits of `a` put into `b` at bit `start`."""
    one = a.dtype.type(1)
    mask = shifted_left(shifted_left(one + np.zeros_like(a), length) - one, start)
    return (b & ~mask) | (shifted_left(a, start) & mask)


def permuted(a, b, selector):
    """prmt: each byte of the result is one of the eight of b:a, or its sign."""
    source = a.astype(np.uint64) | b.astype(np.uint64) << np.uint64(32)
    result = np.zeros(np.broadcast(a, b, selector).shape, np.uint64)
    for place in range(4):
        choice = (selector >> np.uint32(4 * place)).astype(np.uint64) & np.uint64(15)
        byte = source >> (choice & np.uint64(7)) * np.uint64(8) & np.uint64(255)
        sign = np.where(byte >> np.uint64(7) != 0, np.uint64(255), np.uint64(0))
        byte = np.where(choice & np.uint64(8) != 0, sign, byte)
        result |= byte << np.uint64(8 * place)
    return result.astype(np.uint32)


def looked_up(a, b, c, table):
    """lop3: a function of three bits, by its truth table."""
    result = np.zeros_like(a)
    for case in range(8):
        if int(np.ravel(table)[0]) >> case & 1:
            result |= (a if case & 4 else ~a) & (b if case & 2 else ~b) & (c if case & 1 else ~c)
    return result


def leading_zeros(a):
    bits = 8 * a.dtype.itemsize
    return np.array([bits - int(value).bit_length() for value in np.ravel(a)], np.uint32)


def set_bits(a):
    return np.array([int(value).bit_count() for value in np.ravel(a)], np.uint32)


def reversed_bits(a):
    bits = 8 * a.dtype.itemsize
    return np.array([int(f"{int(value):0{bits}b}"[::-1], 2) for value in np.ravel(a)], a.dtype)


def funnel(low_part, high_part, count, left: bool, clamped: bool):
    """shf: the upper (left) or lower half of a shifted pair."""
    count = np.minimum(count, 32) if clamped else count & 31
    pair = low_part.astype(np.uint64) | high_part.astype(np.uint64) << np.uint64(32)
    count = count.astype(np.uint64)
    moved = (pair << count) >> np.uint64(32) if left else pair >> count
    return moved.astype(np.uint32)


COMPARISONS = {
    "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
    "ge": np.greater_equal, "lo": np.less, "ls": np.less_equal, "hi": np.greater, "hs": np.greater_equal,
}  # fmt: skip


def compared(name: str, a, b):
    """setp: of floats "ne" is false for NaN, and a name with "u" behind is true for it."""
    if a.dtype.kind != "f":
        return COMPARISONS[name](a, b)
    unordered = np.isnan(a) | np.isnan(b)
    if name in ("num", "nan"):
        return unordered if name == "nan" else ~unordered
    if name.endswith("u"):
        return COMPARISONS[name[:-1]](a, b) | unordered
    return COMPARISONS[name](a, b) & ~unordered


TESTS = {
    "finite": np.isfinite, "infinite": np.isinf, "notanumber": np.isnan, "number": lambda a: ~np.isnan(a),
    "normal": lambda a: np.isfinite(a) & (np.abs(a) >= np.finfo(a.dtype).tiny),
    "subnormal": lambda a: (a != 0) & (np.abs(a) < np.finfo(a.dtype).tiny),
}  # fmt: skip


def flushed(a):
    """.ftz: a subnormal number becomes 0 with its sign."""
    if a.dtype != np.float32:
        return a
    return np.where(np.abs(a) < np.finfo(np.float32).tiny, np.copysign(np.float32(0), a), a)


def in_float64(function):
    return lambda a: function(a.astype(np.float64)).astype(a.dtype)


APPROXIMATE = {
    "ex2": in_float64(np.exp2),
    "lg2": in_float64(np.log2),
    "rcp": in_float64(lambda a: 1 / a),
    "sqrt": in_float64(np.sqrt),
    "rsqrt": in_float64(lambda a: 1 / np.sqrt(a)),
    "sin": in_float64(np.sin),
    "cos": in_float64(np.cos),
    "tanh": in_float64(np.tanh),
}
EXACT = {"rcp": lambda a: a.dtype.type(1) / a, "sqrt": np.sqrt}
