"""Reductions: what Keras computes, on the worked example of its documents and on random losses."""

import numpy as np
import pytest

from lossgen.errors import ReductionError
from lossgen.runtime.loss import Loss
from lossgen.runtime.reduction import REDUCTIONS, Reduction, check_reduction

LOSSES = np.array([[1.0, 2.0], [3.0, 4.0]])
WEIGHTS = np.array([[1.0, 0.0], [1.0, 2.0]])
MASK = np.array([[True, False], [True, True]])


class Given(Loss):
    """The predictions are the losses."""

    def call(self, y_true, y_pred):
        return y_pred


@pytest.mark.parametrize(
    ("reduction", "plain", "weighted", "masked"),
    [
        ("sum", 10, 12, 8),
        ("sum_over_batch_size", 2.5, 3.0, 8 / 3),
        ("mean", 2.5, 3.0, 8 / 3),
        ("auto", 2.5, 3.0, 8 / 3),
        ("mean_with_sample_weight", 2.5, 3.0, 8 / 3),
        ("none", LOSSES, WEIGHTS * LOSSES, MASK * LOSSES),
        (None, LOSSES, WEIGHTS * LOSSES, MASK * LOSSES),
    ],
)
def test_worked_example(reduction, plain, weighted, masked):
    loss = Given(reduction)
    np.testing.assert_allclose(loss(0, LOSSES), plain)
    np.testing.assert_allclose(loss(0, LOSSES, WEIGHTS), weighted)
    np.testing.assert_allclose(loss(0, LOSSES, mask=MASK), masked)


def test_mask_and_weights_together():
    weights = np.array([[1.0, 5.0], [1.0, 2.0]])
    total = 1 + 3 + 8
    assert Given("sum")(0, LOSSES, weights, mask=MASK) == total
    assert Given("mean")(0, LOSSES, weights, mask=MASK) == total / 3
    assert Given("mean_with_sample_weight")(0, LOSSES, weights, mask=MASK) == total / 4


def test_zero_divided_by_zero_is_zero():
    for reduction in REDUCTIONS[:4]:
        assert Given(reduction)(0, LOSSES, mask=np.zeros((2, 2), bool)) == 0
        assert Given(reduction)(0, LOSSES, np.zeros((2, 2))) == 0
        assert Given(reduction)(0, np.zeros(0)) == 0
        assert Given(reduction)(0, np.zeros((0, 3))) == 0


def test_one_loss_is_returned_as_it_is():
    for reduction in REDUCTIONS:
        assert Given(reduction)(0, 3.0) == 3
        assert Given(reduction)(0, 3.0, 2.0) == 6


def test_constant_weights_do_not_change_a_weighted_mean():
    for weights in (2.0, np.full(2, 2.0), np.full((2, 1), 2.0), np.full((2, 2), 2.0)):
        assert Given("mean_with_sample_weight")(0, LOSSES, weights) == 2.5


def test_weights_of_k_are_k_copies():
    losses, copies = np.array([1.0, 5.0, 2.0]), np.array([2, 1, 3])
    for reduction in ("sum", "mean_with_sample_weight"):
        assert Given(reduction)(0, losses, copies) == Given(reduction)(0, np.repeat(losses, copies))


def test_sums_are_accumulated_in_double_precision():
    losses = np.full(2**20, 0.1, np.float32)
    assert Given("sum")(0, losses) == np.float32(losses.sum(dtype=np.float64))
    assert Given("mean")(0, losses).dtype == np.float32


def test_reduction_names():
    assert Reduction.all() == ("auto", "none", "sum", "sum_over_batch_size")
    for key in Reduction.all():
        Reduction.validate(key)
        Given(key)
    with pytest.raises(
        ReductionError, match=r"Invalid Reduction Key: mean\. Expected keys are \"\('auto', 'none'"
    ):
        Reduction.validate("mean")
    assert Given(Reduction.AUTO).reduction == "sum_over_batch_size"


@pytest.mark.parametrize("reduction", ["average", 3, ["sum"], True])
def test_unknown_reductions_are_refused(reduction):
    with pytest.raises(
        ValueError, match=r"Invalid value for argument `reduction`. Expected one of .*'sum'.*Received"
    ):
        check_reduction(reduction)
