"""Blocks of a matrix transposed in registers: how tiles of rows are read and written. For compiled code only.

A block has as many rows as columns, 16 for tiles of float32 and 8 for tiles of float64; the last one of a row
may be narrower. What is read may have any real dtype; it gets that of the tile, and what is written gets that
of the array.

A matrix in Fortran order has its rows side by side already: its blocks are copied. It may be a few rows of a
longer one (a chunk): its columns are as far apart as the strides say.
"""

from functools import partial

from llvmlite import ir
from numba.core import types
from numba.core.typing import signature
from numba.extending import intrinsic

WIDTH = {types.float32: 16, types.float64: 8}
INTEGER, BIT = ir.IntType(64), ir.IntType(1)


@intrinsic
def block_width(typing, tile):
    """Rows and columns of a block of this tile."""
    width = WIDTH[tile.dtype]

    def lower(context, builder, chosen, values):
        return INTEGER(width)

    return signature(types.int64, tile), lower


@intrinsic
def load_block(typing, array, row, column, count, tile, lane):
    """tile[column + k, lane + i] = array[row + i, column + k] for a block's i and k below `count`."""
    block = _Block(array, tile)

    def lower(context, builder, chosen, values):
        array_, row, column, count, tile_, lane = values
        source = block.rows(context, builder, chosen.args[0], array_, row, column)
        target = block.rows(context, builder, chosen.args[4], tile_, column, lane)
        move = block.copy if array.layout == "F" else partial(block.move, narrow="columns")
        move(builder, count, source, target)
        return context.get_dummy_value()

    number = types.int64
    return signature(types.none, array, number, number, number, tile, number), lower


@intrinsic
def store_block(typing, tile, lane, array, row, column, count):
    """array[row + i, column + k] = tile[column + k, lane + i] for a block's i and k below `count`."""
    block = _Block(array, tile)

    def lower(context, builder, chosen, values):
        tile_, lane, array_, row, column, count = values
        source = block.rows(context, builder, chosen.args[0], tile_, column, lane)
        target = block.rows(context, builder, chosen.args[2], array_, row, column)
        move = block.copy if array.layout == "F" else partial(block.move, narrow="rows")
        move(builder, count, source, target)
        return context.get_dummy_value()

    number = types.int64
    return signature(types.none, tile, number, array, number, number, number), lower


@intrinsic
def number_at(typing, array, row, column):
    """array[row, column], of a matrix in C or Fortran order."""

    def lower(context, builder, chosen, values):
        place = _place(context, builder, chosen.args[0], *values)
        return context.unpack_value(builder, array.dtype, place)

    return signature(array.dtype, array, types.int64, types.int64), lower


@intrinsic
def put_number(typing, array, row, column, number):
    """array[row, column] = number, of a matrix of floats in C or Fortran order."""

    def lower(context, builder, chosen, values):
        place = _place(context, builder, chosen.args[0], *values[:3])
        context.pack_value(builder, array.dtype, values[3], place)
        return context.get_dummy_value()

    return signature(types.none, array, types.int64, types.int64, array.dtype), lower


def _place(context, builder, kind, value, row, column):
    """The address of an element of a matrix."""
    array = context.make_array(kind)(context, builder, value)
    if kind.layout != "F":
        index = builder.add(builder.mul(row, builder.extract_value(array.shape, 1)), column)
        return builder.gep(array.data, [index])
    far = builder.mul(column, builder.extract_value(array.strides, 1))
    start = builder.inttoptr(builder.add(builder.ptrtoint(array.data, INTEGER), far), array.data.type)
    return builder.gep(start, [row])


class _Block:
    """Code that moves one block between an array and a tile."""

    def __init__(self, array, tile):
        self.width = WIDTH[tile.dtype]
        self.number = ir.FloatType() if tile.dtype == types.float32 else ir.DoubleType()
        self.vector = ir.VectorType(self.number, self.width)
        self.array = array.dtype

    def rows(self, context, builder, kind, value, first, start):
        """Function of k: where the block's row k begins (in Fortran order its column k); the block begins at
        [first, start]."""

        def place(k):
            step = INTEGER(k)
            if kind.layout == "F":
                return _place(context, builder, kind, value, first, builder.add(start, step))
            return _place(context, builder, kind, value, builder.add(first, step), start)

        return place

    def copy(self, builder, count, source, target):
        """Loads and stores a block of a matrix in Fortran order, `count` columns of it."""
        for k in range(self.width):
            with builder.if_then(builder.icmp_signed("<", INTEGER(k), count)):
                self.store(builder, self.load(builder, source(k)), target(k))

    def move(self, builder, count, source, target, narrow):
        """Loads, transposes, stores; `narrow` says which side has `count` numbers only: a row, or rows."""
        full = builder.icmp_signed("==", count, INTEGER(self.width))
        with builder.if_else(full, likely=True) as (whole, partial):
            with whole:
                rows = [self.load(builder, source(k)) for k in range(self.width)]
                for k, row in enumerate(self.transposed(builder, rows)):
                    self.store(builder, row, target(k))
            with partial:
                mask = self.mask(builder, count)
                if narrow == "columns":
                    rows = [self.load(builder, source(k), mask) for k in range(self.width)]
                    for k, row in enumerate(self.transposed(builder, rows)):
                        with builder.if_then(builder.icmp_signed("<", INTEGER(k), count)):
                            self.store(builder, row, target(k))
                else:
                    # Rows past the last are read from it: there may be no memory behind.
                    rows = []
                    for k in range(self.width):
                        inside = builder.icmp_signed("<", INTEGER(k), count)
                        place = builder.select(inside, source(k), source(0))
                        rows.append(self.load(builder, place))
                    for k, row in enumerate(self.transposed(builder, rows)):
                        self.store(builder, row, target(k), mask)

    def transposed(self, builder, rows):
        """The rows of the transposed block: in step s places are exchanged whose indices differ in bit s."""
        width, step = self.width, 1
        lane = ir.VectorType(ir.IntType(32), width)
        while step < width:
            for i in range(width):
                if not i & step:
                    a, b = rows[i], rows[i | step]
                    upper = [k if not k & step else width + (k ^ step) for k in range(width)]
                    lower = [k | step if not k & step else width + k for k in range(width)]
                    rows[i] = builder.shuffle_vector(a, b, ir.Constant(lane, upper))
                    rows[i | step] = builder.shuffle_vector(a, b, ir.Constant(lane, lower))
            step *= 2
        return rows

    def mask(self, builder, count):
        """For each place whether it is below `count`."""
        kind = ir.VectorType(INTEGER, self.width)
        counts = builder.insert_element(ir.Constant(kind, ir.Undefined), count, ir.IntType(32)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.width), [0] * self.width)
        counts = builder.shuffle_vector(counts, ir.Constant(kind, ir.Undefined), zeros)
        return builder.icmp_signed("<", ir.Constant(kind, list(range(self.width))), counts)

    def load(self, builder, place, mask=None):
        """A vector of the tile's numbers from consecutive places, 0 where the mask is off."""
        stored = place.type.pointee
        vector, size = ir.VectorType(stored, self.width), _bytes(stored)
        place = builder.bitcast(place, vector.as_pointer())
        if mask is None:
            found = builder.load(place, align=size)
        else:
            kinds = [place.type, ir.IntType(32), mask.type, vector]
            name = f"llvm.masked.load.v{self.width}{_suffix(stored)}.p0"
            function = _declared(builder.module, name, vector, kinds)
            zeros = ir.Constant(vector, [0] * self.width)
            found = builder.call(function, [place, ir.IntType(32)(size), mask, zeros])
        if stored == self.number:
            return found
        if isinstance(stored, ir.IntType):
            signed = isinstance(self.array, types.Integer) and self.array.signed
            return (builder.sitofp if signed else builder.uitofp)(found, self.vector)
        return _converted(builder, found, self.vector)

    def store(self, builder, row, place, mask=None):
        """Writes a vector to consecutive places, those where the mask is on."""
        stored = place.type.pointee
        vector, size = ir.VectorType(stored, self.width), _bytes(stored)
        row = _converted(builder, row, vector)
        place = builder.bitcast(place, vector.as_pointer())
        if mask is None:
            builder.store(row, place, align=size)
            return
        kinds = [vector, place.type, ir.IntType(32), mask.type]
        name = f"llvm.masked.store.v{self.width}{_suffix(stored)}.p0"
        function = _declared(builder.module, name, ir.VoidType(), kinds)
        builder.call(function, [row, place, ir.IntType(32)(size), mask])


def _converted(builder, row, vector):
    """A vector of floats as one of that type."""
    if row.type == vector:
        return row
    return (builder.fptrunc if row.type.element == ir.DoubleType() else builder.fpext)(row, vector)


def _bytes(number) -> int:
    return number.width // 8 if isinstance(number, ir.IntType) else 4 if number == ir.FloatType() else 8


def _suffix(number) -> str:
    return f"{'i' if isinstance(number, ir.IntType) else 'f'}{8 * _bytes(number)}"


def _declared(module, name, result, kinds):
    known = module.globals.get(name)
    return known or ir.Function(module, ir.FunctionType(result, kinds), name)
