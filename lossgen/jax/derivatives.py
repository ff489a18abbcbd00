"""Losses and totals as functions that JAX can differentiate, to any order and in both directions.

Two levels of `custom_jvp`. The value alone is a kernel without a gradient. Its tangent comes from a kernel
that gives value and gradient at once; the tangent of *that* gradient is the Hessian times a vector, in array
code, which JAX differentiates further by itself. Derivatives with respect to targets, weights and parameters
are computed only where something is differentiated with respect to them.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from lossgen.jax import calls
from lossgen.jax.calls import Call, array_target
from lossgen.jax.ops import Ops
from lossgen.runtime.arrays import evaluation as array_code

differentiable = partial(jax.custom_jvp, nondiff_argnums=(0,))


def moves(tangent) -> bool:
    """Whether anything in it is differentiated."""
    leaves = jax.tree.leaves(tangent, is_leaf=lambda one: isinstance(one, SymbolicZero))
    return any(not isinstance(one, SymbolicZero) and one.dtype != jax.dtypes.float0 for one in leaves)


def instantiated(tangents, primals):
    """Tangents without symbolic zeros."""
    return jax.tree.map(
        lambda tangent, primal: jnp.zeros_like(primal) if isinstance(tangent, SymbolicZero) else tangent,
        tangents, primals, is_leaf=lambda one: isinstance(one, SymbolicZero),
    )  # fmt: skip


# The losses of rows ---------------------------------------------------------------------------------------


def losses(call: Call, y, p, parameters):
    """The loss of every row, neither weighted nor scaled; 0 where the label is ignored."""
    call = call.unscaled()
    if not call.layout(p).loss_shape:
        return total(call, y, p, None, parameters)
    return row_losses(call, y, p, parameters)


@differentiable
def row_losses(call: Call, y, p, parameters):
    return calls.losses(call, y, p, parameters)


@partial(row_losses.defjvp, symbolic_zeros=True)
def _row_losses_tangent(call: Call, primals, tangents):
    y, p, parameters = primals
    if moves(tangents[1]):
        value, gradient = row_losses_and_gradient(call, y, p, parameters)
    else:
        value, gradient = row_losses(call, y, p, parameters), None
    return value, _tangent_of_losses(call, primals, tangents, value, gradient)


@differentiable
def row_losses_and_gradient(call: Call, y, p, parameters):
    return calls.losses_and_gradient(call, y, p, parameters)


@partial(row_losses_and_gradient.defjvp, symbolic_zeros=True)
def _row_losses_and_gradient_tangent(call: Call, primals, tangents):
    y, p, parameters = primals
    value, gradient = row_losses_and_gradient(call, y, p, parameters)
    ones = jnp.ones(call.layout(p).loss_shape, p.dtype)
    used = call.used(y)
    each = ones if used is None else jnp.where(used, ones, 0)
    return (value, gradient), (
        _tangent_of_losses(call, primals, tangents, value, gradient),
        _tangent_of_gradient(call, primals, tangents, each),
    )


def _tangent_of_losses(call: Call, primals, tangents, value, gradient):
    y, p, parameters = primals
    y_tangent, p_tangent, parameter_tangents = tangents
    layout = call.layout(p)
    found = jnp.zeros_like(value)
    if moves(p_tangent):
        found += jnp.sum(gradient * p_tangent, axis=layout.axes)
    if moves(y_tangent):
        ones = jnp.ones(layout.loss_shape, p.dtype)
        slope = array_code.target_gradient(Ops, call.plan, array_target(call, y, p), p, ones, parameters)
        found += jnp.sum(slope * y_tangent.astype(p.dtype), axis=layout.axes)
    if moves(parameter_tangents):
        found += jax.jvp(
            lambda given: array_code.losses(Ops, call.plan, array_target(call, y, p), p, given),
            (parameters,), (instantiated(parameter_tangents, parameters),),
        )[1]  # fmt: skip
    return found


# Totals ---------------------------------------------------------------------------------------------------


@differentiable
def total(call: Call, y, p, weight, parameters):
    """The scaled sum of the losses, weighted if `weight` (in the shape of the losses) is not None."""
    return calls.total(call, y, p, weight, parameters)


@partial(total.defjvp, symbolic_zeros=True)
def _total_tangent(call: Call, primals, tangents):
    if moves(tangents[1]):
        value, gradient = total_and_gradient(call, *primals)
    else:
        value, gradient = total(call, *primals), None
    return value, _tangent_of_total(call, primals, tangents, value, gradient)


@differentiable
def total_and_gradient(call: Call, y, p, weight, parameters):
    return calls.total_and_gradient(call, y, p, weight, parameters)


@partial(total_and_gradient.defjvp, symbolic_zeros=True)
def _total_and_gradient_tangent(call: Call, primals, tangents):
    y, p, weight, parameters = primals
    value, gradient = total_and_gradient(call, *primals)
    y_tangent, p_tangent, weight_tangent, parameter_tangents = tangents
    of_gradient = _tangent_of_gradient(
        call, (y, p, parameters), (y_tangent, p_tangent, parameter_tangents), call.cotangent(y, p, weight)
    )
    if moves(weight_tangent):
        # Linear in the weights; taken at ones, because array code takes rows of weight 0 out altogether.
        each, truth = call.cotangent(y, p, None), array_target(call, y, p)
        of_gradient += jax.jvp(
            lambda weight: array_code.gradient(Ops, call.plan, truth, p, weight * each, parameters),
            (jnp.ones_like(each),), (weight_tangent.astype(p.dtype),),
        )[1]  # fmt: skip
    return (value, gradient), (_tangent_of_total(call, primals, tangents, value, gradient), of_gradient)


def _tangent_of_total(call: Call, primals, tangents, value, gradient):
    y, p, weight, parameters = primals
    y_tangent, p_tangent, weight_tangent, parameter_tangents = tangents
    found = jnp.zeros_like(value)
    if moves(p_tangent):
        found += jnp.sum(gradient * p_tangent)
    if moves(weight_tangent):
        found += jnp.sum(call.cotangent(y, p, None) * losses(call, y, p, parameters) * weight_tangent)
    if moves(y_tangent) or moves(parameter_tangents):
        each, truth = call.cotangent(y, p, weight), array_target(call, y, p)
        if moves(y_tangent):
            slope = array_code.target_gradient(Ops, call.plan, truth, p, each, parameters)
            found += jnp.sum(slope * y_tangent.astype(p.dtype))
        if moves(parameter_tangents):
            slopes = array_code.parameter_gradients(Ops, call.plan, truth, p, each, parameters)
            for name, tangent in parameter_tangents.items():
                if moves(tangent):
                    found += jnp.sum(slopes[name] * tangent)
    return found.astype(value.dtype)


def _tangent_of_gradient(call: Call, primals, tangents, each):
    """How the gradient of Σ each·loss with respect to the predictions moves."""
    y, p, parameters = primals
    y_tangent, p_tangent, parameter_tangents = tangents
    truth = array_target(call, y, p)
    found = jnp.zeros_like(p)
    if moves(p_tangent):
        # Linear in the vector as a function, but not in how it is written, which JAX needs to transpose it.
        found += jax.jvp(
            lambda vector: array_code.product(Ops, call.plan, truth, p, each, vector, parameters),
            (jnp.zeros_like(p),), (p_tangent,),
        )[1]  # fmt: skip
    if moves(y_tangent):
        found += jax.jvp(
            lambda moved: array_code.gradient(Ops, call.plan, moved, p, each, parameters),
            (truth,), (y_tangent.astype(p.dtype),),
        )[1]  # fmt: skip
    if moves(parameter_tangents):
        found += jax.jvp(
            lambda given: array_code.gradient(Ops, call.plan, truth, p, each, given),
            (parameters,), (instantiated(parameter_tangents, parameters),),
        )[1]  # fmt: skip
    return found
