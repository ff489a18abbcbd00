"""Every public method of a loss with device arrays: what the host computes, to rounding."""

from dataclasses import replace

import numpy as np
import pytest
from device_arrays import device, host

import lossgen as lg
from lossgen import losses, penalties
from lossgen.catalog import DECLARATIONS
from lossgen.runtime.cuda import plan
from lossgen.runtime.cuda.variant import CudaVariant, cuda_variant_of
from lossgen.runtime.dtypes import prediction_dtypes
from lossgen.runtime.loss import Loss
from lossgen.runtime.variant import Term, Variant

ROWS, COLUMNS = 7, 5
REDUCTIONS = ("sum_over_batch_size", "sum", "mean_with_sample_weight", "none")

SQUARE = lg.declare("square", lg.Mean((lg.y_pred - lg.y_true) ** 2))
DICE = next(each for each in DECLARATIONS if each.name == "dice")
ALPHA = (0.25, 0.5, 0.75, 1.0, 0.125)

MAKE = {
    "flat": (losses.Huber, "numbers"),
    "logits": (lambda **own: losses.BinaryCrossentropy(from_logits=True, **own), "shares"),
    "signs": (losses.Hinge, "bits"),
    "rows": (losses.CosineSimilarity, "numbers"),
    "softmax": (lambda **own: losses.CategoricalCrossentropy(from_logits=True, **own), "shares"),
    "classes": (lambda **own: losses.CategoricalFocalCrossentropy(alpha=ALPHA, **own), "shares"),
    "labels": (lambda **own: losses.SparseCategoricalCrossentropy(from_logits=True, **own), "labels"),
    "ignored": (
        lambda **own: losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=2, **own), "labels",
    ),
    "whole": (losses.Dice, "shares"),
    "sum": (lambda **own: lg.compile(0.5 * SQUARE + 0.25 * DICE)(**own), "shares"),
}


def inputs(kind, shape=(ROWS, COLUMNS), dtype=np.float64):
    """Targets, predictions, and a vector."""
    random = np.random.default_rng(5)
    p = random.uniform(0.1, 1, shape).astype(dtype)
    vector = random.normal(size=shape).astype(dtype)
    if kind == "labels":
        labels = random.integers(0, shape[-1], shape[:-1])
        labels.flat[:2] = 2, 1  # one is ignored where 2 is, one is not
        return labels, p, vector
    y = random.normal(size=shape) if kind == "numbers" else random.uniform(size=shape)
    return (np.round(y) if kind == "bits" else y).astype(dtype), p, vector


def weights(kind, shape, dtype=np.float64):
    """A weight and a mask for losses of a shape."""
    random = np.random.default_rng(6)
    weight, mask = random.uniform(0.5, 2, shape).astype(dtype), random.uniform(size=shape) < 0.6
    if weight.size:
        weight.flat[-1] = 0
        mask.flat[0] = True
    return {
        "none": (None, None),
        "number": (0.75, None),
        "zero": (0.0, None),
        "each": (weight, None),
        "mask": (None, mask),
        "both": (weight, mask),
        "all": (weight, np.ones(shape)),
        "nothing": (None, np.zeros(shape, np.int8)),
        "refused": (0.5, False),
        "one": (np.array(1.5), None),
    }[kind]


WEIGHTS = ("none", "number", "zero", "each", "mask", "both", "all", "nothing", "refused", "one")


def agree(found, expected, rounding=1e-12):
    """Numbers, arrays and tuples of them are equal to rounding, and have the same dtype and shape."""
    if isinstance(expected, tuple):
        for one, two in zip(found, expected, strict=True):
            agree(one, two, rounding)
        return
    found = host(found)
    assert found.shape == np.shape(expected) and found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rounding, rounding, equal_nan=True)


def calls(loss, y, p, vector, weight, mask):
    """The results of every method, by name."""
    yield "value", loss(y, p, weight, mask=mask)
    yield "value_and_gradient", loss.value_and_gradient(y, p, weight, mask=mask)
    yield "gradient", loss.gradient(y, p, weight, mask=mask)
    yield "gradient_and_hessian", loss.gradient_and_hessian(y, p, weight, mask=mask)
    yield "product", loss.hessian_vector_product(y, p, vector, weight, mask=mask)
    yield "sum_and_weight", loss.sum_and_weight(y, p, weight, mask=mask)
    yield "call", loss.call(y, p)


def all_agree(loss, arrays, weight=None, mask=None, rounding=1e-12, targets=None):
    """The results of all methods with arrays on the device, and on the host, there with other `targets`."""
    y, p, vector = arrays
    on_host = calls(loss, y if targets is None else targets, p, vector, weight, mask)
    on_device = calls(loss, *map(device, arrays), device(weight), device(mask))
    for (name, expected), (_, found) in zip(on_host, on_device, strict=True):
        try:
            agree(found, expected, rounding)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error


@pytest.mark.parametrize("weighting", WEIGHTS)
@pytest.mark.parametrize("name", MAKE)
def test_weights_and_masks(name, weighting):
    make, kind = MAKE[name]
    loss = make()
    shape = loss.call(*inputs(kind)[:2]).shape
    if shape or weighting in ("none", "number", "zero", "one", "refused"):
        all_agree(loss, inputs(kind), *weights(weighting, shape))


@pytest.mark.parametrize("weighting", ["none", "number", "each", "both"])
@pytest.mark.parametrize("reduction", REDUCTIONS[1:])
@pytest.mark.parametrize("name", MAKE)
def test_reductions(name, reduction, weighting):
    make, kind = MAKE[name]
    loss = make(reduction=reduction)
    shape = loss.call(*inputs(kind)[:2]).shape
    if shape or weighting in ("none", "number"):
        all_agree(loss, inputs(kind), *weights(weighting, shape))


@pytest.mark.parametrize("axis", [0, 1, -2, (0, 2), (1, 2), (2, 0), None])
@pytest.mark.parametrize("name", ["flat", "rows", "softmax", "whole"])
def test_axes(name, axis):
    make, kind = MAKE[name]
    arrays = inputs(kind, (3, 4, 5))
    for reduction in ("sum_over_batch_size", "none"):
        loss = make(axis=axis, reduction=reduction)
        shape = loss.call(*arrays[:2]).shape
        all_agree(loss, arrays)
        if shape:
            all_agree(loss, arrays, *weights("both", shape))


@pytest.mark.parametrize("axis", [1, -1])
def test_labels_of_images(axis):
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, axis=axis, ignore_class=2)
    labels, p, vector = inputs("labels", (2, 3, 4, 4))
    labels = labels if axis == -1 else np.minimum(np.random.default_rng(1).integers(0, 3, (2, 4, 4)), 2)
    all_agree(loss, (labels, p, vector), *weights("both", labels.shape))


@pytest.mark.parametrize("shapes", [((4, 1), (4,)), ((4,), (4, 1)), ((4, 3, 1), (4, 3)), ((4, 3), (4, 3, 1))])
def test_a_trailing_axis_of_size_1(shapes):
    random = np.random.default_rng(2)
    y, p = (random.normal(size=shape) for shape in shapes)
    all_agree(losses.Huber(), (y, p, np.ones_like(p)))


@pytest.mark.parametrize("shape", [(1,), (4, 1), (1, 3), (4, 3), (1, 1), (4, 3, 1), (1, 1, 1), ()])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_weights_broadcast(shape, reduction):
    random = np.random.default_rng(3)
    y, p, vector = random.normal(size=(3, 4, 3, 5))
    weight = random.uniform(0.5, 2, shape)
    for given in ((weight, None), (weight, weight > 1), (None, weight < 1)):
        all_agree(losses.CosineSimilarity(reduction=reduction), (y, p, vector), *given)


SHAPES = ((), (1,), (1, 1), (1, 40), (40, 1), (3, 31), (3, 33), (2, 41), (2, 300), (70, 3))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["flat", "rows", "softmax", "whole"])
def test_shapes(name, shape):
    make, kind = MAKE[name]
    if shape or name == "whole":
        all_agree(make(), inputs(kind, shape), rounding=1e-11)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (0, 0), (2, 0, 3)])
@pytest.mark.parametrize("name", ["flat", "rows", "whole", "sum"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_no_elements(name, shape, reduction):
    make, kind = MAKE[name]
    loss = make(reduction=reduction)
    losses_shape = loss.call(*inputs(kind, shape)[:2]).shape
    all_agree(loss, inputs(kind, shape))
    if losses_shape:
        all_agree(loss, inputs(kind, shape), *weights("both", losses_shape))


def test_no_labels():
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    p = np.ones((0, 3))
    all_agree(loss, (np.ones(0, np.int64), p, p))


TYPES = (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint64, np.bool_, np.float32)


@pytest.mark.parametrize("dtype", TYPES)
def test_targets_of_other_types(dtype):
    y, p, vector = inputs("bits")
    for name in ("flat", "signs", "whole"):
        all_agree(MAKE[name][0](), (y.astype(dtype), p, vector), targets=y)
    labels, p, vector = inputs("labels")
    labels = labels.astype(dtype)
    if dtype is not np.bool_:
        all_agree(MAKE["ignored"][0](), (labels, p, vector), None, labels > 0, targets=labels.astype(int))
    all_agree(MAKE["labels"][0](), (labels, p, vector), targets=labels.astype(int))


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.float32, np.float64])
def test_hinge_with_targets_that_are_not_all_bits(dtype):
    y, p, vector = inputs("bits")
    y[-1, -1] = 2
    all_agree(losses.Hinge(), (y.astype(dtype), p, vector), targets=y)


@pytest.mark.parametrize("given", [np.float16, np.float32, np.float64, np.int32, np.uint16, np.bool_])
@pytest.mark.parametrize("dtype", [None, "float32", "float64"])
@pytest.mark.parametrize("name", ["flat", "softmax", "ignored", "sum"])
def test_dtypes_of_predictions(name, dtype, given):
    make, kind = MAKE[name]
    y, p, vector = inputs(kind)
    p = (4 * p).astype(given)
    computed, result = prediction_dtypes(p.dtype) if dtype is None else (np.dtype(dtype), np.dtype(dtype))
    y = y if kind == "labels" else y.astype(computed)
    for reduction in ("mean_with_sample_weight", "none"):
        loss = make(dtype=dtype, reduction=reduction)
        rounding = {2: 2e-3, 4: 1e-6, 8: 1e-12}[result.itemsize]
        all_agree(loss, (y, p, vector), *weights("each", loss.call(y, p).shape), rounding=rounding)


def test_a_parameter_a_class_of_a_loss_without_row_results():
    delta = lg.Parameter(1.0, positive=True, per_class=True)

    @lg.loss
    def own_square(y_true, y_pred, *, delta=delta):
        """Squares times a number a class."""
        return lg.Mean(delta * (y_pred - y_true) ** 2)

    loss = lg.compile(own_square)
    y, p, vector = inputs("numbers")
    for value in (0.5, ALPHA):
        all_agree(loss(delta=value), (y, p, vector), *weights("both", ROWS))
    all_agree(loss(delta=(0.5,)), tuple(each[:, :1].copy() for each in (y, p, vector)))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("scope", [None, -1])
def test_labels_in_a_sum_with_a_term_that_reads_none(scope, reduction, monkeypatch):
    sparse, size = losses.SparseCategoricalCrossentropy, penalties.L2
    first = replace(sparse(from_logits=True)._plan.variant.terms[0], parameters=())
    own = Term(scope, False, size()._plan.variant.terms[0].rows, parameters=("l2",))

    class Both(Loss):
        labels = True
        parameters = size.parameters
        arguments = ("l2", "ignore_class", "reduction", "name", "dtype")
        variants = {(): Variant((first, own))}  # noqa: RUF012

    both = sparse(from_logits=True), size()
    kernels = tuple(cuda_variant_of(each._plan.module).terms[0] for each in both)
    monkeypatch.setattr(plan, "cuda_variant_of", lambda name: CudaVariant(kernels))
    for ignore_class in (None, 2):
        loss = Both(l2=0.5, ignore_class=ignore_class, reduction=reduction)
        for kind in ("none", "each", "both", "nothing"):
            all_agree(loss, inputs("labels"), *weights(kind, ROWS))


def test_one_array_as_target_and_prediction():
    x = np.arange(6).reshape(2, 3)
    all_agree(losses.Huber(), (x, x, x))
    same = device(x)
    agree(losses.LogCosh()(same, same), losses.LogCosh()(x, x))


def test_bits_do_not_depend_on_what_else_is_asked_for():
    y, p, _ = map(device, inputs("numbers", (40, 7), np.float32))
    loss = losses.Huber()
    assert host(loss(y, p)).tobytes() == host(loss.value_and_gradient(y, p)[0]).tobytes()
    assert host(loss(y, p)).tobytes() == host(loss(y, p)).tobytes()


def test_a_row_of_weight_0_may_be_infinite():
    y, p, vector = inputs("numbers")
    p[2] = np.inf
    weight = np.ones(ROWS)
    weight[2] = 0
    for name in ("flat", "rows", "sum"):
        for reduction in REDUCTIONS:
            loss = MAKE[name][0](reduction=reduction)
            if name != "sum":
                all_agree(loss, (y, p, vector), weight)


def test_functions_take_device_arrays():
    y, p, _ = inputs("numbers")
    agree(losses.huber(device(y), device(p), delta=0.5), losses.huber(y, p, delta=0.5))
