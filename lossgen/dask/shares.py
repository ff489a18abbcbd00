"""The arguments of one call as Dask arrays whose blocks belong together, and the results made of them."""

import dask.array as da
import numpy as np

from lossgen.dask.arrays import array, check_blocks, is_dask, predictions
from lossgen.dask.blocks import (
    block_gradient,
    block_losses,
    block_sums,
    block_weight,
    inverse,
    prepared,
    quotient,
)
from lossgen.errors import ShapeError
from lossgen.runtime.dtypes import prediction_dtypes
from lossgen.runtime.loss import Loss
from lossgen.runtime.reduction import keeps_losses
from lossgen.runtime.shapes import layout_of
from lossgen.runtime.weights import fit


class Shares:
    """The arguments of one call as Dask arrays whose blocks belong together.

    Attributes:
        y, p: targets (or one label a row) and predictions; `weight` and `mask` are in the shape of the
            losses, or None; `weight` may be a number.
        axes: indices of all axes; `kept`: of those that the losses have.
        loss_shape: shape of the losses; `shape`: of the losses that are returned unreduced.
    """

    def __init__(self, loss: Loss, y_true, y_pred, sample_weight, mask):
        self.loss = loss
        scopes = loss._plan.scopes if loss.is_compiled else (-1,)
        p = predictions(y_pred, scopes)
        self.axes = tuple(range(p.ndim))
        layouts = [layout_of(p.shape, scope) for scope in scopes]
        common = set.intersection(*(set(layout.axes) for layout in layouts))
        self.layout = layout = layout_of(p.shape, tuple(sorted(common)))
        check_blocks(p, sorted(set().union(*(each.axes for each in layouts))), layout)
        self.p, self.loss_shape = p, layout.loss_shape
        self.kept = tuple(axis for axis in self.axes if axis not in layout.axes)
        self.chunks = tuple(p.chunks[axis] for axis in self.kept)
        self.labels = loss.is_compiled and loss._plan.labels
        self.y = self.label_rows(y_true) if self.labels else self.targets(y_true)
        self.shape = self.loss_shape
        self.weight = self.one_a_loss("sample_weight", sample_weight)
        self.mask = self.one_a_loss("mask", mask)
        self.computed, self.result = prediction_dtypes(p.dtype)
        if loss.dtype is not None:
            self.computed = self.result = np.dtype(loss.dtype)

    # The arguments in common blocks ---------------------------------------------------------------

    def label_rows(self, y_true):
        """Labels, one a row, in the blocks of the losses."""
        labels = array(y_true, self.chunks if np.shape(y_true) == self.loss_shape else "auto")
        if labels.shape != self.loss_shape:
            if labels.shape not in (self.layout.kept, (*self.loss_shape, 1)):
                raise ShapeError(
                    f"`y_true` must hold one label a row, in shape {self.loss_shape}. "
                    f"Received: y_true of shape {labels.shape} and y_pred of shape {self.p.shape}"
                )
            labels = labels.reshape(self.loss_shape)
        return labels.rechunk(self.chunks)

    def targets(self, y_true):
        """Targets in the shape and blocks of the predictions."""
        y = array(y_true, self.p.chunks if np.shape(y_true) == self.p.shape else "auto")
        if self.loss.is_compiled:
            ranks = y.ndim - self.p.ndim
            if ranks == 1 and y.shape[-1] == 1 and self.p.ndim > 1:
                y = y[..., 0]
            elif ranks == -1 and self.p.shape[-1] == 1 and y.ndim == 1:
                y = y[:, None]
        if y.shape != self.p.shape:
            raise ShapeError(
                "`y_true` and `y_pred` must have the same shape. "
                f"Received: y_true of shape {y.shape} and y_pred of shape {self.p.shape}"
            )
        y = y.rechunk(self.p.chunks)
        if self.loss.is_compiled and self.loss._plan.prepare is not None:
            others = ((y != 0) & (y != 1)).any()
            y = da.blockwise(prepared, self.axes, y, self.axes, others, (), loss=self.loss, dtype=y.dtype)
        return y

    def one_a_loss(self, name: str, given):
        """Weights or a mask in the shape and blocks of the losses; a number as it is."""
        if given is None or (np.ndim(given) == 0 and not is_dask(given)):
            return given
        found, shape = fit(name, array(given, "auto"), self.loss_shape)
        self.shape = shape if self.shape == self.loss_shape else self.shape
        wide = da.broadcast_to(found, shape)
        return wide.reshape(self.loss_shape).rechunk(self.chunks)

    # The results ----------------------------------------------------------------------------------

    def arguments(self) -> list:
        """What every block function takes: targets, predictions, weights, mask, with their indices."""
        pairs = [self.y, self.kept if self.labels else self.axes, self.p, self.axes]
        for each in (self.weight, self.mask):
            pairs += [each, self.kept if is_dask(each) else None]
        return pairs

    def losses(self):
        """The weighted loss of every row."""
        found = da.blockwise(
            block_losses, self.kept, *self.arguments(), loss=self.loss, dtype=self.result, concatenate=True
        )
        return found.reshape(self.shape)

    def sums(self):
        """The sum of the weighted losses and what they count for, added up over the blocks as a tree."""
        parts = self.by_blocks(block_sums, *self.arguments())
        return parts[0], parts[1]

    def by_blocks(self, function, *pairs):
        """The two numbers of every block, added up."""
        pair = len(self.axes)
        found = da.blockwise(
            function, (*self.kept, pair), *pairs, loss=self.loss, rank=len(self.kept), new_axes={pair: 2},
            adjust_chunks=dict.fromkeys(self.kept, 1), dtype=np.float64, concatenate=True,
        )  # fmt: skip
        return found.sum(axis=tuple(range(len(self.kept)))) if self.kept else found

    def reduced(self, sums):
        """The number that a call of the loss gives."""
        return da.blockwise(
            quotient, (), sums[0], (), sums[1], (), loss=self.loss, result=self.result,
            one_loss=not self.loss_shape, dtype=self.result,
        )  # fmt: skip

    def gradient(self):
        """The gradient of the reduced value, or of the sum where nothing is reduced."""
        scale = self.scale()
        return da.blockwise(
            block_gradient, self.axes, *self.arguments(), scale, () if is_dask(scale) else None,
            loss=self.loss, dtype=self.result, concatenate=True,
        )  # fmt: skip

    def scale(self):
        """1 / what the sum is divided by: known at once, or from weights, mask and labels, never from losses.

        If it came out of the losses, every block of predictions would have to wait for the last of them.
        """
        reduction = self.loss.reduction
        if not self.loss_shape or reduction == "sum" or keeps_losses(reduction):
            return 1.0
        ignores = self.labels and self.loss._plan.ignore_class is not None
        weighs = reduction == "mean_with_sample_weight" and self.weight is not None
        if not ignores and self.mask is None and not weighs:
            return 1.0 / self.layout.rows if self.layout.rows else 0.0
        rows = self.y if self.labels else da.ones(self.loss_shape, chunks=self.chunks, dtype=np.int8)
        pairs = [rows, self.kept]
        for each in (self.weight, self.mask):
            pairs += [each, self.kept if is_dask(each) else None]
        weight = self.by_blocks(block_weight, *pairs)[1]
        return da.blockwise(inverse, (), weight, (), dtype=np.float64)
