"""`Loss`, the base of every loss for Keras: constructor, call, configuration.

An instance wraps one of the standalone class, which checks the arguments and has the kernels. Weights, masks
and reductions are in `reduction`, the way to the kernels in `backend`.
"""

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import keras
from keras import ops

from lossgen.errors import DtypeError
from lossgen.keras import backend, private
from lossgen.keras.labels import label_tensor
from lossgen.keras.reduction import reduce_losses

COMPUTED_IN = {"float16": "float32", "bfloat16": "float32", "float32": "float32", "float64": "float64"}
"""What a loss of a dtype is computed in; the result is cast at the end."""

TARGET_GRADIENT = inspect.Parameter("target_gradient", inspect.Parameter.KEYWORD_ONLY, default=False)


class SignatureOf:
    """The signature of the standalone class and `target_gradient`, as an attribute of the class alone."""

    def __get__(self, instance: Any, owner: type) -> inspect.Signature:
        if instance is not None or owner.standalone_class is None:
            raise AttributeError("signature")
        signature = owner.standalone_class.signature
        return signature.replace(parameters=[*signature.parameters.values(), TARGET_GRADIENT])


class Loss(keras.losses.Loss):
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

    standalone_class: ClassVar[Any] = None
    inputs: ClassVar[tuple[str, ...]] = ("y_true", "y_pred")  # of the function handles
    signature: ClassVar[Any] = SignatureOf()
    __signature__ = signature  # what `inspect.signature` reads

    def __init__(self, *args: Any, **kwargs: Any):
        from lossgen.runtime.construction import bind
        from lossgen.runtime.reduction import check_reduction

        cls = type(self)
        if cls.standalone_class is None:
            raise TypeError(
                "lossgen.keras.Loss is only the base of the classes for Keras. Declare a loss with @lg.loss "
                "and pass it to lossgen.keras.compile, or subclass keras.losses.Loss."
            )
        values = dict(bind(cls, cls.signature, args, kwargs))
        self.target_gradient = bool(values.pop("target_gradient"))
        dtype, reduction = values.pop("dtype"), check_reduction(values.pop("reduction"))
        super().__init__(name=values.pop("name"), reduction=reduction, dtype=dtype)
        if self.dtype not in COMPUTED_IN:
            raise DtypeError(f"`dtype` must be one of {tuple(COMPUTED_IN)}. Received: dtype={dtype!r}")
        self._dtype_is_given = dtype is not None
        self.learnable = {name: value for name, value in values.items() if isinstance(value, keras.Variable)}
        values |= {name: backend.current_value(variable) for name, variable in self.learnable.items()}
        self.standalone = cls.standalone_class(**values, reduction=reduction, name=self.name)
        backend.make_ready(self.standalone)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss.

        Args:
            y_true: targets in the shape of the predictions; for losses of labels one integer a row.
            y_pred: predictions, (…, columns). Where it carries a mask (`_keras_mask`), masked losses do not
                count.
            sample_weight: None, a number, or a tensor that broadcasts to the losses.

        Returns:
            A tensor of rank 0; with `reduction="none"` one weighted loss a row.

        Raises:
            ValueError: a shape, dtype, label or weight that does not fit; names the argument. Labels inside
                of compiled code (JAX, XLA) cannot be refused: there a wrong label makes the loss NaN.
        """
        if any(isinstance(one, keras.KerasTensor) for one in (y_true, y_pred, sample_weight)):
            from lossgen.keras.symbolic import SymbolicLoss

            return SymbolicLoss(self)(y_true, y_pred, sample_weight)
        mask = private.mask_of(y_pred)
        with keras.name_scope(self.name):
            prediction = backend.tensor("y_pred", y_pred, COMPUTED_IN[self.dtype])
            if mask is not None and keras.backend.backend() == "jax":
                prediction = backend.finite_where_masked(prediction, mask, self.standalone)
            losses, counted = self._losses(y_true, prediction)
            masks = [one for one in (mask, counted) if one is not None]
            value = reduce_losses(losses, sample_weight, masks, self.reduction)
            return value if self.dtype in ("float32", "float64") else ops.cast(value, self.dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of every row in the dtype of the predictions, neither weighted nor reduced."""
        prediction = backend.tensor("y_pred", y_pred)
        given = keras.backend.standardize_dtype(prediction.dtype)
        computed = COMPUTED_IN.get(given, "float64" if self.dtype == "float64" else "float32")
        losses, counted = self._losses(y_true, ops.cast(prediction, computed))
        losses = losses if given == computed or given not in COMPUTED_IN else ops.cast(losses, given)
        if counted is not None:
            private.attach_mask(losses, counted)
        return losses

    def _losses(self, y_true: Any, prediction: Any) -> tuple[Any, Any]:
        """The losses, and which of them count where a label is ignored (else None)."""
        standalone = self.standalone
        if not standalone._plan.labels:
            target = backend.tensor("y_true", y_true, prediction.dtype)
            return self._rows(target, prediction), None
        target, ignored = label_tensor(y_true), standalone.ignore_class
        losses = self._rows(target, prediction)
        if ignored is None:
            return losses, None
        return losses, ops.reshape(ops.not_equal(target, ignored), ops.shape(losses))

    def _rows(self, target: Any, prediction: Any) -> Any:
        return backend.losses_of(self.standalone, target, prediction, self.learnable, self.target_gradient)

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument, in types that JSON has; a learnable one as the number it is now.

        `target_gradient` is there where it is True, so that `lossgen.losses` reads the others.
        """
        config = self.standalone.get_config()
        config |= {"reduction": self.reduction, "dtype": self.dtype if self._dtype_is_given else None}
        config |= {name: backend.current_value(variable) for name, variable in self.learnable.items()}
        return config | ({"target_gradient": True} if self.target_gradient else {})

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The loss of a configuration that `get_config` made.

        Raises:
            ConfigError: a key that is no constructor argument; names it.
        """
        from lossgen.runtime.configuration import check_config

        return cls(**check_config(cls, config))

    def __getattr__(self, name: str) -> Any:
        # Reached where an instance has no such attribute: the arguments of the loss, `loss.delta`.
        standalone = self.__dict__.get("standalone")
        if standalone is not None and name in standalone.signature.parameters:
            return self.learnable.get(name, getattr(standalone, name))
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        standalone = self.__dict__.get("standalone")
        if standalone is not None and name in standalone.sealed - {"reduction", "dtype"}:
            setattr(standalone, name, value)  # raises, saying what to write instead
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return repr(self.standalone)
