"""Targets and weights as the best constant takes them: checked, float64, without rows of weight 0."""

from math import inf
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from lossgen.errors import LabelError, ShapeError, TargetError, WeightError
from lossgen.runtime.domains import bounds
from lossgen.runtime.dtypes import FLOAT64, numbers_array
from lossgen.runtime.labels import label_array
from lossgen.runtime.raw_kernels import RawKernels
from lossgen.runtime.shapes import readable

MOST_LABELS = 1 << 24
"""More classes than any model has: a label beyond is an identifier that was taken for one."""


def row_weights(sample_weight: ArrayLike | None, rows: int) -> np.ndarray:
    """One float64 a row.

    Raises:
        WeightError: another shape, or a weight that is negative, infinite or NaN.
        TargetError: there are no rows, or none has a weight.
    """
    if not rows:
        raise TargetError("`y_true` must hold at least one target. Received: y_true without rows")
    if sample_weight is None:
        return np.ones(rows)
    weight = numbers_array("sample_weight", sample_weight).astype(FLOAT64)
    if weight.shape not in ((rows,), (rows, 1)):
        raise WeightError(
            f"`sample_weight` must hold one number a row, in shape {(rows,)}. "
            f"Received: sample_weight of shape {weight.shape}"
        )
    weight = weight.reshape(-1)
    wrong = ~((weight >= 0) & (weight < inf))
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise WeightError(
            f"`sample_weight` must be finite and at least 0. Received: {weight[first]} at position {first}"
        )
    if not weight.any():
        raise WeightError("`sample_weight` must have a positive sum. Received: weights that are all 0")
    return weight / weight.max()  # sums of them do not overflow


def class_weights(kernels: RawKernels, y: np.ndarray, sample_weight, classes: int | None):
    """How much weight each class has.

    Raises:
        ShapeError: the labels are not one a row.
        TargetError: a label is NaN, or none counts.
        LabelError: a label is no whole number, or names no class.
    """
    if y.shape not in ((y.size,), (y.size, 1)):
        raise ShapeError(
            f"`y_true` must hold one label a row, in shape (rows,). Received: y_true of shape {y.shape}"
        )
    if y.dtype.kind == "f" and np.isnan(y).any():
        first = int(np.flatnonzero(np.isnan(y))[0])
        raise TargetError(f"`y_true` must hold labels. Received: NaN at position {first}")
    labels = label_array(y).reshape(-1)
    weight = row_weights(sample_weight, len(labels))
    ignored = kernels.plan.ignore_class
    used = weight > 0 if ignored is None else (weight > 0) & (labels != ignored)
    labels, weight = labels[used].astype(np.int64), weight[used]
    if not len(labels):
        raise TargetError("`y_true` must hold a label that counts. Received: none but ignored ones")
    count = int(labels.max()) + 1 if classes is None else number_of_classes(classes)
    if labels.min() < 0 or labels.max() >= count:
        raise LabelError(
            f"`y_true` holds labels from {labels.min()} to {labels.max()}; labels lie in 0 … {count - 1}."
        )
    if count > MOST_LABELS:
        raise LabelError(
            f"`y_true` must hold labels 0 … {MOST_LABELS - 1} at most. Received: label {labels.max()}"
        )
    return np.bincount(labels, weight, count)


def number_of_classes(classes) -> int:
    """The argument as an integer.

    Raises:
        LabelError: it is no whole number of at least 1.
    """
    if isinstance(classes, Integral) and not isinstance(classes, bool) and classes >= 1:
        return int(classes)
    raise LabelError(f"`classes` must be a whole number of at least 1. Received: {classes!r}")


def weighted_targets(loss, kernels: RawKernels, y: np.ndarray, sample_weight):
    """Targets (rows, columns) in float64 that have a weight, and their weights.

    Raises:
        ShapeError: the targets are neither one nor several columns.
        TargetError: a target that is NaN, infinite or outside the domain; names it and its position.
    """
    if y.ndim not in (1, 2):
        raise ShapeError(
            f"`y_true` must have shape (rows,) or (rows, columns). Received: y_true of shape {y.shape}"
        )
    weight = row_weights(sample_weight, len(y))
    y = y.reshape(len(y), -1)
    y = readable(kernels.targets(y, y)).astype(FLOAT64)
    used = weight > 0
    y, weight, positions = y[used], weight[used], np.flatnonzero(used)
    domain = loss.properties.target
    low, high = bounds(domain)
    wrong = ~((y >= low) & (y <= high) & (np.abs(y) < inf))
    if domain == "positive":
        wrong |= y == 0
    if wrong.any():
        row, column = (int(each) for each in np.argwhere(wrong)[0])
        name = domain if isinstance(domain, str) else f"in [{low}, {high}]"
        raise TargetError(
            f"`y_true` of {type(loss).__name__} must be finite and {name}. "
            f"Received: {y[row, column]} in row {positions[row]}"
        )
    return y, weight
