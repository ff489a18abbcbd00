"""One spelling for expressions that are equal up to sign, so that p − y and y − p share one name in the code.

Numbers are taken out of sums, nothing is multiplied out: `2·(p − y)` stays a product.
"""

from sympy import Add, Expr, Integer, Mul, Number
from sympy.logic.boolalg import Boolean

from lossgen.language.atoms import keep


def canonical(expression: Expr) -> Expr:
    """Sums with their common number outside and a leading plus, so that p − y and y − p share one name."""
    if not expression.args or isinstance(expression, Number):
        return expression
    if isinstance(expression, keep) and isinstance(expression.args[0], Add):
        return keep(Add(*map(canonical, expression.args[0].args), evaluate=False))
    arguments = [
        canonical(argument)
        if isinstance(argument, (Expr, Boolean)) or hasattr(argument, "args")
        else argument
        for argument in expression.args
    ]
    if isinstance(expression, Add):
        rebuilt = Add(*arguments)
        if not isinstance(rebuilt, Add):
            return rebuilt
        content, primitive = rebuilt.primitive()
        if content.q != 1:
            content, primitive = Integer(1), rebuilt
        if all(is_negative(term) for term in primitive.args) or _reads_badly(primitive):
            content, primitive = -content, -primitive
        return primitive if content == 1 else Mul(content, primitive, evaluate=False)
    if isinstance(expression, Mul):
        return flat_product(arguments)
    return expression.func(*arguments)


def _reads_badly(difference: Add) -> bool:
    """Whether −difference reads better: p − y rather than y − p, 1 − x rather than x − 1."""
    if len(difference.args) != 2 or sum(is_negative(term) for term in difference.args) != 1:
        return False
    minus, plus = sorted(difference.args, key=is_negative, reverse=True)
    if minus.is_Number or plus.is_Number:
        return minus.is_Number
    return "p" in {symbol.name for symbol in minus.free_symbols} and "p" not in {
        s.name for s in plus.free_symbols
    }


def flat_product(arguments: list[Expr]) -> Expr:
    factors: list[Expr] = []
    number = Integer(1)
    for argument in arguments:
        for factor in argument.args if isinstance(argument, Mul) else (argument,):
            if factor.is_Number:
                number *= factor
            else:
                factors.append(factor)
    if number == 0:
        return Integer(0)
    if number != 1 or not factors:
        factors.insert(0, number)
    return factors[0] if len(factors) == 1 else Mul(*factors, evaluate=False)


def is_negative(term: Expr) -> bool:
    return (term.is_Number and term.is_negative) or (
        isinstance(term, Mul) and term.args[0].is_Number and term.args[0].is_negative
    )


def negated(term: Expr) -> Expr:
    """−term of a term with a negative number in front, without multiplying a sum out."""
    if term.is_Number:
        return -term
    return flat_product([-term.args[0], *term.args[1:]])
