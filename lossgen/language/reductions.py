"""Reductions over the columns of a row, as opaque SymPy functions of one argument.

`Softmax` and `LogSoftmax` have a value at every column; the others have one value a row. They never
evaluate or differentiate themselves: the compiler turns each into a rung of the ladder first.
SymPy's own `Max(a, b)` stays elementwise; its `Sum` is refused by the checks.
"""

from typing import Any

from sympy import Expr, Function
from sympy.logic.boolalg import Boolean

from lossgen.errors import DeclarationError


class Reduction(Function):
    """A function of one column expression."""

    nargs = (1,)
    per_column = False

    def __new__(cls, *arguments: object, **options: object) -> "Reduction":
        name = cls.__name__
        if len(arguments) != 1:
            shown = ", ".join(str(argument) for argument in arguments)
            if name in ("Max", "Min"):
                advice = f"for the elementwise one of two values write sympy.{name}({shown})"
            else:
                advice = f"lg.{name}(expression) already runs over all columns, without an index or an axis"
            raise DeclarationError(f"lg.{name}({shown}): one expression is expected; {advice}.")
        (argument,) = arguments
        if isinstance(argument, Boolean | bool) and not isinstance(argument, Expr):
            raise DeclarationError(
                f"lg.{name}({argument}): a condition is no number; write lg.where({argument}, 1, 0) inside."
            )
        if not isinstance(argument, Expr | int | float) and not hasattr(argument, "_sympy_"):
            raise DeclarationError(
                f"lg.{name}({argument!r}): a formula of lg.y_true and lg.y_pred is expected, "
                f"not a value of type {type(argument).__name__}."
            )
        made: Reduction = super().__new__(cls, argument, **options)
        return made

    def _eval_is_extended_real(self) -> bool:
        return True

    def _sympystr(self, printer: Any) -> str:
        return str(printer._print_Function(self))  # by class name alone, SymPy would print its own Sum

    def _pretty(self, printer: Any) -> Any:
        return printer._print_Function(self)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        if hasattr(printer, "_print_Reduction"):
            return str(printer._print_Reduction(self, exp))
        power = "" if exp is None else f"^{{{exp}}}"
        return rf"\operatorname{{{type(self).__name__}}}{power}\left({printer._print(self.args[0])}\right)"

    def fdiff(self, argindex: int = 1) -> Expr:
        raise NotImplementedError("reductions are differentiated on the ladder, not by SymPy")


class Sum(Reduction):
    """Sum over the columns."""


class Mean(Reduction):
    """Sum over the columns divided by their count."""


class Max(Reduction):
    """Largest value over the columns; its gradient goes to the first column that attains it."""


class Min(Reduction):
    """Smallest value over the columns; its gradient goes to the first column that attains it."""


class LogSumExp(Reduction):
    """log Σ exp(x) over the columns."""


class Gather(Reduction):
    """The value at the column that the row's integer label picks."""


class Softmax(Reduction):
    """exp(x) / Σ exp(x), at every column."""

    per_column = True


class LogSoftmax(Reduction):
    """x − log Σ exp(x), at every column."""

    per_column = True


REDUCTIONS = (Sum, Mean, Max, Min, LogSumExp, Softmax, LogSoftmax, Gather)
