"""`Loss`, the `tf.Module` of every loss, and how a standalone class becomes one."""

import inspect
from collections.abc import Mapping
from math import prod
from typing import Any, ClassVar

import tensorflow as tf

from lossgen import losses as standalone_losses
from lossgen.runtime.configuration import plain
from lossgen.runtime.construction import make_constructor
from lossgen.runtime.reduction import keeps_losses
from lossgen.tensorflow import reduction as reductions
from lossgen.tensorflow.bridge import losses_of, rows_of
from lossgen.tensorflow.inputs import sizes_without
from lossgen.tensorflow.ops import integer_labels
from lossgen.tensorflow.parameters import check_inputs, number, standalone_of

MODULE = "lossgen.tensorflow"


class Loss(tf.Module):
    """A loss as a module: `loss(y_true, y_pred, sample_weight=None, *, mask=None)`.

    Reductions, weights and masks are those of `lossgen.losses`. Derivatives reach `sample_weight`, and
    `y_true` where a call asks for it. They reach a parameter of the loss that is given as a tensor or a
    `tf.Variable`; a variable is among the `trainable_variables`.
    """

    inputs: ClassVar[tuple[str, ...]]
    standalone: ClassVar[type]
    signature: ClassVar[inspect.Signature]

    @tf.autograph.experimental.do_not_convert
    def __call__(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        *,
        mask: Any = None,
        target_gradient: bool = False,
    ) -> tf.Tensor:
        """The reduced loss.

        Args:
            y_true: targets in the shape of the predictions; for losses of labels one integer a row.
            y_pred: predictions, (…, columns).
            sample_weight: None, a number, or a tensor that broadcasts to the losses.
            mask: None, or booleans that broadcast to the losses: rows that count.
            target_gradient: whether derivatives reach `y_true`.

        Returns:
            A scalar in the dtype of the predictions; with `reduction="none"` one weighted loss a row.

        Raises:
            ValueError: a shape, dtype, label or weight that does not fit; names the argument. Inside
                `tf.function`, labels are checked when the graph runs (`InvalidArgumentError`); under XLA,
                where nothing can be raised, a label that names no column makes the loss NaN.
        """
        reduction = self._loss.reduction
        if sample_weight is None and mask is None and not keeps_losses(reduction):
            total, count, result = self._total(y_true, y_pred, target_gradient)
            return tf.cast(reductions.reduced(total, count, reduction), result)
        rows, result = self._weighted(y_true, y_pred, sample_weight, mask, target_gradient)
        return tf.cast(reductions.reduce(rows, reduction), result)

    def call(self, y_true: Any, y_pred: Any) -> tf.Tensor:
        """The loss of every row, neither weighted nor reduced."""
        return losses_of(self._loss, y_true, y_pred, self._learned_parameters())

    @tf.autograph.experimental.do_not_convert
    def sum_and_weight(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        *,
        mask: Any = None,
        target_gradient: bool = False,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The sum of the weighted losses and what a mean divides it by; arguments are those of a call.

        Add both over the replicas of a `tf.distribute` strategy, or over parts of a batch, and divide once.

        Returns:
            Two scalars: the sum, and the number of losses that count, or with
            `reduction="mean_with_sample_weight"` the sum of their weights. A single loss without an index
            counts for 1.
        """
        if sample_weight is None and mask is None:
            total, count, _ = self._total(y_true, y_pred, target_gradient)
            return total, tf.cast(count, total.dtype)
        rows, _ = self._weighted(y_true, y_pred, sample_weight, mask, target_gradient)
        reduction = self._loss.reduction if rows.losses.shape.rank else None
        return tf.reduce_sum(rows.losses), rows.divisor(reduction)

    def get_config(self, portable: bool | None = None) -> dict[str, Any]:
        """Every constructor argument, in types that JSON has; what is learned as it is at present.

        Args:
            portable: whether the declaration is part of it; by default that of losses of one's own.
        """
        learned = {name: number(one) for name, one in self._learned_parameters().items()}
        return {**self._loss.get_config(portable), **{name: plain(one) for name, one in learned.items()}}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Loss":
        """The loss of a configuration that `get_config` made.

        Raises:
            ConfigError: a key that is no constructor argument; names it.
        """
        from lossgen.tensorflow import _door

        return _door.from_config(config, cls, getattr(cls, "standalone", None))

    @property
    def name(self) -> str:
        """The name of the instance."""
        return self._loss.name

    def _learned_parameters(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._learned}

    def _total(self, y_true, y_pred, target_gradient):
        """The sum of the losses, how many count (an int if that is known), and the dtype of the result."""
        learned = self._learned_parameters()
        total, given = rows_of(self._loss, y_true, y_pred, learned, target_gradient, summed=True)
        used = self._used(given)
        if used is not None:
            return total, tf.reduce_sum(tf.cast(used, total.dtype)), given.result
        sizes = sizes_without(given.p, given.axes)
        known = isinstance(sizes, list)
        return total, prod(sizes) if known else tf.cast(tf.reduce_prod(sizes), total.dtype), given.result

    def _weighted(self, y_true, y_pred, sample_weight, mask, target_gradient):
        """Losses with their weights, and the dtype of the result."""
        if mask is not None:
            mask = reductions.booleans(mask)
            if self._loss._plan.labels:
                y_true = reductions.readable_labels(y_true, mask, self._loss._plan.ignore_class)
        losses, given = rows_of(self._loss, y_true, y_pred, self._learned_parameters(), target_gradient)
        return reductions.weighted(losses, self._used(given), sample_weight, mask), given.result

    def _used(self, given):
        """Which losses have a label that is not ignored; None for all."""
        ignored = getattr(self._loss, "ignore_class", None)
        return None if ignored is None else integer_labels(given.y) != ignored

    def _initialise(self, values: Mapping[str, Any]) -> None:
        tf.Module.__init__(self)
        self._loss, tensors = standalone_of(self.standalone, values)
        self._learned = tuple(tensors)
        for name, one in tensors.items():
            setattr(self, name, one)

    def __repr__(self) -> str:
        return repr(self._loss)

    def __reduce__(self) -> tuple[Any, ...]:
        # The standalone loss travels, if need be as its declaration; its class leads to this one.
        return _blank, (self._loss,), self.__dict__.copy()

    def __getattr__(self, name: str) -> Any:
        # Reached where the module has no attribute of the name.
        if name in type(self).signature.parameters and "_loss" in self.__dict__:
            return getattr(self._loss, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.signature.parameters and name not in self.__dict__.get("_learned", ()):
            cls = type(self).__name__
            raise AttributeError(
                f"`{name}` of {cls} cannot be changed: make another loss, {cls}({name}={value!r})."
            )
        super().__setattr__(name, value)


def _blank(standalone: Any) -> Loss:
    """A module for a standalone loss, whose state is about to be set."""
    from lossgen.tensorflow import _door

    cls = _door.of(type(standalone))
    return cls.__new__(cls)


def make_class(standalone: type) -> type[Loss]:
    """The module of a standalone class, by the same name and with the same arguments.

    Raises:
        CompileError: it is no loss of targets and predictions.
    """
    check_inputs(standalone, MODULE)
    namespace = {
        "__doc__": standalone.__doc__,
        "__module__": MODULE,
        "inputs": standalone.inputs,
        "standalone": standalone,
        "signature": standalone.signature,
    }
    made = type(Loss)(standalone.__name__, (Loss,), namespace)
    made.__init__ = make_constructor(made)
    return made


def serialize(loss: Any) -> dict[str, Any] | str:
    """A loss as plain data; `lossgen.losses` and every other door read it, too."""
    if not isinstance(loss, Loss):
        return standalone_losses.serialize(loss)
    return standalone_losses.serialize(loss.standalone(**loss.get_config(portable=False)))
