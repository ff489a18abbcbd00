"""The formulas of a declaration as text and as LaTeX: loss, gradient, Hessian diagonal, in textbook form."""

from sympy import Expr

from lossgen.compiler.driver import Derived, derive
from lossgen.compiler.textbook import Formulas, formulas
from lossgen.errors import ParameterError
from lossgen.inspection.letters import with_complements
from lossgen.language.declaration import Declaration
from lossgen.language.notation import replace
from lossgen.language.printing import latex as latex_of
from lossgen.language.printing import text
from lossgen.language.symbols import y_pred

WHICH = ("value", "gradient", "hessian")
SYMBOLS = {
    "value": "L",
    "gradient": r"\frac{\partial L}{\partial INPUT}",
    "hessian": r"\frac{\partial^2 L}{\partial INPUT^2}",
}


def formulas_of(declaration: Declaration, **options) -> tuple[Formulas, ...]:
    """The formulas of every term of the variant that the options choose.

    Raises:
        ParameterError: an option is unknown or has none of its choices.
    """
    return tuple(
        term_formulas(derived).read_by(declaration)
        for derived in derive(declaration, checked(declaration, options))
    )


def checked(declaration: Declaration, options: dict) -> dict:
    """A value for every option of the declaration, defaults filled in."""
    return dict(zip(declaration.options, declaration.variant_key(options), strict=True))


def term_formulas(derived: Derived) -> Formulas:
    """The formulas of one derived term."""
    term = with_complements(derived)
    return formulas(term.expression, term.ladder, term.gradient, term.hessian, term.targets)


def formula(declaration: Declaration, **options) -> str:
    """The loss of a row as one line of text."""
    return _joined(declaration, "value", options)


def gradient_formula(declaration: Declaration, **options) -> str:
    """The derivative with respect to the prediction at a column, as one line of text."""
    return _joined(declaration, "gradient", options)


def hessian_formula(declaration: Declaration, **options) -> str:
    """The second derivative with respect to the prediction at a column, as one line of text."""
    return _joined(declaration, "hessian", options)


def latex(declaration: Declaration, which: str = "value", **options) -> str:
    """The LaTeX source of one formula, with its left-hand side.

    Args:
        declaration: the loss.
        which: `value`, `gradient` or `hessian`.
        options: values of the declaration's options; the others have their defaults.

    Raises:
        ParameterError: `which` names no formula, or an option is unknown or has none of its choices.
    """
    if which not in WHICH:
        raise ParameterError(f"`which` must be one of {WHICH}. Received: which={which!r}")
    terms = [latex_of(_spelt_out(each, which)) for each in formulas_of(declaration, **options)]
    symbol = SYMBOLS[which].replace("INPUT", str(declaration.as_read(y_pred)))
    return f"{symbol} = {' + '.join(terms)}"


def _joined(declaration: Declaration, which: str, options: dict) -> str:
    return " + ".join(text(_spelt_out(each, which)) for each in formulas_of(declaration, **options))


def _spelt_out(each: Formulas, which: str) -> Expr:
    """The formula without letters for repeated parts."""
    expression = getattr(each, which)
    for symbol, part in reversed(each.definitions):
        expression = replace(expression, {symbol: part})
    return expression
