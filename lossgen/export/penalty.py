"""`Penalty` of exported modules: values and derivatives on NumPy arrays. Linked as `base.py` is."""

from typing import Any, ClassVar

import numpy as np

from lossgen.errors import ShapeError
from lossgen.export.base import Compiled
from lossgen.runtime import evaluation
from lossgen.runtime.construction import checked_arguments
from lossgen.runtime.dtypes import check_dtype, numbers_array, prediction_array
from lossgen.runtime.inputs import PREPARATIONS as STEPS
from lossgen.runtime.inputs import check_axes_of, joined
from lossgen.runtime.reduction import check_reduction
from lossgen.runtime.shapes import readable


class Penalty(Compiled):
    """A penalty: `penalty(x)` is a number.

    Args:
        reduction: "sum", "mean", or "none" for one penalty a row; of the whole tensor there is one row.
        axes: of a penalty of differences: the axes along which neighbours are compared.
        name: name of the instance.
        dtype: "float32" or "float64" to compute and return in; None for the dtype of `x`.
    """

    inputs = ("x",)
    default_axis: ClassVar[int | tuple[int, ...] | None] = None
    default_reduction: ClassVar[str] = "sum"
    preparation: ClassVar[str | None] = None

    @classmethod
    def _base_arguments(cls) -> dict[str, Any]:
        defaults: dict[str, Any] = {"name": cls.default_name, "dtype": None}
        if cls.preparation is not None:
            defaults["axes"] = STEPS[cls.preparation].default_axes
        if cls.default_axis is not None or "axis" in cls.arguments:
            defaults["reduction"] = cls.default_reduction
        return {**defaults, "axis": cls.default_axis} if "axis" in cls.arguments else defaults

    def _initialise(self, values: dict[str, Any]) -> None:
        self.name = values["name"] or self.default_name
        self.dtype = check_dtype(values["dtype"])
        self.reduction = check_reduction(values.get("reduction", self.default_reduction))
        for name, value in {"axis": self.default_axis, **checked_arguments(type(self), values)}.items():
            setattr(self, name, value)

    def __call__(self, x: Any) -> Any:
        """The penalty of an array.

        Raises:
            ValueError: a shape or dtype that does not fit.
        """
        p, _, result = self._prepared(x)
        return _cast(evaluation.value_of(self._plan, self.reduction, p, p, None, None), result)

    def gradient(self, x: Any) -> np.ndarray:
        """The gradient of the penalty, in the shape of `x`."""
        return self.value_and_gradient(x)[1]

    def value_and_gradient(self, x: Any) -> tuple[Any, np.ndarray]:
        """The value that calling the penalty gives, and its gradient in the shape of `x`."""
        p, shape, result = self._prepared(x)
        value, gradient = evaluation.value_and_gradient_of(self._plan, self.reduction, p, p, None, None, None)
        return _cast(value, result), _cast(self._taken_back(gradient, shape), result)

    def hessian_vector_product(self, x: Any, vector: Any) -> np.ndarray:
        """The Hessian of the penalty times a vector shaped like `x`."""
        p, shape, result = self._prepared(x)
        v = numbers_array("vector", vector)
        if v.shape != shape:
            raise ShapeError(
                "`vector` must have the shape of `x`. "
                f"Received: vector of shape {v.shape} and x of shape {shape}"
            )
        if self.preparation is not None:
            v = STEPS[self.preparation].apply(v, self.axes, joined)
        product = evaluation.hessian_vector_product_of(self._plan, self.reduction, p, p, v, None, None, None)
        return _cast(self._taken_back(product, shape), result)

    def _prepared(self, x: Any) -> tuple[np.ndarray, tuple[int, ...], np.dtype]:
        """What the formula reads, the shape of `x`, and the dtype of the results."""
        p, result = prediction_array(x, None if self.dtype is None else np.dtype(self.dtype), "x")
        shape = p.shape
        if self.preparation is not None:
            check_axes_of(shape, self.axes)
            p = STEPS[self.preparation].apply(p, self.axes, joined)
        else:
            for scope in self._plan.scopes:
                axes = () if scope is None else (scope,) if isinstance(scope, int) else scope
                if any(not -len(shape) <= axis < len(shape) for axis in axes):
                    raise ShapeError(f"`axis` {scope} does not exist in `x`. Received: x of shape {shape}")
        return readable(p), shape, result

    def _taken_back(self, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """A derivative with respect to what the formula reads, as one with respect to `x`."""
        if self.preparation is None:
            return array
        return STEPS[self.preparation].adjoint(array, shape, self.axes)


def _cast(value: Any, dtype: np.dtype) -> Any:
    return value if value.dtype == dtype else value.astype(dtype)
