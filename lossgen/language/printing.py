"""Formulas in one line of Unicode, as a textbook writes them: `σ(p) − y`, `1/C · Σ |p − y|`.

`text` takes any SymPy expression of the language (symbols, atoms, reductions, ladder atoms); `latex` is
its sister for a page.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache

from sympy import Add, Expr, Gt, Max, Min, Mul, Number, Piecewise, Pow, S, Symbol, exp
from sympy.core.basic import Basic
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, Boolean, BooleanFalse, BooleanTrue, Not, Or

from lossgen.language import reductions
from lossgen.language.latex import latex
from lossgen.language.notation import GREEK, fraction, indicator, is_decimal, sides, signed_terms, unfold
from lossgen.language.symbols import column_count

__all__ = ["latex", "symbol_text", "text"]

# What binds how tightly: a part is put in parentheses where its rank is below what its place asks for.
SUM, MINUS, PREFIX, PRODUCT, POWER, CALL = range(6)

CALLS = {
    "sigmoid": "σ", "digamma": "ψ", "trigamma": "ψ′", "maximum": "max", "minimum": "min", "signum": "sign",
    "LogSumExp": "LSE", "Softmax": "softmax", "LogSoftmax": "log_softmax", "sech2": "sech²",
    "asin": "arcsin", "acos": "arccos", "atan": "arctan",
}  # fmt: skip
"""Functions whose name in a formula differs from their name in the code."""

SIGNS = {"==": "=", "!=": "≠", "<=": "≤", ">=": "≥", "<": "<", ">": ">"}
SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def text(expression: Basic) -> str:
    """One line of Unicode: `text(sigmoid(p) - y)` is `σ(p) − y`."""
    return _write(unfold(expression))[0]


def symbol_text(name: str) -> str:
    """A parameter's name as formulas show it: `delta` is `δ`, `gamma_negative` is `γ_negative`."""
    head, mark, rest = name.partition("_")
    return GREEK.get(head, head) + mark + rest


# One line of Unicode -----------------------------------------------------------------------------
# Every writer returns (text, rank).

Written = tuple[str, int]


@lru_cache(maxsize=10_000)  # a product writes its factors twice, to order them and to join them
def _write(node: Basic) -> Written:
    for kind, writer in _STRUCTURE.items():
        if isinstance(node, kind):
            return writer(node)
    name = type(node).__name__
    if name in _NOTATION:
        return _NOTATION[name](*node.args)
    if node.args:
        return f"{CALLS.get(name, name)}({_list(node.args)})", CALL
    return {"Exp1": "e", "Pi": "π", "Infinity": "∞", "NegativeInfinity": "−∞"}.get(name, str(node)), CALL


def _within(node: Basic, rank: int) -> str:
    """The text of a part, in parentheses where it binds less tightly than `rank`."""
    written, own = _write(node)
    return written if own >= rank else f"({written})"


def _list(nodes: Iterable[Basic]) -> str:
    return ", ".join(_write(node)[0] for node in nodes)


def _number(node: Number) -> Written:
    if node.is_negative:
        return "−" + _number(-node)[0], MINUS
    if node.is_Integer:
        digits = str(node).rstrip("0")
        zeros = len(str(node)) - len(digits)
        return _scaled(digits, str(zeros)) if digits and zeros >= 6 else (str(node), CALL)
    if node.is_Rational and not node.is_Integer and not is_decimal(node):
        return f"{node.p}/{node.q}", PRODUCT
    digits, _, exponent = f"{float(node):.12g}".partition("e")
    if not exponent:
        return digits.replace("inf", "∞"), CALL
    return _scaled(digits, str(int(exponent)))


def _scaled(digits: str, exponent: str) -> Written:
    """Digits times a power of ten: `2·10¹⁴`."""
    power = "10" + exponent.translate(SUPERSCRIPTS)
    return (power, POWER) if digits == "1" else (f"{digits}·{power}", PRODUCT)


def _add(node: Add) -> Written:
    line = "".join((" − " if minus else " + ") + _within(term, PREFIX) for minus, term in signed_terms(node))
    return line.removeprefix(" + ").removeprefix(" ").replace("− ", "−", line.startswith(" − ")), SUM


def _mul(node: Mul) -> Written:
    if node.as_coeff_Mul()[0].is_negative:
        return "−" + _within(-node, PREFIX), MINUS
    above, below = fraction(node)
    means = [factor for factor in above if isinstance(factor, reductions.Mean)]
    if len(means) == 1:
        return _write_mean(means[0], [factor for factor in above if factor is not means[0]], below)
    numerator, rank = _product(above)
    if not below:
        return numerator, rank
    numerator = f"({numerator})" if rank < PRODUCT else numerator
    denominator = _within(below[0], POWER) if len(below) == 1 else f"({_product(below)[0]})"
    if len(above) == 1 and isinstance(above[0], Piecewise):
        return f"1/{denominator} · {numerator}", PREFIX
    return f"{numerator}/{denominator}", PRODUCT


def _write_mean(mean: Expr, above: list[Expr], below: list[Expr]) -> Written:
    """A factor joins the 1/C of the mean: `δ²/C · Σ log(1 + e²)`."""
    head = _write(Mul(*above, *(1 / factor for factor in below), 1 / column_count))[0]
    return _over(f"{head} · Σ", mean)


def _product(factors: list[Expr]) -> Written:
    if not factors:
        return "1", CALL
    if len(factors) == 1:
        return _write(factors[0])
    *heads, last = sorted(factors, key=lambda factor: _write(factor)[1] == PREFIX)
    written, rank = _write(last)
    if rank != PREFIX:
        written, rank = _within(last, POWER), PRODUCT
    return "·".join([*(_within(head, POWER) for head in heads), written]), rank


def _pow(node: Pow) -> Written:
    base, exponent = node.args
    if exponent.could_extract_minus_sign() and not isinstance(exponent, Add):
        return f"1/{_within(base**-exponent, POWER)}", PRODUCT
    if exponent == S.Half:
        return f"√{_write(base)[0]}" if base.is_Atom else f"√({_write(base)[0]})", CALL
    if exponent.is_Integer and exponent > 0:
        return _within(base, CALL) + str(exponent).translate(SUPERSCRIPTS), POWER
    return f"{_within(base, CALL)}^{_within(exponent, CALL)}", POWER


def _piecewise(node: Piecewise) -> Written:
    branches = []
    for value, condition in node.args:
        written = _write(value)[0]
        guarded = f"{written} where {_write(condition)[0]}"
        branches.append(f"else {written}" if condition == S.true else guarded)
    return "{" + ", ".join(branches) + "}", CALL


def _relation(node: Relational) -> Written:
    node = sides(node)
    return f"{_write(node.lhs)[0]} {SIGNS[node.rel_op]} {_write(node.rhs)[0]}", SUM


def _joined(word: str) -> Callable[[Boolean], Written]:
    return lambda node: (word.join(_within(part, SUM) for part in node.args), SUM)


def _bars(argument: Basic) -> Written:
    return f"|{_write(argument)[0]}|", CALL


def _log(argument: Basic) -> Written:
    written, rank = _write(argument)
    if rank == CALL and argument.is_Function and written.endswith(")") and not written.startswith("|"):
        return f"log {written}", PREFIX
    return f"log({written})", CALL


def _over(sign: str, node: Expr) -> Written:
    gap = "" if node.args[0].is_Symbol else " "
    return sign + gap + _within(node.args[0], PREFIX), PREFIX


def _indicator(left: Basic, right: Basic = S.Zero) -> Written:
    return f"[{_relation(Gt(left, right, evaluate=False))[0]}]", CALL


def _relative(name: str, plain: Callable[[Expr, Expr], Expr]) -> Callable[[Expr, Expr], Written]:
    """A ladder atom: by name when its rung is the log-sum-exp of the same u (or opaque), else spelt out."""

    def write(argument: Expr, rung: Expr) -> Written:
        if isinstance(rung, Symbol) or rung == reductions.LogSumExp(argument):
            return f"{name}({_write(argument)[0]})", CALL
        return _write(plain(argument, rung))

    return write


_NOTATION: dict[str, Callable[..., Written]] = {
    "Abs": _bars,
    "absolute": _bars,
    "log": _log,
    "log_cosh": lambda x: (f"log cosh({_write(x)[0]})", PREFIX),
    "lgamma": lambda x: (f"log Γ({_write(x)[0]})", PREFIX),
    "loggamma": lambda x: (f"log Γ({_write(x)[0]})", PREFIX),
    "relu": lambda x: (f"max({_write(x)[0]}, 0)", CALL),
    "step": _indicator,
    "greater": _indicator,
    "inside": lambda x, low, high: (f"[{_write(low)[0]} ≤ {_write(x)[0]} ≤ {_write(high)[0]}]", CALL),
    "softmax": _relative("softmax", lambda u, rung: exp(u - rung)),
    "log_softmax": _relative("log_softmax", lambda u, rung: u - rung),
}

_STRUCTURE: dict[type, Callable[..., Written]] = {
    reductions.Sum: lambda node: _over("Σ", node),
    reductions.Mean: lambda node: _over("1/C · Σ", node),
    reductions.Max: lambda node: (f"maxₖ({_write(node.args[0])[0]})", CALL),
    reductions.Min: lambda node: (f"minₖ({_write(node.args[0])[0]})", CALL),
    reductions.Gather: lambda node: (f"{_within(node.args[0], CALL)}[y]", CALL),
    Max | Min: lambda node: (f"{type(node).__name__.lower()}({_list(node.args)})", CALL),
    Symbol: lambda node: (f"[{indicator(node)}]" if indicator(node) else symbol_text(node.name), CALL),
    Number: _number,
    Add: _add,
    Mul: _mul,
    Pow: _pow,
    Piecewise: _piecewise,
    Relational: _relation,
    And: _joined(" and "),
    Or: _joined(" or "),
    Not: lambda node: (f"not ({_write(node.args[0])[0]})", SUM),
    BooleanTrue: lambda node: ("always", CALL),
    BooleanFalse: lambda node: ("never", CALL),
}
