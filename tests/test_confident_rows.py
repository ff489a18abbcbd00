"""What the adjoint sweep does for accuracy: rows in which one logit leads keep all digits.

The derived formulas are evaluated with each operation rounded to the digits of float64, without kernels.
"""

import pytest
from fuzz.checks import rounded_outputs, scenes, wanted_outputs, wrong_formulas
from fuzz.example import Example, Part

import lossgen as lg
from lossgen.compiler.differentiate import gradient, hessian_vector_product
from lossgen.compiler.flatten import flatten
from lossgen.language.symbols import y_pred as p

LEADING = ((20.0, 0.5, -1.0), (45.0, 1.0, 2.0), (0.3, 90.0, 1.0))
ONE_HOT = ((1.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
LABELS = (0, 0, 1)
FORMULAS = {
    "cross-entropy": ("-lg.Sum(y_true*lg.LogSoftmax(y_pred))", ONE_HOT),
    "weighted": ("-lg.Sum((2 + y_true)*y_true*lg.LogSoftmax(2*y_pred))", ONE_HOT),
    "squared": ("lg.Sum(y_true*lg.LogSoftmax(y_pred)**2)", ONE_HOT),
    "labels": ("-lg.Gather(lg.LogSoftmax(y_pred))", LABELS),
    "squared, labels": ("lg.Gather(lg.LogSoftmax(y_pred)**2)", LABELS),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_digits(name):
    text, targets = FORMULAS[name]
    example = Example((Part((text,)),), {}, targets, LEADING)
    for scene in scenes(example.case):
        wanted, rounded = wanted_outputs(scene), rounded_outputs(scene)
        for key, numbers in rounded.items():
            if key[1] in ("hessian", "product") and "squared" in name:
                continue  # differences, which cancel in rows like these
            for one, right in zip(numbers, wanted[key], strict=True):
                assert abs(one - right) <= 1e-14 * abs(right), (key, scene.p)


def kinds(derivative) -> list[str]:
    return [rung.kind for rung in derivative.ladder.rungs]


def test_the_gradient_of_a_label_takes_no_further_sum():
    ladder = flatten(lg.Gather(lg.LogSoftmax(p)) ** 2)
    assert kinds(gradient(ladder)).count("sum") == 0
    ladder = flatten(lg.Gather(lg.LogSoftmax(p) ** 2))
    assert kinds(gradient(ladder)).count("sum") == 0


def test_only_what_all_columns_share_is_measured_from_the_largest():
    assert "max" in kinds(hessian_vector_product(gradient(flatten(lg.LogSumExp(2 * p)))))
    assert "max" not in kinds(hessian_vector_product(gradient(flatten(lg.LogSumExp(p**2)))))


def test_a_target_that_parameters_change():
    """The gradient by the target goes through the parts of the target."""
    text = "-lg.Mean((y_true*(1 - delta) + delta/3)*sympy.log(lg.sigmoid(y_pred)))"
    example = Example((Part((text,)),), {"delta": 0.25}, ((0.5, 0.25),), ((0.3, -0.7),))
    assert not list(wrong_formulas(example.case))
