"""The constant prediction with the least mean loss, in closed form where one is found.

A loss whose best constant is link(mean) is proved to be so by the compiler. Otherwise the mean gradient is
solved for the prediction: at the mean target, where the gradient is affine in the target; at the mean of
what the target enters by, where the gradient is a product with one factor a(p) − b(y); by a share of the
targets, where it takes two values, one on either side of the target. What SymPy does not solve at once, and
what several columns share, is numeric.
"""

from collections.abc import Iterator, Set
from dataclasses import dataclass, replace

from sympy import (
    Abs,
    Add,
    Dummy,
    Expr,
    Function,
    Max,
    Min,
    Mul,
    Piecewise,
    Symbol,
    exp,
    expand_log,
    log,
    sign,
    solve,
)
from sympy.core.relational import Relational

from lossgen.compiler.driver import Derived
from lossgen.compiler.expectation import Model, expected
from lossgen.compiler.ladder import map_expressions
from lossgen.compiler.properties.signs import Ranges
from lossgen.compiler.properties.verdicts import element_function, vanishes
from lossgen.compiler.spelling import shortest
from lossgen.inspection.letters import with_complements
from lossgen.language.abbreviation import Definitions
from lossgen.language.atoms import (
    absolute,
    clip,
    greater,
    inside,
    maximum,
    minimum,
    relu,
    sigmoid,
    signum,
    step,
)
from lossgen.language.notation import unfold
from lossgen.language.printing import text
from lossgen.language.symbols import column_count, y_pred, y_true
from lossgen.runtime.properties import Properties

MEAN = Symbol("m", real=True)
BRANCHING = (
    Abs, Max, Min, Piecewise, Relational, absolute, clip, greater, inside, maximum, minimum, relu, sign,
    signum, step,
)  # fmt: skip
MOST_OPERATIONS = 40
"""Of a gradient that SymPy is asked to solve: each is done in well under a second."""

TARGETS_MEAN = "m the mean of the targets (weighted, where there are weights)"
MEDIAN, QUANTILE = Function("median"), Function("Q")


@dataclass(frozen=True)
class Constant:
    """The constant prediction with the least mean loss, where boosting starts.

    Args:
        expression: in closed form, if one is known.
        where: what the letters of the expression stand for, or how the constant is found.
        how: "link" (the link of the mean of the targets), "solved" (Σ gradient = 0 solved for it) or
            "numeric"; "none" where `optimal_constant` finds none.
    """

    expression: Expr | None
    where: str
    how: str

    @property
    def statistic(self) -> str:
        """The constant in words; empty where it has no closed form."""
        if self.expression is None:
            return ""
        return ", ".join(part for part in (text(self.expression), self.where) if part)


NUMERIC = Constant(None, "the root of the mean gradient", "numeric")
BEYOND_ROWS = Constant(None, "sums run over more than the last axis", "none")
NOT_PROVED = "a root of the mean gradient, not proved to be the least"
LINKED = {
    "identity": MEAN,
    "log": log(MEAN),
    "logit": log(MEAN / (1 - MEAN)),
    "softmax": log(MEAN),
}


def constant_of(derived: tuple[Derived, ...], properties: Properties, ranges: Ranges) -> Constant:
    """The best constant of a column."""
    if any(term.scope != -1 for term in derived):
        return BEYOND_ROWS
    found = _stationary(derived, properties, ranges)
    if found.expression is None or properties.curvature != "unproved":
        return found
    return replace(found, where="; ".join(part for part in (found.where, NOT_PROVED) if part))


def _stationary(derived: tuple[Derived, ...], properties: Properties, ranges: Ranges) -> Constant:
    """Where the mean gradient is 0; of a convex loss that is the best constant."""
    if properties.mean_is_optimal:
        return _by_link(properties)
    if len(derived) == 1 and properties.affine and _is_optimal_at_letter(derived[0], properties):
        (letter, _), *_ = derived[0].targets
        linked = LINKED[properties.link].xreplace({MEAN: letter})
        return Constant(linked, f"{letter} at y = m, {TARGETS_MEAN}", "link")
    if not properties.diagonal:
        return NUMERIC
    return _solved(with_complements(derived[0]), properties, ranges) or NUMERIC


def _by_link(properties: Properties) -> Constant:
    share = (MEAN + 1) / 2 if (properties.link, properties.target) == ("logit", "signs") else MEAN
    where = TARGETS_MEAN
    if properties.target == "labels":
        where = "m the share of the class among the labels (weighted, where there are weights)"
    elif properties.link == "softmax":
        where = "m the mean of the column's targets (weighted, where there are weights)"
    return Constant(LINKED[properties.link].xreplace({MEAN: share}), where, "link")


def _is_optimal_at_letter(term: Derived, properties: Properties) -> bool:
    """Whether the best constant is the link of what parameters make of the mean target, by one letter t.

    Under softmax, t has to add up to 1 over the columns as the targets do.
    """
    if len(term.targets) != 1 or properties.target == "signs":
        return False
    ((letter, meaning),) = term.targets
    slope = meaning.expand().coeff(y_true)
    rest = (meaning - slope * y_true).expand()
    if {y_true, y_pred} & (slope.free_symbols | rest.free_symbols):
        return False
    if properties.link == "softmax" and (slope + column_count * rest - 1).expand() != 0:
        return False

    def placed(expression: Expr) -> Expr:
        return expression.xreplace({letter: y_true})

    first = term.gradient
    first = replace(
        first, ladder=map_expressions(first.ladder, placed), **{
            name: placed(getattr(first, name)) for name in ("expression", "textbook")
        }
    )
    model = Model(properties.link, properties.target, term.labels, {}, placed(term.expression))
    mean = expected(first, model)
    return mean is not None and vanishes(mean.textbook)


def _solved(term: Derived, properties: Properties, ranges: Ranges) -> Constant | None:
    function = element_function(term.ladder)
    if function is None:
        return None
    slope = unfold((function * column_count).diff(y_pred))
    found = _of_means(slope, term.targets, properties)
    if found is not None or properties.curvature == "unproved":  # a loss that jumps has no such share
        return found
    return _of_shares(slope.xreplace(dict(term.targets)), ranges)


# A share of the targets: the gradient has one value below the target and one above it -----------------


def _of_shares(slope: Expr, ranges: Ranges) -> Constant | None:
    """−a where p < y and b where p > y: a share a/(a + b) of the targets is below the best constant."""
    distance = Dummy("distance", positive=True)
    above, below = (_constant(slope, y_true + side * distance) for side in (1, -1))
    if above is None or below is None or not (ranges.is_nonnegative(above) and ranges.is_nonpositive(below)):
        return None
    if above == below:
        return None
    share = shortest((-below / (above - below)).factor())
    if 2 * share == 1:
        return Constant(MEDIAN(y_true), "", "solved")
    return Constant(QUANTILE(share), "Q the quantile function of the targets", "solved")


def _constant(slope: Expr, place: Expr) -> Expr | None:
    """The slope at a distance from the target, if that is the same for every distance and target."""
    found = slope.subs(y_pred, place).doit()
    found = found.subs(column_count, 1) if column_count in found.free_symbols else found
    return None if found.free_symbols & {y_true} or found.atoms(Dummy) else found


# The mean of something -----------------------------------------------------------------------------


def _of_means(slope: Expr, targets: Definitions, properties: Properties) -> Constant | None:
    slope, is_clipped = _within_clips(slope)
    slope = slope.replace(sigmoid, lambda x: 1 / (1 + exp(-x)))
    branches = any(y_pred in node.free_symbols for node in slope.atoms(*BRANCHING))
    if branches or slope.count_ops() > MOST_OPERATIONS:
        return None
    inside = ", while it is inside of the clip" if is_clipped else ""
    if properties.affine:
        letters = [symbol.name for symbol, _ in targets if symbol in slope.free_symbols]
        of_letters = f"{' and '.join(letters)} at y = m, " if letters else ""
        return _first_root(slope.xreplace({y_true: MEAN}), of_letters + TARGETS_MEAN + inside)
    varying = {y_true, *(symbol for symbol, _ in targets)}
    factors = Mul.make_args(expand_log(slope, force=True).factor())
    mixed = [each for each in factors if each.free_symbols & varying]
    if len(mixed) != 1 or y_pred not in mixed[0].free_symbols:
        return None
    own, others = _parted(mixed[0], varying)
    if own is None:
        return None
    if others.could_extract_minus_sign():
        own, others = -own, -others
    return _first_root(own - MEAN, f"m the mean of {text(shortest(others))} over the targets y{inside}")


def _within_clips(slope: Expr) -> tuple[Expr, bool]:
    """The slope between the ends of clips of the prediction itself, and whether there are any."""
    inner = {
        node: 1 if isinstance(node, inside | greater) else y_pred
        for node in slope.atoms(clip, inside, greater, maximum)
        if node.args[0] == y_pred and all(end.is_number for end in node.args[1:])
    }
    return slope.xreplace(inner), bool(inner)


def _parted(factor: Expr, varying: Set[Symbol]) -> tuple[Expr | None, Expr]:
    """(a(p), b(y)) of a factor a(p) − b(y)."""
    of_target = [each for each in Add.make_args(factor) if y_pred not in each.free_symbols]
    of_prediction = [each for each in Add.make_args(factor) if y_pred in each.free_symbols]
    if not of_prediction or not of_target or any(each.free_symbols & varying for each in of_prediction):
        return None, factor
    return Add(*of_prediction), -Add(*of_target)


def _first_root(equation: Expr, where: str) -> Constant | None:
    """The root, if SymPy finds exactly one that is real, and it puts the equation to 0."""
    roots = list(_roots(equation))
    return Constant(shortest(roots[0]), where, "solved") if len(roots) == 1 else None


def _roots(equation: Expr) -> Iterator[Expr]:
    try:
        found = solve(equation, y_pred)
    except NotImplementedError:
        return
    for root in found:
        if y_pred not in root.free_symbols and root.is_extended_real is not False:
            yield root
