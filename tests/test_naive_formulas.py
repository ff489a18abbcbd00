"""Formulas as people write them first, which overflow or cancel when they are computed as they stand.

Compiled, they keep the accuracy contract: finite and accurate wherever the exact results are.
"""

from functools import cache

import numpy as np
import pytest
import sympy as sp
from private_cache import private_cache

import lossgen as lg
from lossgen.inspection.verification.contract import FLOATS, excess, tolerance
from lossgen.inspection.verification.reference import exact
from lossgen.language.symbols import parameter_symbol, y_pred, y_true

y, p = y_true, y_pred
gamma = parameter_symbol("gamma", nonnegative=True)
delta = parameter_symbol("delta", positive=True)
sigmoid = 1 / (1 + sp.exp(-p))
PARAMETERS = {gamma: lg.Parameter(0.5, minimum=0), delta: lg.Parameter(0.75, positive=True)}

PROBABILITIES, SIGNS, NUMBERS = (0.0, 1.0, 0.25), (-1.0, 1.0), (0.5, -0.3)
ELEMENTWISE = {
    "cross-entropy of a sigmoid": (-y * sp.log(sigmoid) - (1 - y) * sp.log(1 - sigmoid), PROBABILITIES),
    "cross-entropy of logits": (sp.log(1 + sp.exp(p)) - y * p, PROBABILITIES),
    "logistic": (sp.log(1 + sp.exp(-y * p)), SIGNS),
    "log cosh": (sp.log(sp.cosh(p - y)), NUMBERS),
    "pseudo-Huber": (delta**2 * (sp.sqrt(1 + ((p - y) / delta) ** 2) - 1), NUMBERS),
    "Charbonnier": (sp.sqrt((p - y) ** 2 + delta**2) - delta, NUMBERS),
    "Cauchy": (sp.log(1 + (p - y) ** 2), NUMBERS),
    "Welsch": (1 - sp.exp(-((p - y) ** 2) / 2), NUMBERS),
    "hyperbolic tangent": (1 - (sp.exp(p) - sp.exp(-p)) / (sp.exp(p) + sp.exp(-p)), NUMBERS),
    "Poisson": (sp.exp(p) - y * p, (0.0, 2.5)),
    "LINEX": (sp.exp(p) - 1 - p, NUMBERS[:1]),
    "entropy of a sigmoid": (-sigmoid * sp.log(sigmoid) - (1 - sigmoid) * sp.log(1 - sigmoid), NUMBERS[:1]),
    "log odds": (y * sp.log(sigmoid / (1 - sigmoid)), PROBABILITIES),
    "log of a complement": (sp.log(1 - sp.exp(-sp.Abs(p) - 1)), NUMBERS[:1]),
    "complementary log-log": (
        sp.Piecewise((-sp.log(1 - sp.exp(-sp.exp(p))), y > sp.Rational(1, 2)), (sp.exp(p), True)), (0.0, 1.0),
    ),
    "complementary log-log, scaled": (-sp.log(1 - sp.exp(-delta * sp.exp(p))), NUMBERS[:1]),
    "zero-inflated Poisson": (-sp.log(delta + (1 - delta) * sp.exp(-sp.exp(p))), NUMBERS[:1]),
}
SIZES = (1e-30, 1e-8, 0.3, 1.0, 5.0, 17.0, 37.0, 89.0, 104.0, 1e4, 1e15)

share = sp.exp(p) / lg.Sum(sp.exp(p))
likelihood = lg.Gather(lg.Softmax(p))
BY_ROWS = {
    "cross-entropy of shares": -lg.Sum(y * sp.log(share)),
    "cross-entropy of a softmax": -lg.Sum(y * sp.log(lg.Softmax(p))),
    "cross-entropy of a label": -lg.Gather(sp.log(share)),
    "log of a sum": sp.log(lg.Sum(sp.exp(p))),
    "log of a sum and one": sp.log(1 + lg.Sum(sp.exp(p))),
    "focal": -lg.Sum(y * (1 - lg.Softmax(p)) ** 2 * sp.log(lg.Softmax(p))),
    "focal, exponent below 1": -lg.Sum(y * (1 - lg.Softmax(p)) ** gamma * sp.log(lg.Softmax(p))),
    "focal of a label": -((1 - likelihood) ** gamma) * sp.log(likelihood),
    "absolute error of shares": 1 - lg.Sum(y * share),
    "largest logit": lg.Max(p) - lg.Gather(p),
}
ROWS = ((0, 0, 0), (1, 2, 3), (20, 0, -1), (37, 0, 0), (104, 0, 0), (-95, -95, -96), (0.3, -0.2, 0.1))
TARGETS = ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.25, 0.5, 0.25))

OPEN = {
    ("zero-inflated Poisson", "value"),
    ("log of a sum and one", "hessian"),
    ("focal", "hessian"),
    ("focal, exponent below 1", "hessian"), ("focal of a label", "hessian"),
    ("absolute error of shares", "value"), ("absolute error of shares", "gradient"),
    ("absolute error of shares", "hessian"),
}  # fmt: skip
"""Where it does not hold yet."""


@pytest.fixture(scope="module", autouse=True)
def compiled_losses(tmp_path_factory):
    with private_cache(tmp_path_factory.mktemp("cache")):
        yield


def cases(formulas):
    """Every formula with every output."""
    for name in formulas:
        for output in ("value", "gradient", "hessian"):
            marks = [pytest.mark.xfail(strict=True)] if (name, output) in OPEN else []
            yield pytest.param(name, output, id=f"{name}-{output}", marks=marks)


@cache
def reference_of(formula, target, prediction):
    """The exact row, computed once for all outputs."""
    values = {symbol: each.default for symbol, each in PARAMETERS.items()}
    return exact(formula, target, prediction, values, order=3)


def misses(formula, targets, predictions, output, hard, kinds=FLOATS):
    """Numbers that miss the contract."""
    own = {symbol.name: each for symbol, each in PARAMETERS.items() if symbol in formula.free_symbols}
    domain = {"target": "probability"} if hard == (0.0, 1.0) else {}
    loss = lg.compile(lg.declare("naive", formula, domain=domain, **own))(reduction=None)
    for kind in kinds:
        y, p = (np.array(each) for each in (targets, predictions))
        y, p = (y if y.dtype.kind == "i" else y.astype(kind.dtype)), p.astype(kind.dtype)
        got = {
            "value": lambda y=y, p=p: loss(y, p)[:, None],
            "gradient": lambda y=y, p=p: loss.gradient(y, p),
            "hessian": lambda y=y, p=p: loss.gradient_and_hessian(y, p)[1],
        }[output]()
        for row, target, prediction in zip(got, y, p, strict=True):
            target = int(target) if target.ndim == 0 else tuple(map(float, target))
            prediction = tuple(map(float, prediction))
            reference = reference_of(formula, target, prediction)
            for j, number in enumerate(row if reference is not None else ()):
                derivative = {"value": (), "gradient": (j,), "hessian": (j, j)}[output]
                right = reference.jet.derivative(*derivative)
                allowed = tolerance(reference, derivative, target, prediction, kind, hard)
                size = excess(number, right, allowed, kind)
                if size > 1:
                    told = f"{number!r}, exact {float(right)!r}, {size:.3g} times what is allowed"
                    yield f"{output}[{j}] {kind.dtype} {told}, at y={target} p={prediction}"


@pytest.mark.parametrize(("name", "output"), list(cases(ELEMENTWISE)))
def test_elementwise(name, output):
    formula, targets = ELEMENTWISE[name]
    sizes = [sign * size for size in SIZES for sign in (1, -1)] + [0.0]
    if any(each.exp.has(sp.exp) for each in formula.atoms(sp.exp)):  # the reference is no number beyond
        sizes = [size for size in sizes if abs(size) < 200]
    pairs = [(target, size) for target in targets for size in sizes]
    y, p = np.array(pairs).T[:, :, None]
    hard = () if targets is NUMBERS or targets == NUMBERS[:1] else (0.0, 1.0) if 0.0 in targets else SIGNS
    found = list(misses(lg.Sum(formula), y, p, output, hard, FLOATS[:1]))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("name", "output"), list(cases(BY_ROWS)))
def test_by_rows(name, output):
    formula = BY_ROWS[name]
    targets = range(3) if formula.has(lg.Gather) else TARGETS
    pairs = [(target, row) for target in targets for row in ROWS]
    found = list(misses(formula, [t for t, _ in pairs], [row for _, row in pairs], output, (0.0, 1.0)))
    assert not found, "\n".join(found)


def test_a_square_of_an_absolute_value():
    """|e|^a has the curvature of e² where a is 2, at 0, too."""
    a = parameter_symbol("a", positive=True)
    declaration = lg.declare("powered", lg.Sum(sp.Abs(p - y) ** a), a=lg.Parameter(2.0, positive=True))
    at = np.array([[0.5, 0.5, 1.0]]), np.array([[0.5, 1.5, 1e-3]])
    for exponent, curvatures in ((2.0, (2, 2, 2)), (3.0, (0, 6, 6 * 0.999)), (1.0, (0, 0, 0))):
        loss = lg.compile(declaration)(a=exponent)
        np.testing.assert_allclose(loss.gradient_and_hessian(*at)[1], [curvatures], rtol=1e-12)
        product = loss.hessian_vector_product(*at, np.ones((1, 3)))
        np.testing.assert_allclose(product, [curvatures], rtol=1e-12)


# Where the plain derivative is 0/0 or 0·∞ -------------------------------------------------------------------


def compiled(formula, **parameters):
    return lg.compile(lg.declare("edge", formula, **parameters))


def test_the_norm_at_zero():
    loss = compiled(sp.sqrt(lg.Sum(p**2)))(reduction=None)
    value, gradient = loss.value_and_gradient(np.zeros((2, 3)), np.array([[0.0, 0.0, 0.0], [3.0, 0.0, 4.0]]))
    np.testing.assert_array_equal(value, [0, 5])
    np.testing.assert_allclose(gradient, [[0, 0, 0], [0.6, 0, 0.8]], rtol=1e-15)


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_a_power_of_a_complement_at_one(exponent):
    """(1 − z)^γ at z = 1: the value is 0, and the slope is finite, by agreement where it is infinite."""
    cls = compiled(lg.Sum(y * (1 - p) ** gamma), gamma=lg.Parameter(1.0, minimum=0))
    z = np.array([[1.0, 0.75, 0.0]])
    value, gradient = cls(gamma=exponent, reduction=None).value_and_gradient(np.ones((1, 3)), z)
    np.testing.assert_allclose(value, [0.25**exponent + 1], rtol=1e-15)
    np.testing.assert_allclose(gradient[0, 1:], [-exponent * 0.25 ** (exponent - 1), -exponent], rtol=1e-15)
    assert np.isfinite(gradient).all()
