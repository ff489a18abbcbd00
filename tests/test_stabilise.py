"""The rules of stabilisation, each against arbitrary precision, and what they leave of float32's digits."""

import random

import numpy
import pytest
import sympy
from arithmetic import exact, rounded, ulps
from expressions import delta, expression, gamma, point, rung
from mpmath import isinf, isnan, mpf
from sympy import Abs, Max, Min, Piecewise, Rational, S, cosh, erf, exp, log, sinh, sqrt, tanh

from lossgen.compiler.stabilise import accurate, stabilise
from lossgen.language.atoms import (
    absolute,
    bose,
    clip,
    erfc,
    expm1,
    expm1mx,
    exprel,
    exprel_slope,
    greater,
    hypot1,
    hypot1m1,
    inside,
    keep,
    log1mexp,
    log1p,
    log_cosh,
    maximum,
    minimum,
    power,
    power_curvature,
    power_slope,
    relu,
    sech2,
    sigmoid,
    signum,
    softplus,
    sqrt1pm1,
    step,
    unit_hypot,
    xdivy,
    xlogy,
)
from lossgen.language.symbols import y_pred as p
from lossgen.language.symbols import y_true as y

e = p - y
q = sympy.Symbol("q", real=True)
smoothing, weight = sympy.symbols("epsilon w", nonnegative=True)
LOW, HIGH = Rational(1, 10**7), 1 - Rational(1, 10**7)

RULES = {
    # products of exponentials
    "M1 logistic": (1 / (1 + exp(-p)), sigmoid(p)),
    "M1 logistic, other way": (exp(p) / (1 + exp(p)), sigmoid(p)),
    "M1 both sides": (exp(p) / (1 + exp(p)) ** 2, sigmoid(p) * sigmoid(-p)),
    "M1 clamped": (exp(3 * p) / (1 + exp(p)) ** 2, exp(p) * sigmoid(p) ** 2),
    "M1 symbolic": (exp(gamma * p) / (1 + exp(p)) ** gamma, sigmoid(p) ** gamma),
    "M1 shared out": (exp(y * p) / (1 + exp(p)), sigmoid(p) ** y * sigmoid(-p) ** (1 - y)),
    "M1 sech2": (4 * exp(2 * p) / (1 + exp(2 * p)) ** 2, sech2(p)),
    "M1 quotient": (sinh(e) / cosh(e), tanh(e)),
    "M1 bose": (1 / (exp(p) - 1), bose(p)),
    "M1 bose, turned": (exp(p) / (exp(p) - 1), -bose(-p)),
    "M1 positive powers": (exp(-p) * (1 + exp(p)), 1 + exp(-p)),
    "M2 exponents add": ((1 - p) ** gamma / (1 - p), power(1 - p, gamma - 1)),
    "M2 every spelling of one base": (
        (-expm1(p - rung)) ** gamma * bose(p - rung), -power(-expm1(p - rung), gamma - 1),
    ),
    "M2 guard": (power_slope(1 - p, gamma) * (1 - p), gamma * power(1 - p, gamma)),
    "M1 exponentials of exponentials": (exp(p) * bose(exp(p)), 1 / exprel(exp(p))),
    "M3 curvature": (
        signum(p) ** 2 * power_curvature(absolute(p), gamma), power_curvature(absolute(p), gamma),
    ),
    "M3 kinks": (relu(p) * step(p) ** 2, relu(p)),
    "M3 sign": (absolute(p) * signum(p), p),
    "M3 exprel": ((exp(2 * p) - 1) / p, 2 * exprel(2 * p)),
    "M3 guarded quotient": (xdivy(y, y / p), p),
    "M4": (y * log(y / p), xlogy(y, y / p)),
    "M4 in a sum": (y * (log(y) - log(p)), xlogy(y, y) - y * log(p)),
    "F root": (sqrt(1 + e**2 / delta**2), hypot1(e / delta)),
    # logarithms
    "L1": (log(exp(p) / (1 + exp(p))), -softplus(-p)),
    "L1 powers": (log((1 / (1 + exp(-p))) ** gamma), -gamma * softplus(-p)),
    "L1 softmax": (log(exp(p) / exp(rung)), p - rung),
    "L1 rest": (log(q * exp(p)), p + log(q)),
    "L2": (log((exp(e) + exp(-e)) / 2), log_cosh(e)),
    "L2 sech2": (log(1 - tanh(p) ** 2), -2 * log_cosh(p)),
    "L2 halves": (e + log(1 + exp(-2 * e)) - log(2), log_cosh(e)),
    "L3": (log(1 + p), log1p(p)),
    "L3 square": (log(1 + e**2), log1p(e**2)),
    "L3 root": (log(sqrt(1 + e**2)), log1p(e**2) / 2),
    "L3 difference": (log(1 - exp(-p)), log1mexp(-p)),
    # sums
    "A1 complement": (1 - 1 / (1 + exp(-p)), sigmoid(-p)),
    "A1 difference": (1 - exp(p - rung), -expm1(p - rung)),
    "A1 tanh": (2 * sigmoid(p) - 1, tanh(p / 2)),
    "A1 half": ((1 + tanh(p)) / 2, sigmoid(2 * p)),
    "A1 squares": (1 - sigmoid(p) ** 2, (sigmoid(-p) + 2 * sigmoid(p)) * sigmoid(-p)),
    "A1 targets": (-y * sigmoid(-p) + (1 - y) * sigmoid(p), sigmoid(p) - y),
    "A1 opened": (
        sigmoid(-p) ** 2 * sigmoid(p) - (sigmoid(-p) + 2 * sigmoid(p)) * sigmoid(-p) * sigmoid(p),
        -2 * sigmoid(-p) * sigmoid(p) ** 2,
    ),
    "A1 bose": (bose(p) + 1, -bose(-p)),
    "A2": (softplus(p) - p, softplus(-p)),
    "A2 both": (y * softplus(-p) + (1 - y) * softplus(p), softplus(p) - p * y),
    "A2 kink": (Max(p, 0) + log(1 + exp(-Abs(p))), softplus(p)),
    "A3": ((q + 1) * exp(p) - exp(p), q * exp(p)),
    "A4 hypot": (q * sqrt(1 + p**2) - q, q * hypot1m1(p)),
    "A4 root": (sqrt(1 + p) - 1, sqrt1pm1(p)),
    "A4 scaled": (sqrt(delta**2 + p**2) - delta, delta * hypot1m1(p / delta)),
    "A4 exp": (exp(p) - 1 - p, expm1mx(p)),
    "A4 erf": (1 - erf(p), erfc(p)),
    "A5": (1 / hypot1(p) - p**2 / hypot1(p) ** 3, hypot1(p) ** -3),
    "A5 rational": (e / (1 + e**2) - e**3 / (1 + e**2) ** 2, e / (1 + e**2) ** 2),
    # SymPy's functions
    "F relu": (Max(0, p), relu(p)),
    "F clip": (Max(S(1) / 4, Min(p, 1)), clip(p, Rational(1, 4), 1)),
    "F clip, other way": (Min(1, Max(p, 0)), clip(p, 0, 1)),
    "F abs": (Abs(p), absolute(p)),
    "F decimals": (0.1 * p, p / 10),
}

REFUSED = {
    # rule: (input, what comes out, why the tempting result is wrong)
    "L3": (log(1 + y * tanh(p)), log(1 + y * tanh(p)), "log1p(tanh) is −inf for p < −9"),
    "A1 cofactors": (sigmoid(p) - y, sigmoid(p) - y, "there is no common factor to take out"),
    "A1 unrelated exponents": (
        exp(p - rung) - exp(y - q), exp(p - rung) - exp(y - q), "expm1 of four addends loses two softmaxes",
    ),
    "A1 no factor": (exp(p) - 2, exp(p) - 2, "the root is log 2, which is no float"),
    "M2 exponents": (exp(p * (1 - q)), exp(p * (1 - q)), "exp(p − p·q) doubles the rounding error"),
    "M2 guard": (
        power_slope(1 - p, gamma), power_slope(1 - p, gamma), "γ·(1−p)^(γ−1) is 0·inf for γ = 0 at p = 1",
    ),
    "A3": (
        (1 - y) * exp(p) - q * exp(p), (1 - y) * exp(p) - q * exp(p), "1 − y − q is no exact 0 at y = 1",
    ),
    "F clip": (Max(1, Min(p, q)), maximum(minimum(p, q), 1), "q may be below 1"),
}

LAST = {
    "sigmoid": (sigmoid(p) - y, (1 - y) * sigmoid(p) - y * sigmoid(-p)),
    "sigmoid, scaled": (3 * sigmoid(p) - 3 * y, 3 * (1 - y) * sigmoid(p) - 3 * y * sigmoid(-p)),
    "softplus": (softplus(p) - p * y, (1 - y) * softplus(p) + y * softplus(-p)),
    "smoothing": (
        sigmoid(p) - y * (1 - smoothing) - smoothing / 2,
        ((1 - smoothing / 2) * (1 - y) + smoothing * y / 2) * sigmoid(p)
        + (-y * (1 - smoothing) - smoothing / 2) * sigmoid(-p),
    ),
    "weights": (
        p * (1 - y) + (1 + (weight - 1) * y) * softplus(-p),
        weight * y * softplus(-p) + (1 - y) * softplus(p),
    ),
    "inside a square": ((sigmoid(p) - y) ** 2, ((1 - y) * sigmoid(p) - y * sigmoid(-p)) ** 2),
    "labels": (q * sigmoid(-p) - y * sigmoid(p) + sigmoid(p), q * sigmoid(-p) + (1 - y) * sigmoid(p)),
    "clip": (1 / (1 - clip(p, LOW, HIGH)), 1 / clip(1 - p, LOW, HIGH)),
    "clip of a sum": (1 - clip(p - q, 0, 1), clip(1 - keep(p - q), 0, 1)),
    "power": (1 - power(p, gamma), -expm1(xlogy(gamma, p))),
    "power of sigmoid": (1 - sigmoid(p) ** delta, -expm1(-delta * softplus(-p))),
    "conjugate": (delta**2 * hypot1m1(p / delta), p * keep(p / (hypot1(p / delta) + 1))),
    "squares": (e / (1 + e**2), unit_hypot(e) * keep(1 / hypot1(e))),
    "logarithm": (log1p(e**2), 2 * log1p(hypot1m1(e))),
    "quotient": (
        log((p**2 + 1) / (q**2 + 1)),
        keep(signum(p**2 - q**2) * log1p(absolute(p**2 - q**2) / minimum(p**2 + 1, q**2 + 1))),
    ),
    "squares of one": (
        2 / (1 + e**2) - 4 * e**2 / (1 + e**2) ** 2,
        2 * keep(1 / hypot1(e)) ** 2 * keep(keep(1 / hypot1(e)) - unit_hypot(e))
        * (keep(1 / hypot1(e)) + unit_hypot(e)),
    ),
    "root": (
        sqrt(e**2 + delta**2),
        maximum(absolute(e), delta) * hypot1(minimum(absolute(e), delta) / maximum(absolute(e), delta)),
    ),
    "fading": (e**2 * exp(-(e**2) / 2), keep(e * exp(-(e**2) / 4)) ** 2),
    "inverse": ((1 + p) ** -2, keep(1 / (1 + p)) ** 2),
    "logarithm of exponentials": (
        log1mexp(-delta * exp(p)),
        Piecewise(
            (p + log(delta) + log(exprel(-delta * exp(p))), p + log(delta) < 0),
            (log1mexp(-delta * exp(p)), True),
        ),
    ),
    "curvature of exponentials": (
        exp(p) * exprel_slope(exp(p)) / exprel(exp(p)) ** 2,
        exp(p) * keep(1 - exprel_slope(-exp(p)) / exprel(-exp(p))) / exprel(exp(p)),
    ),
    "exponential": (y * exp(-p), xdivy(xdivy(y, exp(p / 2)), exp(p / 2))),
    "tanh is left": (y - tanh(p), y - tanh(p)),
}


def agree(before, after, seed, count=30, digits=80):
    """Both have the same value at points small and large; the number of points that could be compared."""
    source = random.Random(seed)
    compared = 0
    for index in range(count):
        values = point(source, (1, 3, 30)[index % 3])
        values |= {q: source.uniform(0.5, 3), smoothing: 0.1, weight: 2.5}
        results = [_settled(each, values, digits) for each in (before, after)]
        if results[0] is None:
            continue
        assert results[1] is not None, (after, values)
        compared += 1
        assert abs(results[0] - results[1]) <= 1e-12 * abs(results[0]), (before, after, values)
    return compared


def _settled(expression_, values, digits):
    """The value once more digits do not change it; None where there is none."""
    previous = None
    for precision in (digits, 4 * digits, 16 * digits):
        try:
            value = exact(expression_, values, precision)
        except (TypeError, ValueError, ZeroDivisionError, OverflowError):
            return None
        if isnan(value):
            return None
        if isinf(value) or value == 0:
            continue
        if previous is not None and abs(value - previous) <= abs(value) * mpf(10) ** -18:
            return value
        previous = value
    return None


@pytest.mark.parametrize("name", RULES)
def test_rule(name):
    before, after = RULES[name]
    result = stabilise(before, nonnegative={y})
    assert result == after
    assert stabilise(result, nonnegative={y}) == result
    assert agree(before, result, name) >= 8


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    before, after, why = REFUSED[name]
    assert stabilise(before) == after, why


@pytest.mark.parametrize("name", LAST)
def test_last_rewrite(name):
    before, after = LAST[name]
    result = accurate(before, targets={y})
    assert sympy.expand(result - after) == 0
    if name != "clip of a sum":
        assert agree(before, result, name) >= 8


def test_logarithm_of_a_clip():
    for before in (log(clip(p, LOW, HIGH)), log(1 - clip(p, LOW, HIGH)), log1p(-clip(p, LOW, HIGH))):
        result = accurate(before)
        assert result.func is clip
        for value in (-1, 0, 1e-30, 1e-7, 0.3, 0.9999999, 0.99999995, 1, 2):
            wanted, got = exact(before, {p: value}), exact(result, {p: value})
            assert abs(wanted - got) <= 1e-20 * abs(wanted), (before, value)


def test_power_less_one():
    before = expm1(gamma * log1p(e**2))
    result = accurate(before, targets={y})
    for exponent in (-2.0, -0.5, 0.5, 1.0):
        for value in (1e-30, 5e-8, 1e-3, 0.03, 0.3, 0.5, 1.0, 1.5, 1e3, 1e15):
            at = {p: value, y: 0.0, gamma: exponent}
            assert ulps(rounded(result, at, {p, y}), exact(before, at, 100)) < 8, at


def test_power_less_one_with_a_large_exponent():
    result = accurate(expm1(gamma * log1p(e**2)), targets={y})
    for exponent, value in ((8.0, 30.0), (12.0, 20.0), (20.0, 3.0), (5.0, 1e-4)):
        at = {p: value, y: 0.0, gamma: exponent}
        assert ulps(rounded(result, at, {p, y}), exact((1 + p**2) ** gamma - 1, at, 100)) < 24, at


def test_labels_cancel_exactly():
    """f − y·f is 0 for the label 1, whatever stands between the two."""
    result = accurate(q * sigmoid(-p) - y * sigmoid(p) + sigmoid(p), targets={y})
    for value in (0.5, 3.0, 12.0):
        at = {p: value, y: 1.0, q: 1e-3}
        at = {symbol: float(numpy.float32(number)) for symbol, number in at.items()}
        assert ulps(rounded(result, at, {p, y, q}), exact(q * sigmoid(-p), at)) < 4, at


def test_log_two_sigmoid():
    result = accurate(stabilise(log(1 + tanh(p))))
    for value in (-300.0, -20.0, -1.0, -1e-8, 1e-8, 1.0, 20.0, 300.0):
        assert ulps(rounded(result, {p: value}, {p}), exact(log(1 + tanh(p)), {p: value}, 400)) < 3, value


# Naive formulas: how many ulp of float32 remain ------------------------------------------------------------

s, t = 1 / (1 + exp(-p)), exp(p) / (1 + exp(p))
SIZES = (0, 1e-30, 1e-10, 1e-4, 0.3, 2.7, 20, 90, 2e3)
LOGITS = tuple(sign * size for size in SIZES for sign in (1, -1))
SHORTER = tuple(value for value in LOGITS if abs(value) < 30)
PROBABILITIES = (1e-30, 1e-10, 1e-4, 0.3, 0.9, 0.999999)

NAIVE = {
    # formula, predictions, targets, ulp of value, gradient, Hessian; None where the exact result has a zero
    "BCE, naive": (-y * log(s) - (1 - y) * log(1 - s), LOGITS, (0, 1), (2, 2, 2)),
    "BCE, e^p": (-y * log(t) - (1 - y) * log(1 - t), LOGITS, (0, 1), (2, 2, 2)),
    "BCE, with |p|": (Max(p, 0) - p * y + log(1 + exp(-Abs(p))), LOGITS[2:], (0, 1), (2, 2, 2)),
    "BCE, log(1+e^p)": (log(1 + exp(p)) - y * p, LOGITS, (0, 1, 0.3), (2, 7, 2)),
    "margin": (log(1 + exp(-y * p)), LOGITS, (-1, 1), (2, 2, 2)),
    "margin, logistic": (-log(1 / (1 + exp(-y * p))), LOGITS, (-1, 1), (2, 2, 2)),
    "focal": (
        -y * (1 - s) ** gamma * log(s) - (1 - y) * s**gamma * log(1 - s),
        SHORTER, (0, 1), (2, 4, None),
    ),
    "Brier": ((s - y) ** 2, LOGITS, (0, 1), (4, 4, 30)),
    "log-cosh": (log(cosh(e)), LOGITS, (0, 1, 0.3), (2, 1, 40)),
    "log-cosh, e^-2": (e + log(1 + exp(-2 * e)) - log(2), LOGITS, (0, 1, 0.3), (2, 1, 40)),
    "pseudo-Huber": (sqrt(1 + e**2) - 1, LOGITS, (0, 1, 0.3), (2, 1, 4)),
    "pseudo-Huber, δ": (delta**2 * (sqrt(1 + (e / delta) ** 2) - 1), LOGITS, (0, 1, 0.3), (3, 2, 5)),
    "log(1−e^−p)": (log(1 - exp(-p)), LOGITS[2::2], (0,), (1, 1, 2)),
    "log(1−tanh²)": (-log(1 - tanh(p) ** 2), LOGITS, (0,), (1, 1, 1)),
    "(e^p−1)/p": ((exp(p) - 1) / p, LOGITS[2:], (0,), (1, 1, 1)),
    "e^p−1−p": (exp(p) - 1 - p, LOGITS, (0,), (1, 1, 1)),
    "e^p": (exp(p) - y * p, LOGITS, (0,), (1, 1, 1)),
    "power": ((1 - p) ** gamma, PROBABILITIES, (0,), (2, 2, 2)),
    "power·log": (-((1 - p) ** gamma) * log(p), PROBABILITIES, (0,), (2, 2, 2)),
    "GCE": ((1 - p**gamma) / gamma, PROBABILITIES, (0,), (2, 2, 2)),
    "KL": (y * log(y / p), PROBABILITIES, (0.25, 0.5), (2, 2, 2)),
    "cross-entropy, softmax": (-y * log(exp(p) / exp(rung)), LOGITS, (0, 1, 0.3), (2, 1, 1)),
    "probabilities": (
        -y * log(clip(p, LOW, HIGH)) - (1 - y) * log(1 - clip(p, LOW, HIGH)),
        PROBABILITIES, (0, 1), (2, 2, 2),
    ),
    "Tweedie": (exp(p * Rational(1, 2)) * 2 + y * exp(-p / 2) * 2, LOGITS, (0, 1, 1e-30), (4, None, 4)),
    "Gauss, log-variance": (p / 2 + y**2 * exp(-p) / 2, LOGITS, (1e-20, 0), (4, None, 4)),
    "Cauchy": (log(1 + e**2), LOGITS, (0, 0.3), (3, 3, None)),
    "Geman-McClure": (e**2 / (1 + e**2), LOGITS, (0, 0.3), (3, 5, None)),
    "Charbonnier": (sqrt(e**2 + delta**2), LOGITS, (0, 0.3), (3, 3, 5)),
    "squared hinge": (Max(1 - y * p, 0) ** 2, LOGITS, (-1, 1), (3, 2, 1)),
    "JS": (log(2 * s), LOGITS, (0,), (3, 2, 2)),
}


@pytest.mark.parametrize("name", NAIVE)
def test_digits_left(name):
    formula, predictions, targets, bounds = NAIVE[name]
    raw, stable = formula, stabilise(formula, nonnegative={y})
    exponents = (2.0, 0.5, 0.0) if formula.has(gamma) and name != "GCE" else (0.75,)
    for bound in bounds:
        kernel = accurate(stable, targets={y})
        for prediction in predictions if bound else ():
            for target in targets:
                for exponent in exponents:
                    values = {p: prediction, y: target, gamma: exponent, delta: 1.5}
                    values[rung] = max(prediction, 0) + 0.4
                    values = {symbol: float(numpy.float32(value)) for symbol, value in values.items()}
                    wanted = exact(raw, values, 150 + int(2 * abs(prediction)))
                    error = ulps(rounded(kernel, values, {p, y}), wanted)
                    assert error <= bound, (str(kernel), values, error)
        raw, stable = raw.diff(p), stabilise(stable.diff(p), nonnegative={y})


def test_kinks_have_the_declared_slope():
    smooth = stabilise(Max(p, 0) + log(1 + exp(-Abs(p))))
    assert smooth.diff(p).subs(p, 0) == Rational(1, 2)
    assert smooth.diff(p, 2).subs(p, 0) == Rational(1, 4)
    assert stabilise(Max(p, 0)).diff(p).subs(p, 0) == 0
    assert stabilise(Abs(p)).diff(p).subs(p, 0) == 0
    assert stabilise(stabilise(stabilise(Max(p, 0) ** 2).diff(p)).diff(p)) == 2 * step(p)


def test_focal_at_certainty():
    slope = stabilise(stabilise((1 - p) ** gamma).diff(p))
    curvature = stabilise(slope.diff(p))
    assert slope == -power_slope(1 - p, gamma)
    for exponent, first, second in ((0, 0, 0), (1, -1, 0), (2, 0, 2)):
        at = {p: 1, gamma: exponent}
        assert (exact(slope, at), exact(curvature, at)) == (first, second)


def test_piecewise_keeps_its_conditions():
    huber = Piecewise((e**2 / 2, Abs(e) <= delta), (delta * (Abs(e) - delta / 2), True))
    result = stabilise(huber)
    condition = delta >= absolute(e)
    assert result.args[0][1] == condition
    assert stabilise(result.diff(p)) == Piecewise((e, condition), (delta * signum(e), True))
    assert accurate(result).args[0][1] == condition


def test_order_of_a_written_maximum_is_kept():
    assert stabilise(maximum(q, p)) == maximum(q, p)
    assert stabilise(maximum(p, q)) == maximum(p, q)
    assert stabilise(maximum(p, q).diff(q)) == 1 - greater(p, q)
    assert stabilise(maximum(p, S.Zero)) == relu(p)


def test_clip_slope():
    assert stabilise(Min(Max(p, 0), 1)).diff(p) == inside(p, 0, 1)


def test_nonnegative_symbols_are_the_callers():
    result = stabilise(y * log(y / p), nonnegative={y})
    assert result.free_symbols == {y, p}
    assert stabilise(y * log(y / p)) == y * log(y / p)


def test_trace_tells_every_step():
    trace = []
    stabilise(log(1 / (1 + exp(-Abs(p)))), trace=trace)
    rules = [rule for rule, _, _ in trace]
    assert rules[0] == "atoms" and "logarithm of a product" in rules
    for _, before, after in trace:
        assert before != after
        assert agree(before, after, str(before), count=6) > 0
    trace.clear()
    accurate(sigmoid(p) - y, targets={y}, trace=trace)
    assert [rule for rule, _, _ in trace] == ["complement of sigmoid"]


def test_random_nests():
    source = random.Random(5)
    compared = 0
    for _ in range(120):
        before = expression(source, source.choice((2, 3)))
        if before.has(sympy.nan, sympy.zoo, sympy.oo) or sympy.count_ops(before) > 40:
            continue
        after = stabilise(before, nonnegative={y})
        assert stabilise(after, nonnegative={y}) == after
        compared += agree(before, after, str(before), count=4)
        compared += agree(before, accurate(after, targets={y}), str(before), count=4)
        slope = stabilise(after.diff(p), nonnegative={y})
        if not before.has(Abs, Max):
            compared += agree(before.diff(p), slope, str(before), count=4)
    assert compared > 800


def test_a_wrong_rule_would_be_caught():
    with pytest.raises(AssertionError):
        agree(sigmoid(p) * y + p, sigmoid(p) * y + p + Rational(1, 10**9) * sigmoid(p), 1)
