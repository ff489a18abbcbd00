"""Sub-expressions of the target alone become symbols while the loss is differentiated and rewritten.

`y·(1 − s) + s/C` is one number to the calculus, whatever it is made of: a symbol keeps it from being
multiplied out and mixed with the prediction. The kernels compute each once a column.
"""

from sympy import Add, Expr, Mul, Symbol, log

from lossgen.language.atoms import keep
from lossgen.language.reductions import Reduction
from lossgen.language.symbols import column_count, y_pred, y_true

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def separate_targets(expression: Expr, nonnegative: frozenset[Symbol]) -> tuple[Expr, dict[Symbol, Expr]]:
    """The expression with a symbol for every part that depends on the target and not on the prediction.

    Returns the new expression and what each symbol stands for. The target itself and its multiples stay.
    """
    names: dict[Expr, Symbol] = {}

    def symbol_of(part: Expr) -> Expr:
        if isinstance(part, Add) and all(term.could_extract_minus_sign() for term in part.args):
            return -symbol_of(-part)
        if part not in names:
            names[part] = Symbol(f"target_{len(names) + 1}", **_sign(part, nonnegative))
        return names[part]

    def visit(node: Expr) -> Expr:
        if y_true not in node.free_symbols or node == y_true:
            return node
        if isinstance(node, log) and node.has(y_pred):
            return node  # a quotient of target and prediction is rewritten as a whole
        if isinstance(node, Mul):
            return _product(node)
        if isinstance(node, Expr) and not node.has(y_pred, Reduction):
            return symbol_of(node)
        return node.func(*(visit(argument) for argument in node.args))

    def _product(node: Mul) -> Expr:
        number, factors = node.as_coeff_mul()
        alone = [f for f in factors if y_true in f.free_symbols and not f.has(y_pred, Reduction)]
        plain = [f for f in factors if not f.has(y_true, y_pred, Reduction)]
        mixed = [f for f in factors if f not in alone and f not in plain]
        if not alone:
            return Mul(number, *plain, *(visit(f) for f in mixed))
        if alone == [y_true] and not plain:
            return Mul(number, y_true, *(visit(f) for f in mixed))
        if alone == [y_true]:
            return Mul(number, *plain, y_true, *(visit(f) for f in mixed))
        return Mul(number, *plain, symbol_of(Mul(*alone)), *(visit(f) for f in mixed))

    return visit(expression), {symbol: part for part, symbol in names.items()}


def restore_targets(expression: Expr, definitions: dict[Symbol, Expr]) -> Expr:
    """The expression that a person reads."""
    return expression.xreplace(definitions)


def target_letters(definitions: dict[Symbol, Expr]) -> dict[Symbol, Symbol]:
    """t, or t₁ and t₂, for the targets that depend on parameters: a reader wants to see them whole."""
    changed = [symbol for symbol, part in definitions.items() if part.free_symbols - {y_true, column_count}]
    numbers = (
        [""] if len(changed) == 1 else [str(n).translate(SUBSCRIPTS) for n in range(1, len(changed) + 1)]
    )
    return {
        symbol: Symbol(f"t{number}", **symbol.assumptions0)
        for symbol, number in zip(changed, numbers, strict=True)
    }


def place_targets(expression: Expr, definitions: dict[Symbol, Expr]) -> Expr:
    """The expression that a kernel computes: each part in parentheses that no later rewriting opens."""
    return expression.xreplace({symbol: keep(part) for symbol, part in definitions.items()})


def _sign(part: Expr, nonnegative: frozenset[Symbol]) -> dict[str, bool]:
    part = part.xreplace({symbol: Symbol(symbol.name, nonnegative=True) for symbol in nonnegative})
    if part.is_positive:
        return {"positive": True}
    return {"nonnegative": True} if part.is_nonnegative else {"real": True}
