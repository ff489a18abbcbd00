"""What an atom is: a real function that stays whole through rewriting and differentiation: a row of a table.

A row holds everything the other stages need to know about the function, so that adding an atom means adding
one row here and one function in ``lossgen/runtime/vector_math.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mpmath
from sympy import Expr, Float, Function, S
from sympy.core.function import ArgumentIndexError

REAL = (-1e4, 1e4)
POSITIVE = (1e-30, 1e4)


@dataclass(frozen=True)
class Atom:
    """One row of the table.

    function     the SymPy function; its name is the atom's name everywhere
    meaning      SymPy arguments -> the textbook expression
    derivatives  one callable an argument, SymPy arguments -> expression made of atoms
    cpu          name of the function in ``runtime/vector_math.py``
    reference    mpmath arguments -> value, accurate to the working precision
    ulp          bound that the implementation has to meet
    sample       range of every argument over which it is tested
    """

    function: type[Function]
    meaning: Callable[..., Expr]
    derivatives: tuple[Callable[..., Expr], ...]
    cpu: str
    reference: Callable
    ulp: float
    sample: tuple[tuple[float, float], ...]


ATOMS: dict[str, Atom] = {}


class AtomFunction(Function):
    """Base of the atoms: real-valued, differentiated by the table, evaluated only where that is exact."""

    exact: Callable | None = None
    parity: str | None = None
    sign: str | Callable | None = None

    @classmethod
    def eval(cls, *arguments):
        if cls.exact is not None:
            value = cls.exact(*arguments)
            if value is not None:
                return value
        if cls.parity is not None and arguments[0].could_extract_minus_sign():
            flipped = cls(-arguments[0], *arguments[1:])
            return flipped if cls.parity == "even" else -flipped
        return None

    def fdiff(self, argindex=1):
        derivatives = ATOMS[self.func.__name__].derivatives
        if not 1 <= argindex <= len(derivatives):
            raise ArgumentIndexError(self, argindex)
        return derivatives[argindex - 1](*self.args)

    def meaning(self) -> Expr:
        """The textbook expression that this atom stands for."""
        return ATOMS[self.func.__name__].meaning(*self.args)

    def _eval_is_real(self):
        return True

    def _has_sign(self, sign):
        known = self.sign(*self.args) if callable(self.sign) else self.sign
        return True if known in sign else None

    def _eval_is_positive(self):
        return self._has_sign(("positive",))

    def _eval_is_nonnegative(self):
        return self._has_sign(("positive", "nonnegative"))

    def _eval_is_negative(self):
        return self._has_sign(("negative",))

    def _eval_is_nonpositive(self):
        return self._has_sign(("negative", "nonpositive"))

    def _eval_evalf(self, precision):
        values = [argument._to_mpmath(precision + 10) for argument in self.args]
        with mpmath.workprec(precision + 10):
            value = self.reference(*values)
        return Float._new(value._mpf_, precision) if mpmath.isfinite(value) else S.NaN

    def reference(self, *values):
        """The value in mpmath, to the working precision; NaN outside the domain."""
        try:
            value = mpmath.mpmathify(ATOMS[self.func.__name__].reference(*values))
        except (ValueError, ZeroDivisionError):
            return mpmath.mpf("nan")
        return value if isinstance(value, mpmath.mpf) else mpmath.mpf("nan")


def atom(name, meaning, derivatives, reference, *, ulp=2.0, sample=REAL, sign=None, parity=None, exact=None):
    """Add a row to the table and return its function.

    sign    "positive", "nonnegative", "negative", "nonpositive", or a callable that returns one
    parity  "even" or "odd" in the first argument
    exact   callable of the arguments that returns an exact value or None
    """
    count = len(derivatives)
    members = {
        "nargs": count,
        "sign": staticmethod(sign) if callable(sign) else sign,
        "parity": parity,
        "exact": staticmethod(exact) if exact else None,
        "__module__": "lossgen.language.atoms",
        "__doc__": None,
    }
    assert name not in ATOMS, name
    function = type(AtomFunction)(name, (AtomFunction,), members)
    ranges = sample if isinstance(sample[0], tuple) else (sample,) * count
    ATOMS[name] = Atom(function, meaning, tuple(derivatives), name, reference, ulp, ranges)
    return function


def sign_of(expression) -> str | None:
    """The sign that SymPy's assumptions prove for an expression, in the words of ``atom(sign=)``."""
    if expression.is_positive:
        return "positive"
    if expression.is_nonnegative:
        return "nonnegative"
    if expression.is_negative:
        return "negative"
    if expression.is_nonpositive:
        return "nonpositive"
    return None
