"""Letters for what a formula repeats, as a paper would introduce them: `e = p − y`, `A = Σ y·p`.

For readers only. An abbreviation is a symbol and the expression that it stands for; the letter is small where
the expression has a value at every column and a capital where it has one a row.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from sympy import Expr, Symbol
from sympy.core.basic import Basic
from sympy.logic.boolalg import Boolean

from lossgen.language.notation import ERROR, indicator, replace
from lossgen.language.printing import text
from lossgen.language.reductions import Reduction
from lossgen.language.symbols import y_pred, y_true

Definitions = tuple[tuple[Symbol, Expr], ...]

COLUMN_LETTERS = "uvwabdfhijk"
ROW_LETTERS = "ABDEFGHJKMN"
LONG, LEAST_SAVING, MOST = 12, 16, 6
"""Characters of a part that is worth a letter, characters that the letter must save, letters at most."""


def name_the_error(*expressions: Expr) -> tuple[Definitions, tuple[Expr, ...]]:
    """Write `e` for `p − y` where it stands more than once.

    Returns the definitions, `((e, p − y),)` or `()`, and the expressions in terms of them.
    """
    if any(symbol.name == ERROR.name for expression in expressions for symbol in expression.free_symbols):
        return (), expressions
    error = y_pred - y_true
    renamed = tuple(replace(expression, {error: ERROR, -error: -ERROR}) for expression in expressions)
    if sum(node == ERROR for expression in renamed for node in _nodes(expression)) < 2:
        return (), expressions
    return ((ERROR, error),), renamed


def abbreviate(*expressions: Expr) -> tuple[Definitions, tuple[Expr, ...]]:
    """Name `p − y` and whatever long parts the expressions repeat, longest saving first.

    Returns the definitions, each after those that it uses, and the expressions in terms of them.
    """
    definitions, expressions = name_the_error(*expressions)
    named = dict(definitions)
    letters = {True: iter(COLUMN_LETTERS), False: iter(ROW_LETTERS)}
    taken = {symbol.name for expression in expressions for symbol in expression.free_symbols}
    for _ in range(MOST):
        part = _worth_naming((*expressions, *named.values()))
        if part is None:
            break
        kind = depends_on_column(part)
        symbol = next((Symbol(each, real=True) for each in letters[kind] if each not in taken), None)
        if symbol is None:
            break
        expressions = tuple(replace(expression, {part: symbol}) for expression in expressions)
        named = {each: replace(meaning, {part: symbol}) for each, meaning in named.items()}
        named[symbol] = part
    return _relettered(tuple(_in_order(named)), expressions, taken)


def _relettered(
    definitions: Definitions, expressions: tuple[Expr, ...], taken: set[str]
) -> tuple[Definitions, tuple[Expr, ...]]:
    """The same with letters in the order of the definitions: u before v."""
    letters = {True: iter(COLUMN_LETTERS), False: iter(ROW_LETTERS)}
    names = {}
    for symbol, part in definitions:
        if symbol != ERROR:
            name = next(each for each in letters[depends_on_column(part)] if each not in taken)
            names[symbol] = Symbol(name, real=True)
    renamed = tuple((names.get(symbol, symbol), replace(part, names)) for symbol, part in definitions)
    return renamed, tuple(replace(expression, names) for expression in expressions)


def depends_on_column(expression: Basic) -> bool:
    """Whether the expression has a value at every column, reductions aside."""
    if isinstance(expression, Reduction) and not expression.per_column:
        return False
    if isinstance(expression, Symbol):
        named_so = expression.name in COLUMN_LETTERS and expression.name.islower()
        return expression in (y_true, y_pred, ERROR) or named_so or indicator(expression) is not None
    return any(depends_on_column(argument) for argument in expression.args)


def _worth_naming(expressions: Iterable[Expr]) -> Expr | None:
    """The repeated part whose letter saves most, if any is long enough."""
    counts = Counter(node for expression in expressions for node in _nodes(expression) if _may_be_named(node))
    savings = {
        node: count * (length - 1) - length
        for node, count in counts.items()
        if count > 1 and (length := len(text(node))) >= LONG
    }
    best = max(savings, key=savings.__getitem__, default=None)
    return best if best is not None and savings[best] >= LEAST_SAVING else None


def _may_be_named(node: Basic) -> bool:
    """Sums, functions and powers; products stay whole, and so does `softmax(p)`, which is a name already."""
    if isinstance(node, Boolean) or not node.args or not isinstance(node, Expr):
        return False
    if isinstance(node, Reduction) and node.args[0].is_Symbol:
        return False
    if node.is_Pow and node.exp.could_extract_minus_sign():
        return False
    return (node.is_Add or node.is_Function or node.is_Pow) and not node.is_Piecewise


def _nodes(expression: Basic) -> Iterator[Basic]:
    yield expression
    for argument in expression.args:
        yield from _nodes(argument)


def _in_order(named: dict[Symbol, Expr]) -> Iterator[tuple[Symbol, Expr]]:
    """Definitions such that each comes after those that it uses."""
    pending = dict(named)
    while pending:
        ready = [symbol for symbol, part in pending.items() if not part.free_symbols & pending.keys()]
        for symbol in ready:
            yield symbol, pending.pop(symbol)
