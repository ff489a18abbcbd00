"""The full Hessian of every row's loss: its products with the unit vectors, in one call of a kernel."""

import numpy as np
from numpy.typing import ArrayLike

from lossgen.errors import ShapeError
from lossgen.runtime.batch import Batch
from lossgen.runtime.copies import warn_of_copies
from lossgen.runtime.evaluation import run_terms
from lossgen.runtime.plan import Plan
from lossgen.runtime.weights import weigh


def hessian_matrix_of(plan: Plan, y_true: ArrayLike, y_pred: ArrayLike, sample_weight) -> np.ndarray:
    """The Hessians, (…, columns, columns), times the weights.

    Raises:
        ShapeError: the loss reduces another axis than the last.
    """
    warn_of_copies(y_true=y_true, y_pred=y_pred, sample_weight=sample_weight)
    batch = Batch(plan, y_true, y_pred)
    layout = batch.layout
    if any(one.axes != (len(batch.p.shape) - 1,) for one in batch.layouts):
        raise ShapeError(
            "`hessian_matrix` takes a loss that reduces the last axis only, so that rows stand alone. "
            f"Received: y_pred of shape {batch.given_shape} and a loss that reduces the axes {layout.axes}"
        )
    if batch.labels:
        batch.read_labels(plan, None)
    weighting = weigh(sample_weight, None, layout.loss_shape, batch.p.dtype)
    rows, columns = layout.rows, layout.columns
    y = batch.y if batch.labels else batch.y.reshape(rows, columns)
    p = batch.p.reshape(rows, columns)
    repeated = Batch(plan, np.repeat(y, columns, axis=0), np.repeat(p, columns, axis=0))
    repeated.ignored = batch.ignored
    units = np.tile(np.eye(columns, dtype=p.dtype), (rows, 1))
    _, _, (products,) = run_terms(
        plan, repeated, "hessian_vector_product", None, weighting.factor, False, vector=units, spread=False
    )
    matrix = products.reshape(rows, columns, columns)
    matrix = (matrix + matrix.transpose(0, 2, 1)) / 2  # the two halves differ in the last bits
    if weighting.rows is not None:
        weight = weighting.rows[:, None, None]
        matrix = np.where(weight == 0, matrix.dtype.type(0), weight * matrix)
    return matrix.reshape(*layout.loss_shape, columns, columns).astype(batch.result, copy=False)
