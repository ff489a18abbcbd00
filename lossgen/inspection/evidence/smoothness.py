"""Where a loss is not smooth: its kinks by formula, and what jumps there, loss, slope or curvature.

A loss without branches, of functions that have two derivatives wherever they have a value, is smooth by
composition. Otherwise predictions are moved along lines; where the formula takes another branch, the loss and
its derivatives on both sides are compared.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from math import isfinite

import numpy as np
from sympy import Eq, Expr, Pow, Symbol

from lossgen.compiler.driver import Derived
from lossgen.compiler.ladder import LABEL_HIT
from lossgen.compiler.properties.signs import Ranges
from lossgen.compiler.properties.smooth import SMOOTH, is_smooth
from lossgen.compiler.properties.verdicts import element_function
from lossgen.compiler.spelling import separated, shortest
from lossgen.language import reductions
from lossgen.language.atoms import log_softmax, softmax, softmax_complement
from lossgen.language.declaration import Declaration
from lossgen.language.notation import sides, unfold
from lossgen.language.printing import text
from lossgen.language.symbols import y_pred

from .finding import PROVED, SAMPLED, Finding
from .sampling import Sample, Sampler

HALVINGS = 60
STEPS = (1e-9, 1e-6)
"""Distances from a kink, as a share of the prediction: what stays a jump at both is one."""

JUMPS = ("loss", "slope", "curvature")
FAR = 1e-4
"""A change across a kink, as a share of what changes, that is no continuation."""

CROSSINGS = 3
"""That are looked at of one switch: a kink may be invisible at one target, such as y = 0 of y·p."""

OF_LADDER = (log_softmax, softmax, softmax_complement)
LINES = 4
SCAN = np.concatenate([-np.logspace(2, -3, 16), np.logspace(-3, 2, 16)])


def smoothness(
    declaration: Declaration, derived: tuple[Derived, ...], ranges: Ranges, samplers: tuple[Sampler, ...]
) -> Finding:
    """The finding: "yes", "once" (the curvature jumps), "no" (the slope or the loss jumps) or "seems so"."""
    if all(_is_proved(term, ranges) for term in derived):
        return Finding("smooth", "yes", PROVED, "no branch, and every function has two derivatives")
    kinks: dict[Expr | str, str] = {}
    for sampler in samplers:  # parameters may have defaults at which a kink vanishes
        kinks = _kinks(sampler)
        if kinks:
            break
    if not kinks:
        return Finding("smooth", "seems so", SAMPLED, f"nothing jumps along lines{samplers[0].settings}")
    worst = min(JUMPS.index(what) for what in kinks.values())
    jumping = [f"the {what} jumps where {read(declaration, where)}" for where, what in kinks.items()]
    detail = "; ".join(jumping) + ("" if sampler is samplers[0] else f",{sampler.settings}")
    return Finding("smooth", "once" if JUMPS[worst] == "curvature" else "no", SAMPLED, detail)


def read(declaration: Declaration, where: Expr | str) -> str:
    """A switch as the equation that holds at the kink."""
    if isinstance(where, str):
        return where
    left, right = (shortest(side) for side in separated(unfold(declaration.as_read(where))))
    equation = sides(Eq(left, right, evaluate=False))
    return f"{text(equation.lhs)} = {text(equation.rhs)}"


# The proof ----------------------------------------------------------------------------------------


def _is_proved(term: Derived, ranges: Ranges) -> bool:
    definitions = dict(term.targets)
    function = element_function(term.ladder)
    if function is not None:
        return is_smooth(function.xreplace(definitions), ranges)
    known = {y_pred, *(rung.symbol for rung in term.ladder.rungs)}
    kinds = all(rung.kind in ("sum", "logsumexp") or rung.at == LABEL_HIT for rung in term.ladder.rungs)
    parts = [rung.summand for rung in term.ladder.rungs] + [term.ladder.head]
    return kinds and all(_is_composed(part.xreplace(definitions), known) for part in parts)


def _is_composed(expression: Expr, variables: set[Symbol]) -> bool:
    """Whether the variables meet only functions that have two derivatives everywhere."""
    if not expression.free_symbols & variables or expression.is_Symbol:
        return True
    is_power = isinstance(expression, Pow) and expression.exp.is_Integer and expression.exp > 0
    if not (is_power or isinstance(expression, (*SMOOTH, *OF_LADDER))):
        return False
    return all(_is_composed(argument, variables) for argument in expression.args)


# Kinks, by crossing them --------------------------------------------------------------------------


def _kinks(sampler: Sampler) -> dict[Expr | str, str]:
    """What jumps, by the switch (or, for a maximum over columns, words) that it jumps at."""
    branches = sampler.branches
    extrema = [
        f"two columns tie for the {'largest' if isinstance(each, reductions.Max) else 'smallest'} "
        f"{text(unfold(each.args[0]))}"
        for each in branches.extrema
    ]
    names: list[Expr | str] = [*branches.switches, *extrema]
    if not names:
        return {}
    found: dict[int, str] = {}
    tried: Counter[int] = Counter()
    for y, line in _lines(sampler):
        signs = [branches(y, np.array(p)) for p in line]
        for (one, other), (before, after) in zip(
            itertools.pairwise(line), itertools.pairwise(signs), strict=True
        ):
            for number in range(len(names)):
                if before[number] == after[number] or tried[number] == CROSSINGS:
                    continue
                tried[number] += 1
                jump = _jump(sampler, y, one, other, number)
                if jump is not None:
                    found[number] = min(found.get(number, jump), jump, key=JUMPS.index)
    return {names[number]: found[number] for number in sorted(found)}


def _lines(sampler: Sampler) -> Iterator[tuple[tuple[float, ...] | int, list[tuple[float, ...]]]]:
    """Rows that differ in the first prediction, in increasing order."""
    if sampler.is_elementwise:
        for y in sampler.targets:
            yield (y,), [(p,) for p in sampler.grid(y)]
        return
    low, high = sampler.subject.bounds("prediction")
    for sample in sampler.samples[:LINES]:
        first, *others = sample.p
        is_narrow = isfinite(low) and isfinite(high)
        scan = sampler.grid(first) if is_narrow else [first + step for step in SCAN]
        moved = [each for each in scan if low < each < high]
        yield sample.y, [(each, *others) for each in moved]


def _jump(sampler: Sampler, y, one: Sequence[float], other: Sequence[float], number: int) -> str | None:
    """What jumps where a branch changes between two rows, if anything does."""
    low, high, others = one[0], other[0], tuple(one[1:])
    start = sampler.branches(y, np.array(one))[number]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        if sampler.branches(y, np.array((middle, *others)))[number] == start:
            low = middle
        else:
            high = middle
    around = []
    for step in STEPS:
        distance = step * max(abs(high), FAR)
        sides_of = [sampler.at(y, (place, *others)) for place in (high - distance, high + distance)]
        if None in sides_of:
            return None
        around.append([_quantities(each) for each in sides_of if each is not None])
    ends = [_quantities(each) for each in (sampler.at(y, one), sampler.at(y, other)) if each is not None]
    for what in range(len(JUMPS)):
        (left, right), (left_far, right_far) = ([each[what] for each in pair] for pair in around)
        scale = max(np.abs(each[what]).max() for each in (*ends, *around[0]))
        change, change_far = np.abs(right - left).max(), np.abs(right_far - left_far).max()
        if change > FAR * scale and change > change_far / 2:
            return JUMPS[what]
    return None


def _quantities(sample: Sample) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The loss, its slope and its curvature."""
    return np.array([sample.value]), sample.gradient, sample.hessian
