"""Arrays of every library: read where they lie, on its current stream, and results that are its own."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from device_arrays import KINDS, Ndarray, Plain, Tensor, as_it_lies, cupy_module, device, host, torch_module
from test_calls import inputs

from lossgen import losses, penalties
from lossgen.runtime.cuda import site
from lossgen.runtime.cuda.toolchain import SIMULATED
from lossgen.runtime.elsewhere import is_on_device

pytestmark = pytest.mark.skipif(not SIMULATED, reason="the likenesses are for the simulator")

random = np.random.default_rng(8)
Y, P, VECTOR = random.normal(size=(3, 6, 3))
WEIGHT = random.uniform(0.5, 2, 6)


@pytest.fixture
def libraries(monkeypatch):
    """Likenesses of torch and CuPy in place of both."""
    torch, cupy = torch_module(), cupy_module()
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    return {"torch": torch, "cupy": cupy}


TYPES = {"numba": type(device(P)), "torch": Tensor, "cupy": Ndarray, "unknown": type(device(P))}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["flat", "rows"])
def test_results_are_the_callers_own(kind, name, libraries):
    make, own = KINDS[kind], TYPES[kind]
    loss = losses.Huber() if name == "flat" else losses.CosineSimilarity()
    arrays = make(Y), make(P)
    value, gradient = loss.value_and_gradient(*arrays, make(WEIGHT))
    assert type(value) is type(gradient) is own and value.shape == () and gradient.shape == P.shape
    expected = loss.value_and_gradient(Y, P, WEIGHT)
    for found, one in zip((value, gradient), expected, strict=True):
        np.testing.assert_allclose(host(found), one, rtol=1e-12, atol=1e-15)
    results = [
        *loss.gradient_and_hessian(*arrays), loss.hessian_vector_product(*arrays, make(VECTOR)),
        loss.call(*arrays), *loss.sum_and_weight(*arrays), loss(*arrays), penalties.l2(arrays[1]),
        type(loss)(reduction="none")(*arrays, make(WEIGHT)),
    ]  # fmt: skip
    assert {type(one) for one in results} == {own}


def test_the_library_of_the_predictions_decides(libraries):
    assert type(losses.Huber()(Tensor(Y), Ndarray(P), Plain(WEIGHT))) is Ndarray
    assert type(losses.Huber()(Plain(Y), Tensor(P), as_it_lies(WEIGHT))) is Tensor


def test_subclasses_of_tensors(libraries):
    class Parameter(Tensor):
        __module__ = "mine"

    assert type(losses.Huber()(Parameter(Y), Parameter(P))) is Tensor


class Launches(list):
    """Launches, and beside them all arguments of each."""


@pytest.fixture
def launches(monkeypatch):
    """The kernels that calls have started, and the addresses that they were given."""
    found, passed = Launches(), []
    found.arguments = passed
    plain = site.Site.launch

    def launch(self, kernel, blocks, threads, *arguments):
        lines = [each.address for each in arguments if isinstance(each, site.DeviceArray)]
        found.append((kernel.__name__, self.handle, lines))
        passed.append(arguments)
        plain(self, kernel, blocks, threads, *arguments)

    monkeypatch.setattr(site.Site, "launch", launch)
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_nothing_is_copied(kind, dtype, libraries, launches):
    make, computed = KINDS[kind], np.float64 if dtype == np.float64 else np.float32
    y, p, vector = (each.astype(dtype) for each in (Y, P, VECTOR))
    weight = WEIGHT.astype(computed)
    mine = {each.ctypes.data for each in (y, p, weight)}
    _, gradient = losses.Huber().value_and_gradient(make(y), make(p), make(weight))
    assert [name for name, *_ in launches] == ["value_and_gradient_flat", "sum_partials"]
    assert mine < set(launches[0][2])
    result = gradient.memory if hasattr(gradient, "memory") else gradient._ary
    assert result.ctypes.data in launches[0][2] and result.dtype == dtype
    out = np.empty_like(p)
    place, product = make(out), losses.CosineSimilarity().hessian_vector_product
    assert product(make(y), make(p), make(vector), out=place) is place
    name, _, addresses = launches[-1]
    assert name == "hessian_vector_product_rows"
    assert {each.ctypes.data for each in (y, p, vector, out)} == set(addresses)


def test_labels_and_channels_are_not_copied_either(launches):
    labels, p = random.integers(0, 3, (2, 4)).astype(np.uint8), random.normal(size=(2, 4, 3))
    losses.SparseCategoricalCrossentropy(from_logits=True)(as_it_lies(labels), as_it_lies(p))
    assert [name for name, *_ in launches] == [
        "count_labels", "join_label_counts", "value_rows", "sum_partials",
    ]  # fmt: skip
    assert {labels.ctypes.data, p.ctypes.data} < set(launches[2][2])
    launches.clear()
    losses.Huber()(as_it_lies(Y), as_it_lies(P), mask=as_it_lies(np.ones(6)))  # hides nothing
    assert [name for name, *_ in launches] == ["count_mask", "join_mask_counts", "value_flat", "sum_partials"]
    launches.clear()
    # Columns along axis 1 that lie last in memory need no transposition.
    moved = losses.CategoricalCrossentropy(from_logits=True, axis=1)
    y = np.eye(3)[labels.astype(int)]
    moved(as_it_lies(y.transpose(0, 2, 1)), as_it_lies(p.transpose(0, 2, 1)))
    assert [name for name, *_ in launches] == ["value_rows", "sum_partials"]
    assert {y.ctypes.data, p.ctypes.data} < set(launches[0][2])


def test_bfloat16(libraries):
    """The upper half of a float32; of the library's own type in and out."""
    def bits(array):
        return (array.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)

    def numbers(memory):
        return (memory.astype(np.uint32) << 16).view(np.float32)

    y, p = (numbers(bits(each)) for each in (Y, P))
    loss = losses.Huber()
    value, gradient = loss.value_and_gradient(Tensor(bits(y), 0, "bfloat16"), Tensor(bits(p), 0, "bfloat16"))
    expected = loss.value_and_gradient(y, p)
    assert value.dtype == gradient.dtype == "torch.bfloat16"
    np.testing.assert_allclose(numbers(value.memory), expected[0], rtol=2**-8)
    np.testing.assert_allclose(numbers(gradient.memory), expected[1], rtol=2**-8)
    mixed = loss.gradient(Tensor(y), Tensor(bits(p), 0, "bfloat16"), Tensor(bits(np.ones(6)), 0, "bfloat16"))
    np.testing.assert_allclose(numbers(mixed.memory), expected[1], rtol=2**-8)
    double = losses.Huber(dtype="float64")(Tensor(bits(y), 0, "bfloat16"), Tensor(bits(p), 0, "bfloat16"))
    np.testing.assert_allclose(double.memory, losses.Huber(dtype="float64")(y, p), rtol=1e-12)
    out = Tensor(np.empty((6, 3), np.uint16), 0, "bfloat16")
    assert loss.gradient(Tensor(y), Tensor(bits(p), 0, "bfloat16"), out=out) is out
    with pytest.raises(ValueError, match=r"dtype bfloat16 of the result\. Received: float32 array"):
        loss.gradient(Tensor(y), Tensor(bits(p), 0, "bfloat16"), out=Tensor(np.empty((6, 3), np.float32)))


# Streams ------------------------------------------------------------------------------------------


@pytest.fixture
def waits(monkeypatch):
    """Which stream was made to wait for which."""
    found = []
    monkeypatch.setattr(site, "stream_of", lambda handle, device: handle)
    monkeypatch.setattr(site, "follow", lambda first, second: found.append((first, second)))
    return found


@pytest.mark.parametrize(("current", "used"), [(0, 1), (1, 1), (2, 2), (77, 77)])
@pytest.mark.parametrize("kind", ["torch", "cupy"])
def test_the_current_stream_of_the_library(kind, current, used, monkeypatch, waits, launches):
    module = torch_module(current) if kind == "torch" else cupy_module(current)
    monkeypatch.setitem(sys.modules, kind, module)
    make = KINDS[kind]
    losses.Huber().value_and_gradient(make(Y), make(P), make(WEIGHT))
    assert {handle for _, handle, _ in launches} == {used} and waits == []


def test_streams_that_the_interface_names_are_waited_for(monkeypatch, waits, launches):
    monkeypatch.setitem(sys.modules, "torch", torch_module(5))
    losses.Huber()(Plain(Y, stream=9), Tensor(P), Plain(WEIGHT, stream=5))
    assert waits[:1] == [(9, 5)] and {handle for _, handle, _ in launches} == {5}
    assert (5, 9) in waits  # memory of the other stream is not given back before it was read
    waits.clear()
    losses.Huber()(Plain(Y), Plain(P, stream=9))  # the default stream may have written the target
    assert waits == [(1, 9), (9, 1)]


def test_libraries_on_two_streams_wait_for_each_other(monkeypatch, waits, launches):
    monkeypatch.setitem(sys.modules, "torch", torch_module(5))
    monkeypatch.setitem(sys.modules, "cupy", cupy_module(6))
    losses.Huber()(Tensor(Y), Ndarray(P))
    assert waits == [(5, 6), (6, 5)] and {handle for _, handle, _ in launches} == {6}


def test_version_2_of_the_interface_names_no_stream(waits, launches):
    losses.Huber()(Plain(Y, version=2), Plain(P, version=2))
    assert waits == [] and {handle for _, handle, _ in launches} == {1}


def test_errors_leave_nothing_behind(monkeypatch, waits):
    with pytest.raises(ValueError, match="y_true"):
        losses.Huber()(Plain(Y[:2], stream=9), Plain(P))
    assert waits == [(9, 1), (1, 9)]


def test_waits_for_the_device_only_where_it_must(monkeypatch):
    read = []
    plain = site.Site.read
    monkeypatch.setattr(site.Site, "read", lambda self, array: read.append(array.size) or plain(self, array))
    weight, mask = device(WEIGHT), device(WEIGHT > 1)
    for reduction in ("sum", "mean", "none"):
        loss = losses.Huber(reduction=reduction)
        loss.value_and_gradient(device(Y), device(P), weight)
        loss.gradient_and_hessian(device(Y), device(P), weight)
        loss.hessian_vector_product(device(Y), device(P), device(VECTOR), weight)
        losses.Hinge(reduction=reduction)(device(Y), device(P), weight)
    assert read == []
    labels = device(np.zeros(6, int))
    sparse = losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight")
    for call in (
        lambda: losses.Huber()(device(Y), device(P), mask=mask),
        lambda: losses.Huber(reduction="mean_with_sample_weight")(device(Y), device(P), weight, mask=mask),
        lambda: sparse(labels, device(P)),
        lambda: sparse.value_and_gradient(labels, device(P), weight, mask=mask),
    ):
        read.clear()
        call()
        assert len(read) == 1 and read[0] <= 8


@pytest.mark.parametrize("fails", [False, True])
def test_the_device_of_the_arrays_is_the_current_one(fails, monkeypatch):
    happened = []

    class Context:
        def __init__(self, number):
            self.number = number

        def __enter__(self):
            happened.append(("enter", self.number))

        def __exit__(self, *reason):
            happened.append(("leave", self.number))

    contexts = SimpleNamespace(gpus=[Context(0), Context(1)], event=site.cuda.event)
    monkeypatch.setattr(site, "cuda", contexts)
    monkeypatch.setitem(sys.modules, "cupy", cupy_module())
    y = Y[:2] if fails else Y
    try:
        value = losses.Huber()(Ndarray(y, 1), Ndarray(P, 1))
        assert value.number == 1 and not fails
    except ValueError:
        assert fails
    assert happened[0] == ("enter", 1) and happened[-1] == ("leave", 1)
    assert len(happened) % 2 == 0


# Where results are written --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_out(kind, libraries):
    make = KINDS[kind]
    loss = losses.CosineSimilarity()
    _, expected = loss.value_and_gradient(Y, P, WEIGHT)
    strided = np.zeros((3, 12))[:, ::2].T
    for memory in (np.empty_like(P), strided, np.asfortranarray(P), np.zeros((6, 5))[::-1, 1:4]):
        out = make(memory)
        _, gradient = loss.value_and_gradient(make(Y), make(P), make(WEIGHT), out=out)
        assert gradient is out
        np.testing.assert_allclose(memory, expected, rtol=1e-12, atol=1e-15)
    for memory in (P.copy(), Y.copy()):  # results that overwrite what is read
        arrays = (memory, P) if memory[0, 0] == Y[0, 0] else (Y, memory)
        loss.gradient(make(arrays[0]), make(arrays[1]), make(WEIGHT), out=make(memory))
        np.testing.assert_allclose(memory, expected, rtol=1e-12, atol=1e-15)
    for shift in (1, 2):
        memory = np.empty((6 + shift, 3))
        memory[:6] = P
        loss.gradient(make(Y), make(memory[:6]), make(WEIGHT), out=make(memory[shift:]))
        np.testing.assert_allclose(memory[shift:], expected, rtol=1e-12, atol=1e-15)
    pair = np.empty_like(P), np.zeros((6, 6))[:, ::2]
    out = tuple(map(make, pair))
    assert loss.gradient_and_hessian(make(Y), make(P), out=out) == out
    for found, one in zip(pair, loss.gradient_and_hessian(Y, P), strict=True):
        np.testing.assert_allclose(found, one, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ["flat", "rows", "ignored", "sum"])
@pytest.mark.parametrize("axis", [-1, 0])
def test_arrays_that_are_not_contiguous(name, axis):
    from test_calls import MAKE

    make, kind = MAKE[name]
    y, p, _ = inputs(kind, (4, 4))
    loss = make() if name == "sum" else make(axis=axis)

    def scattered(array):
        wide = np.zeros(tuple(2 * size for size in array.shape), array.dtype)
        view = wide[tuple(slice(None, None, -2) for _ in array.shape)]
        view[...] = array
        return view

    weight = np.arange(4.0)
    with pytest.warns(UserWarning, match="are copied"):
        found = loss.value_and_gradient(*(as_it_lies(scattered(each)) for each in (y, p, weight)))
    expected = loss.value_and_gradient(y, p, weight)
    for one, two in zip(found, expected, strict=True):
        np.testing.assert_allclose(host(one), two, rtol=1e-12, atol=1e-15)


GROUPS = ((np.float32, 4, 16), (np.float64, 2, 16), (np.float16, 4, 8))


@pytest.mark.parametrize(("dtype", "group", "access"), GROUPS)
def test_groups_of_elements_where_memory_is_aligned(dtype, group, access, launches):
    memory = np.zeros(64, dtype)
    start = -memory.ctypes.data % 16 // memory.itemsize
    memory[:] = np.arange(64)
    loss = losses.Huber()
    for shift in range(5):
        for size in (1, 4, 9, 37):
            y, p = memory[start + shift : start + shift + size], np.empty(size + 8, dtype)
            p = p[-p.ctypes.data % 16 // p.itemsize :][:size]
            p[:] = np.arange(size) % 3
            out = np.empty(size + 8, dtype)
            out = out[-out.ctypes.data % 16 // out.itemsize :][:size]
            launches.clear(), launches.arguments.clear()
            found = loss.gradient(as_it_lies(y), as_it_lies(p), out=as_it_lies(out))
            np.testing.assert_allclose(host(found), loss.gradient(y, p), rtol=1e-3)
            aligned = shift * memory.itemsize % access == 0
            assert launches.arguments[0][4] == (size // group if aligned else 0)


# What lies where ------------------------------------------------------------------------------------


def test_is_on_device():
    from lossgen.runtime.cuda.arrays import is_on_device as same

    assert same is is_on_device
    for each in (device(P), Plain(P), Tensor(P), Ndarray(P)):
        assert is_on_device(None, P, each) and is_on_device(each)
    others = Tensor(P, on_device=False), np.ma.masked_array(P), "text", object()
    for each in (P, P.tolist(), 1.0, None, *others):
        assert not is_on_device(each)
    torch = pytest.importorskip("torch")
    assert not is_on_device(torch.ones(3), torch.nn.Parameter(torch.ones(3)))
    assert is_on_device(type("Own", (), {"__cuda_array_interface__": {}})())


def test_attributes_of_instances_count():
    class Own:
        def __init__(self, array):
            self.__cuda_array_interface__ = Plain(array).__cuda_array_interface__
            self.kept = array

    assert is_on_device(Own(P))
    np.testing.assert_allclose(host(losses.Huber()(Own(Y), Own(P))), losses.Huber()(Y, P), rtol=1e-12)
