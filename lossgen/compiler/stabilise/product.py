"""The normal form of a product: c · e^a · Π(1+e^v)^k · Π expm1(w)^j · Π base^q, and how expressions enter it.

*Everything* exponential is decoded (exp, sigmoid, bose, sech2, tanh, two-term sums of exponentials), or equal
things would not meet: (1−s)^γ · 1/(1−s) cancels only because both sides arrive as powers of one base.
"""

from __future__ import annotations

from sympy import Add, Expr, Mul, S, cosh, coth, csch, exp, sech, sinh, tanh

from lossgen.language.atoms import (
    absolute,
    bose,
    expm1,
    exprel,
    hypot1,
    log1p,
    log_cosh,
    power,
    power_slope,
    sech2,
    sigmoid,
    softplus,
)

from .forms import is_backward, is_positive, one_plus, square_root


class Product:
    """A product under construction. `sums` and `differences` are keyed by exponents that are not backward.

    `tilts` holds the part of the exponent that came from turning their signs: v -> r for e^(r·v). It is kept
    apart so that symbolic r, such as γ and 1 − γ, add up without any expansion of exponents.
    """

    __slots__ = ("bases", "coefficient", "differences", "exponent", "sums", "tilts")

    def __init__(self):
        self.coefficient: Expr = S.One
        self.exponent: Expr = S.Zero
        self.sums: dict[Expr, Expr] = {}
        self.differences: dict[Expr, Expr] = {}
        self.bases: dict[Expr, Expr] = {}
        self.tilts: dict[Expr, Expr] = {}

    @classmethod
    def of(cls, expression: Expr) -> Product:
        product = cls()
        product.multiply(expression)
        return product

    @property
    def has_exponentials(self) -> bool:
        return bool(self.sums or self.differences or self.tilts or self.exponent is not S.Zero)

    def copy(self) -> Product:
        other = Product()
        other.coefficient, other.exponent = self.coefficient, self.exponent
        other.sums, other.differences = dict(self.sums), dict(self.differences)
        other.bases, other.tilts = dict(self.bases), dict(self.tilts)
        return other

    def multiply(self, factor: Expr, to: Expr = S.One) -> None:
        """Multiply by factor**to."""
        if factor.is_Rational:
            self._number(factor, to)
        elif factor.is_Mul:
            self._mul(factor, to)
        elif factor.is_Pow:
            self._pow(factor, to)
        elif factor.is_Add:
            self._add(factor, to)
        else:
            decode = DECODERS.get(factor.func)
            if decode is None or not decode(self, *factor.args, to):
                self.base(factor, to)

    def base(self, base: Expr, to: Expr) -> None:
        """Multiply by base**to without looking into it; −base counts as base where the sign comes out."""
        opposite = -base
        if base not in self.bases and opposite in self.bases:
            other = self.bases[opposite]
            if to.is_Integer:
                self.coefficient *= S.NegativeOne**to
                base = opposite
            elif other.is_Integer:
                self.coefficient *= S.NegativeOne**other
                self.bases[base] = self.bases.pop(opposite)
        _raise(self.bases, base, to)

    def sum(self, v: Expr, to: Expr) -> None:
        """Multiply by (1 + e^v)**to."""
        if is_backward(v):
            v = -v
            self.tilt(v, -to)
        _raise(self.sums, v, to)

    def difference(self, w: Expr, to: Expr) -> bool:
        """Multiply by expm1(w)**to, `to` an integer."""
        if not to.is_Integer:
            return False
        if is_backward(w):
            self.coefficient *= S.NegativeOne**to
            w = -w
            self.tilt(w, -to)
        _raise(self.differences, w, to)
        return True

    def tilt(self, v: Expr, r: Expr) -> None:
        """Multiply by e^(r·v)."""
        if is_backward(v):
            v, r = -v, -r
        _raise(self.tilts, v, r)

    def _number(self, number, to):
        value = number**to
        if value.is_Rational:
            self.coefficient *= value
        else:
            self.base(number, to)

    def _mul(self, factor, to):
        if to.is_integer:
            for part in factor.args:
                self.multiply(part, to)
            return
        together = []
        for part in factor.args:
            if part.is_positive:
                self.multiply(part, to)
            else:
                together.append(part)
        rest = Mul(*together)
        if rest is not S.One:
            self.base(rest, to)

    def _pow(self, factor, to):
        base, exponent = factor.args
        if base is S.Exp1:
            _exponential(self, exponent, to)
            return
        if base.is_Add and exponent.is_Rational and exponent.q == 2 and to.is_integer:
            root = _hypotenuse(base)
            if root is not None:
                self.base(hypot1(root), 2 * exponent * to)
                return
        if to.is_integer or base.is_nonnegative or is_positive(base):
            self.multiply(base, exponent * to)
        else:
            self.base(factor, to)

    def _add(self, factor, to):
        if _two_terms(self, factor, to):
            return
        if to.is_Integer:
            content, primitive = factor.primitive()
            if content.is_Integer:
                self.coefficient *= content**to
                factor = primitive
            if is_backward(factor):
                self.coefficient *= S.NegativeOne**to
                factor = -factor
        self.base(factor, to)


def _raise(powers: dict[Expr, Expr], key: Expr, to: Expr) -> None:
    total = powers.get(key, S.Zero) + to
    if total.is_zero:
        powers.pop(key, None)
    else:
        powers[key] = total


def _hypotenuse(expression: Expr) -> Expr | None:
    """x with expression = 1 + x²."""
    rest = one_plus(expression)
    return square_root(rest) if rest is not None and not rest.is_Add else None


def _two_terms(product: Product, factor: Expr, to: Expr) -> bool:
    """m + m·e^v = m(1+e^v), and m − m·e^v = −m·expm1(v) for integer powers."""
    if len(factor.args) != 2:
        return False
    first, second = (Product.of(term) for term in factor.args)
    if not (first.has_exponentials or second.has_exponentials) or first.bases != second.bases:
        return False
    if first.sums != second.sums or first.differences != second.differences:
        return False
    v = second.exponent - first.exponent
    ratio = second.coefficient / first.coefficient
    if v.is_zero or first.tilts != second.tilts or ratio not in (S.One, S.NegativeOne):
        return False
    if not to.is_integer and (ratio is S.NegativeOne or first.coefficient < 0 or first.bases):
        return False
    if ratio is S.One:
        product.sum(v, to)
    elif not product.difference(v, to):
        return False
    else:
        product.coefficient *= S.NegativeOne**to
    product.multiply(factor.args[0], to)
    return True


def _exponential(product, exponent, to):
    for term in Add.make_args(exponent):
        factors = Mul.make_args(term)
        logarithms = [factor for factor in factors if factor.func in _LOGARITHMS]
        if len(logarithms) != 1:
            product.exponent += to * term
            continue
        scale = Mul(*[factor for factor in factors if factor is not logarithms[0]])
        _LOGARITHMS[logarithms[0].func](product, logarithms[0].args[0], scale * to)
    return True


def _softplus(product, x, to):
    product.sum(x, to)


def _log_cosh(product, x, to):
    product.tilt(2 * x, -to / 2)
    product.sum(2 * x, to)
    product.multiply(S.Half, to)


def _sigmoid(product, x, to):
    product.sum(-x, -to)
    return True


def _sech2(product, x, to):
    product.multiply(S(4), to)
    product.tilt(2 * x, to)
    product.sum(2 * x, -2 * to)
    return True


def _tanh(product, x, to):
    if not product.difference(2 * x, to):
        return False
    product.sum(2 * x, -to)
    return True


def _cosh(product, x, to):
    _log_cosh(product, x, to)
    return True


def _sinh(product, x, to):
    if not product.difference(2 * x, to):
        return False
    product.tilt(2 * x, -to / 2)
    product.multiply(S.Half, to)
    return True


def _exprel(product, x, to):
    if not product.difference(x, to):
        return False
    product.multiply(x, -to)
    return True


def _absolute(product, x, to):
    if not (to.is_Integer and to % 2 == 0):
        return False
    product.multiply(x, to)
    return True


def _power(product, x, exponent, to):
    product.multiply(x, exponent * to)
    return True


def _power_slope(product, x, exponent, to):
    if not (is_positive(x) and to.is_Integer):
        return False
    product.multiply(exponent, to)
    product.multiply(x, (exponent - 1) * to)
    return True


DECODERS = {
    exp: _exponential,
    sigmoid: _sigmoid,
    sech2: _sech2,
    tanh: _tanh,
    coth: lambda product, x, to: _tanh(product, x, -to),
    cosh: _cosh,
    sech: lambda product, x, to: _cosh(product, x, -to),
    sinh: _sinh,
    csch: lambda product, x, to: _sinh(product, x, -to),
    expm1: lambda product, x, to: product.difference(x, to),
    bose: lambda product, x, to: product.difference(x, -to),
    exprel: _exprel,
    absolute: _absolute,
    power: _power,
    power_slope: _power_slope,
}

_LOGARITHMS = {
    softplus: _softplus,
    log_cosh: _log_cosh,
    log1p: lambda product, x, to: product.multiply(1 + x, to),
}
