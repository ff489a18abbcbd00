"""Declared losses on device arrays: whatever can be written gets what the catalogue gets."""


import numpy as np
import pytest
from fuzz.example import ordinary_inputs
from fuzz.strategies import declared_examples
from on_device import device_array, host_array
from private_cache import private_cache

import lossgen as lg
from lossgen.catalog import DECLARATIONS

ROWS = 3


@pytest.fixture(scope="module", autouse=True)
def compiled_losses(tmp_path_factory):
    with private_cache(tmp_path_factory.mktemp("cache")):
        yield


def outputs(loss, y, p, vector):
    """All numbers that a loss computes."""
    value, gradient = loss.value_and_gradient(y, p)
    again, hessian = loss.gradient_and_hessian(y, p)
    product = loss.hessian_vector_product(y, p, vector)
    return {"value": value, "gradient": gradient, "again": again, "hessian": hessian, "product": product}


def compare(cls, arguments, y, p):
    vector = np.cos(np.arange(p.size)).reshape(p.shape)
    for reduction in ("none", "sum_over_batch_size"):
        loss = cls(reduction=reduction, **arguments)
        on_device = outputs(loss, *map(device_array, (y, p, vector)))
        with np.errstate(all="ignore"):
            wanted = outputs(loss, y, p, vector)
        for name, found in on_device.items():
            right = np.asarray(wanted[name])
            scale = np.abs(right).max(initial=0, where=np.isfinite(right))
            np.testing.assert_allclose(
                host_array(found), right, rtol=1e-12, atol=1e-13 * scale, err_msg=f"{cls.__name__} {name}"
            )


@pytest.mark.parametrize("seed", range(12))
def test_random_declarations(seed):
    case = declared_examples(60)[5 * seed].case
    declaration, cls, arguments = case.declaration, lg.compile(case.declaration), case.arguments
    for options in declaration.variants():
        y, p = ordinary_inputs(declaration, options, seed, ROWS)
        compare(cls, {**options, **arguments}, y, p)


def test_a_sum_of_losses_over_different_scopes():
    named = {each.name: each for each in DECLARATIONS}
    both = lg.compile((0.5 * named["mean_squared_error"] + 0.5 * named["dice"]).renamed("cuda_both"))
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 2, (4, 3)).astype(float), rng.uniform(0.1, 0.9, (4, 3))
    compare(both, {}, y, p)


def test_parameters_that_are_called_like_something_in_the_kernels():
    @lg.loss
    def cuda_names(y_true, y_pred, *, width=1.0, team=2.0, teams=3.0, cuda=4.0, phase=5.0, wide=6.0):
        error = y_pred - y_true
        return lg.Mean(width * error**2 + team * error + teams * error**3 + cuda * error**4) * phase + wide

    cls = lg.compile(cuda_names)
    compare(cls, {}, np.zeros((2, 3)), np.linspace(-1, 1, 6).reshape(2, 3))

    @lg.loss
    def cuda_row_names(y_true, y_pred, *, partials=1.0, begin=2.0, row_of=3.0, teams=4.0, is_used=5.0):
        share = lg.Softmax(partials * y_pred) * row_of
        return lg.Sum(share * (y_pred - begin * y_true) ** 2) * teams + is_used

    cls = lg.compile(cuda_row_names)
    compare(cls, {}, np.zeros((2, 3)), np.linspace(-1, 1, 6).reshape(2, 3))
