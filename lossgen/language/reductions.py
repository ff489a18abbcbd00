"""Reductions over the columns of a row, as opaque SymPy functions of one argument.

`Softmax` and `LogSoftmax` have a value at every column; the others have one value a row. They never
evaluate or differentiate themselves: the compiler turns each into a rung of the ladder first.
SymPy's own `Max(a, b)` stays elementwise; its `Sum` is refused by the checks.
"""

from sympy import Function


class Reduction(Function):
    """A function of one column expression."""

    nargs = (1,)
    per_column = False

    def _eval_is_extended_real(self):
        return True

    def fdiff(self, argindex=1):
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
