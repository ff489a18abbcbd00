"""What an instance of a loss computes, chosen once: kernels, their parameters, scopes, preparations."""

from collections.abc import Mapping

import numpy as np

from lossgen.errors import NoGradientError, ShapeError
from lossgen.runtime.targets import PREPARATIONS
from lossgen.runtime.variant import Pair, Term, module_of, resolve_variant

MOST_MULTIPLIED = 3
"""The largest parameter in an exponent that is passed as an integer: few products are accurate and fast."""


class BoundTerm:
    """A term with its scope and the values of its parameters."""

    def __init__(self, loss, term: Term):
        names = tuple(loss.parameters) if term.parameters is None else term.parameters
        self.owner = type(loss).__name__
        self.labels, self.rows, self.flat = term.labels, term.rows, term.flat or {}
        self.lanes, self.split, self.arrays = term.lanes or {}, term.split or {}, term.arrays or {}
        self.scope = loss.axis if term.scope == loss.default_axis else term.scope
        self.values = {name: getattr(loss, name) for name in names}
        for name in term.exponents:
            value = self.values[name]
            if isinstance(value, float) and value in range(MOST_MULTIPLIED + 1):
                self.values[name] = int(value)
        self.per_class = tuple(name for name in names if loss.parameters[name].per_class)
        self.scalars = tuple(self.values.values())
        self.has_arrays = any(isinstance(value, tuple) for value in self.scalars)
        self.by_columns: dict[int, tuple] = {}

    def flat_parameters(self, columns: int) -> tuple | None:
        """Parameters for a flat kernel: all numbers. None if a column needs its own."""
        if not self.has_arrays:
            return self.scalars
        if columns != 1:
            return None
        return tuple(
            float(value[0]) if isinstance(value, np.ndarray) else value for value in self.row_parameters(1)
        )

    def row_parameters(self, columns: int) -> tuple:
        """Parameters for a kernel by rows: numbers, and an array of one number a column for per-class ones.

        Raises:
            ShapeError: a per-class parameter has another length than there are columns.
        """
        if not self.per_class:
            return self.scalars
        if columns not in self.by_columns:
            self.by_columns[columns] = tuple(
                self.one_a_column(name, value, columns) if name in self.per_class else value
                for name, value in self.values.items()
            )
        return self.by_columns[columns]

    def one_a_column(self, name: str, value: float | tuple, columns: int) -> np.ndarray:
        """A per-class parameter as an array."""
        if isinstance(value, tuple) and len(value) != columns:
            raise ShapeError(
                f"`{name}` of {self.owner} must be one number or one a column. "
                f"Received: {name} of length {len(value)} and y_pred with {columns} columns"
            )
        return np.full(columns, value, np.float64)

    def kernel(self, kernels: Mapping[str, Pair], output: str) -> Pair:
        """The kernel of an output and its form for a team.

        Raises:
            NoGradientError: the module was generated without it.
        """
        try:
            return kernels[output]
        except KeyError:
            raise NoGradientError(f"{self.owner} was generated without a kernel for `{output}`.") from None


class Plan:
    """The bound terms of an instance and what they need of the data."""

    def __init__(self, loss):
        cls = type(loss)
        key = tuple(getattr(loss, name) for name in cls.options)
        self.variant = resolve_variant(cls.variants[key], cls.table_module, cls.generated_from)
        self.module = module_of(cls.variants[key], cls.table_module)
        self.terms = tuple(BoundTerm(loss, term) for term in self.variant.terms)
        self.scopes = tuple(term.scope for term in self.terms)
        self.labels = self.variant.labels
        self.ignore_class = getattr(loss, "ignore_class", None)
        self.dtype = None if loss.dtype is None else np.dtype(loss.dtype)
        self.prepare = PREPARATIONS[cls.target_preparation] if cls.target_preparation else None
