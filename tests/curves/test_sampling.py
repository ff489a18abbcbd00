"""The numbers of curves are those of the losses; derivatives are slopes; kinks are where they are."""

import numpy as np
import pytest
import sympy as sp

import lossgen as lg
from lossgen import losses, penalties
from lossgen.catalog import DECLARATIONS, PENALTIES
from lossgen.inspection.curves.picture import shown_limits
from lossgen.inspection.curves.sampling import curve_of, loss_of, shape_of
from lossgen.inspection.curves.views import view_of

NAMED = {each.name: each for each in (*DECLARATIONS, *PENALTIES)}


def curve(name, target, arguments=None, view=None, places=None):
    declaration = NAMED[name]
    values = arguments or {}
    options = {key: value for key, value in values.items() if key in declaration.options}
    parameters = {key: value for key, value in values.items() if key in declaration.parameters}
    made = view_of(declaration, options, parameters, view)
    return curve_of(loss_of(declaration, values), made, target, places=places)


def test_numbers_are_those_of_the_loss():
    x = np.linspace(-3, 3, 7)
    shown = curve("huber", 0.0, {"delta": 2.0}, places=x)
    loss = losses.Huber(delta=2.0, reduction="none")
    gradient, hessian = loss.gradient_and_hessian(np.zeros((7, 1)), x[:, None])
    np.testing.assert_array_equal(shown.value, loss(np.zeros((7, 1)), x[:, None]))
    np.testing.assert_array_equal(shown.gradient, gradient[:, 0])
    np.testing.assert_array_equal(shown.hessian, hessian[:, 0])

    p = np.array([[0.125, 0.25, 0.25], [0.75, 0.25, 0.25]])
    shown = curve("sparse_categorical_crossentropy", 1.0, places=p[:, 0])
    loss = losses.SparseCategoricalCrossentropy(reduction="none")
    np.testing.assert_array_equal(shown.value, loss(np.array([1, 1]), p))
    np.testing.assert_array_equal(shown.gradient, loss.gradient(np.array([1, 1]), p)[:, 0])

    p = np.array([0.25, 0.5, 0.5])
    shown = curve("dice", 1.0, places=[0.25])
    assert shown.value[0] == losses.Dice()(np.array([1.0, 0.0, 0.0]), p)
    assert shown.gradient[0] == losses.Dice().gradient(np.array([1.0, 0.0, 0.0]), p)[0]


def test_numbers_are_those_of_the_penalty():
    assert curve("l1", 0.0, {"l1": 0.5}, places=[-2.0]).value[0] == penalties.L1(0.5)(np.array([-2.0]))
    shown = curve("total_variation", 0.0, {"weight": 0.5}, places=[-3.0, 0.0, 2.0])
    assert [*shown.value] == [1.5, 0, 1] and [*shown.gradient] == [-0.5, 0, 0.5]
    shown = curve("kl_sparsity", 0.0, places=[0.5])
    assert shown.value[0] == penalties.KLSparsity()(np.array([[0.5]]))


SLOPES = [
    ("wing", 0.0, {}, None),
    ("binary_crossentropy", 0.0, {"from_logits": True}, "margin"),
    ("hinge", -1.0, {}, None),
    ("dice", 0.0, {}, None),
    ("sparse_categorical_crossentropy", 0.0, {}, None),
    ("kl_sparsity", 0.0, {}, None),
    ("l1_l2", 0.0, {"l1": 0.5, "l2": 0.25}, None),
]


@pytest.mark.parametrize(("name", "target", "arguments", "view"), SLOPES, ids=[each[0] for each in SLOPES])
def test_derivatives_are_slopes_over_the_variable(name, target, arguments, view):
    low, high = curve(name, target, arguments, view).x[[0, -1]]
    x, step = np.linspace(low + 0.07 * (high - low), high - 0.11 * (high - low), 9), 1e-6 * (high - low)
    before, at, after = (curve(name, target, arguments, view, x + shift) for shift in (-step, 0, step))
    np.testing.assert_allclose(at.gradient, (after.value - before.value) / (2 * step), rtol=1e-6, atol=1e-7)
    slope = (after.gradient - before.gradient) / (2 * step)
    np.testing.assert_allclose(at.hessian, slope, rtol=1e-6, atol=1e-7)


KINKS = [
    ("huber", 0.0, {"delta": 1.3}, (-1.3, 1.3)),
    ("wing", 0.0, {}, (-10, 0, 10)),
    ("hinge", 1.0, {}, (1,)),
    ("hinge", -1.0, {}, (1,)),
    ("quantile", 0.0, {}, (0,)),
    ("mean_squared_logarithmic_error", 1.0, {}, (-1,)),
    ("mean_squared_error", 0.0, {}, ()),
    ("charbonnier", 0.0, {}, ()),
    ("binary_crossentropy", 1.0, {}, ()),
    ("jaccard", 1.0, {}, ()),
    ("multi_margin", 1.0, {"margin": 0.7}, (-0.7,)),
]


@pytest.mark.parametrize(("name", "target", "arguments", "expected"), KINKS)
def test_kinks_are_where_derivatives_jump(name, target, arguments, expected):
    shown = curve(name, target, arguments)
    assert shown.kinks == pytest.approx(expected, abs=1e-6)
    assert all(kink in shown.x for kink in shown.kinks) and np.all(np.diff(shown.x) > 0)


def test_a_loss_of_ones_own_with_a_kink_of_each_order():
    """The value jumps at 1, the slope at 0, the curvature at −1; nothing at −2, steep as it is."""
    y, p = lg.y_true, lg.y_pred
    error = p - y
    formula = sp.Piecewise((1, error > 1), (0, True)) + sp.Abs(error) + lg.relu(error + 1) ** 2
    stepped = lg.declare("stepped", lg.Mean(formula + sp.tanh(1000 * (error + 2))))
    shown = curve_of(loss_of(stepped, {}), view_of(stepped), 0.0)
    assert shown.kinks == pytest.approx((-1, 0, 1), abs=1e-6)


def test_a_pole_is_no_kink_and_leaves_the_rest_to_be_seen():
    declaration = lg.declare("inverse", "mean(1/(y_pred - y_true)**2)")
    shown = curve_of(loss_of(declaration, {}), view_of(declaration), 0.0)
    assert shown.kinks == () and shown.poles == pytest.approx((0.0,), abs=1e-6)
    assert np.isnan(shown.gradient[shown.index(shown.poles[0])])
    low, high = shown_limits([shown], "gradient")
    assert -200 < low < 0 < high < 200


def test_nothing_is_drawn_where_the_loss_has_no_value():
    declaration = lg.declare("logarithm", "mean(y_true*log(y_pred))")
    shown = curve_of(loss_of(declaration, {}), view_of(declaration), 1.0)
    assert np.isnan(shown.value[shown.x < 0]).all()
    assert np.isnan(shown.hessian[shown.x < 0]).all() and np.isfinite(shown.hessian[shown.x > 0.1]).all()


@pytest.mark.parametrize(
    ("scopes", "shape"),
    [
        ((-1,), (3,)), ((None,), (3,)), ((0,), (3,)), ((1,), (1, 3)), ((-2,), (3, 1)), ((-1, None), (3,)),
        (((-2, -1),), (1, 3)),
    ],
)  # fmt: skip
def test_the_columns_of_a_row_lie_along_the_axis_of_the_loss(scopes, shape):
    view = view_of(NAMED["dice"])
    assert shape_of(type(view)(**{**vars(view), "scopes": scopes}), 3) == shape


def test_losses_over_other_axes_and_of_several_terms():
    columns_first = lg.declare("columns_first", sp.sqrt(lg.Mean((lg.y_pred - lg.y_true) ** 2)), scope=0)
    view = view_of(columns_first)
    shown = curve_of(loss_of(columns_first, {}), view, 0.0, places=[1.0])
    assert shown.value[0] == pytest.approx(np.sqrt((1 + 0.25 + 0.25) / 3))
    both = (0.5 * NAMED["mean_squared_error"] + 0.5 * NAMED["dice"]).renamed("Both")
    made = view_of(both)
    assert made.columns == 3 and set(made.scopes) == {-1, None}
    shown = curve_of(loss_of(both, {}), made, 1.0, places=[0.25])
    row, truth = np.array([0.25, *made.others(1.0)]), np.array(made.row(1.0))
    assert shown.value[0] == pytest.approx(np.mean((row - truth) ** 2) / 2 + losses.Dice()(truth, row) / 2)
