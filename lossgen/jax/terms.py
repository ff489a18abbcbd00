"""A loss of several terms, each over columns of its own, as a sum of losses of one term."""

import copy
from dataclasses import replace
from functools import lru_cache

import jax
import jax.numpy as jnp

from lossgen.jax import derivatives
from lossgen.jax.calls import Call
from lossgen.runtime.batch import joint_layout
from lossgen.runtime.plan import Plan


@lru_cache(maxsize=256)
def parts_of(plan: Plan) -> tuple[Plan, ...]:
    """A plan for each term."""
    if len(plan.terms) == 1:
        return (plan,)
    parts = []
    for term in plan.terms:
        part = copy.copy(plan)
        part.terms, part.scopes, part.labels = (term,), (term.scope,), term.labels
        parts.append(part)
    return tuple(parts)


def losses(call: Call, y, p, parameters):
    """The loss of every row, neither weighted nor scaled: the terms, broadcast over what others keep."""
    plans = parts_of(call.plan)
    if len(plans) == 1:
        return derivatives.losses(call, y, p, parameters)
    layouts, fine = joint_layout(p.shape, call.plan.scopes)
    found = jnp.zeros(fine.kept, p.dtype)
    for plan, layout in zip(plans, layouts, strict=True):
        each = derivatives.losses(replace(call, plan=plan), _target(call, plan, y, p), p, parameters)
        found += each.reshape(layout.kept)
    found, used = found.reshape(fine.loss_shape), call.used(y)
    return found if used is None else jnp.where(used, found, 0)


def total(call: Call, y, p, weight, parameters):
    """The weighted sum of the losses times the call's scale.

    Where terms reduce different axes, each loss of a term counts once for every loss that it is added to.
    """
    plans = parts_of(call.plan)
    if len(plans) == 1:
        return derivatives.total(call, y, p, weight, parameters)
    layouts, fine = joint_layout(p.shape, call.plan.scopes)
    if call.used(y) is not None:
        weight, call = call.cotangent(y, p, weight), call.unscaled()
    found = jnp.zeros((), p.dtype)
    for plan, layout in zip(plans, layouts, strict=True):
        axes = tuple(axis for axis in layout.axes if axis not in fine.axes)
        part, its_weight = replace(call, plan=plan), weight
        if axes and weight is None:
            part = replace(part, scale=call.scale * fine.rows / layout.rows)
        elif axes:
            its_weight = jnp.sum(weight.reshape(fine.kept), axis=axes).reshape(layout.loss_shape)
        found += derivatives.total(part, _target(call, plan, y, p), p, its_weight, parameters)
    return found


def _target(call: Call, plan: Plan, y, p):
    """The target of a term: one that reads no labels beside one that does has none, and looks at nothing."""
    return jax.lax.stop_gradient(p) if call.plan.labels and not plan.labels else y
