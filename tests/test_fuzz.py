"""Random declarations, compiled, against the reference; what has failed once; and the fuzzer itself.

`make fuzz N=10000` tries more of them.
"""

import itertools
import re
from collections import Counter
from unittest.mock import patch

import numpy as np
import pytest
from fuzz.campaign import FOUND, State, findings, run_batch, tried
from fuzz.example import Example, Part, replayed
from fuzz.grammar import LEAVES, NODES, productions
from fuzz.kernels import DOUBLE, SINGLE, wrong_kernels
from fuzz.strategies import HOLE, examples
from hypothesis import HealthCheck, Phase, find, given, seed, settings
from private_cache import private_cache
from sympy.core.cache import clear_cache

import lossgen as lg
from lossgen.language.atoms import ATOMS
from lossgen.language.reductions import REDUCTIONS
from lossgen.language.vocabulary import COMPILER_ATOMS, SYMPY_FUNCTIONS

BATCHES, SIZE, SHARE = 8, 25, 2
"""200 examples; one of two compiles its four kernels or more, in about two seconds."""


@pytest.fixture(scope="module", autouse=True)
def compiled_losses(tmp_path_factory):
    with private_cache(tmp_path_factory.mktemp("cache")):
        yield


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_declarations_are_what_they_say(batch):
    @seed(batch)
    @settings(max_examples=SIZE, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(examples())
    def try_one(example):
        tried(example, SHARE)

    try_one()


@pytest.mark.parametrize("path", sorted(FOUND.glob("found_*.py")), ids=lambda path: path.stem)
def test_what_has_failed_once(path):
    case = replayed(path.read_text("utf-8"))
    assert not (wrong := findings(case, kernels=(DOUBLE,))), "\n".join(map(str, wrong))


# The fuzzer itself ----------------------------------------------------------------------------------------


def test_the_grammar_has_the_whole_language():
    text = " ".join(template for kind in (*LEAVES.values(), *NODES.values()) for template in kind)
    written = set(re.findall(r"\b(?:lg|atoms|sympy)\.(\w+)", text))
    assert {each.__name__ for each in REDUCTIONS} <= written
    assert {each.__name__ for each in SYMPY_FUNCTIONS} <= written
    beyond = {
        "exprel_curvature",
        "power_curvature",
    }  # whose second derivatives are singular where they are 0/0
    assert set(ATOMS) - set(COMPILER_ATOMS) - beyond <= written
    assert {"Piecewise", "And", "Or", "Not", "Eq", "Ne", "where", "column_count"} <= written


def leaf(kind: str, number: int, labels: bool) -> str:
    """One of the forms without holes, another one for each number."""
    forms = productions(kind, 0, labels=labels, penalty=False)
    return forms[number % len(forms)]


def test_every_production_can_be_declared():
    """Each template, filled with simple forms, is what the language takes."""
    for kind, templates in NODES.items():
        for template in templates:
            labels = "Gather" in template
            turn = itertools.count()
            inner = HOLE.sub(lambda hole: leaf(hole[1], next(turn), labels), template)  # noqa: B023
            around = {"row": "{}", "condition": "lg.Mean(lg.where({}, y_pred, 2*y_pred))"}
            formula = around.get(kind, "lg.Mean(({})*y_pred)").format(inner)
            targets = (0,) if labels else ((0.5, 0.25),)
            case = Example((Part((f"{formula} + lg.Max(y_pred)",)),), {}, targets, ((0.3, 0.7),)).case
            assert case.declaration.name == "example", template


def test_a_wrong_formula_is_noticed_and_shrunk(tmp_path):
    """A campaign with a wrong derivative of a function ends in a file with little more than the function."""
    row = ATOMS["sigmoid"]
    wrong = (lambda x: row.derivatives[0](x) * (1 + x / 10**6),)
    state = State("test")
    clear_cache()  # SymPy remembers derivatives
    with patch.dict(ATOMS, sigmoid=type(row)(**{**vars(row), "derivatives": wrong})):
        for number in range(40):
            run_batch(number, 50, state, tmp_path, share=1000, depth=2, found=tmp_path / "found")
            if state.failures:
                break
    clear_cache()
    (name,) = state.failures
    text = (tmp_path / "found" / name).read_text("utf-8")
    assert "sigmoid(" in text or "exp(" in text
    formula = re.findall(r"return (.*)", text)[-1]
    assert formula.count("(") <= 6, formula
    assert State.load(tmp_path, "test").failures == [name] and State.load(tmp_path, "other").failures == []
    assert findings(replayed(text), kernels=()) == []  # without the wrong rule it is right


def test_a_wrong_kernel_is_noticed():
    parts = [
        Part((f"lg.Mean({c}*(y_pred - y_true)**2)",)) for c in ("1", "sympy.Rational(10000001, 10000000)")
    ]
    right, wrong = (Example((part,), {}, ((0.5, 1.0),), ((0.25, 2.0),)).case for part in parts)
    found = list(wrong_kernels(right, lg.compile(wrong.declaration)))
    assert {each.output for each in found} >= {"value", "gradient", "hessian", "product"}
    assert not list(wrong_kernels(right))


def test_a_wrong_kernel_in_single_precision_is_noticed():
    parts = [Part((f"lg.Mean({c}*(y_pred - y_true)**2)",)) for c in ("1", "sympy.Rational(10005, 10000)")]
    right, wrong = (Example((part,), {}, ((0.1, 1.3),), ((0.3, 2.7),)).case for part in parts)
    found = list(wrong_kernels(right, lg.compile(wrong.declaration), kind=SINGLE))
    assert {each.output for each in found} >= {"value", "gradient", "hessian", "product"}
    assert {each.stage for each in found} == {"kernel in float32"}
    assert not list(wrong_kernels(right, kind=SINGLE))


def test_what_is_not_compared_is_counted():
    """The hinge by its margin, exactly at the kink: the formulas of a row, and all but one derivative."""
    part = Part(("lg.Mean(lg.relu(shift + y_pred*y_true))",))
    counts = Counter()
    at_a_kink = Example((part,), {"shift": -0.25}, ((0.5,),), ((0.5,),)).case
    assert not findings(at_a_kink, (), counts)
    assert counts.total() and any(name.startswith("skipped") for name in counts)
    counts.clear()
    beside = Example((part,), {"shift": -0.25}, ((0.5,),), ((0.75,),)).case
    assert not findings(beside, (SINGLE,), counts)
    assert counts["formulas compared"] and counts["float32 kernels compared"]
    assert not any(counts[name] for name in counts if name.startswith("skipped"))


def test_single_precision_is_no_other_formula():
    part = Part(("lg.LogSumExp(y_pred*y_true) + lg.Mean(sympy.tanh(y_pred)**2)",))
    case = Example((part,), {}, ((0.5, 1.0, -2.0),), ((0.25, 2.0, 1.5),)).case
    cls = lg.compile(case.declaration)
    y, p = case.targets.astype("float32"), case.predictions.astype("float32")
    for one, two in zip(
        cls().value_and_gradient(y, p),
        cls().value_and_gradient(y.astype(float), p.astype(float)),
        strict=True,
    ):
        np.testing.assert_allclose(one, two, rtol=2e-6)


def test_what_fails_is_a_file_that_can_be_pasted():
    example = find(
        examples(),
        lambda each: "Max" in each.source(),
        settings=settings(database=None, phases=(Phase.generate, Phase.shrink)),
    )
    space: dict = {"__name__": "pasted"}
    exec(example.source(), space)
    assert lg.compile(space["declaration"]).__name__ == "Example"
