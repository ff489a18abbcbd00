"""The catalogue's formulas, evaluated as they are declared, against Keras, torch and scikit-learn.

Nothing is compiled here, so a failure is a mistake in a formula, not in the compiler.
"""

import inspect

import numpy as np
import pytest
from cases import Case, cases, random_inputs
from requiring import require

from lossgen.catalog import DECLARATIONS
from lossgen.inspection.verification.reference import exact

BY_NAME = {declaration.name: declaration for declaration in DECLARATIONS}
KERAS = DECLARATIONS[: list(BY_NAME).index("smooth_l1")]
ROWS, COLUMNS = 5, 3

UNKNOWN_TO_GET = "categorical_generalized_cross_entropy"
"""Keras' `get` does not know this loss of its own."""

SWAPPED_IN_KERAS = "tversky"
"""Keras 3.15.1 applies alpha to false negatives; 3.16 and lossgen to false positives, as documented."""


def evaluate(case: Case, y, p):
    """Losses and gradients of the declared formula, row by row, as floats."""
    rows = [
        exact(case.expression, int(t) if case.labels else t, row, case.parameters, order=1)
        for t, row in zip(y, p, strict=True)
    ]
    gradients = [[float(g) for g in row.gradient] for row in rows]
    return np.array([float(row.value) for row in rows]), np.array(gradients)


def declared(name: str, options=None, **arguments) -> Case:
    return Case(BY_NAME[name], options or BY_NAME[name].variants()[0], arguments)


@pytest.mark.parametrize("case", list(cases(KERAS)), ids=str)
def test_formula_is_that_of_keras(case):
    keras, torch = require("keras"), require("torch")
    y, p = random_inputs(case, ROWS, COLUMNS)
    keywords = {
        name: list(value) if isinstance(value, tuple) else value for name, value in case.keywords.items()
    }
    if case.name == SWAPPED_IN_KERAS:
        keywords = {"alpha": keywords.get("beta", 0.5), "beta": keywords.get("alpha", 0.5)}
    if "axis" in case.declaration.constructor_arguments():
        keywords["axis"] = -1
    loss = getattr(keras.losses, case.declaration.class_name)(reduction=None, dtype="float64", **keywords)
    prediction = torch.tensor(p, requires_grad=True)
    values = loss(torch.tensor(y), prediction)
    values.sum().backward()
    value, gradient = evaluate(case, y, p)
    np.testing.assert_allclose(value, values.detach(), rtol=2e-7, atol=1e-9)
    np.testing.assert_allclose(gradient, prediction.grad, rtol=1e-5, atol=1e-8)  # Keras rounds some constants


@pytest.mark.parametrize("declaration", KERAS, ids=lambda declaration: declaration.name)
def test_class_looks_like_that_of_keras(declaration):
    keras = require("keras")
    other = getattr(keras.losses, declaration.class_name)
    arguments = [name for name in declaration.constructor_arguments() if name != "ignore_class"]
    signature = inspect.signature(other.__init__).parameters
    assert arguments == [name for name in signature if name not in ("self", "ignore_class")]
    for name, own in {**declaration.parameters, **declaration.options}.items():
        assert signature[name].default == own.default
    assert declaration.instance_name == signature["name"].default
    if declaration.axis_argument:
        assert declaration.scope == signature["axis"].default
    if declaration.name != UNKNOWN_TO_GET:
        function = keras.losses.get(declaration.name)
        assert all(keras.losses.get(identifier) is function for identifier in declaration.identifiers)


@pytest.mark.parametrize(
    "case, of_torch",
    [
        (
            declared("smooth_l1", beta=0.5),
            lambda F, y, p: F.smooth_l1_loss(p, y, beta=0.5, reduction="none").mean(-1),
        ),
        (declared("poisson_nll"), lambda F, y, p: F.poisson_nll_loss(p, y, reduction="none").mean(-1)),
        (declared("multi_margin"), lambda F, y, p: F.multi_margin_loss(p, y, reduction="none")),
        (
            declared("multi_margin", {"exponent": 2}, margin=0.5),
            lambda F, y, p: F.multi_margin_loss(p, y, p=2, margin=0.5, reduction="none"),
        ),
        (
            declared("binary_crossentropy", {"from_logits": True}),
            lambda F, y, p: F.binary_cross_entropy_with_logits(p, y, reduction="none").mean(-1),
        ),
        (
            declared("sparse_categorical_crossentropy", {"from_logits": True}),
            lambda F, y, p: F.cross_entropy(p, y, reduction="none"),
        ),
    ],
    ids=lambda each: str(each) if isinstance(each, Case) else "",
)
def test_formula_is_that_of_torch(case, of_torch):
    torch = require("torch")
    y, p = random_inputs(case, ROWS, COLUMNS)
    prediction = torch.tensor(p, requires_grad=True)
    values = of_torch(torch.nn.functional, torch.tensor(y), prediction)
    values.sum().backward()
    value, gradient = evaluate(case, y, p)
    np.testing.assert_allclose(value, values.detach(), rtol=1e-12)
    np.testing.assert_allclose(gradient, prediction.grad, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    "case, name, arguments",
    [
        (declared("gamma"), "HalfGammaLoss", {}),
        (declared("poisson_nll"), "HalfPoissonLoss", {}),
        (declared("tweedie", rho=1.25), "HalfTweedieLoss", {"power": 1.25}),
        (declared("quantile", quantile=0.875), "PinballLoss", {"quantile": 0.875}),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_gradient_is_that_of_scikit_learn(case, name, arguments):
    """Gradients only: which constant terms are dropped differs."""
    losses = require("sklearn._loss")
    y, p = random_inputs(case, ROWS, 1)
    theirs = getattr(losses, name)(**arguments).gradient(y_true=y[:, 0], raw_prediction=p[:, 0])
    np.testing.assert_allclose(evaluate(case, y, p)[1][:, 0], theirs, rtol=1e-12)


LOGITS = {"from_logits": True}


@pytest.mark.parametrize(
    "case, other, scale",
    [
        (declared("huber", delta=0.5), declared("smooth_l1", beta=0.5), 0.5),
        (declared("mean_absolute_error"), declared("quantile"), 2),
        (declared("mean_squared_error"), declared("expectile"), 2),
        (declared("mean_squared_error"), declared("adaptive_robust", alpha=2.0), 2),
        (declared("cauchy", c=0.5), declared("adaptive_robust", alpha=0.0, c=0.5), 1),
        (declared("pseudo_huber"), declared("adaptive_robust"), 1),
        (declared("charbonnier", epsilon=1.0), declared("pseudo_huber"), 1),
        (
            declared("binary_crossentropy", LOGITS),
            declared("binary_focal_crossentropy", LOGITS, gamma=0.0),
            1,
        ),
        (declared("categorical_crossentropy", LOGITS), declared("poly1", LOGITS, epsilon=0.0), 1),
        (declared("dice"), declared("tversky"), 1),
        (declared("jaccard"), declared("tversky", alpha=1.0, beta=1.0), 1),
        (declared("tversky"), declared("focal_tversky", alpha=0.5, beta=0.5, gamma=1.0), 1),
    ],
    ids=str,
)
def test_relatives_agree(case, other, scale):
    y, p = random_inputs(case, ROWS, COLUMNS)
    mine, theirs = evaluate(case, y, p)[1], evaluate(other, y, p)[1]
    np.testing.assert_allclose(mine, scale * theirs, rtol=1e-6, atol=1e-12)


def test_sigmoid_focal_is_binary_focal_for_hard_labels():
    case = declared("sigmoid_focal", gamma=1.5)
    balanced = {"from_logits": True, "apply_class_balancing": True}
    other = declared("binary_focal_crossentropy", balanced, gamma=1.5)
    y, p = random_inputs(case, ROWS, COLUMNS)
    for mine, theirs in zip(evaluate(case, y, p), evaluate(other, y, p), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)


@pytest.mark.parametrize(
    "limit, near, tolerance", [(2.0, 1e-9, 1e-7), (0.0, 1e-12, 1e-10), (-1e8 - 1, 2, 1e-6)]
)
def test_adaptive_robust_is_continuous_in_alpha(limit, near, tolerance):
    case, other = declared("adaptive_robust", alpha=limit), declared("adaptive_robust", alpha=limit + near)
    y, p = random_inputs(case, ROWS, COLUMNS)
    for mine, theirs in zip(evaluate(case, y, p), evaluate(other, y, p), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=tolerance)


def test_zero_vectors_have_no_direction():
    case = declared("cosine_similarity")
    for y, p in ((np.ones(3), np.zeros(3)), (np.zeros(3), np.ones(3)), (np.zeros(3), np.zeros(3))):
        row = exact(case.expression, y, p)
        assert row.value == 0 and not any(row.gradient)


@pytest.mark.parametrize("declaration", DECLARATIONS, ids=lambda declaration: declaration.name)
def test_documentation_says_what_goes_in(declaration):
    first, _, rest = declaration.documentation.partition("\n")
    assert first.endswith((".", ":")) or rest, "one sentence first"
    assert "arget" in rest and "rediction" in rest
    assert len(inspect.cleandoc(declaration.documentation).splitlines()) <= 8


def test_names_are_unique():
    for attribute in ("name", "class_name", "instance_name"):
        names = [getattr(declaration, attribute) for declaration in DECLARATIONS]
        assert len(set(names)) == len(names)
