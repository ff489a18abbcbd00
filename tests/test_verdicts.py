"""Verdicts on formulas that were once taken for convex, or for sums over columns, and are not."""

import numpy as np
import pytest
import sympy as sp
from sympy import Eq, Ne, Piecewise

import lossgen as lg
from lossgen.compiler.driver import derive
from lossgen.compiler.properties import properties_of

ERROR = lg.y_pred - lg.y_true
TOTAL = lg.Sum(lg.y_pred)
SQUARES = lg.Sum(ERROR**2)


def verdict(expression, **arguments):
    declaration = lg.declare("Trap", expression, **arguments)
    return properties_of(declaration, {}, derive(declaration, {}))


@pytest.mark.parametrize("name", ["growth", "prior", "y_beyond", "prior_positive", "jump_0"])
def test_a_parameter_may_have_any_name_for_the_optimum(name):
    """Symbols of a proof are not those of a person."""
    expression = lg.Mean(2 * sp.exp(lg.y_pred) - (lg.y_true + sp.Symbol(name)) * lg.y_pred)
    parameters = {name: lg.Parameter(3.0, positive=True)}
    domain = {"target": "nonnegative"}
    declaration = lg.declare("Prior", expression, domain=domain, link="log", **parameters)
    assert not properties_of(declaration, {}, derive(declaration, {})).mean_is_optimal
    assert float(lg.compile(declaration)().optimal_constant(np.ones(2))) == pytest.approx(np.log(2))


@pytest.mark.parametrize("name", ["beyond_cut", "width", "y_beyond", "width_beyond"])
def test_a_parameter_may_have_any_name_for_convexity(name):
    cubic = sp.Symbol(name) * ERROR**2 / 2 - ERROR**3 / 6
    parameters = {name: lg.Parameter(1.0, minimum=0)}
    found = verdict(lg.Mean(Piecewise((0, ERROR <= 0), (cubic, True))), **parameters)
    assert found.curvature == "unproved"


@pytest.mark.parametrize(
    "expression",
    [
        Piecewise((0, TOTAL > 1), (1, True)) + 0 * SQUARES,
        Piecewise((SQUARES, TOTAL > 1), (SQUARES + 5, True)),
        lg.Mean(ERROR**2) + sp.sign(TOTAL),
    ],
)
def test_columns_meet_in_a_condition_on_their_sum(expression):
    found = verdict(expression)
    assert (found.curvature, found.diagonal) == ("unproved", False)


@pytest.mark.parametrize(
    "function",
    [
        Piecewise((-ERROR, ERROR < 0), (ERROR, ERROR > 0), (100, True)),
        Piecewise((100, Eq(lg.y_pred, lg.y_true)), (sp.Abs(ERROR), True)),
        Piecewise((100, (lg.y_pred >= lg.y_true) & (lg.y_pred <= lg.y_true)), (sp.Abs(ERROR), True)),
        Piecewise((1, Ne(lg.y_pred, lg.y_true)), (0, True)),
    ],
)
def test_the_value_at_a_cut_counts(function):
    assert verdict(lg.Mean(function)).curvature == "unproved"


def test_a_value_at_a_cut_that_fits_is_no_obstacle():
    function = Piecewise((-ERROR, ERROR < 0), (ERROR, ERROR > 0), (0, True))
    assert verdict(lg.Mean(function)).curvature == "zero"
