"""Dask arrays: the same numbers as NumPy for every reduction, weight, mask and label; on workers, too."""

import pickle
import subprocess
import sys
from itertools import product

import numpy as np
import pytest
from requiring import require

import lossgen as lg
from lossgen.errors import DtypeError, LabelError, NoGradientError, ShapeError, WeightError
from lossgen.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Dice,
    Hinge,
    Huber,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from lossgen.runtime.loss import Loss

dask = require("dask")
da = require("dask.array")

random = np.random.default_rng(8)
REDUCTIONS = ("sum_over_batch_size", "mean_with_sample_weight", "sum", "none")
ROWS = (5, 1, 14)  # ragged blocks
y, p = random.uniform(0.05, 0.95, size=(2, 20, 6, 3)).astype(np.float32)
labels = random.integers(0, 3, (20, 6))
labels[random.uniform(size=(20, 6)) < 0.3] = -1
weights = random.uniform(0.5, 2, (20, 6)).astype(np.float32)
masks = random.uniform(size=(20, 6)) < 0.6
LOSSES = {
    "huber": (Huber, {"delta": 0.2}, y),
    "axis 1": (CategoricalCrossentropy, {"axis": 1}, y),
    "two axes": (Dice, {"axis": (1, 2)}, y),
    "labels": (SparseCategoricalCrossentropy, {}, np.abs(labels)),
    "ignored labels": (SparseCategoricalCrossentropy, {"ignore_class": -1, "from_logits": True}, labels),
}


class Handwritten(Loss):
    """The largest error of a row."""

    def call(self, y_true, y_pred):
        return np.abs(y_true - y_pred).max(axis=-1)


def blocks(array, *, rows=ROWS):
    """The array in blocks of rows, other axes whole."""
    return da.from_array(array, chunks=(rows, *array.shape[1:]))


def agree(ours, expected, dtype=np.float32):
    found = ours.compute()
    assert ours.dtype == found.dtype == dtype and ours.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * np.max(np.abs(expected), initial=0))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    ("kind", "reduction"),
    [*product(("plain", "both"), REDUCTIONS), *product(("weights", "mask", "number"), REDUCTIONS[:2])],
)
def test_as_on_numpy(name, kind, reduction):
    make, arguments, target = LOSSES[name]
    loss = make(**arguments, reduction=reduction)
    shape = loss.call(target, p).shape
    weight = {"weights": weights, "both": weights, "number": 2.5}.get(kind)
    mask = masks if kind in ("mask", "both") else None
    cut = (slice(None), slice(shape[1]) if len(shape) == 2 else 0)
    weight = weight[cut] if isinstance(weight, np.ndarray) else weight
    mask = None if mask is None else mask[cut]
    expected, gradient = loss.value_and_gradient(target, p, weight, mask=mask)
    lazy_weight = blocks(weight) if isinstance(weight, np.ndarray) else weight
    lazy_mask = da.from_array(mask, chunks=7) if mask is not None and kind == "both" else mask
    target, prediction = blocks(target), blocks(p)
    agree(loss(target, prediction, lazy_weight, mask=lazy_mask), expected)
    value, found = loss.value_and_gradient(target, prediction, lazy_weight, mask=lazy_mask)
    assert found.chunks == prediction.chunks
    agree(value, expected)
    agree(found, gradient)
    total, count = loss.sum_and_weight(target, prediction, lazy_weight, mask=lazy_mask)
    own = loss.sum_and_weight(target.compute(), p, weight, mask=mask)
    np.testing.assert_allclose(dask.compute(total, count), own, rtol=1e-5)


def test_blocks_along_several_axes():
    target, prediction = (da.from_array(each, chunks=(7, 4, 3)) for each in (y, p))
    loss = BinaryCrossentropy()
    value, gradient = loss.value_and_gradient(target, prediction)
    expected = loss.value_and_gradient(y, p)
    agree(value, expected[0])
    agree(gradient, expected[1])
    agree(Huber(reduction="none")(target, prediction), Huber(reduction="none")(y, p))
    agree(loss(da.from_array(y, chunks=(20, 1, 2)), prediction), expected[0])
    agree(loss(y, prediction), expected[0])
    agree(loss(target, p), expected[0])


def test_losses_with_a_trailing_axis():
    target, prediction = y[:, 0], p[:, 0]
    column = weights[:, :1]
    for reduction in ("none", "mean_with_sample_weight"):
        loss = Huber(reduction=reduction)
        agree(loss(blocks(target), blocks(prediction), blocks(column)), loss(target, prediction, column))
    flat = MeanSquaredError()
    agree(flat(blocks(y[:, 0, 0]), blocks(p[:, 0, :1])), flat(y[:, 0, 0], p[:, 0, :1]))
    sparse = SparseCategoricalCrossentropy()
    agree(sparse(blocks(np.abs(labels[:, :1])), blocks(p[:, 0])), sparse(np.abs(labels[:, 0]), p[:, 0]))


@pytest.mark.parametrize("values", [(0, 1), (-1, 1), (-1, 0, 1)])
def test_a_target_step_sees_the_targets_of_all_blocks(values):
    target = random.choice(values, size=(20, 3)).astype(np.float32)
    target[:5], target[5, 0] = abs(target[:5]), values[0]  # the first block alone looks like 0 and 1
    loss = Hinge()
    value, gradient = loss.value_and_gradient(blocks(target), blocks(p[:, 0]))
    expected = loss.value_and_gradient(target, p[:, 0])
    agree(value, expected[0])
    agree(gradient, expected[1])


def test_other_dtypes():
    value, gradient = Huber().value_and_gradient(blocks(y), blocks(p.astype(np.float16)))
    agree(gradient, Huber().gradient(y, p.astype(np.float16)), np.float16)
    assert value.dtype == np.float16
    agree(Huber(dtype="float64")(blocks(y), blocks(p)), Huber(dtype="float64")(y, p), np.float64)
    agree(Huber()(blocks(y), blocks((10 * p).astype(int))), Huber()(y, (10 * p).astype(int)), np.float64)


def test_nothing_counts():
    value, gradient = Huber().value_and_gradient(blocks(y), blocks(p), mask=np.zeros((20, 6), bool))
    assert value.compute() == 0 and not gradient.compute().any()
    empty = da.zeros((0, 3), dtype=np.float32)
    assert Huber()(empty, empty).compute() == 0


def test_losses_written_by_hand():
    for reduction in REDUCTIONS:
        loss = Handwritten(reduction=reduction)
        agree(loss(blocks(y), blocks(p), blocks(weights)), loss(y, p, weights))
    with pytest.raises(NoGradientError):
        Handwritten().value_and_gradient(blocks(y), blocks(p))


def test_bad_input():
    with pytest.raises(ShapeError, match=r"cut the axes \(2,\) that the loss reduces.*rechunk\(\{2: -1\}\)"):
        Huber()(blocks(y), da.from_array(p, chunks=(20, 6, 2)))
    with pytest.raises(ShapeError, match=r"All of it is one loss.*Give the loss an `axis`"):
        Dice()(blocks(y), blocks(p))
    with pytest.raises(ShapeError, match=r"y_pred\[:, None\]"):
        Huber()(blocks(y[:, 0, 0]), blocks(p[:, 0, 0]))
    agree(Dice()(blocks(y), blocks(p).rechunk(-1)), Dice()(y, p))
    with pytest.raises(ShapeError, match="`y_true` and `y_pred` must have the same shape"):
        Huber()(blocks(y[:, :5]), blocks(p))
    with pytest.raises(ShapeError, match="`y_true` must hold one label a row"):
        SparseCategoricalCrossentropy()(blocks(labels[:, 0]), blocks(p))
    with pytest.raises(WeightError, match="`sample_weight` must broadcast to the losses"):
        Huber()(blocks(y), blocks(p), weights[:4])
    with pytest.raises(LabelError, match="holds the label -1"):
        SparseCategoricalCrossentropy()(blocks(labels), blocks(p)).compute()
    late = SparseCategoricalCrossentropy(reduction="none").value_and_gradient(blocks(labels), blocks(p))
    for each in late:
        with pytest.raises(LabelError, match="counts within one block"):
            each.compute()
    unknown = blocks(p)[da.from_array(masks[:, 0], chunks=(ROWS,))]
    with pytest.raises(ShapeError, match="compute_chunk_sizes"):
        Huber()(unknown, unknown)


def test_functions_give_a_lazy_array_of_losses():
    for function, arguments, target in (
        (lg.losses.huber, {"delta": 0.2}, y),
        (lg.losses.dice, {"axis": (1, 2)}, y),
        (lg.losses.sparse_categorical_crossentropy, {}, np.abs(labels)),
    ):
        found = function(blocks(target), blocks(p), **arguments)
        assert found.chunks[0] == ROWS
        agree(found, function(target, p, **arguments))
    agree(lg.losses.huber(y, blocks(p)), lg.losses.huber(y, p))
    agree(lg.losses.dice(blocks(y).rechunk(-1), blocks(p).rechunk(-1)), lg.losses.dice(y, p))


@pytest.mark.parametrize(
    "call",
    [
        lambda: Huber().gradient_and_hessian(blocks(y), blocks(p)),
        lambda: Huber().gradient_and_hessian(y, p, blocks(weights)),
        lambda: Huber().gradient_and_hessian(y, p, mask=blocks(masks)),
        lambda: Huber().hessian_vector_product(blocks(y), p, p),
        lambda: Huber().hessian_vector_product(y, p, blocks(p)),
        lambda: lg.penalties.L1()(blocks(p)),
        lambda: lg.penalties.L1().value_and_gradient(blocks(p)),
        lambda: lg.penalties.L1().gradient(blocks(p)),
        lambda: lg.penalties.L1().hessian_vector_product(p, blocks(p)),
        lambda: lg.penalties.l1(blocks(p)),
    ],
)
def test_what_would_be_computed_into_memory_is_refused(call):
    with pytest.raises(DtypeError, match=r"`(y_true|y_pred|sample_weight|mask|vector|x)` .*map_blocks"):
        call()


def test_there_is_nothing_to_write_to():
    for derive in (Huber().gradient, Huber().value_and_gradient):
        with pytest.raises(DtypeError, match="`out` must be None for Dask arrays"):
            derive(blocks(y), blocks(p), out=np.empty_like(p))


def test_importing_the_losses_does_not_import_dask():
    code = (
        "import sys; from lossgen.losses import Huber; Huber()([[1.0]], [[2.0]]); "
        "print('dask' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_a_missing_dask_is_named():
    code = (
        "import sys; import lossgen.errors; sys.modules['dask'] = None\n"
        "try:\n    import lossgen.dask\n"
        "except lossgen.errors.MissingLibraryError as error:\n    print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'pip install "lossgen[dask]"' in run.stdout, run.stderr


# On workers ---------------------------------------------------------------------------------------------


@lg.loss
def of_ones_own(y_true, y_pred, *, exponent=lg.Parameter(2.0, positive=True)):
    """Pickled as its declaration: its module can be imported by no other process."""
    return lg.Mean(lg.power(abs(y_pred - y_true), exponent))


def test_losses_are_pickled():
    own = lg.compile(of_ones_own)(3.0, reduction="sum", name="mine")
    for loss in (own, Huber(0.2, reduction="none"), Handwritten("sum")):
        copied = pickle.loads(pickle.dumps(loss))
        assert type(copied) is type(loss) and copied.get_config() == loss.get_config()
        np.testing.assert_array_equal(copied(y, p), loss(y, p))


@pytest.mark.xdist_group("dask workers")
def test_on_two_workers():
    distributed = require("distributed")
    target, prediction, weight = (blocks(each, rows=(10, 10)) for each in (y, p, weights))
    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**settings) as cluster, distributed.Client(cluster) as client:
        for loss in (Huber(0.2, "mean_with_sample_weight"), lg.compile(of_ones_own)(3.0)):
            value, gradient = loss.value_and_gradient(target, prediction, weight)
            value, gradient = client.gather(client.compute([value, gradient]))
            expected = loss.value_and_gradient(y, p, weights)
            np.testing.assert_allclose(value, expected[0], rtol=1e-5)
            np.testing.assert_allclose(gradient, expected[1], rtol=1e-5, atol=1e-8)
        workers = client.run(lambda: "lossgen" in __import__("sys").modules)
        assert list(workers.values()) == [True, True]
