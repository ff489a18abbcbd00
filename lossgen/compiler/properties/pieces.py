"""Convexity of a loss whose columns do not meet: a function of one number, piece by piece.

Where it has kinks or branches, the real line is cut at the points where a condition or a switching function
may change. The function is convex if it is continuous at each cut, if its slope does not fall there, and if
its second derivative is nowhere negative between two cuts.
"""

from dataclasses import dataclass
from itertools import combinations, product

from sympy import And, Dummy, Expr, Integer, Not, Or, Piecewise, Pow, S
from sympy.core.relational import Relational

from lossgen.compiler.opening import opened
from lossgen.language.atoms import absolute, clip, maximum, minimum, relu, sigmoid
from lossgen.language.symbols import y_pred

from .signs import Ranges
from .smooth import is_smooth

MOST_CUTS = 6
MOST_FORMS = 32

ALTERNATIVES = {
    absolute: lambda x: (x, -x),
    relu: lambda x: (x, S.Zero),
    maximum: lambda a, b: (a, b),
    minimum: lambda a, b: (a, b),
    clip: lambda x, low, high: (x, low, high),
}
"""What each switching function may be equal to."""

SWITCHES = {
    absolute: lambda x: (x,),
    relu: lambda x: (x,),
    maximum: lambda a, b: (a - b,),
    minimum: lambda a, b: (b - a,),
    clip: lambda x, low, high: (x - low, x - high),
}
"""The functions whose signs decide which of them it is."""


class NotKnown(Exception):
    """A sign that cannot be told, or a form that this proof does not cover."""


@dataclass(frozen=True)
class Region:
    """The open interval between two neighbouring cuts; `cuts` are all of them in order."""

    cuts: tuple[Expr, ...]
    number: int
    ranges: Ranges

    @property
    def inner_ranges(self) -> Ranges:
        """The ranges with the prediction written as a number between the two cuts."""
        low = self.cuts[self.number - 1] if self.number else None
        high = self.cuts[self.number] if self.number < len(self.cuts) else None
        beyond = Dummy("beyond_cut", nonnegative=True)
        if low is None and high is None:
            return self.ranges
        if high is None:
            return self.ranges.within(y_pred, low + beyond)
        if low is None:
            return self.ranges.within(y_pred, high - beyond)
        return self.ranges.within(y_pred, (low + high * beyond) / (1 + beyond))

    def sign(self, switch: Expr) -> int:
        """The sign of an affine function of the prediction in here, or of what does not depend on it."""
        slope, root = affine(switch)
        if root is None:
            return self._sign_by_range(switch)
        if root not in self.cuts:
            raise NotKnown
        is_right = self.number > self.cuts.index(root)
        rises = slope > 0 if slope.is_number else slope.is_positive
        return 1 if is_right == rises else -1

    def _sign_by_range(self, value: Expr) -> int:
        ranges = self.inner_ranges
        if ranges.is_nonnegative(value):
            return 1
        if ranges.is_nonpositive(value):
            return -1
        raise NotKnown


@dataclass(frozen=True)
class Point(Region):
    """The cut of that number itself."""

    @property
    def inner_ranges(self) -> Ranges:
        """The ranges with the prediction at the cut."""
        return self.ranges.within(y_pred, self.cuts[self.number])

    def sign(self, switch: Expr) -> int:
        """The sign of an affine function of the prediction here, or of what does not depend on it."""
        _, root = affine(switch)
        return 0 if root == self.cuts[self.number] else super().sign(switch)


def is_convex(function: Expr, ranges: Ranges) -> bool:
    """Whether the function of the prediction is proved to be convex, for every value of all other symbols."""
    try:
        assumptions = _conditions_without_prediction(function)
        return all(
            _is_convex(function, ranges, dict(zip(assumptions, truth, strict=True)))
            for truth in product((True, False), repeat=len(assumptions))
        )
    except NotKnown:
        return False


def _is_convex(function: Expr, ranges: Ranges, truth: dict[Relational, bool]) -> bool:
    function = function.xreplace({condition: S(value) for condition, value in truth.items()})
    cuts = _cuts(function, ranges)
    regions = [Region(cuts, number, ranges) for number in range(len(cuts) + 1)]
    pieces = [_resolved(function, region) for region in regions]
    if not all(is_smooth(piece, region.inner_ranges) for piece, region in zip(pieces, regions, strict=True)):
        return False
    slopes = [piece.diff(y_pred) for piece in pieces]
    for number, cut in enumerate(cuts):
        left, right = (piece.subs(y_pred, cut) for piece in pieces[number : number + 2])
        before, after = (slope.subs(y_pred, cut) for slope in slopes[number : number + 2])
        there = _resolved(function, Point(cuts, number, ranges)).subs(y_pred, cut)
        if not (ranges.is_zero(right - left) and ranges.is_zero(there - left)):
            return False
        if not ranges.is_nonnegative(after - before):
            return False
    return all(
        _is_nonnegative(slope.diff(y_pred), region.inner_ranges)
        for slope, region in zip(slopes, regions, strict=True)
    )


def _is_nonnegative(curvature: Expr, ranges: Ranges) -> bool:
    return ranges.is_nonnegative(curvature) or ranges.is_nonnegative(_by_exponentials(curvature))


def _by_exponentials(expression: Expr) -> Expr:
    """Sigmoids as quotients of exponentials: sums of them get a common denominator."""
    return expression.replace(sigmoid, lambda x: 1 / (1 + Pow(S.Exp1, -x)))


# Cuts ---------------------------------------------------------------------------------------------


def affine(switch: Expr) -> tuple[Expr, Expr | None]:
    """(a, −b/a) of a·p + b, whose a is not 0; (0, None) of what does not depend on p.

    Raises:
        NotKnown: it is not affine, or the sign of a is not known.
    """
    if y_pred not in switch.free_symbols:
        return Integer(0), None
    switch = opened(switch)
    slope = switch.coeff(y_pred)
    rest = opened(switch - slope * y_pred)
    if y_pred in rest.free_symbols | slope.free_symbols or not (slope.is_positive or slope.is_negative):
        raise NotKnown
    return slope, opened(-rest / slope)


def _cuts(function: Expr, ranges: Ranges) -> tuple[Expr, ...]:
    """Where any switch may change its sign, in order."""
    found: list[Expr] = []
    for switch in _switches(function):
        for form in _forms(switch):
            _, root = affine(form)
            if root is not None and root not in found:
                found.append(root)
    if len(found) > MOST_CUTS:
        raise NotKnown
    before = {cut: 0 for cut in found}
    for one, other in combinations(found, 2):
        if ranges.is_nonnegative(other - one):
            before[other] += 1
        elif ranges.is_nonnegative(one - other):
            before[one] += 1
        else:
            raise NotKnown
    return tuple(sorted(found, key=lambda cut: before[cut]))


def _switches(expression: Expr) -> list[Expr]:
    found = [
        switch
        for function, switches in SWITCHES.items()
        for node in expression.atoms(function)
        for switch in switches(*node.args)
    ]
    for branches in expression.atoms(Piecewise):
        for _, condition in branches.args:
            found += [each.lhs - each.rhs for each in condition.atoms(Relational)]
    return [switch for switch in found if y_pred in switch.free_symbols]


def _forms(switch: Expr) -> list[Expr]:
    """What the switch may be equal to, whatever the switching functions in it are."""
    inner = [node for node in switch.atoms(*ALTERNATIVES) if y_pred in node.free_symbols]
    branches = list(switch.atoms(Piecewise))
    if not inner and not branches:
        return [switch]
    forms = [switch]
    for node in [*inner, *branches]:
        is_choice = isinstance(node, Piecewise)
        values = [value for value, _ in node.args] if is_choice else ALTERNATIVES[node.func](*node.args)
        forms = [form.xreplace({node: value}) for form in forms for value in values]
        if len(forms) > MOST_FORMS:
            raise NotKnown
    return [form for each in forms for form in _forms(each)]


# One region ---------------------------------------------------------------------------------------


def _resolved(expression: Expr, region: Region) -> Expr:
    """The expression in the region, without branches and switching functions of the prediction."""
    if y_pred not in expression.free_symbols:
        return expression
    if isinstance(expression, Piecewise):
        for value, condition in expression.args:
            if _holds(condition, region):
                return _resolved(value, region)
        raise NotKnown
    arguments = [_resolved(argument, region) for argument in expression.args]
    if expression.func not in SWITCHES or not any(y_pred in each.free_symbols for each in arguments):
        return expression.func(*arguments) if arguments else expression
    signs = [region.sign(switch) for switch in SWITCHES[expression.func](*arguments)]
    if expression.func == absolute:
        return signs[0] * arguments[0]
    if expression.func == relu:
        return arguments[0] if signs[0] > 0 else S.Zero
    if expression.func == clip:
        value, low, high = arguments
        return low if signs[0] < 0 else high if signs[1] > 0 else value
    return arguments[0] if signs[0] > 0 else arguments[1]


def _holds(condition: Expr, region: Region) -> bool:
    if condition in (S.true, S.false):
        return bool(condition)
    if isinstance(condition, And):
        return all(_holds(each, region) for each in condition.args)
    if isinstance(condition, Or):
        return any(_holds(each, region) for each in condition.args)
    if isinstance(condition, Not):
        return not _holds(condition.args[0], region)
    switch = _resolved(condition.lhs - condition.rhs, region)
    if switch.is_number:
        return bool(condition.func(switch, 0))
    sign = region.sign(switch) if y_pred in switch.free_symbols else _strict_sign(switch, region.ranges)
    return bool(condition.func(Integer(sign), 0))


def _strict_sign(value: Expr, ranges: Ranges) -> int:
    """The sign of what does not depend on the prediction and is not 0."""
    for sign in (1, -1):
        if ranges.is_positive(sign * value, y_pred):
            return sign
    raise NotKnown


def _conditions_without_prediction(function: Expr) -> list[Relational]:
    """The comparisons of parameters and targets alone: each is true or false, and both are looked at."""
    conditions = {
        each
        for branches in function.atoms(Piecewise)
        for _, condition in branches.args
        for each in condition.atoms(Relational)
        if y_pred not in each.free_symbols
    }
    if len(conditions) > 3:
        raise NotKnown
    return sorted(conditions, key=str)
