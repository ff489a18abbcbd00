"""How the target enters a loss, which columns stand alone, and the links: what `Properties` says is so."""

import random

import pytest
from cases import Case, cases
from mpmath import mp, mpf
from test_curvature import COLUMNS, clipped, parameters_of, target_of

import lossgen as lg
from lossgen import losses
from lossgen.compiler.driver import derive
from lossgen.compiler.properties import properties_of
from lossgen.errors import DeclarationError
from lossgen.inspection.verification.reference import exact
from lossgen.runtime.properties import LINKS, Properties

AFFINE = {
    "binary_crossentropy", "categorical_crossentropy", "categorical_focal_crossentropy", "poisson",
    "mean_squared_error", "poisson_nll", "gamma", "tweedie", "brier", "poly1", "asymmetric_loss",
}  # fmt: skip
"""Losses of the catalogue whose gradient is affine in the target; all losses of labels are, besides."""

OPTIMAL = {
    "mean_squared_error", "poisson_nll", "gamma", "tweedie", "brier", "brier-from_logits=True",
    "sparse_categorical_crossentropy-from_logits=True",
}  # fmt: skip
"""Those that the link of the mean makes stationary, for all parameters: label smoothing moves it."""

COUNT = {"target": "nonnegative"}
OWN = {  # text: (link, domain, affine, mean_is_optimal, diagonal, mean)
    "mean(softplus(p) - y*p)": ("logit", {}, True, True, True, True),
    "mean(softplus(p) - y*p) + 0.1*mean(p**2)": ("logit", {}, True, False, True, True),
    "sum(exp(p) - y*p)": ("log", COUNT, True, True, True, False),
    "sum(exp(p) - y*p)/C**2": ("log", COUNT, True, True, False, False),
    "mean(exp(p) - y*p/C)": ("log", COUNT, True, False, False, False),
    "mean(y**2*p**2)": (None, {}, False, False, True, True),
    "mean((p - y)**2 + y**4)": (None, {}, True, True, True, True),
    "mean(sign(y)*p + p**2)": (None, {}, False, False, True, True),
    "mean(where(y > 0, p, -p) + p**2)": (None, {}, False, False, True, True),
    "mean(abs(y)*p + p**2)": (None, {}, False, False, True, True),
    "mean((p - y)**2)*sum(y)": (None, {}, False, False, False, False),
    "sum(y*p)**2": (None, {}, False, False, False, False),
    "0.5*mean((p - y)**2) + 0.5*mean(p**2)": (None, {}, True, False, True, True),
    "logsumexp(p) - sum(y*p)": ("softmax", {}, True, True, False, False),
    "logsumexp(p) - gather(p)": ("softmax", {}, True, True, False, False),
    "logsumexp(p) - gather(p) + 0.01*sum(p**2)": ("softmax", {}, True, False, False, False),
    "-(1 - gather(softmax(p)))*log(gather(softmax(p)))": ("softmax", {}, True, False, False, False),
}


def own(text: str) -> Case:
    link, domain, *_ = OWN[text]
    return Case(lg.declare("own", text, link=link, domain=domain))


def found(case: Case) -> Properties:
    return properties_of(case.declaration, case.options, derive(case.declaration, case.options))


def gradient(case: Case, y, p, parameters) -> list | None:
    row = exact(case.expression, y, p, parameters, order=1, sums=False)
    return None if row is None else row.gradient


def is_affine_at(case: Case, rng: random.Random) -> bool:
    """Whether the gradient at the mean of two targets is the mean of the gradients, at some place."""
    ends = case.bounds("prediction")
    p = [clipped(ends, rng) for _ in range(COLUMNS)]
    parameters = parameters_of(case, rng)
    first, last = target_of(case, rng), target_of(case, rng)
    middle = [(a + b) / 2 for a, b in zip(first, last, strict=True)]
    rows = [gradient(case, y, p, parameters) for y in (first, last, middle)]
    if None in rows:
        return True
    with mp.workdps(30):
        return all(
            abs((a + b) / 2 - c) <= 1e-12 * (1 + abs(a) + abs(b)) for a, b, c in zip(*rows, strict=True)
        )


def link_of_mean(case: Case, mean):
    """link(mean) for a vector of means."""
    logit = lambda m: mp.log(m / (1 - m))  # noqa: E731
    links = {"identity": lambda m: m, "log": mp.log, "logit": logit, "softmax": mp.log}
    return [float(links[case.declaration.link_of(case.options) or "identity"](mpf(m))) for m in mean]


def residual(case: Case, rng: random.Random) -> float:
    """Σ w·gradient at link(weighted mean), relative to Σ w·|gradient|."""
    parameters = parameters_of(case, rng)
    weights = [rng.choice([0.5, 1.0, 3.0]) for _ in range(4)]
    if case.labels:
        targets = [0, 1, 2, rng.randrange(COLUMNS)]
        vectors = [[float(j == label) for j in range(COLUMNS)] for label in targets]
    else:
        targets = [[rng.uniform(0.1, 0.9) for _ in range(COLUMNS)] for _ in weights]
        if case.declaration.link_of(case.options) == "softmax":
            targets = [[x / sum(row) for x in row] for row in targets]
        vectors = targets
    mean = [
        sum(w * row[j] for w, row in zip(weights, vectors, strict=True)) / sum(weights)
        for j in range(COLUMNS)
    ]
    p = link_of_mean(case, mean)
    rows = [gradient(case, y, p, parameters) for y in targets]
    sums = [sum(w * row[j] for w, row in zip(weights, rows, strict=True)) for j in range(COLUMNS)]
    size = sum(w * abs(g) for w, row in zip(weights, rows, strict=True) for g in row)
    return float(max(map(abs, sums)) / (size or 1))


@pytest.mark.parametrize("case", [case for case in cases() if not case.arguments], ids=str)
def test_catalogue(case):
    known = found(case)
    assert known.affine == (case.labels or case.name in AFFINE)
    assert known.mean_is_optimal == (str(case) in OPTIMAL)
    check(case, known)


@pytest.mark.parametrize("text", OWN)
def test_declared(text):
    case = own(text)
    known = found(case)
    assert (known.affine, known.mean_is_optimal, known.diagonal, known.mean) == OWN[text][2:]
    check(case, known)
    rng = random.Random(text)
    assert known.affine or not all(is_affine_at(case, rng) for _ in range(20))
    assert known.mean_is_optimal or not known.affine or residual(case, rng) > 1e-9


def check(case: Case, known: Properties) -> None:
    """What was said, against the declared formula in many digits."""
    rng = random.Random(str(case))
    if known.affine and not case.labels:
        assert all(is_affine_at(case, rng) for _ in range(8))
    if known.mean_is_optimal:
        assert max(residual(case, rng) for _ in range(3)) < 1e-14


@pytest.mark.parametrize("case", [case for case in cases() if not case.arguments], ids=str)
def test_diagonal_means_that_columns_do_not_meet(case):
    known = found(case)
    rng = random.Random(str(case))
    y = target_of(case, rng)
    p = [clipped((-2.0, 2.0) if case.bounds("prediction")[0] < 0 else (0.25, 0.75), rng) for _ in range(3)]
    parameters = parameters_of(case, rng)
    row = exact(case.expression, y, p, parameters, sums=False)
    if known.diagonal and row is not None:
        share = 3 if known.mean else 1
        for k in range(3):
            one = exact(case.expression, y[k : k + 1], p[k : k + 1], parameters, sums=False)
            assert abs(row.gradient[k] * share - one.gradient[0]) <= 1e-14 * (1 + abs(one.gradient[0]))
            assert not any(row.hessian[k][j] for j in range(3) if j != k)


def test_properties_of_an_instance():
    known = losses.BinaryCrossentropy(from_logits=True).properties
    assert (known.link, known.target, known.prediction) == ("logit", "probability", "real")
    assert losses.BinaryCrossentropy().properties.link == "identity"
    assert losses.SparseCategoricalCrossentropy(from_logits=True).properties.target == "labels"
    assert lg.compile(own("mean(softplus(p) - y*p)").declaration)().properties == found(
        own("mean(softplus(p) - y*p)")
    )


def test_sums_of_scopes_promise_little():
    both = 0.5 * losses_declaration("binary_crossentropy") + 0.5 * losses_declaration("dice")
    known = properties_of(both, {"from_logits": True}, derive(both, {"from_logits": True}))
    assert known == Properties(target="probability", prediction="probability")


def losses_declaration(name: str):
    return next(case.declaration for case in cases() if case.name == name)


def test_links_are_checked():
    for link in LINKS:
        assert lg.declare("own", "mean((p - y)**2)", link=link).link == link
    with pytest.raises(DeclarationError, match="link='probit'; write one of 'identity', 'logit', 'log'"):
        lg.declare("own", "mean((p - y)**2)", link="probit")
