"""Dask arrays of what is given, and which blocks a loss can be made of."""

from math import isnan
from typing import Any

import dask.array as da
import numpy as np

from lossgen.errors import ShapeError
from lossgen.runtime.shapes import Layout, layout_of


def is_dask(value: Any) -> bool:
    """Whether a value is a Dask array."""
    return isinstance(value, da.Array)


def array(given: Any, chunks: Any):
    """A Dask array of what is given."""
    found = given if is_dask(given) else da.from_array(np.asarray(given), chunks=chunks)
    if any(isnan(size) for size in found.shape):
        raise ShapeError(
            "The blocks of a Dask array have unknown sizes: call its `compute_chunk_sizes()` first. "
            f"Received: shape {found.shape}"
        )
    return found


def predictions(y_pred: Any, scopes: tuple) -> Any:
    """The predictions; those that are no Dask array in blocks that cut no row."""
    if is_dask(y_pred):
        return array(y_pred, "auto")
    found = np.asarray(y_pred)
    reduced = set().union(*(layout_of(found.shape, scope).axes for scope in scopes))
    return array(found, tuple(-1 if axis in reduced else "auto" for axis in range(found.ndim)))


def check_blocks(p, reduced: list[int], layout: Layout) -> None:
    """Refuses predictions whose blocks cut what one loss is made of.

    Raises:
        ShapeError: says how to rechunk them.
    """
    cut = [axis for axis in reduced if p.numblocks[axis] > 1]
    if not cut:
        return
    if p.ndim == len(reduced):
        advice = (
            "All of it is one loss, which is no mean over blocks. Give the loss an `axis`, or make it one "
            "block: y_pred.rechunk(-1)"
        )
        advice += ", or pass columns of one element: y_pred[:, None]" if p.ndim == 1 else ""
    else:
        sizes = ", ".join(f"{axis}: -1" for axis in cut)
        advice = f"Make it one block along these axes: y_pred.rechunk({{{sizes}}})"
    raise ShapeError(
        f"The blocks of `y_pred` cut the axes {tuple(cut)} that the loss reduces. {advice}. "
        f"Received: y_pred of shape {p.shape} in {'×'.join(map(str, p.numblocks))} blocks"
    )
