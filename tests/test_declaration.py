"""Declarations: what `@loss` and `declare` make of a formula, and what arithmetic makes of declarations."""

import subprocess
import sys

import pytest
import sympy
from sympy import Abs, Float, Rational, Symbol, exp, log

import lossgen as lg
from lossgen.language.declaration import Term
from lossgen.language.names import ATTRIBUTES, camel_case, snake_case
from lossgen.language.numbers import rational
from lossgen.language.symbols import column_count, y_pred, y_true
from lossgen.runtime.loss import Loss
from lossgen.runtime.penalty import Penalty


@lg.loss(
    domain={"target": (0, 1), "prediction": lambda from_logits: "real" if from_logits else "probability"},
    link=lambda from_logits: "logit" if from_logits else None,
    axis_argument=True,
    reference="Someone (1900)",
    identifiers="bce",
)
def crossentropy(y_true, y_pred, *, from_logits=False, smoothing=lg.Parameter(0.0, minimum=0, maximum=1)):
    """Cross-entropy of one yes/no target a column."""
    target = y_true * (1 - smoothing) + smoothing / 2
    probability = 1 / (1 + exp(-y_pred)) if from_logits else y_pred
    return -lg.Mean(target * log(probability) + (1 - target) * log(1 - probability))


@lg.loss(scope=None, domain={"target": "probability", "prediction": "real"}, kinks="nowhere")
def overlap(y_true, y_pred, *, smooth=1e-7):
    """One minus the overlap of two sets."""
    return 1 - 2 * lg.Sum(y_true * y_pred) / (lg.Sum(y_true + y_pred) + smooth)


@lg.loss
def huber(y_true, y_pred, *, delta=lg.Parameter(1.0, positive=True)):
    """Quadratic, then linear."""
    error = y_pred - y_true
    return lg.Mean(lg.where(Abs(error) <= delta, error**2 / 2, delta * (Abs(error) - delta / 2)))


@lg.loss(name="SparseLoss")
def label_loss(y_true, y_pred, *, mode=lg.Option("plain", choices=("plain", "squared"))):
    score = -lg.Gather(lg.LogSoftmax(y_pred))
    return score if mode == "plain" else score**2


# One declaration --------------------------------------------------------------------------------


def test_names():
    assert (crossentropy.name, crossentropy.class_name) == ("crossentropy", "Crossentropy")
    assert (label_loss.name, label_loss.class_name) == ("label_loss", "SparseLoss")
    assert crossentropy.instance_name == "crossentropy"
    assert crossentropy.identifiers == ("bce",)
    assert overlap.kinks == ("nowhere",)
    assert crossentropy.documentation == "Cross-entropy of one yes/no target a column."
    assert crossentropy.source == "test_declaration.py (crossentropy)"


def test_every_attribute_of_a_loss_is_taken():
    public = {name for name in (*dir(Loss), *dir(Penalty)) if not name.startswith("_")}
    assert public == ATTRIBUTES
    with pytest.raises(lg.DeclarationError, match="`gradient` is an attribute that every loss already has"):
        lg.declare("Scaled", lg.Mean((lg.y_pred - lg.y_true) ** 2), gradient=1.0)


@pytest.mark.parametrize(
    ("snake", "camel"),
    [("mean_squared_error", "MeanSquaredError"), ("smooth_l1", "SmoothL1"), ("huber", "Huber")],
)
def test_snake_to_camel(snake, camel):
    assert camel_case(snake) == camel
    assert snake_case(camel) == snake


def test_camel_to_snake_keeps_runs_of_capitals_together():
    assert snake_case("KLDivergence") == "kl_divergence"
    assert snake_case("PoissonNLL") == "poisson_nll"
    assert camel_case("PoissonNLL") == "PoissonNLL"


def test_numbers_are_parameters_and_booleans_are_options():
    assert crossentropy.parameters == {"smoothing": lg.Parameter(0.0, minimum=0, maximum=1)}
    assert crossentropy.options == {"from_logits": lg.Option(False, choices=(False, True))}
    assert crossentropy.own_arguments == ("from_logits", "smoothing")
    assert overlap.parameters == {"smooth": lg.Parameter(1e-7)}


def test_symbols_know_the_range_of_their_parameter():
    assert huber.symbols() == {"delta": Symbol("delta", positive=True)}
    assert crossentropy.symbols() == {"smoothing": Symbol("smoothing", nonnegative=True)}
    assert overlap.symbols() == {"smooth": Symbol("smooth", real=True)}


def test_the_formula_is_read_once_for_each_combination_of_options():
    assert label_loss.variants() == ({"mode": "plain"}, {"mode": "squared"})
    score = -lg.Gather(lg.LogSoftmax(y_pred))
    assert label_loss.terms() == (Term(-1, score),)
    assert label_loss.terms({"mode": "squared"}) == (Term(-1, score**2),)


def test_scopes():
    assert crossentropy.scopes == (-1,)
    assert overlap.scopes == (None,)
    assert lg.loss(name="Two", scope=[1, 2])(lambda y, p: lg.Sum(p)).scope == (1, 2)
    assert lg.loss(name="One", scope=(1,))(lambda y, p: lg.Sum(p)).scope == 1


def test_labels():
    assert label_loss.uses_labels({"mode": "squared"})
    assert not huber.uses_labels()


def test_domains_follow_the_options():
    assert crossentropy.domain == {"target": (0, 1), "prediction": "probability"}
    assert crossentropy.domain_of({"from_logits": True})["prediction"] == "real"
    assert (crossentropy.link, crossentropy.link_of({"from_logits": True})) == (None, "logit")


def test_nonnegative_symbols_come_from_ranges_and_domains():
    smoothing = crossentropy.symbols()["smoothing"]
    assert crossentropy.nonnegative_of({"from_logits": False}) == {y_true, y_pred, smoothing}
    assert crossentropy.nonnegative_of({"from_logits": True}) == {y_true, smoothing}
    assert crossentropy.nonnegative == {y_true, smoothing}
    assert huber.nonnegative == set(huber.symbols().values())


def test_constructor_arguments():
    assert huber.constructor_arguments() == ("delta", "reduction", "name", "dtype")
    assert crossentropy.constructor_arguments()[2:] == ("axis", "reduction", "name", "dtype")
    assert label_loss.constructor_arguments() == ("mode", "ignore_class", "reduction", "name", "dtype")


def test_explicit_order_of_constructor_arguments():
    order = ("a", "reduction", "axis", "name", "dtype")

    @lg.loss(arguments=order, axis_argument=True)
    def dense(y_true, y_pred, *, a=1.0):
        return lg.Mean(a * y_pred)

    @lg.loss(arguments=order, axis_argument=True)
    def labelled(y_true, y_pred, *, a=1.0):
        return a * lg.Gather(y_pred)

    assert dense.constructor_arguments() == order
    assert labelled.constructor_arguments() == ("a", "ignore_class", "reduction", "axis", "name", "dtype")


def test_extra_inputs():
    @lg.loss
    def displaced(target, prediction, margin):
        return lg.Mean((prediction - target - margin) ** 2)

    (margin,) = displaced.extra_inputs
    assert (margin.name, margin.role, margin.symbol) == ("margin", "extra", Symbol("margin", real=True))
    assert [item.role for item in displaced.inputs] == ["target", "prediction", "extra"]
    assert displaced.terms()[0].expression == lg.Mean((y_pred - y_true - margin.symbol) ** 2)


def test_per_class_parameters():
    @lg.loss
    def weighted(y_true, y_pred, *, alpha=lg.Parameter((0.25, 0.75), per_class=True)):
        return lg.Mean(alpha * (y_pred - y_true) ** 2)

    assert weighted.per_class == {"alpha"}
    assert weighted.parameters["alpha"].default == (0.25, 0.75)


def test_column_count_is_a_symbol_of_the_formula():
    declaration = lg.declare("Smoothed", lg.Sum(lg.y_pred) / lg.column_count)
    assert declaration.terms()[0].expression == lg.Sum(y_pred) / column_count


def test_compiled_formulas_hold_no_floats():
    expression = lg.declare("F", lg.Mean(0.1 * lg.y_pred**2.0 + 1e-7)).terms()[0].expression
    assert expression == lg.Mean(y_pred**2 / 10 + Rational(1, 10**7))
    assert not expression.atoms(Float)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.1, "0.1"),
        (1e-7, "1e-7"),
        (0.1 + 0.2, "0.3"),
        (2.718281828459045, "2.718281828459045"),
        (-2.5e300, "-2.5e300"),
    ],
)
def test_floats_mean_their_shortest_decimal(number, text):
    assert rational(Float(number)) == Rational(text)


def test_short_form():
    delta = Symbol("delta")
    short = lg.declare("ShortHuber", lg.Mean(delta * Abs(lg.y_pred)), delta=lg.Parameter(1.0, positive=True))
    assert (short.name, short.class_name) == ("short_huber", "ShortHuber")
    assert short.terms()[0].expression == lg.Mean(Symbol("delta", positive=True) * Abs(y_pred))


def test_short_form_from_text():
    text = lg.declare("Text", "mean(delta*abs(y_pred - y_true))", delta=2.0)
    assert text.terms()[0].expression == lg.Mean(text.symbols()["delta"] * Abs(y_pred - y_true))


def test_a_declaration_prints_itself():
    assert repr(lg.declare("Square", lg.Mean(lg.y_pred**2))) == "<loss Square(): Mean(p**2)>"


# Declarations from declarations -----------------------------------------------------------------


def test_weighted_sum_keeps_the_scopes():
    mixed = 0.5 * crossentropy + 0.5 * overlap
    assert mixed.name == "crossentropy_plus_overlap"
    assert mixed.class_name == "CrossentropyPlusOverlap"
    assert mixed.scopes == (-1, None)
    assert mixed.own_arguments == ("from_logits", "smoothing", "smooth")
    options = {"from_logits": True}
    half = Rational(1, 2)
    assert mixed.terms(options) == (
        Term(-1, half * crossentropy.terms(options)[0].expression),
        Term(None, half * overlap.terms()[0].expression),
    )
    assert mixed.documentation.startswith("0.5·Crossentropy + 0.5·Overlap.")
    assert mixed.reference == "Someone (1900)"
    assert not mixed.axis_argument


def test_terms_of_one_scope_are_added_up():
    both = huber - crossentropy / 4
    assert both.class_name == "HuberMinusCrossentropy"
    (term,) = both.terms()
    assert term.expression == huber.terms()[0].expression - crossentropy.terms()[0].expression / 4


def test_sum_of_several_and_negation():
    assert sum([huber, overlap]).class_name == "HuberPlusOverlap"
    assert (-huber).class_name == "NegativeHuber"
    assert (3 * huber).class_name == "ScaledHuber"
    assert (-huber).terms()[0].expression == -huber.terms()[0].expression


def test_equal_parameters_are_shared():
    shared = huber + huber.renamed("Other")
    assert shared.own_arguments == ("delta",)
    assert shared.terms()[0].expression == 2 * huber.terms()[0].expression


def test_domains_of_a_sum_hold_for_both():
    mixed = crossentropy + overlap
    assert mixed.domain == {"target": (0, 1), "prediction": "probability"}
    assert mixed.domain_of({"from_logits": True})["prediction"] == "real"


def test_renamed():
    mixed = (crossentropy + overlap).renamed("MixedLoss")
    assert (mixed.name, mixed.class_name, mixed.instance_name) == ("mixed_loss", "MixedLoss", "mixed_loss")
    assert crossentropy.renamed("other").identifiers == ()


def test_renamed_arguments():
    renamed = huber.renamed_arguments(delta="threshold")
    assert renamed.own_arguments == ("threshold",)
    assert renamed.symbols()["threshold"] in renamed.terms()[0].expression.free_symbols
    assert (huber + renamed).own_arguments == ("delta", "threshold")


def test_with_defaults():
    logits = crossentropy.with_defaults(from_logits=True, smoothing=0.1)
    assert logits.options["from_logits"].default is True
    assert logits.parameters["smoothing"].default == 0.1
    assert logits.variants()[0] == {"from_logits": True}
    assert logits.terms() == crossentropy.terms({"from_logits": True})


def test_a_declaration_called_with_formulas_is_a_formula():
    inner = huber(lg.y_true, 2 * lg.y_pred, delta=0.5)
    outer = lg.declare("Outer", inner + lg.Mean(lg.y_pred**2))
    assert outer.parameters == {}
    assert inner.has(2 * y_pred - y_true)


# The door ---------------------------------------------------------------------------------------


def test_importing_lossgen_loads_nothing_heavy():
    code = (
        "import sys, lossgen as lg; lg.Parameter(1.0, positive=True); lg.errors.DeclarationError; dir(lg);"
        "heavy = {'sympy', 'numpy', 'numba', 'jinja2', 'rich'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_door_names_what_is_there():
    for name in set(lg.__all__) - {"compile", "get", "serialize", "deserialize", "losses"}:
        assert getattr(lg, name) is not None
    assert set(lg.__all__) <= set(dir(lg))
    assert lg.Sum is not sympy.Sum


def test_type_checkers_see_the_same_names():
    with open(lg.__file__, encoding="utf-8") as file:
        seen = file.read().partition("if TYPE_CHECKING:")[2]
    assert sorted(lg.__all__) == sorted({name for name in lg.__all__ if f"{name} as {name}" in seen})


def test_a_misspelt_name_is_suggested():
    with pytest.raises(AttributeError, match="did you mean 'Parameter'"):
        _ = lg.Paramter
