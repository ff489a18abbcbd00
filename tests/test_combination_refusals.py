"""Arithmetic, substitution and facts of declarations that are refused, each with the part that is wrong."""

import pytest
import sympy
from refusing import refused

import lossgen as lg

y, p = lg.y_true, lg.y_pred
square = lg.declare("Square", lg.Mean((p - y) ** 2))
scaled = lg.declare("Stretched", lg.Mean((p - y) ** 2 * sympy.Symbol("rate", real=True)), rate=2.0)
label = lg.declare("Picked", -lg.Gather(p))
both = lg.declare(
    "Both", lg.Mean(sympy.Symbol("one", real=True) * p + sympy.Symbol("other", real=True)), one=1.0, other=2.0
)


@lg.loss
def with_input(y_true, y_pred, rate):
    return lg.Mean(rate * (y_pred - y_true) ** 2)


@lg.penalty
def ridge(x):
    return lg.Sum(x**2)


def declared(**facts):
    return lg.loss(**facts)(lambda y_true, y_pred: lg.Mean((y_pred - y_true) ** 2))


@pytest.mark.parametrize(
    ("make", "fragments"),
    [
        (lambda: 0 * square, ["0*square", "leave it out"]),
        (lambda: square / 0, ["square/0", "cannot be divided by 0"]),
        (lambda: square * float("nan"), ["multiplied by numbers only", "a finite number"]),
        (lambda: square * square, ["square * square", "one formula"]),
        (lambda: square + ridge, ["square + ridge", "a penalty one input"]),
        (lambda: scaled + with_input, ["`rate` is an input of one and an argument of the other"]),
        (lambda: both.renamed_arguments(one="other"), ["`other` is already taken"]),
        (lambda: declared(name="fine", axis_argument=1), ["axis_argument=1", "True or False"]),
        (lambda: declared(name="fine", scope=(0, 0)), ["scope=(0, 0)", "a tuple of axes"]),
        (lambda: declared(name="fine", target_preparation="sorted"), ["'sorted'", "the only preparation"]),
        (lambda: declared(name="fine", domain={"truth": "real"}), ["`truth`", "target, prediction"]),
        (lambda: declared(name="fine", domain={"target": lambda mode: "real"}), ["`mode`", "no option"]),
        (lambda: declared(name="fine", kind="convex"), ["knows no `kind`"]),
        (lambda: lg.loss(lambda y_pred, y_true: lg.Mean(p), name="fine"), ["the target comes first"]),
        (lambda: square * p, ["square * p", "a weight that is a parameter"]),
        (lambda: square + 1, ["square + 1", "a constant belongs inside the formula"]),
        (lambda: square(y), ["square reads y_true, y_pred; received 1 inputs"]),
        (lambda: square(y, "p"), ["square is a declaration", "Received: str"]),
        (lambda: label(p, p), ["reads integer labels; pass lg.y_true itself"]),
        (lambda: (square + lg.declare("Whole", lg.Mean(p), scope=None))(y, p), ["terms of different scopes"]),
        (lambda: lg.declare("Chosen", lg.Mean(p), mode=True), ["`mode` is an option", "@lg.loss"]),
        (lambda: lg.declare("Fine", lg.Mean(p), documentation=3), ["documentation=3", "write a text"]),
        (lambda: lg.declare("Fine", lg.Mean(p), reference=3), ["reference=3", "write a text"]),
        (lambda: lg.declare("Fine", lg.Mean(p), scope=65), ["scope=65", "write one axis"]),
        (lambda: lg.declare("Fine", lg.Mean(p), link=3), ["link=3"]),
        (lambda: lg.declare("Fine", lg.Mean(p), domain={"target": (1, 1)}), ["low < high"]),
        (lambda: lg.loss(name="fine", kinks=[3])(lambda y_true, y_pred: lg.Mean(p)), ["kinks=[3]"]),
        (lambda: lg.loss(name="fine", kinks=["a"] * 65)(lambda y_true, y_pred: lg.Mean(p)), ["65 entries"]),
        (
            lambda: lg.loss(name="fine", arguments=("name", "name", "reduction", "dtype"))(
                lambda y_true, y_pred: lg.Mean(p)
            ),
            ["lists a name twice"],
        ),
        (lambda: lg.Option(float("nan"), choices=(float("nan"), 1.0)), ["no finite number"]),
        (lambda: lg.Parameter(1.0, maximum=10**400), ["a bound must be a finite number"]),
    ],
)
def test_what_is_refused(make, fragments):
    refused(make, *fragments)


def test_arguments_that_a_declaration_has_not():
    for make in (
        lambda: both.renamed_arguments(onee="third"),
        lambda: both.with_defaults(onee=3.0),
        lambda: both(y, p, onee=3.0),
    ):
        refused(make, "both has no argument `onee`", "`one`", error=lg.errors.ParameterError)


def test_a_parameter_per_class_is_one_number_inside_a_formula():
    @lg.loss
    def weighted(y_true, y_pred, *, share=lg.Parameter((1.0, 2.0), per_class=True)):
        return lg.Mean(share * (y_pred - y_true) ** 2)

    refused(lambda: weighted(y, p), "inside a formula `share` is one number or a parameter")


def test_bounds_and_domains_are_plain_numbers_in_generated_code():
    from fractions import Fraction

    import numpy as np

    parameter = lg.Parameter(1.0, minimum=Fraction(1, 2), maximum=np.float64(3.0), above=0)
    assert (parameter.minimum, parameter.maximum, parameter.above) == (0.5, 3.0, 0)
    assert [type(each) for each in (parameter.minimum, parameter.maximum, parameter.above)] == [
        float,
        float,
        int,
    ]
    made = lg.declare("Fine", lg.Mean(p), domain={"prediction": (Fraction(1, 4), float("inf"))})
    assert made.domain["prediction"] == (0.25, None)
