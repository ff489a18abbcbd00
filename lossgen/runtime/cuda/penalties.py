"""Penalties of device arrays: those of `lossgen.runtime.cuda.evaluation`, and the steps before them."""

from math import prod
from typing import Any

from lossgen.errors import ShapeError
from lossgen.runtime.cuda import elementwise
from lossgen.runtime.cuda.arguments import arguments_of
from lossgen.runtime.cuda.arrays import DeviceArray, described
from lossgen.runtime.cuda.batch import dtypes_of
from lossgen.runtime.cuda.evaluation import reduced
from lossgen.runtime.cuda.grid import grid, line_blocks
from lossgen.runtime.cuda.site import Site
from lossgen.runtime.cuda.steps import contiguous, line_kernel
from lossgen.runtime.inputs import check_axes_of
from lossgen.runtime.penalty import check_scopes


def value(penalty: Any, x: Any) -> Any:
    """The penalty as an array of no dimensions; with `reduction="none"` an array of one a row."""
    given, p = prepared(penalty, x)
    found, _ = reduced(penalty, "value", p, p, None, None)
    return cast(penalty, given, found)


def value_and_gradient(penalty: Any, x: Any) -> tuple[Any, Any]:
    """The value, and the gradient of the reduced value (unreduced: of the sum)."""
    given, p = prepared(penalty, x)
    found, gradient = reduced(penalty, "value_and_gradient", p, p, None, None)
    return cast(penalty, given, found), taken_back(penalty, given, gradient)


def hessian_vector_product(penalty: Any, x: Any, vector: Any) -> Any:
    """The Hessian of the reduced value (unreduced: of the sum) times a vector.

    Raises:
        ShapeError: the vector has not the shape of `x`.
    """
    arguments = arguments_of(x=x, vector=vector)
    given, p = prepared(penalty, x)
    if arguments["vector"].shape != given.shape:
        raise ShapeError(
            "`vector` must have the shape of `x`. "
            f"Received: vector of shape {arguments['vector'].shape} and x of shape {given.shape}"
        )
    v = stepped(penalty, given, arguments["vector"])
    _, product = reduced(penalty, "hessian_vector_product", p, p, None, None, v)
    return taken_back(penalty, given, product)


def prepared(penalty: Any, x: Any) -> tuple[DeviceArray, Any]:
    """The description of `x`, and what the formula reads.

    Raises:
        ShapeError: `x` has not the axes that are reduced.
    """
    given = arguments_of(x=x)["x"]
    if penalty.preparation is None:
        check_scopes(given.shape, penalty._plan.scopes)
    else:
        check_axes_of(given.shape, penalty.axes)
    return given, stepped(penalty, given, given)


def stepped(penalty: Any, x: DeviceArray, array: DeviceArray) -> Any:
    """An array in the shape of `x` after the linear step: differences along axes as one line."""
    if penalty.preparation is None:
        return array.owner
    computed, _ = dtypes_of(x, penalty._plan.dtype)
    with Site(x, (array,)) as site:
        source = contiguous(site, array, computed)
        steps = [Step(x.shape, axis) for axis in penalty.axes]
        found = site.empty((sum(step.count for step in steps),), computed)
        start = 0
        for step in steps:
            if step.count:
                blocks, place = line_blocks(step.count), (step.length, step.inner, found, start)
                site.launch(elementwise.differences, blocks, grid.threads, source, *place)
            start += step.count
        return found.owner


def taken_back(penalty: Any, x: DeviceArray, array: Any) -> Any:
    """A derivative with respect to what the formula reads, as one with respect to `x`."""
    if penalty.preparation is None:
        return array
    line = described("x", array)
    computed, result = dtypes_of(x, penalty._plan.dtype)
    with Site(x, (line,)) as site:
        found = site.empty(x.shape, computed)
        start = 0
        for number, axis in enumerate(penalty.axes):
            step = Step(x.shape, axis)
            place = step.length, step.inner, start, number > 0
            line_kernel(site, elementwise.differences_adjoint, line, *place, found)
            start += step.count
        return contiguous(site, found, result).owner


class Step:
    """The differences along one axis.

    Attributes:
        length: of the axis.
        inner: elements between neighbours.
        count: number of the differences.
    """

    def __init__(self, shape: tuple[int, ...], axis: int):
        axis %= len(shape)
        self.length, self.inner = shape[axis], prod(shape[axis + 1 :])
        self.count = prod(shape[:axis]) * max(self.length - 1, 0) * self.inner


def cast(penalty: Any, x: DeviceArray, value: Any) -> Any:
    """A value in the dtype of the results; the formula of a step is computed in that of the arithmetic."""
    _, result = dtypes_of(x, penalty._plan.dtype)
    found = described("x", value)
    if found.dtype == result:
        return value
    with Site(x, (found,)) as site:
        return contiguous(site, found, result).owner
