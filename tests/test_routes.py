"""The short way of a call and the long one: equal bits, and the short one is taken where it should be."""

import numpy as np
import pytest

from lossgen import losses
from lossgen.runtime.labels import NO_LABEL

random = np.random.default_rng(3)

CASES = {
    "flat": (losses.MeanSquaredError, "numbers"),
    "rows": (losses.CosineSimilarity, "numbers"),
    "softmax": (lambda **arguments: losses.CategoricalCrossentropy(from_logits=True, **arguments), "shares"),
    "labels": (
        lambda **arguments: losses.SparseCategoricalCrossentropy(from_logits=True, **arguments), "labels",
    ),
    "ignored": (
        lambda **arguments: losses.SparseCategoricalCrossentropy(True, ignore_class=2, **arguments), "labels",
    ),
    "whole": (losses.Dice, "shares"),
}  # fmt: skip


def inputs(kind, shape, dtype):
    p = random.uniform(0.1, 1, shape).astype(dtype)
    if kind == "labels":
        labels = random.integers(0, shape[-1], shape[:-1])
        labels.flat[0] = 0  # one at least is not ignored
        return labels, p
    return (random.normal(size=shape) if kind == "numbers" else random.uniform(size=shape)).astype(dtype), p


def bits(results):
    return [np.asarray(one).tobytes() for one in results] + [np.asarray(one).dtype for one in results]


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_both_ways_agree(name, dtype, reduction):
    make, kind = CASES[name]
    loss = make(reduction=reduction)
    for shape in ((32, 10), (3, 5, 4), (1, 3), (40_000, 3)):
        y, p = inputs(kind, shape, dtype)
        short = loss._routes.run("value_and_gradient", y, p)
        assert short is not None
        # a prediction whose memory cannot be written goes the long way
        locked = p.copy()
        locked.flags.writeable = False
        assert loss._routes.run("value_and_gradient", y, locked) is None
        assert bits(loss.value_and_gradient(y, locked)) == bits(short) == bits(loss.value_and_gradient(y, p))
        assert bits([loss(y, locked)]) == bits(loss._routes.run("value", y, p))
        out = np.empty_like(p)
        value, gradient = loss.value_and_gradient(y, p, out=out)
        assert gradient is out and bits([value, out]) == bits(short)
        weight = random.normal(size=p.shape[:-1]).astype(dtype)
        if name != "whole" and reduction != "mean_with_sample_weight" and weight.size > 1:
            short = loss._routes.run("value_and_gradient", y, p, weight)
            assert bits(short) == bits(loss.value_and_gradient(y, locked, weight))
            assert bits([loss(y, p, weight)]) == bits([loss(y, locked, weight)])


def test_what_does_not_go_the_short_way():
    y, p = inputs("numbers", (4, 3), np.float32)

    def goes(loss, y, p, weight=None, out=None):
        return loss._routes.run("value_and_gradient", y, p, weight, out) is not None

    loss = losses.MeanSquaredError()
    assert goes(loss, y, p)
    assert goes(loss, y > 0, p)
    assert not goes(loss, y.tolist(), p)
    assert not goes(loss, y[:, :2], p)
    assert not goes(loss, y, p.T.copy().T)
    assert not goes(loss, y.astype(">f4"), p)
    assert not goes(loss, y, p.astype(np.float16))
    weight = np.ones(4, np.float32)
    assert goes(loss, y, p, weight)
    assert not goes(loss, y, p, 2.0)
    assert not goes(loss, y, p, weight[:, None])
    assert not goes(loss, y, p, weight.astype(np.float64))
    assert not goes(loss, y, p, weight[:1])
    assert not goes(losses.MeanSquaredError(reduction="mean_with_sample_weight"), y, p, weight)
    assert not goes(loss, y, p, out=p)  # the result may not be written over what is read
    assert not goes(losses.MeanSquaredError(dtype="float64"), y, p)
    assert not goes(losses.MeanSquaredError(reduction="none"), y, p)
    assert goes(losses.MeanSquaredError(reduction="none"), y[0], p[0])
    sparse = losses.SparseCategoricalCrossentropy(from_logits=True)
    assert goes(sparse, np.array([0, 1, 2, 0]), p)
    assert not goes(sparse, np.array([0, 1, 3, 0]), p)
    assert not goes(sparse, np.array([0, 1, NO_LABEL, 0]), p)


def test_many_shapes_are_not_all_remembered():
    loss = losses.MeanSquaredError()
    for rows in range(1, 600):
        p = np.full((rows, 1), 2, np.float32)
        assert loss(np.zeros_like(p), p) == 4
    assert len(loss._routes.known) <= 256


def test_a_copy_and_a_pickle_find_their_own_way():
    import copy
    import pickle

    y, p = inputs("numbers", (4, 3), np.float32)
    loss = losses.Huber(delta=0.5)
    expected = bits(loss.value_and_gradient(y, p))
    for other in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert "_routes" not in other.__dict__
        assert bits(other.value_and_gradient(y, p)) == expected


@pytest.mark.parametrize("make", [losses.Huber, lambda: losses.CategoricalCrossentropy(from_logits=True)])
def test_out_of_second_derivatives(make):
    y, p = inputs("shares", (7, 3), np.float32)
    loss = make()
    vector = random.normal(size=p.shape).astype(np.float32)
    expected = *loss.gradient_and_hessian(y, p), loss.hessian_vector_product(y, p, vector)
    out = np.empty_like(p), np.empty_like(p)
    found = loss.gradient_and_hessian(y, p, out=out)
    assert found[0] is out[0] and found[1] is out[1]
    product = np.empty_like(p)
    assert loss.hessian_vector_product(y, p, vector, out=product) is product
    assert bits([*out, product]) == bits(expected)
    aliased = p.copy()
    loss.hessian_vector_product(y, aliased, vector, out=aliased)
    assert bits([aliased]) == bits([product])
    with pytest.raises(ValueError, match="`out` must be a tuple of 2 arrays"):
        loss.gradient_and_hessian(y, p, out=product)
    with pytest.raises(ValueError, match="arrays that share no memory"):
        loss.gradient_and_hessian(y, p, out=(product, product))


def test_masked_arrays_are_refused():
    y, p = inputs("numbers", (4, 3), np.float32)
    for arguments in ((y, np.ma.masked_array(p, p > 0)), (np.ma.masked_array(y, y > 0), p)):
        with pytest.raises(ValueError, match="must not be a masked array"):
            losses.Huber()(*arguments)
