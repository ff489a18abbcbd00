"""The table of rules that `stabilise` applies, in order, to every node until none fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sympy import Add, Expr, Mul, Pow, cosh, coth, csch, exp, log, sech, sinh, tanh

from lossgen.language.atoms import bose, exprel, power, power_slope, sech2, sigmoid, xdivy

from .encode import encode
from .logarithms import guard_logarithm, log_of_one_plus, split_logarithm
from .pairs import pair_differences, pair_softplus
from .product import Product
from .radicals import combine_radicals
from .sums import combine_exponentials


@dataclass(frozen=True)
class Rule:
    """A rewriting of one kind of node; `apply` returns None where the rule does not fit."""

    name: str
    nodes: tuple[type, ...]
    apply: Callable[[Expr], Expr | None]


def normalise_product(expression: Expr) -> Expr:
    return encode(Product.of(expression))


PRODUCTS = (
    Mul, Pow, exp, sigmoid, bose, sech2, tanh, coth, cosh, sech, sinh, csch,
    exprel, power, power_slope, xdivy,
)
RULES = (
    Rule("product of exponentials", PRODUCTS, normalise_product),
    Rule("guarded logarithm", (Mul,), guard_logarithm),
    Rule("logarithm of a product", (log,), split_logarithm),
    Rule("logarithm of one plus", (log,), log_of_one_plus),
    Rule("sum of exponentials", (Add,), combine_exponentials),
    Rule("softplus pair", (Add,), pair_softplus),
    Rule("difference of near equals", (Add,), pair_differences),
    Rule("equal radicals", (Add,), combine_radicals),
)
