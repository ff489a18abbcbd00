"""Declared expressions become ladders: which reductions, in how many passes, with which derivatives."""

import numpy as np
import pytest
import sympy as sp
from ladder_values import at_columns, rows_of

import lossgen as lg
from lossgen.catalog import DECLARATIONS
from lossgen.compiler.counts import passes
from lossgen.compiler.differentiate import (
    gradient,
    hessian_diagonal,
    hessian_vector_product,
    parameter_gradient,
)
from lossgen.compiler.driver import derive
from lossgen.compiler.flatten import flatten
from lossgen.compiler.ladder import LABEL_HIT, map_expressions
from lossgen.compiler.stabilise import stabilise
from lossgen.inspection.formulas import gradient_formula
from lossgen.inspection.verification.reference import exact
from lossgen.language.atoms import softplus
from lossgen.language.symbols import column_count, parameter_symbol, y_pred, y_true

y, p, C = y_true, y_pred, column_count
BY_NAME = {declaration.name: declaration for declaration in DECLARATIONS}
gamma = parameter_symbol("gamma", nonnegative=True)
delta = parameter_symbol("delta", positive=True)
weights = parameter_symbol("weights", positive=True)


def rungs(expression, columns=frozenset()) -> list[tuple[str, sp.Expr]]:
    """Kind and summand of every rung."""
    return [(rung.kind, rung.summand) for rung in flatten(expression, frozenset(columns)).rungs]


# Which reductions -----------------------------------------------------------------------------------------

SHARE = sp.exp(p) / lg.Sum(sp.exp(p))


@pytest.mark.parametrize(
    "expression",
    [
        sp.log(lg.Sum(sp.exp(p))),
        lg.LogSumExp(p),
        sp.log(lg.Mean(sp.exp(p))),
        sp.log(3 * lg.Sum(sp.exp(p))),
        sp.log(1 + lg.Sum(sp.exp(p))),
        sp.log(delta + lg.Mean(sp.exp(p))),
        sp.log(lg.Sum(sp.exp(p)) ** 2),
        1 / lg.Sum(sp.exp(p)),
    ],
    ids=str,
)
def test_a_sum_of_exponentials_is_a_log_sum_exp(expression):
    assert rungs(expression) == [("logsumexp", p)]


@pytest.mark.parametrize(
    "expression",
    [
        lg.Sum(y * sp.log(SHARE)),
        lg.Sum(y * sp.log(lg.Softmax(p))),
        lg.Sum(y * lg.LogSoftmax(p)),
        lg.Sum(y * (p - sp.log(lg.Sum(sp.exp(p))))),
        lg.Sum(y * p) - lg.Sum(y) * lg.LogSumExp(p),
    ],
    ids=str,
)
def test_cross_entropy_sums_differences_from_the_log_sum_exp(expression):
    ladder = map_expressions(flatten(expression), stabilise)
    first, *others = ladder.rungs
    assert (first.kind, first.summand) == ("logsumexp", p)
    summed = [rung for rung in others if ladder.head.has(rung.symbol)]
    assert any(sp.expand(rung.summand - y * (p - first.symbol)) == 0 for rung in summed)
    assert first.symbol not in (ladder.head.free_symbols if len(summed) == 1 else ())


def test_weights_enter_the_log_sum_exp():
    expression = sp.log(lg.Sum(weights * sp.exp(2 * p)))
    assert rungs(expression, {weights}) == [("logsumexp", 2 * p + sp.log(weights))]


def test_a_constant_beside_the_exponentials_makes_a_softplus():
    ladder = flatten(sp.log(1 + lg.Sum(sp.exp(p))))
    assert ladder.head == softplus(ladder.rungs[0].symbol)


def test_a_sum_that_is_no_weighted_sum_of_exponentials_stays_a_sum():
    assert rungs(sp.log(lg.Sum(1 + sp.exp(p)))) == [("sum", 1 + sp.exp(p))]
    assert rungs(lg.Sum(sp.exp(p))) == [("sum", sp.exp(p))]
    assert rungs(sp.log(lg.Sum(y * sp.exp(p)))) == [("sum", y * sp.exp(p))]


def test_labels_are_picked():
    ladder = flatten(-lg.Gather(lg.LogSoftmax(p)))
    assert [rung.kind for rung in ladder.rungs] == ["logsumexp", "pick"]
    assert ladder.rungs[1].at == LABEL_HIT and ladder.head == -ladder.rungs[1].symbol


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (lg.Sum(2 * delta * p), [("sum", p)]),
        (lg.Sum(p * lg.Sum(y)), [("sum", y), ("sum", p)]),
        (lg.Sum(lg.Mean(p)), [("sum", p)]),
        (lg.Sum(lg.Softmax(p)) + lg.Max(p), [("logsumexp", p), ("max", p)]),
        (lg.Sum(p) * lg.Sum(p) + lg.Mean(p), [("sum", p)]),
        (lg.Max(p) - lg.Min(p), [("max", p), ("min", p)]),
    ],
    ids=str,
)
def test_rungs_are_as_few_as_can_be(expression, expected):
    assert sorted(rungs(expression), key=str) == sorted(expected, key=str)


def test_reductions_of_what_is_the_same_at_every_column():
    for expression, head in (
        (lg.Sum(delta), C * delta),
        (lg.Mean(delta), delta),
        (lg.Max(delta), delta),
        (lg.LogSumExp(delta), delta + sp.log(C)),
        (lg.Sum(lg.Softmax(p)), sp.Integer(1)),
    ):
        assert flatten(expression).head == head


# How many passes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "value", "value_and_gradient"),
    [
        ("mean_squared_error", {}, 1, 1),
        ("huber", {}, 1, 1),
        ("binary_crossentropy", {"from_logits": True}, 1, 1),
        ("categorical_crossentropy", {"from_logits": True}, 2, 3),
        ("sparse_categorical_crossentropy", {"from_logits": True}, 2, 3),
        ("cosine_similarity", {}, 1, 2),
        ("dice", {}, 1, 2),
        ("tversky", {}, 1, 2),
        ("categorical_focal_crossentropy", {"from_logits": True}, 3, 4),
    ],
)
def test_passes_over_a_row(name, options, value, value_and_gradient):
    declaration = BY_NAME[name]
    (term,) = derive(declaration, {**declaration.variants()[0], **options})
    assert passes(term.schedules["value"]) <= value
    assert passes(term.schedules["value_and_gradient"]) <= value_and_gradient


# Derivatives ----------------------------------------------------------------------------------------------

ROW = (0.3, -1.2, 0.8)
TARGET = (0.7, 0.1, -0.4)
VECTOR = (1.0, -0.5, 0.25)
VALUES = {gamma: 1.5, delta: 0.75, weights: (0.5, 2.0, 1.25)}
FORMULAS = [
    lg.Mean(sp.log(1 + sp.exp(p)) - y * p),
    -lg.Sum(y * lg.LogSoftmax(p)),
    -lg.Sum(y * sp.log(SHARE)),
    -lg.Sum(y * (1 - lg.Softmax(p)) ** gamma * lg.LogSoftmax(p)),
    -lg.Sum(y * p) / sp.sqrt(lg.Sum(p**2) * lg.Sum(y**2)),
    1 - 2 * lg.Sum(y * p) / (lg.Sum(y**2) + lg.Sum(p**2) + delta),
    lg.Max(y * p) - lg.Min(p**2) * lg.Mean(p),
    lg.LogSumExp(p * lg.Sum(p * y)) + lg.Sum(lg.Softmax(p * gamma) ** 2),
    sp.log(delta + lg.Sum(weights * sp.exp(p * y))),
    lg.Sum(weights * lg.Softmax(p) * (p - lg.Sum(lg.Softmax(p) * p)) ** 2),
    lg.softplus(lg.Max(p - y)) * lg.LogSumExp(lg.LogSoftmax(p) * gamma),
    lg.Mean(sp.Piecewise((p**2, p < lg.Mean(p)), (delta * p, True)) ** 2),
]
LABEL_FORMULAS = [
    -lg.Gather(lg.LogSoftmax(p)),
    -((1 - lg.Gather(lg.Softmax(p))) ** gamma) * lg.Gather(lg.LogSoftmax(p)),
    lg.Sum(lg.relu(1 + p - lg.Gather(p)) ** 2),
    lg.LogSumExp(p - lg.Gather(p)) + lg.Gather(weights) * lg.Max(p),
]
CASES = [(formula, TARGET) for formula in FORMULAS] + [(formula, 2) for formula in LABEL_FORMULAS]


def ladder_of(formula):
    columns = frozenset({weights}) & formula.free_symbols
    return map_expressions(flatten(formula, columns), lambda each: stabilise(each, nonnegative=frozenset()))


def values_of(formula):
    return {symbol: value for symbol, value in VALUES.items() if symbol in formula.free_symbols}


def both_forms(derivative, target, formula, vector=None) -> list[list[float]]:
    """The accurate and the textbook form at each column."""
    spelt_out = lambda expression: expression.xreplace(derivative.parts)  # noqa: E731
    ladder = map_expressions(derivative.ladder, spelt_out)
    columns = rows_of(ladder, target, ROW, values_of(formula), vector)
    return [at_columns(spelt_out(form), columns) for form in (derivative.expression, derivative.textbook)]


@pytest.mark.parametrize(("formula", "target"), CASES, ids=lambda each: str(each)[:60])
def test_derivatives_by_the_prediction(formula, target):
    ladder = ladder_of(formula)
    reference = exact(formula, target, ROW, values_of(formula))
    columns = rows_of(ladder, target, ROW, values_of(formula))
    assert at_columns(ladder.head, columns)[0] == pytest.approx(float(reference.value), rel=1e-12)
    first = gradient(ladder)
    hessian = np.array([[float(entry) for entry in line] for line in reference.hessian])
    for derivative, wanted, vector in (
        (first, [float(g) for g in reference.gradient], None),
        (hessian_diagonal(first), np.diagonal(hessian), None),
        (hessian_vector_product(first), hessian @ np.array(VECTOR), VECTOR),
    ):
        for found in both_forms(derivative, target, formula, vector):
            np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12 * np.abs(hessian).max())


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda each: str(each)[:60])
def test_gradient_by_the_target(formula):
    reference = exact(formula, TARGET, ROW, values_of(formula), order=1)
    wanted = [float(reference.jet.derivative(len(ROW) + j)) for j in range(len(ROW))]
    for found in both_forms(gradient(ladder_of(formula), {y: sp.Integer(1)}), TARGET, formula):
        np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("formula", "target"), CASES, ids=lambda each: str(each)[:60])
@pytest.mark.parametrize("symbol", [gamma, delta], ids=str)
def test_gradient_by_a_parameter(formula, target, symbol):
    if symbol not in formula.free_symbols:
        return
    step = 2.0**-17
    near = [{**values_of(formula), symbol: VALUES[symbol] + sign * step} for sign in (1, -1)]
    ends = [exact(formula, target, ROW, values, order=0).value for values in near]
    derivative = parameter_gradient(ladder_of(formula), {symbol: sp.Integer(1)})
    (found,) = {*both_forms(derivative, target, formula)[0]}
    assert found == pytest.approx(float((ends[0] - ends[1]) / (2 * step)), rel=1e-8)


def test_gradient_by_a_parameter_of_each_class():
    formula = sp.log(delta + lg.Sum(weights * sp.exp(p * y)))
    found = both_forms(gradient(ladder_of(formula), {weights: sp.Integer(1)}), TARGET, formula)[0]
    share = np.exp(np.multiply(ROW, TARGET))
    wanted = share / (VALUES[delta] + np.dot(VALUES[weights], share))
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


# As the books print it ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "formula",
    [
        lg.softplus(p) - y * p,
        sp.log(1 + sp.exp(p)) - y * p,
        -y * sp.log(1 / (1 + sp.exp(-p))) - (1 - y) * sp.log(1 - 1 / (1 + sp.exp(-p))),
        -y * sp.log(lg.sigmoid(p)) - (1 - y) * sp.log(lg.sigmoid(-p)),
        y * lg.softplus(-p) + (1 - y) * lg.softplus(p),
    ],
    ids=str,
)
def test_binary_cross_entropy(formula):
    assert gradient_formula(lg.declare("cross_entropy", lg.Sum(formula))) == "σ(p) − y"


@pytest.mark.parametrize(
    "formula",
    [
        -lg.Sum(y * lg.LogSoftmax(p)),
        -lg.Sum(y * sp.log(lg.Softmax(p))),
        -lg.Sum(y * sp.log(SHARE)),
        lg.LogSumExp(p) * lg.Sum(y) - lg.Sum(y * p),
        lg.Sum(y * (sp.log(lg.Sum(sp.exp(p))) - p)),
    ],
    ids=str,
)
def test_softmax_cross_entropy(formula):
    assert gradient_formula(lg.declare("cross_entropy", formula)) == "softmax(p)·Σy − y"


def test_cross_entropy_of_labels():
    declaration = lg.declare("cross_entropy", -lg.Gather(lg.LogSoftmax(p)))
    assert gradient_formula(declaration) == "softmax(p) − [k = y]"
