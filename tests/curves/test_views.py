"""What a loss is drawn over: the catalogue as a table, losses of one's own, what has no view."""

import math
from dataclasses import replace

import pytest
import sympy as sp

import lossgen as lg
from lossgen.catalog import DECLARATIONS, PENALTIES
from lossgen.errors import NoViewError, ParameterError
from lossgen.inspection.curves.admissible import is_admissible
from lossgen.inspection.curves.views import VARIABLES, variables_of, view_of
from lossgen.language.symbols import Input

NAMED = {each.name: each for each in (*DECLARATIONS, *PENALTIES)}
y, p = lg.y_true, lg.y_pred

EXPECTED = [
    ("mean_squared_error", {}, "residual", "residual p − y", (-4, 4), (0,), 1),
    ("mean_absolute_percentage_error", {}, "residual", "residual p − y", (-4, 4), (1, 3), 1),
    ("wing", {}, "residual", "residual p − y", (-15, 15), (0,), 1),
    ("hinge", {}, "margin", "margin y·p", (-3, 3), (1,), 1),
    ("binary_crossentropy", {}, "prediction", "probability p", (0, 1), (0, 1), 1),
    ("binary_crossentropy", {"from_logits": True}, "prediction", "logit p", (-6, 6), (0, 1), 1),
    ("poisson", {}, "prediction", "amount p", (0, 5), (0, 1, 3), 1),
    ("gamma", {}, "prediction", "logarithm of the mean p", (-3, 3), (0.5, 1, 3), 1),
    ("kl_divergence", {}, "prediction", "amount p", (0, 1.125), (0, 0.5, 1), 1),
    ("dice", {}, "prediction", "probability p of one column, the others 0.5", (0, 1), (0, 1), 3),
    (
        "sparse_categorical_crossentropy", {}, "prediction", "probability p of one column, the others 0.25",
        (0, 1), (0, 1), 3,
    ),
    ("l1", {}, "prediction", "input x", (-4, 4), (0,), 1),
    ("kl_sparsity", {}, "prediction", "mean of the column x", (0, 1), (0,), 1),
    ("total_variation", {}, "prediction", "difference of neighbours x", (-4, 4), (0,), 1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "variable", "label", "interval", "targets", "columns"), EXPECTED)
def test_views_of_the_catalogue(name, options, variable, label, interval, targets, columns):
    view = view_of(NAMED[name], options)
    assert (view.variable, view.label, view.interval) == (variable, label, interval)
    assert (view.targets, view.columns) == (targets, columns)


@pytest.mark.parametrize("declaration", NAMED.values(), ids=NAMED)
def test_every_loss_has_a_view_with_admissible_predictions_and_targets(declaration):
    for options in declaration.variants():
        for variable in variables_of(declaration, options):
            view = view_of(declaration, options, variable=variable)
            low, high = view.interval
            assert view.variable == variable in VARIABLES
            assert view.limits[0] <= low < high <= view.limits[1] and math.isfinite(high - low)
            for target in view.targets:
                assert view.target is None or is_admissible(view, target)
                assert len(view.row(target)) == view.columns == 1 + len(view.others(target))


def test_a_formula_decides_where_nothing_is_declared():
    assert view_of(lg.declare("rest", lg.Mean(p**2 - 2 * p * y + y**2))).variable == "residual"
    assert view_of(lg.declare("logistic", lg.Mean(sp.log(1 + sp.exp(-y * p))))).variable == "margin"
    assert view_of(lg.declare("naive", lg.Mean(sp.log(1 + sp.exp(p)) - y * p))).targets == (0, 1)
    rooted = view_of(lg.declare("rooted", sp.sqrt(lg.Mean((p - y) ** 2))))
    assert (rooted.variable, rooted.alone, rooted.columns) == ("residual", False, 3)
    assert rooted.row(2.0) == (2, 2, 2) and rooted.others(2.0) == (2.5, 2.5)
    smoothed = lg.declare("smoothed", lg.Mean((p - y / lg.column_count) ** 2))
    assert not view_of(smoothed).alone


def test_the_interval_reaches_beyond_where_a_parameter_switches_the_formula():
    huber = NAMED["huber"]
    assert view_of(huber, parameters={"delta": 0.1}).interval == (-4, 4)
    assert view_of(huber, parameters={"delta": [1.0, 10.0]}).interval == (-15, 15)
    assert view_of(NAMED["cauchy"], parameters={"c": 8.0}).interval == (-12, 12)
    assert view_of(NAMED["quantile"], parameters={"quantile": 0.9}).interval == (-4, 4)


def test_one_number_a_column_makes_as_many_columns():
    weighted = lg.declare(
        "weighted", "mean(w * (p - y)**2)", w=lg.Parameter((1.0, 2.0), per_class=True)
    )
    assert (view_of(weighted).columns, view_of(weighted).alone) == (2, False)
    assert view_of(weighted, parameters={"w": 3.0}).columns == 1


def test_the_margin_of_yes_and_no():
    view = view_of(NAMED["binary_crossentropy"], {"from_logits": True}, variable="margin")
    assert (view.slope(0.0), view.slope(1.0), view.label) == (-1, 1, "margin ±p")
    assert view_of(NAMED["hinge"]).slope(-1.0) == -1


def test_what_has_no_view():
    extra = replace(NAMED["huber"], extra_inputs=(Input("w", "extra", sp.Symbol("w")),))
    with pytest.raises(NoViewError, match=r"Huber has no one-dimensional view: it reads more .* \(w\)"):
        view_of(extra)
    with pytest.raises(NoViewError, match="Dice has no view over the residual; write view='prediction'"):
        view_of(NAMED["dice"], variable="residual")
    with pytest.raises(ParameterError, match="`view` must be one of 'residual', 'margin', 'prediction'"):
        view_of(NAMED["dice"], variable="slope")
    with pytest.raises(ParameterError, match="did you mean `from_logits`"):
        view_of(NAMED["brier"], {"from_logit": True})
