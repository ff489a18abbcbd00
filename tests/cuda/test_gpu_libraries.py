"""Tensors of PyTorch and arrays of CuPy on a GPU; only with LOSSGEN_TEST_GPU=1."""

import numpy as np
import pytest

from lossgen import losses
from lossgen.runtime.cuda.toolchain import SIMULATED

if SIMULATED:
    pytest.skip("LOSSGEN_TEST_GPU=1 is not set", allow_module_level=True)

Y, P = np.random.default_rng(8).normal(size=(2, 1000, 33)).astype(np.float32)


@pytest.mark.parametrize("make", [losses.Huber, losses.CosineSimilarity, losses.Hinge])
def test_torch(make):
    torch = pytest.importorskip("torch")
    y, p = (torch.from_numpy(each).cuda() for each in (Y, P))
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        value, gradient = make().value_and_gradient(y + 0, p + 0)
        twice = 2 * gradient
    stream.synchronize()
    assert value.is_cuda and value.shape == () and gradient.dtype == p.dtype
    expected = make().value_and_gradient(Y, P)
    np.testing.assert_allclose(value.cpu(), expected[0], rtol=1e-5)
    np.testing.assert_allclose(twice.cpu(), 2 * expected[1], rtol=1e-4, atol=1e-9)
    half = make().gradient(y.bfloat16(), p.bfloat16())
    assert half.dtype == torch.bfloat16


@pytest.mark.parametrize("make", [losses.Huber, losses.CosineSimilarity, losses.Hinge])
def test_cupy(make):
    cupy = pytest.importorskip("cupy")
    with cupy.cuda.Stream(non_blocking=True) as stream:
        y, p = cupy.asarray(Y), cupy.asarray(P)
        value, gradient = make().value_and_gradient(y, p, cupy.ones(1000, np.float32)[::-1])
        stream.synchronize()
    expected = make().value_and_gradient(Y, P)
    assert type(value) is type(gradient) is cupy.ndarray and value.shape == ()
    np.testing.assert_allclose(cupy.asnumpy(value), expected[0], rtol=1e-5)
    np.testing.assert_allclose(cupy.asnumpy(gradient), expected[1], rtol=1e-4, atol=1e-9)
