"""Ladder → its derivatives, by the adjoint sweep: gradient, exact Hessian diagonal, Hessian-vector product.

Assumes a stabilised ladder. Each derivative comes back as a ladder that may have grown sum and pick rungs
(the adjoints) and an expression at a column. Nothing is approximated; maxima send their derivative to the
first column that attains them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sympy import Add, Expr, Integer, Mul, Symbol, exp, expand_mul

from lossgen.language.atoms import keep, softmax, softmax_complement
from lossgen.language.symbols import y_pred

from .ladder import DIRECTION, Builder, Ladder, Rung, hit_symbol, prune


@dataclass(frozen=True)
class Derivative:
    """A ladder with the rungs that the expression needs, and the expression at a column (or of the row).

    `textbook` is the same quantity as a book prints it; it is what gets differentiated again. `parts` are
    symbols of a column that kernels compute as one rounded number.
    """

    ladder: Ladder
    expression: Expr
    textbook: Expr
    parts: Mapping[Symbol, Expr] = field(default_factory=dict)


PREDICTION: Mapping[Symbol, Expr] = {y_pred: Integer(1)}
"""The direction of the prediction itself."""


def weight(rung: Rung) -> Expr:
    """∂(rung)/∂(its summand at a column)."""
    if rung.kind == "sum":
        return Integer(1)
    if rung.kind == "logsumexp":
        return exp(rung.summand - rung.symbol)
    return rung.at if rung.kind == "pick" else hit_symbol(rung)


def gradient(ladder: Ladder, directions: Mapping[Symbol, Expr] = PREDICTION) -> Derivative:
    """dL/dx at a column, for an x of a column on which its symbols depend.

    Args:
        directions: d(symbol)/dx of each symbol; the prediction alone, or the target or a per-class parameter
            with all symbols that stand for parts of the target.
    """
    builder = Builder(ladder)
    adjoints: dict[Symbol, Expr] = {}
    accurate, textbook = Integer(0), Integer(0)
    for index in reversed(range(len(ladder.rungs))):
        rung = ladder.rungs[index]
        later = ladder.rungs[index + 1 :]
        through = Add(
            *(adjoints[other.symbol] * weight(other) * other.summand.diff(rung.symbol) for other in later)
        )
        from_head = ladder.head.diff(rung.symbol)
        slope = Add(*(rung.summand.diff(symbol) * each for symbol, each in directions.items()))
        adjoint = from_head + _column_sum(through, builder)
        adjoints[rung.symbol] = adjoint
        direct = _direct(accurate, textbook, rung, slope, through)
        accurate = (
            accurate + adjoint * weight(rung) * slope
            if direct is None
            else _balanced(direct, from_head, rung, slope, builder)
        )
        textbook = textbook + adjoint * weight(rung) * slope
    return Derivative(builder.ladder(), accurate, textbook)


def _column_sum(expression: Expr, builder: Builder) -> Expr:
    """Σ over the columns, one rung an addend so that each hoists its own row factors."""
    return Add(*(builder.sum(term) for term in Add.make_args(expression)))


def _direct(accurate: Expr, textbook: Expr, rung: Rung, slope: Expr, through: Expr) -> Expr | None:
    """D with (gradient so far) = D·slope and adjoint = −ΣD: the loss depends on u − L alone."""
    if rung.kind != "logsumexp" or accurate != textbook:
        return None
    direct = -through
    return direct if expand_mul(textbook - direct * slope) == 0 else None


def _balanced(direct: Expr, from_head: Expr, rung: Rung, slope: Expr, builder: Builder) -> Expr:
    """D − softmax·ΣD, written D·(1 − softmax) − softmax·(ΣD − D): exact for one-hot targets.

    D must be the same float in the sum and at the column, hence `keep`.
    """
    outside, inside = direct.as_independent(*builder.element_symbols, as_Add=False)
    if isinstance(inside, Add) and all(term.could_extract_minus_sign() for term in inside.args):
        outside, inside = -outside, -inside
    kept = keep(inside)
    total = builder.sum(kept) if not _is_hit(inside) else builder.sum(inside)
    share = softmax(rung.summand, rung.symbol)
    others = keep(total - kept)
    balanced = outside * (kept * softmax_complement(rung.summand, rung.symbol) - share * others)
    return slope * (balanced + from_head * share)


def _is_hit(expression: Expr) -> bool:
    return any(str(factor).endswith("_hit") for factor in Mul.make_args(expression))


def parameter_gradient(ladder: Ladder, directions: Mapping[Symbol, Expr]) -> Derivative:
    """dL/d(parameter) of the row: the tangent of the ladder along the parameter.

    Args:
        directions: d(symbol)/d(parameter): 1 for the parameter itself, and for each symbol of a column that
            depends on it what it changes there.
    """
    return _tangent(ladder, ladder.head, dict(directions))


def hessian_diagonal(first: Derivative) -> Derivative:
    """∂²L/∂p² at each column, the column's own share in every reduction included."""
    builder = Builder(first.ladder)
    shares: dict[Symbol, Expr] = {}
    for rung in prune(first.ladder, first.textbook).rungs:
        own = weight(rung) * rung.summand.diff(y_pred)
        for earlier, share in shares.items():
            own += share * _column_sum(weight(rung) * rung.summand.diff(earlier), builder)
        shares[rung.symbol] = own
    result = first.textbook.diff(y_pred) + Add(
        *(first.textbook.diff(symbol) * share for symbol, share in shares.items())
    )
    return Derivative(builder.ladder(), result, result)


def hessian_vector_product(first: Derivative) -> Derivative:
    """H·v at each column, by pushing the direction v through the rungs of the gradient.

    Under a softmax v is measured from its value at the largest argument: H ignores what all columns
    share, and v − Σ softmax·v would cancel wherever one column dominates.
    """
    rung = next((r for r in first.ladder.rungs if r.kind == "logsumexp" and _is_shift(r, first.ladder)), None)
    if rung is None:
        return tangent(first)
    ladder = replace(first.ladder, columns=first.ladder.columns | {BEYOND})
    builder = Builder(ladder)
    largest = builder.extremum("max", rung.summand)
    hit = hit_symbol(next(each for each in builder.rungs if each.symbol == largest))
    shared = builder.pick(DIRECTION * hit, hit)
    product = _tangent(builder.ladder(), first.textbook, {y_pred: BEYOND + shared})
    return replace(product, parts={BEYOND: DIRECTION - shared})


def tangent(first: Derivative) -> Derivative:
    """H·v at each column with v as it is: its sums show the vectors that make up the Hessian."""
    return _tangent(first.ladder, first.textbook, {y_pred: DIRECTION})


BEYOND = Symbol("beyond", real=True)
"""What the direction has at a column beyond its value at the largest argument of a softmax."""


def _is_shift(rung: Rung, ladder: Ladder) -> bool:
    """Whether adding a number to all predictions of a row adds one to the log-sum-exp."""
    slope = rung.summand.diff(y_pred)
    return slope != 0 and not slope.free_symbols & ladder.element_symbols


def _tangent(ladder: Ladder, expression: Expr, seeds: dict[Symbol, Expr]) -> Derivative:
    """The change of `expression` when the symbols change by the seeds, forward through the rungs."""
    builder = Builder(ladder)
    tangents = dict(seeds)
    for rung in prune(ladder, expression).rungs:
        changes = _changes(rung.summand, tangents)
        tangents[rung.symbol] = Add(*(builder.sum(weight(rung) * change) for change in changes))
    result = Add(*_changes(expression, tangents))
    return Derivative(builder.ladder(), result, result)


def _changes(expression: Expr, tangents: dict[Symbol, Expr]) -> list[Expr]:
    """The addends of Σ ∂expression/∂symbol · tangent; what the tangents share cancels."""
    slopes: dict[Expr, Expr] = {}
    for symbol, tangent in tangents.items():
        slope = expression.diff(symbol)
        for part in Add.make_args(expand_mul(tangent)):
            number, rest = part.as_coeff_Mul()
            slopes[rest] = slopes.get(rest, Integer(0)) + number * slope
    return [rest * slope for rest, slope in slopes.items() if slope != 0]
