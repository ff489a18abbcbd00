"""The numbers that a ladder stands for: every rung over the columns, then an expression at each column."""

import math
from collections.abc import Mapping

import sympy
from arithmetic import exact as evaluate

from lossgen.compiler.ladder import DIRECTION, LABEL_HIT, Ladder, hit_symbol
from lossgen.language.symbols import column_count, y_pred, y_true


def rows_of(ladder: Ladder, y, p, parameters: Mapping | None = None, vector=None) -> list[dict]:
    """The value of every symbol at each column of one row; y is a target a column or one label."""
    columns = []
    for column in range(len(p)):
        values = {y_pred: p[column], column_count: len(p), **(parameters or {})}
        values = {name: v[column] if isinstance(v, tuple) else v for name, v in values.items()}
        if isinstance(y, int):
            values[LABEL_HIT] = float(column == y)
        else:
            values[y_true] = y[column]
        if vector is not None:
            values[DIRECTION] = vector[column]
        columns.append(values)
    for rung in ladder.rungs:
        summands = [float(evaluate(rung.summand, values)) for values in columns]
        result = reduced(rung, summands, columns)
        for column, values in enumerate(columns):
            values[rung.symbol] = result
            if rung.kind in ("max", "min"):
                values[hit_symbol(rung)] = float(column == summands.index(result))
    return columns


def reduced(rung, summands: list[float], columns: list[dict]) -> float:
    if rung.kind == "logsumexp":
        largest = max(summands)
        return largest + math.log(math.fsum(math.exp(each - largest) for each in summands))
    if rung.kind == "pick":
        return next(s for s, values in zip(summands, columns, strict=True) if values[rung.at] == 1)
    return {"sum": math.fsum, "max": max, "min": min}[rung.kind](summands)


def at_columns(expression: sympy.Expr, columns: list[dict]) -> list[float]:
    """An expression of the ladder at each column."""
    return [float(evaluate(expression, values)) for values in columns]
