"""Peers with a framework. Each holds its inputs as the framework's own arrays before anything is timed."""

from collections.abc import Callable

import numpy as np

from .cases import Case
from .formulas import mean_loss, torch_loss
from .peers import Work, as_arrays, set_lossgen_threads


class Torch:
    """Eager forward and backward, through torch.nn.functional where it has the loss."""

    def prepare(self, case: Case, y, p, weight) -> Work | None:
        if case.output == "hessian":
            return None
        return self.work(torch_loss(case.loss, case.arguments), case, y, p, weight)

    def work(self, function: Callable, case: Case, y, p, weight) -> Work:
        import torch

        torch.set_num_threads(case.threads)
        arrays = (y,) if weight is None else (y, weight)
        targets = [torch.from_numpy(one).clone() for one in arrays]
        prediction = torch.from_numpy(p).clone()
        truth, rest = targets[0], targets[1:]
        if case.output == "value":

            def value():
                with torch.no_grad():
                    return function(truth, prediction, *rest).item()

            return Work(value, lambda result: (np.asarray(result),))
        prediction.requires_grad_()

        def value_and_gradient():
            prediction.grad = None
            value = function(truth, prediction, *rest)
            value.backward()
            return value.item(), prediction.grad

        return Work(value_and_gradient, lambda result: (np.asarray(result[0]), result[1].numpy()))


class LossgenTorch(Torch):
    """The module of lossgen.torch, forward and backward."""

    def prepare(self, case: Case, y, p, weight) -> Work | None:
        if case.output == "hessian" or case.weighted:
            return None
        import lossgen.torch as door

        set_lossgen_threads(case.threads)
        return self.work(getattr(door, case.title)(**case.arguments), case, y, p, weight)


class TorchCompile(Torch):
    """The same through torch.compile, which compiles forward and backward."""

    def work(self, function: Callable, case: Case, y, p, weight) -> Work:
        import torch

        torch._dynamo.reset()
        return super().work(torch.compile(function, dynamic=False), case, y, p, weight)


class Jax:
    """`jax.jit(jax.value_and_grad(…))`, waited for."""

    def prepare(self, case: Case, y, p, weight) -> Work | None:
        from .operations import jax_operations

        return self.work(mean_loss(jax_operations(), case.loss, case.arguments), case, y, p, weight)

    def work(self, function: Callable, case: Case, y, p, weight) -> Work | None:
        import jax

        if case.output == "hessian" or case.threads != 2:
            return None  # the number of threads of XLA cannot be changed in a process
        jax.config.update("jax_enable_x64", case.dtype == "float64")
        arrays = [y, p] if weight is None else [y, p, weight]
        arrays = [jax.device_put(one) for one in arrays]
        if case.output == "value":
            compiled = jax.jit(function)
        else:
            compiled = jax.jit(jax.value_and_grad(function, argnums=1))
        return Work(lambda: jax.block_until_ready(compiled(*arrays)), as_arrays)


class LossgenJax(Jax):
    """The class of `lossgen.jax`, jitted with its gradient."""

    def prepare(self, case: Case, y, p, weight) -> Work | None:
        import lossgen.jax

        loss = getattr(lossgen.jax, case.title)(**case.arguments)

        def function(y, p, weight=None):
            return loss(y, p, None if weight is None else weight[..., 0])

        return self.work(function, case, y, p, weight)


def keras_loss(case: Case) -> Callable | None:
    """The loss of Keras of this name as a function of target, prediction and weight."""
    import keras

    cls = getattr(keras.losses, case.title, None)
    if cls is None:
        return None
    loss = cls(**case.arguments, dtype=case.dtype)

    def function(y, p, weight=None):
        return loss(y, p, sample_weight=None if weight is None else weight[..., 0])

    return function


class KerasTorch(Torch):
    """The class of Keras on torch, gradient by autograd."""

    def prepare(self, case: Case, y, p, weight) -> Work | None:
        function = keras_loss(case)
        if function is None or case.output == "hessian":
            return None
        return self.work(function, case, y, p, weight)


class KerasJax(Jax):
    """The class of Keras on JAX, jitted with its gradient."""

    def prepare(self, case: Case, y, p, weight) -> Work | None:
        function = keras_loss(case)
        return None if function is None else self.work(function, case, y, p, weight)


class KerasTensorflow:
    """The class of Keras on TensorFlow: a tf.function with a gradient tape."""

    def prepare(self, case: Case, y, p, weight) -> Work | None:
        import tensorflow as tf

        function = keras_loss(case)
        if function is None or case.output == "hessian" or case.threads != 2:
            return None
        arrays = [tf.constant(one) for one in ((y, p) if weight is None else (y, p, weight))]

        @tf.function
        def value_and_gradient(y, p, *weight):
            with tf.GradientTape() as tape:
                tape.watch(p)
                value = function(y, p, *weight)
            return value, tape.gradient(value, p)

        run = tf.function(function) if case.output == "value" else value_and_gradient
        return Work(lambda: run(*arrays), as_arrays)
