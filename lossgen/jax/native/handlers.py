"""`handler`: a C function that XLA calls and that calls a kernel, compiled once for the types of its arrays.

Arguments of the call, in this order: target, prediction, weight of each row (if weighted). Results: the
loss of each row, or one total; then the array, if the output has one. Leading axes that `vmap` adds belong to
all of them: with losses they are more rows; totals are taken one by one.

Attributes: `integers` and `numbers`, see `INTEGERS`; parameters follow the scale in `numbers`.
"""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numba import carray, types
from numba.core.ccallback import CFunc
from numba.np.numpy_support import from_dtype

from lossgen.jax.native import parts
from lossgen.jax.native.frame import (
    argument,
    argument_size,
    attribute,
    is_query,
    kernel_error,
    label_error,
    pointer,
    result,
)
from lossgen.jax.native.kernels import address_of
from lossgen.jax.native.pool import team_of
from lossgen.runtime import labels as labels_module
from lossgen.runtime.compiling import QuickCache
from lossgen.runtime.labels import count_labels
from lossgen.runtime.team import addresses
from lossgen.runtime.team.work import TEAM

INTEGERS = ("kernel", "rows", "width", "columns", "chunk", "threads", "ignored", "ignores", "mean_of_valid")
"""What the words of the first attribute are.

`kernel` is a number of `lossgen.jax.native.kernels`. A kernel sees `rows` × `width` elements of a
prediction; a flat one a line of `rows`. `columns` is how many labels there are. With `mean_of_valid` the
scale is divided by the number of labels that are not ignored.
"""
KERNEL, ROWS, WIDTH, COLUMNS, CHUNK, THREADS, IGNORED, IGNORES, MEAN_OF_VALID = range(len(INTEGERS))

SIGNATURE = types.int64(types.int64)


@dataclass(frozen=True)
class Structure:
    """What the code of a handler depends on.

    Attributes:
        prediction, target: names of dtypes. The weight and the results have that of the prediction.
        flat: whether the kernel sees a line of elements.
        labels: whether the target is one label a row.
        weighted: whether there is a weight a row.
        losses: whether the loss of each row is wanted, and not the total.
        has_array: whether the kernel writes an array.
        team: "alone", "chunks" or "split": how the kernel is called, see `lossgen.runtime.dispatch`.
        parameters: of each parameter 0 for a float, −1 for an integer, or the length of an array.
    """

    prediction: str
    target: str
    flat: bool
    labels: bool
    weighted: bool
    losses: bool
    has_array: bool
    team: str
    parameters: tuple[int, ...]


    def arguments(self) -> tuple[types.Type, ...]:
        """The types of the arguments of its kernels."""
        p_type, y_type = from_dtype(np.dtype(self.prediction)), from_dtype(np.dtype(self.target))
        data = types.Array(p_type, 1 if self.flat else 2, "C")
        line = types.Array(p_type, 1, "C")
        fixed = [
            types.float64 if kind == 0 else types.int64 if kind < 0 else types.Array(types.float64, 1, "C")
            for kind in self.parameters
        ]
        if self.team == "chunks":
            fixed = [types.UniTuple(each, 1) if isinstance(each, types.Array) else each for each in fixed]
        given = [types.Array(y_type, 1 if self.flat or self.labels else 2, "C"), data, *fixed]
        given += [line if self.weighted else types.none, types.float64] + [types.int64] * self.labels
        given += [line if self.losses else types.none] + [data] * self.has_array
        if self.team == "alone":
            return tuple(given)
        if self.team == "split":
            return (TEAM, *given)
        return (TEAM, types.int64, types.BaseTuple.from_types(given))  # as a call of Python has them


_handlers: dict[Structure, tuple[str, CFunc]] = {}
_lock = threading.Lock()


def handler(structure: Structure) -> tuple[str, CFunc]:
    """The handler for a structure and a name that is its own, in this process and the next."""
    with _lock:
        if structure not in _handlers:
            _handlers[structure] = _compiled(structure)
        return _handlers[structure]


def _compiled(structure: Structure) -> tuple[str, CFunc]:
    digest = hashlib.sha256(f"{_sources()} {structure}".encode()).hexdigest()[:16]
    function = _function(structure)
    # The name of the function is that of its file in the cache, and of its symbol.
    function.__name__ = function.__qualname__ = name = f"lossgen_{digest}"
    made = CFunc(function, (SIGNATURE.args, SIGNATURE.return_type), locals={},
                 options={"error_model": "numpy", "fastmath": {"nsz"}})  # fmt: skip
    made._cache = HandlerCache(function)
    made.compile()
    return name, made


@cache
def _sources() -> str:
    """A digest of all code that handlers are compiled from."""
    folders = [Path(__file__).parent, Path(addresses.__file__).parent]
    paths = [path for folder in folders for path in sorted(folder.glob("*.py"))]
    content = b"".join(path.read_bytes() for path in (*paths, Path(labels_module.__file__)))
    return hashlib.sha256(content).hexdigest()


class HandlerCache(QuickCache):
    """The cache of a handler, whose name stands for all that it closes over."""

    def _index_key(self, sig, codegen):
        return sig, codegen.magic_tuple(), self._py_func.__name__


def _function(structure: Structure) -> Callable:
    """The handler as Python code, made of parts that fit the structure."""
    p_type, y_type = np.dtype(structure.prediction).type, np.dtype(structure.target).type
    p_bytes, y_bytes = np.dtype(p_type).itemsize, np.dtype(y_type).itemsize
    flat, labels, losses = structure.flat, structure.labels, structure.losses
    weighted, has_array = structure.weighted, structure.has_array
    predictions = parts.line if flat else parts.matrix
    targets = parts.line if flat or labels else parts.matrix
    weights = parts.line if weighted else parts.nothing
    places = parts.line if losses else parts.nothing
    arrays = parts.in_tuple(predictions) if has_array else parts.empty
    ignored_of = parts.one if labels else parts.no_one
    parameters = parts.parameters(structure.parameters, wrapped=structure.team == "chunks")
    run = {"alone": parts.alone, "chunks": parts.in_chunks, "split": parts.split}[structure.team]
    together = structure.team != "alone"

    def handle(frame):
        if is_query(frame):
            return 0
        integers = carray(pointer(attribute(frame, 0)), (len(INTEGERS),), np.int64)
        numbers = attribute(frame, 1)
        size, rows, width = argument_size(frame, 1), integers[ROWS], integers[WIDTH]
        if losses:
            rows = size // width
        examples = size // (rows * width)
        team = team_of(frame, integers[THREADS]) if together else (0, 0, 1)
        kernel = address_of(integers[KERNEL])
        if kernel == 0:
            return kernel_error(frame)
        y, p = argument(frame, 0), argument(frame, 1)
        for example in range(examples):
            first_row, first = example * rows, example * rows * width
            target = targets(y + y_bytes * (first_row if labels else first), rows, width, y_type)
            prediction = predictions(p + p_bytes * first, rows, width, p_type)
            weight_address = argument(frame, 2) if weighted else 0
            weight = weights(weight_address + p_bytes * first_row, rows, width, p_type)
            scale = carray(pointer(numbers), (1,), np.float64)[0]
            if labels:
                ignored, ignores = integers[IGNORED], integers[IGNORES] != 0
                valid, wrong = count_labels(target, integers[COLUMNS], ignored, ignores)
                if wrong:
                    for row in range(rows):
                        label = np.int64(target[row])
                        unused = ignores and label == ignored
                        if not unused and (label < 0 or label >= integers[COLUMNS]):
                            return label_error(frame, label, first_row + row, integers[COLUMNS])
                if integers[MEAN_OF_VALID]:
                    scale = scale / valid if valid else 0.0
            value = result(frame, 0)
            place = places(value + p_bytes * first_row, rows, width, p_type)
            array = (result(frame, 1) if has_array else 0) + p_bytes * first
            ends = (*ignored_of(integers[IGNORED]), place, *arrays(array, rows, width, p_type))
            given = (target, prediction, *parameters(numbers + 8), weight, scale, *ends)
            total = run(kernel, team, integers[CHUNK], given)
            if scale == 0:  # nothing counts, not even what is not finite
                total = 0.0
                parts.clear(array, rows * width, p_type, has_array)
            if not losses:
                carray(pointer(value), (examples,), p_type)[example] = total
        return 0

    return handle
