"""What both printers share: which atoms have a notation of their own, and the letters a formula uses.

Nothing here is ever computed with: it prepares an expression for the reader.
"""

from sympy import Add, Expr, Piecewise, Pow, S, Symbol
from sympy.core.basic import Basic
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from lossgen.language.atoms import ATOMS, softmax
from lossgen.language.reductions import Mean, Sum
from lossgen.language.symbols import y_pred, y_true

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "rho": "ρ",
    "sigma": "σ", "tau": "τ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
}  # fmt: skip

OWN_NOTATION = frozenset({
    "sigmoid", "softplus", "sech2", "log_cosh", "relu", "step", "absolute", "signum", "clip", "inside",
    "maximum", "minimum", "greater", "erf", "erfc", "lgamma", "digamma", "trigamma", "softmax", "log_softmax",
})  # fmt: skip
"""Atoms that formulas write by a sign or a name; every other atom is shown by its meaning."""

ERROR = Symbol("e", real=True)

SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉"

INDICATORS = {
    "label_hit": "k = y", "maximum": "k = arg max", "minimum": "k = arg min",
}  # fmt: skip
"""What the compiler's 0-1 symbols say about the column k, by the beginning of their names."""


def indicator(symbol: Symbol) -> str | None:
    """What holds where a symbol of the compiler is 1, or `None` for an ordinary symbol."""
    if not symbol.name.endswith("_hit"):
        return None
    return next((says for name, says in INDICATORS.items() if symbol.name.startswith(name)), None)


def unfold(expression: Basic) -> Basic:
    """Replace the atoms that have no notation of their own by their meaning: `log1p(x)` by `log(1 + x)`."""
    if not expression.args:
        return expression
    arguments = [unfold(argument) for argument in expression.args]
    name = type(expression).__name__
    if name == "softmax_complement":
        return 1 - softmax(*arguments)
    if name in ATOMS and isinstance(expression, ATOMS[name].function) and name not in OWN_NOTATION:
        return ATOMS[name].meaning(*arguments)
    return rebuild(expression, arguments)


def replace(expression: Basic, table: dict[Basic, Basic]) -> Basic:
    """Exchange whole sub-expressions, leaving branches and conditions as they were written."""
    if expression in table:
        return table[expression]
    if not expression.args:
        return expression
    return rebuild(expression, [replace(argument, table) for argument in expression.args])


def rebuild(expression: Basic, arguments: list[Basic]) -> Basic:
    """The same node around other parts; SymPy is kept from rearranging branches and conditions."""
    if all(new is old for new, old in zip(arguments, expression.args, strict=True)):
        return expression
    if isinstance(expression, Piecewise | Boolean):
        return expression.func(*arguments, evaluate=False)
    return expression.func(*arguments)


def split_digits(name: str) -> tuple[str, str]:
    """A letter of the compiler's with its number: `t₁` is `t` and `1`; any other name has none."""
    letter = name.rstrip(SUBSCRIPTS)
    return letter, "".join(str(SUBSCRIPTS.index(digit)) for digit in name[len(letter) :])


# The order in which a textbook writes the parts of a sum, a product, a comparison ----------------------


def signed_terms(node: Add) -> list[tuple[bool, Expr]]:
    """(is subtracted, term) of a sum; what is added comes first: `σ(p) − y`, not `−y + σ(p)`."""
    terms = [
        (True, -term) if term.as_coeff_Mul()[0].is_negative else (False, term)
        for term in node.as_ordered_terms()
    ]
    return sorted(terms, key=lambda term: term[0])


def fraction(product: Expr) -> tuple[list[Expr], list[Expr]]:
    """Factors above and below the bar, as they are written; the product has no minus sign."""
    coefficient, rest = product.as_coeff_Mul()
    above, below = [], []
    if coefficient.is_Rational and not is_decimal(coefficient):
        above += [S(coefficient.p)] if coefficient.p != 1 else []
        below += [S(coefficient.q)] if coefficient.q != 1 else []
    elif coefficient != 1:
        above.append(coefficient)
    for factor in sorted(rest.as_ordered_factors() if rest != 1 else (), key=_place):
        base, exponent = factor.args if isinstance(factor, Pow) else (factor, S.One)
        if exponent.could_extract_minus_sign() and not isinstance(exponent, Add):
            below.append(base**-exponent)
        else:
            above.append(factor)
    return above, below


def is_decimal(number: Expr) -> bool:
    """0.3 and 0.0005 are written as decimals, 1/2 and 3/8 as fractions."""
    return bool(number.is_Rational and number.q % 10 == 0 and 10**12 % number.q == 0)


def _place(factor: Expr) -> tuple[int, bool, bool]:
    """Parameters, target, prediction; then brackets of these; then functions; a Σ reaches to the right."""
    base = factor.base if isinstance(factor, Pow) else factor
    if isinstance(factor, Sum | Mean):
        rank = 4
    elif base.is_Symbol or base.is_number:
        rank = 0
    else:
        composed = any(node.is_Function or node.is_Piecewise for node in (base, *base.args))
        rank = 1 + composed + (composed and isinstance(base, Add))
    symbols = base.free_symbols
    return rank, y_pred in symbols, y_true in symbols


def sides(relation: Relational) -> Relational:
    """The comparison with the data on the left: `|p − y| ≤ δ`, which SymPy may store as `δ ≥ |p − y|`."""
    data = {y_true, y_pred, ERROR}
    if relation.rhs.free_symbols & data and not relation.lhs.free_symbols & data:
        return relation.reversed
    return relation
