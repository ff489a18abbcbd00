"""Every rewrite keeps the mathematics: whatever rule is applied or left out, a loss has the same derivatives.

The formulas are random declarations and some in which the rarer rules apply. All is evaluated in arbitrary
precision, so that a difference is a wrong rule and no rounding.
"""

import random
from functools import cache
from importlib import import_module
from unittest.mock import patch

import mpmath
import pytest
import sympy
from arithmetic import exact
from fuzz.checks import wrong_formulas
from fuzz.example import Example, Part
from fuzz.strategies import declared_examples

from lossgen.compiler.driver import derive
from lossgen.compiler.stabilise import driver, rules
from lossgen.language.atoms import log_softmax, softmax, softmax_complement

accurate = import_module("lossgen.compiler.stabilise.accurate")  # not the function of that name

RANDOM = 60
BEFORE = [rule.name for rule in rules.RULES]
LAST = sorted({name for name, _ in accurate.RULES})
EACH = 4
"""So many examples are derived without each rule."""

RARER = (
    "lg.Mean(sympy.sqrt(1 + y_pred**2) - 1)",
    "lg.Mean(y_true*sympy.log(y_true/y_pred))",
    "lg.Mean(y_pred**2/(1 + y_pred**2)**2)",
    "lg.Mean(1/sympy.sqrt(delta**2 + (y_pred - y_true)**2))",
    "lg.Mean((1 - y_pred**gamma)/gamma)",
    "lg.Mean(sympy.log(1 + (y_pred - y_true)**2) - sympy.log(1 + y_true**2))",
    "lg.Mean(sympy.log(2*lg.sigmoid(y_pred)))",
    "lg.Mean((y_pred - y_true)**2*sympy.exp(-y_pred))",
    "lg.Mean((y_pred - y_true)**2*sympy.exp(-(y_pred - y_true)**2/2))",
    "lg.Mean(y_pred*(1 - y_true) + (1 + delta*y_true)*sympy.log(1 + sympy.exp(-y_pred)))",
    "-lg.Mean(y_true*sympy.log(lg.clip(y_pred, 0.0625, 0.9375)))",
    "-lg.Mean(sympy.log(1 - lg.clip(y_pred, 0.0625, 0.9375))/(1 - lg.clip(y_pred, 0.0625, 0.9375)))",
    "lg.Mean((1 + y_pred)**(-2))",
    "-lg.Mean(sympy.log(1 - sympy.exp(-sympy.exp(y_pred))))",
    "lg.Mean((lg.sigmoid(y_pred) - y_true)**2)",
    "lg.Mean(sympy.log(y_pred**2 + delta**2))",
    "lg.Mean(sympy.log((y_pred**2 + 1)/(delta**2 + 1)))",
    "lg.Mean(sympy.log((y_pred**2 + 1)/((y_pred - y_true)**2 + 1)))",
    "lg.Mean(sympy.log(1 + sympy.exp(y_pred)) - y_pred)",
    "lg.Max(delta**2*(sympy.sqrt(1 + ((y_pred - y_true)/delta)**2) - 1))",
    "lg.Mean(lg.expm1(delta*lg.log1p((y_pred - y_true)**2)))",
    "lg.Mean(y_true*sympy.log(y_true/(1 + y_pred**2)))",
    "lg.Mean(y_true*(sympy.log(y_true) - sympy.log(y_pred)))",
)


@cache
def formulas() -> tuple[tuple[Example, frozenset[str]], ...]:
    """Examples, and the names of the rules that each has passed through."""
    facts = (("domain", "{'prediction': 'positive', 'target': 'probability'}"),)
    values = {"delta": 0.625, "gamma": 2.5}
    rarer = [
        Example((Part((text,), facts),), values, ((0.25, 0.75),), ((0.3, 1.7),)) for text in RARER
    ]
    found = []
    for example in (*rarer, *declared_examples(RANDOM)):
        names = {step[0] for each in traces(example) for step in each}
        found.append((example, frozenset(names)))
    return tuple(found)


def traces(example: Example):
    """What was rewritten in each term of each variant."""
    declaration = example.case.declaration
    return [term.trace for options in declaration.variants() for term in derive(declaration, options)]


@pytest.mark.parametrize("name", BEFORE)
def test_without_a_rule_before_differentiation(name):
    without = tuple(rule for rule in rules.RULES if rule.name != name)
    concerned = passing_through(name)
    with patch.object(driver, "RULES", without), patch.object(driver, "_BY_NODE", {}):
        check_without(name, concerned)


@pytest.mark.parametrize("name", LAST)
def test_without_a_rule_of_the_last_rewriting(name):
    concerned = passing_through(name)
    with patch.object(accurate, "RULES", tuple(rule for rule in accurate.RULES if rule[0] != name)):
        check_without(name, concerned)


def passing_through(name: str) -> list[Example]:
    """Some of the examples that the rule changes."""
    found = [example for example, names in formulas() if name in names][:EACH]
    assert found, f"no formula passes through the rule {name!r}"
    return found


def check_without(name: str, concerned: list[Example]) -> None:
    """The examples have the same derivatives although the rule is left out."""
    for example in concerned:
        assert all(step[0] != name for each in traces(example) for step in each)
        assert not (wrong := list(wrong_formulas(example.case))), "\n".join(map(str, wrong))


def test_every_step_keeps_the_value():
    """Before and after, at points small and large."""
    source = random.Random(7)
    compared: dict[str, int] = {}
    for example, _ in formulas():
        for trace in traces(example):
            for name, before, after in dict.fromkeys(trace):
                if compared.get(name, 0) < 60:
                    compared[name] = compared.get(name, 0) + same_value(name, before, after, source)
    assert {name for name in (*BEFORE, *LAST) if compared.get(name, 0) < 6} == set(), compared


def same_value(name: str, before: sympy.Expr, after: sympy.Expr, source: random.Random) -> int:
    """How many points could be compared."""
    number = 0
    for width in (1, 1, 1, 1, 30, 30, 1e4):
        symbols = before.free_symbols | after.free_symbols
        values = {symbol: value_of(symbol, source, width) for symbol in symbols}
        try:
            if not all(is_allowed(each, values) for each in (before, after)):
                continue
            first, second = (settled(each, values) for each in (before, after))
        except (TypeError, ValueError, ZeroDivisionError, OverflowError, KeyError):
            continue
        if first is None:
            continue
        assert second is not None and abs(first - second) <= 1e-15 * abs(first), (name, before, after, values)
        number += 1
    return number


def value_of(symbol: sympy.Symbol, source: random.Random, width: float) -> float:
    """A value that a symbol may have; labels and hits are 0 or 1, log-sum-exps larger than what they sum."""
    if symbol.name.endswith("_hit"):
        return float(source.random() < 0.5)
    if symbol.name.startswith("log_sum_exp"):
        return 2 * width + 1
    if symbol.is_integer or symbol.name == "C":
        return 3.0
    if symbol.name == "y":
        return source.uniform(0, 1)
    value = source.uniform(-width / 3, width)
    return abs(value) if symbol.is_nonnegative else value


def is_allowed(expression: sympy.Expr, values: dict) -> bool:
    """Whether no softmax is larger than 1."""
    atoms = expression.atoms(log_softmax, softmax, softmax_complement)
    return all(exact(each.args[0] - each.args[1], values) <= 0 for each in atoms)


def settled(expression: sympy.Expr, values: dict):
    """The value once more digits do not change it; None where there is none."""
    previous = None
    for digits in (60, 240, 960, 10_000):
        value = exact(expression, values, digits)
        if mpmath.isnan(value) or mpmath.isinf(value):
            return None
        if value == 0:
            continue
        if previous is not None and abs(value - previous) <= abs(value) * mpmath.mpf(10) ** -18:
            return value
        previous = value
    return None
