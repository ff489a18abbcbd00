"""Integer labels as the kernels take them; they are never cast to a float type."""

from collections.abc import Iterable
from math import prod
from typing import Any

import keras
from keras import ops

from lossgen.errors import LabelError
from lossgen.keras import backend

WIDER = {
    **dict.fromkeys(("bool", "int8", "uint8", "int16", "uint16"), "int32"),
    **dict.fromkeys(("uint32", "uint64"), "int64"),
}
"""Dtypes that may not hold every `ignore_class`, and the dtype that does."""

NO_CLASS = -(2**31)  # a label that names no class: what is no whole number inside of compiled code becomes it


WHOLE = {"float16": 2**11, "bfloat16": 2**8}
"""Up to which whole number a half precision tells one from the next."""


def label_tensor(y_true: Any, sizes: Iterable[Any]) -> Any:
    """Labels in an integer dtype: floats that hold whole numbers are converted, integers stay as they are.

    Args:
        sizes: those of the axes of the predictions that are columns; what is not known yet is no number.

    Raises:
        LabelError: a value that is no whole number, where it can be looked at (inside of compiled code it
            becomes a label that names no class), or a dtype that cannot tell all columns apart.
    """
    labels = backend.tensor("y_true", y_true)
    dtype = keras.backend.standardize_dtype(labels.dtype)
    if dtype == "bool" or "int" in dtype:
        return ops.cast(labels, WIDER[dtype]) if dtype in WIDER else labels
    columns = prod(size for size in sizes if isinstance(size, int))
    if columns > WHOLE.get(dtype, columns):
        raise LabelError(
            f"`y_true` holds labels of {columns} columns in {dtype}, which rounds whole numbers above "
            f"{WHOLE[dtype]}. Pass labels as integers."
        )
    wide = labels if dtype == "float64" else ops.cast(labels, "float32")
    whole = ops.logical_and(ops.equal(wide, ops.floor(wide)), ops.less(ops.absolute(wide), 2.0**31))
    if backend.has_values(whole) and not bool(ops.all(whole)):
        raise LabelError(
            "`y_true` holds labels, which are whole numbers below 2**31. "
            f"Received: y_true of dtype {dtype} with other values"
        )
    return ops.where(whole, ops.cast(ops.where(whole, wide, 0), "int32"), NO_CLASS)


def readable_labels(labels: Any, mask: Any, ignored: int | None) -> Any:
    """Labels of which those that are masked may be read in any case: they are ignored, or name a column."""
    if len(labels.shape) - len(mask.shape) == 1 and labels.shape[-1] == 1:
        mask = ops.expand_dims(mask, -1)
    pairs = zip(tuple(mask.shape), tuple(labels.shape), strict=False)
    if len(mask.shape) != len(labels.shape) or any(one not in (1, None, two) for one, two in pairs):
        return labels  # whoever applies the mask says what is wrong
    return ops.where(mask, labels, ops.cast(0 if ignored is None else ignored, labels.dtype))
