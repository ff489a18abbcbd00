"""What the adjoint sweep does for accuracy: rows in which one logit leads keep all digits.

The derived formulas are evaluated with each operation rounded to the digits of float64, without kernels.
"""

import pytest
from fuzz.checks import scenes, wanted_outputs, wrong_formulas
from fuzz.example import Example, Part
from fuzz.kernels import rounded_outputs

import lossgen as lg
from lossgen.compiler.differentiate import gradient, hessian_vector_product
from lossgen.compiler.flatten import flatten
from lossgen.language.atoms import keep, softmax_complement
from lossgen.language.symbols import y_pred as p
from lossgen.language.symbols import y_true as y

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


def test_what_a_sum_is_compared_with_is_the_number_that_was_added():
    """ΣD − D is exact only where D is one float in both, and is written with few signs."""
    derivative = gradient(flatten(-lg.Sum((y**2 + y) * lg.LogSoftmax(p))))
    assert keep(y**2 + y) in derivative.expression.atoms(keep)
    assert keep(y**2 + y) in [rung.summand for rung in derivative.ladder.rungs]


def test_what_is_balanced_stays_so_under_an_earlier_sum():
    derivative = gradient(flatten(lg.Sum(y * lg.LogSoftmax(lg.LogSoftmax(p) + lg.Softmax(p)))))
    (outer,) = (rung for rung in derivative.ladder.rungs if str(rung.symbol) == "log_sum_exp_2")
    assert softmax_complement(outer.summand, outer.symbol) in derivative.expression.atoms(softmax_complement)


def test_only_what_all_columns_share_is_measured_from_the_largest():
    assert "max" in kinds(hessian_vector_product(gradient(flatten(lg.LogSumExp(2 * p)))))
    assert "max" not in kinds(hessian_vector_product(gradient(flatten(lg.LogSumExp(p**2)))))


def test_a_target_that_parameters_change():
    """The gradient by the target goes through the parts of the target."""
    text = "-lg.Mean((y_true*(1 - delta) + delta/3)*sympy.log(lg.sigmoid(y_pred)))"
    example = Example((Part((text,)),), {"delta": 0.25}, ((0.5, 0.25),), ((0.3, -0.7),))
    assert not list(wrong_formulas(example.case))
