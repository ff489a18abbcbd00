"""From the syntax tree of a formula to its expression; every kind of node not named here is refused."""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import sympy
from mpmath.libmp import NoConvergence
from sympy import Basic, Expr, Rational, S
from sympy.logic.boolalg import Boolean

from lossgen.errors import DeclarationError, ParseError
from lossgen.language.constants import check_constant, compared
from lossgen.language.functions import EVERY_NAME, FUNCTIONS, LOGIC, Function, power
from lossgen.language.limits import excess
from lossgen.language.names import suggestion

SHOWN_BEFORE, SHOWN_AFTER = 60, 40

ARITHMETIC = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: power,
}

COMPARISONS = {
    ast.Lt: sympy.Lt,
    ast.LtE: sympy.Le,
    ast.Gt: sympy.Gt,
    ast.GtE: sympy.Ge,
    ast.Eq: sympy.Eq,
    ast.NotEq: sympy.Ne,
}

REFUSED = {
    ast.Attribute: "a dot reaches into Python objects; write a function of the language, such as mean(…)",
    ast.Subscript: "brackets pick no column here; write gather(…) for the label's column",
    ast.IfExp: "write where(condition, a, b)",
    ast.Lambda: "a formula defines no functions",
    ast.NamedExpr: "a formula assigns no names",
    ast.Starred: "write every argument out",
    ast.List: "a formula holds no lists; write sum(…) or max(a, b)",
    ast.Tuple: "a formula is one number; pairs (value, condition) stand in Piecewise(…) only",
    ast.JoinedStr: "a formula holds no text",
}
"""What to write instead, by the syntax that is refused."""

REFUSED_OPERATORS = {
    ast.BitXor: "write ** for a power",
    ast.FloorDiv: "write / for a quotient",
    ast.Mod: "a remainder has no useful derivative",
    ast.MatMult: "write sum(a*b) for a scalar product",
}


@dataclass(frozen=True)
class Reader:
    """Turns syntax into expressions; `names` are all the names that are values."""

    text: str
    names: Mapping[str, Expr]

    def number(self, node: ast.expr) -> Expr:
        """The expression of a node that stands for a number."""
        match node:
            case ast.Constant(value=bool()):
                raise self.error(
                    node, "true and false are no numbers; conditions stand in where(condition, a, b)"
                )
            case ast.Constant(value=int() | float()):
                return self.literal(node)
            case ast.Name():
                return self.name(node)
            case ast.UnaryOp(op=ast.USub()):
                return -self.number(node.operand)
            case ast.UnaryOp(op=ast.UAdd()):
                return self.number(node.operand)
            case ast.BinOp() if type(node.op) in ARITHMETIC:
                return self.build(
                    node, ARITHMETIC[type(node.op)], self.number(node.left), self.number(node.right)
                )
            case ast.BinOp() if type(node.op) in REFUSED_OPERATORS:
                raise self.error(node, REFUSED_OPERATORS[type(node.op)])
            case ast.Call():
                return self.call(node)
            case ast.Compare() | ast.BoolOp() | ast.UnaryOp() | ast.BinOp():
                raise self.error(node, "a condition is no number; write where(condition, a, b)")
            case ast.Constant():
                raise self.error(
                    node, "only decimal numbers are read; a formula holds no text or complex numbers"
                )
        advice = REFUSED.get(type(node), "this is not part of the formula language")
        raise self.error(node, advice)

    def literal(self, node: ast.Constant) -> Rational:
        """A number exactly as it is written: 0.1 is 1/10."""
        value = node.value
        if isinstance(value, int):
            written = Fraction(value)
        else:
            if value in (float("inf"), 0.0):  # before Fraction: "1e-999999999" would be an enormous integer
                digits = (ast.get_source_segment(self.text, node) or "").lower().split("e")[0]
                if value or digits.strip("0._"):
                    raise self.error(node, "the number is too large or too small for a float")
                return S.Zero
            written = Fraction((ast.get_source_segment(self.text, node) or repr(value)).replace("_", ""))
        if abs(written) > Fraction(2) ** 1023:
            raise self.error(node, "the number is too large for a float")
        return Rational(written)

    def name(self, node: ast.Name) -> Expr:
        """The value of a name."""
        if node.id in self.names:
            return self.names[node.id]
        if node.id in EVERY_NAME:
            raise self.error(node, f"`{node.id}` is a function; write {node.id}(…)")
        known = suggestion(node.id, [*self.names, *EVERY_NAME], f"; known are {', '.join(self.names)}")
        raise self.error(node, f"the name `{node.id}` is unknown{known}")

    def call(self, node: ast.Call) -> Expr:
        """The application of a function of the language."""
        if not isinstance(node.func, ast.Name):
            raise self.error(
                node.func, REFUSED.get(type(node.func), "only functions are called, by their names")
            )
        name = node.func.id
        if name in self.names:
            raise self.error(node, f"`{name}` is no function; write * for a product")
        if name not in EVERY_NAME:
            raise self.error(node.func, f"there is no function `{name}`{suggestion(name, EVERY_NAME)}")
        if node.keywords:
            raise self.error(node.keywords[0], "functions take no keywords here")
        if name in LOGIC:
            raise self.error(node, "a condition is no number; write where(condition, a, b)")
        if name == "Piecewise":
            return self.build(node, sympy.Piecewise, *(self.branch(pair) for pair in node.args))
        self.check_count(node, name, FUNCTIONS[name])
        if name == "where":
            condition, value, otherwise = node.args
            branches = (self.number(value), self.condition(condition)), (self.number(otherwise), True)
            return self.build(node, sympy.Piecewise, *branches)
        return self.build(node, FUNCTIONS[name].make, *(self.number(argument) for argument in node.args))

    def check_count(self, node: ast.Call, name: str, function: Function) -> None:
        """Refuse a wrong number of arguments."""
        least, most = function.least, function.most
        if len(node.args) < least or (most is not None and len(node.args) > most):
            count = (
                str(least) if least == most else f"at least {least}" if most is None else f"{least} to {most}"
            )
            raise self.error(
                node, f"`{name}` takes {count} argument{'' if count == '1' else 's'}, not {len(node.args)}"
            )

    def branch(self, node: ast.expr) -> tuple[Expr, object]:
        """One `(value, condition)` pair of a Piecewise."""
        if not isinstance(node, ast.Tuple) or len(node.elts) != 2:
            raise self.error(node, "a branch of Piecewise is a pair (value, condition)")
        return self.number(node.elts[0]), self.condition(node.elts[1])

    def condition(self, node: ast.expr) -> Boolean:
        """A comparison, or comparisons joined by and, or, not."""
        match node:
            case ast.Constant(value=bool()):
                return S.true if node.value else S.false
            case ast.Compare():
                sides = [self.number(side) for side in (node.left, *node.comparators)]
                return sympy.And(*(
                    self.comparison(node, kind, left, right)
                    for kind, left, right in zip(node.ops, sides, sides[1:], strict=False)
                ))  # fmt: skip
            case ast.BoolOp():
                join = sympy.And if isinstance(node.op, ast.And) else sympy.Or
                return join(*(self.condition(part) for part in node.values))
            case ast.BinOp(op=ast.BitAnd()):
                return sympy.And(self.condition(node.left), self.condition(node.right))
            case ast.BinOp(op=ast.BitOr()):
                return sympy.Or(self.condition(node.left), self.condition(node.right))
            case ast.UnaryOp(op=ast.Not() | ast.Invert()):
                return sympy.Not(self.condition(node.operand))
            case ast.Call(func=ast.Name(id=name)) if name in LOGIC and not node.keywords:
                logic = LOGIC[name]
                self.check_count(node, name, logic)
                read = self.number if name in ("Eq", "Ne") else self.condition
                arguments = [read(argument) for argument in node.args]
                if name in ("Eq", "Ne"):
                    self.check_plain(node, *arguments)
                    return self.build(node, compared(sympy.Eq if name == "Eq" else sympy.Ne), *arguments)
                return logic.make(*arguments)
        raise self.error(node, "a comparison is expected, such as y_pred > 0")

    def comparison(self, node: ast.expr, kind: ast.cmpop, left: Expr, right: Expr) -> Boolean:
        """One comparison of two numbers."""
        if type(kind) not in COMPARISONS:
            raise self.error(node, "numbers are compared by < <= > >= == and !=")
        self.check_plain(node, left, right)
        return self.build(node, compared(COMPARISONS[type(kind)]), left, right)

    def check_plain(self, node: ast.expr, *sides: Basic) -> None:
        """Refuse branches inside a comparison: SymPy would take them apart, at any cost."""
        if any(side.has(sympy.Piecewise) for side in sides):
            raise self.error(
                node, "a comparison holds no where(…); put the comparison into the branches instead"
            )

    def build(self, node: ast.expr, make: Callable[..., Basic], *arguments: object) -> Basic:
        """The result of a SymPy constructor, if it is a finite real value."""
        try:
            result = make(*arguments)
            if problem := excess(result):
                raise DeclarationError(problem)
            if result.has(S.NaN, S.ComplexInfinity, S.Infinity, S.NegativeInfinity):
                raise DeclarationError("this has no finite value (a division by 0, or a logarithm of 0)")
            if isinstance(result, Expr) and result.is_number and not result.is_Atom:
                check_constant(result)
        except DeclarationError as error:
            raise self.error(node, str(error)) from None
        except (TypeError, ValueError, ArithmeticError, NotImplementedError, NoConvergence) as error:
            raise self.error(node, f"SymPy cannot build this ({error})") from None
        except RecursionError:
            raise self.error(node, "SymPy cannot build this (its rules go round in circles)") from None
        return result

    def error(self, node: ast.expr | ast.keyword, message: str) -> ParseError:
        """The error with the line of the text and a mark below the node."""
        line = self.text.splitlines()[node.lineno - 1].encode()
        start = len(line[: node.col_offset].decode(errors="replace")) + 1
        one_line = node.end_lineno == node.lineno
        end = len(line[: node.end_col_offset if one_line else None].decode(errors="replace")) + 1
        stop = "" if message.endswith(("?", ".")) else "."
        return ParseError(f"{message}{stop}{caret(self.text, node.lineno, start, end - start)}")


def caret(text: str, line: int | None, column: int | None, width: int = 1) -> str:
    """Two further lines: the line of the text, and marks below the place; columns count from 1."""
    lines = text.splitlines() or [""]
    whole = lines[min(max(line or 1, 1), len(lines)) - 1]
    place = max(column or 1, 1) - 1
    first = max(place - SHOWN_BEFORE, 0)
    shown = whole[first : place + SHOWN_AFTER]
    marks = "^" * max(min(width, len(shown) - (place - first)), 1)
    return f"\n    {shown}\n    {' ' * (place - first)}{marks}"
