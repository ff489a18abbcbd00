"""`ArrayOps`: every operation that array code calls, made of a few primitives that a framework provides.

An instance belongs to one call: it knows the predictions (shape, dtype, device) and which axes are columns.
Elements have the shape of the predictions; results of a row keep the columns as axes of size 1. Shapes may be
unknown until the code runs, so nothing here reads a size but through `size`.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from lossgen.errors import ShapeError
from lossgen.runtime.arrays.functions import ArrayFunctions

ELEMENTWISE = frozenset(
    "absolute atan cos digamma erf erfc exp expm1 lgamma log log1p sin sqrt tanh trigamma".split()  # noqa: SIM905
)


def _elementwise(function: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    def method(self, x):
        return function(self.lift(x))

    return method


class ArrayOps(ArrayFunctions):
    """The operations of a framework; a subclass gives the primitives.

    Args:
        p: predictions, float32 or float64.
        axes: the axes that are columns, counted from 0 and in order.
    """

    nan = math.nan

    functions: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}
    """What a framework computes element by element: a function of each name in ELEMENTWISE."""

    def __init__(self, p: Any, axes: tuple[int, ...]):
        self.p, self.axes = p, axes
        self._places: Any = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        missing = ELEMENTWISE - cls.functions.keys()
        assert not missing, f"{cls.__name__}.functions lacks {missing}"
        for name in ELEMENTWISE:
            setattr(cls, name, _elementwise(cls.functions[name]))

    # Primitives of a framework, besides the arithmetic of its arrays: + − * / < <= > >= == != & | ~ --------

    @property
    def largest(self) -> float:
        """The largest finite number in the dtype of the predictions."""
        raise NotImplementedError

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        """a where the condition holds, else b; arrays that broadcast."""
        raise NotImplementedError

    def pow(self, x: Any, a: Any) -> Any:
        """xᵃ of arrays, as C has it."""
        raise NotImplementedError

    def constant(self, number: float) -> Any:
        """A number as an array of rank 0, in the dtype and on the device of the predictions."""
        raise NotImplementedError

    def cast(self, array: Any) -> Any:
        """An array (numbers, booleans) in the dtype of the predictions."""
        raise NotImplementedError

    @staticmethod
    def size_of(array: Any, axis: int) -> Any:
        """How long an axis of an array is: an int, or where that is unknown an integer array."""
        raise NotImplementedError

    def places(self, count: Any) -> Any:
        """0, 1, … count − 1 in an integer dtype."""
        raise NotImplementedError

    def reshape(self, array: Any, shape: tuple) -> Any:
        """The array in another shape; sizes may be arrays."""
        raise NotImplementedError

    def spread_to(self, array: Any, shape: tuple) -> Any:
        """The array broadcast to a shape; sizes may be arrays."""
        raise NotImplementedError

    def stack(self, numbers: list) -> Any:
        """Arrays of rank 0 as one of rank 1."""
        raise NotImplementedError

    @staticmethod
    def is_integer(array: Any) -> bool:
        """Whether an array has an integer dtype."""
        raise NotImplementedError

    def all(self, condition: Any) -> Any:
        """Whether the condition holds everywhere, as an array of rank 0."""
        raise NotImplementedError

    def reduce_sum(self, array: Any, axes: tuple[int, ...]) -> Any:
        """Sum over axes, which are kept as 1."""
        raise NotImplementedError

    def reduce_max(self, array: Any, axes: tuple[int, ...]) -> Any:
        """Largest over axes, which are kept as 1; NaN if there is one."""
        raise NotImplementedError

    def reduce_min(self, array: Any, axes: tuple[int, ...]) -> Any:
        """Smallest over axes, which are kept as 1; for integers, too."""
        raise NotImplementedError

    # What array code calls besides elementwise functions ---------------------------------------------------

    def lift(self, value: Any) -> Any:
        """A plain number as an array; an array as it is."""
        return self.constant(value) if isinstance(value, int | float) else value

    def parameter(self, value: Any) -> Any:
        """A parameter as an array in the dtype of the predictions."""
        return self.constant(value) if isinstance(value, int | float) else self.cast(value)

    def one_a_column(self, value: Any) -> Any:
        """A parameter that is one number, or one a column, in a shape that broadcasts.

        Raises:
            ShapeError: it has another number of values than there are columns.
        """
        if isinstance(value, tuple | list):
            value = self.stack([self.constant(each) for each in value])
        value = self.parameter(value)
        if len(value.shape) == 0:
            return value
        count = self.size_of(value, 0)
        if len(value.shape) > 1 or (isinstance(self.column_count, int) and count != self.column_count):
            raise ShapeError(
                "A parameter must be one number or one a column. "
                f"Received: a shape of {tuple(value.shape)} and y_pred with {self.column_count} columns"
            )
        return self.reshape(value, self._column_shape)

    def size(self, axis: int) -> Any:
        """How long an axis of the predictions is."""
        return self.size_of(self.p, axis)

    def spread(self, array: Any) -> Any:
        """The array broadcast to the shape of the predictions."""
        return self.spread_to(self.lift(array), tuple(self.size(axis) for axis in range(len(self.p.shape))))

    def total(self, array: Any) -> Any:
        """Σ over everything, of rank 0."""
        return self.reshape(self.reduce_sum(array, tuple(range(len(array.shape)))), ())

    def a_column(self, elements: Any) -> Any:
        """Σ over everything but the columns, of rank 1."""
        others = tuple(axis for axis in range(len(self.p.shape)) if axis not in self.axes)
        return self.reshape(self.reduce_sum(elements, others), (self.column_count,))

    def columns(self) -> Any:
        """How many columns there are: a float, or an array of rank 0."""
        count = self.column_count
        return float(count) if isinstance(count, int) else self.cast(count)

    @property
    def column_count(self) -> Any:
        """How many columns there are: an int, or where that is unknown an integer array."""
        count = 1
        for axis in self.axes:  # a loop, which every tracer follows
            count = count * self.size(axis)
        return count

    @property
    def _column_shape(self) -> tuple:
        return tuple(self.size(axis) if axis in self.axes else 1 for axis in range(len(self.p.shape)))

    @property
    def _column_places(self) -> Any:
        """The number of each column, in a shape that broadcasts to the elements."""
        if self._places is None:
            self._places = self.reshape(self.places(self.column_count), self._column_shape)
        return self._places

    def row_sum(self, values: Any) -> Any:
        """Σ over the columns."""
        return self.reduce_sum(self.spread(values), self.axes)

    def row_maximum(self, values: Any) -> Any:
        """The largest over the columns."""
        return self.reduce_max(self.spread(values), self.axes)

    def row_minimum(self, values: Any) -> Any:
        """The smallest over the columns."""
        return self.reduce_min(self.spread(values), self.axes)

    def first_hit(self, values: Any, extremum: Any) -> Any:
        """1 at the first column whose value is the extremum, else 0."""
        places = self._column_places
        at = self.where(self.spread(values) == extremum, places, self.column_count)
        return self.cast(places == self.reduce_min(at, self.axes))

    def label_hit(self, labels: Any) -> Any:
        """1 at the column that the row's label names, else 0; labels are integers with the columns as 1."""
        return self.cast(self._column_places == labels)

    def row_pick(self, hit: Any, values: Any) -> Any:
        """The value at the column where `hit` is 1."""
        return self.row_sum(self.select(hit != 0, values, 0))

    def select(self, condition: Any, a: Any, b: Any) -> Any:
        """a where the condition holds, else b."""
        if isinstance(condition, bool):
            return self.lift(a if condition else b)
        return self.where(condition, self.lift(a), self.lift(b))
