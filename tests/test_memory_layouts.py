"""Arrays as they come: strided, backwards, misaligned, read-only, in foreign byte order, empty, of objects.

Every one gives the bits that its contiguous copy gives, or a ValueError that names the argument.
"""

import warnings

import numpy as np
import pytest
from many_losses import SMALL, same

import lossgen as lg
from lossgen import losses


def misaligned(array: np.ndarray) -> np.ndarray:
    memory = np.zeros(array.nbytes + 1, np.uint8)
    moved = memory[1:].view(array.dtype).reshape(array.shape)
    moved[...] = array
    assert not moved.flags.aligned or array.dtype.itemsize == 1
    return moved


def read_only(array: np.ndarray) -> np.ndarray:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def every_second(array: np.ndarray) -> np.ndarray:
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


LAYOUTS = {
    "every second": every_second,
    "rows apart": lambda array: np.repeat(array, 2, axis=0)[::2],
    "backwards": lambda array: np.flip(np.flip(array).copy()),
    "rows backwards": lambda array: array[::-1].copy()[::-1],
    "Fortran": np.asfortranarray,
    "misaligned": misaligned,
    "read-only": read_only,
    "byte-swapped": lambda array: array.astype(array.dtype.newbyteorder()),
    "both": lambda array: every_second(array.astype(array.dtype.newbyteorder())),
    "a list": np.ndarray.tolist,
}


def vector_of(p: np.ndarray) -> np.ndarray:
    return np.cos(np.arange(p.size)).reshape(p.shape).astype(p.dtype)


def results(loss, y, p, vector, weight) -> list:
    found = [loss(y, p, weight), loss.call(y, p), *loss.value_and_gradient(y, p, weight)]
    found += loss.gradient_and_hessian(y, p, weight)
    return [*found, loss.hessian_vector_product(y, p, vector, weight)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", SMALL)
def test_one_argument_in_another_layout(name, layout):
    sample, change = SMALL[name], LAYOUTS[layout]
    y, p = sample.arrays(np.float64)
    weight = None if sample.loss.axis is None else np.linspace(0.5, 2, len(p))
    arguments = {"y": y, "p": p, "vector": vector_of(p), "weight": weight}
    expected = results(sample.loss, **arguments)
    for argument, array in arguments.items():
        if array is None:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("error", lg.CopyWarning)  # one argument may be copied silently
            found = results(sample.loss, **{**arguments, argument: change(array)})
        same(map(np.asarray, found), map(np.asarray, expected))
    for argument, array in arguments.items():
        assert array is None or array.flags.c_contiguous, f"{argument} was changed"


@pytest.mark.parametrize("layout", ["every second", "Fortran", "backwards", "misaligned", "byte-swapped"])
def test_copies_of_several_arguments_are_told(layout):
    sample, change = SMALL["flat"], LAYOUTS[layout]
    y, p = sample.arrays()
    expected = sample.loss.value_and_gradient(y, p)
    with pytest.warns(lg.CopyWarning, match="`y_true` and `y_pred` are copied at every call"):
        found = sample.loss.value_and_gradient(change(y), change(p))
    same(found, expected)
    with pytest.warns(lg.CopyWarning, match="`y_true`, `y_pred` and `vector`") as told:
        sample.loss.hessian_vector_product(change(y), change(p), change(p))
    assert told[0].filename == __file__


@pytest.mark.parametrize("layout", ["every second", "Fortran", "backwards", "misaligned"])
def test_a_result_is_written_to_memory_of_any_layout(layout):
    for sample in SMALL.values():
        y, p = sample.arrays()
        out = LAYOUTS[layout](np.full(p.shape, np.nan, p.dtype))
        value, gradient = sample.loss.value_and_gradient(y, p, out=out)
        assert gradient is out
        same([value, out], sample.loss.value_and_gradient(y, p))


def test_a_read_only_result_is_refused():
    y, p = SMALL["flat"].arrays()
    with pytest.raises(
        lg.ShapeError, match=r"must be a writeable array .* Received: read-only float32 array"
    ):
        SMALL["flat"].loss.value_and_gradient(y, p, out=read_only(p))


def test_a_broadcast_array_is_read_as_it_looks():
    y, p = SMALL["flat"].arrays()
    row = np.broadcast_to(p[0], p.shape)
    same(SMALL["flat"].outputs(y, row), SMALL["flat"].outputs(y, row.copy()))


def test_a_file_mapped_into_memory(tmp_path):
    y, p = SMALL["rows"].arrays()
    np.save(tmp_path / "p.npy", p)
    mapped = np.load(tmp_path / "p.npy", mmap_mode="r")
    same(SMALL["rows"].outputs(y, mapped), SMALL["rows"].outputs(y, p))


# Few or no elements -----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", SMALL)
def test_no_elements(name, shape, dtype):
    sample = SMALL[name]
    y = np.zeros(shape[:1], np.int64) if sample.targets == "labels" else np.zeros(shape, dtype)
    if sample.targets == "labels" and shape == (3, 0):
        with pytest.raises(lg.LabelError, match="an empty range"):
            sample.loss(y, np.zeros(shape, dtype))
        return
    for array in sample.outputs(y, np.zeros(shape, dtype)):
        assert array.dtype == dtype and array.shape in ((), shape)
        np.testing.assert_array_equal(array, np.zeros_like(array))


@pytest.mark.parametrize("name", SMALL)
def test_one_element(name):
    sample = SMALL[name]
    y = np.zeros(1, np.int64) if sample.targets == "labels" else np.ones((1, 1))
    for array in sample.outputs(y, np.full((1, 1), 0.5)):
        assert array.shape in ((), (1, 1)) and np.isfinite(array).all()


def test_a_number_is_no_batch():
    with pytest.raises(ValueError, match="dimension"):
        losses.Huber()(1.0, 2.0)


# What holds no numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        np.array([[1.0, 2.0]], object),
        np.array([[None, 1.0]], object),
        np.array([["a", "b"]]),
        np.array([[b"a", b"b"]]),
        np.array([[1j, 2.0]]),
        np.array([["2026-01-01", "2026-01-02"]], "datetime64[D]"),
        np.zeros((1, 2), [("a", "f4"), ("b", "i4")]),
        [[1.0, 2.0], [3.0]],
        [{"a": 1}, None],
    ],
    ids=["objects", "None", "text", "bytes", "complex", "dates", "records", "ragged", "dictionaries"],
)
@pytest.mark.parametrize("argument", ["y_true", "y_pred", "sample_weight", "vector"])
def test_no_numbers(argument, values):
    given = {"y_true": np.zeros((1, 2)), "y_pred": np.ones((1, 2)), "vector": np.ones((1, 2))}
    with pytest.raises(ValueError) as caught:
        losses.Huber().hessian_vector_product(**{**given, argument: values})
    if isinstance(values, np.ndarray):
        assert f"`{argument}` must hold real numbers" in str(caught.value)


# Targets of any type ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["bool", "int8", "uint8", "int64"])
@pytest.mark.parametrize("name", ["flat", "rows", "whole tensor"])
def test_whole_targets_are_read_as_they_are(name, kind, dtype):
    sample = SMALL[name]
    y, p = sample.arrays(dtype)
    whole = y.astype(kind)
    # Bits may differ where sums are taken: in how many lanes LLVM adds depends on the width of a target.
    rounding = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(sample.loss(whole, p), sample.loss(y, p), rtol=rounding)
    gradient, expected = (sample.loss.gradient(target, p) for target in (whole, y))
    if name == "flat":
        same([gradient], [expected])
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=rounding * np.abs(expected).max())
    assert gradient.dtype == dtype and whole.dtype == kind


@pytest.mark.parametrize("kind", ["bool", "int8", "uint8", "int32", "uint64", "float32", "float64"])
def test_labels_of_any_type(kind):
    sample = SMALL["lanes"]
    y, p = sample.arrays()
    y %= 2
    same(sample.loss.value_and_gradient(y.astype(kind), p), sample.loss.value_and_gradient(y, p))
