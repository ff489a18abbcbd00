"""The expected Hessian and the bound of its rows, against dense Hessians and against the declared formula."""

import numpy as np
import pytest
from cases import Case, cases
from mpmath import mp, mpf

import lossgen as lg
from lossgen import losses
from lossgen.compiler.driver import derive
from lossgen.compiler.properties import properties_of
from lossgen.inspection.verification.reference import exact
from lossgen.runtime.labels import NO_LABEL

COLUMNS, ROWS = 3, 40
ROUNDING = {np.float32: 2e-5, np.float64: 1e-12}
"""Of sums of a few products, relative to what is added up."""

CONFIDENT = 16
"""Units in the last place of 1: what is left of differences of probabilities where one class dominates."""

FISHER, BOUND = "gradient_and_fisher", "gradient_and_upper_bound"
OWN = {
    "label_focal": lg.declare(
        "LabelFocal", "-(1 - gather(softmax(p)))**2 * log(gather(softmax(p)))", link="softmax"
    ),
    "squared_softmax_hinge": lg.declare(
        "SquaredSoftmaxHinge", "sum(square(relu(1 + p - gather(p)))) + 0.5*logsumexp(p)", link="identity"
    ),
    "log_target": lg.declare(
        "LogTarget", "mean(y*exp(-p/2) + exp(p)*(1 + y))", link="log", domain={"target": "nonnegative"}
    ),
    "signed": lg.declare(
        "Signed", "mean(sigmoid(-y*p)**2*softplus(-y*p))", link="logit", domain={"target": "signs"}
    ),
    "norm": lg.declare("Norm", "sqrt(1 + sum((p - y)**2))"),
    "product": lg.declare("Product", "sum(p**2)*sum(exp(y*p))/(1 + sum(y**2))"),
}


def declared_cases() -> list[Case]:
    return [*(case for case in cases() if not case.arguments), *map(Case, OWN.values())]


def fisher_of(case: Case) -> str | None:
    return properties_of(case.declaration, case.options, derive(case.declaration, case.options)).fisher


ALL = {str(case): case for case in declared_cases()}
MADE = {name: derive(case.declaration, case.options)[0].further for name, case in ALL.items()}
WITH = {output: [ALL[name] for name, made in MADE.items() if output in made] for output in (FISHER, BOUND)}


def loss_of(case: Case):
    if case.name in {each.name for each in OWN.values()}:
        return lg.compile(case.declaration)(reduction="sum")
    return getattr(losses, case.declaration.class_name)(reduction="sum", **case.keywords)


def inputs(case: Case, dtype, seed: int = 0):
    """Targets of the domain and logits, some of them confident."""
    rng = np.random.default_rng(seed)
    p = rng.standard_normal((ROWS, COLUMNS)) * rng.choice([0.5, 3, 12], (ROWS, 1))
    if case.labels:
        return rng.integers(0, COLUMNS, ROWS), p.astype(dtype)
    y = np.eye(COLUMNS)[rng.integers(0, COLUMNS, ROWS)]
    if case.domain("target") == "signs":
        y = 2 * y - 1
    elif case.bounds("target")[1] > 1:
        y = rng.gamma(1.0, 2.0, p.shape)
    return y.astype(dtype), p.astype(dtype)


def run(loss, output: str, y, p):
    """One kernel by rows, as it is."""
    (term,) = loss._plan.terms
    gradient, hessian = np.empty_like(p), np.empty_like(p)
    kernel, _ = term.rows[output]
    ignored = (NO_LABEL,) if term.labels else ()
    kernel(y, p, *term.row_parameters(p.shape[1]), None, 1.0, *ignored, gradient, hessian)
    return gradient, hessian


def dense(loss, y, p):
    """The Hessians of all rows, by columns."""
    unit = np.eye(p.shape[1], dtype=p.dtype)
    columns = [
        loss.hessian_vector_product(y, p, np.ascontiguousarray(np.broadcast_to(unit[j], p.shape)))
        for j in range(p.shape[1])
    ]
    return np.stack(columns, -1)


# Which there are --------------------------------------------------------------------------------------


def test_which_losses_have_them():
    assert {str(case) for case in WITH[FISHER]} == {
        "binary_focal_crossentropy-from_logits=True",
        "binary_focal_crossentropy-apply_class_balancing=True-from_logits=True",
        "categorical_focal_crossentropy-from_logits=True", "gamma", "tweedie", "brier-from_logits=True",
        "poly1-from_logits=True", "sigmoid_focal", "asymmetric_loss", "label_focal", "log_target", "signed",
    }  # fmt: skip
    assert {str(case) for case in WITH[BOUND]} == {
        "categorical_crossentropy-from_logits=True", "sparse_categorical_crossentropy-from_logits=True",
        "categorical_focal_crossentropy-from_logits=True", "brier-from_logits=True", "poly1-from_logits=True",
        "cosine_similarity", "multi_margin-exponent=2", "label_focal", "squared_softmax_hinge", "norm",
        "product",
    }  # fmt: skip


@pytest.mark.parametrize("name", ALL)
def test_an_exact_expectation_does_not_depend_on_the_target(name):
    case = ALL[name]
    if fisher_of(case) != "exact":
        return
    loss = loss_of(case)
    found = []
    for seed in (0, 1):
        y, _ = inputs(case, np.float64, seed)
        _, p = inputs(case, np.float64, 2)
        found.append(loss.gradient_and_hessian(y, p)[1])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12)


def test_where_no_expectation_is_known():
    """A kink at the target hides what the second derivative has there."""
    for name in ("huber", "mean_absolute_error", "quantile", "expectile", "log_cosh", "squared_hinge"):
        assert fisher_of(ALL[name]) is None, name
    halves = lg.declare("Halves", "0.5*mean((p - y)**2) + 0.5*mean(abs(p - y))")
    assert fisher_of(Case(halves)) is None
    assert fisher_of(ALL["mean_squared_error"]) == "exact"
    assert fisher_of(ALL["binary_crossentropy-from_logits=True"]) == "exact"
    assert fisher_of(ALL["categorical_crossentropy-from_logits=True"]) == "exact"


# The expectation --------------------------------------------------------------------------------------


def outcomes(case: Case, p: list[float]):
    """(probability, target) of every target of a row that the link makes possible, or one at the mean."""
    link = case.declaration.link_of(case.options)
    scores = [mpf(float(x)) for x in p]
    if link == "softmax":
        total = sum(mp.exp(x) for x in scores)
        one_hot = [[float(j == k) for j in range(len(p))] for k in range(len(p))]
        return [(mp.exp(x) / total, k if case.labels else one_hot[k]) for k, x in enumerate(scores)]
    assert link == "logit"
    low = -1.0 if case.domain("target") == "signs" else 0.0
    found = [(mpf(1), [])]
    for x in scores:
        chance = 1 / (1 + mp.exp(-x))
        found = [
            (weight * part, [*y, value])
            for weight, y in found
            for part, value in ((chance, 1.0), (1 - chance, low))
        ]
    return found


def expected_diagonal(case: Case, p: list[float]) -> tuple[list, list]:
    """E[H_kk] by enumeration in 50 digits, and Σ probability·|H_kk|."""
    total, size = [mpf(0)] * len(p), [mpf(0)] * len(p)
    for chance, y in outcomes(case, p):
        hessian = exact(case.expression, y, p, case.parameters, sums=False).hessian
        for k in range(len(p)):
            total[k] += chance * hessian[k][k]
            size[k] += chance * abs(hessian[k][k])
    return total, size


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "name", [str(case) for case in WITH[FISHER] if case.name not in ("gamma", "tweedie", "log_target")]
)
def test_fisher_is_the_expectation(name, dtype):
    case = ALL[name]
    loss = loss_of(case)
    y, p = inputs(case, dtype)
    p = p[:12]
    rest = 0 if case.declaration.link_of(case.options) == "logit" else CONFIDENT * np.finfo(dtype).eps
    gradient, fisher = run(loss, FISHER, y[:12], p)
    np.testing.assert_allclose(gradient, loss.gradient(y[:12], p), rtol=ROUNDING[dtype], atol=1e-30)
    with mp.workdps(50):
        for row, found in zip(p, fisher, strict=True):
            wanted, size = expected_diagonal(case, [float(x) for x in row])
            for one, other, scale in zip(found, wanted, size, strict=True):
                error = abs(float(one) - other)
                assert error <= ROUNDING[dtype] * (scale + abs(other)) + rest, (row, one, other)


def test_fisher_of_means():
    rng = np.random.default_rng(0)
    p = rng.uniform(-8, 8, (20, 1))
    y = rng.gamma(1.0, 2.0, p.shape)
    for loss, wanted in (
        (losses.Gamma(), np.ones_like(p)),
        (losses.Tweedie(rho=1.25), np.exp(0.75 * p)),
        (lg.compile(OWN["log_target"])(), np.exp(p / 2) / 4 + np.exp(p) + np.exp(2 * p)),
    ):
        np.testing.assert_allclose(run(loss, FISHER, y, p)[1], wanted, rtol=1e-13)
        assert loss.properties.fisher == "own"


# The bound ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [str(case) for case in WITH[BOUND]])
def test_bound_dominates_the_hessian(name, dtype):
    case = ALL[name]
    loss = loss_of(case)
    y, p = inputs(case, dtype)
    hessian = dense(loss, y, p).astype(np.float64)
    size = np.abs(hessian).sum(-1)
    rest = CONFIDENT * np.finfo(dtype).eps
    gradient, bound = run(loss, BOUND, y, p)
    slack = ROUNDING[dtype] * (size + size.max(-1, keepdims=True)) + rest
    assert (bound >= size - slack).all()
    least = np.linalg.eigvalsh(np.einsum("ij,jk->ijk", bound, np.eye(COLUMNS)) - hessian)[:, 0]
    assert (least >= -ROUNDING[dtype] * size.max(-1) - rest).all()
    np.testing.assert_allclose(gradient, loss.gradient(y, p), rtol=ROUNDING[dtype], atol=ROUNDING[dtype])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["CategoricalCrossentropy", "SparseCategoricalCrossentropy"])
def test_bound_of_softmax_is_twice_its_diagonal(name, dtype):
    """2q(1 − q), to the last digits, for confident rows, too."""
    loss = getattr(losses, name)(from_logits=True)
    p = np.array([[0, 1, -2], [30, 0, 2], [80, -5, 0], [0.5, 0.5, 0.5], [1e4, 0, -1e4]], dtype)
    y = np.arange(5) % 3 if loss.labels else np.eye(3, dtype=dtype)[np.arange(5) % 3]
    _, bound = run(loss, BOUND, y, p)
    with mp.workdps(60):
        for row, found in zip(p, bound, strict=True):
            weights = [mp.exp(mpf(float(x))) for x in row]
            for k, one in enumerate(found):
                others = sum(weight for j, weight in enumerate(weights) if j != k)
                wanted = 2 * weights[k] * others / sum(weights) ** 2
                close = abs(mpf(float(one)) - wanted) <= 6 * np.finfo(dtype).eps * wanted
                assert close or wanted < np.finfo(dtype).tiny, (row, k, one, wanted)
