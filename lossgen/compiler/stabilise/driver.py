"""The fixed-point driver: every node, bottom up, until no rule of the table changes anything."""

from __future__ import annotations

from sympy import Expr, Symbol

from .forms import size
from .lower import lower
from .rules import RULES

MAXIMUM_ROUNDS = 24


def stabilise(expression: Expr, *, nonnegative=frozenset(), trace: list | None = None) -> Expr:
    """Rewrite into atoms that neither overflow nor cancel; the result may be differentiated.

    nonnegative  symbols known to be ≥ 0
    trace        list that receives (rule, before, after)
    """
    undecided = [symbol for symbol in nonnegative if symbol.is_nonnegative is None]
    known = {symbol: Symbol(symbol.name, nonnegative=True) for symbol in undecided}
    original = {guarded: symbol for symbol, guarded in known.items()}
    steps: list = []
    lowered = lower(expression)
    if lowered != expression:
        steps.append(("atoms", expression, lowered))
    result = _fixed_point(lowered.xreplace(known), steps)
    if trace is not None:
        trace.extend((rule, *(form.xreplace(original) for form in forms)) for rule, *forms in steps)
    return result.xreplace(original)


def _fixed_point(expression, steps):
    seen = [expression]
    settled: set[Expr] = set()
    for _ in range(MAXIMUM_ROUNDS):
        expression = _rewrite(expression, {}, settled, steps)
        if expression == seen[-1]:
            return expression
        if expression in seen:  # two rules undo each other: keep the shortest of the cycle
            return min(seen[seen.index(expression):], key=lambda form: (size(form), form.sort_key()))
        seen.append(expression)
    return expression


def _rewrite(expression, done, settled, steps):
    if not expression.args or expression in settled:
        return expression
    if expression in done:
        return done[expression]
    arguments = tuple(_rewrite(argument, done, settled, steps) for argument in expression.args)
    result = expression if arguments == expression.args else expression.func(*arguments)
    before = result
    for rule in _rules_for(result):
        changed = rule.apply(result)
        if changed is not None and changed != result:
            steps.append((rule.name, result, changed))
            result = changed
            break
    if result == before and before == expression:
        settled.add(expression)
    done[expression] = result
    return result


_BY_NODE: dict[type, tuple] = {}


def _rules_for(expression):
    kind = type(expression)
    if kind not in _BY_NODE:
        _BY_NODE[kind] = tuple(rule for rule in RULES if issubclass(kind, rule.nodes))
    return _BY_NODE[kind]
