"""XLA's own threads as a team: what `lossgen.runtime.team` enters from a handler. For compiled code.

A handler runs on a thread of XLA's pool, and several may run at once. A second team beside the pool would
take the cores from it; so helpers are tasks of the pool. Whoever calls never waits for a task that has not
begun: with all threads busy, or a pool of one, it does the work alone. A task that begins late finds that
nothing is left to join; the record that it reads lives until the last of them has looked.
"""

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing import signature
from numba.extending import intrinsic

from lossgen.jax.native.frame import API, CONTEXT, ERROR_DESTROY, NUM_THREADS, SCHEDULE, ask, stack
from lossgen.runtime.compiling import njit
from lossgen.runtime.team import addresses
from lossgen.runtime.team.addresses import WORD, add, load, store
from lossgen.runtime.team.own import MAY_JOIN, ONE_AT_WORK
from lossgen.runtime.team.work import STATE

WORK, FUNCTION, WORK_DATA, OWNERS, JOB = 0, 8, 16, 24, 32
"""In the record of a job. WORK is as in `lossgen.runtime.team.own`; OWNERS counts who may still read it."""
RECORD = 40
"""Size of the record that schedules a task."""


@intrinsic
def allocate(typing, size):
    """Memory that lives until `free`."""

    def lower(context, builder, chosen, values):
        kind = ir.FunctionType(ir.IntType(8).as_pointer(), [WORD])
        function = cgutils.get_or_insert_function(builder.module, kind, "malloc")
        return builder.ptrtoint(builder.call(function, [values[0]]), WORD)

    return signature(types.int64, types.int64), lower


@intrinsic
def free(typing, address):
    """Gives memory back."""

    def lower(context, builder, chosen, values):
        pointer = ir.IntType(8).as_pointer()
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), [pointer]), "free"
        )
        builder.call(function, [builder.inttoptr(values[0], pointer)])
        return context.get_dummy_value()

    return signature(types.none, types.int64), lower


def c_function(words: int):
    """An intrinsic: the address of a compiled function of so many words as C code calls it."""

    @intrinsic
    def address(typing, function):
        chosen = function.get_call_type(typing, (types.int64,) * words, {})

        def lower(context, builder, signature_, values):
            compiled = function.dispatcher.get_compile_result(chosen)
            context.active_code_library.add_linking_library(compiled.library)
            kind = ir.FunctionType(ir.VoidType(), [WORD] * words)
            made = ir.Function(builder.module, kind, builder.module.get_unique_name("lossgen_entry"))
            made.linkage = "internal"
            inner = ir.IRBuilder(made.append_basic_block("entry"))
            context.call_internal_no_propagate(inner, compiled.fndesc, chosen, made.args)
            inner.ret_void()
            return builder.ptrtoint(made, WORD)

        return signature(types.int64, function), lower

    return address


address_of_task = c_function(1)
address_of_entry = c_function(4)


@njit(cache=False)
def leave(job):
    """Gives up a share in a job; the last frees it."""
    if add(job + OWNERS, -1) == 1:
        free(job)


@njit(cache=False)
def task(job):
    """What a thread of the pool does for a job: joins, if that is still wanted."""
    found = load(job + WORK)
    while found & MAY_JOIN:
        if addresses.replace(job + WORK, found, found + ONE_AT_WORK - 1):
            addresses.call(load(job + FUNCTION), load(job + WORK_DATA))
            add(job + WORK, -ONE_AT_WORK)
            break
        found = load(job + WORK)
    leave(job)


@njit(cache=False)
def schedule(frame, job):
    """Has the pool call `task(job)`; whether it will."""
    record = stack()
    store(record, RECORD)
    store(record + 8, 0)
    store(record + 16, load(frame + CONTEXT))
    store(record + 24, address_of_task(task))
    store(record + 32, job)
    api = load(frame + API)
    return is_fine(api, ask(load(api + SCHEDULE), record))


@njit(cache=False)
def is_fine(api, error):
    """Whether there is no error; one is destroyed."""
    if error == 0:
        return True
    record = stack()
    store(record, 24)
    store(record + 8, 0)
    store(record + 16, error)
    ask(load(api + ERROR_DESTROY), record)
    return False


@njit(cache=False)
def enter(function, data, threads, flags):
    """Calls function(data) here and on up to threads − 1 threads of the pool; returns when all are done."""
    frame = load(data + 8 * STATE)
    helpers = (threads & 0xFFFFFFFF) - 1  # the caller passes 32 bits; what is above them is anything
    job = allocate(JOB)
    store(job + WORK, helpers)
    store(job + FUNCTION, function)
    store(job + WORK_DATA, data)
    store(job + OWNERS, helpers + 1)
    for _ in range(helpers):
        if not schedule(frame, job):
            add(job + OWNERS, -1)
    addresses.call(function, data)
    addresses.keep_bits(job + WORK, ~MAY_JOIN)
    while load(job + WORK) != 0:
        addresses.pause()
    leave(job)


@njit(cache=False)
def team_of(frame, most):
    """The team for a call: the pool, with so many threads at most."""
    record, number = stack(), stack()
    store(number, 1)
    store(record, 32)
    store(record + 8, 0)
    store(record + 16, load(frame + CONTEXT))
    store(record + 24, number)
    api = load(frame + API)
    is_fine(api, ask(load(api + NUM_THREADS), record))
    threads = min(most, load(number))
    if threads <= 1:
        return types.int64(0), types.int64(0), types.int64(1)
    return address_of_entry(enter), frame, threads
