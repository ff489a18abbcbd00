"""Formulas in LaTeX: SymPy's printer, taught the notation of the atoms and the reductions."""

import itertools
from collections.abc import Callable

from sympy import Add, Expr, Gt, Mul, Piecewise, Pow, S, Symbol
from sympy.core.basic import Basic
from sympy.core.relational import Relational
from sympy.printing.latex import LatexPrinter

from lossgen.language.notation import (
    GREEK,
    fraction,
    indicator,
    is_decimal,
    sides,
    signed_terms,
    split_digits,
    unfold,
)  # fmt: skip
from lossgen.language.reductions import LogSumExp, Mean, Reduction, Sum
from lossgen.language.symbols import column_count

CALLS = {
    "sigmoid": r"\sigma", "softplus": r"\operatorname{softplus}", "sech2": r"\operatorname{sech}^{2}",
    "log_cosh": r"\log\cosh", "lgamma": r"\log\Gamma", "loggamma": r"\log\Gamma", "digamma": r"\psi",
    "trigamma": r"\psi'", "signum": r"\operatorname{sign}", "sign": r"\operatorname{sign}",
    "erf": r"\operatorname{erf}", "erfc": r"\operatorname{erfc}", "clip": r"\operatorname{clip}",
    "maximum": r"\max", "minimum": r"\min", "LogSumExp": r"\operatorname{LSE}",
    "Softmax": r"\operatorname{softmax}", "LogSoftmax": r"\log\operatorname{softmax}",
}  # fmt: skip
OVER_COLUMNS = {"Sum": r"\sum", "Mean": r"\frac{1}{C}\sum", "Max": r"\max_k", "Min": r"\min_k"}


def latex(expression: Basic) -> str:
    r"""The LaTeX source of a formula, without dollar signs: `\sigma\left(p\right) - y`."""
    return FormulaPrinter().doprint(unfold(expression))


class FormulaPrinter(LatexPrinter):
    """SymPy's LaTeX printer with the functions of the language."""

    def _print_Symbol(self, node: Symbol, style: str = "plain") -> str:
        if condition := indicator(node):
            condition = condition.replace("arg max", r"\arg\max").replace("arg min", r"\arg\min")
            return rf"\left[{condition}\right]"
        letter, digits = split_digits(node.name)
        if digits:
            return f"{letter}_{{{digits}}}"
        head, mark, rest = node.name.partition("_")
        if head not in GREEK and len(head) > 1:
            return _upright(node.name)
        letter = f"\\{head}" if head in GREEK else head
        return letter + (f"_{{{_upright(rest)}}}" if mark else "")

    def _print_Integer(self, node: Expr) -> str:
        digits = str(abs(int(node)))
        zeros = len(digits) - len(digits.rstrip("0"))
        if zeros < 6 or node == 0:
            return str(int(node))
        head = digits[:-zeros]
        power = rf"10^{{{zeros}}}"
        return ("-" if node < 0 else "") + (power if head == "1" else rf"{head} \cdot {power}")

    def _print_Rational(self, node: Expr) -> str:
        if not is_decimal(node):
            return super()._print_Rational(node)
        digits, _, exponent = f"{float(node):.12g}".partition("e")
        power = rf"10^{{{int(exponent)}}}" if exponent else ""
        return power if digits == "1" and power else digits + (rf" \cdot {power}" if power else "")

    def _print_Add(self, node: Add, order: str | None = None) -> str:
        line = " ".join(("- " if minus else "+ ") + self._factor(term) for minus, term in signed_terms(node))
        return line.removeprefix("+ ")

    def _print_Mul(self, node: Mul) -> str:
        if node.as_coeff_Mul()[0].is_negative:
            return f"- {self._factor(-node)}"
        factors, divisors = fraction(node)
        large = [factor for factor in factors if isinstance(factor, Piecewise | Mean)]
        if len(large) == 1 and not any(each.has(Reduction) for each in divisors):
            return self._before(large[0], [each for each in factors if each is not large[0]], divisors)
        above, below = (self._product(part) for part in (factors, divisors))
        return rf"\frac{{{above or 1}}}{{{below}}}" if below else above

    def _before(self, large: Expr, above: list[Expr], below: list[Expr]) -> str:
        """What is too high for a numerator stands beside the fraction; a factor joins the 1/C of a mean."""
        others = Mul(*above, *(1 / factor for factor in below))
        if isinstance(large, Mean):
            return rf"{self._print(others / column_count)}\sum {self._factor(large.args[0])}"
        return f"{self._factor(others)} {self._print(large)}"

    def _product(self, factors: list[Expr]) -> str:
        """Factors side by side, with a thin space where a name of several letters meets another factor."""
        if len(factors) <= 1:
            return "".join(map(self._print, factors))
        line = self._factor(factors[0], last=False)
        for before, factor in itertools.pairwise(factors):
            gap = r"\," if _is_name(before) or _is_name(factor) else ""
            line += f"{gap} {self._factor(factor, last=factor is factors[-1])}"
        return line

    def _factor(self, factor: Expr, last: bool = True) -> str:
        """A factor of a product or a term of a sum; brackets keep a Σ from reaching further than it does."""
        negative = factor.as_coeff_Mul()[0].is_negative
        if negative or isinstance(factor, Add) or (isinstance(factor, Sum | Mean) and not last):
            return rf"\left({self._print(factor)}\right)"
        return self._print(factor)

    def _print_Relational(self, node: Relational) -> str:
        return super()._print_Relational(sides(node))

    def _print_Function(self, node: Expr, exp: str | None = None) -> str:
        name = type(node).__name__
        if name not in CALLS:
            return super()._print_Function(node, exp)
        return self._call(CALLS[name], node.args, exp)

    def _call(self, name: str, arguments: tuple[Basic, ...], exp: str | None) -> str:
        written = rf"{name}\left({', '.join(self._print(argument) for argument in arguments)}\right)"
        return written if exp is None else f"{{{written}}}^{{{exp}}}"

    def _print_ExpBase(self, node: Expr, exp: str | None = None) -> str:
        """Not as a power of e, which is also the letter for p − y."""
        return self._call(r"\exp", node.args, exp)

    def _print_Reduction(self, node: Expr, exp: str | None = None) -> str:
        name = type(node).__name__
        if name == "Gather":
            written = rf"\left[{self._print(node.args[0])}\right]_{{k=y}}"
        elif name in OVER_COLUMNS:
            written = rf"{OVER_COLUMNS[name]} {self._factor(node.args[0])}"
            written = rf"\left({written}\right)" if exp is not None else written
        else:
            written = self._call(CALLS[name], node.args, None)
        return written if exp is None else f"{written}^{{{exp}}}"

    _print_Sum = _print_Mean = _print_Gather = _print_Reduction
    _print_LogSumExp = _print_Softmax = _print_LogSoftmax = _print_Reduction

    def _print_Max(self, node: Expr, exp: str | None = None) -> str:
        if isinstance(node, Reduction):
            return self._print_Reduction(node, exp)
        return self._call(r"\min" if type(node).__name__ == "Min" else r"\max", node.args, exp)

    _print_Min = _print_Max

    def _print_relu(self, node: Expr, exp: str | None = None) -> str:
        return self._call(r"\max", (*node.args, 0), exp)

    def _print_absolute(self, node: Expr, exp: str | None = None) -> str:
        written = rf"\left|{self._print(node.args[0])}\right|"
        return written if exp is None else f"{written}^{{{exp}}}"

    def _indicator(self, condition: str, exp: str | None) -> str:
        written = rf"\left[{condition}\right]"
        return written if exp is None else f"{written}^{{{exp}}}"

    def _print_greater(self, node: Expr, exp: str | None = None) -> str:
        left, right = (*node.args, S.Zero)[:2]
        return self._indicator(self._print_Relational(Gt(left, right, evaluate=False)), exp)

    _print_step = _print_greater

    def _print_inside(self, node: Expr, exp: str | None = None) -> str:
        x, low, high = (self._print(part) for part in node.args)
        return self._indicator(rf"{low} \le {x} \le {high}", exp)

    def _relative(self, name: str, plain: Callable[[str, str], str], node: Expr, exp: str | None) -> str:
        """A ladder atom: by name when its rung is the log-sum-exp of the same argument, else spelt out."""
        argument, rung = node.args
        if isinstance(rung, Symbol) or rung == LogSumExp(argument):
            return self._call(name, (argument,), exp)
        written = plain(self._print(argument), self._print(rung))
        return written if exp is None else rf"\left({written}\right)^{{{exp}}}"

    def _print_softmax(self, node: Expr, exp: str | None = None) -> str:
        return self._relative(CALLS["Softmax"], lambda u, r: rf"\exp\left({u} - {r}\right)", node, exp)

    def _print_log_softmax(self, node: Expr, exp: str | None = None) -> str:
        return self._relative(CALLS["LogSoftmax"], lambda u, r: rf"\left({u} - {r}\right)", node, exp)


def _upright(name: str) -> str:
    return r"\mathrm{" + name.replace("_", r"\_") + "}"


def _is_name(factor: Expr) -> bool:
    """Whether it is a parameter written as a word, or a power of one."""
    base = factor.base if isinstance(factor, Pow) else factor
    head = base.name.partition("_")[0] if isinstance(base, Symbol) and not indicator(base) else ""
    return head not in GREEK and len(split_digits(head)[0]) > 1
