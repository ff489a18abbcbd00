"""What losses and penalties of exported modules share (constructor, configuration, plan), and `Loss`.

They take the same arguments as those of `lossgen.losses` and `lossgen.penalties`, go the same way through
the linked runtime on NumPy arrays, and give the same bits. Linked like the runtime: what stands here is what
a person reads.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from lossgen.runtime import evaluation
from lossgen.runtime.configuration import check_config, plain
from lossgen.runtime.construction import (
    checked_arguments,
    constructor_signature,
    make_constructor,
)
from lossgen.runtime.dtypes import check_dtype
from lossgen.runtime.parameters import Option, Parameter
from lossgen.runtime.plan import BoundTerm
from lossgen.runtime.reduction import check_reduction
from lossgen.runtime.targets import PREPARATIONS


@dataclass(frozen=True)
class Term:
    """The kernels of one ladder of reductions, by output, for each way to see the data.

    Args:
        scope: the axis or axes that are its columns; None for the whole tensor.
        labels: whether the kernels take one integer label a row instead of a target a column.
        rows, flat, lanes, split: kernels row by row, in one line, across a tile of rows, for few long rows.
        exponents: names of the parameters that are passed as integers where they are small whole numbers.
        parameters: names of the parameters that the kernels take; None for all.
    """

    scope: int | tuple[int, ...] | None
    labels: bool
    rows: Mapping[str, tuple[Callable[..., Any], Callable[..., Any]]]
    flat: Mapping[str, tuple[Callable[..., Any], Callable[..., Any]]] | None = None
    parameters: tuple[str, ...] | None = None
    lanes: Mapping[str, tuple[Callable[..., Any], Callable[..., Any]]] | None = None
    split: Mapping[str, Callable[..., Any]] | None = None
    arrays: Mapping[str, Callable[..., Any]] | None = None
    exponents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Variant:
    """The terms of a loss under one choice of its options; their losses are added."""

    terms: tuple[Term, ...]


class Plan:
    """What an instance computes, chosen once: kernels, parameters, scopes, the preparation of targets."""

    def __init__(self, loss: Any):
        cls = type(loss)
        self.variant = cls.variants[tuple(getattr(loss, name) for name in cls.options)]
        self.terms = tuple(BoundTerm(loss, term) for term in self.variant.terms)
        self.scopes = tuple(term.scope for term in self.terms)
        self.labels = any(term.labels for term in self.terms)
        self.ignore_class = getattr(loss, "ignore_class", None)
        self.dtype = None if loss.dtype is None else np.dtype(loss.dtype)
        self.prepare = PREPARATIONS[cls.target_preparation] if cls.target_preparation else None


class Compiled:
    """The base of `Loss` and `Penalty`: tables that a class fills in, and a constructor made of them."""

    inputs: ClassVar[tuple[str, ...]]
    parameters: ClassVar[Mapping[str, Parameter]] = {}
    options: ClassVar[Mapping[str, Option]] = {}
    arguments: ClassVar[tuple[str, ...]] = ()
    variants: ClassVar[Mapping[tuple[object, ...], Variant]] = {}
    default_name: ClassVar[str] = ""
    default_axis: ClassVar[int | tuple[int, ...] | None] = -1
    labels: ClassVar[bool] = False
    target_preparation: ClassVar[str | None] = None
    signature: ClassVar[inspect.Signature]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "variants" in cls.__dict__:
            cls.signature = constructor_signature(cls, cls._base_arguments())
            cls.__init__ = make_constructor(cls)

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument, in types that JSON has; `from_config` makes an equal one of it."""
        first = [name for name in ("name", "reduction", "dtype") if name in self.signature.parameters]
        names = dict.fromkeys((*first, *self.signature.parameters))
        return {name: plain(getattr(self, name)) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """What a configuration that `get_config` made describes.

        Raises:
            ConfigError: a key that is no constructor argument; names it.
        """
        return cls(**check_config(cls, config))

    def __repr__(self) -> str:
        shown = {name: getattr(self, name) for name in (*self.parameters, *self.options)}
        for name, each in self.signature.parameters.items():
            if name not in (*shown, "name") and getattr(self, name) != each.default:
                shown[name] = getattr(self, name)
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "name" and name in self.signature.parameters and name in self.__dict__:
            cls = type(self).__name__
            raise AttributeError(
                f"`{name}` of {cls} cannot be changed: make another loss, {cls}({name}={value!r})."
            )
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_plan"}

    def __getattr__(self, name: str) -> Any:
        if name == "_plan":  # made when it is first needed, and neither copied nor pickled
            plan = self.__dict__["_plan"] = Plan(self)
            return plan
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


class Loss(Compiled):
    """A loss: `loss(y_true, y_pred, sample_weight=None, *, mask=None)` is a number.

    The columns are the last axis, unless the loss says otherwise. Results have the dtype of the predictions,
    float32 or float64, unless `dtype` is given; float16 is computed in float32, integers in float64.

    Args:
        reduction: "sum_over_batch_size" (or "mean"), "sum", "mean_with_sample_weight", or "none" for one loss
            a row.
        name: name of the instance.
        dtype: "float32" or "float64" to compute and return in; None for the dtype of the predictions.
    """

    inputs = ("y_true", "y_pred")

    @classmethod
    def _base_arguments(cls) -> dict[str, Any]:
        defaults = {
            "reduction": "sum_over_batch_size",
            "name": cls.default_name,
            "dtype": None,
            "axis": cls.default_axis,
        }
        return {**defaults, "ignore_class": None} if cls.labels else defaults

    def _initialise(self, values: dict[str, Any]) -> None:
        self.reduction = check_reduction(values["reduction"])
        self.name = self.default_name if values["name"] is None else values["name"]
        self.dtype = check_dtype(values["dtype"])
        for name, value in checked_arguments(type(self), values).items():
            setattr(self, name, value)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None, *, mask: Any = None) -> Any:
        """The reduced loss.

        Args:
            y_true: targets in the shape of the predictions; for losses of labels one integer a row.
            y_pred: predictions, (…, columns).
            sample_weight: None, a number, or an array that broadcasts to the losses.
            mask: None, or booleans that broadcast to the losses: rows that count.

        Raises:
            ValueError: a shape, dtype, label or weight that does not fit; names the argument.
        """
        return evaluation.value_of(self._plan, self.reduction, y_true, y_pred, sample_weight, mask)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of every row, neither weighted nor reduced."""
        return evaluation.losses_of(self._plan, y_true, y_pred)

    def gradient(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, *, mask: Any = None
    ) -> np.ndarray:
        """The gradient of the reduced value with respect to the predictions."""
        return self.value_and_gradient(y_true, y_pred, sample_weight, mask=mask)[1]

    def value_and_gradient(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, *, mask: Any = None, out: Any = None
    ) -> tuple[Any, np.ndarray]:
        """The value that calling the loss gives, and its gradient (unreduced: that of the sum).

        Args:
            out: array in the shape and dtype of the gradient to write it to.
        """
        return evaluation.value_and_gradient_of(
            self._plan, self.reduction, y_true, y_pred, sample_weight, mask, out
        )

    def gradient_and_hessian(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, *, mask: Any = None, out: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """First and (diagonal) second derivatives of each row's loss, not reduced, times its weight."""
        return evaluation.gradient_and_hessian_of(self._plan, y_true, y_pred, sample_weight, mask, out)

    def hessian_vector_product(
        self,
        y_true: Any,
        y_pred: Any,
        vector: Any,
        sample_weight: Any = None,
        *,
        mask: Any = None,
        out: Any = None,
    ) -> np.ndarray:
        """The Hessian of the reduced value (unreduced: of the sum) times a vector shaped like `y_pred`."""
        return evaluation.hessian_vector_product_of(
            self._plan, self.reduction, y_true, y_pred, vector, sample_weight, mask, out
        )
