"""Small whole exponents are integers in kernels: which parameters qualify, and that no number changes."""

import numpy as np
import pytest
from mpmath import mp, mpf
from numba import njit

import lossgen as lg
from lossgen import losses
from lossgen.compiler.driver import derive
from lossgen.compiler.exponents import whole_exponents
from lossgen.language.symbols import y_pred, y_true
from lossgen.runtime import vector_math

FUNCTIONS = {
    "power": lambda x, n: x**n,
    "power_slope": lambda x, n: n * x ** (n - 1) if n else mpf(0),
    "power_curvature": lambda x, n: n * (n - 1) * x ** (n - 2) if n * (n - 1) else mpf(0),
    "power_log": lambda x, n: x**n * mp.log(x),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_multiplied_powers(name, dtype):
    function = getattr(vector_math, name)

    @njit(error_model="numpy")
    def loop(x, n, out):
        for i in range(x.size):
            out[i] = function(x[i], n)

    x = np.geomspace(1e-4, 1e4, 301).astype(dtype)
    if name != "power_log":
        x = np.concatenate([-x, x])
    out = np.empty_like(x)
    for n in range(-1, 5):
        loop(x, n, out)
        exact = [FUNCTIONS[name](mpf(float(one)), n) for one in x]
        error = [
            abs(mpf(float(a)) - b) / np.spacing(dtype(abs(float(b)) or 1))
            for a, b in zip(out, exact, strict=True)
        ]
        assert max(error) <= 3.5, (n, x[int(np.argmax(error))])


@pytest.mark.parametrize("name", ["power", "power_slope", "power_curvature"])
def test_at_zero_both_forms_agree(name):
    function = getattr(vector_math, name)

    @njit(error_model="numpy")
    def both(x, n):
        return function(x, n), function(x, float(n))

    for n in range(-5, 8):
        for x in (0.0, np.inf, 1.0, -1.0):
            np.testing.assert_equal(*both(x, n), f"{name}({x}, {n})")


def qualifying(expression, **parameters):
    declaration = lg.declare(
        "Powered",
        expression(**{n: lg.parameter_symbol(n, nonnegative=True) for n in parameters}),
        **parameters,
    )
    (term,) = derive(declaration, {})
    return whole_exponents(term.schedules.values(), declaration.parameters)


def test_which_parameters_are_exponents():
    error = lg.softplus(y_pred - y_true)
    gamma = lg.Parameter(2.0, minimum=0)
    assert qualifying(lambda gamma: lg.Mean(lg.power(error, gamma)), gamma=gamma) == ("gamma",)
    assert qualifying(lambda gamma: lg.Mean(gamma * error), gamma=gamma) == ()
    # a multiple leaves the exponents that are multiplied out
    assert qualifying(lambda gamma: lg.Mean(lg.power(error, 3 * gamma)), gamma=gamma) == ()
    assert qualifying(lambda gamma: lg.Mean(lg.power(error, gamma + 2)), gamma=gamma) == ()
    assert (
        qualifying(lambda a, b: lg.Mean(lg.power(error, a) + lg.power(error, a + b)), a=gamma, b=gamma) == ()
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_whole_gamma_is_the_limit_of_its_neighbours(dtype):
    random = np.random.default_rng(5)
    y = random.integers(0, 2, (200, 4)).astype(dtype)
    p = random.normal(size=(200, 4), scale=3).astype(dtype)
    for gamma in (1.0, 2.0, 3.0, 4.0, 5.0):
        loss, neighbour = (losses.SigmoidFocal(gamma=g) for g in (gamma, np.nextafter(gamma, 9)))
        assert isinstance(loss._plan.terms[0].values["gamma"], int) == (gamma <= 3)
        assert isinstance(neighbour._plan.terms[0].values["gamma"], float)
        # the neighbour's power differs by |log σ|·ulp(gamma), and |log σ| is at most 20 here
        for one, two in zip(loss.value_and_gradient(y, p), neighbour.value_and_gradient(y, p), strict=True):
            np.testing.assert_allclose(one, two, rtol=100 * np.finfo(dtype).eps)
        assert loss.get_config()["gamma"] == gamma and isinstance(loss.gamma, float)
