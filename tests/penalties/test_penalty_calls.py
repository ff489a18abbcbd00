"""Penalties as they are called: shapes, dtypes, derivatives, bad input, configurations, differences."""

import copy
import inspect
import pickle
import re

import numpy as np
import pytest

import lossgen as lg
from lossgen import penalties
from lossgen.errors import DtypeError, ParameterError, ShapeError, UnknownLossError
from lossgen.penalties import L1, L1L2, L2, Entropy, KLSparsity, TotalVariation
from lossgen.runtime.inputs import adjoint_of_differences, differences

random = np.random.default_rng(5)
image = random.normal(size=(2, 6, 5, 3))
shares = random.dirichlet(np.ones(4), (3, 7))
INSTANCES = [
    (L1(0.5), image), (L2(0.25), image), (L1L2(l1=0.5, l2=0.25), image),
    (Entropy(-0.5), shares), (Entropy(0.5, axis=0, reduction="sum"), shares),
    (Entropy(0.5, from_logits=True), image), (Entropy(0.5, from_logits=True, reduction="none"), image),
    (KLSparsity(0.2, 0.5), shares), (KLSparsity(0.2, axis=(0, 1), reduction="mean"), shares),
    (TotalVariation(0.5), image), (TotalVariation(0.5, axes=(0, -1)), image),
    (TotalVariation(axes=1), shares),
]  # fmt: skip


@pytest.mark.parametrize(("penalty", "x"), INSTANCES, ids=repr)
def test_derivatives_are_those_of_the_value(penalty, x):
    value, gradient = penalty.value_and_gradient(x)
    np.testing.assert_allclose(value, penalty(x), rtol=1e-14)
    np.testing.assert_array_equal(gradient, penalty.gradient(x))
    direction, step = random.normal(size=x.shape), 1e-6
    direction *= np.abs(x) > 1e-4
    up, down = (np.sum(penalty(x + sign * step * direction)) for sign in (1, -1))
    np.testing.assert_allclose(np.vdot(gradient, direction), (up - down) / (2 * step), rtol=1e-6, atol=1e-8)
    up, down = (penalty.gradient(x + sign * step * direction) for sign in (1, -1))
    product = penalty.hessian_vector_product(x, direction)
    np.testing.assert_allclose(product, (up - down) / (2 * step), rtol=1e-5, atol=1e-6)


def test_values_are_those_of_numpy():
    np.testing.assert_allclose(L1(0.5)(image), 0.5 * np.abs(image).sum())
    np.testing.assert_allclose(L2(0.25)(image), 0.25 * (image**2).sum())
    np.testing.assert_allclose(Entropy(0.5)(shares), -0.5 * (shares * np.log(shares)).sum(-1).mean())
    mean, rho = shares.mean(axis=0), 0.05
    divergence = rho * np.log(rho / mean) + (1 - rho) * np.log((1 - rho) / (1 - mean))
    np.testing.assert_allclose(KLSparsity(weight=1.0)(shares), divergence.sum())
    np.testing.assert_allclose(KLSparsity(weight=1.0, reduction="none")(shares), divergence)
    total = np.abs(np.diff(image, axis=1)).sum() + np.abs(np.diff(image, axis=2)).sum()
    np.testing.assert_allclose(TotalVariation(1.0)(image), total)


def test_keras_has_the_same_regularizers():
    from requiring import require

    keras = require("keras")
    x = image.astype(np.float32)
    for ours, theirs in (
        (L1(0.3), keras.regularizers.L1(0.3)),
        (L2(0.3), keras.regularizers.L2(0.3)),
        (L1L2(0.3, 0.2), keras.regularizers.L1L2(0.3, 0.2)),
    ):
        np.testing.assert_allclose(ours(x), float(theirs(keras.ops.convert_to_tensor(x))), rtol=1e-6)
        assert theirs.get_config().items() <= {**ours.get_config(), **theirs.get_config()}.items()
        mine = [name for name in inspect.signature(type(ours)).parameters if name not in ("name", "dtype")]
        assert mine == list(inspect.signature(type(theirs).__init__).parameters)[1:]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32"])
def test_results_have_the_dtype_of_the_input(dtype):
    x = (4 * shares).astype(dtype)
    expected = np.float64 if dtype == "int32" else dtype
    for penalty in (L1(), Entropy(), KLSparsity(), TotalVariation(axes=0)):
        value, gradient = penalty.value_and_gradient(x)
        assert value.dtype == gradient.dtype == penalty(x).dtype == expected
        assert penalty.hessian_vector_product(x, x).dtype == expected
    assert L2(dtype="float64")(x).dtype == np.float64


def test_any_memory_and_any_shape():
    for x in (image[:, ::-1], image.T, np.asfortranarray(image), image.astype(">f8")):
        np.testing.assert_allclose(L2().gradient(x), 0.02 * x)
    assert L2(1.0)(3.0) == 9 and L2(1.0).gradient(3.0) == 6 and L1(1.0)([[-2.0]]) == 2
    for penalty in (L1(), L2(), Entropy(), KLSparsity(), TotalVariation(axes=0)):
        value, gradient = penalty.value_and_gradient(np.zeros((0, 3)))
        assert value == 0 and gradient.shape == (0, 3)
    assert TotalVariation(axes=0)(np.ones((1, 4))) == 0


def test_zeros_extremes_and_nan():
    zeros = np.zeros((3, 4), np.float32)
    for penalty in (L1(), L2(), L1L2(1, 1), Entropy(), Entropy(from_logits=True), KLSparsity()):
        value, gradient = penalty.value_and_gradient(zeros)
        assert np.isfinite(value) and np.isfinite(gradient).all()
        broken = zeros.copy()
        broken[1, 2] = np.nan
        assert np.isnan(penalty(broken))
    assert not L1().gradient(zeros).any() and not TotalVariation(axes=0).gradient(zeros).any()
    large = np.full(1, 3e38, np.float32)
    assert L1(0.5)(large) == large / 2 and L2(0.0)(large) == 0 and L1L2(l1=0.5)(large) == large / 2
    assert L2(1e-40)(np.full(1, 1e30, np.float32)) == pytest.approx(1e20, rel=1e-6)
    spread = np.array([3e38, -3e38, 0], np.float32)
    assert Entropy(from_logits=True)(spread) == 0 and not Entropy(from_logits=True).gradient(spread).any()
    assert np.isfinite(KLSparsity().gradient(np.array([[0.0, 1.0]]))).all()


@pytest.mark.parametrize("axes", [(0,), (1,), (-1, 0), (0, 1, 2)])
def test_the_adjoint_of_differences(axes):
    x = random.normal(size=(4, 3, 5))
    line = random.normal(size=differences(x, axes).shape)
    np.testing.assert_allclose(
        np.vdot(differences(x, axes), line), np.vdot(x, adjoint_of_differences(line, x.shape, axes))
    )


def test_a_penalty_of_differences_of_ones_own():
    @lg.penalty(preparation="differences")
    def roughness(x, *, weight=lg.Parameter(1.0, minimum=0)):
        """Squares of the differences of neighbours."""
        return weight * lg.Sum(x**2)

    penalty = lg.compile(roughness)(2.0, axes=0)
    x = np.array([1.0, 4.0, 2.0])
    value, gradient = penalty.value_and_gradient(x)
    assert value == 2 * (9 + 4)
    np.testing.assert_allclose(gradient, [-12, 20, -8])
    np.testing.assert_allclose(penalty.hessian_vector_product(x, [1.0, 0, 0]), [4, -4, 0])
    assert pickle.loads(pickle.dumps(penalty))(x) == value


def test_bad_input():
    with pytest.raises(DtypeError, match="`x` must hold real numbers of at most 64 bits"):
        L1()(np.array(["a"]))
    with pytest.raises(DtypeError, match="`x` must not be a masked array"):
        L1()(np.ma.masked_array([1.0]))
    with pytest.raises(ShapeError, match=r"`axis` -1 does not exist in `x`. Received: x of"):
        Entropy()(0.5)
    with pytest.raises(ShapeError, match=re.escape("`axes` (-3, -2) do not all exist in `x`")):
        TotalVariation()(shares[0])
    with pytest.raises(ShapeError, match="name one axis of `x` twice"):
        TotalVariation(axes=(0, -2))(shares[0])
    with pytest.raises(ShapeError, match="`vector` must have the shape of `x`"):
        L2().hessian_vector_product(shares, shares[0])
    for axes in ((0, 0), "ab", 1.5, ()):
        with pytest.raises(ParameterError, match="`axes` must be an integer or several different ones"):
            TotalVariation(axes=axes)
    with pytest.raises(ParameterError, match="`rho` must be a finite number > 0 and < 1"):
        KLSparsity(rho=1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'reduction'"):
        L1(reduction="sum")
    with pytest.raises(AttributeError, match=r"make another loss|make another"):
        L1().l1 = 3


@pytest.mark.parametrize(("penalty", "x"), INSTANCES, ids=repr)
def test_copies_and_configurations(penalty, x):
    for other in (
        copy.deepcopy(penalty),
        pickle.loads(pickle.dumps(penalty)),
        type(penalty).from_config(penalty.get_config()),
        penalties.deserialize(penalties.serialize(penalty)),
        eval(repr(penalty), vars(penalties) | {type(penalty).__name__: type(penalty)}),
    ):
        assert other.get_config() == penalty.get_config()
        np.testing.assert_array_equal(other(x), penalty(x))


def test_names_and_functions():
    assert set(penalties._registry.classes) == {
        "L1", "L2", "L1L2", "Entropy", "KLSparsity", "TotalVariation",
    }  # fmt: skip
    assert penalties.l1 is penalties.get("l1") and isinstance(penalties.get("L1L2"), L1L2)
    assert penalties.l1(image) == L1()(image) and penalties.l1_l2(image, 0.5, l2=2.0) == L1L2(0.5, 2.0)(image)
    assert str(inspect.signature(penalties.kl_sparsity)) == "(x, rho=0.05, weight=0.01, axis=0)"
    assert penalties.serialize(L1(0.5))["registered_name"] == "lossgen>L1"
    with pytest.raises(UnknownLossError, match=r"penalty identifier: 'entropi'\. Did you mean 'entropy'"):
        penalties.get("entropi")
    with pytest.raises(UnknownLossError, match="Could not interpret loss identifier: 'l1'"):
        lg.get("l1")
