"""`in_team` and `in_chunks`: what compiled code calls to have work done piece by piece on a team of threads.

A team is three integers: the address of a C function `enter(function, data, threads, flags)` that calls
`function(data)` on up to so many threads and returns when all have come back (OpenMP's own entry has this
form), the address of the team's state, and the number of threads. With the address 0 the caller works alone.

The work is a function of one pointer, made here: it takes the next piece from a counter until none is left.
So it is right however many threads run it, one included.
"""

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.errors import TypingError
from numba.core.typing import signature
from numba.extending import intrinsic

TEAM = types.UniTuple(types.int64, 3)
INTEGER, POINTER = ir.IntType(64), ir.IntType(8).as_pointer()
NEXT, COUNT, FAILED, STATE, REST = range(5)
"""Members of the record that a piece of work is given; `own.py` reads STATE."""


@intrinsic
def in_team(typing, team, count, function, arguments):
    """function(index, *arguments) for every index below `count`, in any order, on the threads of the team."""
    chosen = _signature_of("in_team", typing, team, function, (types.int64, *arguments.types))

    def lower(context, builder, signature_, values):
        team, count, _, packed = values

        def piece(builder, index, packed):
            given = cgutils.unpack_tuple(builder, packed, len(arguments.types))
            return _call(context, builder, function, chosen, [index, *given])

        _run(context, builder, team, count, packed, piece)
        return context.get_dummy_value()

    return signature(types.none, TEAM, types.int64, function, arguments), lower


@intrinsic
def in_chunks(typing, team, length, function, arguments):
    """The sum of what function(*arguments) returns for each chunk of the arrays among them, in order.

    A chunk is `length` places along the first axis, which all arrays have in common; they are C-contiguous,
    or matrices in Fortran order, whose chunks keep the strides of the whole: the function must go by them. An
    array in a tuple of its own is passed whole.
    """
    given_types = [kind.types[0] if isinstance(kind, types.BaseTuple) else kind for kind in arguments.types]
    sliced = [place for place, kind in enumerate(arguments.types) if isinstance(kind, types.Array)]
    if not sliced or any(arguments.types[place].layout not in "CF" for place in sliced):
        raise TypingError("in_chunks: arguments must hold contiguous arrays")
    chosen = _signature_of("in_chunks", typing, team, function, given_types)
    adds = isinstance(chosen.return_type, types.Float)

    def lower(context, builder, signature_, values):
        team, length, _, packed = values
        rows = _array(context, builder, arguments.types[sliced[0]], builder.extract_value(packed, sliced[0]))
        rows = builder.extract_value(rows.shape, 0)
        count = builder.sdiv(builder.add(rows, builder.sub(length, length.type(1))), length)
        totals = builder.alloca(ir.DoubleType(), count) if adds else None
        kept = [packed, length] if totals is None else [packed, length, totals]
        record = ir.LiteralStructType([value.type for value in kept])
        stored = cgutils.alloca_once(builder, record)
        for place, value in enumerate(kept):
            builder.store(value, cgutils.gep_inbounds(builder, stored, 0, place))

        def piece(builder, index, stored):
            kept = builder.load(stored)
            packed, length = builder.extract_value(kept, 0), builder.extract_value(kept, 1)
            first = builder.mul(index, length)
            given = []
            for place, kind in enumerate(arguments.types):
                value = builder.extract_value(packed, place)
                if place in sliced:
                    value = _chunk(context, builder, kind, value, first, length)
                elif isinstance(kind, types.BaseTuple):
                    value = builder.extract_value(value, 0)
                given.append(value)
            failed, result = _call(context, builder, function, chosen, given)
            if adds:
                result = context.cast(builder, result, chosen.return_type, types.float64)
                builder.store(result, builder.gep(builder.extract_value(kept, 2), [index]))
            return failed, result

        _run(context, builder, team, count, stored, piece)
        if not adds:
            return context.get_constant(types.float64, 0)
        total = cgutils.alloca_once_value(builder, ir.DoubleType()(0))
        with cgutils.for_range(builder, count) as loop:
            one = builder.load(builder.gep(totals, [loop.index]))
            builder.store(builder.fadd(builder.load(total), one), total)
        return builder.load(total)

    return signature(types.float64, TEAM, types.int64, function, arguments), lower


def _signature_of(name, typing, team, function, given):
    if team != TEAM or not isinstance(function, types.Dispatcher):
        raise TypingError(f"{name}(team, number, function, arguments): no team or no compiled function")
    return function.get_call_type(typing, tuple(given), {})


def _array(context, builder, kind, value):
    return context.make_array(kind)(context, builder, value)


def _chunk(context, builder, kind, value, first, length):
    """The places from `first` on, `length` at most, of an array.

    It has no owner: threads that count references to the same memory would wait for each other at every row.
    """
    whole = _array(context, builder, kind, value)
    part = context.make_array(kind)(context, builder)
    shape = cgutils.unpack_tuple(builder, whole.shape, kind.ndim)
    left = builder.sub(shape[0], first)
    rows = builder.select(builder.icmp_signed("<", left, length), left, length)
    size = rows
    for extent in shape[1:]:
        size = builder.mul(size, extent)
    strides = cgutils.unpack_tuple(builder, whole.strides, kind.ndim)
    address = builder.add(builder.ptrtoint(whole.data, INTEGER), builder.mul(first, strides[0]))
    part.meminfo = cgutils.get_null_value(whole.meminfo.type)
    part.parent = cgutils.get_null_value(whole.parent.type)
    part.nitems, part.itemsize, part.strides = size, whole.itemsize, whole.strides
    part.data = builder.inttoptr(address, whole.data.type)
    part.shape = cgutils.pack_array(builder, [rows, *shape[1:]])
    return part._getvalue()


def _call(context, builder, function, chosen, given):
    """Whether the call failed, and its result."""
    compiled = function.dispatcher.get_compile_result(chosen)
    context.active_code_library.add_linking_library(compiled.library)
    status, result = context.call_internal_no_propagate(builder, compiled.fndesc, chosen, given)
    return status.is_error, result


def _run(context, builder, team, count, payload, piece):
    """Has piece(builder, index, payload) done for every index below `count`; raises if one has failed."""
    record = ir.LiteralStructType([INTEGER] * REST + [payload.type])
    data = cgutils.alloca_once(builder, record)
    state = builder.extract_value(team, 1)
    zero = INTEGER(0)
    for member, value in ((NEXT, zero), (COUNT, count), (FAILED, zero), (STATE, state), (REST, payload)):
        builder.store(value, cgutils.gep_inbounds(builder, data, 0, member))
    work = _work_function(builder.module, record, piece)
    data_address = builder.bitcast(data, POINTER)
    address, threads = builder.extract_value(team, 0), builder.extract_value(team, 2)
    with builder.if_else(builder.icmp_unsigned("==", address, zero)) as (alone, together):
        with alone:
            builder.call(work, [data_address])
        with together:
            word = ir.IntType(32)
            enter = ir.FunctionType(ir.VoidType(), [work.type, POINTER, word, word]).as_pointer()
            given = [work, data_address, builder.trunc(threads, word), word(0)]
            builder.call(builder.inttoptr(address, enter), given)
    failed = builder.load(cgutils.gep_inbounds(builder, data, 0, FAILED))
    with cgutils.if_unlikely(builder, builder.icmp_unsigned("!=", failed, zero)):
        context.call_conv.return_user_exc(builder, RuntimeError, ("a piece of work failed",))


def _work_function(module, record, piece):
    """void work(record*): pieces, until none is left."""
    kind = ir.FunctionType(ir.VoidType(), [POINTER])
    work = ir.Function(module, kind, module.get_unique_name("lossgen_work"))
    work.linkage = "internal"
    builder = ir.IRBuilder(work.append_basic_block("entry"))
    data = builder.bitcast(work.args[0], record.as_pointer())
    payload = builder.load(cgutils.gep_inbounds(builder, data, 0, REST))
    count = builder.load(cgutils.gep_inbounds(builder, data, 0, COUNT))
    counter = cgutils.gep_inbounds(builder, data, 0, NEXT)
    head, body = work.append_basic_block("next"), work.append_basic_block("piece")
    done = work.append_basic_block("done")
    builder.branch(head)
    builder.position_at_end(head)
    index = builder.atomic_rmw("add", counter, INTEGER(1), "monotonic")
    builder.cbranch(builder.icmp_signed("<", index, count), body, done)
    builder.position_at_end(body)
    failed, _ = piece(builder, index, payload)
    with cgutils.if_unlikely(builder, failed):
        builder.store(INTEGER(1), cgutils.gep_inbounds(builder, data, 0, FAILED))
    builder.branch(head)
    builder.position_at_end(done)
    builder.ret_void()
    return work
