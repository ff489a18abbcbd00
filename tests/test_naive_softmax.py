"""Softmax losses as people write them, at rows where their own arithmetic fails: value and derivatives."""

import numpy as np
import pytest
import sympy as sp
from private_cache import private_cache

import lossgen as lg
from lossgen.inspection.verification.reference import exact
from lossgen.language.symbols import y_pred as p
from lossgen.language.symbols import y_true as y

ROWS = [[40.0, 0.0, 3.0], [800.0, -800.0, 0.1], [0.3, -0.2, 1.0]]
"""A confident row, one whose exponentials overflow and underflow, a moderate one."""

LABELS = [0, 1, 2]
ONE_HOT = np.eye(3).tolist()
tau = sp.Symbol("tau")

GATHERED = {
    "log_of_gathered_softmax": -sp.log(lg.Gather(lg.Softmax(p))),
    "log_of_gathered_share": -sp.log(lg.Gather(sp.exp(p)) / lg.Sum(sp.exp(p))),
    "sum_of_exponentials_of_differences": sp.log(lg.Sum(sp.exp(p - lg.Gather(p)))),
    "scaled_logits": lg.LogSumExp(2 * p) - lg.Gather(2 * p),
}
SUMMED = {
    "scaled_logits_summed": lg.LogSumExp(2 * p) - lg.Sum(2 * y * p),
    "below_the_maximum": sp.log(lg.Sum(sp.exp(p - lg.Max(p)))),
}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with private_cache(tmp_path_factory.mktemp("cache")):
        yield


def check(name, expression, targets, rows=ROWS, rtol=1e-12, **facts):
    declaration = lg.declare(name, expression, **facts)
    (term,) = declaration.terms({})
    loss = lg.compile(declaration)(reduction="none")
    values = {symbol: declaration.parameters[n].default for n, symbol in declaration.symbols().items()}
    value, gradient = loss.value_and_gradient(np.asarray(targets), np.asarray(rows))
    _, hessian = loss.gradient_and_hessian(np.asarray(targets), np.asarray(rows))
    for r, row in enumerate(rows):
        true = exact(term.expression, targets[r], row, values)
        np.testing.assert_allclose(value[r], float(true.value), rtol)
        np.testing.assert_allclose(gradient[r], [float(each) for each in true.gradient], rtol)
        diagonal = [float(true.hessian[j][j]) for j in range(len(row))]
        np.testing.assert_allclose(hessian[r], diagonal, rtol)


@pytest.mark.parametrize("name", GATHERED)
def test_losses_of_labels(name):
    check(name, GATHERED[name], LABELS)


@pytest.mark.parametrize("name", SUMMED)
def test_losses_of_targets(name):
    check(name, SUMMED[name], ONE_HOT)


def test_a_temperature_that_leaves_the_gather():
    expression = lg.LogSumExp(p / tau) - lg.Gather(p / tau)
    check("temperature", expression, LABELS, tau=lg.Parameter(0.5, positive=True))


@pytest.mark.parametrize("weight", [p**2, y**2], ids=str)
def test_weights_that_may_be_zero_have_derivatives(weight):
    rows, targets = [[0.0, 0.3, 1.0], [2.0, 0.0, 0.0]], [[0.0, 0.0, 0.0], [0.0, 1.0, 0.5]]
    check("weighted", sp.log(1 + lg.Sum(weight * sp.exp(p))), targets, rows)
