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
            if a == 0:
                continue
            for second, b in other.coefficients.items():
                monomial = product(first, second, order, linear_from) if first and second else first or second
                if monomial is not None and b != 0:
                    term = a * b
                    total[monomial] = total[monomial] + term if monomial in total else term
        return Jet(self.space, total)

    def compose(self, taylor) -> "Jet":
        """f(self) for `taylor(x, k)` = the k-th Taylor coefficient of f at x."""
        x = self.value
        rest = Jet(self.space, {m: c for m, c in self.coefficients.items() if m})
        order = self.space.order if rest.coefficients else 0
        result = self.space.constant(taylor(x, order))
        for k in range(order - 1, -1, -1):
            result = result * rest + self.space.constant(taylor(x, k))
        return result

    def derivative(self, *variables: int):
        """The partial derivative with respect to these variables, one for each time it is taken."""
        monomial = tuple(sorted(variables))
        scale = 1
        for variable in set(monomial):
            scale *= factorial(monomial.count(variable))
        return scale * self.coefficients.get(monomial, mpf(0))


# Taylor coefficients f⁽ᵏ⁾(x)/k! of the elementary functions ------------------------------------------


def exponential(x, k):
    return mp.exp(x) / factorial(k)


def logarithm(x, k):
    if x <= 0:
        raise Undetermined(f"log({mp.nstr(x)})")
    return mp.log(x) if k == 0 else (-1) ** (k + 1) / (k * x**k)


def power_of(exponent):
    """x ↦ x^exponent for a constant exponent; 0⁰ = 1."""
    whole = exponent == int(exponent)
    exponent = int(exponent) if whole else exponent

    def taylor(x, k):
        binomial = mpf(1)
        for i in range(k):
            binomial = binomial * (exponent - i) / (i + 1)
        rest = exponent - k
        if binomial == 0 or rest == 0:
            return binomial
        if x == 0 and rest > 0:
            return mpf(0)
        if x == 0 or (x < 0 and not whole):
            raise Undetermined(f"{mp.nstr(x)} ** {rest}")
        return binomial * x**rest

    return taylor


def hyperbolic_cosine(x, k):
    return (mp.sinh(x) if k % 2 else mp.cosh(x)) / factorial(k)


def hyperbolic_sine(x, k):
    return (mp.cosh(x) if k % 2 else mp.sinh(x)) / factorial(k)


def sine(x, k):
    return (mp.sin(x), mp.cos(x), -mp.sin(x), -mp.cos(x))[k % 4] / factorial(k)


def cosine(x, k):
    return sine(x + mp.pi / 2, k) if k else mp.cos(x)


def arc_tangent(x, k):
    if k == 0:
        return mp.atan(x)
    return mp.im(1 / (mp.mpc(x, -1)) ** k) * (-1) ** (k + 1) / k


def error_function(x, k):
    if k == 0:
        return mp.erf(x)
    return (-1) ** (k - 1) * mp.hermite(k - 1, x) * 2 / mp.sqrt(mp.pi) * mp.exp(-x * x) / factorial(k)


def error_function_complement(x, k):
    return mp.erfc(x) if k == 0 else -error_function(x, k)


def polygamma_of(order):
    """The polygamma function of this order; order −1 is the logarithm of |Γ|."""

    def taylor(x, k):
        n = order + k
        return (mp.log(abs(mp.gamma(x))) if n < 0 else mp.psi(n, x)) / factorial(k)

    return taylor


def exponential_moment_of(order):
    """∫₀¹ tᵒʳᵈᵉʳ·exp(x·t) dt: (eˣ − 1)/x and its derivatives, without their hole at 0."""

    def taylor(x, k):
        n = order + k
        if abs(x) > 1:
            moment = mp.expm1(x) / x
            for m in range(1, n + 1):
                moment = (mp.exp(x) - m * moment) / x
            return moment / factorial(k)
        term, total, i = mpf(1), mpf(1) / (n + 1), 0
        while abs(term) > mp.eps / 1024:
            i += 1
            term = term * x / i
            total += term / (n + i + 1)
        return total / factorial(k)

    return taylor
