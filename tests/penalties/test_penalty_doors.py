"""Penalties of torch, JAX and TensorFlow: value, gradient, second derivative as standalone; compiled, too."""

import subprocess
import sys

import numpy as np
import pytest
from requiring import require

import lossgen as lg
from lossgen.catalog import PENALTIES
from lossgen.penalties import L1, L1L2, L2, Entropy, KLSparsity, TotalVariation

random = np.random.default_rng(6)
shares = random.dirichlet(np.ones(4), (3, 5)).astype(np.float32)


@lg.penalty(preparation="differences")
def roughness(x, *, weight=1.0):
    """One's own: fourth powers of differences."""
    return weight * lg.Sum(x**4)


def penalties():
    return (
        L1(0.5), L2(0.25), L1L2(0.5, 0.25), Entropy(0.5), Entropy(0.5, from_logits=True, reduction="sum"),
        KLSparsity(weight=0.5), KLSparsity(axis=(0, 1), reduction="mean"), TotalVariation(0.5),
        lg.compile(roughness)(3.0, axes=(0, -1)),
    )  # fmt: skip


def of_torch(penalty, vector):
    torch = require("torch")
    from lossgen.torch.penalties import function

    x = torch.tensor(shares, requires_grad=True)
    value = function(penalty)(x)
    (gradient,) = torch.autograd.grad(value, x, create_graph=True)
    (product,) = torch.autograd.grad((gradient * torch.tensor(vector)).sum(), x)
    return value.detach(), gradient.detach(), product


def of_jax(penalty, vector):
    jax = require("jax")
    from lossgen.jax.penalties import function

    f = function(penalty)
    value, gradient = jax.jit(jax.value_and_grad(f))(shares)
    return value, gradient, jax.grad(lambda x: jax.numpy.vdot(jax.grad(f)(x), vector))(shares)


def of_tensorflow(penalty, vector):
    tf = require("tensorflow")
    from lossgen.tensorflow.penalties import function

    x, f = tf.constant(shares), function(penalty)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            value = f(x)
        gradient = inner.gradient(value, x)
        along = tf.reduce_sum(gradient * vector)
    product = outer.gradient(along, x)
    assert np.isclose(tf.function(f)(x), value)
    return value, gradient, tf.zeros_like(x) if product is None else product


@pytest.mark.parametrize("framework", [of_torch, of_jax, of_tensorflow], ids=lambda each: each.__name__)
def test_as_standalone(framework):
    vector = random.normal(size=shares.shape).astype(np.float32)
    for penalty in penalties():
        value, gradient, product = (np.asarray(each) for each in framework(penalty, vector))
        expected = penalty.value_and_gradient(shares)
        second = penalty.hessian_vector_product(shares, vector)
        for found, right in ((value, expected[0]), (gradient, expected[1]), (product, second)):
            assert found.dtype == np.float32 and found.shape == right.shape, penalty
            np.testing.assert_allclose(
                found, right, rtol=1e-5, atol=2e-6 * np.abs(right).max(), err_msg=repr(penalty)
            )


@pytest.mark.parametrize("framework", ["torch", "jax", "tensorflow"])
def test_functions_by_name(framework):
    require(framework)
    module = __import__(f"lossgen.{framework}.penalties", fromlist=["l1"])
    assert set(module.__all__) == {"function", *(each.name for each in PENALTIES)}
    assert np.isclose(module.l1(shares, 0.5), L1(0.5)(shares))
    assert np.isclose(module.entropy(shares, weight=2.0, axis=0), Entropy(2.0, axis=0)(shares))
    unreduced = KLSparsity(reduction="none")
    assert np.allclose(module.function(unreduced)(shares), unreduced(shares))
    with pytest.raises(AttributeError, match="has no attribute 'l3'"):
        module.l3  # noqa: B018


@pytest.mark.parametrize("framework", ["torch", "jax", "tensorflow"])
def test_the_door_has_them(framework):
    require(framework)
    program = (
        f"import lossgen.{framework} as door\n"
        "assert 'penalties' in door.__all__ and 'penalties' in dir(door) and 'penalties' not in vars(door)\n"
        "print(door.penalties.__name__, door.penalties.l1.__name__)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout == f"lossgen.{framework}.penalties l1\n", run.stderr


def test_torch_compile():
    torch = require("torch")
    from lossgen.torch.penalties import l2, total_variation

    def penalised(x):
        return l2(x) + total_variation(x, 0.5)

    x = torch.tensor(shares, requires_grad=True)
    value = torch.compile(penalised, backend="aot_eager")(x)
    value.backward()
    assert torch.isclose(value, penalised(x.detach()))
    right = L2().gradient(shares) + TotalVariation(0.5).gradient(shares)
    np.testing.assert_allclose(x.grad, right, rtol=1e-5, atol=1e-6)


def test_a_list_among_the_arguments():
    torch = require("torch")
    from lossgen.torch.penalties import total_variation

    value = total_variation(torch.tensor(shares), axes=[0, 1])
    assert value.item() == pytest.approx(TotalVariation(axes=(0, 1))(shares), rel=1e-6)


def test_a_transposed_result_becomes_a_tensor_of_tensorflow():
    require("tensorflow")
    from lossgen.tensorflow.host import tensor_of

    for _ in range(40):  # about every other array lies where no copy is needed
        array = random.normal(size=(64, 32)).T
        np.testing.assert_array_equal(tensor_of(array), array)
