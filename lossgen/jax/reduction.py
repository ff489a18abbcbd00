"""Weights, masks and reductions of losses in JAX, by the rules of `lossgen.runtime`."""

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from lossgen.jax import terms
from lossgen.jax.calls import Call
from lossgen.jax.inputs import parameter_arrays, prepared
from lossgen.runtime.reduction import keeps_losses
from lossgen.runtime.weights import fit


class Settings(NamedTuple):
    """What is known of an evaluation when it is traced.

    Attributes:
        loss: the loss of `lossgen.jax`, or a standalone one; hashable.
        execution, threads: see `Call`.
        target_gradient: whether the target is differentiated.
        factor: a weight that is a plain number.
    """

    loss: Any
    execution: str
    threads: int
    target_gradient: bool = False
    factor: float = 1.0


class Scene:
    """The inputs of one evaluation, with the weight of every loss.

    Attributes:
        weight: None, or one number a loss in the shape of the losses.
        shape: of the losses unreduced and weighted.
    """

    def __init__(self, settings: Settings, y_true, y_pred, sample_weight, mask, parameters):
        loss = getattr(settings.loss, "standalone", settings.loss)
        y, p, self.result, self.layout = prepared(loss, y_true, y_pred)
        self.y = y if settings.target_gradient else jax.lax.stop_gradient(y)
        self.p, self.factor = p, settings.factor
        self.parameters = parameter_arrays(loss, parameters, p.dtype, self.layout.columns)
        self.call = Call(loss._plan, settings.execution, settings.threads)
        self.weight, self.mask, self.shape = None, None, self.layout.loss_shape
        if mask is not None:
            mask = self._fitted("mask", mask)
            self.mask = mask != 0
        if sample_weight is not None:
            self.weight = self._fitted("sample_weight", sample_weight).astype(p.dtype)
        if self.mask is not None:
            self._hide()
            if jnp.issubdtype(mask.dtype, jnp.floating):  # NaN says nothing, and neither does the loss
                self.weight = jnp.where(jnp.isnan(mask), jnp.nan, self.weight)

    def _fitted(self, name: str, values):
        values, self.shape = fit(name, jnp.asarray(values), self.layout.loss_shape)
        return jnp.broadcast_to(values, self.shape).reshape(self.layout.loss_shape)

    def _hide(self) -> None:
        """Takes what is masked out: weight 0, and a label that nobody reads."""
        weight = jnp.ones(self.layout.loss_shape, self.p.dtype) if self.weight is None else self.weight
        self.weight = jnp.where(self.mask, weight, 0)
        if self.call.plan.labels:
            ignore = self.call.plan.ignore_class
            self.y = jnp.where(self.mask, self.y, 0 if ignore is None else ignore)

    def valid(self):
        """How many losses count: an int where that is known while tracing, else an array."""
        used = self.call.used(self.y)
        used = self.mask if used is None else used  # masked labels are ignored ones
        return self.layout.rows if used is None else jnp.sum(used)

    def weight_sum(self):
        """Sum of the weights of the losses that count."""
        if self.weight is None:
            return self.factor * self.valid()
        used = self.call.used(self.y)
        return self.factor * jnp.sum(self.weight if used is None else jnp.where(used, self.weight, 0))

    def losses(self):
        """The weighted losses, unreduced."""
        found = terms.losses(self.call, self.y, self.p, self.parameters)
        if self.weight is not None:
            found = guarded_product(self.weight, found)
        if self.factor != 1:
            found = guarded_product(jnp.full_like(found, self.factor), found)
        return found.reshape(self.shape)

    def total(self, scale: float = 1.0, mean_of_valid: bool = False, weight=None):
        """The weighted sum of the losses times a number."""
        weight = self.weight if weight is None else weight
        call = replace(self.call, scale=float(self.factor * scale), mean_of_valid=mean_of_valid)
        if self.layout.loss_shape or weight is None:
            return terms.total(call, self.y, self.p, weight, self.parameters)
        return guarded_product(weight, terms.total(call, self.y, self.p, None, self.parameters))

    def reduced(self, reduction: str | None):
        """The weighted losses, reduced; 0/0 counts as 0."""
        if not self.layout.loss_shape or reduction == "sum":  # a single loss is returned as it is
            return self.total()
        if reduction == "mean_with_sample_weight" and self.weight is not None:
            return self.total(weight=quotient(self.weight, self.weight_sum()))
        # Without an array of weights, a weighted mean is divided by the one number as well.
        scale = 1.0 / self.factor if reduction == "mean_with_sample_weight" and self.factor else 1.0
        if self.call.used(self.y) is not None:
            return self.total(scale, mean_of_valid=True)
        if self.mask is not None:
            return self.total(weight=quotient(self.weight, self.valid().astype(self.p.dtype)))
        return self.total(scale / self.layout.rows if self.layout.rows else 0.0)


@partial(jax.jit, static_argnums=0, inline=True)
def value(settings: Settings, y_true, y_pred, sample_weight, mask, parameters):
    """The reduced value, or the weighted losses where the reduction keeps them."""
    scene = Scene(settings, y_true, y_pred, sample_weight, mask, parameters)
    reduction = settings.loss.reduction
    found = scene.losses() if keeps_losses(reduction) else scene.reduced(reduction)
    return found.astype(scene.result)


@partial(jax.jit, static_argnums=0, inline=True)
def sum_and_weight(settings: Settings, y_true, y_pred, sample_weight, mask, parameters):
    """The sum of the weighted losses, and what a mean divides it by."""
    scene = Scene(settings, y_true, y_pred, sample_weight, mask, parameters)
    weighted = settings.loss.reduction == "mean_with_sample_weight" and scene.layout.loss_shape
    weight = scene.weight_sum() if weighted else scene.valid()
    return scene.total(), jnp.asarray(weight, scene.p.dtype)


@partial(jax.jit, static_argnums=0, inline=True)
def losses(settings: Settings, y_true, y_pred, parameters):
    """The loss of every row, neither weighted nor reduced."""
    scene = Scene(settings, y_true, y_pred, None, None, parameters)
    return scene.losses().astype(scene.result)


def quotient(weight, divisor):
    """weight / divisor, and 0 where that is 0/0."""
    return jnp.where(divisor == 0, 0, weight / jnp.where(divisor == 0, 1, divisor))


@jax.custom_jvp
def guarded_product(weight, found):
    """weight · loss, and 0 where the weight is 0 even if the loss is not finite."""
    return jnp.where(weight == 0, 0, weight * found)


@guarded_product.defjvp
def _guarded_product_tangent(primals, tangents):
    (weight, found), (weight_tangent, tangent) = primals, tangents
    return guarded_product(weight, found), weight_tangent * found + weight * tangent
