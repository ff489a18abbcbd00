"""Random nests of the functions that losses are made of, to compare values before and after a rewriting."""

import sympy
from sympy import Abs, Max, cosh, exp, log, sqrt, tanh

from lossgen.language.atoms import sigmoid, softplus
from lossgen.language.symbols import y_pred as p
from lossgen.language.symbols import y_true as y

gamma = sympy.Symbol("gamma", nonnegative=True)
delta = sympy.Symbol("delta", positive=True)
rung = sympy.Symbol("R", real=True)
LEAVES = (p, y, p - y, p * y, 2 * p, -p, (p - y) / delta, p - rung, sympy.Integer(1), sympy.Integer(2))

UNARY = (
    lambda a: exp(a),
    lambda a: exp(-a),
    lambda a: 1 + exp(a),
    lambda a: 1 - exp(a),
    lambda a: 1 / (1 + exp(-a)),
    lambda a: exp(a) / (1 + exp(a)),
    lambda a: 1 - 1 / (1 + exp(-a)),
    lambda a: tanh(a),
    lambda a: cosh(a),
    lambda a: log(1 + exp(a)),
    lambda a: log(1 + a**2),
    lambda a: sqrt(1 + a**2),
    lambda a: sqrt(1 + a**2) - 1,
    lambda a: 1 / sqrt(delta**2 + a**2),
    lambda a: sigmoid(a),
    lambda a: softplus(a),
    lambda a: sigmoid(-a) ** gamma,
    lambda a: (1 / (1 + exp(a))) ** gamma,
    lambda a: a**2,
    lambda a: 1 / (1 + a**2),
    lambda a: log(cosh(a)),
    lambda a: (exp(a) - 1) / a,
    lambda a: Max(a, 0),
    lambda a: Abs(a),
)
BINARY = (
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / (1 + exp(b)),
    lambda a, b: y * a + (1 - y) * b,
    lambda a, b: log(exp(a) / (exp(a) + exp(b))),
    lambda a, b: gamma * a - b,
)


def expression(random, depth):
    """A nest of this depth."""
    if depth == 0:
        return random.choice(LEAVES)
    if random.random() < 0.55:
        return random.choice(UNARY)(expression(random, depth - 1))
    return random.choice(BINARY)(expression(random, depth - 1), expression(random, random.randrange(depth)))


def point(random, width):
    """Values for all symbols, predictions of about this size."""
    return {
        p: random.uniform(-width, width), y: random.choice((0.0, 1.0, 0.3, 0.75)),
        gamma: random.choice((2.0, 0.5, 0.0)), delta: random.uniform(0.3, 3), rung: random.gauss(0, width),
    }  # fmt: skip
