"""Formula text: what is read, that numbers are exact, that all else is refused at its place, quickly."""

import re
import time

import pytest
import sympy
from sympy import Abs, And, Eq, Max, Min, Ne, Not, Or, Piecewise, Rational, Symbol, exp, log, sqrt

import lossgen as lg
from lossgen.catalog import DECLARATIONS
from lossgen.language.functions import FUNCTIONS

y, p, C = lg.y_true, lg.y_pred, lg.column_count
error = p - y


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("mean((y_pred - y_true)**2)", lg.Mean(error**2)),
        ("Mean((p - y)**2)", lg.Mean(error**2)),
        ("sum(p) / C", lg.Sum(p) / C),
        ("sum(p) / column_count", lg.Sum(p) / C),
        ("-p + +y * 3", -p + 3 * y),
        ("exp(p)*log(p)*sqrt(p)", exp(p) * log(p) * sqrt(p)),
        ("log(p, 2)", log(p) / log(2)),
        ("abs(p - y)", Abs(error)),
        ("pow(p, 3)", p**3),
        ("max(p, 0)", Max(p, 0)),
        ("max(p)", lg.Max(p)),
        ("Min(p, y, 1)", Min(p, y, 1)),
        ("min(p)", lg.Min(p)),
        ("logsumexp(p)", lg.LogSumExp(p)),
        ("gather(log_softmax(p))", lg.Gather(lg.LogSoftmax(p))),
        ("mean(softmax(p))", lg.Mean(lg.Softmax(p))),
        ("softplus(p) - y*p", lg.softplus(p) - y * p),
        ("log_sigmoid(p)", -lg.softplus(-p)),
        ("exp2(p) + log2(y) + cbrt(p)", 2**p + sympy.log(y, 2) + sympy.cbrt(p)),
        ("clip(p, 0, 1)", lg.clip(p, 0, 1)),
        ("where(p > 0, p, 0)", Piecewise((p, p > 0), (0, True))),
        ("where(0 < p <= 1, p, 0)", Piecewise((p, And(p > 0, p <= 1)), (0, True))),
        (
            "where(p > 0 and not y > 0 or p < y, 1, 0)",
            Piecewise((1, Or(And(p > 0, Not(y > 0)), p < y)), (0, True)),
        ),
        (
            "where((p > 0) & ~(y > 0) | (p < y), 1, 0)",
            Piecewise((1, Or(And(p > 0, Not(y > 0)), p < y)), (0, True)),
        ),
        ("where(Or(p > 0, Eq(y, 1)), 1, 0)", Piecewise((1, Or(p > 0, Eq(y, 1))), (0, True))),
        ("where(y != 1, 1, p)", Piecewise((1, Ne(y, 1)), (p, True))),
        ("Piecewise((p, p > 0), (y, True))", Piecewise((p, p > 0), (y, True))),
        ("pi*E*p", sympy.pi * sympy.E * p),
        ("mean(\n    p\n    + y\n)", lg.Mean(p + y)),
    ],
)
def test_reading(text, meaning):
    assert lg.parse(text) == meaning


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.1", Rational(1, 10)),
        ("1e-7", Rational(1, 10**7)),
        ("1.", Rational(1)),
        (".5", Rational(1, 2)),
        ("1_000.5", Rational(2001, 2)),
        ("0.1234567890123456789", Rational(1234567890123456789, 10**19)),
        ("0.1 + 0.2", Rational(3, 10)),
        ("0e5", Rational(0)),
        ("0x10", Rational(16)),
        ("2**0.5", sqrt(2)),
    ],
)
def test_numbers_are_exactly_what_is_written(text, number):
    assert lg.parse(text) == number


def test_given_names():
    delta = Symbol("delta", positive=True)
    assert lg.parse("delta*p", delta=delta) == delta * p
    assert lg.parse("delta*p", delta=lg.Parameter(1.0, positive=True)) == delta * p
    assert lg.parse("delta*p", delta=0.1) == p / 10
    assert lg.parse("e**2", e=error) == error**2


@pytest.mark.parametrize("declaration", DECLARATIONS, ids=lambda declaration: declaration.name)
def test_what_sympy_prints_of_the_catalogue_is_read_back(declaration):
    for options in declaration.variants():
        for term in declaration.terms(options):
            assert lg.parse(str(term.expression), **declaration.symbols()) == term.expression


def test_every_function_is_called_with_as_many_arguments_as_its_row_says():
    for name, function in FUNCTIONS.items():
        arguments = ["p > 0", "p", "y"] if name == "where" else ["p"] * int(function.least)
        if name == "polygamma":
            arguments = ["0", "p"]
        assert lg.parse(f"{name}({', '.join(arguments)})") is not None
        with pytest.raises(lg.ParseError, match=f"`{name}` takes"):
            lg.parse(f"{name}()")


# Refusals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("p.real", "p.real", "a dot reaches into Python objects"),
        ("p.__class__", "p.__class__", "a dot reaches into Python objects"),
        ("sum(p[0])", "p[0]", "gather"),
        ("'p'", "'p'", "a formula holds no text"),
        ("f'{p}'", "f'{p}'", "a formula holds no text"),
        ("lambda: p", "lambda: p", "defines no functions"),
        ("(x := p)", "x := p", "assigns no names"),
        ("[p for p in y]", "[p for p in y]", "not part of the formula language"),
        ("(p for q in y)", "(p for q in y)", "not part of the formula language"),
        ("{p: y}", "{p: y}", "not part of the formula language"),
        ("[p, y]", "[p, y]", "holds no lists"),
        ("(p, y)", "(p, y)", "a formula is one number"),
        ("mean(*p)", "*p", "write every argument out"),
        ("mean(p, axis=1)", "axis=1", "no keywords"),
        ("mean(**p)", "**p", "no keywords"),
        ("p if p > 0 else 0", "p if p > 0 else 0", "where(condition, a, b)"),
        ("p > 0", "p > 0", "a condition is no number"),
        ("not p", "not p", "a condition is no number"),
        ("And(p > 0, y > 0)", "And(p > 0, y > 0)", "a condition is no number"),
        ("True", "True", "true and false are no numbers"),
        ("None", "None", "only decimal numbers"),
        ("...", "...", "only decimal numbers"),
        ("2j*p", "2j", "only decimal numbers"),
        ("p^2", "p^2", "write ** for a power"),
        ("p // 2", "p // 2", "write / for a quotient"),
        ("p % 2", "p % 2", "no useful derivative"),
        ("p @ y", "p @ y", "sum(a*b)"),
        ("where(p, 1, 0)", "p", "a comparison is expected"),
        ("where(p is y, 1, 0)", "p is y", "numbers are compared by"),
        ("where(p in y, 1, 0)", "p in y", "numbers are compared by"),
        ("where(where(p > 0, p, y) > 0, p, 0)", "where(p > 0, p, y) > 0", "a comparison holds no where(…)"),
        ("where(p > 0, 1)", "where(p > 0, 1)", "`where` takes 3 arguments, not 2"),
        ("log(p, 2, 3)", "log(p, 2, 3)", "`log` takes 1 to 2 arguments, not 3"),
        ("mean(p, y)", "mean(p, y)", "`mean` takes 1 argument, not 2"),
        ("Piecewise(p, y)", "p", "a pair (value, condition)"),
        ("meen(p)", "meen", "did you mean `mean`?"),
        ("y_prd + 1", "y_prd", "did you mean `y_pred`?"),
        ("p + gamme", "gamme", "did you mean `gamma`?"),
        ("p + qqqq", "qqqq", "known are y_true"),
        ("mean", "mean", "write mean(…)"),
        ("p(2)", "p(2)", "write * for a product"),
        ("(mean)(p)(y)", "(mean)(p)", "only functions are called"),
        ("__import__('os')", "__import__", "there is no function `__import__`"),
        ("eval('1')", "eval", "there is no function `eval`"),
        ("Symbol('x')", "Symbol", "there is no function `Symbol`"),
        ("factorial(10**8)", "factorial", "there is no function `factorial`"),
        ("1/0", "1/0", "no finite value"),
        ("log(0)", "log(0)", "no finite value"),
        ("p + mean(2)", "mean(2)", "of a constant write what it is"),
        ("logsumexp(1)*p", "logsumexp(1)", "of a constant write what it is"),
        ("log(-2)", "log(-2)", "no real number"),
        ("sqrt(-2)*p", "sqrt(-2)", "no real number"),
        ("polygamma(2, p)", "polygamma(2, p)", "digamma(x), trigamma(x)"),
    ],
)
def test_refusals_show_the_place(text, place, message):
    with pytest.raises(lg.ParseError) as caught:
        lg.parse(text, gamma=lg.Parameter(1.0))
    told, line, marks = str(caught.value).split("\n")
    assert message in told
    assert told.endswith((".", "?"))
    assert line == f"    {text}"
    start = marks.index("^")
    assert line[start : start + marks.count("^")] == place


def test_the_place_in_text_of_several_lines_and_in_long_lines():
    with pytest.raises(lg.ParseError) as caught:
        lg.parse("mean(p\n     + foo)")
    assert str(caught.value).endswith("\n         + foo)\n           ^^^")
    with pytest.raises(lg.ParseError) as caught:
        lg.parse("p + " * 100 + "foo" + " + p" * 50)
    _, line, marks = str(caught.value).split("\n")
    assert len(line) < 120
    assert line[marks.index("^") :].startswith("foo + p")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The text is empty"),
        ("   ", "The text is empty"),
        ("mean(p", "'(' was never closed"),
        ("p = 3", "invalid syntax"),
        ("p; y", "invalid syntax"),
        ("import os", "invalid syntax"),
        ("p\x00", "U+0000 (a control character) is not"),
        ("p\x0c", "U+000C (a control character) is not"),
        ("y − p", "U+2212 (minus sign) is not; write -"),
        ("ｐ", "U+FF50 (fullwidth latin small letter p) is not; write p"),
        ("р", "U+0440 (cyrillic small letter er) is not"),
        ("\u202ep", "U+202E (right-to-left override) is not"),
        ("p +" * 2000, "at most 4000"),
        ("(" * 300 + "p" + ")" * 300, "too many nested parentheses"),
        ("-" * 1000 + "p", "nested too deeply"),
        ("exp(" * 40 + "p" + ")" * 40, "at most 25 functions inside each other"),
    ],
)
def test_text_that_is_no_formula(text, message):
    with pytest.raises(lg.ParseError, match=r"(?s)" + re.escape(message)):
        lg.parse(text)


def test_only_text_is_read():
    with pytest.raises(lg.ParseError, match="of type int"):
        lg.parse(3)


@pytest.mark.parametrize("name", ["p", "y_true", "mean", "pi", "where", "Piecewise"])
def test_names_with_a_meaning_cannot_be_given(name):
    with pytest.raises(lg.ParseError, match=f"`{name}` already has a meaning"):
        lg.parse("p", **{name: 1.0})


def test_given_names_are_formulas_or_numbers():
    with pytest.raises(lg.ParseError, match="`delta` must be a symbol"):
        lg.parse("delta", delta="p")


@pytest.mark.parametrize(
    "text",
    [
        "2**10**9",
        "((2*p)**100)**100",
        "(2**1000)**1000",
        "exp(10**300*log(2))",
        "exp(p + 10**30*log(2))",
        "E**(10**300*log(2))",
        "(E**log(2))**(10**100)",
        "1e999999999",
        "1e-999999999",
        "9" * 400,
        "loggamma(10**9) + factorial(10**9)",
        "polygamma(0, 10**9) + p.x",
        "cosh(log(3)*100000000)",
        "exp(exp(exp(exp(exp(2)))))",
        "log(" * 25 + "2" + ")" * 25,
        "max(" + ", ".join(f"p*{i}" for i in range(300)) + ")",
        "erfc(1e300)",
        "digamma(-5)",
    ],
)
def test_no_text_makes_sympy_compute_for_long(text):
    start = time.perf_counter()
    with pytest.raises(lg.ParseError):
        lg.parse(text)
    assert time.perf_counter() - start < 2


def test_functions_of_large_numbers_stay_as_they_are():
    start = time.perf_counter()
    assert lg.parse("loggamma(10**9)") == lg.lgamma(10**9)
    assert lg.parse("polygamma(1, 10**9)") == lg.trigamma(10**9)
    assert time.perf_counter() - start < 1
