"""What XLA hands to a handler: call frames, buffers, attributes; and the errors it gives. For compiled code.

Offsets are those of `xla/ffi/api/c_api.h` for 64-bit machines; XLA keeps them within a major version of the
interface, and a handler that answers the query for its version with XLA's own is refused by none.
"""

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing import signature
from numba.extending import intrinsic

from lossgen.runtime.compiling import njit
from lossgen.runtime.options import INLINE
from lossgen.runtime.team.addresses import WORD, load, store

EXTENSION, API, CONTEXT, ARGUMENTS, RESULTS, ATTRIBUTES = 8, 16, 24, 72, 112, 160
"""In the call frame: first extension, functions of XLA, context of the execution, arrays of pointers."""
DATA, RANK, SIZES = 24, 32, 40
"""In a buffer."""
ARRAY_DATA = 16
"""In an attribute that is an array."""
VERSION, ERROR_CREATE, ERROR_DESTROY, SCHEDULE, NUM_THREADS = 32, 48, 64, 136, 144
"""In the table of XLA's functions: major and minor version as one word, and functions."""
KIND, NEXT, METADATA, METADATA_KIND = 8, 16, 24, 1
"""In an extension: its kind (the lower half of the word), the next one; in kind 1, what to fill in."""
METADATA_VERSION, METADATA_TRAITS, METADATA_STATE = 24, 32, 40
INVALID_ARGUMENT = 3
ERROR_RECORD = 28
"""Size of the record of an error."""
MINUS, ZERO = ord("-"), ord("0")


@intrinsic
def pointer(typing, address):
    """The address as a pointer that `carray` takes."""

    def lower(context, builder, chosen, values):
        return builder.inttoptr(values[0], context.get_value_type(types.voidptr))

    return signature(types.voidptr, types.int64), lower


@intrinsic
def stack(typing):
    """The address of eight words that live as long as the call."""

    def lower(context, builder, chosen, values):
        words = cgutils.alloca_once(builder, ir.ArrayType(WORD, 8))
        return builder.ptrtoint(words, WORD)

    return signature(types.int64), lower


@intrinsic
def ask(typing, function, arguments):
    """function(arguments), a function of XLA's table: the address of an error, or 0."""

    def lower(context, builder, chosen, values):
        kind = ir.FunctionType(WORD, [WORD]).as_pointer()
        return builder.call(builder.inttoptr(values[0], kind), [values[1]])

    return signature(types.int64, types.int64, types.int64), lower


@intrinsic
def address_of(typing, array):
    """Where the data of an array begins."""

    def lower(context, builder, chosen, values):
        data = context.make_array(chosen.args[0])(context, builder, values[0]).data
        return builder.ptrtoint(data, WORD)

    return signature(types.int64, array), lower


@njit(**INLINE)
def is_query(frame):
    """Whether XLA asks what the handler is, which is answered, and wants nothing done."""
    extension = load(frame + EXTENSION)
    while extension != 0 and load(extension + KIND) & 0xFFFFFFFF != METADATA_KIND:
        extension = load(extension + NEXT)
    if extension == 0:
        return False
    metadata = load(extension + METADATA)
    store(metadata + METADATA_VERSION, load(load(frame + API) + VERSION))
    store(metadata + METADATA_TRAITS, 0)
    store(metadata + METADATA_STATE, 0)
    return True


@njit(**INLINE)
def argument(frame, place):
    """The address of an argument's data."""
    return load(load(load(frame + ARGUMENTS) + 8 * place) + DATA)


@njit(**INLINE)
def result(frame, place):
    """The address of a result's data."""
    return load(load(load(frame + RESULTS) + 8 * place) + DATA)


@njit(**INLINE)
def argument_size(frame, place):
    """How many elements an argument has."""
    buffer = load(load(frame + ARGUMENTS) + 8 * place)
    sizes, size = load(buffer + SIZES), 1
    for axis in range(load(buffer + RANK)):
        size *= load(sizes + 8 * axis)
    return size


@njit(**INLINE)
def attribute(frame, place):
    """The address of the data of an attribute that is an array; attributes are sorted by name."""
    return load(load(load(frame + ATTRIBUTES) + 8 * place) + ARRAY_DATA)


def text(words: str) -> np.ndarray:
    """Text as compiled code keeps it."""
    return np.frombuffer(words.encode("ascii"), np.uint8).copy()


LABEL = text("`y_true` holds the label ")
ROW = text(" in row ")
RANGE = text(" (rows counted from 0, in order of memory); labels lie in 0 ... ")
COLUMNS = text(" because y_pred has ")
END = text(" columns, or are `ignore_class`.")


@njit(cache=False)
def label_error(frame, label, row, columns):
    """The error that names a label which names no column."""
    message = np.zeros(256, np.uint8)
    end = write_text(message, 0, LABEL)
    end = write_number(message, end, label)
    end = write_text(message, end, ROW)
    end = write_number(message, end, row)
    end = write_text(message, end, RANGE)
    end = write_number(message, end, columns - 1)
    end = write_text(message, end, COLUMNS)
    end = write_number(message, end, columns)
    write_text(message, end, END)
    error = invalid_argument(frame, address_of(message))
    message[0] = 0  # read after the call: Numba frees an array after its last use, and an address is none
    return error


UNKNOWN = text(
    "This process has not made the kernel that the program calls: trace the loss here before it runs."
)


@njit(cache=False)
def kernel_error(frame):
    """The error of a program that another process has traced."""
    message = np.zeros(256, np.uint8)
    write_text(message, 0, UNKNOWN)
    error = invalid_argument(frame, address_of(message))
    message[0] = 0  # as in `label_error`
    return error


@njit(cache=False)
def invalid_argument(frame, message):
    """An error with a text that ends with 0; XLA copies it."""
    record = stack()
    store(record, ERROR_RECORD)
    store(record + 8, 0)
    store(record + 16, message)
    store(record + 24, INVALID_ARGUMENT)
    return ask(load(load(frame + API) + ERROR_CREATE), record)


@njit(cache=False)
def write_text(message, end, words):
    """Appends text; returns where it ends."""
    for letter in words:
        message[end] = letter
        end += 1
    return end


@njit(cache=False)
def write_number(message, end, number):
    """Appends an integer in decimal; returns where it ends."""
    if number < 0:
        message[end] = MINUS
        end += 1
    rest = abs(number)
    digits = 1
    while rest > 9:
        rest //= 10
        digits += 1
    rest = abs(number)
    for place in range(digits):
        message[end + digits - 1 - place] = ZERO + rest % 10
        rest //= 10
    return end + digits
