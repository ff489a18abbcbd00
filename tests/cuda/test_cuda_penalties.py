"""Penalties of device arrays: what the host computes, to rounding."""

import numpy as np
import pytest
from device_arrays import device, host
from test_calls import agree

from lossgen import penalties
from lossgen.errors import DeviceError, ShapeError

MAKE = {
    "l1": penalties.L1,
    "l1_l2": penalties.L1L2,
    "kl_sparsity": penalties.KLSparsity,
    "total_variation": penalties.TotalVariation,
    "along one axis": lambda **own: penalties.TotalVariation(axes=0, **own),
    "along three": lambda **own: penalties.TotalVariation(axes=(0, -1, 1), **own),
}


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 1, 3), (0, 3, 2), (2, 3, 4, 3)])
@pytest.mark.parametrize("dtype", [None, "float32"])
@pytest.mark.parametrize("given", [np.float16, np.float32, np.float64, np.int16])
@pytest.mark.parametrize("name", MAKE)
def test_every_method(name, given, dtype, shape):
    penalty = MAKE[name](dtype=dtype)
    random = np.random.default_rng(4)
    x, vector = random.uniform(0.1, 0.9, shape), random.normal(size=shape)
    x, vector = (4 * x if given == np.int16 else x).astype(given), vector.astype(np.float32)
    size = penalty(x).dtype.itemsize
    rounding = {2: 3e-3, 4: 1e-6, 8: 1e-12}[size]
    agree(penalty(device(x)), penalty(x), rounding)
    agree(penalty.value_and_gradient(device(x)), penalty.value_and_gradient(x), rounding)
    agree(penalty.gradient(device(x)), penalty.gradient(x), rounding)
    product = penalty.hessian_vector_product(x, vector)
    agree(penalty.hessian_vector_product(device(x), device(vector)), product, rounding)


@pytest.mark.parametrize("reduction", ["sum", "mean", "none"])
def test_rows(reduction):
    x = np.random.default_rng(4).uniform(0.1, 0.9, (3, 4, 5))
    penalty = penalties.Entropy(reduction=reduction)
    agree(penalty.value_and_gradient(device(x)), penalty.value_and_gradient(x))


def test_errors_speak_of_x():
    x = np.ones((2, 3))
    with pytest.raises(ShapeError, match=r"in `x`\. Received: x of shape"):
        penalties.TotalVariation()(device(x))
    with pytest.raises(ShapeError, match=r"shape of `x`\. Received: vector of shape"):
        penalties.L2().hessian_vector_product(device(x), device(x[0]))
    with pytest.raises(DeviceError, match=r"x on device 0 .*, vector on the host \(numpy.ndarray\)"):
        penalties.L2().hessian_vector_product(device(x), x)
    with pytest.raises(DeviceError, match="x on the host"):
        penalties.L2().hessian_vector_product(x, device(x))


def test_a_penalty_on_the_device_is_one_of_no_dimensions():
    found = penalties.l2(device(np.ones((2, 3))))
    assert found.shape == () and host(found) == penalties.l2(np.ones((2, 3)))
