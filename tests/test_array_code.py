"""Array code computes what the kernels compute: losses, gradients, Hessian times vector.

Derivatives by the target and the parameters, which kernels have not, are what differences of losses say.
"""

import numpy as np
import pytest
from cases import Case, cases, random_inputs
from requiring import require

import lossgen as lg
from lossgen.catalog import DECLARATIONS
from lossgen.errors import ShapeError
from lossgen.runtime import evaluation
from lossgen.runtime.arrays import evaluation as arrays
from lossgen.runtime.arrays.numpy_ops import NumpyOps
from lossgen.runtime.arrays.ops import ELEMENTWISE, ArrayOps
from lossgen.runtime.arrays.preparation import prepared

CASES = list(cases())
DICE = next(each for each in DECLARATIONS if each.name == "dice")


def scene(case: Case, dtype=np.float64, rows: int = 7, columns: int = 3, **arguments):
    """Plan, targets, predictions and a cotangent for a case; one row of the cotangent is 0."""
    loss = lg.compile(case.declaration)(**case.keywords, **arguments)
    y, p = random_inputs(case, rows, columns)
    y, p = (y if case.labels else y.astype(dtype)), p.astype(dtype)
    losses = evaluation.losses_of(loss._plan, y, p)
    cotangent = np.cos(1 + np.arange(losses.size)).reshape(losses.shape).astype(dtype)
    if cotangent.ndim:
        cotangent[2] = 0
    return loss._plan, y, p, losses, cotangent


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_array_code_agrees_with_the_kernels(case, dtype):
    plan, y, p, losses, cotangent = scene(case, dtype)
    vector = np.sin(np.arange(p.size)).reshape(p.shape).astype(dtype)
    targets, predictions = prepared(NumpyOps, plan, y, p)
    tolerance = {np.float32: 2e-5, np.float64: 1e-12}[dtype]
    weight = cotangent if cotangent.ndim else float(cotangent)
    wanted = {
        "losses": losses,
        "gradient": evaluation.value_and_gradient_of(plan, "sum", y, p, weight, None, None)[1],
        "product": evaluation.hessian_vector_product_of(plan, "sum", y, p, vector, weight, None, None),
    }
    got = {
        "losses": arrays.losses(NumpyOps, plan, targets, predictions),
        "gradient": arrays.gradient(NumpyOps, plan, targets, predictions, cotangent),
        "product": arrays.product(NumpyOps, plan, targets, predictions, cotangent, vector),
    }
    for name, right in wanted.items():
        assert got[name].shape == right.shape and got[name].dtype == dtype, name
        size = max(np.abs(right).max(), 1e-3)
        assert np.allclose(got[name], right, rtol=tolerance, atol=tolerance * size), name


@pytest.mark.parametrize("case", [case for case in CASES if not case.labels], ids=str)
def test_the_gradient_by_the_target_is_that_of_differences(case):
    plan, y, p, _, cotangent = scene(case)
    y, p = prepared(NumpyOps, plan, y, p)
    change = 1e-6 * np.cos(3 * np.arange(y.size)).reshape(y.shape)
    gradient = arrays.target_gradient(NumpyOps, plan, y, p, cotangent)
    sides = [np.sum(cotangent * arrays.losses(NumpyOps, plan, y + s * change, p)) for s in (1, -1)]
    assert np.sum(gradient * change) == pytest.approx((sides[0] - sides[1]) / 2, rel=2e-4, abs=1e-11)


PARAMETRIC = [
    (case, name)
    for case in CASES
    for name in case.declaration.parameters
    if case.declaration.symbols()[name] in case.expression.free_symbols
]


@pytest.mark.parametrize("case, name", PARAMETRIC, ids=lambda each: str(each))
def test_the_gradient_by_a_parameter_is_that_of_differences(case, name):
    plan, y, p, _, cotangent = scene(case)
    y, p = prepared(NumpyOps, plan, y, p)
    value = np.asarray(plan.terms[0].values[name], float) + 0.01  # away from where a bound or a kink is
    found = arrays.parameter_gradients(NumpyOps, plan, y, p, cotangent, {name: value})[name]
    assert found.shape == value.shape

    def total(change):
        return np.sum(cotangent * arrays.losses(NumpyOps, plan, y, p, {name: value + change}))

    step = 1e-6
    assert found.sum() == pytest.approx((total(step) - total(-step)) / (2 * step), rel=2e-4, abs=1e-5)


def test_a_parameter_of_one_number_a_column_gets_a_gradient_a_column():
    case = next(each for each in CASES if each.name == "categorical_focal_crossentropy")
    plan, y, p, _, cotangent = scene(case)
    y, p = prepared(NumpyOps, plan, y, p)
    alpha = np.linspace(0.2, 0.6, p.shape[1])
    found = arrays.parameter_gradients(NumpyOps, plan, y, p, cotangent, {"alpha": alpha})["alpha"]
    assert found.shape == alpha.shape
    for column in range(alpha.size):
        change = 1e-6 * np.eye(alpha.size)[column]
        moved = [{"alpha": alpha + sign * change} for sign in (1, -1)]
        sides = [np.sum(cotangent * arrays.losses(NumpyOps, plan, y, p, each)) for each in moved]
        assert found[column] == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-5)


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), None])
def test_any_axis_may_hold_the_columns(axis):
    rng = np.random.default_rng(0)
    y, p = rng.random((4, 3, 5)), rng.random((4, 3, 5))
    plan = lg.losses.Dice(axis=axis)._plan
    losses = arrays.losses(NumpyOps, plan, y, p)
    assert np.allclose(losses, lg.losses.Dice(axis=axis, reduction="none")(y, p), rtol=1e-12)
    gradient = arrays.gradient(NumpyOps, plan, y, p, np.ones_like(losses))
    assert np.allclose(gradient, lg.losses.Dice(axis=axis, reduction="sum").gradient(y, p), rtol=1e-12)


def test_labels_may_be_ignored_and_those_that_name_no_column_give_nan():
    p = np.random.default_rng(1).standard_normal((4, 3))
    plan = lg.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)._plan
    labels = np.array([2, -1, 7, 0])
    losses = arrays.losses(NumpyOps, plan, labels, p)
    right = lg.losses.sparse_categorical_crossentropy(labels[[0, 3]], p[[0, 3]], from_logits=True)
    assert losses[1] == 0 and np.isnan(losses[2]) and np.allclose(losses[[0, 3]], right)
    gradient = arrays.gradient(NumpyOps, plan, labels, p, np.ones(4))
    assert not gradient[1].any() and np.isnan(gradient[2]).all() and np.isfinite(gradient[[0, 3]]).all()


def test_terms_of_different_scopes_add_up():
    total = lg.compile(0.5 * lg.declare("each", lg.Mean((lg.y_pred - lg.y_true) ** 2)) + 0.5 * DICE)
    rng = np.random.default_rng(2)
    y, p = rng.random((6, 4)), rng.random((6, 4))
    plan, cotangent = total()._plan, np.cos(np.arange(6.0))
    assert np.allclose(arrays.losses(NumpyOps, plan, y, p), total(reduction="none")(y, p), rtol=1e-12)
    wanted = total(reduction="sum").gradient(y, p, cotangent)
    assert np.allclose(arrays.gradient(NumpyOps, plan, y, p, cotangent), wanted, rtol=1e-12)


SMOOTH = [case for case in CASES if case.name in (
    "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy", "sigmoid_focal",
    "categorical_focal_crossentropy", "sparse_categorical_crossentropy", "log_cosh", "pseudo_huber", "cauchy",
) and case.keywords.get("from_logits", True)]  # fmt: skip


@pytest.mark.parametrize("case", SMOOTH, ids=str)
def test_frameworks_differentiate_losses_where_predictions_are_zero_and_tie(case):
    """Zeros are what a model begins with; there a branch may have the right value and a wrong derivative."""
    torch = require("torch")
    from lossgen.torch.ops import TorchOps

    plan, y, p, _, _ = scene(case)
    y = torch.tensor(y if case.labels else np.where(np.arange(p.shape[1]) == 1, 1.0, 0.0) + 0 * y)
    y, p = (y if case.labels or case.keywords else 0 * y), torch.zeros(p.shape, dtype=torch.float64)
    p.requires_grad_()
    vector = torch.sin(torch.arange(p.numel(), dtype=p.dtype)).reshape(p.shape)
    losses = arrays.losses(TorchOps, plan, y, p)
    ones = torch.ones_like(losses)
    (gradient,) = torch.autograd.grad(losses, p, ones, create_graph=True)
    (product,) = torch.autograd.grad(gradient, p, vector)
    assert vector.any() and product.any()
    assert torch.allclose(gradient, arrays.gradient(TorchOps, plan, y, p, ones), atol=1e-12)
    assert torch.allclose(product, arrays.product(TorchOps, plan, y, p, ones, vector), atol=1e-12)


@pytest.mark.parametrize("name", ["guarded_product", "xlogy", "xlog1py", "xdivy"])
def test_a_product_that_is_zero_has_the_derivative_of_its_factor(name):
    torch = require("torch")
    from lossgen.torch.ops import TorchOps

    factors = torch.tensor([0.5, 2.0, 0.0], dtype=torch.float64)
    x = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    product = getattr(TorchOps(factors, (0,)), name)(x, factors)
    (slope,) = torch.autograd.grad(product.sum(), x)
    wanted = {"guarded_product": factors, "xlogy": factors.log(), "xlog1py": factors.log1p()}
    assert not product.any()
    assert torch.allclose(slope[:2], wanted.get(name, 1 / factors)[:2]) and slope[2] == 0


def test_a_framework_must_give_every_function():
    with pytest.raises(AssertionError, match="erf"):
        type("Incomplete", (ArrayOps,), {"functions": {name: abs for name in ELEMENTWISE - {"erf"}}})


def test_a_parameter_of_another_length_than_there_are_columns_is_refused():
    case = next(each for each in CASES if each.name == "categorical_focal_crossentropy")
    plan, y, p, _, _ = scene(case)
    with pytest.raises(ShapeError, match=r"shape of \(4,\) and y_pred with 3 columns"):
        arrays.losses(NumpyOps, plan, y, p, {"alpha": np.ones(4)})


def test_array_code_is_not_made_of_what_is_rearranged_for_kernels():
    y, p = lg.y_true, lg.y_pred
    formula = lg.Mean(2 * lg.relu(p) + 3 * lg.relu(-p) + lg.softplus(-lg.absolute(p)) + y**2)
    plan = lg.compile(lg.declare("lopsided", formula))()._plan
    predictions, targets = np.array([[1.0, -2.0]]), np.zeros((1, 2))
    losses = arrays.losses(NumpyOps, plan, targets, predictions)
    assert losses == pytest.approx(evaluation.losses_of(plan, targets, predictions), rel=1e-14)
