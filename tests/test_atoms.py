"""Every row of the table of atoms: meaning, derivatives, signs and guards against arbitrary precision."""

import random

import mpmath
import pytest
import sympy
from arithmetic import exact
from mpmath import mp
from sympy import DiracDelta, Heaviside, Piecewise, Rational, S, exp

from lossgen.language import atoms
from lossgen.language.atoms import (
    ATOMS,
    absolute,
    clip,
    keep,
    maximum,
    power,
    power_curvature,
    power_slope,
    relu,
    sigmoid,
    step,
    xdivy,
    xlogy,
)
from lossgen.language.symbols import y_pred as p

ARGUMENTS = sympy.symbols("a b c", real=True)
INDICATORS = {"step", "signum", "inside", "greater"}
ROWS = [pytest.param(atom, id=name) for name, atom in ATOMS.items()]


def samples(atom, count, seed=0):
    """Points inside the sampled range, logarithmically near 0."""
    source = random.Random(seed)
    for _ in range(count):
        values = []
        for low, high in atom.sample:
            size = 10 ** source.uniform(-8, 1.2)
            value = size if low >= 0 else -size if high <= 0 else source.choice((size, -size))
            values.append(min(max(value, low), high))
        yield values


@pytest.mark.parametrize("atom", ROWS)
def test_reference_is_the_meaning(atom):
    symbols = ARGUMENTS[: len(atom.derivatives)]
    meaning = atom.meaning(*symbols)
    for values in samples(atom, 30):
        with mp.workdps(40):
            reference = mpmath.mpmathify(atom.reference(*[mpmath.mpf(value) for value in values]))
        expected = exact(meaning, dict(zip(symbols, values, strict=True)), 120)
        assert abs(reference - expected) <= abs(expected) * mpmath.mpf(10) ** -30, values


@pytest.mark.parametrize("atom", ROWS)
def test_derivatives(atom):
    symbols = ARGUMENTS[: len(atom.derivatives)]
    for index, symbol in enumerate(symbols):
        slope = atom.function(*symbols).diff(symbol)
        for values in samples(atom, 10, seed=index):
            with mp.workdps(60):
                point = [mpmath.mpf(value) for value in values]
                width = abs(point[index]) * mpmath.mpf(10) ** -20
                beyond = [atom.reference(*point[:index], point[index] + side * width, *point[index + 1 :])
                          for side in (1, -1)]  # fmt: skip
                numeric = (beyond[0] - beyond[1]) / (2 * width)
            got = exact(slope, dict(zip(symbols, values, strict=True)), 60)
            assert abs(got - numeric) <= 1e-12 * (abs(numeric) + mpmath.mpf(10) ** -25), values


@pytest.mark.parametrize("atom", ROWS)
def test_second_derivatives_are_made_of_atoms(atom):
    symbols = ARGUMENTS[: len(atom.derivatives)]
    known = {entry.function for entry in ATOMS.values()} | {sympy.exp, sympy.log, sympy.tanh, sympy.polygamma}
    for first in symbols:
        for second in symbols:
            result = atom.function(*symbols).diff(first).diff(second)
            assert not result.has(Heaviside, DiracDelta, sympy.Derivative, Piecewise, sympy.nan, sympy.zoo)
            assert {node.func for node in result.atoms(sympy.Function)} <= known


@pytest.mark.parametrize("atom", ROWS)
def test_sign_that_is_claimed(atom):
    symbols = ARGUMENTS[: len(atom.derivatives)]
    for signs in ({}, {"positive": True}, {"nonnegative": True}):
        application = atom.function(*[sympy.Symbol(symbol.name, real=True, **signs) for symbol in symbols])
        assert application.is_real
        for values in samples(atom, 20):
            if signs and min(values) <= 0:
                continue
            value = atom.reference(*[mpmath.mpf(each) for each in values])
            assert value > 0 or not application.is_positive
            assert value >= 0 or not application.is_nonnegative
            assert value < 0 or not application.is_negative
            assert value <= 0 or not application.is_nonpositive


@pytest.mark.parametrize("name", sorted(ATOMS))
def test_names(name):
    atom = ATOMS[name]
    assert atom.function.__name__ == atom.cpu == name
    assert getattr(atoms, name) is atom.function
    assert len(atom.sample) == len(atom.derivatives)


@pytest.mark.parametrize("name", sorted(name for name, atom in ATOMS.items() if atom.function.parity))
def test_parity(name):
    function = ATOMS[name].function
    even = function.parity == "even"
    assert function(-p) == (function(p) if even else -function(p))


def test_a_parenthesis_changes_no_derivative():
    p, q = ARGUMENTS[:2]
    assert keep(p * q + p).diff(p) == q + 1


def test_subgradients():
    assert step(S.Zero) == 0
    assert relu(p).diff(p).subs(p, 0) == 0
    assert absolute(p).diff(p).subs(p, 0) == 0
    inside = clip(p, 0, 1).diff(p)
    assert [exact(inside, {p: value}) for value in (-0.1, 0, 0.5, 1, 1.1)] == [0, 1, 1, 1, 0]
    a, b = ARGUMENTS[:2]
    both = [maximum(a, b).diff(symbol) for symbol in (a, b)]
    assert [exact(slope, {a: 1, b: 1}) for slope in both] == [0, 1]


def test_guards():
    a = ARGUMENTS[0]
    at = {p: 0, a: 0}
    assert exact(power(p, a), at) == 1
    assert exact(power_slope(p, a), at) == 0
    assert exact(power_curvature(p, a), at) == 0
    assert exact(power_curvature(p, a), {p: 0, a: 1}) == 0
    assert exact(power(p, a).diff(a), at) == 0
    assert exact(xlogy(p, p), at) == 0
    assert exact(xlogy(a, p).diff(p), at) == 0
    assert exact(xdivy(a, p), at) == 0


def test_exact_values():
    assert sigmoid(S.Zero) == Rational(1, 2)
    assert clip(S(3), 0, 1) == 1
    assert keep(p) == p and keep(p + 1) != p + 1
    assert keep(p + 1).diff(p) == 1


def test_evaluation_by_sympy():
    assert abs(sigmoid(S(2)).evalf(30) - (1 / (1 + exp(-2))).evalf(30)) < 1e-28
    assert atoms.log1mexp(S(2)).evalf() is S.NaN
