"""The properties of a variant, put together: what holds of each of its terms holds of their sum."""

from collections.abc import Mapping

from sympy import Dummy, Expr, Symbol, exp, log

from lossgen.compiler.driver import Derived
from lossgen.compiler.expectation import Model, expected
from lossgen.compiler.ladder import Ladder
from lossgen.compiler.opening import is_linear, opened
from lossgen.language.atoms import sigmoid
from lossgen.language.declaration import Declaration
from lossgen.language.symbols import column_count, y_pred
from lossgen.runtime.properties import Properties

from .affine import is_affine
from .convexity import expression_shape, ladder_shape
from .pieces import is_convex
from .signs import Ranges, parts_of, ranges_of


def properties_of(
    declaration: Declaration, options: Mapping[str, object], derived: tuple[Derived, ...]
) -> Properties:
    """The properties of one variant."""
    domain = declaration.domain_of(options)
    labels = any(term.labels for term in derived)
    factor = common_factor(derived)
    affine = labels or all(is_affine(term.expression.xreplace(dict(term.targets))) for term in derived)
    return Properties(
        link=declaration.link_of(options) or "identity",
        target="labels" if labels else domain.get("target", "real"),
        prediction=domain.get("prediction", "real"),
        curvature=curvature(derived, ranges_of(declaration, options)),
        diagonal=factor is not None,
        mean=factor is not None and column_count in factor.free_symbols,
        affine=affine,
        fisher=fisher(derived),
        mean_is_optimal=affine and all(is_optimal_at_mean(term, declaration, options) for term in derived),
    )


# Convexity ----------------------------------------------------------------------------------------


def curvature(derived: tuple[Derived, ...], ranges: Ranges) -> str:
    """"zero", "convex" or "unproved", see `Properties`."""
    if not all(is_convex_term(term, ranges) for term in derived):
        return "unproved"
    has_none = all(term.hessian.expression == 0 and term.product.expression == 0 for term in derived)
    return "zero" if has_none else "convex"


def is_convex_term(term: Derived, ranges: Ranges) -> bool:
    """Whether the loss of a row is proved to be convex in its predictions: by rules, or column by column."""
    definitions = dict(term.targets)
    if ladder_shape(term.ladder, ranges, definitions).convex:
        return True
    if expression_shape(term.expression.xreplace(definitions), ranges).convex:
        return True
    function = element_function(term.ladder)
    return function is not None and is_convex(function.xreplace(definitions), ranges)


def fisher(derived: tuple[Derived, ...]) -> str | None:
    """What is known of the expected Hessian; of a sum of terms only that it is the Hessian of each."""
    found = {term.fisher for term in derived}
    return found.pop() if len(derived) == 1 or found == {"exact"} else None


# Targets ------------------------------------------------------------------------------------------


def is_optimal_at_mean(term: Derived, declaration: Declaration, options: Mapping[str, object]) -> bool:
    """Whether the gradient of a loss affine in the target is 0 at link(the target)."""
    mean = expected(term.gradient, model_of(term, declaration, options))
    return mean is not None and vanishes(mean.textbook)


def model_of(term: Derived, declaration: Declaration, options: Mapping[str, object]) -> Model:
    """How the targets of a term are distributed."""
    link = declaration.link_of(options) or "identity"
    target = declaration.domain_of(options).get("target", "real")
    return Model(link, target, term.labels, dict(term.targets), term.expression)


def vanishes(expression: Expr) -> bool:
    """Whether it is proved to be 0, by powers of exp(p)."""
    growth = Dummy("growth", positive=True)
    expression = expression.replace(sigmoid, lambda x: 1 / (1 + exp(-x))).subs(y_pred, log(growth))
    return opened(parts_of(expression)[0]) == 0


# Columns ------------------------------------------------------------------------------------------


def element_function(ladder: Ladder) -> Expr | None:
    """f of a loss Σ f(y, p) + c, whose columns do not meet; None for others."""
    parts = _element_parts(ladder)
    return None if parts is None else sum(factor * summand for factor, summand in parts)


def _element_parts(ladder: Ladder) -> list[tuple[Expr, Expr]] | None:
    """The factors and summands of a loss that is a weighted sum of sums."""
    symbols = {rung.symbol for rung in ladder.rungs}
    if any(rung.kind != "sum" or rung.summand.free_symbols & symbols for rung in ladder.rungs):
        return None
    if not is_linear(ladder.head, symbols):
        return None
    factors = [ladder.head.diff(rung.symbol) for rung in ladder.rungs]
    return [(factor, rung.summand) for factor, rung in zip(factors, ladder.rungs, strict=True)]


def common_factor(derived: tuple[Derived, ...]) -> Expr | None:
    """1 or 1/C of a loss that is this times a sum over the last axis of what a column contributes.

    None where columns meet, and where a column contributes something else among others than it would alone.
    """
    if len(derived) != 1 or derived[0].scope != -1 or derived[0].labels:
        return None
    parts = _element_parts(derived[0].ladder)
    if not parts or _has_columns(derived[0].targets, parts):
        return None
    for common in (column_count / column_count, 1 / column_count):
        if not any(column_count in (factor / common).free_symbols for factor, _ in parts):
            return common
    return None


def _has_columns(targets: tuple[tuple[Symbol, Expr], ...], parts: list[tuple[Expr, Expr]]) -> bool:
    """Whether what a column contributes depends on how many there are."""
    return any(
        column_count in expression.free_symbols
        for expression in (*(part for _, part in targets), *(summand for _, summand in parts))
    )
