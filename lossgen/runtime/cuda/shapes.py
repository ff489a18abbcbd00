"""The shape rules of the host, for device arrays: an array without memory of its own stands in for each."""

from functools import lru_cache

import numpy as np

from lossgen.runtime.labels import one_label_a_row
from lossgen.runtime.shapes import Layout, same_shape
from lossgen.runtime.weights import fit

Shape = tuple[int, ...]


def stand_in(shape: Shape) -> np.ndarray:
    """An array of a shape; all its elements are the same byte."""
    return np.broadcast_to(np.uint8(0), shape)


@lru_cache(maxsize=1024)
def matched_shapes(y: Shape, p: Shape) -> tuple[Shape, Shape]:
    """The shapes in which target and prediction are read, see `lossgen.runtime.shapes.same_shape`."""
    first, second = same_shape(stand_in(y), stand_in(p))
    return first.shape, second.shape


@lru_cache(maxsize=1024)
def fitted_shapes(name: str, given: Shape, loss_shape: Shape) -> tuple[Shape, Shape]:
    """The shape in which weights are read, and that of the unreduced losses, see `weights.fit`."""
    array, shape = fit(name, stand_in(given), loss_shape)
    return array.shape, shape


@lru_cache(maxsize=1024)
def check_label_shape(given: Shape, layout: Layout) -> None:
    """Refuses labels that are not one a row, see `labels.one_label_a_row`."""
    one_label_a_row(stand_in(given), layout)
