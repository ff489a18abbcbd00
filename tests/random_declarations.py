"""Random declarations: element and row functions, nested reductions, parameters, options, labels.

Everything is drawn from a `random.Random`, so that hypothesis can shrink what fails. Formulas are kept where
they have real values: logarithms and powers take positive parts.
"""

import random as random_module

import numpy as np
import sympy
from sympy import Abs, Piecewise, atan, cos, exp, log, sin, sqrt, tanh

import lossgen as lg
from lossgen.language.declaration import Declaration
from lossgen.language.symbols import column_count, parameter_symbol, y_pred, y_true

PARAMETERS = {
    "delta": lg.Parameter(0.75, positive=True),
    "gamma": lg.Parameter(1.5, minimum=0),
    "shift": lg.Parameter(-0.25),
    "weights": lg.Parameter(1.25, positive=True, per_class=True),
}
VALUES = {"delta": 0.625, "gamma": 2.5, "shift": 0.375, "weights": (0.5, 2.0, 1.25)}
"""Arguments that the losses are tested with, for three columns."""

COLUMNS = 3
delta = parameter_symbol("delta", positive=True)
gamma = parameter_symbol("gamma", nonnegative=True)
shift = parameter_symbol("shift")
weights = parameter_symbol("weights", positive=True)


class Grammar:
    """The productions, for losses of numbers or of labels."""

    def __init__(self, random: random_module.Random, labels: bool):
        self.random = random
        self.labels = labels
        self.targets = () if labels else (y_true, y_pred - y_true, y_true * y_pred)

    def pick(self, *choices):
        return self.random.choice(choices)

    # One value a column --------------------------------------------------------------------------------

    def element(self, depth: int) -> sympy.Expr:
        """Any real number a column."""
        if depth <= 0:
            leaves = (y_pred, y_pred, y_pred - shift, y_pred / delta, 2 * y_pred, -y_pred, weights * y_pred)
            return self.pick(*leaves, *self.targets, *self.targets)
        if self.random.random() < 0.3:
            return self.two_elements(depth)
        if self.random.random() < 0.25:
            return self.nested(depth)
        a = self.element(depth - 1)
        return self.pick(
            lambda: self.positive(depth),
            lambda: log(self.positive(depth - 1)),
            lambda: tanh(a),
            lambda: atan(a),
            lambda: sin(a),
            lambda: cos(a),
            lambda: sympy.erf(a),
            lambda: Abs(a),
            lambda: lg.relu(a),
            lambda: lg.clip(a, -1, delta),
            lambda: lg.log_cosh(a),
            lambda: a**2,
            lambda: a**3 / 3,
            lambda: a / sqrt(delta**2 + a**2),
            lambda: Piecewise((a**2 / 2, Abs(a) <= delta), (delta * (Abs(a) - delta / 2), True)),
            lambda: Piecewise((exp(-a), a > 0), (1 - a, True)),
            lambda: lg.expm1(tanh(a)),
        )()

    def two_elements(self, depth: int) -> sympy.Expr:
        a, b = self.element(depth - 1), self.element(self.random.randrange(depth))
        return self.pick(
            lambda: a + b,
            lambda: a - b,
            lambda: a * b,
            lambda: a / self.positive(depth - 1),
            lambda: sympy.Max(a, b),
            lambda: sympy.Min(a, b, 1),
            lambda: Piecewise((a, y_pred < shift), (b, True)),
            lambda: lg.xlogy(self.positive(depth - 1), 1 + a**2),
            lambda: gamma * a - b,
        )()

    def positive(self, depth: int) -> sympy.Expr:
        """A positive number a column."""
        if depth <= 0:
            return self.pick(
                1 + y_pred**2, lg.sigmoid(y_pred), lg.softplus(y_pred), exp(-Abs(y_pred)), lg.Softmax(y_pred),
                1 / (1 + exp(-y_pred)), weights,
            )  # fmt: skip
        a = self.element(depth - 1)
        b = self.positive(depth - 1)
        return self.pick(
            lambda: 1 + a**2,
            lambda: sqrt(1 + a**2),
            lambda: lg.sigmoid(a),
            lambda: lg.softplus(a),
            lambda: 1 + exp(-(a**2)),
            lambda: log(1 + exp(a)),
            lambda: 1 / (1 + exp(a)),
            lambda: lg.Softmax(a),
            lambda: b**gamma,
            lambda: b**delta,
            lambda: b / (1 + b),
            lambda: weights * b,
            lambda: exp(sin(a)),
        )()

    def nested(self, depth: int) -> sympy.Expr:
        """An element that looks at the whole row."""
        a = self.element(depth - 1)
        return self.pick(
            lambda: lg.Softmax(a),
            lambda: lg.LogSoftmax(a),
            lambda: a - lg.Mean(a),
            lambda: a - lg.Max(a),
            lambda: a - lg.Min(y_pred),
            lambda: a * lg.Mean(self.element(depth - 1)),
            lambda: exp(a - lg.LogSumExp(a)) * self.element(0),
            lambda: a / sqrt(delta + lg.Sum(a**2)),
            lambda: self.row(depth - 1) * y_pred,
        )()

    # One value a row -----------------------------------------------------------------------------------

    def row(self, depth: int) -> sympy.Expr:
        """A reduction of something that depends on the prediction."""
        a = self.element(max(depth - 1, 0))
        if not a.has(y_pred):
            a = a + y_pred
        choices = [lg.Sum, lg.Mean, lg.Mean, lg.Max, lg.Min, lg.LogSumExp]
        if self.labels:
            choices = [lg.Gather, lg.Gather, lg.Gather, *choices]
        return self.pick(*choices)(a)

    def head(self, depth: int) -> sympy.Expr:
        """The row's loss."""
        r = self.row(depth)
        if self.random.random() < 0.4:
            return r
        q = self.row(self.random.randrange(1, depth + 1))
        return self.pick(
            lambda: r + q,
            lambda: r * q,
            lambda: r - shift * q,
            lambda: r / (1 + q**2),
            lambda: sqrt(1 + r**2),
            lambda: log(1 + r**2 + q**2),
            lambda: lg.softplus(r - q),
            lambda: tanh(r) * q,
            lambda: log(1 + lg.Sum(self.positive(1))) + r,
            lambda: log(delta + lg.Sum(exp(self.element(1)))) + r / column_count,
            lambda: Piecewise((r, lg.Mean(y_pred) > shift), (q / 2, True)),
            lambda: -log(lg.Mean(self.positive(1))) + r,
            lambda: (1 + r**2) ** gamma / 8,
        )()


def random_declaration(random: random_module.Random, depth: int = 2) -> Declaration:
    """A declaration of one or two variants, with the parameters that its formulas use."""
    labels = random.random() < 0.25
    grammar = Grammar(random, labels)
    formulas = [grammar.head(depth) for _ in range(1 + (random.random() < 0.15))]
    used = set().union(*(formula.free_symbols for formula in formulas))
    if labels and not any(formula.has(lg.Gather) for formula in formulas):
        formulas[0] = formulas[0] + lg.Gather(y_pred)
    own = {name: each for name, each in PARAMETERS.items() if name in {symbol.name for symbol in used}}
    if len(formulas) == 1:
        return lg.declare("random_loss", formulas[0], **own)
    return with_option(formulas, own)


def with_option(formulas: list[sympy.Expr], own: dict) -> Declaration:
    """A declaration whose boolean option picks one of two formulas."""
    from lossgen.language.decorator import build

    def formula(options, symbols):
        return formulas[options["second"]]

    return build("random_loss", formula, {**own, "second": lg.Option(False)}, {"name": "random_loss"})


def random_inputs(declaration: Declaration, options: dict, seed: int, rows: int, width: float = 1.5):
    """Targets (or labels) and predictions."""
    generator = np.random.default_rng(seed)
    p = width * generator.standard_normal((rows, COLUMNS))
    if declaration.uses_labels(options):
        return generator.integers(0, COLUMNS, rows), p
    ordinary, shares = generator.standard_normal((rows, COLUMNS)), generator.random((rows, COLUMNS))
    return np.where(np.arange(rows)[:, None] % 2, shares, ordinary), p


def arguments_of(declaration: Declaration) -> dict:
    """Constructor arguments other than the defaults."""
    return {name: VALUES[name] for name in declaration.parameters}
