"""What a compiled loss computes of a batch: by kernels, and by array code what kernels have not.

All arrays come back in float64, one line a row, under the outputs of `contract.Quantity`.
"""

from functools import cached_property

import numpy as np

from lossgen.errors import CompileError
from lossgen.inspection.verification.contract import Float
from lossgen.inspection.verification.inputs import Batch
from lossgen.inspection.verification.subjects import Subject
from lossgen.runtime.arrays import evaluation as arrays
from lossgen.runtime.arrays.numpy_ops import NumpyOps
from lossgen.runtime.arrays.preparation import prepared
from lossgen.runtime.compiled import Compiled

DIRECTION = (1.0, -0.5, 2.0)
"""The vector of Hessian-vector products, over and over."""

Results = dict[str, list[np.ndarray]]
"""Arrays of each output, one for every way in which it is computed."""


def direction(columns: int) -> np.ndarray:
    """The vector for a row of this length."""
    return np.resize(DIRECTION, columns)


class Compilation:
    """An instance of a subject's class, called so that every row is a loss of its own.

    Raises:
        CompileError: the terms of the loss have no axis in common, so no row stands alone.
    """

    def __init__(self, subject: Subject, cls: type[Compiled]):
        self.subject, self.cls = subject, cls
        scopes = [term.scope for term in subject.declaration.terms(subject.options)]
        keywords = {**subject.options, **subject.values}
        self.takes_axis = "axis" in subject.declaration.constructor_arguments() and len(scopes) == 1
        if self.takes_axis:
            keywords["axis"] = -1
        if getattr(cls, "preparation", None) is not None:  # the formula alone; its input is what was prepared
            cls = type(cls.__name__, (cls,), {"preparation": None, "axes": ()})
        self.loss = cls(**keywords) if subject.is_penalty else cls(reduction="sum", **keywords)
        self.at_once = not subject.is_penalty and (self.takes_axis or scopes == [-1])
        self.place = None if self.at_once or self.takes_axis else common_place(subject.name, scopes)

    def results(self, batch: Batch, kind: Float) -> Results:
        """Every output of every row."""
        with np.errstate(all="ignore"):
            y = batch.targets if self.subject.labels else batch.targets.astype(kind.dtype)
            p = batch.predictions.astype(kind.dtype)
            vector = direction(batch.columns).astype(kind.dtype)
            if self.subject.is_penalty:
                return joined([self._of_penalty(row, vector) for row in p])
            if self.at_once:
                found = self._of_loss(y, p, np.broadcast_to(vector, p.shape))
            else:
                found = joined([self._of_row(*each, vector) for each in zip(y, p, strict=True)])
        assert all(one.dtype == kind.dtype for each in found.values() for one in each)
        return found

    def _of_loss(self, y, p, vector) -> Results:
        gradient, hessian = self.loss.gradient_and_hessian(y, p)
        return {
            "value": [self.loss.call(y, p)],
            "gradient": [self.loss.gradient(y, p), gradient],
            "hessian": [hessian],
            "product": [self.loss.hessian_vector_product(y, p, vector)],
        }

    def _of_row(self, y, p, vector) -> Results:
        shape = self._shape(p.size)
        label = self.subject.labels
        y = np.reshape(y, tuple(1 for _ in shape[1:])) if label else np.reshape(y, shape)
        value, gradient = self.loss.value_and_gradient(y, p.reshape(shape))
        again, hessian = self.loss.gradient_and_hessian(y, p.reshape(shape))
        product = self.loss.hessian_vector_product(y, p.reshape(shape), vector.reshape(shape))
        return {
            "value": [self.loss(y, p.reshape(shape)).reshape(()), np.asarray(value)],
            "gradient": [gradient.reshape(-1), again.reshape(-1)],
            "hessian": [hessian.reshape(-1)],
            "product": [product.reshape(-1)],
        }

    def _of_penalty(self, p, vector) -> Results:
        shape = self._shape(p.size)
        value, gradient = self.loss.value_and_gradient(p.reshape(shape))
        product = self.loss.hessian_vector_product(p.reshape(shape), vector.reshape(shape))
        return {
            "value": [np.asarray(self.loss(p.reshape(shape))), np.asarray(value)],
            "gradient": [gradient.reshape(-1)],
            "product": [product.reshape(-1)],
        }

    def _shape(self, columns: int) -> tuple[int, ...]:
        """The shape of a single row."""
        if self.place is None:
            return (columns,)
        rank, axis = self.place
        return tuple(columns if each == axis else 1 for each in range(rank))

    # Array code ---------------------------------------------------------------------------------------------

    @cached_property
    def by_parameters(self) -> dict[str, object]:
        """The parameters that there is a derivative by, with their values."""
        known = {key for term in self.loss._plan.terms for key in term.arrays}
        values = self.subject.values
        return {name: values[name] for name in self.subject.differentiable if f"gradient_to_{name}" in known}

    def beyond(self, y, p: np.ndarray, kind: Float) -> Results:
        """Derivatives of one row by target and parameters, in array code."""
        shape, plan = self._shape(p.size), self.loss._plan
        p = p.astype(kind.dtype).reshape(shape)
        if self.subject.labels:
            y = np.full(tuple(1 for _ in shape[1:]), y, np.int64)
        else:
            y = np.zeros_like(p) if self.subject.is_penalty else y.astype(kind.dtype).reshape(shape)
        found: Results = {}
        with np.errstate(all="ignore"):
            y, p = prepared(NumpyOps, plan, y, p)
            one = np.ones_like(arrays.losses(NumpyOps, plan, y, p))
            if self.subject.reads_target:
                found["by y_true"] = [arrays.target_gradient(NumpyOps, plan, y, p, one).reshape(-1)]
            given = {name: np.asarray(value, kind.dtype) for name, value in self.by_parameters.items()}
            gradients = arrays.parameter_gradients(NumpyOps, plan, y, p, one, given)
        return found | {f"by {name}": [gradient] for name, gradient in gradients.items()}


def joined(rows: list[Results]) -> Results:
    """The results of single rows as those of a batch."""
    return {
        output: [np.stack([row[output][k] for row in rows]) for k in range(len(ways))]
        for output, ways in rows[0].items()
    }


def common_place(name: str, scopes: list) -> tuple[int, int] | None:
    """Rank and axis of an array whose only axis longer than 1 is a column of every term; None for a line.

    Raises:
        CompileError: there is none.
    """
    if all(scope in (None, -1, 0) for scope in scopes):
        return None
    axes = [(scope,) if isinstance(scope, int) else scope for scope in scopes if scope is not None]
    rank = max(axis + 1 if axis >= 0 else -axis for each in axes for axis in each)
    places = [{axis % rank for axis in each} for each in axes]
    common = set.intersection(*places)
    if not common:
        raise CompileError(f"{name}: its terms reduce different axes, so no row of it can be verified alone.")
    return rank, max(common)
