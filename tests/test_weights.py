"""Sample weights: every shape that Keras takes, and a message with both shapes for every other."""

import re

import numpy as np
import pytest
from handwritten_losses import Huber, Overlap

from lossgen.errors import WeightError
from lossgen.runtime.weights import UNWEIGHTED, fit, weigh

random = np.random.default_rng(3)
y, p = random.normal(size=(2, 4, 3, 5))
losses = Huber().call(y, p)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (4, 1), (1, 3), (4, 3), (1, 1), (4, 3, 1), (1, 1, 1)])
@pytest.mark.parametrize("reduction", ["sum", "mean", "mean_with_sample_weight", "none"])
def test_weights_broadcast_to_the_losses(shape, reduction):
    weight = random.uniform(0.5, 2, size=shape)
    full = np.broadcast_to(weight.reshape(shape[:2]), losses.shape)
    divisor = {"sum": 1, "mean": 12, "mean_with_sample_weight": full.sum()}.get(reduction)
    expected = full * losses if divisor is None else (full * losses).sum() / divisor
    np.testing.assert_allclose(Huber(reduction=reduction)(y, p, weight), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("loss_shape", "weight_shape", "result"),
    [
        ((3,), (3, 1), (3, 1)),
        ((2, 3, 1), (2, 3), (2, 3)),
        ((3, 1), (3,), (3, 1)),
        ((2, 3), (2, 3, 1), (2, 3)),
    ],
)
def test_ranks_that_differ_by_a_trailing_one(loss_shape, weight_shape, result):
    array, shape = fit("sample_weight", np.ones(weight_shape), loss_shape)
    assert shape == result and np.broadcast_shapes(array.shape, shape) == result


def test_unreduced_losses_take_the_axis_of_the_weights():
    weighted = Huber(reduction="none")(y[0], p[0], np.ones((3, 1)))
    assert weighted.shape == (3, 1)


@pytest.mark.parametrize("shape", [(4,), (2,), (4, 3, 2), (3, 4), (1, 4, 3), (0,), (4, 3, 5)])
def test_other_shapes_are_refused(shape):
    message = (
        f"`sample_weight` must broadcast to the losses. Received: sample_weight of shape {shape} and losses"
    )
    with pytest.raises(WeightError, match=re.escape(f"{message} of shape (4, 3)")):
        Huber()(y, p, np.ones(shape))


def test_refusals_say_what_to_write():
    with pytest.raises(
        WeightError, match=re.escape("For one number a leading index, pass it in shape (4, 1).")
    ):
        Huber()(y, p, np.ones(4))
    with pytest.raises(
        WeightError, match="one loss for the whole tensor, so only a single number can weigh it"
    ):
        Overlap()(y, p, np.ones(4))
    with pytest.raises(
        WeightError, match=re.escape("`mask` must broadcast to the losses. Received: mask of shape (2,)")
    ):
        Huber()(y, p, mask=np.ones(2, bool))


def test_a_weight_of_zero_takes_out_what_is_not_finite():
    q = p.copy()
    q[1, 1] = np.nan
    weight = np.ones((4, 3))
    weight[1, 1] = 0
    for reduction in ("mean", "none"):
        value, gradient = Huber(reduction=reduction).value_and_gradient(y, q, weight)
        assert np.isfinite(value).all() and np.isfinite(gradient).all()
    value, gradient = Huber().value_and_gradient(y, q, 0.0)
    assert value == 0 and not gradient.any()
    assert np.isnan(Huber()(y, q))


def test_negative_and_missing_weights_are_taken_as_they_are():
    weight = np.array([1.0, -1.0, 2.0])
    np.testing.assert_allclose(Huber()(y, p, weight), (losses * weight).mean())
    weight[1] = np.nan
    assert np.isnan(Huber()(y, p, weight))
    assert np.isfinite(Huber()(y, p, weight, mask=[True, False, True]))


def test_a_mask_with_nan_says_neither_yes_nor_no():
    with pytest.raises(WeightError, match="mask with NaN"):
        Huber()(y, p, mask=[1.0, np.nan, 0.0])


@pytest.mark.parametrize("dtype", [bool, np.int64, np.float16, np.float64])
def test_weights_of_any_dtype(dtype):
    weight = np.array([1, 0, 1]).astype(dtype)
    value = Huber()(y.astype(np.float32), p.astype(np.float32), weight)
    assert value.dtype == np.float32
    np.testing.assert_allclose(value, (losses * weight.astype(float)).mean(), rtol=1e-6)


def test_weights_become_one_number_a_row():
    assert weigh(None, None, (4,), np.dtype(float)) is UNWEIGHTED
    assert weigh(3, None, (4,), np.dtype(float))[:2] == (3.0, None)
    assert weigh(None, [1, 1, 1, 1], (4,), np.dtype(float)).rows is None
    weighting = weigh([1, 2], [[True, False], [True, True]], (2, 2), np.dtype(np.float32))
    np.testing.assert_array_equal(weighting.rows, np.array([1, 0, 1, 2], np.float32))
    assert weighting.rows.dtype == np.float32
