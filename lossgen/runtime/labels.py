"""Integer labels: brought to one a row, checked against the number of columns, ignored ones counted out."""

from typing import Any

import numpy as np

from lossgen.errors import LabelError, ParameterError, ShapeError
from lossgen.runtime.compiling import njit
from lossgen.runtime.dtypes import numbers_array
from lossgen.runtime.shapes import Layout, is_integer, readable

NO_LABEL = -(2**63)  # the value of `ignored` that no label has


def check_ignore_class(value: object) -> int | None:
    """The `ignore_class` argument as an int or None.

    Raises:
        ParameterError: anything else.
    """
    if value is None or (is_integer(value) and -(2**63) <= value < 2**63):
        return value if value is None else int(value)
    raise ParameterError(f"`ignore_class` must be an integer or None. Received: ignore_class={value!r}")


def label_array(y_true: Any) -> np.ndarray:
    """Labels in an integer dtype: floats that hold whole numbers are converted, integers stay as they are.

    Raises:
        LabelError: a value that is no whole number; names it and its position.
    """
    labels = numbers_array("y_true", y_true)
    if labels.dtype.kind == "b":
        return labels.view(np.uint8)
    if labels.dtype.kind == "f":
        wrong = ~((np.abs(labels) < 2.0**63) & (labels == np.floor(labels)))
        if wrong.any():
            raise _label_error(labels, int(np.flatnonzero(wrong)[0]), "labels are whole numbers")
        return labels.astype(np.int64)
    if labels.dtype == np.uint64:  # Numba compares it with int64 as float64
        if labels.size and labels.max() >= 2**63:
            raise _label_error(labels, int(labels.argmax()), "labels are below 2**63")
        return labels.astype(np.int64)
    return labels


def one_label_a_row(labels: np.ndarray, layout: Layout) -> np.ndarray:
    """Labels in the shape of the losses.

    Raises:
        ShapeError: they have neither that shape, nor that shape with the reduced axes or a last axis of size
            1.
    """
    if labels.shape == layout.loss_shape:
        return labels
    if labels.shape in (layout.kept, (*layout.loss_shape, 1)):
        return labels.reshape(layout.loss_shape)
    advice = (
        " It looks like one column a class: pass y_true.argmax(axis) or take the loss for one-hot targets."
        if labels.shape == layout.shape
        else ""
    )
    raise ShapeError(
        f"`y_true` must hold one label a row, in shape {layout.loss_shape}. "
        f"Received: y_true of shape {labels.shape} and y_pred of shape {layout.shape}.{advice}"
    )


def check_labels(
    labels: np.ndarray, layout: Layout, ignore_class: int | None, mask: np.ndarray | None
) -> tuple[np.ndarray, int, int]:
    """Labels as one contiguous line, the value that kernels skip, and the number of rows that they do not
    skip.

    A mask is written into the labels (a copy), so that masked rows are never looked at.

    Raises:
        LabelError: a label that is to be used names no column.
    """
    line = readable(labels).reshape(-1)
    if mask is not None:
        hidden = NO_LABEL if ignore_class is None else ignore_class
        wide = line.astype(np.int64)
        if ignore_class is None and line.dtype.itemsize == 8:  # a label of -2**63 is wrong, not hidden
            wide = np.maximum(wide, NO_LABEL + 1)
        line = np.where(mask, wide, hidden)
    ignored = hidden if mask is not None else NO_LABEL if ignore_class is None else ignore_class
    valid, wrong = count_labels(line, layout.columns, ignored, mask is not None or ignore_class is not None)
    if wrong:
        used = line != ignored if mask is not None or ignore_class is not None else True
        first = int(np.flatnonzero(used & ((line < 0) | (line >= layout.columns)))[0])
        range_ = f"0 … {layout.columns - 1}" if layout.columns else "an empty range"
        raise _label_error(
            line.reshape(layout.loss_shape),
            first,
            f"labels lie in {range_} because y_pred of shape {layout.shape} has {layout.columns} columns"
            f" (ignore_class={ignore_class})",
        )
    return line, ignored, valid


@njit(cache=True, nogil=True)
def count_labels(labels, columns, ignored, ignores):
    """How many labels are not ignored (if any is, `ignores`), and how many of those name no column."""
    valid = 0
    wrong = 0
    for i in range(labels.size):
        label = np.int64(labels[i])
        used = not ignores or label != ignored
        valid += used
        wrong += used & ((label < 0) | (label >= columns))
    return valid, wrong


def _label_error(labels: np.ndarray, flat_index: int, expected: str) -> LabelError:
    position = tuple(int(index) for index in np.unravel_index(flat_index, labels.shape))
    value = labels.reshape(-1)[flat_index]
    return LabelError(f"`y_true` holds the label {value} at position {position}; {expected}.")
