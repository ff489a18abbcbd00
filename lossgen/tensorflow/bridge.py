"""Losses of rows, differentiable to any order: TensorFlow's derivatives of them are lossgen's own.

Value, gradient and Hessian-vector product each are a function with a custom gradient that leads to the next:
no derivative is ever taken of a host call, which TensorFlow would silently report as None. Each runs as a
kernel or as array code. Derivatives beyond the second go through the array code of the product.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from lossgen.errors import DtypeError, NoGradientError, ParameterError
from lossgen.runtime.arrays import evaluation as arrays
from lossgen.runtime.arrays.preparation import prepared
from lossgen.runtime.plan import Plan
from lossgen.tensorflow import host
from lossgen.tensorflow.inputs import Inputs, inputs_of, sizes_without, tensor
from lossgen.tensorflow.ops import Ops, integer_labels
from lossgen.tensorflow.parameters import in_range
from lossgen.tensorflow.place import has_tangents, runs_ops


@tf.autograph.experimental.do_not_convert
def losses_of(
    loss: Any,
    y_true: Any,
    y_pred: Any,
    parameters: Mapping[str, Any] | None = None,
    target_gradient: bool = False,
) -> tf.Tensor:
    """The loss of every row, neither weighted nor reduced, in the dtype of the predictions or of the loss.

    Args:
        loss: an instance of a class of `lossgen.losses`.
        y_true, y_pred: tensors of known rank; labels of an integer dtype stay integers.
        parameters: name → tensor or variable that takes the place of the constructor's number; derivatives
            reach it.
        target_gradient: whether derivatives reach `y_true` too.

    Raises:
        DtypeError, ShapeError: tensors of a kind or shape that the loss does not take.
        LabelError: a label that names no column; under `tf.function` an `InvalidArgumentError`; under XLA,
            which cannot raise, the loss of that row is NaN.
        ParameterError: a parameter that the loss does not have, or in eager code one out of its range.
        ExecutionError: kernels were demanded where they cannot run.
    """
    losses, given = rows_of(loss, y_true, y_pred, parameters, target_gradient)
    return tf.cast(losses, given.result)


def rows_of(
    loss: Any,
    y_true: Any,
    y_pred: Any,
    parameters: Mapping[str, Any] | None,
    target_gradient: bool,
    summed: bool = False,
) -> tuple[tf.Tensor, Inputs]:
    """The losses of `losses_of`, or their sum, in the dtype that they are computed in, and the inputs."""
    plan = loss._plan
    names = checked_names(loss, parameters)
    y, p, *_ = given = inputs_of(plan, y_true, y_pred)
    if target_gradient:
        y, p = prepared_target(plan, y, p)
    values = [tf.cast(in_range(loss, name, tensor(name, parameters[name])), p.dtype) for name in names]
    ladder = Ladder(plan, given.axes, given.loss_shape, names, target_gradient, summed)
    return ladder.losses(y, p, *values), given


class Ladder:
    """Losses, their gradient and its product with a vector, each the derivative of the one before.

    All take targets, predictions and the tensors among the parameters, in this order.

    Args:
        plan: what the loss computes.
        axes: the axes of the predictions that every term reduces.
        loss_shape: what is known of the shape of the losses.
        names: of the parameters that are tensors.
        target_gradient: whether derivatives reach the target.
        summed: whether it is the sum of the losses; a cotangent is one number then, and kernels of
            elementwise losses run in one line over all elements, whatever the number of columns.
    """

    def __init__(
        self,
        plan: Plan,
        axes: tuple[int, ...],
        loss_shape: tf.TensorShape,
        names: Sequence[str],
        target_gradient: bool,
        summed: bool,
    ):
        self.plan, self.axes, self.loss_shape = plan, axes, loss_shape
        self.names, self.target_gradient, self.summed = names, target_gradient, summed

    def losses(self, *inputs: tf.Tensor) -> tf.Tensor:
        """The loss of every row, or their sum."""

        def losses(*inputs):
            def backward(cotangent):
                target, others = self.other_gradients(inputs, cotangent)
                return target, self.gradient(*inputs, cotangent), *others

            y, p, *_ = inputs
            if runs_ops(p, bool(self.names)):
                return self.in_ops(arrays.losses, inputs), backward
            if self.summed:
                return host.total(self.plan, y, p), backward
            return host.losses(self.plan, y, p, self.loss_shape), backward

        if has_tangents(inputs):
            return self.in_ops(arrays.losses, inputs)
        return tf.custom_gradient(losses)(*here(inputs))

    def gradient(self, *inputs: tf.Tensor) -> tf.Tensor:
        """d(Σ cotangent·loss)/dp; the cotangent, in the shape of the losses, is the last input."""

        def gradient(*inputs):
            *before, cotangent = inputs

            def backward(vector):
                target, others = self.mixed(inputs, vector)
                slope = self.slope(self.gradient, arrays.gradient, inputs, (), vector)
                return target, self.product(*inputs, vector), *others, slope

            y, p, *_ = before
            if runs_ops(p, bool(self.names)):
                return self.in_ops(arrays.gradient, before, cotangent), backward
            return host.gradient(self.plan, y, p, cotangent), backward

        if has_tangents(inputs):
            return self.in_ops(arrays.gradient, inputs[:-1], inputs[-1])
        return tf.custom_gradient(gradient)(*here(inputs))

    def product(self, *inputs: tf.Tensor) -> tf.Tensor:
        """The Hessian of Σ cotangent·loss times a vector; cotangent and vector are the last inputs."""

        def product(*inputs):
            *before, cotangent, vector = inputs

            def backward(upstream):
                *others, _, _ = self.plain_gradients(arrays.product, inputs, 2, upstream)
                slope = self.slope(self.product, arrays.product, inputs[:-1], (vector,), upstream)
                return *others, slope, self.product(*before, cotangent, upstream)  # a Hessian is symmetric

            y, p, *_ = before
            if runs_ops(p, bool(self.names)):
                return self.in_ops(arrays.product, before, cotangent, vector), backward
            return host.product(self.plan, y, p, cotangent, vector), backward

        if has_tangents(inputs):
            return self.in_ops(arrays.product, inputs[:-2], *inputs[-2:])
        return tf.custom_gradient(product)(*here(inputs))

    def slope(self, derivative, code, inputs: Sequence[tf.Tensor], tail: tuple, upstream: tf.Tensor):
        """The derivative of a gradient or product by the cotangent.

        Both are linear in it, so it is taken at ones: array code takes a cotangent of 0 for "does not count".

        Args:
            derivative, code: the function that is derived, of this class and in array code.
            inputs: its inputs up to the cotangent.
            tail: those after the cotangent.
        """
        *before, cotangent = inputs
        inputs = (*before, tf.ones_like(cotangent), *tail)
        if self.summed:
            return tf.reduce_sum(derivative(*inputs) * upstream)
        if len(self.plan.terms) == 1:
            return tf.reduce_sum(derivative(*inputs) * upstream, self.axes)
        # Terms of different scopes: their sum does not tell which loss an element comes from.
        return self.plain_gradients(code, inputs, 1 + len(tail), upstream)[-1 - len(tail)]

    def other_gradients(self, inputs: Sequence[tf.Tensor], cotangent: tf.Tensor):
        """d(Σ cotangent·loss) by the target (None if it is not asked for) and by each parameter."""
        target = self.in_ops(arrays.target_gradient, inputs, cotangent) if self.target_gradient else None
        if not self.names:
            return target, []
        found = self.in_ops(arrays.parameter_gradients, inputs, cotangent)
        return target, [found[name] for name in self.names]

    def mixed(self, inputs: Sequence[tf.Tensor], vector: tf.Tensor):
        """Derivatives of vector·gradient by the target (None if it is not asked for) and by each
        parameter.
        """
        if not (self.target_gradient or self.names):
            return None, []
        target, _, *others = self.plain_gradients(arrays.gradient, inputs, 1, vector)
        return target, others[: len(self.names)]

    def plain_gradients(self, code, inputs: Sequence[tf.Tensor], tail: int, upstream: tf.Tensor) -> list:
        """TensorFlow's own derivatives of array code by each of its inputs.

        Args:
            tail: how many inputs follow the parameters.
        """
        inputs = here(inputs)
        wanted = list(inputs) if self.target_gradient else list(inputs[1:])
        with tf.GradientTape() as tape:
            tape.watch(wanted)
            result = self.in_ops(code, inputs[:-tail], *inputs[-tail:])
        if tf.executing_eagerly():
            found = tape.gradient(result, wanted, upstream, tf.UnconnectedGradients.ZERO)
        else:  # no tape records while TensorFlow builds a function's forward mode
            found = tf.gradients(result, wanted, upstream, unconnected_gradients="zero")
        return found if self.target_gradient else [None, *found]

    def in_ops(self, code, inputs: Sequence[tf.Tensor], *tail: tf.Tensor):
        """What array code makes of the inputs and of what follows them."""
        y, p, *values = inputs
        y, p = prepared(Ops, self.plan, integer_labels(y) if self.plan.labels else y, p)
        if self.summed and tail:
            tail = (tf.broadcast_to(tail[0], sizes_without(p, self.axes)), *tail[1:])
        found = code(Ops, self.plan, y, p, *tail, parameters=dict(zip(self.names, values, strict=True)))
        if code is arrays.losses:
            if self.summed:
                return tf.reduce_sum(found)
            found.set_shape(self.loss_shape)
        return found


def here(inputs: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
    """Inputs as tensors of the graph that is being built.

    The derivative of a gradient is traced in a graph that sees the graph of the gradient, but not that of the
    losses, from which its inputs may come.
    """
    return inputs if tf.executing_eagerly() else [tf.identity(one) for one in inputs]


def checked_names(loss: Any, parameters: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The names of the parameters that are tensors.

    Raises:
        ParameterError: the loss has no parameter of a name.
    """
    for name in parameters or ():
        if name not in loss.parameters:
            known = ", ".join(loss.parameters) or "none"
            raise ParameterError(f"{type(loss).__name__} has no parameter `{name}`; it has {known}.")
    return tuple(parameters or ())


def prepared_target(plan: Plan, y: tf.Tensor, p: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The target as numbers that have a derivative, prepared where TensorFlow sees how.

    Raises:
        NoGradientError: the loss reads labels.
        DtypeError: the target consists of integers.
    """
    if plan.labels:
        raise NoGradientError("Labels are whole numbers: there is no gradient with respect to `y_true`.")
    if not y.dtype.is_floating:
        raise DtypeError(
            f"A gradient with respect to `y_true` needs floats. Received: y_true of dtype {y.dtype.name}"
        )
    return prepared(Ops, plan, tf.cast(y, p.dtype), p)
