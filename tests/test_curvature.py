"""What is proved of convexity: never wrong, and found for the losses that people boost with."""

import random

import pytest
from cases import Case, cases
from fuzz.strategies import declared_examples
from mpmath import mp

import lossgen as lg
from lossgen.compiler.driver import derive
from lossgen.compiler.properties import properties_of
from lossgen.errors import DeclarationError
from lossgen.inspection.verification.reference import exact
from lossgen.language.domains import bounds

COLUMNS, SEGMENTS = 3, 12
TOLERANCE = 1e-12
"""Relative to the largest value or slope: the middle of a segment is rounded to float64."""

PROVED = {
    "binary_crossentropy-from_logits=True": "convex",
    "categorical_crossentropy-from_logits=True": "convex",
    "sparse_categorical_crossentropy-from_logits=True": "convex",
    "poisson": "convex",
    "mean_squared_error": "convex",
    "mean_absolute_error": "zero",
    "mean_absolute_percentage_error": "zero",
    "huber": "convex",
    "log_cosh": "convex",
    "hinge": "zero",
    "squared_hinge": "convex",
    "categorical_hinge": "zero",
    "smooth_l1": "convex",
    "pseudo_huber": "convex",
    "quantile": "zero",
    "expectile": "convex",
    "charbonnier": "convex",
    "poisson_nll": "convex",
    "gamma": "convex",
    "tweedie": "convex",
    "brier": "convex",
    "multi_margin": "zero",
    "multi_margin-exponent=2": "convex",
}
"""All others of the catalogue are not convex, or only for some values of their parameters."""

COUNT = {"target": "nonnegative"}
CHANCE = {"target": "probability"}
REAL = {}
OWN = {
    # convex
    "mean((p - y)**4)": ("convex", REAL),
    "0.5*mean((p - y)**2) + 0.5*mean(abs(p - y))": ("convex", REAL),
    "sqrt(sum((p - y)**2))": ("convex", REAL),
    "mean(y*exp(-p) + p)": ("convex", COUNT),
    "mean(max(0.9*(y - p), 0.1*(p - y)))": ("zero", REAL),
    "mean(where(y > 0, (p - y)**2, abs(p)))": ("convex", REAL),
    "mean(where(abs(p - y) <= delta, (p - y)**2, 2*delta*abs(p - y) - delta**2))": ("convex", REAL),
    "mean(relu(abs(p - y) - delta))": ("zero", REAL),
    "mean(where(p > y, (p - y)**2, where(p > y - delta, 0, (p - y + delta)**2)))": ("convex", REAL),
    "mean(exp(p)*(1 + y) - y*p)": ("convex", COUNT),
    "mean((1 + exp(p))**2)": ("convex", REAL),
    "mean(y*softplus(-p) + (1 - y)*softplus(p))": ("convex", CHANCE),
    "mean(delta*y*softplus(-p) + (1 - y)*softplus(p))": ("convex", CHANCE),
    "mean(softplus(-(2*y - 1)*p))": ("convex", CHANCE),
    "mean(exp(delta*(p - y)) - delta*(p - y))": ("convex", REAL),
    "mean((y + delta)*softplus(p) - y*p)": ("convex", COUNT),
    "logsumexp(p) - gather(p)": ("convex", REAL),
    "relu(1 + max(p) - gather(p))": ("zero", REAL),
    "sum((p - y)**2) + max(p)": ("convex", REAL),
    # not convex, and some of them nearly
    "-mean(abs(p - y))": ("unproved", REAL),
    "mean((p - y)**2 - 3*abs(p - y))": ("unproved", REAL),
    "mean((p - y)**2 - 0.001*abs(p - y))": ("unproved", REAL),
    "mean(y*softplus(p) + y*softplus(-p))": ("unproved", REAL),
    "mean(min((p - y)**2, delta))": ("unproved", REAL),
    "mean(where(p > y, (p - y)**2, 1 + (p - y)**2))": ("unproved", REAL),
    "mean(where(p > y, (p - y)**2 - (p - y), (p - y)**2))": ("unproved", REAL),
    "mean(where(abs(p - y) <= delta, (p - y)**2, delta*abs(p - y)))": ("unproved", REAL),
    "mean(sigmoid(-(2*y - 1)*p)**2*softplus(-(2*y - 1)*p))": ("unproved", CHANCE),
    "mean(p**2 + step(p))": ("unproved", REAL),
    "mean(p**2 + sign(p - y))": ("unproved", REAL),
    "mean(1/p**2 + y*p)": ("unproved", REAL),
    "mean(y*p - log(p))": ("unproved", REAL),
    "mean(p**4 - p**2)": ("unproved", REAL),
    "mean(10*p**2 - sqrt(p**4 + p**2))": ("unproved", REAL),
    "mean(10*p**2 - sqrt(p**4 + (1 - share)*p**2 + share*p**2))": ("unproved", REAL),
    "mean(1/(p**2 + 1 - share)) + mean(p**2)": ("unproved", REAL),
    "mean((1 - 2*inside(share, 1, 2))*p**2)": ("unproved", REAL),
    "mean(where(share >= 1, -1, 1)*p**2)": ("unproved", REAL),
    "mean((1 - delta)*(p - y)**2)": ("unproved", REAL),
    "mean(cos(p) + (p - y)**2/4)": ("unproved", REAL),
    "mean(abs(abs(p - y) - delta))": ("unproved", REAL),
    "mean(log(1 + (p - y)**2))": ("unproved", REAL),
    "mean(tanh(p - y)**2)": ("unproved", REAL),
    "min(p) + sum(p**2)": ("unproved", REAL),
    "mean((p + y + delta)**99*(1 + p**2))": ("unproved", REAL),
    "sum(p)*sum(p**2)": ("unproved", REAL),
    "sqrt(sum(p**2) + sum(abs(p)))": ("unproved", REAL),
    "sum(softmax(p)*(p - y)**2)": ("unproved", REAL),
    "logsumexp(-p) + sum(y*p)": ("convex", REAL),
    "logsumexp(p**2)": ("convex", REAL),
    "logsumexp(-p**2) + mean(p**2)": ("unproved", REAL),
}
PARAMETERS = {"delta": lg.Parameter(0.75, positive=True), "share": lg.Parameter(0.5, minimum=0, maximum=1)}


def declared(text: str) -> Case:
    """One of the formulas above."""
    own = {name: each for name, each in PARAMETERS.items() if name in text}
    return Case(lg.declare("own", text, domain=OWN[text][1], **own))


def verdict(case: Case) -> str:
    return properties_of(case.declaration, case.options, derive(case.declaration, case.options)).curvature


def within(ends: tuple[float, float], rng: random.Random) -> float:
    """A number of the interval: an end, a quarter, or anything."""
    low, high = max(ends[0], -6.0), min(ends[1], 6.0)
    return rng.choice([low, high, rng.randint(-8, 8) / 4, rng.uniform(low, high)])


def clipped(ends: tuple[float, float], rng: random.Random) -> float:
    return min(max(within(ends, rng), ends[0]), ends[1])


def parameters_of(case: Case, rng: random.Random) -> dict:
    """A value of every parameter inside its range."""
    values = {}
    for name, symbol in case.declaration.symbols().items():
        parameter = case.declaration.parameters[name]
        tries = (clipped((parameter.lower[0], parameter.upper[0]), rng) for _ in range(100))
        values[symbol] = next(value for value in tries if parameter.contains(value))
    return values


def target_of(case: Case, rng: random.Random):
    if case.labels:
        return rng.randrange(COLUMNS)
    return [clipped(case.bounds("target"), rng) for _ in range(COLUMNS)]


def is_violated(case: Case, rng: random.Random) -> bool:
    """Whether some segment shows that the loss is not convex: its middle lies above, or its slope falls."""
    parameters, y = parameters_of(case, rng), target_of(case, rng)
    ends = bounds(case.domain("prediction"))
    points = [[clipped(ends, rng) for _ in range(COLUMNS)] for _ in range(2)]
    points.append([(a + b) / 2 for a, b in zip(*points, strict=True)])
    rows = [exact(case.expression, y, row, parameters, order=1, sums=False) for row in points]
    if None in rows:
        return False
    with mp.workdps(30):
        return is_bent_down(points, *rows)


def is_bent_down(points: list[list[float]], first, last, middle) -> bool:
    """Whether the middle of a segment lies above its ends, or the slope along it falls."""
    size = 1 + max(abs(each.value) for each in (first, last))
    slopes = [
        sum(slope * (b - a) for slope, a, b in zip(each.gradient, *points[:2], strict=True))
        for each in (first, last)
    ]
    return (
        middle.value > (first.value + last.value) / 2 + TOLERANCE * size
        or slopes[0] > slopes[1] + TOLERANCE * (1 + max(map(abs, slopes)))
    )


def shows_violation(case: Case, count: int = SEGMENTS) -> bool:
    rng = random.Random(str(case))
    return any(is_violated(case, rng) for _ in range(count))


@pytest.mark.parametrize("case", [case for case in cases() if not case.arguments], ids=str)
def test_catalogue(case):
    found = verdict(case)
    assert found == PROVED.get(str(case), "unproved")
    assert found == "unproved" or not shows_violation(case)


@pytest.mark.parametrize("text", OWN)
def test_declared(text):
    case = declared(text)
    assert verdict(case) == OWN[text][0]
    assert OWN[text][0] == "unproved" or not shows_violation(case)


def test_sampling_finds_what_is_not_convex():
    """The sampling above can fail."""
    traps = [text for text, (found, _) in OWN.items() if found == "unproved"]
    found = [text for text in traps if shows_violation(declared(text), 100)]
    assert len(found) > 0.6 * len(traps), set(traps) - set(found)


@pytest.mark.parametrize("seed", range(60))
def test_random_declarations(seed):
    """Formulas of all kinds: what counts as proved is not refuted."""
    drawn = declared_examples(60)[seed].case
    declaration = drawn.declaration
    for options in declaration.variants():
        case = Case(declaration, options, drawn.arguments)
        if case.domain("prediction") == "real" and verdict(case) != "unproved":
            assert not shows_violation(case, 20), declaration


LEAVES = ("p", "(p - y)", "(p - y)", "(y - p)", "(p - delta)", "(2*p + y)", "(share*p)", "1", "delta", "y")
WEIGHTS = ("1", "2", "0.5", "-1", "delta", "share", "(1 - share)", "y", "0.1")
PIECES = (
    "relu({a})", "abs({a})", "max({a}, {b})", "min({a}, {b})", "({a} + {k}*{b})", "({k}*{a} + {b}**2)",
    "{a}**2", "where({a} > {b}, {a}**2, {b}**2)", "where({a} <= 0, {k}*{a}, {j}*{a})", "({a} + abs({b}))",
    "softplus({a})", "exp({a})", "clip({a}, -1, 1)", "where(y > 0, {a}, {b})", "sqrt({b}**2 + delta)",
    "({k}*{a}**2 + relu({b})**2)", "log(1 + {a}**2)",
)  # fmt: skip


def random_pieces(rng: random.Random, depth: int) -> str:
    """A formula of kinks, branches and powers; about half of them come out convex."""
    if depth == 0:
        return rng.choice(LEAVES)
    a, b = random_pieces(rng, depth - 1), random_pieces(rng, depth - 1)
    return rng.choice(PIECES).format(a=a, b=b, k=rng.choice(WEIGHTS), j=rng.choice(WEIGHTS))


def random_case(seed: int) -> Case | None:
    """A declaration of such a formula; None where the language refuses it."""
    rng = random.Random(seed)
    text = f"mean({random_pieces(rng, rng.choice([1, 2, 2, 3]))})"
    own = {name: each for name, each in PARAMETERS.items() if name in text}
    domain = rng.choice([REAL, COUNT, CHANCE, {"target": "signs"}])
    try:
        return Case(lg.declare("own", text, domain=domain, **own))
    except DeclarationError:
        return None


def test_random_pieces():
    drawn = {seed: case for seed in range(100) if (case := random_case(seed)) is not None}
    proved = {seed: case for seed, case in drawn.items() if verdict(case) != "unproved"}
    for seed, case in proved.items():
        rng = random.Random(seed)
        assert not any(is_violated(case, rng) for _ in range(20)), case.expression
    assert len(proved) > 30
