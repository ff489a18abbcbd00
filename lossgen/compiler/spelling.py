"""The shortest of several equal spellings of a formula, as a person would choose it. For readers only."""

from collections.abc import Iterator
from functools import lru_cache

from sympy import (
    Add,
    And,
    Dummy,
    Expr,
    Gt,
    Integer,
    Le,
    Mul,
    Piecewise,
    Pow,
    Symbol,
    collect,
    count_ops,
    exp,
    expand_mul,
    factor_terms,
    together,
)

from lossgen.language import reductions
from lossgen.language.abbreviation import name_the_error
from lossgen.language.atoms import (
    greater,
    inside,
    keep,
    log_softmax,
    sigmoid,
    softmax,
    softmax_complement,
    softplus,
    step,
)
from lossgen.language.notation import indicator, rebuild, replace, unfold
from lossgen.language.printing import text
from lossgen.language.symbols import y_pred, y_true

LARGEST_REARRANGED = 60
"""Operations above which a formula is shown as it was derived: expanding it would not make it readable."""

COLLECTED = (sigmoid, softplus, reductions.Softmax, reductions.LogSoftmax)
LARGEST_NEW_NUMBER = 1000
EXPANSION_SAVES = 0.8
"""Multiplying out must shorten the text by a fifth: `−y·log σ(p) − …` reads better than a polynomial."""


@lru_cache(maxsize=1000)  # the derivatives of a ladder share its summands
def shortest(expression: Expr) -> Expr:
    """The spelling with the shortest text among a few that are equal by school algebra."""
    expression = _plain(unfold(expression))
    if expression.has(reductions.Sum):
        expression = min(expression, _one_quotient(expression), key=count_ops)
    if count_ops(expression) > LARGEST_REARRANGED:
        return next(_folded(expression), expression)
    return min(_spellings(expression), key=_length)


def shown(expression: Expr) -> str:
    """The text with `e` for a repeated `p − y`, by which spellings are compared."""
    return text(name_the_error(expression)[1][0])


def _length(expression: Expr) -> tuple[int, int]:
    return len(shown(expression)), int(count_ops(expression))


def _spellings(expression: Expr) -> list[Expr]:
    factored = _factored(expression)
    found = [expression, _without_minus(expression), factored, _without_minus(factored)]
    found += [*_cases(expression), *_folded(expression)]
    if expression.has(reductions.Softmax):
        found.append(_opened_shares(expression))
    if not expression.has(Piecewise):
        limit = EXPANSION_SAVES * min(_length(each)[0] for each in found)
        found += [each for each in _expansions(expression) if _length(each)[0] < limit]
    return found


def _factored(expression: Expr) -> Expr:
    """Common factors taken out, unless that clears a small denominator: 10⁻⁷ must not become 10⁷."""
    factored = factor_terms(expression)
    new = factored.atoms(Integer) - expression.atoms(Integer)
    return expression if any(abs(number) > LARGEST_NEW_NUMBER for number in new) else factored


def _expansions(expression: Expr) -> Iterator[Expr]:
    """Multiplied out, σ and softplus without minus inside: `(1 − y)·σ(p) − y·σ(−p)` → `σ(p) − y`."""
    for rule in (_positive_sigmoids, _positive_softplus):
        turned = rule(expression)
        if turned != expression:
            expanded = expand_mul(turned)
            collected = collect(expanded, tuple(expanded.atoms(*COLLECTED)))
            yield from (expanded, _factored(expanded), _factored(collected))
            yield _complements(_factored(collected))


def _one_quotient(expression: Expr) -> Expr:
    """`x/(1 + I/U) + z/(1 + I/U)²` → `(x·(I + U) + z·U)·U/(I + U)²`, for quotients of sums over the columns.

    Sums of reductions have a letter meanwhile, so that they stay as they are.
    """
    rows = {each for each in expression.atoms(Add) if each.has(reductions.Sum) and _is_of_row(each)}
    plain = sorted((each for each in rows if not each.atoms(Pow)), key=count_ops, reverse=True)
    if not plain:
        return expression
    letters = {each: Dummy("row", real=True) for each in plain}
    opaque = {each: Dummy("sum", real=True) for each in expression.atoms(reductions.Sum)}
    written = replace(expression, letters).xreplace(opaque)
    if written.atoms(Piecewise):
        return expression
    back = {letter: each for each, letter in (*letters.items(), *opaque.items())}
    return factor_terms(together(written)).xreplace(back).xreplace(back)


def _is_of_row(expression: Expr) -> bool:
    """Whether the targets and predictions in it are all inside reductions over the columns."""
    if isinstance(expression, reductions.Reduction):
        return not expression.per_column
    return expression not in (y_true, y_pred) and all(map(_is_of_row, expression.args))


def _opened_shares(expression: Expr) -> Expr:
    """`(1 − y)·softmax(p) − y·(1 − softmax(p))` → `softmax(p) − y`, wherever it stands."""
    if not expression.args:
        return expression
    rebuilt = rebuild(expression, [_opened_shares(argument) for argument in expression.args])
    if not (isinstance(rebuilt, Add) and rebuilt.has(reductions.Softmax)):
        return rebuilt
    return min(rebuilt, expand_mul(rebuilt), key=count_ops)


def _folded(expression: Expr) -> Iterator[Expr]:
    """`a·{x where c, else 0} + b·{z where c, else 0}` → `{a·x + b·z where c, else 0}`."""
    pieces = expression.atoms(Piecewise)
    conditions = {tuple(condition for _, condition in piece.args) for piece in pieces}
    summed = any(each.has(Piecewise) for each in expression.atoms(reductions.Reduction))
    outside, inner = expression.as_independent(Piecewise, as_Add=False)
    if len(conditions) == 1 and not summed and not isinstance(inner, Piecewise):
        (cases,) = conditions
        branches = [
            (shortest(replace(inner, {piece: piece.args[i][0] for piece in pieces})), case)
            for i, case in enumerate(cases)
        ]
        yield outside * Piecewise(*branches, evaluate=False)


def _without_minus(expression: Expr) -> Expr:
    """−(y − x)/C → (x − y)/C."""
    if not (expression.is_Mul and expression.as_coeff_Mul()[0].is_negative):
        return expression
    bracket = next((factor for factor in expression.args if factor.is_Add), None)
    if bracket is None:
        return expression
    others = list(expression.args)
    others.remove(bracket)
    return -Mul(*others) * Add(*(-term for term in bracket.args))


def _cases(expression: Expr) -> Iterator[Expr]:
    """`(1 − τ)·(1 − [y > p]) − τ·[y > p]` → `{−τ where y > p, else 1 − τ}`."""
    indicators = expression.atoms(greater, inside)
    summed = any(each.has(greater, inside) for each in expression.atoms(reductions.Reduction))
    if len(indicators) == 1 and not summed and not expression.has(Piecewise):
        (which,) = indicators
        if isinstance(which, greater):
            condition = Gt(*which.args, evaluate=False)
        else:
            x, low, high = which.args
            condition = And(Le(low, x, evaluate=False), Le(x, high, evaluate=False), evaluate=False)
        outside, inner = _factored(expression).as_independent(which, as_Add=False)
        holds, fails = (_factored(replace(inner, {which: Integer(value)})) for value in (1, 0))
        yield outside * Piecewise((holds, condition), (fails, True), evaluate=False)


def _plain(expression: Expr) -> Expr:
    """Without the atoms that only guide the compiler."""
    if not expression.args:
        return expression
    arguments = [_plain(argument) for argument in expression.args]
    if isinstance(expression, keep):
        return arguments[0]
    if isinstance(expression, softmax | log_softmax | softmax_complement):
        return _reduction(expression, *arguments)
    if isinstance(expression, exp):
        factor, difference = arguments[0].as_coeff_Mul()
        if isinstance(difference, reductions.LogSoftmax):
            return reductions.Softmax(*difference.args) ** factor
    if isinstance(expression, Pow) and is_zero_or_one(arguments[0]) and arguments[1].is_positive:
        return arguments[0]
    if isinstance(expression, reductions.Sum | reductions.Mean):
        factor, summand = arguments[0].as_coeff_Mul()
        return factor * expression.func(summand)
    if isinstance(expression, step | greater):
        return greater(*separated(Add(*arguments[:1], *(-argument for argument in arguments[1:]))))
    return rebuild(expression, arguments)


def _reduction(atom: Expr, argument: Expr, rung: Expr) -> Expr:
    """The reduction that a ladder atom comes from, where its rung is the log-sum-exp of its own argument."""
    own = rung == reductions.LogSumExp(argument)
    if isinstance(atom, log_softmax):
        return reductions.LogSoftmax(argument) if own else log_softmax(argument, rung)
    share = reductions.Softmax(argument) if own else softmax(argument, rung)
    return 1 - share if isinstance(atom, softmax_complement) else share


def is_zero_or_one(expression: Expr) -> bool:
    """Whether the expression is an indicator, which equals its own square."""
    if isinstance(expression, Symbol):
        return indicator(expression) is not None
    return isinstance(expression, step | greater | inside)


def separated(difference: Expr) -> tuple[Expr, Expr]:
    """(a, b) with a − b the difference and no minus sign in either: `1 − y·p` is 1 and `y·p`."""
    terms = Add.make_args(expand_mul(difference))
    added = [term for term in terms if not term.could_extract_minus_sign()]
    return Add(*added), Add(*(-term for term in terms if term not in added))


def _positive_sigmoids(expression: Expr) -> Expr:
    return expression.replace(
        lambda node: isinstance(node, sigmoid) and node.args[0].could_extract_minus_sign(),
        lambda node: 1 - sigmoid(-node.args[0]),
    )


def _complements(expression: Expr) -> Expr:
    """1 − σ(x) → σ(−x)."""
    complements = {1 - function: sigmoid(-function.args[0]) for function in expression.atoms(sigmoid)}
    return replace(expression, complements)


def _positive_softplus(expression: Expr) -> Expr:
    return expression.replace(
        lambda node: isinstance(node, softplus) and node.args[0].could_extract_minus_sign(),
        lambda node: softplus(-node.args[0]) + node.args[0],
    )
