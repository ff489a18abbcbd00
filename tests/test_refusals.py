"""Formulas that cannot be compiled are refused with the part that is wrong and a way out."""

import ast
import math
from pathlib import Path

import pytest
import sympy
from refusing import formula_refused, refused
from sympy import Abs, Symbol, exp, log, sqrt

import lossgen as lg
from lossgen.language.atoms import ATOMS
from lossgen.language.vocabulary import ADVICE, FUNCTIONS

y, p = lg.y_true, lg.y_pred


# What a function returns ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("returned", "fragments"),
    [
        (None, ["returned None", "return formula"]),
        ("p**2", ["'p**2' (str)", "lg.parse"]),
        ((p, y), ["(tuple)", "add its terms up"]),
        ([p], ["(list)", "one formula"]),
        (3, ["`3` is a constant", "does not depend on y_pred"]),
        (2.5, ["`2.5` is a constant"]),
        (True, ["true or false", "lg.where"]),
        (p > y, ["`p > y` is true or false", "lg.where(condition, a, b)"]),
        (sympy.Matrix([p]), ["Matrix", "one SymPy expression"]),
        (object(), ["(object)", "one SymPy expression"]),
    ],
)
def test_result_is_no_formula(returned, fragments):
    formula_refused(lambda y_true, y_pred: returned, "test:", *fragments)


def test_result_is_a_declaration():
    inner = lg.declare("Inner", lg.Mean(p))
    formula_refused(lambda y_true, y_pred: inner, "the declaration inner", "inner(y_true, y_pred)")


def test_no_dependence_on_the_prediction():
    formula_refused(lg.Mean(y**2), "`Mean(y**2)` does not depend on y_pred")
    formula_refused(lg.Mean(p - p), "does not depend on y_pred")


@pytest.mark.parametrize("function", [sympy.digamma, sympy.trigamma, lg.digamma, lg.trigamma])
def test_derivatives_that_have_no_kernel(function):
    formula_refused(lg.Mean(function(sympy.exp(p)) * y), "exp(p))`", "no kernel", "targets and parameters")
    lg.declare("Fine", lg.Mean(function(sympy.exp(y)) * p**2))


def test_one_variant_is_wrong():
    def half(y_true, y_pred, *, use=lg.Option("p", choices=("p", "y"))):
        return lg.Mean(y_pred if use == "p" else y_true)

    refused(lambda: lg.loss(half), "half (use='y'): `Mean(y)` does not depend on y_pred")


# Python and NumPy on symbols --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        (lambda y, p: p if p > y else y, "lg.where(condition, a, b)"),
        (lambda y, p: lg.Mean(max(p, y)), "sympy.Max(a, b)"),
        (lambda y, p: math.exp(p), "sympy.exp"),
        (lambda y, p: p.mean(), "lg.Mean(…)"),
        (lambda y, p: p[0], "lg.Gather(…)"),
        (lambda y, p: sum(p), "lg.Sum(…)"),
        (lambda y, p: lg.Mean((p > y) * p), "lg.where(condition, 1, 0)"),
        (lambda y, p: p + "y", "cannot be built"),
    ],
)
def test_code_that_cannot_read_formulas(body, advice):
    formula_refused(body, "test: the formula cannot be built", advice)


def test_numpy_functions():
    numpy = pytest.importorskip("numpy")
    formula_refused(lambda y, p: numpy.exp(p), "NumPy functions cannot read a formula", "sympy.exp")


# Columns ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "fragments"),
    [
        ((p - y) ** 2, ["`(p - y)**2` has one value a column", "write lg.Mean((p - y)**2)"]),
        (lg.Mean(p) + Abs(p), ["`Abs(p)` has one value a column"]),
        (p * lg.Mean(p**2), ["`p` has one value a column"]),
        (lg.Softmax(p), ["`Softmax(p)` has one value a column"]),
        (lg.LogSoftmax(p) - lg.Sum(y), ["`LogSoftmax(p)`", "lg.Mean(LogSoftmax(p))"]),
        (sympy.Max(p), ["`p` has one value a column", "lg.Max"]),
    ],
)
def test_a_column_outside_every_reduction(formula, fragments):
    formula_refused(formula, *fragments)


def test_a_per_class_parameter_outside_every_reduction():
    def weighted(y_true, y_pred, *, alpha=lg.Parameter(1.0, per_class=True)):
        return alpha * lg.Mean(y_pred)

    refused(lambda: lg.loss(weighted), "`alpha` has one value a column", "move it into the reduction")


def test_reductions_take_one_formula():
    refused(lambda: lg.Sum(p, y), "lg.Sum(p, y)", "one expression is expected", "without an index or an axis")
    refused(lambda: lg.Max(p, y), "lg.Max(p, y)", "sympy.Max(p, y)")
    refused(lambda: lg.Mean(), "one expression is expected")
    refused(lambda: lg.Mean(p > 0), "a condition is no number", "lg.where(p > 0, 1, 0)")
    refused(lambda: lg.Mean("p**2"), "not a value of type str")
    refused(lambda: lg.Mean([p]), "not a value of type list")


# Symbols ----------------------------------------------------------------------------------------


def test_unknown_symbol():
    def huber(y_true, y_pred, *, delta=1.0):
        return lg.Mean(Symbol("dleta", real=True) * Abs(y_pred) + delta)

    refused(
        lambda: lg.loss(huber),
        "`dleta*Abs(p)` uses the unknown symbol `dleta`",
        "did you mean `delta`?",
        "dleta=lg.Parameter(…)",
    )


def test_symbols_that_look_like_known_ones():
    formula_refused(lg.Mean(Symbol("p") ** 2), "another symbol `p`", "lg.y_pred")
    formula_refused(
        lg.Mean(p * Symbol("y_true")), "`p*y_true` uses the unknown symbol `y_true`", "use lg.y_true"
    )
    formula_refused(lg.Mean(p) / Symbol("C"), "another symbol `C`", "lg.column_count")


def test_another_symbol_than_the_parameter():
    def scaled(y_true, y_pred, *, delta=1.0):
        return lg.Mean(delta * y_pred) + Symbol("delta", positive=True) * lg.Sum(y_pred)

    refused(lambda: lg.loss(scaled), "another symbol `delta`", "the argument of the function")


def test_short_form_refuses_assumptions_that_the_parameter_does_not_make():
    for assumption, advice in [
        ("positive", "positive=True"),
        ("nonnegative", "minimum=0"),
        ("integer", "leave out"),
    ]:
        delta = Symbol("delta", **{assumption: True})
        refused(
            lambda delta=delta: lg.declare("Test", lg.Mean(delta * p), delta=1.0),
            f"the symbol `delta` is {assumption}",
            advice,
        )


def test_a_parameter_that_no_formula_contains():
    refused(lambda: lg.declare("Test", lg.Mean(p), delta=1.0), "no formula contains the parameter `delta`")


# Functions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "fragments"),
    [
        (sympy.Sum(p, (Symbol("k"), 1, 3)), ["uses Sum", "lg.Sum(expression)"]),
        (sympy.Product(p, (Symbol("k"), 1, 3)), ["uses Product", "sympy.exp(lg.Sum(sympy.log(expression)))"]),
        (sympy.Integral(p, p), ["uses Integral", ".doit()"]),
        (sympy.Derivative(sympy.Function("f")(p), p), ["uses Derivative", ".doit()"]),
        (sympy.Heaviside(p), ["`Heaviside(p)`", "lg.where(x > 0, 1, 0)"]),
        (sympy.DiracDelta(p), ["`DiracDelta(p)`", "finite values"]),
        (sympy.factorial(p), ["`factorial(p)`", "lg.lgamma(x + 1)"]),
        (sympy.gamma(p), ["`gamma(p)`", "lg.lgamma(x)"]),
        (sympy.LambertW(p), ["`LambertW(p)`", "the language has exp, log"]),
        (sympy.floor(p), ["`floor(p)`", "lg.where"]),
        (sympy.tan(p), ["`tan(p)`", "sympy.sin(x)/sympy.cos(x)"]),
        (sympy.asinh(p), ["`asinh(p)`", "log, sqrt"]),
        (sympy.polygamma(2, p), ["`polygamma(2, p)`", "lg.digamma(x), lg.trigamma(x)"]),
        (sympy.Function("sigmoid")(p), ["`sigmoid(p)`", "undefined function", "lg.sigmoid(…)"]),
        (sympy.Function("mystery")(p), ["`mystery(p)`", "the language has"]),
        (sympy.IndexedBase("x")[Symbol("k", integer=True)], ["uses Indexed", "current column"]),
    ],
)
def test_functions_that_the_language_has_not(part, fragments):
    formula_refused(lg.Mean(part + p), *fragments)


def test_advice_is_given_only_for_functions_that_are_refused():
    allowed = {function.__name__ for function in FUNCTIONS} - {"Sum", "Max", "Min"}
    assert not (set(ADVICE) & allowed) - {"polygamma"}


def test_compiler_atoms_are_not_written_by_people():
    softmax = ATOMS["softmax"].function
    formula_refused(lg.Mean(softmax(p, lg.LogSumExp(p))), "uses softmax", "lg.Softmax(x)")


# Complex values, infinities, branches -----------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "fragments"),
    [
        (sympy.I * p, ["`I*p` is complex"]),
        (sqrt(-exp(p)), ["`I*exp(p/2)` is complex", "root or logarithm"]),
        (log(-exp(p)), ["`log(-exp(p))` is the logarithm of a negative number"]),
        (p * log(sympy.Integer(-2)), ["is complex"]),
        ((-exp(p) - 1) ** sympy.Rational(1, 3), ["is a fractional power of a negative number"]),
        (p / sympy.Integer(0), ["contains zoo", "division by 0"]),
        (p + sympy.oo, ["contains oo"]),
        (p * sympy.nan, ["contains nan"]),
    ],
)
def test_no_finite_real_value(part, fragments):
    formula_refused(lambda y_true, y_pred: lg.Mean(part), *fragments)


def test_branches():
    formula_refused(
        lg.Mean(sympy.Piecewise((p, p > 0))), "no value where no condition holds", "(value, True)"
    )
    inside = sympy.Piecewise((p, sympy.ITE(p > 0, p > 1, y > 1)), (0, True))
    formula_refused(lg.Mean(inside), "is no comparison", "And, Or and Not")
    formula_refused(lg.Mean(lg.where(sympy.tan(p) > y, p, 0)), "`tan(p)`")
    formula_refused(lg.Mean(lg.where(p > 0, sympy.tan(p), 0)), "`tan(p)`")


# Labels -----------------------------------------------------------------------------------------


def test_labels_are_no_numbers():
    formula_refused(
        lg.Gather(p) + lg.Sum(y * p), "`p*y` uses y_true as a number beside lg.Gather", "integer label"
    )
    formula_refused(lg.Gather(p * y), "uses y_true as a number")


def test_gather_picks_a_column():
    formula_refused(
        lg.Gather(lg.LogSumExp(p)), "`Gather(LogSumExp(p))` gathers what is the same at every column", "leave"
    )
    formula_refused(lg.Gather(lg.Gather(p)), "the same at every column")


# Names ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    """
    sum_1 maximum_2 minimum_1 log_sum_exp_1 picked_3 row_maximum_1 factor_12 row_factor_1 excluded_1 rest_1
    ties_1 log_total_1 inverse_total_1 exponent_1 constant_1 number_1 target_1 term_1 power_2 product_1
    maximum_1_index sum_1_shifted sum_1_weight maximum_1_hit label_hit sums_sweep y_lanes p_tile p_block
    gradient_scale element_weight sum_1_element error_parameter gradient_factor beyond maximum_of minimum_of
    row_loss row_scalars value_rows term_2_row_loss select inf np BLOCK shifted
    """.split(),  # noqa: SIM905  a table of words
)
def test_a_parameter_that_the_compiler_would_take_for_its_own(name):
    refused(
        lambda: lg.declare("fine", lg.Mean(p * Symbol(name, real=True)), **{name: lg.Parameter(1.0)}),
        f"fine: the parameter name `{name}`",
        f"write `{name}_value`",
    )
    lg.declare(
        "fine", lg.Mean(p * Symbol(f"{name}_value", real=True)), **{f"{name}_value": lg.Parameter(1.0)}
    )


@pytest.mark.parametrize(
    "name", ["alpha_1", "gamma_positive", "sum_of_weights", "factor", "scale_1", "target_rate"]
)
def test_a_parameter_whose_name_is_free(name):
    lg.declare("fine", lg.Mean(p * Symbol(name, real=True)), **{name: lg.Parameter(1.0)})


@pytest.mark.parametrize(
    "name",
    """
    select inf float range np njit variant like accumulate guarded_product shifted load_tile maximum_of abs
    min row_loss row_scalars_2 value_rows value_and_gradient_lanes sums_sweep sums_element_2 log_of_element
    """.split(),  # noqa: SIM905  a table of words
)
def test_a_loss_that_would_hide_a_name_of_its_module(name):
    refused(lambda: lg.declare(name, lg.Mean(p)), f"the loss name `{name}`", f"write `{name}_loss`")
    refused(lambda: lg.declare("fine", lg.Mean(p)).renamed(name), f"the loss name `{name}`")


@pytest.mark.parametrize("name", ["Term", "Loss", "BLOCK", "FAST", "INLINE", "LANES", "Exception"])
def test_a_class_that_would_hide_a_name_of_its_module(name):
    refused(lambda: lg.declare(name, lg.Mean(p)), f"the loss name `{name}`", f"write `{name}Loss`")
    refused(lambda: lg.declare("Variant", lg.Mean(p)), "the loss name `variant`")


def test_the_table_of_names_is_complete():
    """It lists what generated modules import, but for functions that get another name there."""
    from lossgen.compiler.ladder import KIND_NAMES
    from lossgen.compiler.printer import LADDER_FUNCTIONS, VECTOR_FUNCTIONS
    from lossgen.compiler.render import INTRINSICS, LANE_FUNCTIONS, SPLIT_FUNCTIONS
    from lossgen.compiler.schedule import EXPONENT
    from lossgen.language.names import COMPILER_STEMS, MODULE_FUNCTIONS, MODULE_NAMES

    assert {*KIND_NAMES.values(), EXPONENT.rstrip("_")} <= {*COMPILER_STEMS}
    assert {*LADDER_FUNCTIONS, *INTRINSICS, *LANE_FUNCTIONS, *SPLIT_FUNCTIONS} <= MODULE_NAMES
    for path in (Path(__file__).parent.parent / "generated").rglob("[!_]*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom):
                names = {each.name for each in node.names if each.asname is None}
                assert names <= MODULE_NAMES | VECTOR_FUNCTIONS | {"sqrt"}, path
            elif isinstance(node, ast.FunctionDef):
                assert MODULE_FUNCTIONS.fullmatch(node.name), (path, node.name)


def test_a_parameter_hides_nothing_on_a_gpu():
    """Kernels for CUDA rename parameters that are called like anything they import."""
    from lossgen.compiler.assemble import TAKEN_NAMES

    paths = list((Path(__file__).parent.parent / "generated").rglob("_cuda_*.py"))
    for path in paths:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and not node.module.endswith((".compiling", ".variant")):
                assert {each.name for each in node.names} <= TAKEN_NAMES, path
    assert len(paths) > 40


# What grows -------------------------------------------------------------------------------------


def test_derivatives_that_grow_too_large():
    """A formula within the limits; its Hessian has as many terms as it has pairs of factors."""
    factors = [(p**2 + k * y) ** sympy.Rational(1, k) for k in range(2, 18)]
    grows = lg.declare("Grows", lg.Sum(sympy.prod(factors)))
    with pytest.raises(lg.LimitError, match=r"grows: its Hessian has more than 10000 .* split the loss"):
        lg.compile(grows)
    lg.compile(lg.declare("Fits", lg.Sum(sympy.prod(factors[:6]))))


def test_equations_of_many_quotients():
    """SymPy writes them with one denominator whenever it builds them."""

    def equation(count):
        quotients = sympy.Add(*(1 / (p + k * y) for k in range(count)))
        return lg.Mean(sympy.Piecewise((p, sympy.Eq(quotients, 0, evaluate=False)), (y * p, True)))

    lg.declare("Fits", equation(8))
    with pytest.raises(lg.DeclarationError, match="at most 8 quotients"):
        lg.declare("Quotients", equation(9))


def test_maxima_of_long_values():
    """What SymPy did not compare here, it would compare in every pass of the compiler."""

    def largest(count):
        values = (sympy.prod(p + k * y + each for each in range(10)) for k in range(count))
        return lg.Mean(sympy.Max(*values, evaluate=False))

    lg.declare("Fits", largest(3))
    with pytest.raises(lg.DeclarationError, match="max and min compare each value with each"):
        lg.declare("Maxima", largest(16))


def test_many_roots_of_numbers():
    def roots(count):
        return lg.Mean(p * sympy.Add(*(sympy.sqrt(sympy.prime(k)) for k in range(1, count + 1))))

    lg.declare("Fits", roots(32))
    with pytest.raises(lg.DeclarationError, match="at most 32 different roots"):
        lg.declare("Roots", roots(33))
