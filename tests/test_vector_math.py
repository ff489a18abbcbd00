"""Vector math against mpmath, and float32 densely against float64; special values; that loops vectorise."""

import platform
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from mpmath import mp, mpf
from numba import njit
from polynomial_fits import RECIPES, fit, rounded, worst_error

import lossgen as lg
from lossgen.runtime import vector_math
from lossgen.runtime.vector_math import coefficients, formats

INF, NAN = np.inf, np.nan
OPTIONS = dict(nogil=True, fastmath={"nsz"}, error_model="numpy")  # FAST without the cache


@dataclass(frozen=True)
class Row:
    """A function of the table: bounds in units in the last place of the exact result.

    reference     mpmath arguments -> exact result
    ulp32, ulp64  greatest error allowed
    domains       the range of every argument that is compared with the reference
    """

    reference: Callable
    ulp32: float
    ulp64: float
    domains: tuple[tuple[float, float], ...] = ((-1e300, 1e300),)


def one(low, high):
    return ((low, high),)


def cancelling(function):
    """A textbook form that cancels: evaluated with as many digits more as may be lost."""

    def reference(*arguments):
        smallest = min((abs(x) for x in arguments if x != 0), default=mpf(1))
        with mp.workdps(80 + 4 * max(0, int(-mp.log10(smallest)))):
            return function(*arguments)

    return reference


def log1mexp(x):
    return mp.log1p(-mp.exp(x)) if x < -1 else mp.log(-mp.expm1(x))


def sigmoid_slope(x):
    return mp.exp(-abs(x)) / (1 + mp.exp(-abs(x))) ** 2


def power(x, a):
    if a == 0:
        return mpf(1)
    if x == 0:
        return mpf(0) if a > 0 else mp.inf
    return mp.power(x, a)


def times(factor, value):
    return mpf(0) if factor == 0 else factor * value


EXPONENT = (-745.0, 709.0)
EVERYTHING = (-1e300, 1e300)
POSITIVE = (1e-320, 1e300)
BOUNDED = (EVERYTHING, (-2.0, -1.0), (0.5, 1.5))
POWER = ((1e-320, 1e300), (-4.0, 4.0))
MODERATE = ((1e-60, 1e60), (-4.0, 4.0))  # beyond, a power may leave the range that its multiple is in

TABLE = {
    "exp": Row(mp.exp, 1.0, 1.0, (EXPONENT,)),
    "exp2": Row(lambda x: mp.power(2, x), 1.0, 1.0, one(-1074.0, 1023.0)),
    "expm1": Row(mp.expm1, 1.0, 1.2, (EXPONENT,)),
    "bose": Row(lambda x: 1 / mp.expm1(x), 2.3, 2.3, (EXPONENT,)),
    "exprel": Row(lambda x: mp.expm1(x) / x, 2.3, 2.3, (EXPONENT,)),
    "exprel_slope": Row(cancelling(lambda x: ((x - 1) * mp.exp(x) + 1) / x**2), 3.0, 3.0, (EXPONENT,)),
    "exprel_curvature": Row(
        cancelling(lambda x: ((x * x - 2 * x + 2) * mp.exp(x) - 2) / x**3), 3.6, 3.6, (EXPONENT,)
    ),
    "expm1mx": Row(cancelling(lambda x: mp.exp(x) - 1 - x), 3.0, 3.0, (EXPONENT,)),
    "log": Row(mp.log, 1.0, 1.0, (POSITIVE,)),
    "log2": Row(lambda x: mp.log(x, 2), 1.0, 1.0, (POSITIVE,)),
    "log1p": Row(mp.log1p, 1.0, 1.0, one(-0.9999999, 1e300)),
    "log1mexp": Row(log1mexp, 1.1, 1.0, one(-745.0, -1e-320)),
    "xlogy": Row(lambda x, y: x * mp.log(y), 1.7, 1.7, ((-1e30, 1e30), POSITIVE)),
    "xlog1py": Row(lambda x, y: x * mp.log1p(y), 2.3, 2.3, ((-1e30, 1e30), (-0.9999999, 1e300))),
    "xdivy": Row(lambda x, y: x / y, 0.5, 0.5, ((-1e300, 1e300), (1e-300, 1e300))),
    "sigmoid": Row(lambda x: 1 / (1 + mp.exp(-x)), 1.6, 1.6, (EXPONENT,)),
    "sigmoid_slope": Row(sigmoid_slope, 2.5, 2.5, one(-745.0, 745.0)),
    "softplus": Row(lambda x: mp.log1p(mp.exp(x)), 1.0, 1.5, (EXPONENT,)),
    "log_sigmoid": Row(lambda x: -mp.log1p(mp.exp(-x)), 1.0, 1.5, one(-709.0, 745.0)),
    "sech2": Row(lambda x: mp.sech(x) ** 2, 2.5, 2.5, one(-372.0, 372.0)),
    "tanh": Row(mp.tanh, 1.5, 1.5, one(-1e3, 1e3)),
    "sinh": Row(mp.sinh, 3.0, 3.0, one(-88, 88)),
    "cosh": Row(mp.cosh, 2.5, 2.5, one(-88, 88)),
    "log_cosh": Row(lambda x: mp.log1p(2 * mp.sinh(x / 2) ** 2), 2.2, 2.2, one(-1e3, 1e3)),
    "cbrt": Row(lambda x: mp.sign(x) * mp.cbrt(abs(x)), 1.0, 1.0),
    "hypot1": Row(lambda x: mp.sqrt(1 + x * x), 1.0, 1.0),
    "hypot1m1": Row(lambda x: x * x / (1 + mp.sqrt(1 + x * x)), 3.0, 3.0),
    "unit_hypot": Row(lambda x: x / mp.sqrt(1 + x * x), 2.0, 2.0),
    "sqrt1pm1": Row(lambda x: x / (1 + mp.sqrt(1 + x)), 2.3, 2.3, one(-1.0, 1e300)),
    "sqrt": Row(mp.sqrt, 0.5, 0.5, one(0.0, 1e300)),
    "square": Row(lambda x: x * x, 0.5, 0.5),
    "power": Row(power, 0.6, 0.7, POWER),
    "power_slope": Row(lambda x, a: times(a, power(x, a - 1)), 0.6, 1.6, POWER),
    "power_curvature": Row(lambda x, a: times(a * (a - 1), power(x, a - 2)), 0.6, 2.2, MODERATE),
    "power_log": Row(lambda x, a: power(x, a) * mp.log(x), 0.6, 2.0, MODERATE),
    "absolute": Row(abs, 0.0, 0.0),
    "keep": Row(lambda x: x, 0.0, 0.0),
    "relu": Row(lambda x: max(x, mpf(0)), 0.0, 0.0),
    "step": Row(lambda x: mpf(x > 0), 0.0, 0.0),
    "signum": Row(mp.sign, 0.0, 0.0),
    "greater": Row(lambda a, b: mpf(a > b), 0.0, 0.0, (EVERYTHING, EVERYTHING)),
    "maximum": Row(max, 0.0, 0.0, (EVERYTHING, EVERYTHING)),
    "minimum": Row(min, 0.0, 0.0, (EVERYTHING, EVERYTHING)),
    "clip": Row(lambda x, low, high: max(low, min(x, high)), 0.0, 0.0, BOUNDED),
    "inside": Row(lambda x, low, high: mpf(low <= x <= high), 0.0, 0.0, BOUNDED),
    "sin": Row(mp.sin, 1.0, 1.0, one(-1e5, 1e5)),
    "cos": Row(mp.cos, 1.0, 1.0, one(-1e5, 1e5)),
    "atan": Row(mp.atan, 2.0, 2.0),
    "erf": Row(mp.erf, 1.0, 1.0, one(-1e3, 1e3)),
    "erfc": Row(mp.erfc, 1.0, 1.5, one(-8.0, 27.2)),
    "lgamma": Row(mp.loggamma, 1.0, 1.5, one(1e-320, 1e300)),
    "digamma": Row(mp.digamma, 1.0, 1.5, one(1e-307, 1e300)),
    "trigamma": Row(lambda x: mp.psi(1, x), 1.0, 1.5, one(1e-153, 1e300)),
}


@cache
def compiled(name):
    function = getattr(vector_math, name)
    count = len(TABLE[name].domains)
    if count == 1:

        @njit(**OPTIONS)
        def loop(x, out):
            for i in range(x.size):
                out[i] = function(x[i])

    elif count == 2:

        @njit(**OPTIONS)
        def loop(x, y, out):
            for i in range(x.size):
                out[i] = function(x[i], y[i])

    else:

        @njit(**OPTIONS)
        def loop(x, y, z, out):
            for i in range(x.size):
                out[i] = function(x[i], y[i], z[i])

    return loop


def run(name, *arguments):
    arguments = [np.ascontiguousarray(x) for x in arguments]
    out = np.empty_like(arguments[0])
    compiled(name)(*arguments, out)
    return out


def stratified(dtype, count, low, high):
    """Numbers spaced evenly over all exponents, and evenly around 0, that lie in the range."""
    word = np.uint32 if dtype == np.float32 else np.uint64
    with np.errstate(over="ignore"):
        infinity = int(np.array(np.inf, dtype).view(word))
        positive = np.linspace(1, infinity - 1, count).astype(word).view(dtype)
        even = [np.linspace(-scale, scale, count, dtype=dtype) for scale in (1, 4, 100)]
        x = np.concatenate([positive, -positive, *even])
        return np.unique(x[(x != 0) & (x >= low) & (x <= high)])


def samples(name, dtype, count):
    generator = np.random.default_rng(7)
    domains = TABLE[name].domains
    drawn = [stratified(dtype, count, *domain) for domain in domains]
    size = max(x.size for x in drawn)
    return [x if len(domains) == 1 else generator.choice(x, size) for x in drawn]


def errors(found, exact):
    """Distance in units in the last place of the exact result, a sequence of floats or mpf."""
    dtype = found.dtype
    limits = np.finfo(dtype)
    with np.errstate(all="ignore"):
        nearest = np.array([float(x) for x in exact]).astype(dtype)
        unit = np.maximum(np.spacing(np.minimum(np.abs(nearest), limits.max)), limits.smallest_subnormal)
    result = np.zeros(found.size)
    for i in np.flatnonzero(found != nearest):
        if np.isnan(found[i]) or np.isinf(found[i]) or np.isinf(nearest[i]):
            result[i] = 0 if np.isnan(found[i]) and np.isnan(nearest[i]) else INF
        else:
            result[i] = abs(mpf(float(found[i])) - mpf(exact[i])) / mpf(float(unit[i]))
    return result


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", TABLE)
def test_accuracy(name, dtype):
    row = TABLE[name]
    arguments = samples(name, dtype, 160)
    with mp.workdps(50):
        points = [[mpf(float(x)) for x in point] for point in zip(*arguments, strict=True)]
        exact = [mpf(row.reference(*point)) for point in points]
        found = errors(run(name, *arguments), exact)
    worst = int(np.argmax(found))
    bound = row.ulp32 if dtype == np.float32 else row.ulp64
    assert found[worst] <= bound, f"{name}{tuple(x[worst] for x in arguments)}: {found[worst]:.2f} ulp"


@pytest.mark.parametrize("name", TABLE)
def test_float32_agrees_with_float64(name):
    """Densely, over every float32 exponent: the float64 function is the reference."""
    arguments = samples(name, np.float32, 60_001)
    found = run(name, *arguments).astype(np.float64)
    exact = run(name, *(x.astype(np.float64) for x in arguments))
    with np.errstate(all="ignore"):
        nearest = exact.astype(np.float32)
        unit = np.maximum(np.spacing(np.abs(nearest)).astype(np.float64), 2.0**-149)
        error = np.where(found == nearest, 0, np.abs(found - exact) / unit)
    worst = int(np.argmax(np.where(np.isnan(error), INF, error)))
    message = f"{name}{tuple(x[worst] for x in arguments)}: {error[worst]:.2f} ulp"
    assert error[worst] <= TABLE[name].ulp32 + 1e-6, message


@pytest.mark.parametrize("name", [name for name in TABLE if name not in {"keep"}])
def test_nan_in_nan_out(name):
    for dtype in (np.float32, np.float64):
        for place in range(len(TABLE[name].domains)):
            arguments = [np.array([1.5], dtype) for _ in TABLE[name].domains]
            arguments[place][:] = NAN
            if name in {"clip", "inside"} and place > 0:
                continue  # bounds are parameters
            assert np.isnan(run(name, *arguments)[0]), place


SPECIAL = {
    "exp": {-INF: 0, 0: 1, INF: INF, -1e5: 0, 1e5: INF},
    "expm1": {-INF: -1, 0: 0, INF: INF},
    "bose": {-INF: -1, INF: 0},
    "exprel": {-INF: 0, 0: 1, INF: INF},
    "exprel_slope": {-INF: 0, 0: 0.5, INF: INF},
    "exprel_curvature": {-INF: 0, 0: 1 / 3, INF: INF},
    "expm1mx": {-INF: INF, 0: 0, INF: INF},
    "log": {0: -INF, 1: 0, INF: INF, -1: NAN, -INF: NAN},
    "log1p": {-1: -INF, 0: 0, INF: INF, -1.5: NAN, -INF: NAN},
    "log1mexp": {-INF: 0, 0: -INF, 1: NAN, INF: NAN},
    "sigmoid": {-INF: 0, 0: 0.5, INF: 1},
    "sigmoid_slope": {-INF: 0, 0: 0.25, INF: 0},
    "softplus": {-INF: 0, INF: INF},
    "sech2": {-INF: 0, 0: 1, INF: 0},
    "tanh": {-INF: -1, 0: 0, INF: 1},
    "sinh": {-INF: -INF, 0: 0, INF: INF},
    "cosh": {-INF: INF, 0: 1, INF: INF},
    "log_cosh": {-INF: INF, 0: 0, INF: INF},
    "hypot1": {-INF: INF, 0: 1, INF: INF},
    "hypot1m1": {-INF: INF, 0: 0, INF: INF},
    "unit_hypot": {-INF: -1, 0: 0, INF: 1},
    "sqrt1pm1": {-1: -1, 0: 0, INF: INF, -2: NAN},
    "relu": {-INF: 0, 0: 0, INF: INF},
    "step": {-INF: 0, 0: 0, INF: 1},
    "signum": {-INF: -1, 0: 0, INF: 1},
    "exp2": {-INF: 0, 0: 1, 3: 8, INF: INF, -1e5: 0, 1e5: INF},
    "log2": {0: -INF, 1: 0, 8: 3, 0.5: -1, INF: INF, -1: NAN, -INF: NAN},
    "log_sigmoid": {-INF: -INF, INF: 0},
    "cbrt": {-INF: -INF, 0: 0, 8: 2, -27: -3, INF: INF},
    "sin": {-INF: NAN, 0: 0, INF: NAN},
    "cos": {-INF: NAN, 0: 1, INF: NAN},
    "atan": {-INF: -np.pi / 2, 0: 0, INF: np.pi / 2},
    "lgamma": {-INF: INF, 0: INF, 1: 0, 2: 0, -3: INF, INF: INF},
    "digamma": {-INF: NAN, 0: -INF, -2: NAN, INF: INF},
    "trigamma": {-INF: NAN, 0: INF, -2: INF, INF: 0},
    "erf": {-INF: -1, INF: 1},
    "erfc": {-INF: 2, INF: 0},
    "xlogy": {(0, 0): 0, (0, INF): 0, (1, 0): -INF, (0, -1): 0},
    "xlog1py": {(0, -1): 0, (0, INF): 0, (1, -1): -INF},
    "xdivy": {(0, 0): 0, (1, 0): INF},
    "greater": {(INF, -INF): 1, (1, 1): 0, (-INF, INF): 0},
    "power": {
        (0, 0): 1, (0, 2): 0, (0, 0.5): 0, (0, -1): INF, (NAN, 0): 1, (INF, 2): INF, (INF, -2): 0,
        (1, 1e30): 1, (-2, 3): -8, (-2, 2): 4, (-2, -1): -0.5, (-2, 0.5): NAN, (-INF, 3): -INF,
        (-7, 1): -7, (1e-40, 1): 1e-40, (7, 1): 7,
    },
    "power_slope": {(0, 0): 0, (0, 1): 1, (0, 2): 0, (0, 0.5): 0, (3, 2): 6, (-3, 2): -6, (0, 3): 0},
    "power_curvature": {(0, 0): 0, (0, 1): 0, (0, 2): 2, (0, 3): 0, (3, 3): 18},
    "power_log": {(0, 2): 0, (0, 0): 0, (1, 3): 0, (-1, 2): NAN},
    "maximum": {(1, INF): INF, (-INF, 2): 2},
    "minimum": {(1, -INF): -INF, (INF, 2): 2},
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(name, dtype):
    for arguments, expected in SPECIAL[name].items():
        point = arguments if isinstance(arguments, tuple) else (arguments,)
        found = run(name, *(np.full(20, x, dtype) for x in point))
        np.testing.assert_array_equal(found, np.full(20, expected, dtype), f"{name}{point}")


def test_tails_underflow_gradually():
    x = np.array([-100], np.float32)
    for name in ("exp", "sigmoid", "softplus", "sigmoid_slope"):
        np.testing.assert_array_equal(run(name, x), np.exp(x.astype(np.float64)).astype(np.float32), name)


@pytest.mark.parametrize("name", ["lgamma", "digamma", "trigamma"])
def test_gamma_family_left_of_zero(name):
    """Where lgamma and digamma are 0 only the absolute error is small."""
    x = np.random.default_rng(3).uniform(-50, 0, 400)
    references = {
        "lgamma": lambda v: mp.log(abs(mp.gamma(v))),
        "digamma": mp.digamma,
        "trigamma": lambda v: mp.psi(1, v),
    }
    found = run(name, x)
    with mp.workdps(40):
        exact = [references[name](mpf(float(v))) for v in x]
        error = [float(abs(mpf(float(f)) - e)) for f, e in zip(found, exact, strict=True)]
    unit = np.spacing(np.abs(np.array(exact, np.float64)))
    absolute = 0 if name == "trigamma" else 1e-15
    assert np.all(error <= absolute + 2 * unit), np.max(error - 2 * unit)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["sin", "atan", "erf", "tanh", "sinh", "cbrt", "expm1"])
def test_zero_keeps_its_sign(name, dtype):
    found = run(name, np.array([0.0, -0.0], dtype))
    assert found.tolist() == [0, 0] and np.signbit(found).tolist() == [False, True]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_digamma_is_infinite_of_either_sign_at_0(dtype):
    assert run("digamma", np.array([0.0, -0.0], dtype)).tolist() == [-INF, INF]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["sin", "cos"])
def test_sine_and_cosine_of_anything_are_at_most_1(name, dtype):
    x = stratified(dtype, 10_000, -np.finfo(dtype).max, np.finfo(dtype).max)
    assert np.abs(run(name, x)).max() <= 1


def test_exponent_of_a_power_stays_double():
    """1 − ρ rounded to float32 and multiplied by a logarithm would cost many units in the last place."""

    @njit(**OPTIONS)
    def loop(x, a, out):
        for i in range(x.size):
            out[i] = vector_math.power(x[i], a)

    x = np.array([1e30, 1e-30], np.float32)
    out = np.empty_like(x)
    loop(x, 1 / 3, out)
    np.testing.assert_array_equal(out, (x.astype(np.float64) ** (1 / 3)).astype(np.float32))


def test_types():
    """Integers and booleans join the float type beside them; alone they become float64."""

    @njit(**OPTIONS)
    def kernel(x, label):
        return vector_math.xlogy(label, x), vector_math.exp(label), vector_math.maximum(True, x)

    found = kernel(np.float32(2), np.int8(1))
    assert [type(x) for x in found] == [float, float, float]
    kinds = kernel.nopython_signatures[0].return_type
    assert [str(kind) for kind in kinds] == ["float32", "float64", "float32"]


def test_coefficients_are_those_of_the_recipes():
    for name, recipe in RECIPES.items():
        for form in recipe.terms:
            committed = getattr(coefficients, name.upper(), None)
            if committed is None:
                source = {32: formats.FLOAT32, 64: formats.FLOAT64, "short": formats.SHORT}[form]
                committed = getattr(source, name)
            elif isinstance(committed, dict):
                committed = committed[form]
            bound = {32: 2.0**-27, 64: 2.0**-55, "short": 2.0**-33}[form]
            assert worst_error(recipe, [rounded(c, form) for c in committed]) < bound, (name, form)
    assert [float(c) for c in fit(RECIPES["exp"], 32)] == pytest.approx(formats.FLOAT32.exp, rel=1e-7)


# arithmetic, comparison, selection or conversion of packed floats
PACKED = re.compile(
    r"^\s+v?(?:add|sub|mul|div|sqrt|fn?m(?:add|sub)\w*|max|min|and|or|cmp\w*|blend\w*)p[sd]\s", re.M
)
VECTORISED = [name for name in TABLE if name != "keep"]


@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="looks for x86 instructions")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", VECTORISED)
def test_loops_vectorise(name, dtype):
    run(name, *(np.ones(8, dtype) for _ in TABLE[name].domains))
    wanted = np.dtype(dtype).name
    versions = compiled(name).inspect_asm().items()
    assembly = next(text for kinds, text in versions if kinds[0].dtype.name == wanted)
    assert PACKED.search(assembly), "no packed instruction"


@pytest.mark.parametrize(
    ("formula", "function", "value"),
    [
        ("mean(2**(p - y))", "exp2(", lambda y, p: 2 ** (p - y)),
        ("mean(cbrt(abs(p - y))**4)", "cbrt(", lambda y, p: np.abs(p - y) ** (4 / 3)),
        ("mean(log2(1 + p**2))", "log1p(", lambda y, p: np.log2(1 + p**2)),
        ("-mean(log_sigmoid(y*p))", "softplus(", lambda y, p: np.log1p(np.exp(-y * p))),
    ],
)
def test_formulas_reach_the_functions(formula, function, value):
    loss = lg.compile(lg.declare("tried", formula))()
    y, p = np.array([[1.0], [-1.0], [3.0]]), np.array([[0.3], [2.0], [-40.0]])
    assert function in loss.source()
    np.testing.assert_allclose(loss(y, p), value(y, p).mean(), rtol=1e-13)
    step = 1e-6
    slopes = (value(y, p + step) - value(y, p - step)) / (2 * step) / y.size
    np.testing.assert_allclose(loss.gradient(y, p), slopes, rtol=1e-6, atol=1e-9)
