"""Numbers on which device functions are tried, and what the CPU's functions make of them."""

from functools import cache

import numba
import numpy as np

from lossgen.compiler.printer import LADDER_FUNCTIONS, VECTOR_FUNCTIONS
from lossgen.runtime import ladder_math, vector_math

WHOLE_EXPONENT = " by a whole exponent"
POWERS = ("power", "power_curvature", "power_log", "power_slope")
BEYOND_NAMES = {"log2", "log_sigmoid", "sigmoid_slope", "hypot1", "sqrt"}
REDUCTIONS = {"log_softmax", "softmax", "softmax_complement"}  # atoms, but no functions of code
FUNCTIONS = sorted((VECTOR_FUNCTIONS | LADDER_FUNCTIONS | BEYOND_NAMES) - REDUCTIONS)

ARITY = {name: 1 for name in FUNCTIONS}
OF_TWO = [
    "greater", "guarded_product", "maximum", "minimum", "shifted", "vanishing", "xdivy", "xlog1py", "xlogy",
]  # fmt: skip
ARITY |= dict.fromkeys(OF_TWO, 2)
ARITY |= dict.fromkeys((*POWERS, *(f"{name}{WHOLE_EXPONENT}" for name in POWERS)), 2)
ARITY |= {"clip": 3, "inside": 3, "complement": 4}

FURTHEST_ANGLE = 1e5
"""Sine and cosine promise nothing beyond but a number between −1 and 1."""


@cache
def expected_of(name: str):
    """The CPU's function of arrays."""
    plain = name.removesuffix(WHOLE_EXPONENT)
    function = getattr(vector_math, plain, None) or getattr(ladder_math, plain)
    if ARITY[name] == 1:
        scalar = numba.njit(error_model="numpy")(lambda x: function(x))
    elif ARITY[name] == 2:
        scalar = numba.njit(error_model="numpy")(lambda x, y: function(x, y))
    elif ARITY[name] == 3:
        scalar = numba.njit(error_model="numpy")(lambda x, y, z: function(x, y, z))
    else:
        scalar = numba.njit(error_model="numpy")(lambda x, y, z, w: function(x, y, z, w))

    def elementwise(*arrays):
        kind = arrays[0].dtype.type
        return np.array([scalar(*each) for each in zip(*arrays, strict=True)]).astype(kind)

    return elementwise


def inputs_of(name: str, kind: type) -> tuple[np.ndarray, ...]:
    """Arguments: hostile ones in every combination, then ordinary ones."""
    plain = name.removesuffix(WHOLE_EXPONENT)
    generator = np.random.default_rng(sum(name.encode()))
    if ARITY[name] == 1:
        return (_numbers(plain, kind, generator, 600),)
    if plain in POWERS:
        return _powers(name, kind, generator)
    if name == "complement":
        return _complements(kind, generator)
    hostile = np.array([0, -0.0, 1, -1, 0.5, -2.5, np.inf, -np.inf, np.nan, *_extremes(kind)], kind)
    meshes = np.meshgrid(*[hostile] * ARITY[name])
    ordinary = [_ordinary(kind, generator, 400) for _ in meshes]
    return tuple(np.concatenate([mesh.ravel(), rest]) for mesh, rest in zip(meshes, ordinary, strict=True))


def _numbers(name, kind, generator, count):
    hostile = np.array([0, -0.0, np.inf, -np.inf, np.nan, *_extremes(kind), *HALVES, *THRESHOLDS], kind)
    with np.errstate(over="ignore"):
        near = np.concatenate([np.nextafter(hostile, kind(side)) for side in (-np.inf, np.inf)])
    numbers = np.concatenate([hostile, near, _ordinary(kind, generator, count)])
    if name in ("sin", "cos"):
        numbers = numbers[~(np.abs(numbers) > FURTHEST_ANGLE) | np.isinf(numbers)]
    return numbers


HALVES = [sign * k / 2 for k in range(1, 24) for sign in (-1, 1)]
THRESHOLDS = [
    0.55, 0.8, 1.4616321, 2**-12, 2**-24, 2**-30, 2**-53, 2.0**23, 2.0**30, 2.0**53, -87.3, -103.9, 88.7,
    709.7, -745.1, 127.0, 128.0, -149.0, -1074.0, 1023.5, 1e5,
]  # fmt: skip


def _extremes(kind):
    info = np.finfo(kind)
    numbers = [info.max, info.tiny, info.smallest_subnormal, info.max**0.5, info.tiny**0.5]
    return [sign * float(number) for number in numbers for sign in (1, -1)]


def _ordinary(kind, generator, count):
    largest = np.log(float(np.finfo(kind).max)) * 0.99
    parts = [
        generator.normal(size=count),
        generator.uniform(-20, 20, count),
        generator.uniform(-110, 110, count),
        np.exp(generator.uniform(-largest, largest, count)) * generator.choice([-1, 1], count),
    ]
    chosen = generator.choice(4, count)
    return np.choose(chosen, parts).astype(kind)


def _powers(name, kind, generator):
    bases = [0, -0.0, 1, -1, 2, -2, 0.5, np.inf, -np.inf, np.nan, 0.1, 3e4, *_extremes(kind)[::2]]
    bases = np.array(bases, kind)
    exponents = np.array([0, 1, 2, 3, -1, -2, 5, -7])
    if not name.endswith(WHOLE_EXPONENT):
        exponents = np.array([*exponents, 0.5, -0.5, 1.5, 2.3, 0.1, -3.7, 33, 1e-6], kind)
    if name.startswith("power_log"):
        bases = bases[~np.isinf(bases)]  # 0·∞ for a negative exponent
    base, exponent = np.meshgrid(bases, exponents)
    ordinary = np.abs(_ordinary(kind, generator, 400))
    return (
        np.concatenate([base.ravel(), ordinary]),
        np.concatenate([exponent.ravel(), generator.choice(exponents, 400)]),
    )


def _complements(kind, generator):
    """A shifted logit, its exponential, the sum of the others, the inverse of the sum of all."""
    s = np.concatenate([[0, -1e-3, -1, -30, -np.inf], -np.abs(generator.normal(0, 9, 400))]).astype(kind)
    excluded = np.abs(generator.normal(0, 1, s.size)).astype(kind)
    return s, np.exp(s), excluded, 1 / (1 + excluded)


def units_apart(found: np.ndarray, expected: np.ndarray, least=0.0) -> np.ndarray:
    """Difference in units in the last place of the expected number, or of `least` where that is greater.

    Infinite where one of both is a number and the other is not, or has the other sign of infinity.
    """
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    with np.errstate(all="ignore"):
        size = np.maximum(np.maximum(np.abs(expected), least), np.finfo(expected.dtype).tiny)
        apart = np.abs(found - expected) / np.spacing(size.astype(expected.dtype))
    return np.where(same, 0, np.where(np.isfinite(apart), apart, np.inf))


def least_of(name: str, arguments: tuple[np.ndarray, ...]):
    """The size of what a result is the difference of, where it does not keep its relative accuracy.

    Left of 0 the gamma family is reflected; a power below the normal numbers has lost digits before it is
    multiplied with something.
    """
    if name in ("lgamma", "digamma"):
        (x,) = arguments
        kind = x.dtype.type
        reflected = np.abs(expected_of(name)(np.where(x < 0, kind(1) - x, kind(1))))
        return np.where((x < 0) & np.isfinite(reflected), np.maximum(reflected, 2), 0)
    if name.startswith("power_"):
        return 2**10 * np.finfo(arguments[0].dtype).tiny
    return 0.0
