"""What a formula must fulfil before anything is compiled; each refusal shows the part that is wrong."""

from collections.abc import Mapping

import sympy
from sympy import Basic, Expr, S, Symbol
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean, BooleanAtom

from lossgen.errors import DeclarationError
from lossgen.language.atoms import digamma, trigamma
from lossgen.language.constants import check_constants
from lossgen.language.declaration import Declaration
from lossgen.language.limits import check_size
from lossgen.language.names import suggestion
from lossgen.language.numbers import exact
from lossgen.language.reductions import Gather, Reduction
from lossgen.language.symbols import column_count, y_pred, y_true
from lossgen.language.vocabulary import ARITHMETIC, CONDITIONS, FUNCTIONS, function_advice

SHOWN_LENGTH = 120


def checked_expression(declaration: Declaration, options: Mapping[str, object], formula: object) -> Expr:
    """The formula of one variant with exact numbers, if it can be compiled.

    Raises:
        DeclarationError: it cannot; names the loss, the variant, the part and what to write instead.
    """
    chosen = ", ".join(f"{name}={value!r}" for name, value in options.items())
    loss = f"{declaration.name} ({chosen})" if chosen else declaration.name
    written = check_result(loss, formula)
    check_size(loss, written)
    try:
        check_constants(written)
    except DeclarationError as error:
        raise DeclarationError(f"{loss}: {error}.") from None
    expression = exact(written)
    check_functions(loss, expression, expression)
    check_symbols(loss, declaration, expression)
    check_labels(loss, declaration, expression)
    check_columns(loss, declaration, expression)
    (prediction,) = (each for each in declaration.written_inputs if each.role == "prediction")
    if not expression.has(prediction.symbol):
        if prediction.symbol != y_pred:
            problem = f"does not depend on {prediction.name}"
            raise refusal(loss, problem, expression, "a penalty needs its input")
        raise refusal(loss, "does not depend on y_pred", expression, "a loss needs the prediction")
    for part in expression.atoms(sympy.polygamma, digamma, trigamma):
        if part.has(prediction.symbol):
            advice = "digamma and trigamma are for targets and parameters"
            raise refusal(loss, "has further derivatives that no kernel knows", part, advice)
    return expression


def refusal(loss: str, problem: str, part: object, advice: str) -> DeclarationError:
    """The error that names the loss, what is wrong, in which part, and what to write instead."""
    return DeclarationError(f"{loss}: `{shown(part)}` {problem}; {advice}.")


def shown(part: object) -> str:
    """A sub-expression as text of bounded length."""
    text = str(part)
    return text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 2] + " …"


# What the function returned --------------------------------------------------------------------------


def check_result(loss: str, formula: object) -> Expr:
    """The result of a person's function as an expression."""
    if isinstance(formula, Expr):
        return formula
    if isinstance(formula, bool | Boolean):
        raise refusal(loss, "is true or false, not a number", formula, "write lg.where(condition, a, b)")
    if isinstance(formula, int | float):
        raise refusal(
            loss, "is a constant and does not depend on y_pred", formula, "a loss needs the prediction"
        )
    if formula is None:
        raise DeclarationError(f"{loss}: the function returned None; end it with `return formula`.")
    if isinstance(formula, Declaration):
        raise DeclarationError(
            f"{loss}: the function returned the declaration {formula.name}; return its formula, "
            f"{formula.name}(y_true, y_pred), or add declarations outside of a function."
        )
    kind = type(formula).__name__
    if isinstance(formula, tuple | list):
        advice = "return one formula; add its terms up"
    elif isinstance(formula, str):
        advice = "return a SymPy expression, or lg.parse(text)"
    else:
        advice = "return one SymPy expression"
    raise DeclarationError(f"{loss}: the function returned {shown(repr(formula))} ({kind}); {advice}.")


# Functions and numbers -------------------------------------------------------------------------------


def check_functions(loss: str, expression: Basic, parent: Basic) -> None:
    """Refuse what is not in the language: other functions, infinities, complex values, open branches."""
    if expression in (S.NaN, S.ComplexInfinity, S.Infinity, S.NegativeInfinity):
        raise refusal(
            loss, f"contains {expression}", parent, "a loss has finite values; check for a division by 0"
        )
    if expression is S.ImaginaryUnit:
        raise refusal(loss, "is complex", parent, "no root or logarithm of a negative number may occur")
    if isinstance(expression, sympy.Piecewise):
        return check_branches(loss, expression)
    if isinstance(expression, Boolean) and not isinstance(expression, Symbol):
        raise refusal(loss, "is true or false, not a number", expression, "write lg.where(condition, a, b)")
    if not expression.args and isinstance(expression, Symbol | sympy.Number | sympy.NumberSymbol):
        return None
    if not isinstance(expression, ARITHMETIC) and expression.func not in FUNCTIONS:
        advice = function_advice(expression)
        raise refusal(
            loss, f"uses {type(expression).__name__}, which the language has not", expression, advice
        )
    if isinstance(expression, sympy.polygamma) and expression.args[0] not in (0, 1):
        raise refusal(loss, "is unknown to the compiler", expression, function_advice(expression))
    check_real(loss, expression)
    for argument in expression.args:
        check_functions(loss, argument, expression)
    return None


def check_real(loss: str, expression: Expr) -> None:
    """Refuse a logarithm or a fractional power of something that is negative whatever the inputs are."""
    if isinstance(expression, sympy.log) and expression.args[0].is_negative:
        raise refusal(loss, "is the logarithm of a negative number", expression, "change its sign")
    if isinstance(expression, sympy.Pow) and expression.base.is_negative and not expression.exp.is_integer:
        raise refusal(
            loss, "is a fractional power of a negative number", expression, "change the sign of its base"
        )


def check_branches(loss: str, expression: sympy.Piecewise) -> None:
    """Check values and conditions of a Piecewise, and that one of its branches always holds."""
    for value, condition in expression.args:
        check_functions(loss, value, expression)
        check_condition(loss, condition)
    if expression.args[-1][1] is not S.true:
        raise refusal(loss, "has no value where no condition holds", expression, "end it with (value, True)")


def check_condition(loss: str, condition: Basic) -> None:
    """Check a condition: comparisons joined by And, Or and Not."""
    if isinstance(condition, BooleanAtom):
        return
    if isinstance(condition, Relational):
        for side in condition.args:
            check_functions(loss, side, condition)
    elif isinstance(condition, CONDITIONS):
        for part in condition.args:
            check_condition(loss, part)
    else:
        raise refusal(
            loss, "is no comparison", condition, "conditions are comparisons joined by And, Or and Not"
        )


# Symbols ------------------------------------------------------------------------------------------------


def check_symbols(loss: str, declaration: Declaration, expression: Expr) -> None:
    """Refuse symbols that are neither inputs nor parameters."""
    known = {symbol.name: symbol for symbol in (*declaration.symbols().values(), column_count)}
    known |= {item.name: item.symbol for item in declaration.written_inputs}
    for symbol in sorted(expression.free_symbols, key=str):
        if symbol in known.values():
            continue
        part = smallest_with(expression, symbol)
        if known.get(symbol.name) is not None:
            own = {"y": "lg.y_true", "p": "lg.y_pred", "C": "lg.column_count"}
            advice = f"use {own.get(symbol.name, 'the argument of the function')} instead of a new symbol"
            raise refusal(loss, f"uses another symbol `{symbol}` than the loss", part, advice)
        if symbol.name in ("y_true", "y_pred"):
            advice = f"use lg.{symbol.name}, or the argument of the function, instead of a new symbol"
        else:
            close = suggestion(symbol.name, known).removeprefix("; ")
            advice = f"{close} Otherwise make it" if close else "make it"
            advice += f" a parameter: {symbol}=1.0 or {symbol}=lg.Parameter(…) among the keywords"
        raise refusal(loss, f"uses the unknown symbol `{symbol}`", part, advice)


def smallest_with(expression: Basic, symbol: Symbol) -> Basic:
    """The smallest sub-expression, not the symbol itself, that shows where the symbol stands."""
    for argument in expression.args:
        if argument != symbol and argument.has(symbol):
            return smallest_with(argument, symbol)
    return expression


# Columns and labels ------------------------------------------------------------------------------------


def column_symbols(declaration: Declaration) -> frozenset[Symbol]:
    """The symbols that differ from column to column."""
    symbols = declaration.symbols()
    inputs = {each.symbol for each in declaration.written_inputs}
    return frozenset(inputs | {symbols[name] for name in declaration.per_class})


def is_per_column(expression: Basic, columns: frozenset[Symbol]) -> bool:
    """Whether the expression has one value a column, not one a row."""
    if isinstance(expression, Reduction):
        return expression.per_column
    return expression in columns or any(is_per_column(argument, columns) for argument in expression.args)


def check_columns(loss: str, declaration: Declaration, expression: Expr) -> None:
    """Refuse a formula that still has one value a column."""
    columns = column_symbols(declaration)
    if not is_per_column(expression, columns):
        return
    part = open_part(expression, columns)
    advice = f"write lg.Mean({shown(part)}), or another reduction around it"
    per_class = [name for name in sorted(declaration.per_class) if part == declaration.symbols()[name]]
    if per_class:
        advice = f"`{per_class[0]}` may have one value a column (per_class): move it into the reduction"
    elif part in columns:
        advice += (
            " (sympy.Max and sympy.Min of one argument are that argument: the reductions are lg.Max, lg.Min)"
        )
    raise refusal(loss, "has one value a column, but a loss has one a row", part, advice)


def open_part(expression: Expr, columns: frozenset[Symbol]) -> Expr:
    """The part of a sum or product that no reduction encloses."""
    if isinstance(expression, sympy.Add | sympy.Mul) and any(
        part.has(Reduction) and not is_per_column(part, columns) for part in expression.args
    ):
        parts = [part for part in expression.args if is_per_column(part, columns)]
        return open_part(expression.func(*parts), columns)
    if isinstance(expression, sympy.Mul) and expression.has(Reduction):
        inner = [part for part in expression.args if is_per_column(part, columns)]
        return open_part(inner[0], columns) if len(inner) == 1 else expression
    return expression


def check_labels(loss: str, declaration: Declaration, expression: Expr) -> None:
    """Refuse a target that is a label and a number at once, and a Gather that has nothing to pick from."""
    if not expression.has(Gather):
        return
    if all(item.role != "target" for item in declaration.inputs):
        raise refusal(loss, "asks for a label", expression, "a penalty has no target; leave lg.Gather out")
    if expression.has(y_true):
        raise refusal(
            loss,
            "uses y_true as a number beside lg.Gather",
            smallest_with(expression, y_true),
            "the target of a loss with Gather is an integer label: write only Gather, or only y_true",
        )
    columns = column_symbols(declaration)
    for gather in expression.atoms(Gather):
        if not is_per_column(gather.args[0], columns):
            raise refusal(loss, "gathers what is the same at every column", gather, "leave lg.Gather out")
