"""`Loss`, a `tf_keras.losses.Loss` for every loss, and how a standalone class becomes one.

Reductions, weights, masks and what `tf.distribute` forbids are Keras 2's own code; losses of rows are ours.
"""

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

import tensorflow as tf
import tf_keras

from lossgen.errors import WeightError
from lossgen.runtime.arrays.evaluation import axes_of
from lossgen.runtime.configuration import check_config, class_and_arguments, plain
from lossgen.runtime.construction import make_constructor
from lossgen.tensorflow.bridge import losses_of
from lossgen.tensorflow.inputs import tensor
from lossgen.tensorflow.ops import integer_labels
from lossgen.tensorflow.parameters import check_inputs, number, standalone_of
from lossgen.tensorflow.reduction import readable_labels

MODULE = "lossgen.tf_keras"
KerasTensor = tf_keras.__internal__.KerasTensor
OWN = ("reduction", "name")
"""Arguments that Keras 2 keeps itself, and lets one change."""


class Loss(tf_keras.losses.Loss):
    """A loss for Keras 2: `loss(y_true, y_pred, sample_weight=None)`, or `model.compile(loss=…)`.

    Args:
        reduction: "auto", "sum_over_batch_size", "sum" or "none", as in `tf_keras.losses.Reduction`. The
            first two raise a ValueError under a `tf.distribute` strategy outside `compile` and `fit`.
        name: name of the instance.
    """

    inputs: ClassVar[tuple[str, ...]]
    standalone: ClassVar[type]
    signature: ClassVar[inspect.Signature]

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss; arguments and result as for every loss of Keras 2.

        Raises:
            WeightError: weights that Keras 2 would silently broadcast the losses to.
            DtypeError: a masked array of NumPy, whose mask would be lost.
        """
        if sample_weight is not None:
            if not tf.is_tensor(sample_weight):
                sample_weight = tensor("sample_weight", sample_weight)
            self._check_weight(sample_weight.shape, tuple(tf.TensorShape(_shape(y_true))), _shape(y_pred))
        return super().__call__(y_true, y_pred, sample_weight)

    @tf.autograph.experimental.do_not_convert
    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of every row, neither weighted nor reduced; labels that are ignored are masked."""
        if isinstance(y_pred, KerasTensor) or isinstance(y_true, KerasTensor):
            return Rows(self)([y_true, y_pred])
        y, p = tensor("y_true", y_true), tensor("y_pred", y_pred)
        if not self._loss._plan.labels:
            y, p = squeezed(y, p)
        elif getattr(y_pred, "_keras_mask", None) is not None:
            y = readable_labels(y, y_pred._keras_mask, self._loss.ignore_class)
        losses = losses_of(self._loss, y, p, {name: getattr(self, name) for name in self._learned})
        ignored = getattr(self._loss, "ignore_class", None)
        if ignored is not None:
            losses._keras_mask = tf.reshape(integer_labels(y) != ignored, tf.shape(losses))
        return losses

    def get_config(self, portable: bool | None = None) -> dict[str, Any]:
        """Every constructor argument, in types that JSON has.

        Args:
            portable: whether the declaration is part of it; by default that of losses of one's own, so that
                a saved model loads where the program that declared them is missing.
        """
        learned = {name: plain(number(getattr(self, name))) for name in self._learned}
        return {**self._loss.get_config(portable), **learned, **super().get_config()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Loss":
        """The loss of a configuration that `get_config` made.

        `Loss` itself, which saved models name, reads those that carry their declaration.

        Raises:
            ConfigError: a key that is no constructor argument, or a declaration that is missing or another.
        """
        found, arguments = class_and_arguments(config, getattr(cls, "standalone", None))
        if not hasattr(cls, "standalone"):
            from lossgen.tf_keras.lookup import registered

            cls = registered(found)
        return cls(**check_config(cls, arguments))

    def _check_weight(self, weight: tuple | None, y: tuple | None, p: tuple | None) -> None:
        if not weight or y is None or p is None:
            return
        if not self._loss._plan.labels and len(p) - len(y) == 1 and p[-1] == 1:
            p = p[:-1]
        reduced = set.intersection(*(set(axes_of(p, scope)) for scope in self._loss._plan.scopes))
        losses = tuple(size for axis, size in enumerate(p) if axis not in reduced)
        fitted = weight
        if len(weight) == len(losses) + 1 and weight[-1] in (1, None):
            fitted = weight[:-1]
        elif len(weight) == len(losses) - 1:
            fitted = (*weight, 1)
        pairs = zip(fitted[::-1], losses[::-1], strict=False)
        broadcasts = all(size in (1, None) or wanted in (size, None) for size, wanted in pairs)
        if len(fitted) > len(losses) or not broadcasts:
            raise WeightError(
                "`sample_weight` must broadcast to the losses. "
                f"Received: sample_weight of shape {weight} and losses of shape {losses}"
            )

    def _initialise(self, values: Mapping[str, Any]) -> None:
        tf_keras.losses.Loss.__init__(self, values["reduction"], values["name"])
        own = {name: value for name, value in values.items() if name != "reduction"}
        self._loss, tensors = standalone_of(self.standalone, own)
        self._learned = tuple(tensors)
        for name, one in tensors.items():
            setattr(self, name, one)

    def __repr__(self) -> str:
        return repr(self._loss)

    def __reduce__(self) -> tuple[Any, ...]:
        # The standalone loss travels, if need be as its declaration; its class leads to this one.
        return _blank, (self._loss,), self.__dict__.copy()

    def __getattr__(self, name: str) -> Any:
        # Reached where the instance has no attribute of the name.
        if name in type(self).signature.parameters and "_loss" in self.__dict__:
            return getattr(self._loss, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        changeable = name in OWN or name not in self.signature.parameters
        if not changeable and name not in self.__dict__.get("_learned", ()):
            cls = type(self).__name__
            raise AttributeError(
                f"`{name}` of {cls} cannot be changed: make another loss, {cls}({name}={value!r})."
            )
        super().__setattr__(name, value)


@tf_keras.saving.register_keras_serializable("lossgen")
class Rows(tf_keras.layers.Layer):
    """The losses of rows as a layer, for a functional model that adds a loss of its own tensors.

    Args:
        loss: a `Loss`.
    """

    def __init__(self, loss: Loss, **kwargs: Any):
        super().__init__(**kwargs)
        self.loss = loss

    def call(self, inputs: Any) -> Any:
        """The loss of every row of [targets, predictions]."""
        return self.loss.call(*inputs)

    def get_config(self) -> dict[str, Any]:
        """The loss, serialized, besides what every layer has."""
        return {**super().get_config(), "loss": tf_keras.saving.serialize_keras_object(self.loss)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Rows":
        """The layer of a configuration that `get_config` made."""
        loss = tf_keras.saving.deserialize_keras_object(config["loss"])
        return cls(**{**config, "loss": loss})


def _blank(standalone: Any) -> Loss:
    """An instance for a standalone loss, whose state is about to be set; its class is registered."""
    from lossgen.tf_keras.lookup import registered

    cls = registered(type(standalone))
    return cls.__new__(cls)


def make_class(standalone: type, module: str = MODULE) -> type[Loss]:
    """The Keras 2 class of a standalone class: its name and arguments, with the reductions of Keras 2.

    Raises:
        CompileError: it is no loss of targets and predictions.
    """
    check_inputs(standalone, module)
    order = standalone.signature.parameters.values()
    parameters = [one.replace(default="auto") if one.name == "reduction" else one for one in order]
    namespace = {
        "__doc__": standalone.__doc__,
        "__module__": module,
        "inputs": standalone.inputs,
        "standalone": standalone,
        "signature": standalone.signature.replace(parameters=parameters),
    }
    made = type(Loss)(standalone.__name__, (Loss,), namespace)
    made.__init__ = make_constructor(made)
    return made


def squeezed(y: tf.Tensor, p: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Keras 2's rule: where ranks differ by one, the higher loses a last axis of size 1."""
    if y.shape.rank is None or p.shape.rank is None:
        return y, p
    ranks = y.shape.rank - p.shape.rank
    if ranks == 1 and y.shape[-1] in (1, None):
        return tf.squeeze(y, -1), p
    if ranks == -1 and p.shape[-1] == 1:
        return y, tf.squeeze(p, -1)
    return y, p


def _shape(value: Any) -> tuple | None:
    """What is known of the shape of an argument; None if not even the rank is."""
    shape = tf.TensorShape(value.shape if hasattr(value, "shape") else tf.convert_to_tensor(value).shape)
    return None if shape.rank is None else tuple(shape)
