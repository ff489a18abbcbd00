"""Generated classes next to Keras on its torch backend: arguments, reductions, weights, axes, labels.

The second half holds what is different on purpose: every row of `docs/differences.md` has its test here.
"""

import numpy as np
import pytest
from cases import Case, cases, random_inputs
from requiring import require

from lossgen import losses
from lossgen.catalog import DECLARATIONS

keras, torch = require("keras"), require("torch")

NAMES = [declaration.name for declaration in DECLARATIONS]
KERAS = DECLARATIONS[: NAMES.index("smooth_l1")]
REDUCTIONS = ("sum", "sum_over_batch_size", "mean", "mean_with_sample_weight", "none", None)
SWAPPED = "tversky"
"""Keras 3.15.1 applies Tversky's alpha to false negatives; 3.16 and lossgen to false positives."""


def of_keras(name: str, **arguments):
    """The class of Keras in float64, with what it needs written differently."""
    plain = {key: list(each) if key == "alpha" and np.ndim(each) else each for key, each in arguments.items()}
    if name == "Tversky":
        plain["alpha"], plain["beta"] = arguments.get("beta", 0.5), arguments.get("alpha", 0.5)
    return getattr(keras.losses, name)(dtype=plain.pop("dtype", "float64"), **plain)


def pair(name: str, **arguments):
    """The class of lossgen and that of Keras with the same arguments."""
    return getattr(losses, name)(**arguments), of_keras(name, **arguments)


def value_and_gradient(loss, y, p, weight=None):
    """Value of a loss of Keras and the gradient of its sum by torch's autograd."""
    prediction = torch.tensor(p, requires_grad=True)
    value = loss(torch.tensor(y), prediction, None if weight is None else torch.tensor(weight))
    value.sum().backward()
    return value.detach().numpy(), prediction.grad.numpy()


def agree(mine, theirs, y, p, weight=None, rtol=3e-6):
    """Value and gradient of both losses are the same, up to how Keras rounds its constants to float32."""
    value, gradient = value_and_gradient(theirs, y, p, weight)
    got, derivative = mine.value_and_gradient(y, p, weight)
    np.testing.assert_allclose(got, value, rtol=rtol, atol=1e-9)
    np.testing.assert_allclose(derivative, gradient, rtol=10 * rtol, atol=1e-8)
    np.testing.assert_allclose(mine(y, p, weight), value, rtol=rtol, atol=1e-9)
    assert np.shape(got) == value.shape


@pytest.mark.parametrize("case", list(cases(KERAS)), ids=str)
def test_values_and_gradients(case):
    mine, theirs = pair(case.declaration.class_name, reduction="none", **case.keywords)
    for hard in (False, True):
        agree(mine, theirs, *random_inputs(case, rows=6, columns=3, hard=hard))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [None, (), (4,), (4, 5), (4, 1), (1, 5)], ids=str)
def test_reductions_and_weights(reduction, shape):
    rng = np.random.default_rng(0)
    y, p = rng.normal(size=(2, 4, 5, 3))
    if shape == (4,):
        y, p = y[:, 0], p[:, 0]
    weight = None if shape is None else rng.random(shape)
    if reduction == "mean_with_sample_weight" and shape in ((), (4, 1), (1, 5)):
        weight = np.broadcast_to(weight, (4, 5)).copy()  # see test_difference_mean_with_broadcast_weights
    agree(*pair("MeanSquaredError", reduction=reduction), y, p, weight)


WITH_AXIS = [declaration for declaration in KERAS if declaration.axis_argument and declaration.scope == -1]


@pytest.mark.parametrize("axis", [-1, 1, 0])
@pytest.mark.parametrize("declaration", WITH_AXIS, ids=lambda declaration: declaration.name)
def test_axes(declaration, axis):
    rng = np.random.default_rng(1)
    shape = (3, 3, 3)
    p = rng.random(shape) * 0.9 + 0.05
    case = Case(declaration, declaration.variants()[0])
    y = rng.integers(0, 3, shape[1:]) if case.labels else rng.random(shape)
    agree(*pair(declaration.class_name, axis=axis, reduction="none"), y, p)


@pytest.mark.parametrize("axis", [None, -1, (1, 2), (0, 2), 0], ids=str)
@pytest.mark.parametrize("name", ["Dice", "Tversky"])
def test_axes_of_regions(name, axis):
    rng = np.random.default_rng(2)
    y, p = (rng.random((2, 3, 4)) > 0.5) * 1.0, rng.random((2, 3, 4))
    arguments = {"alpha": 0.25, "beta": 0.75} if name == "Tversky" else {}
    agree(*pair(name, axis=axis, reduction="none", **arguments), y, p)


@pytest.mark.parametrize("reduction", ["sum", "sum_over_batch_size", "mean_with_sample_weight", "none"])
@pytest.mark.parametrize("from_logits", [False, True])
def test_ignored_labels(from_logits, reduction):
    rng = np.random.default_rng(3)
    y, p = np.array([[2, 0, 9], [9, 1, 1]]), rng.random((2, 3, 4))
    weight = rng.random((2, 3))
    loss = pair("SparseCategoricalCrossentropy", from_logits=from_logits, ignore_class=9, reduction=reduction)
    agree(*loss, y, p)
    agree(*loss, y, p, weight)


@pytest.mark.parametrize("labels", [np.int64, np.int32, np.uint8, np.float64])
@pytest.mark.parametrize("shape", [(4,), (4, 1)], ids=str)
def test_labels_of_any_kind(labels, shape):
    y = np.array([0, 2, 1, 2]).astype(labels).reshape(shape)
    p = np.random.default_rng(4).random((4, 3))
    agree(*pair("SparseCategoricalCrossentropy", reduction="none"), y, p)


@pytest.mark.parametrize("name", ["Hinge", "SquaredHinge"])
@pytest.mark.parametrize(
    "y",
    [[[0, 1], [1, 0]], [[-1, 1], [1, -1]], [[0, 1], [-1, 1]], [[1, 1], [1, 1]], [[0.5, 1], [1, 0]]],
    ids=str,
)
def test_hinge_converts_zeros_and_ones_of_the_whole_tensor(name, y):
    p = np.array([[0.3, -0.7], [1.4, 0.2]])
    agree(*pair(name, reduction="none"), np.array(y, np.float64), p)


@pytest.mark.parametrize("shapes", [((4,), (4, 1)), ((4, 1), (4,)), ((4, 1), (4, 1)), ((4,), (4,))], ids=str)
def test_a_missing_last_axis(shapes):
    rng = np.random.default_rng(5)
    y, p = rng.normal(size=shapes[0]), rng.normal(size=shapes[1])
    mine, theirs = pair("MeanSquaredError")
    np.testing.assert_allclose(mine(y, p), theirs(torch.tensor(y), torch.tensor(p)), rtol=1e-6)


def test_function_handles_do_not_reduce():
    for declaration in KERAS:
        case = Case(declaration, declaration.variants()[0])
        if case.name in (SWAPPED, "dice"):
            continue
        y, p = random_inputs(case, rows=4, columns=3)
        needed = {"q": 0.5} if case.name == "categorical_generalized_cross_entropy" else {}
        theirs = getattr(keras.losses, case.name)(torch.tensor(y), torch.tensor(p), **needed)
        np.testing.assert_allclose(getattr(losses, case.name)(y, p), theirs, rtol=2e-6, atol=1e-9)


# Different on purpose: docs/differences.md ------------------------------------------------------------------


def difference(name: str, y, p, dtype="float32", **arguments):
    """Value and gradient of the sum, ours and Keras's."""
    y, p = np.asarray(y), np.asarray(p, dtype)
    mine = getattr(losses, name)(reduction="sum", **arguments).value_and_gradient(y, p)
    theirs = value_and_gradient(of_keras(name, reduction="sum", dtype=dtype, **arguments), y, p)
    return mine, theirs


def test_difference_tversky():
    y, p = np.array([[1.0, 0.0]]), np.array([[0.9, 0.8]])
    ours = losses.Tversky(alpha=1.0, beta=0.0)(y, p)  # 0.9 / (0.9 + false positives 0.8)
    theirs = keras.losses.Tversky(alpha=1.0, beta=0.0)(torch.tensor(y), torch.tensor(p))
    assert ours == pytest.approx(1 - 0.9 / 1.7)
    assert float(theirs) == pytest.approx(1 - 0.9 / 1.0, abs=1e-6)


def test_difference_binary_focal_from_logits():
    ours, theirs = difference("BinaryFocalCrossentropy", [[1.0]], [[-50.0]], from_logits=True)
    assert ours[0] == pytest.approx(50) and ours[1][0, 0] == pytest.approx(-1)
    assert theirs[0] < 17 and abs(theirs[1][0, 0]) < 1e-15


def test_difference_categorical_focal_from_logits():
    y, p = [[1.0, 0.0]], [[-50.0, 50.0]]
    ours, theirs = difference("CategoricalFocalCrossentropy", y, p, from_logits=True)
    assert ours[0] == pytest.approx(25) and ours[1][0] == pytest.approx([-0.25, 0.25])
    assert theirs[0] < 4.1 and not theirs[1].any()


def test_difference_binary_focal_at_the_target():
    ours, theirs = difference("BinaryFocalCrossentropy", [[1.0]], [[1.0]], gamma=0.5)
    assert ours[1][0, 0] == 0
    assert not np.isfinite(theirs[1][0, 0])


def test_difference_zero_vector():
    ours, theirs = difference("CosineSimilarity", [[1.0, 2.0]], [[0.0, 0.0]])
    assert ours[0] == 0 and not ours[1].any()
    assert theirs[0] == 0 and not (np.isfinite(theirs[1]) & (np.abs(theirs[1]) < 1)).all()


def test_difference_short_vectors_have_a_direction():
    ours, theirs = difference("CosineSimilarity", [[3e-9, 4e-9]], [[3e-9, 4e-9]])
    assert ours[0] == pytest.approx(-1)
    assert abs(theirs[0]) < 0.01


def test_difference_generalized_cross_entropy_at_zero():
    ours, theirs = difference("CategoricalGeneralizedCrossEntropy", [0], [[0.0, 1.0]])
    assert ours[0] == theirs[0] == 2 and not ours[1].any()
    assert not np.isfinite(theirs[1]).all()


def test_difference_half_precision():
    """1 − 1e-7 is 1 in float16, so Keras' clip lets the logarithm of 0 through; torch stops it at −100."""
    y, p = np.array([[0.0]]), np.array([[1.0]], np.float16)
    theirs = of_keras("BinaryCrossentropy", dtype="float16")
    assert losses.BinaryCrossentropy()(y, p) == pytest.approx(-np.log(1e-7), rel=1e-3)
    assert float(theirs(torch.tensor(y), torch.tensor(p))) == 100


def test_difference_labels_of_low_precision():
    y, p = np.array([257]), np.zeros((1, 300), np.float32)
    p[0, 257] = 50
    assert losses.SparseCategoricalCrossentropy(from_logits=True)(y, p) < 1e-6
    theirs = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="bfloat16")
    assert float(theirs(torch.tensor(y), torch.tensor(p))) == 50


@pytest.mark.parametrize("name, argument, value", [("Huber", "delta", 2.0), ("CosineSimilarity", "axis", 1)])
def test_difference_configuration(name, argument, value):
    assert getattr(losses, name)(**{argument: value}).get_config()[argument] == value
    assert argument not in of_keras(name, **{argument: value}).get_config()


def test_difference_dtype_is_configuration():
    assert losses.Huber(dtype="float64").get_config()["dtype"] == "float64"
    assert "dtype" not in of_keras("Huber").get_config()


def test_difference_weights_of_another_rank():
    y, p = np.zeros((2, 3)), np.ones((2, 3))
    weight = np.ones((2, 1, 1))
    with pytest.raises(ValueError, match="weight"):
        losses.MeanSquaredError()(y, p, weight)
    loss = of_keras("MeanSquaredError", reduction=None)
    assert loss(torch.tensor(y), torch.tensor(p), torch.tensor(weight)).shape == (2, 1, 2)


def test_difference_mean_with_broadcast_weights():
    """Keras divides by the sum of the weights as given; the mean of equal losses is then not that loss."""
    y, p = np.zeros((2, 5, 3)), np.ones((2, 5, 3))
    ours, theirs = pair("MeanSquaredError", reduction="mean_with_sample_weight")
    weight = np.array([[1.0], [3.0]])
    assert ours(y, p, weight) == 1
    assert float(theirs(torch.tensor(y), torch.tensor(p), torch.tensor(weight))) == 5


def test_difference_generalized_cross_entropy_has_a_name():
    name = "CategoricalGeneralizedCrossEntropy"
    assert isinstance(losses.get(name), getattr(losses, name))
    with pytest.raises(ValueError):
        keras.losses.get(name)
