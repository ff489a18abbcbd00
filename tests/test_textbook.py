"""The derived gradients of the catalogue are the textbook's own closed forms: equal, and not longer.

Two forms are equal if their difference vanishes when multiplied out, whether conditions hold or not, with
1 − σ(p) for σ(−p), sums taken apart, and a letter for every function and power.
"""

import itertools

import pytest
from sympy import (
    Abs,
    Add,
    Dummy,
    Expr,
    Integer,
    Mul,
    Piecewise,
    Pow,
    S,
    Symbol,
    cancel,
    count_ops,
    exp,
    expand,
    log,
    sign,
)
from sympy.core.relational import Eq, Relational
from sympy.logic.boolalg import And, Or
from textbook_forms import GRADIENTS, NAMED

from lossgen.compiler.driver import derive
from lossgen.compiler.ladder import LABEL_HIT
from lossgen.inspection.formulas import checked, term_formulas
from lossgen.language.atoms import absolute, sigmoid, signum, softplus
from lossgen.language.notation import sides, unfold
from lossgen.language.reductions import Mean, Reduction, Softmax, Sum
from lossgen.language.symbols import column_count, y_pred, y_true

SPARE = 3
"""Operations by which the derived form may be longer than the book's: another order of the same factors."""

LONGER = {
    "binary_focal_crossentropy": 12,
    "binary_focal_crossentropy-from_logits": 10,
    "binary_focal_crossentropy-apply_class_balancing": 26,
    "binary_focal_crossentropy-from_logits-apply_class_balancing": 10,
    "categorical_focal_crossentropy": 32,
    "categorical_focal_crossentropy-from_logits": 13,
    "adaptive_robust": 9,
    "sigmoid_focal": 5,
    "asymmetric_loss": 42,
    "focal_tversky": 13,
}
"""By how much the derived form is longer than the book: a factor stands in several terms or branches."""

IDS = ["-".join([name, *(key for key, value in options.items() if value)]) for name, options, _ in GRADIENTS]


def derived_gradient(name: str, options: dict) -> Expr:
    """As `explain` shows it, letters replaced by what they stand for."""
    declaration = NAMED[name]
    (term,) = derive(declaration, checked(declaration, options))
    return term_formulas(term).spelt_out("gradient")


@pytest.mark.parametrize(("name", "options", "book"), GRADIENTS, ids=IDS)
def test_gradients_are_those_of_books(name, options, book):
    derived = derived_gradient(name, options)
    assert difference(derived, book) == 0, (unfold(derived), unfold(book))
    row = IDS[GRADIENTS.index((name, options, book))]
    assert count_ops(derived) <= count_ops(unfold(book)) + LONGER.get(row, SPARE)


def test_every_loss_and_variant_has_its_row():
    rows = {(name, tuple(sorted(options.items()))) for name, options, _ in GRADIENTS}
    variants = {
        (each.name, tuple(sorted(options.items()))) for each in NAMED.values() for options in each.variants()
    }
    assert rows == variants and len(GRADIENTS) == len(rows)


def test_a_wrong_form_is_found():
    _, _, book = GRADIENTS[IDS.index("huber")]
    assert difference(derived_gradient("huber", {}), book + 1) != 0
    assert difference(derived_gradient("huber", {}), -book) != 0


def difference(one: Expr, other: Expr) -> Expr:
    """0 if the two are equal wherever both have a value."""
    forms = [canonical(unfold(each)) for each in (one, other)]
    conditions = sorted(set().union(*(each.atoms(Relational) for each in forms)), key=str)
    for truth in itertools.product((True, False), repeat=len(conditions)):
        table = {condition: S(value) for condition, value in zip(conditions, truth, strict=True)}
        if sum(bool(value) for condition, value in table.items() if isinstance(condition, Eq)) > 1:
            continue  # a parameter has one value
        names: dict[Expr, Symbol] = {}
        first, second = (rational(each.xreplace(table), names) for each in forms)
        rest = cancel(first - second)
        if rest != 0:
            return rest
    return Integer(0)


def rational(expression: Expr, names: dict[Expr, Symbol]) -> Expr:
    """The expression as a quotient of polynomials, with a letter for everything else."""
    if isinstance(expression, Add | Mul):
        return expression.func(*(rational(each, names) for each in expression.args))
    if isinstance(expression, Pow):
        base, exponent = expression.args
        whole, rest = exponent.as_coeff_Add()
        if whole.is_Integer:
            power = names.setdefault(base**rest, Dummy()) if rest != 0 else Integer(1)
            return power * rational(base, names) ** whole
    if expression.is_number or expression.is_Symbol:
        return expression
    return names.setdefault(expression, Dummy())


def canonical(expression: Expr) -> Expr:
    """One spelling of what can be spelt in two ways."""
    if not expression.args:
        return expression
    arguments = [canonical(each) for each in expression.args]
    if isinstance(expression, Relational):
        return sides(expression.func(*arguments))
    if isinstance(expression, And | Or | Piecewise):
        return expression.func(*arguments, evaluate=False)
    if isinstance(expression, Mean):
        return summed(arguments[0]) / column_count
    if isinstance(expression, Sum):
        return summed(arguments[0])
    if isinstance(expression, Pow) and not expression.exp.is_Integer:
        base = cancel(arguments[0]) if arguments[0].has(Sum) else expand(arguments[0])
        return Pow(base, expand(arguments[1]))
    if type(expression) in RESPELT:
        return RESPELT[type(expression)](expand(arguments[0]))
    return expression.func(*arguments)


def summed(argument: Expr) -> Expr:
    """A sum is linear: what does not depend on the column stands outside, and Σ softmax is 1."""
    found = Integer(0)
    for addend in Add.make_args(expand(argument)):
        own = [factor for factor in Mul.make_args(addend) if varies(factor)]
        outside = Mul(*(factor for factor in Mul.make_args(addend) if factor not in own))
        found += outside * (1 if own == [Softmax(y_pred)] else Sum(Mul(*own)))
    return found


def varies(factor: Expr) -> bool:
    """Whether it differs from column to column."""
    if isinstance(factor, Reduction):
        return factor.per_column
    return factor in COLUMNS or any(map(varies, factor.args))


def of_sigmoid(x: Expr) -> Expr:
    return 1 - sigmoid(-x) if x.could_extract_minus_sign() else sigmoid(x)


def of_softplus(x: Expr) -> Expr:
    return softplus(-x) + x if x.could_extract_minus_sign() else softplus(x)


def of_log(x: Expr) -> Expr:
    return x.args[0] - of_softplus(x.args[0]) if isinstance(x, sigmoid) else log(x)


CLASS_WEIGHT = NAMED["categorical_focal_crossentropy"].symbols()["alpha"]
COLUMNS = {y_true, y_pred, LABEL_HIT, CLASS_WEIGHT}
RESPELT = {sigmoid: of_sigmoid, softplus: of_softplus, log: of_log, signum: sign, absolute: Abs, exp: exp}
