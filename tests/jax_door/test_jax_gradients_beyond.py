"""Gradients with respect to parameters and targets, on request."""

import numpy as np
import pytest
from requiring import require

from lossgen import losses, set_execution
from lossgen.errors import ExecutionError

jax = require("jax")
import jax.numpy as jnp  # noqa: E402

import lossgen.jax as door  # noqa: E402
from lossgen.jax.bridge import losses_of  # noqa: E402

RNG = np.random.default_rng(5)
Y, P = RNG.random((2, 6, 3)).astype(np.float32)


def huber(y, p, delta):
    error = jnp.abs(p - y)
    return jnp.mean(jnp.where(error <= delta, error**2 / 2, delta * (error - delta / 2)), -1)


@pytest.mark.parametrize("jit", [lambda f: f, jax.jit])
def test_a_parameter_that_is_an_array_gets_a_gradient(jit):
    formula = jit(jax.value_and_grad(lambda d: jnp.sum(huber(Y, P, d)), argnums=0))
    by_function = jit(jax.value_and_grad(lambda d: jnp.sum(door.huber(Y, P, delta=d))))
    by_class = jit(jax.value_and_grad(lambda d: door.Huber(reduction="sum")(Y, P, parameters={"delta": d})))
    by_bridge = jit(jax.value_and_grad(lambda d: jnp.sum(losses_of(losses.Huber(), Y, P, {"delta": d}))))
    for function in (by_function, by_class, by_bridge):
        np.testing.assert_allclose(function(0.25), formula(0.25), rtol=2e-6)


def test_parameters_and_predictions_together_to_second_order():
    both = (0.25, P)
    hessian = jax.hessian(lambda given: door.Huber()(Y, given[1], parameters={"delta": given[0]}))(both)
    wanted = jax.hessian(lambda given: jnp.mean(huber(Y, given[1], given[0])))(both)
    for one, other in zip(jax.tree.leaves(hessian), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_a_parameter_of_one_number_a_column():
    alpha = jnp.asarray([0.2, 0.3, 0.5])
    loss = door.CategoricalFocalCrossentropy()
    given = tuple(float(each) for each in alpha)
    wanted = losses.CategoricalFocalCrossentropy(alpha=given)(Y, P)
    np.testing.assert_allclose(loss(Y, P, parameters={"alpha": alpha}), wanted, rtol=1e-5)
    gradient = jax.grad(lambda alpha: loss(Y, P, parameters={"alpha": alpha}))(alpha)
    assert gradient.shape == (3,)
    np.testing.assert_allclose(jnp.vdot(gradient, alpha), loss(Y, P, parameters={"alpha": alpha}), rtol=1e-5)


def test_the_target_is_a_constant_unless_a_gradient_is_asked_for():
    loss = door.KLDivergence()
    assert not jax.grad(loss, argnums=0)(Y, P).any()
    assert not jax.grad(lambda y: jnp.sum(door.kl_divergence(y, P)))(Y).any()

    def formula(y):
        return jnp.sum(y * jnp.log(y / P)) / 6

    for function in (
        lambda y: loss(y, P, target_gradient=True),
        lambda y: jnp.mean(door.kl_divergence(y, P, target_gradient=True)),
        lambda y: jnp.mean(losses_of(losses.KLDivergence(), y, P, target_gradient=True)),
    ):
        np.testing.assert_allclose(jax.jit(jax.grad(function))(Y), jax.grad(formula)(Y), rtol=2e-5, atol=1e-6)
        np.testing.assert_allclose(jax.hessian(function)(Y), jax.hessian(formula)(Y), rtol=2e-4, atol=1e-6)


def test_prepared_targets_are_differentiated_through_their_preparation():
    y = np.asarray([[0, 1, 1], [1, 0, 0]], np.float32)
    gradient = jax.grad(lambda y: door.Hinge(reduction="sum")(y, P[:2], target_gradient=True))(y)
    np.testing.assert_allclose(gradient, -2 * P[:2] / 3, rtol=1e-6)


def test_kernels_cannot_take_arrays_as_parameters():
    try:
        set_execution("kernels")
        with pytest.raises(ExecutionError, match="delta"):
            door.huber(Y, P, delta=jnp.float32(1))
        assert door.huber(Y, P, delta=1.0).shape == (6,)
    finally:
        set_execution("auto")
