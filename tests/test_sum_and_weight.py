"""Shares of the data: Σ loss_sum / Σ weight_sum over them is the loss of all of it."""

import numpy as np
import pytest

from lossgen.losses import BinaryCrossentropy, Dice, Huber, SparseCategoricalCrossentropy
from lossgen.runtime.loss import Loss

random = np.random.default_rng(11)
SHARES = (slice(0, 5), slice(5, 6), slice(6, 6), slice(6, 40))  # ragged, one of them empty
REDUCTIONS = ("sum_over_batch_size", "mean_with_sample_weight", "sum", "none")
y, p = random.uniform(size=(2, 40, 3)).astype(np.float32)
labels = random.integers(0, 3, 40)
labels[[0, 5, 7]] = -1
weights = random.uniform(0.5, 2, 40).astype(np.float32)
masks = random.uniform(size=40) < 0.7
masks[5] = False  # a share of which nothing counts


class Given(Loss):
    """Written by hand: the mean of the predictions."""

    def call(self, y_true, y_pred):
        return y_pred.mean(axis=-1)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    ("make", "target"),
    [
        (Huber, y),
        (BinaryCrossentropy, y),
        (Given, y),
        (SparseCategoricalCrossentropy, np.abs(labels)),
        (lambda **config: SparseCategoricalCrossentropy(ignore_class=-1, **config), labels),
    ],
)
def test_shares_add_up_to_the_whole(make, target, reduction, weighted, masked):
    loss = make(reduction=reduction, dtype="float64")

    def parts(share):
        chosen = weights[share] if weighted else None
        return loss.sum_and_weight(target[share], p[share], chosen, mask=masks[share] if masked else None)

    sums, counts = np.array([parts(share) for share in SHARES]).T
    whole = loss(target, p, weights if weighted else None, mask=masks if masked else None)
    if reduction in ("sum", "none"):
        np.testing.assert_allclose(sums.sum(), np.sum(whole), rtol=1e-12)
        used = (target != -1 if target is labels else True) & (masks if masked else np.ones(40, bool))
        assert counts.sum() == used.sum()
    else:
        np.testing.assert_allclose(sums.sum() / counts.sum(), whole, rtol=1e-12)


def test_results_are_float64_and_not_rounded_to_the_dtype_of_the_predictions():
    each = Huber(reduction="none")(y, p)
    total, weight = Huber().sum_and_weight(y, p)
    assert total.dtype == weight.dtype == np.float64
    np.testing.assert_allclose(total, each.sum(dtype=np.float64), rtol=1e-7)
    assert total != np.float32(total)
    assert all(isinstance(part, np.float64) for part in Given().sum_and_weight(y, p))


def test_what_has_weight_0_does_not_count_even_if_it_is_not_finite():
    broken = np.where(np.arange(40)[:, None] == 3, np.nan, p)
    weight = np.where(np.arange(40) == 3, 0, weights)
    loss = Huber(reduction="mean_with_sample_weight")
    total, count = loss.sum_and_weight(y, broken, weight)
    np.testing.assert_allclose(count, weight.sum(dtype=np.float64))
    np.testing.assert_allclose(total / count, loss(y, broken, weight), rtol=1e-6)
    assert Huber().sum_and_weight(y, broken, 0.0) == (0, 40)
    assert Huber().sum_and_weight(y, broken, mask=np.zeros(40, bool)) == (0, 0)


def test_one_loss_for_the_whole_tensor_counts_for_one():
    for reduction in REDUCTIONS:
        loss = Dice(reduction=reduction)
        total, count = loss.sum_and_weight(y, p, 2.0)
        np.testing.assert_allclose(total, loss(y, p, 2.0), rtol=1e-6)
        assert count == 1
        assert loss.sum_and_weight(y, p, mask=False) == (0, 0)
    assert Dice(axis=-1).sum_and_weight(y, p)[1] == 40


def test_errors_are_those_of_a_call():
    with pytest.raises(ValueError, match="`y_true` and `y_pred` must have the same shape"):
        Huber().sum_and_weight(y[1:], p)
    with pytest.raises(ValueError, match="holds the label -1"):
        SparseCategoricalCrossentropy().sum_and_weight(labels, p)
