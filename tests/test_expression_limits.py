"""Formulas, numbers, names and texts beyond the limits are refused before anything slow is done."""

import time

import pytest
import sympy
from refusing import refused
from sympy import Float, Integer, Rational, Symbol

import lossgen as lg
from lossgen.catalog import DECLARATIONS, PENALTIES
from lossgen.language.limits import MAXIMUM_DEPTH, MAXIMUM_NODES, excess, nodes

y, p = lg.y_true, lg.y_pred

HUGE, TINY = Float._new((0, 1, 10**9, 1), 53), Float._new((0, 1, -(10**9), 1), 100)  # 2^±1000000000


def shared(depth):
    """A formula of few objects that is enormous when it is written out."""
    formula = p
    for _ in range(depth):
        formula = sympy.Pow(formula, formula, evaluate=False)
    return formula


def nested(depth):
    formula = p
    for _ in range(depth):
        formula = sympy.sin(formula, evaluate=False)
    return formula


def wide(count):
    return sympy.Add(*(sympy.sin(p * number, evaluate=False) for number in range(2, count)))


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        (shared(60), "more than 2000 numbers"),
        (nested(150), "nested more than 100 deep"),
        (wide(1000), "more than 2000 numbers"),
        (p**1001, "the exponent 1001 is too large"),
        (p ** Rational(-2001, 2), "the exponent -2001/2 is too large"),
        (p * Integer(10) ** 400, "too large or too small for a float"),
        (p + Rational(1, 10**400), "too large or too small for a float"),
        (p * Integer(3) ** 10000, "binary digits"),
        (p * HUGE, "too large or too small for a float"),
        (p * TINY, "too large or too small for a float"),
        (p * Float("0." + "3" * 2000, 2000), "binary digits"),
        (p**HUGE, "too large or too small for a float"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_formulas_beyond_the_limits(formula, words):
    for declare in (
        lambda: lg.declare("Large", lg.Mean(formula)),
        lambda: lg.loss(name="large")(lambda y_true, y_pred: lg.Mean(formula)),
        lambda: lg.penalty(name="large")(
            lambda x: lg.Sum(formula.subs(p, x) if excess(formula) is None else formula)
        ),
    ):
        start = time.process_time()
        with pytest.raises(lg.LimitError, match=words):
            declare()
        assert time.process_time() - start < 0.5
    start = time.process_time()
    with pytest.raises(lg.ParseError, match=words):
        lg.parse("part", part=formula)
    assert time.process_time() - start < 0.5


def test_a_formula_that_grows_by_names_of_parts():
    part = sympy.Add(*(sympy.sin(p * number) for number in range(100)))
    with pytest.raises(lg.ParseError, match="more than 2000"):
        lg.parse(" + ".join(f"exp(a*{number})" for number in range(1, 100)), a=part)


def test_a_formula_just_within_the_limits():
    assert excess(nested(MAXIMUM_DEPTH - 1)) is None
    assert excess(nested(MAXIMUM_DEPTH)) is not None
    terms = wide(2 + (MAXIMUM_NODES - 1) // 4)
    assert sum(1 for _ in nodes(terms)) <= MAXIMUM_NODES
    assert excess(terms) is None
    lg.declare("Fine", lg.Mean(p**1000 + p * Rational(1, 10**300) + p * Float("1e300")))


def test_the_catalogue_is_far_within_the_limits():
    sizes = [
        max(depth for _, depth in nodes(term.expression)) + 1j * sum(1 for _ in nodes(term.expression))
        for each in (*DECLARATIONS, *PENALTIES)
        for case in each.cases.values()
        for term in case.terms
    ]
    assert max(size.real for size in sizes) == 12  # as docs/language.md says
    assert max(size.imag for size in sizes) == 125


def test_sums_of_declarations():
    large = lg.declare("Large", lg.Mean(wide(400)))
    with pytest.raises(lg.LimitError, match="more than 2000"):
        large + lg.declare("Larger", lg.Mean(wide(401) * y))
    with pytest.raises(lg.LimitError, match="nested more"):
        large(y, nested(150))


def test_a_function_that_python_cannot_nest():
    def endless(y_true, y_pred):
        return endless(y_true, y_pred)

    refused(lambda: lg.loss(endless), "endless: the formula is nested too deeply")


def test_names_and_texts():
    refused(lambda: lg.declare("n" * 101, lg.Mean(p)), "the loss name has 101 characters", "at most 100")
    refused(
        lambda: lg.declare("Fine", lg.Mean(p * Symbol("q" * 101, real=True)), **{"q" * 101: 1.0}),
        "the parameter name has 101 characters",
    )
    refused(lambda: lg.declare("Fine", lg.Mean(p), documentation="x" * 20_001), "20001 characters")
    refused(
        lambda: lg.declare(
            "Fine",
            lg.Mean(sympy.Add(*(p * Symbol(f"q{k}", real=True) for k in range(65)))),
            **{f"q{k}": 1.0 for k in range(65)},
        ),
        "65 parameters and options",
    )
