"""Weights, masks, reductions and dtypes are those of the standalone losses."""

import numpy as np
import pytest
from requiring import require

import lossgen as lg
from lossgen import losses
from lossgen.catalog import DECLARATIONS

jax = require("jax")
import jax.numpy as jnp  # noqa: E402

import lossgen.jax as door  # noqa: E402

REDUCTIONS = ("sum_over_batch_size", "sum", "mean_with_sample_weight", "none")
RNG = np.random.default_rng(3)
P = RNG.standard_normal((6, 3)).astype(np.float32)
WEIGHT = np.array([1, 0, 2, -0.5, 0.25, 3], np.float32)
MASK = np.array([1, 1, 0, 1, 0, 1], bool)
SQUARES = lg.declare("each", lg.Mean((lg.y_pred - lg.y_true) ** 2))
SQUARES_AND_DICE = 0.5 * SQUARES + 0.5 * next(each for each in DECLARATIONS if each.name == "dice")
LOSSES = {
    "numbers": (losses.Huber, {}, RNG.standard_normal((6, 3)).astype(np.float32)),
    "labels": (losses.SparseCategoricalCrossentropy, {"from_logits": True}, np.arange(6, dtype=np.int32) % 3),
    "ignored labels": (
        losses.SparseCategoricalCrossentropy,
        {"from_logits": True, "ignore_class": 1},
        np.arange(6, dtype=np.int32) % 3,
    ),
}


def pair(name: str, **arguments):
    cls, given, y = LOSSES[name]
    return cls(**given, **arguments), getattr(door, cls.__name__)(**given, **arguments), y


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", LOSSES)
def test_weights_and_masks(name, reduction):
    standalone, loss, y = pair(name, reduction=reduction)

    def both(y, p, weight, mask):
        return loss(y, p, weight, mask=mask), jax.grad(lambda p: jnp.sum(loss(y, p, weight, mask=mask)))(p)

    both = jax.jit(both)
    for weight in (None, np.float32(2), WEIGHT, WEIGHT[:, None], 0 * WEIGHT):
        for mask in (None, MASK, MASK & False):
            value, gradient = both(y, P, weight, mask)
            wanted = standalone.value_and_gradient(y, P, weight, mask=mask)
            assert value.shape == np.shape(wanted[0])
            np.testing.assert_allclose(value, wanted[0], rtol=2e-6, atol=1e-7)
            np.testing.assert_allclose(gradient, wanted[1], rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", LOSSES)
def test_the_sum_and_what_it_is_divided_by(name, reduction):
    standalone, loss, y = pair(name, reduction=reduction)
    for weight in (None, 2.0, WEIGHT):
        for mask in (None, MASK):
            found = loss.sum_and_weight(y, P, weight, mask=mask)
            np.testing.assert_allclose(found, standalone.sum_and_weight(y, P, weight, mask=mask), rtol=2e-6)


@pytest.mark.parametrize("weight", [2, 0.5, 0.0, -1])
def test_a_plain_number_as_weight(weight):
    for name in LOSSES:
        for reduction in REDUCTIONS:
            standalone, loss, y = pair(name, reduction=reduction)
            np.testing.assert_allclose(loss(y, P, weight), standalone(y, P, weight), rtol=2e-6)


def test_a_row_of_weight_zero_counts_for_nothing_even_if_it_is_not_finite():
    _, loss, y = pair("numbers")
    p = np.where(np.arange(6)[:, None] == 1, np.inf, P).astype(np.float32)
    value, gradient = jax.value_and_grad(loss, argnums=1)(y, p, WEIGHT)
    assert np.isfinite(value) and np.isfinite(gradient).all() and not gradient[1].any()
    value, gradient = jax.value_and_grad(loss, argnums=1)(y, p, mask=WEIGHT != 0)
    assert np.isfinite(value) and np.isfinite(gradient).all() and not gradient[1].any()


def test_gradients_reach_the_weights_also_where_they_are_zero():
    for reduction in REDUCTIONS:
        _, loss, y = pair("numbers", reduction=reduction)
        each = np.asarray(loss.losses(y, P))
        gradient = jax.grad(lambda weight, loss=loss, y=y: jnp.sum(loss(y, P, weight)))(WEIGHT)
        wanted = {"sum_over_batch_size": each / 6, "mean_with_sample_weight": None}.get(reduction, each)
        if wanted is None:
            total = WEIGHT.sum()
            wanted = each / total - np.vdot(WEIGHT, each) / total**2
        np.testing.assert_allclose(gradient, wanted, rtol=1e-4, atol=1e-6)


def test_terms_of_different_scopes_add_up():
    standalone = lg.compile(SQUARES_AND_DICE)
    cls = door.compile(standalone)
    assert door.compile(standalone) is cls
    rng = np.random.default_rng(2)
    y, p, weight = rng.random((6, 4), np.float32), rng.random((6, 4), np.float32), np.abs(WEIGHT)
    for reduction in REDUCTIONS:
        right, loss = standalone(reduction=reduction), cls(reduction=reduction)
        for its_weight in (None, weight):
            wanted = right.value_and_gradient(y, p, its_weight)
            np.testing.assert_allclose(loss(y, p, its_weight), wanted[0], rtol=1e-6)
            gradient = jax.grad(lambda p, loss=loss, w=its_weight: jnp.sum(loss(y, p, w)))(p)
            np.testing.assert_allclose(gradient, wanted[1], rtol=1e-5, atol=1e-7)
    vector = np.sin(np.arange(24, dtype=np.float32)).reshape(6, 4)
    found = jax.grad(lambda p: jnp.vdot(jax.grad(cls(), 1)(y, p, weight), vector))(p)
    wanted = standalone().hessian_vector_product(y, p, vector, weight)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_halves_are_computed_in_float32_and_given_back(dtype):
    loss, y = door.MeanSquaredError(), jnp.asarray([[0.0, 1.0], [2.0, 3.0]], dtype)
    p = jnp.asarray([[200.0, 1.5], [2.0, 2.0]], dtype)  # 200² is more than float16 holds
    value, gradient = jax.value_and_grad(loss, argnums=1)(y, p)
    wanted = losses.MeanSquaredError()(np.asarray(y, np.float32), np.asarray(p, np.float32))
    assert value.dtype == gradient.dtype == jnp.dtype(dtype)
    assert value == jnp.asarray(wanted, dtype)
    assert gradient[0, 0] == 100


def test_double_precision_where_jax_has_it():
    y, p = RNG.standard_normal((2, 5, 3))
    with jax.enable_x64(True):
        for given in (p, np.arange(15).reshape(5, 3)):
            for loss in (door.LogCosh(), door.LogCosh(dtype="float64")):
                found = loss(y, given)
                assert found.dtype == np.float64 and found == losses.LogCosh()(y, given)
        mixed = door.LogCosh()(y, p.astype(np.float32))
        assert mixed == losses.LogCosh()(y, p.astype(np.float32))


def test_integer_predictions_and_targets():
    integers = np.arange(6).reshape(3, 2)
    found = door.MeanSquaredError()(integers, np.ones((3, 2), int))
    assert found.dtype == np.float32 and found == np.mean((integers - 1.0) ** 2)
    assert door.BinaryCrossentropy(from_logits=True)(integers > 2, P[:3, :2]).dtype == np.float32
