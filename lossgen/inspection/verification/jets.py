"""Truncated Taylor polynomials in several variables over mpmath numbers: derivatives without differences.

A jet maps monomials (sorted tuples of variable numbers) to coefficients; what is missing is 0, and 0 times
anything is 0. `Space` says which monomials are kept; variables from `linear_from` on only to first order.
"""

from functools import cache
from math import factorial

from mpmath import mp, mpf


class Undetermined(ArithmeticError):
    """A value that this formula does not have at this precision: 0/0, the logarithm of 0 …"""


@cache
def product(first: tuple, second: tuple, order: int, linear_from: int) -> tuple | None:
    """The product of two monomials, or None when it is truncated away."""
    merged = tuple(sorted(first + second))
    if len(merged) > order or (len(merged) > 1 and merged[-2] >= linear_from):
        return None
    return merged


class Space:
    """The jets of one computation: their order, and the variables that enter only linearly."""

    def __init__(self, order: int, linear_from: int):
        self.order, self.linear_from = order, linear_from

    def constant(self, value) -> "Jet":
        """A given number. An exact 0 leaves no trace; a computed one is kept, it may be cancellation."""
        return Jet(self, {(): value} if value != 0 else {})

    def variable(self, value, number: int) -> "Jet":
        jet = self.constant(value)
        if self.order:
            jet.coefficients[(number,)] = mpf(1)
        return jet


class Jet:
    """One truncated polynomial."""

    __slots__ = ("coefficients", "space")

    def __init__(self, space: Space, coefficients: dict):
        self.space, self.coefficients = space, coefficients

    @property
    def value(self):
        return self.coefficients.get((), mpf(0))

    @property
    def is_constant(self) -> bool:
        return all(not monomial for monomial in self.coefficients)

    def __add__(self, other: "Jet") -> "Jet":
        if len(other.coefficients) > len(self.coefficients):
            self, other = other, self
        total = dict(self.coefficients)
        for monomial, coefficient in other.coefficients.items():
            total[monomial] = total[monomial] + coefficient if monomial in total else coefficient
        return Jet(self.space, total)

    def __mul__(self, other: "Jet") -> "Jet":
        order, linear_from = self.space.order, self.space.linear_from
        total = {}
        for first, a in self.coefficients.items():
            for second, b in other.coefficients.items():
                monomial = product(first, second, order, linear_from) if first and second else first or second
                if monomial is not None:
                    term = a * b if a and b else mpf(0)
                    total[monomial] = total[monomial] + term if monomial in total else term
        return Jet(self.space, total)

    def compose(self, taylor) -> "Jet":
        """f(self) for `taylor(x, n)` = the Taylor coefficients f(x), f′(x), …, f⁽ⁿ⁾(x)/n! of f at x."""
        rest = Jet(self.space, {m: c for m, c in self.coefficients.items() if m})
        *lower, highest = taylor(self.value, self.space.order if rest.coefficients else 0)
        result = Jet(self.space, {(): highest})
        for coefficient in reversed(lower):
            result = result * rest + Jet(self.space, {(): coefficient})
        return result

    def derivative(self, *variables: int):
        """The partial derivative with respect to these variables, one for each time it is taken."""
        monomial = tuple(sorted(variables))
        scale = 1
        for variable in set(monomial):
            scale *= factorial(monomial.count(variable))
        return scale * self.coefficients.get(monomial, mpf(0))


# Taylor coefficients f⁽ᵏ⁾(x)/k!, k = 0 … n, of the elementary functions ---------------------------------


def cycle(derivatives, n):
    """Coefficients of a function whose derivatives repeat."""
    return [derivatives[k % len(derivatives)] / factorial(k) for k in range(n + 1)]


MOST_BITS = 1 << 14
"""Of the whole part of an exponent: e to the power of more takes more memory than there is."""


def exponential(x, n):
    if x and mp.mag(x) > MOST_BITS:
        if x > 0:
            raise Undetermined("the exponential of a huge number")
        return [mpf(0)] * (n + 1)
    return cycle([mp.exp(x)], n)


def logarithm(x, n):
    if x <= 0:
        raise Undetermined(f"log({mp.nstr(x)})")
    result, term = [mp.log(x)], mpf(-1)
    for k in range(1, n + 1):
        term = -term / x
        result.append(term / k)
    return result


def power_of(exponent):
    """x ↦ x^exponent for a constant exponent; 0⁰ = 1."""
    whole = exponent == int(exponent)

    def taylor(x, n):
        result, binomial = [], mpf(1)
        for k in range(n + 1):
            result.append(binomial * raised(x, exponent - k) if binomial else mpf(0))
            binomial = binomial * (exponent - k) / (k + 1)
        return result

    def raised(x, rest):
        if rest == 0:
            return mpf(1)
        if x == 0 and rest > 0:
            return mpf(0)
        if x == 0 or (x < 0 and not whole):
            raise Undetermined(f"{mp.nstr(x)} ** {rest}")
        if whole and abs(rest) <= 8:
            product = mpf(1)
            for _ in range(abs(int(rest))):
                product *= x
            return product if rest > 0 else 1 / product
        return x ** (int(rest) if whole else rest)

    return taylor


def check_hyperbolic(x):
    if x and mp.mag(x) > MOST_BITS:
        raise Undetermined("the exponential of a huge number")


def hyperbolic_cosine(x, n):
    check_hyperbolic(x)
    return cycle([mp.cosh(x), mp.sinh(x)], n)


def hyperbolic_sine(x, n):
    check_hyperbolic(x)
    return cycle([mp.sinh(x), mp.cosh(x)], n)


def sine(x, n):
    return cycle([mp.sin(x), mp.cos(x), -mp.sin(x), -mp.cos(x)], n)


def cosine(x, n):
    return cycle([mp.cos(x), -mp.sin(x), -mp.cos(x), mp.sin(x)], n)


def arc_tangent(x, n):
    slopes = [(-1) ** (k + 1) * mp.im(1 / mp.mpc(x, -1) ** k) / k for k in range(1, n + 1)]
    return [mp.atan(x), *slopes]


def error_function(x, n):
    bell = 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)
    slopes = [(-1) ** (k - 1) * mp.hermite(k - 1, x) * bell / factorial(k) for k in range(1, n + 1)]
    return [mp.erf(x), *slopes]


def error_function_complement(x, n):
    return [mp.erfc(x), *(-coefficient for coefficient in error_function(x, n)[1:])]


def polygamma_of(order):
    """The polygamma function of this order; order −1 is the logarithm of |Γ|."""

    def derivative(x, k):
        return mp.log(abs(mp.gamma(x))) if k < 0 else mp.psi(k, x)

    return lambda x, n: [derivative(x, order + k) / factorial(k) for k in range(n + 1)]


def exponential_moment_of(order):
    """∫₀¹ tᵒʳᵈᵉʳ·exp(x·t) dt: (eˣ − 1)/x and its derivatives, without their hole at 0."""

    def moment(x, n):
        if abs(x) > 1:
            value = mp.expm1(x) / x
            for m in range(1, n + 1):
                value = (mp.exp(x) - m * value) / x
            return value
        term, total, i = mpf(1), mpf(1) / (n + 1), 0
        while abs(term) > mp.eps / 1024:
            i += 1
            term = term * x / i
            total += term / (n + i + 1)
        return total

    return lambda x, n: [moment(x, order + k) / factorial(k) for k in range(n + 1)]
