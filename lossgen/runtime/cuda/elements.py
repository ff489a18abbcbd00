"""The intrinsics as instructions of NVVM; `simulated` has their meaning in Python."""

from llvmlite import ir

from lossgen.runtime.cuda.toolchain import intrinsic, signature, types
from lossgen.runtime.cuda.values import common_float

MOST_WARPS = 32
ACCESS_BYTES = 16  # the widest load and store of a GPU

NARROWED = "cvt.rn.f32.f64 $0, $1;"
"""A parameter in the type of the arithmetic, as an assembler statement that stays where it stands.

LLVM moves a conversion into the branch that needs it, even if that is in a loop over elements: float64 there.
"""
ONCE = ir.FunctionType(ir.FloatType(), [ir.DoubleType()])


def arithmetic(kind):
    """The float type that an array or a scalar is computed in; None for what is no float.

    Numba's float16 is a type of storage, as is uint16, which stands for bfloat16.
    """
    kind = kind.dtype if isinstance(kind, types.Array) else kind
    if kind in (types.float32, types.float64):
        return kind
    return types.float32 if kind in (types.float16, types.uint16) else None


@intrinsic
def like(typing, x, number):
    """The number in the arithmetic type of `x`, an array or a scalar."""
    kind = arithmetic(x)
    if kind is None:
        return None

    def lower(context, builder, chosen, values):
        if (number, kind) == (types.float64, types.float32) and not isinstance(values[1], ir.Constant):
            return builder.asm(ONCE, NARROWED, "=f,d", (values[1],), True)
        return context.cast(builder, values[1], number, kind)

    return signature(kind, x, number), lower


@intrinsic
def wide(typing, number):
    """The number as a float64."""

    def lower(context, builder, chosen, values):
        return context.cast(builder, values[0], number, types.float64)

    return signature(types.float64, number), lower


@intrinsic
def select(typing, condition, a, b):
    """a where the condition holds, else b; both are evaluated."""
    kind = common_float(a, b)

    def lower(context, builder, chosen, values):
        return builder.select(*values)

    return signature(kind, types.boolean, kind, kind), lower


@intrinsic
def accumulate(typing, total, value):
    """total + value."""
    kind = common_float(total, value)

    def lower(context, builder, chosen, values):
        return builder.fadd(*values)

    return signature(kind, kind, kind), lower


@intrinsic
def whole_quotient(typing, i, n):
    """i // n for i ≥ 0 and n > 0, without the checks of Python's."""

    def lower(context, builder, chosen, values):
        return builder.udiv(*values)

    return signature(types.int64, types.int64, types.int64), lower


@intrinsic
def warp_slots(typing, value):
    """Memory of the block for as many numbers like the value as a block has warps.

    Not `cuda.shared.array`, whose name is global: two device functions that have this one in common could not
    be linked.
    """

    def lower(context, builder, chosen, values):
        memory = ir.ArrayType(context.get_data_type(value), MOST_WARPS)
        module = builder.module
        slots = ir.GlobalVariable(module, memory, module.get_unique_name("warp_slots"), addrspace=3)
        slots.linkage = "internal"
        slots.initializer = ir.Constant(memory, ir.Undefined)
        slots.align = context.get_abi_sizeof(context.get_data_type(value))
        generic = builder.addrspacecast(slots, ir.PointerType(memory))
        return builder.bitcast(generic, ir.PointerType(memory.element))

    return signature(types.CPointer(value), value), lower


# Elements of arrays ---------------------------------------------------------------------------------------


@intrinsic
def load(typing, array, i):
    """Element i; of float16 and bfloat16 as a float32."""
    kind = array.dtype
    result = arithmetic(kind) if _is_half(kind) else kind

    def lower(context, builder, chosen, values):
        pointer = _pointer(context, builder, array, values[0], values[1])
        return _from_memory(context, builder, kind, builder.load(pointer, align=_size(context, kind)))

    return signature(result, array, types.int64), lower


@intrinsic
def store(typing, array, i, value):
    """Writes element i, in the type of the array."""
    kind = array.dtype
    given = types.float32 if _is_half(kind) else kind

    def lower(context, builder, chosen, values):
        pointer = _pointer(context, builder, array, values[0], values[1])
        number = context.cast(builder, values[2], value, given)
        builder.store(_to_memory(context, builder, kind, number), pointer, align=_size(context, kind))
        return context.get_dummy_value()

    return signature(types.void, array, types.int64, value), lower


@intrinsic
def load_strided(typing, array, i):
    """Element i, in C order, of an array of any rank and strides."""
    return _strided(array, array.dtype)


@intrinsic
def load_number_strided(typing, array, i):
    """The same, but uint16 is a whole number."""
    return _strided(array, types.int32 if array.dtype == types.uint16 else array.dtype)


def _strided(array, kind):
    result = types.float32 if _is_half(kind) else kind

    def lower(context, builder, chosen, values):
        pointer = _strided_pointer(context, builder, array, values[0], values[1])
        stored = builder.load(pointer, align=_size(context, array.dtype))
        if kind != array.dtype:
            return builder.zext(stored, ir.IntType(32))
        return _from_memory(context, builder, kind, stored)

    return signature(result, array, types.int64), lower


def _strided_pointer(context, builder, kind, array, index):
    struct = context.make_array(kind)(context, builder, array)
    offset = ir.Constant(index.type, 0)
    shape = [builder.extract_value(struct.shape, axis) for axis in range(kind.ndim)]
    for axis in reversed(range(kind.ndim)):
        stride = builder.extract_value(struct.strides, axis)
        place = builder.urem(index, shape[axis]) if axis else index
        index = builder.udiv(index, shape[axis]) if axis else index
        offset = builder.add(offset, builder.mul(place, stride))
    start = builder.bitcast(struct.data, ir.PointerType(ir.IntType(8)))
    memory = ir.PointerType(_memory_type(context, kind.dtype))
    address = builder.bitcast(builder.gep(start, [offset]), memory)
    return builder.addrspacecast(address, ir.PointerType(memory.pointee, 1))


@intrinsic
def group_of(typing, array):
    """How many elements are loaded at once: 4, of float64 2."""

    def lower(context, builder, chosen, values):
        return ir.Constant(ir.IntType(64), 2 if arithmetic(array) == types.float64 else 4)

    return signature(types.int64, array), lower


@intrinsic
def load_four(typing, array, group):
    """Elements 4·group … 4·group + 3, in as few accesses as a GPU can."""
    return _load_group(array, 4)


@intrinsic
def load_two(typing, array, group):
    """Elements 2·group and 2·group + 1, in as few accesses as a GPU can."""
    return _load_group(array, 2)


@intrinsic
def store_four(typing, array, group, a, b, c, d):
    """Writes elements 4·group … 4·group + 3, in as few accesses as a GPU can."""
    return _store_group(array, (a, b, c, d))


@intrinsic
def store_two(typing, array, group, a, b):
    """Writes elements 2·group and 2·group + 1, in as few accesses as a GPU can."""
    return _store_group(array, (a, b))


def _load_group(array, size):
    kind = array.dtype
    result = arithmetic(kind) if _is_half(kind) else kind

    def lower(context, builder, chosen, values):
        elements = []
        for pointer, count, align in _vectors(context, builder, array, size, *values):
            for element in _elements(builder, pointer, count, align):
                elements.append(_from_memory(context, builder, kind, element))
        return context.make_tuple(builder, chosen.return_type, elements)

    return signature(types.UniTuple(result, size), array, types.int64), lower


def _store_group(array, number_kinds):
    kind = array.dtype
    given = types.float32 if _is_half(kind) else kind

    def lower(context, builder, chosen, values):
        numbers = [
            _to_memory(context, builder, kind, context.cast(builder, value, number_kind, given))
            for value, number_kind in zip(values[2:], number_kinds, strict=True)
        ]
        for pointer, count, align in _vectors(context, builder, array, len(number_kinds), *values[:2]):
            vector = ir.Constant(pointer.type.pointee, ir.Undefined)
            for k in range(count):
                vector = builder.insert_element(vector, numbers.pop(0), ir.Constant(ir.IntType(32), k))
            builder.store(vector, pointer, align=align)
        return context.get_dummy_value()

    return signature(types.void, array, types.int64, *number_kinds), lower


def _is_half(kind) -> bool:
    return kind in (types.float16, types.uint16)


def _memory_type(context, kind):
    return ir.IntType(16) if _is_half(kind) else context.get_data_type(kind)


def _size(context, kind) -> int:
    return context.get_abi_sizeof(_memory_type(context, kind))


def _pointer(context, builder, kind, array, index):
    """The address of an element, in global memory."""
    start = context.make_array(kind)(context, builder, array).data
    memory = _memory_type(context, kind.dtype)
    address = builder.bitcast(builder.gep(start, [index]), ir.PointerType(memory))
    return builder.addrspacecast(address, ir.PointerType(memory, 1))


def _vectors(context, builder, kind, length, array, group):
    """(pointer to a vector, its elements, its bytes) of each access to a group of `length` elements."""
    memory, size = _memory_type(context, kind.dtype), _size(context, kind.dtype)
    count = min(length, ACCESS_BYTES // size)
    for first in range(0, length, count):
        start = builder.mul(group, ir.Constant(group.type, length))
        index = builder.add(start, ir.Constant(group.type, first))
        pointer = _pointer(context, builder, kind, array, index)
        vector = ir.PointerType(ir.VectorType(memory, count), 1)
        yield builder.bitcast(pointer, vector), count, count * size


def _elements(builder, pointer, count, align):
    """The elements of a vector in memory; four of 16 bits are one integer, which NVVM would read as two."""
    if (count, align) != (4, 8):
        vector = builder.load(pointer, align=align)
        return [builder.extract_element(vector, ir.Constant(ir.IntType(32), k)) for k in range(count)]
    word = ir.IntType(64)
    bits = builder.load(builder.bitcast(pointer, ir.PointerType(word, 1)), align=align)
    width = 64 // count
    return [
        builder.trunc(builder.lshr(bits, ir.Constant(word, width * k)), ir.IntType(width))
        for k in range(count)
    ]


def _from_memory(context, builder, kind, stored):
    if kind == types.float16:
        return builder.fpext(builder.bitcast(stored, ir.HalfType()), ir.FloatType())
    if kind == types.uint16:
        bits = builder.shl(builder.zext(stored, ir.IntType(32)), ir.Constant(ir.IntType(32), 16))
        return builder.bitcast(bits, ir.FloatType())
    return context.data_model_manager[kind].from_data(builder, stored)


def _to_memory(context, builder, kind, number):
    if kind == types.float16:
        return builder.bitcast(builder.fptrunc(number, ir.HalfType()), ir.IntType(16))
    if kind == types.uint16:
        return _rounded_to_bfloat16(builder, number)
    return context.data_model_manager[kind].as_data(builder, number)


def _rounded_to_bfloat16(builder, number):
    """The upper half of the bits, rounded to even; a NaN stays one."""
    def constant(value):
        return ir.Constant(ir.IntType(32), value)

    bits = builder.bitcast(number, ir.IntType(32))
    odd = builder.and_(builder.lshr(bits, constant(16)), constant(1))
    rounded = builder.add(bits, builder.add(odd, constant(0x7FFF)))
    is_nan = builder.fcmp_unordered("uno", number, number)
    kept = builder.select(is_nan, builder.or_(bits, constant(0x400000)), rounded)
    return builder.trunc(builder.lshr(kept, constant(16)), ir.IntType(16))
