"""`Loss`, the base of every loss for Keras: constructor, call, configuration.

Weights, masks and reductions are in `reduction`, the way to the kernels in `backend`.
"""

import inspect
from typing import Any, ClassVar

import keras
from keras import ops

from lossgen.keras import backend, private
from lossgen.keras.labels import label_tensor, readable_labels
from lossgen.keras.reduction import booleans, reduce_losses
from lossgen.keras.wrapper import COMPUTED_IN, Wrapper, checked_dtype

TARGET_GRADIENT = inspect.Parameter("target_gradient", inspect.Parameter.KEYWORD_ONLY, default=False)


class Loss(Wrapper, keras.losses.Loss):
    """A loss that was compiled from its formula, as a loss of Keras.

    The classes of `lossgen.keras` and what `lossgen.keras.compile` makes are subclasses; their arguments are
    those of the class of the same name in `lossgen.losses`, and every argument is part of the configuration.

    Args:
        reduction: as for Keras; "auto" means "sum_over_batch_size".
        name: name of the instance.
        dtype: what the result has, as for Keras: a name, a `keras.DTypePolicy`, or None for
            `keras.config.floatx()`. float16 and bfloat16 are computed in float32 and cast at the end.
        target_gradient: whether gradients flow to `y_true` (distillation); otherwise it is a constant.

    A parameter may be a `keras.Variable`: it is then learnable, and trained where a layer or model owns it.
    """

    inputs: ClassVar[tuple[str, ...]] = ("y_true", "y_pred")
    further_arguments = (TARGET_GRADIENT,)

    def __init__(self, *args: Any, **kwargs: Any):
        from lossgen.runtime.reduction import check_reduction

        values = self._bound(args, kwargs)
        reduction, given = check_reduction(values["reduction"]), checked_dtype(values.pop("dtype"))
        super().__init__(name=values["name"], reduction=None, dtype=given)
        self.reduction = reduction  # not by Keras's constructor: older ones do not know all of them
        self._dtype_is_given = given is not None
        self.target_gradient = bool(values.pop("target_gradient"))
        self._wrap(values | {"reduction": reduction})

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss.

        Args:
            y_true: targets in the shape of the predictions; for losses of labels one integer a row.
            y_pred: predictions, (…, columns). Where it carries a mask (`_keras_mask`), masked losses do not
                count; in a mask of numbers those that are not 0 count.
            sample_weight: None, a number, or a tensor that broadcasts to the losses.

        Returns:
            A tensor of rank 0; with `reduction="none"` one weighted loss a row.

        Raises:
            ValueError: a shape, dtype, label or weight that does not fit; names the argument. Where labels
                cannot be looked at, a wrong one is an error of the framework (JAX on CPU) or makes the loss
                NaN (array code, XLA), and NaN in a mask counts as True.
        """
        if any(isinstance(one, keras.KerasTensor) for one in (y_true, y_pred, sample_weight)):
            from lossgen.keras.symbolic import SymbolicLoss

            return SymbolicLoss(self)(y_true, y_pred, sample_weight)
        mask = private.mask_of(y_pred)
        with keras.name_scope(self.name):
            mask = None if mask is None else booleans(mask)
            prediction = backend.tensor("y_pred", y_pred, COMPUTED_IN[self.dtype])
            if mask is not None and keras.backend.backend() == "jax":
                prediction = backend.finite_where_masked(prediction, mask, self.standalone)
            losses, counted = self._losses(y_true, prediction, mask)
            masks = [one for one in (mask, counted) if one is not None]
            value = reduce_losses(losses, sample_weight, masks, self.reduction)
            return value if self.dtype in ("float32", "float64") else ops.cast(value, self.dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of every row in the dtype of the predictions, neither weighted nor reduced."""
        if isinstance(y_true, keras.KerasTensor) or isinstance(y_pred, keras.KerasTensor):
            from lossgen.keras.symbolic import SymbolicLoss

            return SymbolicLoss(self, rows=True)(y_true, y_pred)
        prediction, result = backend.computable("y_pred", y_pred)
        losses, counted = self._losses(y_true, prediction)
        losses = ops.cast(losses, result)
        if counted is not None:
            private.attach_mask(losses, counted)
        return losses

    def _losses(self, y_true: Any, prediction: Any, mask: Any = None) -> tuple[Any, Any]:
        """The losses, and which of them count where a label is ignored (else None).

        Args:
            mask: labels are not looked at where it is False.
        """
        standalone = self.standalone
        if not standalone._plan.labels:
            target = backend.tensor("y_true", y_true, prediction.dtype)
            return self._rows(target, prediction), None
        kept = backend.loss_axes(standalone, len(prediction.shape))
        columns = (size for axis, size in enumerate(prediction.shape) if axis not in kept)
        target, ignored = label_tensor(y_true, columns), standalone.ignore_class
        if mask is not None:
            target = readable_labels(target, mask, ignored)
        losses = self._rows(target, prediction)
        if ignored is None:
            return losses, None
        return losses, ops.reshape(ops.not_equal(target, ignored), ops.shape(losses))

    def _rows(self, target: Any, prediction: Any) -> Any:
        return backend.losses_of(self.standalone, target, prediction, self.learnable, self.target_gradient)

    def get_config(self, portable: bool | None = None) -> dict[str, Any]:
        """Every constructor argument, in types that JSON has; a learnable one as the number it is now.

        `target_gradient` is there where it is True, so that `lossgen.losses` reads the others.
        """
        own = {"reduction": self.reduction, "dtype": self.dtype if self._dtype_is_given else None}
        further = {"target_gradient": True} if self.target_gradient else {}
        return super().get_config(portable) | own | further
