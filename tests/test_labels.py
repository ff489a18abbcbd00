"""Integer labels, parameters a class, and targets that become signs."""

import re

import numpy as np
import pytest
from handwritten_losses import Overlap, SignedOverlap, SparseCrossentropy, data, derivative, random

from lossgen.errors import LabelError, ParameterError, ShapeError
from lossgen.losses import SparseCategoricalCrossentropy
from lossgen.runtime.loss import Loss
from lossgen.runtime.variant import Term, Variant

# Labels -------------------------------------------------------------------------------------------


def crossentropy(labels, p):
    shifted = p - np.log(np.exp(p).sum(-1, keepdims=True))
    return -np.take_along_axis(shifted, labels[..., None], -1)[..., 0]


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.uint64, np.float32, bool])
def test_labels_of_a_row(shape, dtype):
    labels, p = np.array([0, 1, 1, 0]), data(4, 3, dtype=np.float64)[0]
    losses = SparseCrossentropy(True).call(labels.reshape(shape).astype(dtype), p)
    np.testing.assert_allclose(losses, crossentropy(labels, p), rtol=1e-12)


def test_labels_along_another_axis():
    labels, p = random.integers(0, 3, size=(2, 5)), data(2, 3, 5, dtype=np.float64)[0]
    loss = SparseCrossentropy(True, axis=1)
    for given in (labels, labels[:, None, :], labels[..., None]):
        np.testing.assert_allclose(
            loss.call(given, p), crossentropy(labels, np.moveaxis(p, 1, -1)), rtol=1e-12
        )
    np.testing.assert_allclose(loss.gradient(labels, p), derivative(lambda q: loss(labels, q), p), atol=1e-8)


def test_ignored_labels_do_not_count():
    p = data(4, 3, dtype=np.float64)[0]
    labels = np.array([0, -1, 2, -1])
    loss = SparseCrossentropy(True, ignore_class=-1)
    losses = np.where(labels < 0, 0, crossentropy(np.maximum(labels, 0), p))
    np.testing.assert_allclose(loss.call(labels, p), losses)
    np.testing.assert_allclose(loss(labels, p), losses.sum() / 2)
    weight = np.array([1.0, 5.0, 3.0, 7.0])
    np.testing.assert_allclose(loss(labels, p, weight), (weight * losses).sum() / 2)
    loss = SparseCrossentropy(True, ignore_class=-1, reduction="mean_with_sample_weight")
    np.testing.assert_allclose(loss(labels, p, weight), (weight * losses).sum() / 4)
    assert SparseCrossentropy(True, ignore_class=0)([0, 0], p[:2]) == 0


def test_masked_labels_are_not_looked_at():
    p = data(3, 3, dtype=np.float64)[0]
    masked = SparseCrossentropy(True).value_and_gradient([0, 999, 2], p, mask=[True, False, True])
    value, gradient = SparseCrossentropy(True).value_and_gradient([0, 2], p[[0, 2]])
    np.testing.assert_allclose(masked[0], value)
    np.testing.assert_array_equal(masked[1][1], 0)
    np.testing.assert_allclose(masked[1][[0, 2]], gradient)


def test_bad_labels_are_named():
    p = np.zeros((2, 3, 5))
    with pytest.raises(LabelError, match=re.escape("the label 7 at position (1, 0); labels lie in 0 … 4")):
        SparseCrossentropy()([[0, 1, 2], [7, 9, 0]], p)
    with pytest.raises(LabelError, match=re.escape("the label -1 at position (0, 1)")):
        SparseCrossentropy(ignore_class=-2)([[0, -1, -2], [0, 0, 0]], p)
    with pytest.raises(
        LabelError, match=re.escape("the label 0.5 at position (1,); labels are whole numbers")
    ):
        SparseCrossentropy()([0.0, 0.5], p[0, :2])
    with pytest.raises(LabelError, match="nan at position"):
        SparseCrossentropy()([np.nan], p[0, :1])
    with pytest.raises(LabelError, match="18446744073709551615 at position"):
        SparseCrossentropy()(np.array([2**64 - 1], np.uint64), p[0, :1])
    with pytest.raises(LabelError, match="an empty range"):
        SparseCrossentropy()([0], np.zeros((1, 0)))


def test_labels_of_a_bad_shape_are_refused():
    with pytest.raises(ShapeError, match=re.escape("in shape (2,). Received: y_true of shape (3,)")):
        SparseCrossentropy()([0, 1, 2], np.zeros((2, 3)))
    with pytest.raises(ShapeError, match=r"looks like one column a class: pass y_true.argmax"):
        SparseCrossentropy()(np.eye(3), np.ones((3, 3)))


def test_ignore_class_refused():
    with pytest.raises(
        ParameterError, match=r"`ignore_class` must be an integer or None. Received: ignore_class=1.5"
    ):
        SparseCrossentropy(ignore_class=1.5)


@pytest.mark.parametrize("scope", [-1, None])
def test_labels_in_a_sum_with_a_term_that_reads_none(scope):
    class Both(Loss):
        parameters = SparseCrossentropy.parameters
        arguments = ("ignore_class", "alpha", "reduction", "name", "dtype")
        variants = {  # noqa: RUF012
            (): Variant(
                terms=(
                    SparseCrossentropy.variants[True,].terms[0],
                    Term(scope, False, Overlap.variants[()].terms[0].rows, parameters=()),
                )
            )
        }

    labels, p = np.array([0, -1, 2, 1]), data(4, 3, dtype=np.float64)[0]
    kept = labels >= 0
    sparse = crossentropy(labels[kept], p[kept])
    other = 1 - (p**3).sum(-1)[kept] if scope == -1 else 1 - (p**3).sum()  # the prediction stands in for y
    weight = np.array([1.0, 5.0, 2.0, 3.0])
    loss = Both(ignore_class=-1)
    np.testing.assert_allclose(loss(labels, p), (sparse + other).sum() / 3)
    value, gradient = loss.value_and_gradient(labels, p, weight)
    np.testing.assert_allclose(value, (weight[kept] * (sparse + other)).sum() / 3)
    assert gradient.shape == p.shape and (gradient[1] != 0).any() == (scope is None)


def test_labels_in_a_sum_need_the_finest_rows():
    class Both(Loss):
        variants = {  # noqa: RUF012
            (): Variant(
                terms=(
                    Term((0, 1), True, SparseCrossentropy.variants[True,].terms[0].rows),
                    Overlap.variants[()].terms[0],
                    Term(-1, False, Overlap.variants[()].terms[0].rows),
                )
            )
        }

    with pytest.raises(ShapeError, match="its other terms reduce the same axes or more"):
        Both()([0, 1], np.zeros((2, 3)))


# Per-class parameters -----------------------------------------------------------------------------


def test_per_class_parameters():
    p, labels = data(4, 3, dtype=np.float64)[0], np.array([0, 1, 2, 1])
    alpha = np.array([1.0, 2.0, 3.0])
    loss = SparseCrossentropy(True, alpha=alpha)
    np.testing.assert_allclose(loss.call(labels, p), alpha[labels] * crossentropy(labels, p))
    assert loss.alpha == (1.0, 2.0, 3.0)
    with pytest.raises(
        ShapeError, match=r"`alpha` of SparseCrossentropy .* of length 3 and y_pred with 4 columns"
    ):
        loss([0], np.zeros((1, 4)))


# Signed targets -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32, np.float64])
def test_zero_and_one_become_signs(dtype):
    y = np.array([[0, 1], [1, 0]], dtype)
    p = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(SignedOverlap().call(y, p), 1 - ((2.0 * y - 1) * p**2).sum(-1))


@pytest.mark.parametrize(
    "y", [[[0, -1], [1, 1]], [[0.5, 1], [0, 0]], [[-1, 1], [1, -1]], [[np.nan, 1], [0, 0]]]
)
def test_other_targets_stay(y):
    p = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(SignedOverlap().call(y, p), 1 - (np.asarray(y) * p**2).sum(-1))


def test_the_least_integer_is_a_wrong_label_and_no_hidden_one():
    p = np.full((2, 3), 1 / 3)
    for labels in (np.array([-(2**63), 0]), np.array([2**63, 0], np.uint64)):
        with pytest.raises(LabelError):
            SparseCategoricalCrossentropy()(labels, p, mask=[True, True])
    hidden = SparseCategoricalCrossentropy()(np.array([-(2**63), 0]), p, mask=[False, True])
    assert hidden == pytest.approx(np.log(3))
