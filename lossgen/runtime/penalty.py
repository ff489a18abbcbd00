"""`Penalty`, the base class of compiled penalties: one input, one number and its derivatives."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from lossgen.errors import ShapeError
from lossgen.runtime import evaluation
from lossgen.runtime.compiled import Compiled
from lossgen.runtime.construction import check_instance_name, checked_arguments, snake_case
from lossgen.runtime.dtypes import check_dtype, numbers_array, prediction_array
from lossgen.runtime.elsewhere import is_on_device
from lossgen.runtime.function import function_of
from lossgen.runtime.inputs import PREPARATIONS, Preparation, check_axes_of, joined
from lossgen.runtime.reduction import check_reduction
from lossgen.runtime.shapes import readable

__all__ = ["Penalty", "function_of"]


class Penalty(Compiled):
    """A penalty: `penalty(x)` is a number, to be added to the loss of a model.

    Where the formula reduces the whole tensor, there is one row and the number is its penalty. Otherwise
    there is a row for every index that is left when its axes are reduced, and `reduction` makes a number of
    them. Results have the dtype of `x`, unless `dtype` is given; sums are accumulated in float64. Arrays on a
    GPU stay there, as with losses.

    Args:
        reduction: "sum", "mean" (or "sum_over_batch_size": divided by the number of rows), or "none" for an
            array of one penalty a row. Penalties of the whole tensor do not take it.
        axes: of a penalty of differences: the axes along which neighbours are compared.
        name: name of the instance; by default that of the class in snake_case.
        dtype: "float32" or "float64" to compute and return in; None for the dtype of `x`.
    """

    inputs = ("x",)
    default_axis: ClassVar[int | tuple[int, ...] | None] = None
    default_reduction: ClassVar[str] = "sum"
    preparation: ClassVar[str | None] = None

    axis: int | tuple[int, ...] | None
    axes: tuple[int, ...]

    @classmethod
    def _base_arguments(cls) -> dict[str, Any]:
        defaults = {"name": cls.default_name or snake_case(cls.__name__), "dtype": None}
        if cls.preparation is not None:
            defaults["axes"] = PREPARATIONS[cls.preparation].default_axes
        if cls.default_axis is not None or "axis" in cls.arguments:
            defaults["reduction"] = cls.default_reduction
        return {**defaults, "axis": cls.default_axis} if "axis" in cls.arguments else defaults

    def _initialise(self, values: dict[str, Any]) -> None:
        given = check_instance_name(values["name"])
        self.name = given or self.default_name or snake_case(type(self).__name__)
        self.dtype = check_dtype(values["dtype"])
        self.reduction = check_reduction(values.get("reduction", self.default_reduction))
        for name, value in {"axis": self.default_axis, **checked_arguments(type(self), values)}.items():
            setattr(self, name, value)

    def __call__(self, x: ArrayLike) -> Any:
        """The penalty of an array.

        Returns:
            A NumPy scalar; with `reduction="none"` an array of one penalty a row.

        Raises:
            ValueError: a shape or dtype that does not fit.
        """
        quick = None if self.preparation else self._routes.run("value", x, x)
        if quick is not None:
            return quick[0]
        if is_on_device(x):
            from lossgen.runtime.cuda import penalties

            return penalties.value(self, x)
        p, _, result = self._prepared(x)
        return _cast(evaluation.value_of(self._plan, self.reduction, p, p, None, None), result)

    def gradient(self, x: ArrayLike) -> np.ndarray:
        """The gradient of the penalty, in the shape of `x`; see `value_and_gradient`."""
        return self.value_and_gradient(x)[1]

    def value_and_gradient(self, x: ArrayLike) -> tuple[Any, np.ndarray]:
        """The value that calling the penalty gives, and its gradient in the shape of `x`.

        With `reduction="none"` the gradient is that of the sum.
        """
        quick = None if self.preparation else self._routes.run("value_and_gradient", x, x)
        if quick is not None:
            return quick
        if is_on_device(x):
            from lossgen.runtime.cuda import penalties

            return penalties.value_and_gradient(self, x)
        p, shape, result = self._prepared(x)
        value, gradient = evaluation.value_and_gradient_of(
            self._plan, self.reduction, p, p, None, None, None
        )
        return _cast(value, result), _cast(self._taken_back(gradient, shape), result)

    def hessian_vector_product(self, x: ArrayLike, vector: ArrayLike) -> np.ndarray:
        """The Hessian of the penalty (with `reduction="none"`: of the sum) times a vector shaped like `x`."""
        if is_on_device(x, vector):
            from lossgen.runtime.cuda import penalties

            return penalties.hessian_vector_product(self, x, vector)
        p, shape, result = self._prepared(x)
        v = numbers_array("vector", vector)
        if v.shape != shape:
            raise ShapeError(
                "`vector` must have the shape of `x`. "
                f"Received: vector of shape {v.shape} and x of shape {shape}"
            )
        step = self._step()
        if step is not None:
            v = step.apply(v, self.axes, joined)
        product = evaluation.hessian_vector_product_of(
            self._plan, self.reduction, p, p, v, None, None, None
        )
        return _cast(self._taken_back(product, shape), result)

    def _step(self) -> Preparation | None:
        """The linear step before the formula."""
        return None if self.preparation is None else PREPARATIONS[self.preparation]

    def _prepared(self, x: ArrayLike) -> tuple[np.ndarray, tuple[int, ...], np.dtype]:
        """What the formula reads, the shape of `x`, and the dtype of the results."""
        p, result = prediction_array(x, None if self.dtype is None else np.dtype(self.dtype), "x")
        shape, step = p.shape, self._step()
        if step is not None:
            check_axes_of(shape, self.axes)
            p = step.apply(p, self.axes, joined)
        else:
            check_scopes(shape, self._plan.scopes)
        return readable(p), shape, result

    def _taken_back(self, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """A derivative with respect to what the formula reads, as one with respect to `x`."""
        step = self._step()
        return array if step is None else step.adjoint(array, shape, self.axes)


def check_scopes(shape: tuple[int, ...], scopes: tuple) -> None:
    """Refuses an input without the axes that the formula reduces.

    Raises:
        ShapeError: names the axis.
    """
    rank = len(shape)
    for scope in scopes:
        axes = () if scope is None else (scope,) if isinstance(scope, int) else scope
        if any(not -rank <= axis < rank for axis in axes):
            raise ShapeError(f"`axis` {scope} does not exist in `x`. Received: x of shape {shape}")


def _cast(value: Any, dtype: np.dtype) -> Any:
    return value if value.dtype == dtype else value.astype(dtype)
