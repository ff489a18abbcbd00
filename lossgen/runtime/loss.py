"""`Loss`, the base class of every loss, compiled or written by hand.

A compiled loss is a class with tables: `parameters`, `options`, and one `Variant` of kernels for every
combination of options. A loss written by hand overrides `call` and gets weights, masks and reductions; it
has no derivatives.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from lossgen.runtime import evaluation
from lossgen.runtime.construction import check_instance_name, checked_arguments, snake_case
from lossgen.runtime.dtypes import check_dtype, numbers_array, prediction_array
from lossgen.runtime.elsewhere import device_evaluation, evaluation_elsewhere
from lossgen.runtime.function import function_of
from lossgen.runtime.raw_scores import RawScores
from lossgen.runtime.reduction import Reduction, check_reduction, reduce_losses, sum_losses
from lossgen.runtime.variant import Term, Variant

__all__ = ["Loss", "Term", "Variant", "function_of"]


class Loss(RawScores):
    """A loss: `loss(y_true, y_pred, sample_weight=None)` is a number, or with `reduction="none"` one a row.

    The columns are the last axis, unless the loss says otherwise; a row is what is left when they are
    reduced, and a prediction of rank 1 is one row. Results have the dtype of the predictions, unless `dtype`
    is given; sums are accumulated in float64. float16 and bfloat16 predictions are computed in float32 and
    cast at the end; integer predictions are computed in float64.

    Arrays may be Dask's; then the results are, too (`lossgen.dask`). Arrays of CuPy, CUDA tensors of PyTorch
    and whatever else has a `__cuda_array_interface__` stay on their device: CUDA kernels read them there, on
    the current stream of their library, and the results are arrays of the same library
    (`lossgen.runtime.cuda.evaluation`).

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

    inputs = ("y_true", "y_pred")

    @classmethod
    def _is_written_by_hand(cls) -> bool:
        return cls.call is not Loss.call

    @classmethod
    def _base_arguments(cls) -> dict[str, Any]:
        defaults = {
            "reduction": Reduction.SUM_OVER_BATCH_SIZE,
            "name": cls.default_name or snake_case(cls.__name__),
            "dtype": None,
            "axis": cls.default_axis,
        }
        return {**defaults, "ignore_class": None} if cls.labels else defaults

    def _initialise(self, values: dict[str, Any]) -> None:
        Loss.__init__(self, values["reduction"], values["name"], values["dtype"])
        for name, value in checked_arguments(type(self), values).items():
            setattr(self, name, value)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ):
        self.reduction = check_reduction(reduction)
        name = check_instance_name(name)
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
        if mask is None and self.is_compiled:
            quick = self._routes.run("value", y_true, y_pred, sample_weight)
            if quick is not None:
                return quick[0]
        elsewhere = evaluation_elsewhere(y_true, y_pred, sample_weight, mask)
        if elsewhere is not None:
            return elsewhere.value(self, y_true, y_pred, sample_weight, mask=mask)
        if not self.is_compiled:
            return reduce_losses(self._call_losses(y_true, y_pred), sample_weight, mask, self.reduction)
        return evaluation.value_of(self._plan, self.reduction, y_true, y_pred, sample_weight, mask)

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> Any:
        """The loss of every row, neither weighted nor reduced. Override it to write a loss by hand."""
        if not self.variants:
            raise NotImplementedError(
                f"{type(self).__name__} has no formula: override `call(self, y_true, y_pred)`, or declare "
                "the loss with @lg.loss."
            )
        elsewhere = evaluation_elsewhere(y_true, y_pred)
        if elsewhere is not None:
            return elsewhere.losses(self, y_true, y_pred)
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
            The weighted sum of the losses that count, and what they count for. That is the sum of their
            weights with `reduction="mean_with_sample_weight"`, with any other their number (with "sum", the
            loss of all data is Σ loss_sum). Both float64, whatever the dtype of the predictions.
            A single loss without an index counts for 1.

        Raises:
            ValueError: as when the loss is called.
        """
        elsewhere = evaluation_elsewhere(y_true, y_pred, sample_weight, mask)
        if elsewhere is not None:
            return elsewhere.sum_and_weight(self, y_true, y_pred, sample_weight, mask=mask)
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
        elsewhere = evaluation_elsewhere(y_true, y_pred, sample_weight, mask, out)
        if elsewhere is not None:
            return elsewhere.value_and_gradient(self, y_true, y_pred, sample_weight, mask=mask, out=out)
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
        places = out if isinstance(out, tuple | list) else (out,)
        cuda = device_evaluation(y_true, y_pred, sample_weight, mask, *places)
        if cuda is not None:
            return cuda.gradient_and_hessian(self, y_true, y_pred, sample_weight, mask=mask, out=out)
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
        cuda = device_evaluation(y_true, y_pred, vector, sample_weight, mask, out)
        if cuda is not None:
            return cuda.hessian_vector_product(
                self, y_true, y_pred, vector, sample_weight, mask=mask, out=out
            )
        return evaluation.hessian_vector_product_of(
            plan, self.reduction, y_true, y_pred, vector, sample_weight, mask, out
        )

    def _call_losses(self, y_true: Any, y_pred: Any) -> np.ndarray:
        """What `call`, written by hand, returns, as floats."""
        p, _ = prediction_array(y_pred, None if self.dtype is None else np.dtype(self.dtype))
        losses = np.asarray(self.call(numbers_array("y_true", y_true), p))
        return losses.astype(p.dtype) if losses.dtype.kind in "iub" else losses
