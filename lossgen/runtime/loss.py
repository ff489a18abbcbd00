"""`Loss`, the base class of every loss, compiled or written by hand.

A compiled loss is a class with tables: `parameters`, `options`, and one `Variant` of kernels for every
combination of options. A loss written by hand overrides `call` and gets weights, masks and reductions; it
has no derivatives.
"""

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from lossgen.errors import NoGradientError
from lossgen.runtime import evaluation
from lossgen.runtime.configuration import check_config, plain
from lossgen.runtime.construction import (
    check_names,
    checked_arguments,
    constructor_signature,
    make_constructor,
    snake_case,
)
from lossgen.runtime.digest import check_digest
from lossgen.runtime.dtypes import check_dtype, numbers_array, prediction_array
from lossgen.runtime.function import function_of
from lossgen.runtime.parameters import Option, Parameter
from lossgen.runtime.plan import Plan
from lossgen.runtime.reduction import check_reduction, reduce_losses, sum_losses
from lossgen.runtime.route import Routes
from lossgen.runtime.variant import Term, Variant

__all__ = ["Loss", "Term", "Variant", "function_of"]


class Loss:
    """A loss: `loss(y_true, y_pred, sample_weight=None)` is a number, or with `reduction="none"` one a row.

    The columns are the last axis, unless the loss says otherwise; a row is what is left when they are
    reduced, and a prediction of rank 1 is one row. Results have the dtype of the predictions, unless `dtype`
    is given; sums are accumulated in float64. float16 and bfloat16 predictions are computed in float32 and
    cast at the end; integer predictions are computed in float64.

    Arrays may lie in memory as they like: one that is not C-contiguous, aligned and in the byte order of the
    machine is copied, and where that happens to more than one argument of a call, a `CopyWarning` says so.
    Where `axis` is not the last one, targets and predictions are transposed, which copies both.

    Args:
        reduction: "sum_over_batch_size" (or "mean": the sum divided by the number of losses), "sum",
            "mean_with_sample_weight" (divided by the sum of the weights), or "none" (or None). "auto" means
            "sum_over_batch_size". 0/0 counts as 0.
        name: name of the instance; by default that of the class in snake_case.
        dtype: "float32" or "float64" to compute and return in; None for the dtype of the predictions.

    To write a loss by hand, override `call(y_true, y_pred)` and return one loss a row.
    """

    # What a generated module fills in.
    parameters: ClassVar[Mapping[str, Parameter]] = {}
    options: ClassVar[Mapping[str, Option]] = {}
    arguments: ClassVar[tuple[str, ...]] = ()
    variants: ClassVar[Mapping[tuple, Variant | str]] = {}
    default_name: ClassVar[str | None] = None
    default_axis: ClassVar[int | tuple[int, ...] | None] = -1
    labels: ClassVar[bool | None] = None  # None: as the variants say
    target_preparation: ClassVar[str | None] = None
    formulas: ClassVar[Mapping[str, str]] = {}
    digest: ClassVar[str | None] = None

    # What `__init_subclass__` derives from it.
    signature: ClassVar[inspect.Signature | None] = None
    table_module: ClassVar[str] = __name__
    sealed: ClassVar[frozenset[str]] = frozenset()
    is_compiled: ClassVar[bool] = False  # values come from kernels; False where `call` is written by hand

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.is_compiled = bool(cls.variants) and cls.call is Loss.call
        if "variants" not in cls.__dict__:
            return
        check_digest(cls)
        check_names(cls, RESERVED_NAMES)
        cls.table_module = cls.__module__
        if cls.labels is None:
            known = [entry for entry in cls.variants.values() if isinstance(entry, Variant)]
            cls.labels = "ignore_class" in cls.arguments or any(entry.labels for entry in known)
        cls.signature = constructor_signature(cls)
        cls.sealed = frozenset(cls.signature.parameters) - {"name"}
        if "__init__" not in cls.__dict__:
            cls.__init__ = make_constructor(cls, _initialise)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ):
        self.reduction = check_reduction(reduction)
        self.name = (self.default_name or snake_case(type(self).__name__)) if name is None else name
        self.dtype = check_dtype(dtype)

    def __call__(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        mask: ArrayLike | None = None,
    ) -> Any:
        """The reduced loss.

        Args:
            y_true: targets in the shape of the predictions; for losses of labels one integer a row.
            y_pred: predictions, (…, columns).
            sample_weight: None, a number, or an array that broadcasts to the losses; negative weights are
                taken as they are.
            mask: None, or booleans that broadcast to the losses: rows that count. Means divide by their
                number.

        Returns:
            A NumPy scalar; with `reduction="none"` an array of one weighted loss a row.

        Raises:
            ValueError: a shape, dtype, label or weight that does not fit; names the argument.
        """
        if not self.is_compiled:
            return reduce_losses(self._call_losses(y_true, y_pred), sample_weight, mask, self.reduction)
        if mask is None:
            quick = self._routes.run("value", y_true, y_pred, sample_weight)
            if quick is not None:
                return quick[0]
        return evaluation.value_of(self._plan, self.reduction, y_true, y_pred, sample_weight, mask)

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> Any:
        """The loss of every row, neither weighted nor reduced. Override it to write a loss by hand."""
        if not self.variants:
            raise NotImplementedError(
                f"{type(self).__name__} has no formula: override `call(self, y_true, y_pred)`, or declare "
                "the loss with @lg.loss."
            )
        return evaluation.losses_of(self._plan, y_true, y_pred)

    def sum_and_weight(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        mask: ArrayLike | None = None,
    ) -> tuple[np.float64, np.float64]:
        """What a share of the data adds to the loss of all of it: Σ loss_sum / Σ weight_sum over the shares.

        Shares are cut between losses: of one that reduces the whole tensor (Dice without `axis`) each share
        gives its own loss, and their mean is not the loss of the whole.

        Returns:
            The weighted sum of the losses that count, and what they count for: with
            `reduction="mean_with_sample_weight"` the sum of their weights, with any other their number (with
            "sum", the loss of all data is Σ loss_sum). Both float64, whatever the dtype of the predictions.
            A single loss without an index counts for 1.

        Raises:
            ValueError: as when the loss is called.
        """
        if not self.is_compiled:
            return sum_losses(self._call_losses(y_true, y_pred), sample_weight, mask, self.reduction)
        return evaluation.sum_and_weight_of(self._plan, self.reduction, y_true, y_pred, sample_weight, mask)

    def gradient(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        mask: ArrayLike | None = None,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """The gradient of the reduced value, see `value_and_gradient`."""
        return self.value_and_gradient(y_true, y_pred, sample_weight, mask=mask, out=out)[1]

    def value_and_gradient(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        mask: ArrayLike | None = None,
        out: np.ndarray | None = None,
    ) -> tuple[Any, np.ndarray]:
        """The value that calling the loss gives, and its gradient with respect to the predictions.

        With `reduction="none"` the gradient is that of the sum of the weighted losses: in each row that of
        the row's own loss.

        Args:
            out: array in the shape and dtype of the gradient to write it to.

        Returns:
            The value, and the gradient in the shape of `y_pred` (`out` if given).
        """
        plan = self._plan_for("gradient")
        if mask is None:
            quick = self._routes.run("value_and_gradient", y_true, y_pred, sample_weight, out)
            if quick is not None:
                return quick
        return evaluation.value_and_gradient_of(
            plan, self.reduction, y_true, y_pred, sample_weight, mask, out
        )

    def gradient_and_hessian(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        mask: ArrayLike | None = None,
        out: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """First and second derivatives of each row's loss, not reduced, times its weight.

        Args:
            out: two arrays in the shape and dtype of the results to write them to.

        Returns:
            The gradient and the diagonal of the Hessian, each in the shape of `y_pred`; the 1/C of a mean
            over C columns is included.
        """
        plan = self._plan_for("gradient_and_hessian")
        return evaluation.gradient_and_hessian_of(plan, y_true, y_pred, sample_weight, mask, out)

    def hessian_vector_product(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        vector: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        mask: ArrayLike | None = None,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """The Hessian of the reduced value (unreduced: of the sum) times a vector shaped like `y_pred`.

        Args:
            out: array in the shape and dtype of the result to write it to.
        """
        plan = self._plan_for("hessian_vector_product")
        return evaluation.hessian_vector_product_of(
            plan, self.reduction, y_true, y_pred, vector, sample_weight, mask, out
        )

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument, in types that JSON has; `from_config` makes an equal loss of it."""
        names = ("name", "reduction", "dtype")
        own = [] if self.signature is None else [one for one in self.signature.parameters if one not in names]
        return {name: plain(getattr(self, name)) for name in (*names, *own)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The loss of a configuration that `get_config` made.

        Raises:
            ConfigError: a key that is no constructor argument; names it.
        """
        return cls(**check_config(cls, config))

    def formula(self) -> str:
        """The formula of one row's loss as text."""
        return self._formula("value")

    def gradient_formula(self) -> str:
        """The derivative of one row's loss with respect to a prediction as text."""
        return self._formula("gradient")

    def source(
        self,
        kind: str = "python",
        output: str = "value_and_gradient",
        dtype: str = "float32",
        schedule: str | None = None,
    ) -> str:
        """The generated module ("python"), or the kernel of one output as "llvm" code or hot loops in "asm".

        Args:
            kind: "python", "llvm" or "asm".
            output: "value", "value_and_gradient", "gradient_and_hessian" or "hessian_vector_product".
            dtype: "float32" or "float64".
            schedule: "flat", "rows" or "lanes"; None for the first of these that the loss has.
        """
        from lossgen.inspection.source import source_of

        self._plan_for("source")
        return source_of(self, kind, output, dtype, schedule)

    def _repr_latex_(self) -> str | None:
        latex = self._formulas().get("latex") if self.is_compiled else None
        return None if latex is None else f"$\\displaystyle {latex}$"

    def __repr__(self) -> str:
        shown = {name: getattr(self, name) for name in (*self.parameters, *self.options)}
        defaults = {} if self.signature is None else self.signature.parameters
        for name in ("axis", "ignore_class"):
            if name in defaults and getattr(self, name) != defaults[name].default:
                shown[name] = getattr(self, name)
        if self.reduction != "sum_over_batch_size":
            shown["reduction"] = self.reduction
        if self.dtype is not None:
            shown["dtype"] = self.dtype
        arguments = ", ".join(f"{name}={value!r}" for name, value in shown.items())
        return f"{type(self).__name__}({arguments})"

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.sealed and name in self.__dict__:
            cls = type(self).__name__
            raise AttributeError(
                f"`{name}` of {cls} cannot be changed: make another loss, {cls}({name}={value!r})."
            )
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in DERIVED}

    def __getattr__(self, name: str) -> Any:
        # Reached once: plan and routes are made when they are first needed, and not copied or pickled.
        if name == "_routes" and self.variants:
            routes = Routes(self._plan, self.reduction)
            self.__dict__["_routes"] = routes
            return routes
        if name == "_plan" and self.variants:
            plan = Plan(self)
            self.__dict__["_plan"] = plan
            return plan
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _plan_for(self, output: str) -> Plan:
        """The plan.

        Raises:
            NoGradientError: the loss is written by hand.
        """
        if self.is_compiled:
            return self._plan
        raise NoGradientError(
            f"{type(self).__name__} is written as code, so it has no `{output}`. Declare it as a formula "
            "with @lg.loss and lg.compile, and lossgen derives it."
        )

    def _call_losses(self, y_true, y_pred) -> np.ndarray:
        """What `call`, written by hand, returns, as floats."""
        p, _ = prediction_array(y_pred, None if self.dtype is None else np.dtype(self.dtype))
        losses = np.asarray(self.call(numbers_array("y_true", y_true), p))
        return losses.astype(p.dtype) if losses.dtype.kind in "iub" else losses

    def _formulas(self) -> Mapping[str, str]:
        return self._plan.variant.formulas or self.formulas

    def _formula(self, kind: str) -> str:
        self._plan_for("formula")
        return self._formulas()[kind]


def _initialise(loss: Loss, values: dict) -> None:
    """Checks and stores the arguments of a compiled loss."""
    Loss.__init__(loss, values["reduction"], values["name"], values["dtype"])
    for name, value in checked_arguments(type(loss), values).items():
        setattr(loss, name, value)


# Names that a parameter cannot have, because its attribute would hide something that every loss has.
DERIVED = frozenset({"_plan", "_routes", "_key"})
RESERVED_NAMES = frozenset(dir(Loss)) | DERIVED
