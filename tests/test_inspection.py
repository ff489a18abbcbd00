"""Formula text, LaTeX, explanations: what a person reads."""

import re

import pytest
import sympy as sp

import lossgen as lg
from lossgen.catalog import DECLARATIONS
from lossgen.errors import ParameterError
from lossgen.inspection.explanation import explain
from lossgen.inspection.formulas import formula, gradient_formula, hessian_formula, latex
from lossgen.inspection.source import source
from lossgen.language import reductions as columns
from lossgen.language.abbreviation import abbreviate, name_the_error
from lossgen.language.atoms import (
    absolute,
    clip,
    hypot1m1,
    inside,
    log1p,
    log_cosh,
    log_softmax,
    power,
    sigmoid,
    softmax,
    softplus,
    step,
    xlogy,
)
from lossgen.language.printing import latex as to_latex
from lossgen.language.printing import text
from lossgen.language.symbols import column_count as C
from lossgen.language.symbols import parameter_symbol, where, y_pred, y_true

y, p = y_true, y_pred
delta = parameter_symbol("delta", positive=True)
gamma = parameter_symbol("gamma", nonnegative=True)
smoothing = parameter_symbol("label_smoothing", nonnegative=True)
rung = sp.Symbol("log_sum_exp_1", real=True)
NAMED = {each.name: each for each in DECLARATIONS}

TEXTS = [
    (sigmoid(p) - y, "σ(p) − y"),
    (softplus(p) - y * p, "softplus(p) − y·p"),
    ((1 - y) * sigmoid(p) - y * sigmoid(-p), "(1 − y)·σ(p) − y·σ(−p)"),
    (-y * sp.log(sigmoid(p)), "−y·log σ(p)"),
    (xlogy(y, y / p), "y·log(y/p)"),
    (log1p(p**2) / 2, "log(p² + 1)/2"),
    (delta**2 * hypot1m1((p - y) / delta), "δ²·(√(1 + (p − y)²/δ²) − 1)"),
    (absolute(y - p), "|p − y|"),
    (log_cosh(p - y), "log cosh(p − y)"),
    (power(1 - p, gamma - 1), "(1 − p)^(γ − 1)"),
    (clip(p, sp.Rational(1, 10**7), 1), "clip(p, 10⁻⁷, 1)"),
    (inside(p, 0, 1), "[0 ≤ p ≤ 1]"),
    (step(1 - y * p), "[1 − y·p > 0]"),
    (sp.Max(0, 1 - y * p), "max(0, 1 − y·p)"),
    (softmax(p, rung) * columns.Sum(y) - y, "softmax(p)·Σy − y"),
    (log_softmax(p, rung), "log_softmax(p)"),
    (softmax(p, columns.LogSumExp(p)), "softmax(p)"),
    (softmax(p, columns.LogSumExp(2 * p)), "exp(p − LSE(2·p))"),
    (-columns.Sum(y * columns.LogSoftmax(p)), "−Σ y·log_softmax(p)"),
    (columns.Mean(p), "1/C · Σp"),
    (delta * columns.Mean(p**2), "δ/C · Σ p²"),
    (1 - 2 * columns.Sum(y * p) / (columns.Sum(y) + columns.Sum(p)), "1 − (2·Σ y·p)/(Σp + Σy)"),
    (columns.Sum(p) * columns.Sum(y), "(Σy)·Σp"),
    (columns.Max(p) - columns.Min(p), "maxₖ(p) − minₖ(p)"),
    (-columns.Gather(columns.LogSoftmax(p)), "−log_softmax(p)[y]"),
    (where(sp.Abs(p) <= delta, p**2 / 2, delta), "{p²/2 where |p| ≤ δ, else δ}"),
    (where(p > 0, p, 0) / C, "1/C · {p where p > 0, else 0}"),
    (y * (1 - smoothing) + smoothing / C, "y·(1 − label_smoothing) + label_smoothing/C"),
    (p ** sp.Rational(3, 2), "p^(3/2)"),
    (1 / sp.sqrt(p), "1/√p"),
    (1 / p**2, "1/p²"),
    (sp.Rational(3, 10) * p, "0.3·p"),
    (sp.Float("1e-8") * p, "10⁻⁸·p"),
    (-(p - y), "y − p"),
    (sp.exp(-((p - y) ** 2) / 2), "exp(−(p − y)²/2)"),
    (sp.Integer(0), "0"),
]


@pytest.mark.parametrize(("expression", "expected"), TEXTS, ids=[expected for _, expected in TEXTS])
def test_text_is_what_a_textbook_prints(expression, expected):
    assert text(expression) == expected


def test_latex_of_a_formula():
    assert latex(NAMED["mean_squared_error"], "gradient") == (
        r"\frac{\partial L}{\partial p} = \frac{2 \left(p - y\right)}{C}"
    )
    assert r"\log\operatorname{softmax}" in latex(NAMED["categorical_crossentropy"], from_logits=True)
    with pytest.raises(ParameterError, match="`which` must be one of"):
        latex(NAMED["huber"], "slope")


def test_latex_keeps_names_whole_and_the_residual_apart_from_the_exponential():
    slope, scale = sp.symbols("slope scale_b", positive=True)
    assert to_latex(scale * slope**2 * sp.exp(sp.Symbol("e") * slope)) == (
        r"\mathrm{scale\_b}\, \mathrm{slope}^{2}\, \exp\left(e\, \mathrm{slope}\right)"
    )


DEBRIS = re.compile(r"Piecewise|\*\*|Derivative|DiracDelta|Heaviside|ExprCondPair|Subs\(|_hit")


@pytest.mark.parametrize("declaration", DECLARATIONS, ids=lambda each: each.name)
def test_no_debris_in_any_formula_of_the_catalogue(declaration):
    for options in declaration.variants():
        page = str(explain(declaration, **options))
        assert not DEBRIS.search(page), page
        for line in latex(declaration, **options), latex(declaration, "gradient", **options):
            assert line.count("{") == line.count("}")
            assert "operatorname{Sum}" not in line and "Piecewise" not in line


TEXTBOOK_GRADIENTS = [
    ("mean_squared_error", {}, "2·(p − y)/C"),
    ("mean_absolute_error", {}, "sign(p − y)/C"),
    ("log_cosh", {}, "tanh(p − y)/C"),
    ("poisson_nll", {}, "(exp(p) − y)/C"),
    ("sparse_categorical_crossentropy", {"from_logits": True}, "softmax(p) − [k = y]"),
    ("hinge", {}, "−y·[y·p < 1]/C"),
    ("huber", {}, "1/C · {p − y where |p − y| ≤ δ, else δ·sign(p − y)}"),
    ("poisson", {}, "(1 − y/(p + 10⁻⁷))/C"),
    ("charbonnier", {}, "(p − y)/(C·√(ε² + (p − y)²))"),
]


@pytest.mark.parametrize(("name", "options", "expected"), TEXTBOOK_GRADIENTS)
def test_gradients_are_those_of_the_books(name, options, expected):
    assert gradient_formula(NAMED[name], **options) == expected


NAIVE_CROSS_ENTROPIES = [
    lambda y, p: -y * sp.log(1 / (1 + sp.exp(-p))) - (1 - y) * sp.log(1 - 1 / (1 + sp.exp(-p))),
    lambda y, p: -y * sp.log(sigmoid(p)) - (1 - y) * sp.log(1 - sigmoid(p)),
    lambda y, p: sp.log(1 + sp.exp(p)) - y * p,
]


@pytest.mark.parametrize("formula_of", NAIVE_CROSS_ENTROPIES)
def test_every_spelling_of_cross_entropy_has_the_gradient_sigmoid_minus_target(formula_of):
    declaration = lg.declare("cross_entropy", lg.Mean(formula_of(y, p)))
    assert gradient_formula(declaration) == "(σ(p) − y)/C"
    assert hessian_formula(declaration) == "σ(−p)·σ(p)/C"


def test_softmax_cross_entropy_with_soft_targets():
    declaration = lg.declare("cross_entropy", -lg.Sum(y * sp.log(sp.exp(p) / lg.Sum(sp.exp(p)))))
    assert formula(declaration) == "−Σ y·log_softmax(p)"
    assert gradient_formula(declaration) == "softmax(p)·Σy − y"


def test_repeated_parts_get_letters():
    error = p - y
    assert name_the_error(error) == ((), (error,))
    definitions, (first, _) = name_the_error(error**2, abs(error))
    assert [(text(symbol), text(part)) for symbol, part in definitions] == [("e", "p − y")]
    assert text(first) == "e²"

    row = delta + columns.Sum(y * p) + columns.Sum(p**2)
    definitions, (short,) = abbreviate(y / row + p / row**2 + 1 / row**3)
    assert [text(symbol) for symbol, _ in definitions] == ["A"]
    assert text(short) == "y/A + p/A² + 1/A³"


def test_explain_tells_formulas_symbols_rewrites_and_passes():
    page = str(explain(NAMED["categorical_crossentropy"], from_logits=True))
    for part in ("CategoricalCrossentropy(", "gradient  g = ", "Hessian   h = ", "Symbols", "Kernels"):
        assert part in page
    assert page == str(NAMED["categorical_crossentropy"].explain(from_logits=True))
    naive = lg.declare("naive", lg.Mean(sp.log(1 + sp.exp(p)) - y * p))
    assert "softplus(p)" in str(explain(naive, trace=True))
    assert "Rewrites" in str(explain(naive))


def test_explain_shows_every_term_of_a_combination():
    combined = (0.5 * NAMED["mean_squared_error"] + 0.5 * NAMED["dice"]).renamed("Both")
    page = str(explain(combined))
    assert "Term 1 of 2, over the last axis" in page
    assert "Term 2 of 2, over all elements of the tensor" in page


def test_an_unknown_option_is_refused():
    with pytest.raises(ParameterError, match="did you mean `from_logits`"):
        explain(NAMED["binary_crossentropy"], from_logit=True)


def test_source_is_the_generated_module():
    assert "class Huber(Loss)" in source(NAMED["huber"])
    assert "from_logits=True" in source(NAMED["binary_crossentropy"], from_logits=True)
