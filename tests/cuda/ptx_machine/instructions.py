"""Which computation an instruction is: the table from mnemonics to functions, and how operands are typed."""

import numpy as np

from . import arithmetic as a

FLOATS = ("f16", "bf16", "f32", "f64")


def operation(launch, instruction, threads) -> None:
    """Executes an instruction that computes one register, or a predicate and its opposite, from others."""
    OPERATIONS[instruction.name](launch, instruction, threads)


def _values(launch, instruction, threads, kinds):
    return [
        launch.value(operand, kind, threads)
        for operand, kind in zip(instruction.operands[1:], kinds, strict=True)
    ]


def _plain(function, kinds=None):
    """d = function(…) with all operands of the instruction's type, or of the types named."""

    def run(launch, instruction, threads):
        kind = instruction.parts[-1]
        wanted = kinds(kind) if kinds else [kind] * (len(instruction.operands) - 1)
        values = _values(launch, instruction, threads, wanted)
        if "ftz" in instruction.parts:
            values = [a.flushed(value) for value in values]
        result = function(instruction.parts, *values)
        if "ftz" in instruction.parts:
            result = a.flushed(result)
        if "sat" in instruction.parts:
            result = np.where(np.isnan(result), 0, np.clip(result, 0, 1))
        launch.set(instruction.operands[0], kind, threads, result)

    return run


def _rounded(exact, directed):
    """An operation of floats or integers; `directed` has its forms with another rounding."""

    def choose(parts, *values):
        for rounding in ("rz", "rm", "rp"):
            if rounding in parts:
                if rounding not in directed or values[0].dtype != np.float32:
                    raise NotImplementedError(f"rounding {'.'.join(parts)}")
                return directed[rounding](*values)
        return exact(*values)

    return choose


def _sum(launch, instruction, threads):
    """add, sub and mad of integers may set or use the carry."""
    name, kind = instruction.name, instruction.parts[-1]
    if "cc" not in instruction.parts and not name.endswith("c"):
        SUMS[name](launch, instruction, threads)
        return
    values = _values(launch, instruction, threads, [kind] * (len(instruction.operands) - 1))
    bits = 8 * a.TYPES[kind].itemsize
    wide = [np.broadcast_to(value, threads.shape).astype(object) for value in values]
    if name.startswith("mad"):
        product = wide[0] * wide[1]
        wide = [product >> bits if "hi" in instruction.parts else product & ((1 << bits) - 1), wide[2]]
    elif not name.startswith("add"):
        raise NotImplementedError(f"`{instruction.text}`")
    total = wide[0] + wide[1]
    if name.endswith("c"):
        total = total + launch.carry[threads].astype(int)
    if "cc" in instruction.parts:
        launch.carry[threads] = (total >> bits != 0).astype(bool)
    result = (total & ((1 << bits) - 1)).astype(f"uint{bits}")
    launch.set(instruction.operands[0], f"u{bits}", threads, result)


def _multiplied(launch, instruction, threads, added=False):
    parts, kind = instruction.parts, instruction.parts[-1]
    target = a.WIDER[kind] if "wide" in parts else kind
    values = _values(launch, instruction, threads, [kind, kind, *([target] if added else [])])
    product = {"wide": a.wide, "hi": a.high}.get(parts[0], np.multiply)(*values[:2])
    if kind in FLOATS:
        raise NotImplementedError(f"`{instruction.text}`")
    launch.set(instruction.operands[0], target, threads, product + values[2] if added else product)


def _product(launch, instruction, threads):
    if instruction.parts[-1] in FLOATS:
        PRODUCT(launch, instruction, threads)
    else:
        _multiplied(launch, instruction, threads)


def _product_and_sum(launch, instruction, threads):
    if instruction.parts[-1] in FLOATS:
        FUSED(launch, instruction, threads)
    elif "cc" in instruction.parts:
        _sum(launch, instruction, threads)
    else:
        _multiplied(launch, instruction, threads, added=True)


def _short_product(launch, instruction, threads):
    """mul24, mad24: of the low 24 bits."""
    kind = instruction.parts[-1]
    values = _values(launch, instruction, threads, [kind] * (len(instruction.operands) - 1))
    low = [a.shifted_right(a.shifted_left(value, np.uint32(8)), np.uint32(8)) for value in values[:2]]
    product = low[0].astype(np.int64) * low[1].astype(np.int64)
    product = product >> 16 if "hi" in instruction.parts else product
    total = product + (values[2] if len(values) > 2 else 0)
    launch.set(instruction.operands[0], kind, threads, total.astype(a.TYPES[kind]))


def _compare(launch, instruction, threads):
    """setp.lt{.and}.type p, a, b{, c}; of `p|q` the second is the opposite."""
    parts, kind = instruction.parts, instruction.parts[-1]
    joint = next((part for part in parts[1:-1] if part in JOINTS), None)
    results, operands = [instruction.operands[0]], instruction.operands[1:]
    if len(operands) > 2 + bool(joint):
        results, operands = list(instruction.operands[:2]), instruction.operands[2:]
    left, right = (launch.value(operand, kind, threads) for operand in operands[:2])
    if "ftz" in parts:
        left, right = a.flushed(left), a.flushed(right)
    holds = a.compared(parts[0], left, right)
    values = [holds, ~holds]
    if joint:
        third = launch.value(operands[2], "pred", threads)
        values = [JOINTS[joint](value, third) for value in values]
    for result, value in zip(results, values, strict=False):
        launch.set(result, "pred", threads, value)


def _test(launch, instruction, threads):
    kind = instruction.parts[-1]
    value = launch.value(instruction.operands[1], kind, threads)
    launch.set(instruction.operands[0], "pred", threads, a.TESTS[instruction.parts[0]](value))


def _look_up(launch, instruction, threads):
    *values, table = _values(launch, instruction, threads, ["b32"] * 4)
    launch.set(instruction.operands[0], "b32", threads, a.looked_up(*values, table))


def _counted(function):
    """A function of the bits whose result has 32."""

    def run(launch, instruction, threads):
        kind = instruction.parts[-1].replace("s", "u")
        value = np.broadcast_to(launch.value(instruction.operands[1], kind, threads), threads.shape)
        launch.set(instruction.operands[0], "u32", threads, function(value))

    return run


def _extreme(of_numbers, of_all):
    return _plain(lambda parts, x, y: (of_all if "NaN" in parts else of_numbers)(x, y))


def _approximated(name):
    def choose(parts, value):
        if "approx" in parts:
            return a.APPROXIMATE[name](value)
        return a.EXACT[name](value)

    return _plain(choose)


def _shared(function):
    return _plain(lambda parts, *values: function(*values))


def _divided(parts, x, y):
    return x / y if x.dtype.kind == "f" else a.quotient(x, y)


def _of_words(function):
    """b64 of the type, with 32-bit counts behind `kept` operands of the type."""

    def wanted(kept, counts):
        return lambda kind: [kind] * kept + ["u32"] * counts

    return lambda kept, counts: _plain(lambda parts, *values: function(*values), wanted(kept, counts))


JOINTS = {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor}
SUMS = {
    "add": _plain(_rounded(np.add, {"rz": a.toward_zero_sum})),
    "sub": _plain(_rounded(np.subtract, {"rz": lambda x, y: a.toward_zero_sum(x, -y)})),
}
PRODUCT = _plain(_rounded(np.multiply, {}))
FUSED = _plain(_rounded(a.fma, {"rm": a.downward}))


OPERATIONS = {
    "add": _sum, "sub": _sum, "addc": _sum, "mad": _product_and_sum, "madc": _sum, "fma": _product_and_sum,
    "mul": _product, "mul24": _short_product, "mad24": _short_product,
    "div": _plain(_divided), "rem": _shared(a.remainder),
    "abs": _shared(np.abs), "neg": _shared(np.negative),
    "min": _extreme(np.fmin, np.minimum), "max": _extreme(np.fmax, np.maximum),
    "copysign": _shared(lambda sign, size: np.copysign(size, sign)),
    "setp": _compare, "testp": _test,
    "selp": _plain(lambda parts, x, y, holds: np.where(holds, x, y), lambda kind: [kind, kind, "pred"]),
    "not": _shared(lambda x: ~x),
    "cnot": _shared(lambda x: (x == 0).astype(x.dtype)),
    "and": _shared(np.bitwise_and), "or": _shared(np.bitwise_or), "xor": _shared(np.bitwise_xor),
    "shl": _of_words(a.shifted_left)(1, 1), "shr": _of_words(a.shifted_right)(1, 1),
    "bfe": _of_words(a.extracted)(1, 2), "bfi": _of_words(a.inserted)(2, 2),
    "prmt": _shared(a.permuted), "lop3": _look_up,
    "shf": _plain(
        lambda parts, x, y, count: a.funnel(x, y, count, parts[0] == "l", "clamp" in parts)
    ),
    "clz": _counted(a.leading_zeros), "popc": _counted(a.set_bits), "brev": _shared(a.reversed_bits),
    **{name: _approximated(name) for name in a.APPROXIMATE},
}  # fmt: skip
"""What every instruction does that is no move, no jump and no meeting."""
