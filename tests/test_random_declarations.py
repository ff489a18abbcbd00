"""Random declarations, compiled, against the reference: the formula in high precision, expanded as series.

`LOSSGEN_RANDOM_DECLARATIONS=500 pytest tests/test_random_declarations.py` tries more of them.
"""

import os
import random

import pytest
import sympy
from agreement import disagreements
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from private_cache import private_cache
from random_declarations import arguments_of, random_declaration, random_inputs

import lossgen as lg
from lossgen.language.reductions import REDUCTIONS

EXAMPLES = int(os.environ.get("LOSSGEN_RANDOM_DECLARATIONS", "15"))
"""Each compiles four kernels: about two seconds."""


@pytest.fixture(scope="module", autouse=True)
def compiled_losses(tmp_path_factory):
    with private_cache(tmp_path_factory.mktemp("cache")):
        yield


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),  # a seed has no simpler neighbours
    suppress_health_check=(HealthCheck.too_slow,),
)
@given(seed=st.integers(0, 2**32 - 1))
def test_random_declaration_is_what_it_says(seed):
    declaration = random_declaration(random.Random(seed))
    note(repr(declaration))
    found = disagreements(
        declaration,
        arguments_of(declaration),
        lambda options: random_inputs(declaration, options, seed, rows=3),
    )
    assert not (lines := [str(each) for each in found]), "\n".join(lines)


@pytest.mark.parametrize("seed", range(2))
def test_single_precision_is_no_other_formula(seed):
    declaration = random_declaration(random.Random(seed))

    def inputs(options):
        y, p = random_inputs(declaration, options, seed, rows=3)
        return (y if y.ndim == 1 else y.astype("float32")), p.astype("float32")

    found = [str(each) for each in disagreements(declaration, arguments_of(declaration), inputs, 2e-4)]
    assert not found, "\n".join(found)


def test_the_generator_reaches_the_whole_language():
    seen = set()
    for seed in range(400):
        declaration = random_declaration(random.Random(seed))
        for options in declaration.variants():
            (term,) = declaration.terms(options)
            seen |= {type(part).__name__ for part in sympy.preorder_traversal(term.expression)}
        seen |= set(declaration.parameters) | set(declaration.options)
    reductions = {each.__name__ for each in REDUCTIONS}
    assert reductions | {"Piecewise", "xlogy"} | {"delta", "gamma", "shift", "weights", "second"} <= seen


def test_the_comparison_notices_a_wrong_formula():
    error = lg.y_pred - lg.y_true
    right, wrong = (lg.declare("square", lg.Mean(c * error**2)) for c in (1, 1.0000001))
    found = disagreements(right, {}, lambda _: random_inputs(right, {}, 0, rows=2), cls=lg.compile(wrong))
    assert {each.output for each in found} >= {"value", "gradient", "hessian", "product"}
