"""Names, arguments, facts and combinations that no loss can have are refused, each with a way out."""

import math

import pytest
from refusing import formula_refused, refused
from sympy import Symbol

import lossgen as lg

y, p = lg.y_true, lg.y_pred


# Names ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "fragments"),
    [
        ("lambda", ["Python keyword", "lambda_value"]),
        ("reduction", ["an argument that every loss already has"]),
        ("name", ["an argument that every loss already has"]),
        ("dtype", ["an argument that every loss already has"]),
        ("axis", ["an argument that every loss already has"]),
        ("ignore_class", ["an argument that every loss already has"]),
        ("sample_weight", ["an argument of the loss's methods"]),
        ("y_true", ["an argument of the loss's methods"]),
        ("y_pred", ["an argument of the loss's methods"]),
        ("weight", ["an argument of the loss's methods or kernels"]),
        ("y", ["means the target in every formula"]),
        ("p", ["means the prediction"]),
        ("C", ["means the number of columns"]),
        ("pi", ["mathematical constant"]),
        ("range", ["Python built-in", "range_value"]),
        ("sigmoid", ["function of the formula language", "sigmoid_value"]),
        ("_delta", ["underscore"]),
        ("δ", ["no identifier", "a-z"]),
        ("a b", ["no identifier"]),
        ("x; import os", ["no identifier"]),
    ],
)
def test_parameter_names(name, fragments):
    refused(lambda: lg.declare("Test", lg.Mean(p), **{name: 1.0}), f"the parameter name `{name}`", *fragments)


@pytest.mark.parametrize("name", ["class", "my loss", "2fast", "__loss__", "Loss", "Parameter", "njit", ""])
def test_loss_names(name):
    refused(lambda: lg.declare(name, lg.Mean(p)), f"the loss name `{name}`")


def test_input_and_option_names():
    refused(lambda: lg.loss(lambda_with_bad_input), "the input name `weight`")

    def bad(y_true, y_pred, *, mask=False):
        return lg.Mean(y_pred)

    refused(lambda: lg.loss(bad), "the option name `mask`")


def lambda_with_bad_input(y_true, y_pred, weight):
    return lg.Mean(weight * y_pred)


# Signatures -------------------------------------------------------------------------------------


def test_signatures():
    def keyword(y_true, y_pred, *, delta):
        return lg.Mean(y_pred)

    def many(y_true, y_pred, **rest):
        return lg.Mean(y_pred)

    def single(y_pred):
        return lg.Mean(y_pred)

    refused(lambda: lg.loss(keyword), "keyword: the keyword `delta` has no default", "delta=lg.Parameter(…)")
    refused(lambda: lg.loss(many), "many: `**rest` names nothing")
    refused(lambda: lg.loss(single), "def single(y_true, y_pred, …)")
    refused(lambda: lg.loss(lambda y, p: lg.Mean(p)), "a lambda has no name", "lg.loss(name=…)")
    refused(lambda: lg.loss(3), "3 is none", "lg.declare")


@pytest.mark.parametrize(
    ("default", "advice"),
    [
        ("sum", "lg.Option('sum', choices=('sum', …))"),
        ((1.0, 2.0), "lg.Parameter((1.0, 2.0), per_class=True)"),
        (None, "lg.Parameter(…) or lg.Option(…)"),
        (2j, "a number, a boolean"),
    ],
)
def test_defaults_that_declare_nothing(default, advice):
    refused(lambda: lg.declare("Test", lg.Mean(p), delta=default), "the default of `delta`", advice)


def test_an_expression_has_no_options():
    refused(lambda: lg.declare("Test", lg.Mean(p), use=False), "`use` is an option", "@lg.loss")


# Parameters and options -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "fragments"),
    [
        (lambda: lg.Parameter(-1, positive=True), ["default=-1", "a finite number > 0"]),
        (lambda: lg.Parameter(2, minimum=0, maximum=1), ["default=2", "≥ 0 and ≤ 1"]),
        (lambda: lg.Parameter(0, above=0, below=1), ["> 0 and < 1"]),
        (lambda: lg.Parameter(0.5, minimum=1, maximum=0), ["no number is", "≥ 1 and ≤ 0"]),
        (lambda: lg.Parameter(0, minimum=0, below=0), ["no number is"]),
        (lambda: lg.Parameter(math.nan), ["nan", "a finite number"]),
        (lambda: lg.Parameter(math.inf), ["inf", "a finite number"]),
        (lambda: lg.Parameter(True), ["True", "a finite number"]),
        (lambda: lg.Parameter("1"), ["'1'", "a finite number"]),
        (lambda: lg.Parameter(1, minimum=math.nan), ["minimum=nan", "a bound must be a finite number"]),
        (lambda: lg.Parameter((1.0, -1.0), positive=True, per_class=True), ["or one such number a column"]),
        (lambda: lg.Parameter((1.0, 2.0)), ["(1.0, 2.0)", "a finite number"]),
        (lambda: lg.Parameter((), per_class=True), ["()"]),
        (lambda: lg.Option("a", choices=("a",)), ["two or more choices"]),
        (lambda: lg.Option("a", choices=("a", "b", "a")), ["listed twice"]),
        (lambda: lg.Option("c", choices=("a", "b")), ["one of 'a', 'b'", "'c'"]),
        (lambda: lg.Option(1, choices=(False, True)), ["one of False, True", "default=1"]),
        (lambda: lg.Option("a", choices="ab"), ["as a tuple"]),
        (lambda: lg.Option(p, choices=(p, y)), ["no plain value", "strings, numbers, booleans or None"]),
    ],
)
def test_ranges_and_choices(make, fragments):
    refused(make, *fragments)


def test_values_are_checked_like_defaults():
    positive = lg.Parameter(1.0, positive=True)
    assert positive.check("delta", 2) == 2.0
    with pytest.raises(lg.ParameterError, match=r"`delta` must be a finite number > 0\. Received: delta=-2"):
        positive.check("delta", -2)
    with pytest.raises(lg.ParameterError, match=r"`use` must be one of False, True\. Received: use=1"):
        lg.Option(False).check("use", 1)
    per_class = lg.Parameter(0.25, per_class=True)
    assert per_class.check("alpha", [1, 2.5]) == (1.0, 2.5)
    assert per_class.check("alpha", 3) == 3.0
    with pytest.raises(lg.ParameterError, match="one such number a column"):
        per_class.check("alpha", "12")


def test_numpy_values():
    numpy = pytest.importorskip("numpy")
    assert lg.Parameter(1.0).check("a", numpy.float32(0.5)) == 0.5
    assert type(lg.Parameter(1.0).check("a", numpy.array(2))) is float
    assert lg.Parameter(1.0, per_class=True).check("a", numpy.array([1.0, 2.0])) == (1.0, 2.0)
    assert lg.Option(False).check("a", numpy.bool_(True)) is True
    with pytest.raises(lg.ParameterError):
        lg.Parameter(1.0).check("a", numpy.array([1.0, 2.0]))


def test_options_of_a_variant():
    loss = lg.loss(name="Test")(lambda y, p, use=False: lg.Mean(p))
    refused(lambda: loss.terms({"usee": True}), "no option `usee`", "`use`", error=lg.ParameterError)
    with pytest.raises(lg.ParameterError, match="one of False, True"):
        loss.terms({"use": "yes"})


def test_too_many_variants():
    def many(y_true, y_pred, *, a=False, b=False, c=False, d=False, e=False):
        return lg.Mean(y_pred)

    refused(lambda: lg.loss(many), "32 combinations", "at most 16")


# Facts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "fragments"),
    [
        ({"domian": {}}, ["knows no `domian`", "`domain`"]),
        ({"scope": "rows"}, ["scope='rows'", "None for the whole tensor"]),
        ({"scope": (1, 1)}, ["scope=(1, 1)"]),
        ({"scope": ()}, ["scope=()"]),
        ({"scope": True}, ["scope=True"]),
        ({"axis_argument": 1}, ["axis_argument=1", "True or False"]),
        ({"domain": {"target": "integers"}}, ["domain of the target is 'integers'", "probability"]),
        ({"domain": {"target": (1, 0)}}, ["low < high"]),
        ({"domain": {"weight": "real"}}, ["domain of `weight`", "target, prediction"]),
        ({"domain": {"target": lambda logits: "real"}}, ["asks for `logits`", "no option"]),
        ({"link": 3}, ["link=3", "'logit'"]),
        ({"target_preparation": "one_hot"}, ["'one_hot'", "'signed_labels'"]),
        ({"arguments": ("name", "dtype")}, ["arguments leaves out `reduction`"]),
        (
            {"arguments": ("axis", "reduction", "name", "dtype")},
            ["`axis` in arguments", "axis_argument=True"],
        ),
        ({"arguments": ("ignore_class", "reduction", "name", "dtype")}, ["`ignore_class`", "lg.Gather"]),
        ({"arguments": ("reducton", "name", "dtype")}, ["`reducton`", "did you mean `reduction`?"]),
        ({"arguments": ("reduction", "name", "name", "dtype")}, ["a name twice"]),
    ],
)
def test_facts(facts, fragments):
    formula_refused(lambda y_true, y_pred: lg.Mean(y_pred), *fragments, **facts)


# Combinations -----------------------------------------------------------------------------------

square = lg.declare("Square", lg.Mean((p - y) ** 2))
first = lg.declare("First", lg.Mean(Symbol("gamma") * p), gamma=2.0)
second = lg.declare("Second", lg.Mean(Symbol("gamma") * p**2), gamma=1.5)
sparse = lg.declare("Sparse", -lg.Gather(p))


def test_parameters_of_one_name_must_be_equal():
    refused(
        lambda: first + second,
        "first + second: both have `gamma`",
        "default=2.0",
        "default=1.5",
        '.renamed_arguments(gamma="…")',
        ".with_defaults(gamma=…)",
    )
    assert (first + second.renamed_arguments(gamma="sharpness")).own_arguments == ("gamma", "sharpness")
    assert (first + second.with_defaults(gamma=2)).own_arguments == ("gamma",)


def test_labels_do_not_mix_with_numbers():
    refused(
        lambda: square + sparse, "the target of sparse is an integer label, of square one number a column"
    )


def test_target_preparations_do_not_mix():
    hinge = lg.loss(name="Hinge", target_preparation="signed_labels")(
        lambda y, p: lg.Mean(lg.relu(1 - y * p))
    )
    refused(lambda: hinge + square, "prepares its target (signed_labels)")


@pytest.mark.parametrize(
    ("make", "fragments"),
    [
        (lambda: square + 1, ["square + 1", "added to losses"]),
        (lambda: square - 1, ["added to losses"]),
        (lambda: square * square, ["square * square", "by numbers only", "one formula"]),
        (lambda: square * p, ["square * p", "one formula that contains both"]),
        (lambda: square * "2", ["square * '2'", "a finite number"]),
        (lambda: square * True, ["square * True"]),
        (lambda: square * math.nan, ["square * nan"]),
        (lambda: 0 * square, ["0*square", "leave it out"]),
        (lambda: square / 0, ["square/0"]),
        (lambda: square - square, ["the terms cancel"]),
        (lambda: first.renamed_arguments(gama="g"), ["no argument `gama`", "`gamma`"]),
        (lambda: first.renamed_arguments(gamma="axis"), ["the parameter name `axis`"]),
        (lambda: (first + square).with_defaults(delta=1), ["no argument `delta`"]),
        (lambda: first.with_defaults(gamma=math.inf), ["`gamma` must be a finite number"]),
        (lambda: square.renamed("2"), ["the loss name `2` is no identifier"]),
    ],
)
def test_arithmetic(make, fragments):
    with pytest.raises(lg.LossgenError) as caught:
        make()
    for fragment in fragments:
        assert fragment in str(caught.value)


def test_calls():
    with pytest.raises(lg.DeclarationError, match=r"lg\.compile"):
        square([1.0], [2.0])
    with pytest.raises(lg.DeclarationError, match="reads y_true, y_pred; received 3 inputs"):
        square(y, p, p)
    with pytest.raises(lg.ParameterError, match="no argument `delta`"):
        square(y, p, delta=1)
    with pytest.raises(lg.DeclarationError, match=r"pass lg\.y_true itself"):
        sparse(2 * y, p)
    whole = lg.loss(name="Whole", scope=None)(lambda y, p: lg.Sum(p))
    with pytest.raises(lg.DeclarationError, match="different scopes"):
        (square + whole)(y, p)


def test_every_error_is_a_value_error():
    from lossgen import errors

    found = [item for item in vars(errors).values() if isinstance(item, type)]
    assert all(issubclass(item, ValueError | Warning) and item.__doc__ for item in found)
    assert issubclass(lg.DtypeError, TypeError)
