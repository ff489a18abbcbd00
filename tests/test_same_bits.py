"""One element has the same bits wherever it stands, and all schedules of a loss agree.

Element by element: alone, at every place of a vector, in the loop for what is left over, at addresses that
no vector is aligned to. Rows in lanes, flat or split give what one row at a time gives.
"""

import inspect

import numpy as np
import pytest
from fuzz.example import Example, Part, ordinary_inputs
from fuzz.strategies import declared_examples
from numba import njit
from private_cache import private_cache

import lossgen as lg
from lossgen.runtime import dispatch, vector_math
from lossgen.runtime.lanes import LANES

FUNCTIONS = [each for each in vars(vector_math).values() if hasattr(each, "traced")]
LENGTH = 67
"""More than two vectors of the longest kind, and no multiple of any."""

STARTS = (0, 1, 3, 7, 8, 15)


@pytest.fixture(scope="module", autouse=True)
def compiled_losses(tmp_path_factory):
    with private_cache(tmp_path_factory.mktemp("cache")):
        yield


def loop_over(function):
    """A compiled loop of a function of one, two or three numbers."""
    count = len(inspect.signature(function.traced).parameters)
    arguments = ", ".join("xyz"[:count])
    elements = ", ".join(f"{name}[i]" for name in "xyz"[:count])
    body = f"    for i in range(out.size):\n        out[i] = function({elements})\n"
    space = {"function": function}
    exec(f"def loop({arguments}, out):\n{body}", space)
    return njit(space["loop"]), count


def numbers(dtype, seed: int) -> np.ndarray:
    """Ordinary, tiny, huge and special ones."""
    rng = np.random.default_rng(seed)
    ends = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, np.inf, -np.inf, np.nan, 1e-30, -1e30, 88.5, -104.0, 1e-40]
    spread = rng.choice([-1, 1], 26) * 10.0 ** rng.uniform(-20, 20, 26)
    found = np.concatenate([ends, rng.normal(size=27) * 3, spread]).astype(dtype)
    return rng.permutation(found)[:LENGTH]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f._name)
def test_an_elementary_function_at_every_place(function):
    loop, count = loop_over(function)
    for dtype in (np.float32, np.float64):
        arguments = [numbers(dtype, seed) for seed in range(count)]
        alone = np.empty(LENGTH, dtype)
        for i in range(LENGTH):
            loop(*(each[i : i + 1] for each in arguments), alone[i : i + 1])
        for start in STARTS:
            for end in (LENGTH, LENGTH - 1, start + 5):
                out = np.empty(LENGTH, dtype)
                loop(*(each[start:end] for each in arguments), out[start:end])
                np.testing.assert_array_equal(out[start:end], alone[start:end])
                signs = np.signbit(out[start:end]) == np.signbit(alone[start:end])
                assert signs[~np.isnan(out[start:end])].all()


ELEMENTS = (
    "lg.Mean(sympy.log(1 + sympy.exp(y_pred)) - y_true*y_pred)",
    "lg.Mean(sympy.sqrt(delta**2 + (y_pred - y_true)**2) + sympy.tanh(y_pred)*sympy.atan(y_true))",
    "lg.Sum(lg.power(1 + y_pred**2, gamma)*lg.erf(y_pred) + sympy.Abs(y_pred - y_true))",
)


def outputs(cls, arguments, y, p) -> dict[str, np.ndarray]:
    """Unreduced losses and derivatives, a line a row."""
    loss, total = (cls(reduction=reduction, **arguments) for reduction in ("none", "sum"))
    value, gradient = loss.value_and_gradient(y, p)
    _, hessian = loss.gradient_and_hessian(y, p)
    vector = np.cos(np.arange(p.shape[-1]) + np.zeros_like(p)).astype(p.dtype)
    return {
        "value": np.atleast_1d(value), "alone": np.atleast_1d(loss(y, p)), "gradient": gradient,
        "hessian": hessian, "product": total.hessian_vector_product(y, p, vector),
    }  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("text", ELEMENTS)
def test_an_element_of_a_loss_at_every_place(text, dtype):
    case = Example((Part((text,)),), {"delta": 0.625, "gamma": 1.5}, ((0.0,),), ((0.0,),)).case
    cls, arguments = lg.compile(case.declaration), case.arguments
    rng = np.random.default_rng(0)
    y, p = rng.random((LENGTH, 1)).astype(dtype), (3 * rng.normal(size=(LENGTH, 1))).astype(dtype)
    rows = [outputs(cls, arguments, y[i : i + 1], p[i : i + 1]) for i in range(LENGTH)]
    for start in STARTS:
        for name, found in outputs(cls, arguments, y[start:], p[start:]).items():
            np.testing.assert_array_equal(found.ravel(), np.ravel([row[name] for row in rows[start:]]), name)


# Schedules ------------------------------------------------------------------------------------------------

EXAMPLES = 5
ROUNDING = 1e-12


@pytest.mark.parametrize("number", range(EXAMPLES))
def test_schedules_of_random_declarations(number):
    """Many rows (in lanes, or flat) give what rows give one at a time."""
    case = declared_examples(30)[6 * number].case
    options = case.declaration.variants()[0]
    cls, arguments = lg.compile(case.declaration), {**options, **case.arguments}
    y, p = ordinary_inputs(case.declaration, options, number, LANES + 3)
    together = outputs(cls, arguments, y, p)
    alone = [outputs(cls, arguments, y[i : i + 1], p[i : i + 1]) for i in range(len(p))]
    for name, found in together.items():
        wanted = np.array([row[name][0] for row in alone])
        close(found.reshape(wanted.shape), wanted, name)


def close(found, wanted, name) -> None:
    """Equal to rounding, for the size of a row; the same numbers are not finite."""
    found, wanted = (each.reshape(len(each), -1) for each in (found, wanted))
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(wanted), name)
    size = np.abs(wanted).max(axis=1, keepdims=True, initial=1e-6, where=np.isfinite(wanted))
    finite = np.isfinite(wanted)
    difference = np.abs(np.where(finite, found - wanted, 0))
    assert (difference <= ROUNDING * size + 1e-300).all(), (name, difference.max())


SPLIT = (
    "lg.LogSumExp(y_pred) - lg.Mean(y_true*y_pred)",
    "lg.Sum(y_pred*y_true)/sympy.sqrt(lg.Sum(y_pred**2) + delta)",
)


@pytest.mark.parametrize("text", SPLIT)
def test_a_long_row_that_is_cut(text, monkeypatch):
    """The same row whole and in chunks."""
    case = Example((Part((text,)),), {"delta": 0.625}, ((0.0,),), ((0.0,),)).case
    cls, arguments = lg.compile(case.declaration), case.arguments
    rng = np.random.default_rng(0)
    y, p = rng.random((1, 70_000)), rng.normal(size=(1, 70_000))
    assert dispatch.is_split(*p.shape)
    cut = outputs(cls, arguments, y, p)
    monkeypatch.setattr(dispatch, "SPLIT", ())
    for name, whole in outputs(cls, arguments, y, p).items():
        close(cut[name], whole, name)
