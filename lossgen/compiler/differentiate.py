"""Ladder → its derivatives, by the adjoint sweep: gradient, exact Hessian diagonal, Hessian-vector product.

Assumes a stabilised ladder. Each derivative comes back as a ladder that may have grown sum and pick rungs
(the adjoints) and an expression at a column. Nothing is approximated; maxima send their derivative to the
first column that attains them.
"""

from dataclasses import dataclass

from sympy import Add, Expr, Integer, Mul, Symbol, exp, expand_mul

from lossgen.language.atoms import keep, softmax, softmax_complement
from lossgen.language.symbols import y_pred

from .ladder import DIRECTION, Builder, Ladder, Rung, hit_symbol, prune


@dataclass(frozen=True)
class Derivative:
    """A ladder with the rungs that the expression needs, and the expression at a column (or of the row).

    `textbook` is the same quantity as a book prints it; it is what gets differentiated again.
    """

    ladder: Ladder
    expression: Expr
    textbook: Expr


def weight(rung: Rung) -> Expr:
    """∂(rung)/∂(its summand at a column)."""
    if rung.kind == "sum":
        return Integer(1)
    if rung.kind == "logsumexp":
        return exp(rung.summand - rung.symbol)
    return rung.at if rung.kind == "pick" else hit_symbol(rung)


def gradient(ladder: Ladder, symbol: Symbol = y_pred) -> Derivative:
    """dL/d(symbol at a column); `symbol` is the prediction, the target or a per-class parameter."""
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
        slope = rung.summand.diff(symbol)
        adjoint = from_head + _column_sum(through, builder)
        adjoints[rung.symbol] = adjoint
        direct = _direct(accurate, textbook, rung, slope, through, from_head)
        accurate = (
            accurate + adjoint * weight(rung) * slope
            if direct is None
            else _balanced(direct, rung, slope, builder)
        )
        textbook = textbook + adjoint * weight(rung) * slope
    return Derivative(builder.ladder(), accurate, textbook)


def _column_sum(expression: Expr, builder: Builder) -> Expr:
    """Σ over the columns, one rung an addend so that each hoists its own row factors."""
    return Add(*(builder.sum(term) for term in Add.make_args(expression)))


def _direct(
    accurate: Expr, textbook: Expr, rung: Rung, slope: Expr, through: Expr, from_head: Expr
) -> Expr | None:
    """D with (gradient so far) = D·slope and adjoint = −ΣD: the loss depends on u − L alone."""
    if rung.kind != "logsumexp" or from_head != 0 or slope == 0 or through == 0 or accurate != textbook:
        return None
    direct = -through
    return direct if expand_mul(textbook - direct * slope) == 0 else None


def _balanced(direct: Expr, rung: Rung, slope: Expr, builder: Builder) -> Expr:
    """D − softmax·ΣD, written D·(1 − softmax) − softmax·(ΣD − D): exact for one-hot targets.

    D must be the same float in the sum and at the column, hence `keep`.
    """
    outside, inside = direct.as_independent(*builder.element_symbols, as_Add=False)
    if isinstance(inside, Add) and all(term.could_extract_minus_sign() for term in inside.args):
        outside, inside = -outside, -inside
    kept = inside if inside.is_Symbol or inside.is_Number else keep(inside)
    total = builder.sum(kept) if not _is_hit(inside) else builder.sum(inside)
    share = softmax(rung.summand, rung.symbol)
    others = keep(total - kept)
    return outside * slope * (kept * softmax_complement(rung.summand, rung.symbol) - share * others)


def _is_hit(expression: Expr) -> bool:
    return any(str(factor).endswith("_hit") for factor in Mul.make_args(expression))


def parameter_gradient(ladder: Ladder, symbol: Symbol) -> Derivative:
    """dL/d(parameter) of the row: the tangent of the ladder along the parameter."""
    return _tangent(ladder, ladder.head, {symbol: Integer(1)})


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
    """H·v at each column, by pushing the direction v through the rungs of the gradient."""
    return _tangent(first.ladder, first.textbook, {y_pred: DIRECTION})


def _tangent(ladder: Ladder, expression: Expr, seeds: dict[Symbol, Expr]) -> Derivative:
    builder = Builder(ladder)
    tangents = dict(seeds)
    for rung in prune(ladder, expression).rungs:
        change = Add(*(rung.summand.diff(symbol) * tangent for symbol, tangent in tangents.items()))
        tangents[rung.symbol] = _column_sum(weight(rung) * change if change != 0 else change, builder)
    result = Add(*(expression.diff(symbol) * tangent for symbol, tangent in tangents.items()))
    return Derivative(builder.ladder(), result, result)
