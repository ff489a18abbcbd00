"""Every transformation of JAX gives what it gives for the same formula written in jax.numpy."""

import numpy as np
import pytest
from requiring import require

jax = require("jax")
import jax.numpy as jnp  # noqa: E402
from jax.test_util import check_grads  # noqa: E402

import lossgen.jax as door  # noqa: E402


def log_cosh(y, p):
    return jnp.mean(jnp.log(jnp.cosh(p - y)))


def cross_entropy(y, p):
    return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(p), -1))


PAIRS = {
    "flat": (door.LogCosh(), log_cosh),
    "rows": (door.CategoricalCrossentropy(from_logits=True), cross_entropy),
    "losses of rows": (lambda y, p: jnp.mean(door.log_cosh(y, p)), log_cosh),
}


@pytest.fixture(params=PAIRS)
def pair(request):
    return PAIRS[request.param]


@pytest.fixture
def y():
    return jax.nn.softmax(jax.random.normal(jax.random.key(0), (6, 3)))


@pytest.fixture
def p():
    return jax.random.normal(jax.random.key(1), (6, 3))


def agree(loss, formula, transformed, *arguments, tolerance=2e-5):
    """Both, transformed in the same way."""
    wanted, found = (jax.jit(transformed(each))(*arguments) for each in (formula, loss))
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        assert one.shape == other.shape and one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def product(formula, y, p, vector):
    return jax.grad(lambda p: jnp.vdot(jax.grad(formula, 1)(y, p), vector))(p)


TRANSFORMED = {
    "value_and_grad": lambda f: jax.value_and_grad(f, 1),
    "grad of grad": lambda f: lambda y, p: product(f, y, p, jnp.cos(p)),
    "hessian": lambda f: lambda y, p: jax.hessian(f, 1)(y, p),
    "jacfwd": lambda f: jax.jacfwd(f, 1),
    "jacrev of jacrev": lambda f: jax.jacrev(jax.jacrev(f, 1), 1),
    "jvp": lambda f: lambda y, p: jax.jvp(lambda p: f(y, p), (p,), (jnp.sin(p),)),
    "jvp of grad": lambda f: lambda y, p: jax.jvp(lambda p: jax.grad(f, 1)(y, p), (p,), (jnp.sin(p),)),
    "third order": lambda f: lambda y, p: jax.grad(lambda p: jnp.sum(product(f, y, p, y) ** 2))(p),
    "gradient penalty": lambda f: lambda y, p: jax.grad(lambda p: jnp.sum(jax.grad(f, 1)(y, p) ** 2))(p),
    "checkpoint": lambda f: jax.grad(jax.checkpoint(f), 1),
    "linearize": lambda f: lambda y, p: jax.linearize(lambda p: f(y, p), p)[1](jnp.sin(p)),
    "scaled": lambda f: jax.grad(lambda y, p: 3 * f(y, p) ** 2, 1),
    "transposed": lambda f: lambda y, p: jax.grad(lambda p: f(y, p.T))(p.T),
    "the target is a constant": lambda f: lambda y, p: jax.grad(lambda p: f(jax.lax.stop_gradient(p), y))(p),
}  # fmt: skip


@pytest.mark.parametrize("name", TRANSFORMED)
def test_derivatives(pair, name, y, p):
    agree(*pair, TRANSFORMED[name], y, p, tolerance=2e-4 if name == "third order" else 2e-5)


BATCHED = {
    "vmap": lambda f: jax.vmap(f),
    "vmap of grad": lambda f: jax.vmap(jax.grad(f, 1)),
    "grad of vmap": lambda f: jax.grad(lambda y, p: jnp.sum(jax.vmap(f)(y, p) ** 2), 1),
    "one batched": lambda f: lambda y, p: jax.vmap(jax.grad(f, 1), (None, 0))(y[0], p),
    "other axis": lambda f: lambda y, p: jax.vmap(jax.grad(f, 1), 1, 1)(y, p),
    "nested": lambda f: lambda y, p: jax.vmap(jax.vmap(jax.grad(f, 1)))(y[None], p[None]),
    "vmap of hessian": lambda f: jax.vmap(jax.hessian(f, 1)),
    "scan": lambda f: lambda y, p: jax.lax.scan(
        lambda total, each: (total + f(*each), jax.grad(f, 1)(*each)), 0.0, (y, p)
    ),
    "grad through scan": lambda f: jax.grad(
        lambda y, p: jax.lax.scan(lambda total, each: (total + f(*each), None), 0.0, (y, p))[0], 1
    ),
    "fori_loop": lambda f: lambda y, p: jax.lax.fori_loop(
        0, 5, lambda _, p: p - 0.5 * jax.grad(f, 1)(y, p), p
    ),
    "cond": lambda f: lambda y, p: jax.lax.cond(p[0, 0, 0] > 0, f, lambda y, p: 2 * f(y, p), y, p),
}


@pytest.mark.parametrize("name", BATCHED)
def test_batches_and_loops(pair, name):
    y = jax.nn.softmax(jax.random.normal(jax.random.key(0), (4, 6, 3)))
    p = jax.random.normal(jax.random.key(1), (4, 6, 3))
    agree(*pair, BATCHED[name], y, p)


@pytest.mark.parametrize("name", ["value_and_grad", "grad of grad", "jvp of grad"])
def test_without_jit_as_with_it(pair, name, y, p):
    transformed = TRANSFORMED[name](pair[0])
    eager, jitted = transformed(y, p), jax.jit(transformed)(y, p)
    for one, other in zip(jax.tree.leaves(eager), jax.tree.leaves(jitted), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_vmap_is_one_call():
    p = jnp.zeros((4, 6, 3))
    text = jax.jit(jax.vmap(jax.grad(door.LogCosh(), 1))).lower(p, p).as_text()
    assert text.count("custom_call @lossgen_") == 1


def test_numerical_derivatives_of_first_and_second_order(y, p):
    weight = jnp.linspace(0.5, 2, 6)
    with jax.enable_x64(True):
        y, p, weight = (each.astype("float64") for each in (y, p, weight))
        for loss, order in ((door.LogCosh(), 2), (door.CategoricalCrossentropy(from_logits=True), 2),
                            (door.LogCosh(reduction="none"), 2),
                            (door.LogCosh(reduction="mean_with_sample_weight"), 1)):  # fmt: skip
            check_grads(lambda p, w, loss=loss: loss(y, p, w), (p, weight), order=order)


def test_only_what_is_differentiated_is_computed(y, p):
    weight = jnp.ones(6)
    loss = door.LogCosh()
    value = jax.jit(loss).lower(y, p, weight).as_text()
    both = jax.jit(jax.grad(loss, argnums=1)).lower(y, p, weight).as_text()
    assert value.count("custom_call @lossgen_") == both.count("custom_call @lossgen_") == 1
    compiled = jax.jit(jax.grad(loss, argnums=2)).lower(y, p, weight).compile().as_text()
    assert compiled.count("custom-call(") == 1  # the losses of rows


def test_a_loss_is_static_and_equal_to_its_like(y, p):
    traced = []

    def value(loss, y, p):
        traced.append(loss)
        return loss(y, p)

    for function in (jax.jit(value, static_argnums=0), jax.jit(value)):
        traced.clear()
        for loss in (door.Huber(0.5), door.Huber(delta=0.5), door.Huber(2.0)):
            assert function(loss, y, p) == loss(y, p)
        assert len(traced) == 2
    assert door.Huber(0.5) == door.Huber(0.5) != door.Huber(1.0)
