"""What is wrong with the arguments of a call: the errors of the host, and those of where arrays lie."""

import sys

import numpy as np
import pytest
from device_arrays import KINDS, Ndarray, Plain, Tensor, as_it_lies, cupy_module, device, host, torch_module

from lossgen import losses
from lossgen.errors import (
    CompileError,
    CopyWarning,
    DeviceError,
    DtypeError,
    LabelError,
    NoGradientError,
    ShapeError,
    WeightError,
)
from lossgen.runtime.cuda.toolchain import SIMULATED
from lossgen.runtime.labels import NO_LABEL
from lossgen.runtime.loss import Loss
from lossgen.runtime.variant import Variant

pytestmark = pytest.mark.skipif(not SIMULATED, reason="the likenesses are for the simulator")

random = np.random.default_rng(7)
Y, P = random.normal(size=(2, 4, 3))
SPARSE = losses.SparseCategoricalCrossentropy(from_logits=True)


def same_error(method, *arguments, **keywords):
    """Device arrays give the error of the host, word for word."""
    with pytest.raises(ValueError) as expected:
        method(*arguments, **keywords)
    with pytest.raises(type(expected.value)) as found:
        method(*map(device, arguments), **{name: device(one) for name, one in keywords.items()})
    assert type(found.value) is type(expected.value) and str(found.value) == str(expected.value)
    return expected.value


@pytest.mark.parametrize(
    ("loss", "arguments", "kind"),
    [
        (losses.Huber(), (Y[:, :2], P), ShapeError),
        (losses.Huber(axis=2), (Y, P), ShapeError),
        (losses.Huber(axis=(0, -2)), (Y, P), ShapeError),
        (losses.Huber(), (Y, P, np.ones(3)), WeightError),
        (losses.Huber(), (Y, P, np.ones((4, 2))), WeightError),
        (losses.Dice(), (Y, P, np.ones(4)), WeightError),
        (losses.Huber(), (Y.astype(complex), P), DtypeError),
        (losses.Huber(), (Y, P.astype(complex)), DtypeError),
        (losses.CategoricalFocalCrossentropy(alpha=(0.5, 0.5)), (Y, P), ShapeError),
        (SPARSE, (np.zeros((4, 3), int), P), ShapeError),
        (SPARSE, (np.zeros(3, int), P), ShapeError),
    ],
    ids=str,
)
def test_shapes_and_types(loss, arguments, kind):
    for method in (loss, loss.value_and_gradient, loss.gradient_and_hessian, loss.sum_and_weight):
        if kind is not DtypeError:
            assert type(same_error(method, *arguments)) is kind
        else:
            with pytest.raises(DtypeError, match="must hold real numbers"):
                method(*map(device, arguments))


def test_masks():
    assert "mask" in str(same_error(losses.Huber(), Y, P, mask=np.ones(5)))
    nan = np.array([1.0, np.nan, 0, 1])
    assert "NaN" in str(same_error(losses.Huber(), Y, P, mask=nan))
    for method in (losses.Huber().value_and_gradient, SPARSE.sum_and_weight):
        y = Y if method.__self__ is not SPARSE else np.zeros(4, int)
        assert type(same_error(method, y, P, np.ones(4), mask=nan)) is WeightError
    with pytest.raises(WeightError, match="NaN"):
        losses.Huber()(device(Y), device(P), mask=float("nan"))


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.uint64, np.float16, np.float64])
@pytest.mark.parametrize("ignore_class", [None, 1])
def test_labels(dtype, ignore_class):
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=ignore_class)
    mask = np.array([True, False, True, True])
    right = np.array([2, 1, 0, 1])
    for wrong in (3, -1, 0.5, np.nan, np.inf, 2.0**63):
        labels = right.astype(np.float64)
        labels[2] = wrong
        with np.errstate(all="ignore"):
            labels = labels.astype(dtype)
        if float(labels[2]) in (0, 1, NO_LABEL):
            continue
        for method in (loss, loss.call, loss.gradient_and_hessian):
            error = same_error(method, labels, P)
            assert type(error) is LabelError and "(2,)" in str(error)
        same_error(loss, labels, P, mask=mask)
        hidden = loss(device(labels), device(P), mask=device(right > 0))  # the wrong one is not looked at
        np.testing.assert_allclose(host(hidden), loss(right, P, mask=right > 0), rtol=1e-12)


def test_labels_in_two_dimensions():
    p = random.normal(size=(2, 4, 3))
    labels = np.zeros((2, 4, 1), int)
    labels[1, 2] = 7
    assert "(1, 2)" in str(same_error(SPARSE, labels, p))


def test_vectors():
    for vector in (Y[:, :2], Y.reshape(-1), Y[0]):
        error = same_error(losses.Huber().hessian_vector_product, Y, P, vector)
        assert "vector" in str(error)


# Where arrays lie ---------------------------------------------------------------------------------


def refused(method, *arguments, **keywords):
    with pytest.raises(DeviceError) as error:
        method(*arguments, **keywords)
    return str(error.value)


def test_host_and_device():
    loss = losses.Huber()
    text = refused(loss, Y, device(P))
    assert "y_true on the host (numpy.ndarray), y_pred on device 0" in text
    assert "y_pred on the host (numpy.ndarray)" in refused(loss, device(Y), P)
    assert "y_pred on the host (list)" in refused(loss.value_and_gradient, device(Y), P.tolist())
    assert "sample_weight on the host" in refused(loss, device(Y), device(P), np.ones(4))
    assert "mask on the host" in refused(loss, device(Y), device(P), mask=[True] * 4)
    assert "mask on device 0" in refused(loss, Y, P, mask=device(np.ones(4)))
    assert "vector on the host" in refused(loss.hessian_vector_product, device(Y), device(P), Y)
    assert "out on the host" in refused(loss.gradient, device(Y), device(P), out=np.empty_like(P))
    assert "out on device 0" in refused(loss.gradient, Y, P, out=device(P))
    text = refused(loss.gradient_and_hessian, Y, P, out=(device(P), device(P)))
    assert "out[1] on device 0" in text
    text = refused(loss.gradient_and_hessian, device(Y), device(P), out=(device(P), P))
    assert "out[0] on device 0" in text and "out[1] on the host" in text
    text = refused(losses.SparseCategoricalCrossentropy(), np.zeros(4, int), device(P))
    assert "y_true on the host" in text
    assert issubclass(DeviceError, ValueError)


def test_tensors_of_the_host(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", torch_module())
    there, here = Tensor(P), Tensor(Y, on_device=False)
    assert "y_true on the host (torch.Tensor), y_pred on device 0" in refused(losses.Huber(), here, there)


@pytest.mark.parametrize("kind", [Plain, Tensor, Ndarray])
def test_two_devices(kind):
    text = refused(losses.Huber(), Ndarray(Y, 1), Ndarray(P, 0))
    assert "y_true on device 1 (cupy.Ndarray), y_pred on device 0 (cupy.Ndarray)" in text
    text = refused(losses.Huber(), kind(Y), Ndarray(P), Tensor(np.ones(4), 3))
    assert "sample_weight on device 3 (torch.Tensor)" in text


@pytest.mark.parametrize("number", [2, 0.5, True, np.float32(2), np.array(3.0), np.int64(0), False])
def test_numbers_beside_device_arrays(number):
    loss = losses.Huber()
    np.testing.assert_allclose(host(loss(device(Y), device(P), number)), loss(Y, P, number), rtol=1e-12)
    np.testing.assert_allclose(
        host(loss(device(Y), device(P), mask=number)), loss(Y, P, mask=number), rtol=1e-12
    )


# What the host has, too -----------------------------------------------------------------------------


def test_losses_written_by_hand():
    class ByHand(Loss):
        def call(self, y_true, y_pred):
            return np.abs(y_true - y_pred).sum(-1)

    class Overridden(losses.Huber):
        def call(self, y_true, y_pred):
            return np.abs(y_true - y_pred).sum(-1)

    for loss in (ByHand(), Overridden()):
        assert "is written as code, which runs on the host" in refused(loss, device(Y), device(P))
        refused(loss.sum_and_weight, device(Y), device(P))
        with pytest.raises(NoGradientError):
            loss.gradient(device(Y), device(P))


def test_losses_without_cuda_kernels():
    class Own(Loss):
        variants = {(): Variant(losses.Huber()._plan.variant.terms)}  # noqa: RUF012
        parameters = losses.Huber.parameters
        arguments = ("delta", "reduction", "name", "dtype", "axis")

    assert Own()(Y, P) == losses.Huber()(Y, P)
    with pytest.raises(CompileError, match=r"no _cuda_test_arguments.py beside it.*lossgen build"):
        Own()(device(Y), device(P))


def test_masked_arrays():
    class Masked(Plain):
        @property
        def __cuda_array_interface__(self):
            return {**super().__cuda_array_interface__, "mask": self}

    with pytest.raises(DtypeError, match="`y_true` must not be a masked array"):
        losses.Huber()(Masked(Y), Plain(P))


def test_a_bad_out():
    loss = losses.Huber()
    for method in (loss.value_and_gradient, loss.gradient):
        for out in (np.empty(4), np.empty((4, 3), np.float32), np.empty((3, 4))):
            same_error(method, Y, P, out=out)
    for out in ((P.copy(),), [P.copy()] * 3):
        with pytest.raises(ShapeError, match="must be a tuple of 2 arrays"):
            loss.gradient_and_hessian(device(Y), device(P), out=tuple(map(device, out)))
    with pytest.raises(ShapeError, match=r"must be a tuple of 2 arrays\. Received: "):
        loss.gradient_and_hessian(device(Y), device(P), out=device(P))
    one = device(P)
    with pytest.raises(ShapeError, match="share no memory"):
        loss.gradient_and_hessian(device(Y), device(P), out=(one, one))
    with pytest.raises(ShapeError, match="Received: read-only float64 array"):
        loss.gradient(Plain(Y), Plain(P), out=Plain(P.copy(), locked=True))


@pytest.mark.parametrize("kind", ["numba", "torch", "cupy", "unknown"])
def test_a_warning_where_several_are_copied(kind, monkeypatch, recwarn):
    monkeypatch.setitem(sys.modules, "torch", torch_module())
    monkeypatch.setitem(sys.modules, "cupy", cupy_module())
    make = as_it_lies if kind == "numba" else KINDS[kind]
    y, p = np.asfortranarray(Y), np.asfortranarray(P)
    expected = losses.Huber()(Y, P)
    with pytest.warns(CopyWarning, match="`y_true` and `y_pred` are copied") as caught:
        found = losses.Huber()(make(y), make(p))
    assert caught[0].filename == __file__
    remedy = {"torch": "tensor.contiguous()", "cupy": "cupy.ascontiguousarray"}.get(kind, "a contiguous copy")
    assert f"{remedy} makes them so" in str(caught[0].message)
    np.testing.assert_allclose(host(found), expected, rtol=1e-12)
    losses.Huber()(make(Y), make(p))
    losses.Huber()(make(Y), make(P), make(np.ones((4, 2))[:, 0]))
    losses.Huber()(make(Y), make(P), make(np.ones((4, 1))))
    assert len(recwarn) == 0
