"""Functions of libdevice as traced functions, and what is composed of them.

They are NVIDIA's accurate ones (no `__expf`), with an error of 1 to 4 units in the last place. On the CPU,
where the simulator traces them, each is the function of `vector_math` with its meaning.
"""

from lossgen.runtime.cuda.values import DeviceValue
from lossgen.runtime.tracing import fma, polynomial, rint, select
from lossgen.runtime.vector_math import (
    error_function,
    exponential,
    logarithm,
    logistic,
    powers,
    trigonometric,
    whole_powers,
)
from lossgen.runtime.vector_math.formats import format_of

INFINITY, NAN = float("inf"), float("nan")


def _of_library(function):
    """A function of one number: libdevice's of its name, on the CPU this one."""
    name = f"__nv_{function.__name__}"

    def call(x):
        return x.call(f"{name}f", name) if isinstance(x, DeviceValue) else function(x)

    call.__name__, call.__doc__, call.__module__ = function.__name__, function.__doc__, __name__
    return call


atan = _of_library(trigonometric.atan)
cosh = _of_library(exponential.cosh)
erf = _of_library(error_function.erf)
erfc = _of_library(error_function.erfc)
exp = _of_library(exponential.exp)
exp2 = _of_library(exponential.exp2)
expm1 = _of_library(exponential.expm1)
log = _of_library(logarithm.log)
log1p = _of_library(logarithm.log1p)
log2 = _of_library(logarithm.log2)
sinh = _of_library(exponential.sinh)
tanh = _of_library(logistic.tanh)


# Functions of a logit, from e^-|x|, which is computed once for all of them ----------------------------------


def sigmoid(x):
    """1/(1 + e^-x), accurate in both tails."""
    decay = exp(-abs(x))
    return select(x < 0, decay, 1) / (1 + decay)


def sigmoid_slope(x):
    """sigmoid(x)·sigmoid(−x), the derivative of sigmoid."""
    decay = exp(-abs(x))
    return decay / (1 + decay) / (1 + decay)


def softplus(x):
    """log(1 + eˣ), accurate in both tails."""
    return select(x < 0, 0, x) + log1p(exp(-abs(x)))


def log_sigmoid(x):
    """log(sigmoid(x)), accurate in both tails."""
    return -softplus(-x)


def sech2(x):
    """1/cosh²(x), the derivative of tanh."""
    decay = exp(-abs(x))
    root = 2 * (decay / fma(decay, decay, 1))
    return root * root


def log_cosh(x):
    """log cosh(x), accurate near 0 and without overflow."""
    form = format_of(x)
    square = x * x
    near = square * fma(square, polynomial(square, form.log_cosh), 0.5)
    far = (abs(x) - form.ln2[0]) + (log1p(exp(-2 * abs(x))) - form.ln2[1])
    return select(abs(x) < 0.8, near, far)


def bose(x):
    """1/(eˣ − 1), accurate near 0 and in the tails; infinite at 0."""
    positive = exp(-abs(x)) / -expm1(-abs(x))
    return select(x == 0, INFINITY, select(x > 0, positive, -1 - positive))


# Products with a logarithm ----------------------------------------------------------------------------------


def xlogy(x, y):
    """x·log(y), and 0 where x is 0."""
    return _guarded(x, y, x * log(y))


def xlog1py(x, y):
    """x·log(1 + y), and 0 where x is 0."""
    return _guarded(x, y, x * log1p(y))


def _guarded(x, y, product):
    return select((x == 0) & (y == y), 0, product)


# Powers -----------------------------------------------------------------------------------------------------
# The exponent may be wider than the base. What it loses then multiplies a logarithm, so it is not left out.
# But for the split into both parts, which does not depend on x, all is computed as wide as the base.


def power(x, a):
    """xᵃ. 1 for a = 0; for x < 0 NaN unless a is an integer."""
    return _raised(x, *_exponent(x, a, 0)) if a.is_float else whole_powers.whole_power(x, a)


def power_slope(x, a):
    """Derivative by x: a·xᵃ⁻¹; 0 for a = 0, and at x = 0 where it would be infinite."""
    if not a.is_float:
        return whole_powers.whole_power_slope(x, a)
    return _times(a, x, *_exponent(x, a, 1))


def power_curvature(x, a):
    """Second derivative by x: a·(a − 1)·xᵃ⁻²; 0 for a in (0, 1), and at x = 0 where it would be infinite."""
    if not a.is_float:
        return whole_powers.whole_power_curvature(x, a)
    return _times(a.to(x.bits) * (a - 1).to(x.bits), x, *_exponent(x, a, 2))


def power_log(x, a):
    """Derivative by a: xᵃ·log(x), and 0 for x = 0."""
    if not a.is_float:
        return select(x == 0, 0, whole_powers.whole_power(x, a) * log(x))
    return select(x == 0, 0, _raised(x, *_exponent(x, a, 0)) * log(x))


def _times(factor, x, main, lost):
    """The factor times x to the exponent, 0 where the power would be infinite at 0."""
    factor = factor.to(x.bits)
    return select((factor == 0) | ((x == 0) & (main < 0)), 0, factor * _raised(x, main, lost))


def _exponent(x, a, less):
    """a − less as wide as x, and what that leaves out."""
    exponent = a - less
    main = exponent.to(x.bits)
    lost = (exponent - main.to(a.bits)).to(x.bits)
    if less:
        back = exponent + less
        lost = lost + ((a - back) + ((back - exponent) - less)).to(x.bits)
    return main, lost


def _raised(x, main, lost):
    """x to the power of the sum of both."""
    size = abs(x)
    result = _power_of_library(size, main)
    corrected = fma(result * lost, log(size), result)
    inside = (lost != 0) & (result > 0) & (result < INFINITY)
    result = select(inside, corrected, result)
    sign = select(lost == 0, _sign_for_negative_base(main), NAN)
    result = select(x < 0, sign * result, result)
    result = select((main == 1) & (lost == 0), x, result)
    return select((main == 0) & (lost == 0), 1, result)


def _power_of_library(x, a):
    if isinstance(x, DeviceValue):
        return x.call("__nv_powf", "__nv_pow", a)
    return powers.power(x, a.to(64))


def _sign_for_negative_base(a):
    """1 for even a, −1 for odd a, NaN for a that is no integer."""
    half = 0.5 * a
    sign = select(rint(half) == half, a.lift(1), -1)
    return select(rint(a) == a, sign, NAN)
