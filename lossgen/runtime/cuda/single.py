"""Functions of float32 in float32: where `vector_math` goes to float64, a GPU had better not.

Traced functions. The gamma family is a polynomial from 1 to 4 (the trigamma function from 2), the asymptotic
series beyond, and the recurrence below; sine and cosine reduce their argument with a pair of floats. That
costs a few units in the last place. libdevice has no digamma function, and its sine has float64 in it.

`python tests/polynomial_fits.py` prints the coefficients and the error of each polynomial.
"""

from lossgen.runtime.cuda import library
from lossgen.runtime.tracing import copysign, fma, polynomial, rint, select
from lossgen.runtime.vector_math.formats import FLOAT32
from lossgen.runtime.vector_math.pairs import fast_two_sum, two_sum

INFINITY, NAN = float("inf"), float("nan")
HALF_LOG_TWO_PI_LESS_HALF = 0.41893853
DIGAMMA_ROOT = (1.4616321325302124, 1.243815e-08)  # their sum
HALF_PI = (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15)  # their sum
TWO_OVER_PI = 0.6366197723675814
FURTHEST = 2.0**17  # an argument beyond is held there

# as in `vector_math.coefficients`, rounded to float32
SINE = (-0.16666667, 0.008333373, -0.00019850302, 2.804503e-06)
COSINE = (0.041666668, -0.0013888974, 2.4819743e-05, -2.8662805e-07)
SINE_OF_PI = (1.0, -1.644934, 0.81174207, -0.19074652, 0.026111428, -0.00222797)
COTANGENT = (
    3.289868, 2.1646478, 2.0346558, 2.0082223, 2.0086093, 1.8920293, 2.7837045, -0.9157245, 7.073171,
)

# log Γ(y)/((y − 1)·(y − 2)) as a polynomial in y − 2.5, 1 ≤ y ≤ 4
LGAMMA_MIDDLE = (
    0.37957716, -0.07466357, 0.01990521, -0.0060188305, 0.0019485303, -0.0006582214, 0.00023089656,
    -8.2490296e-05, 2.6212407e-05, -8.959622e-06, 6.6562607e-06, -2.8218221e-06, -7.220756e-07, 3.7721858e-07,
    3.453087e-07, -1.43264e-07,
)

# ψ(y)/(y − x₀) as a polynomial in y − 2.5, 1 ≤ y ≤ 4, where ψ(x₀) = 0
DIGAMMA_MIDDLE = (
    0.67717487, -0.17991422, 0.0595287, -0.021389712, 0.008007011, -0.003071564, 0.001198504, -0.0004638998,
    0.00018200754, -8.166437e-05, 2.7114214e-05, -2.7933897e-06, 8.691979e-06, -7.298323e-06, -1.559308e-06,
    1.5948987e-06, 6.301733e-07, -3.5349544e-07,
)

# ψ′(y) as a polynomial in y − 3, 2 ≤ y ≤ 4
TRIGAMMA_MIDDLE = (
    0.39493406, -0.1541138, 0.05946998, -0.022711186, 0.008587885, -0.0032194583, 0.0012064801,
    -0.00044600203, 0.00014733558, -5.3082622e-05, 3.2771808e-05, -1.2027189e-05,
)

# as in `vector_math.coefficients`, but for y ≥ 4
STIRLING = (0.083333336, -0.0027780659, 0.00080088165, -0.0006027948)
DIGAMMA_TAIL = (0.083333336, -0.008333397, 0.0039531793, -0.003517005)
TRIGAMMA_TAIL = (0.16666666, -0.03332966, 0.023528593, -0.025802813)


def by_width(single, double):
    """The function that is `single` for float32 and `double` for float64."""

    def function(x):
        return single(x) if x.bits == 32 else double(x)

    function.__name__, function.__doc__, function.__module__ = double.__name__, double.__doc__, __name__
    return function


# Sine and cosine --------------------------------------------------------------------------------------------


def sin(x):
    """Sine, accurate for |x| ≤ 1e5; beyond some number between −1 and 1, NaN at infinity."""
    return select(abs(x) < FLOAT32.tiny, x, _circular(x, 0))


def cos(x):
    """Cosine, accurate for |x| ≤ 1e5; beyond some number between −1 and 1, NaN at infinity."""
    return _circular(x, 1)


def _circular(x, quarters):
    """sin(x + quarters·π/2)."""
    value = select(abs(x) > FURTHEST, copysign(x.lift(FURTHEST), x), x)
    marked = fma(value, TWO_OVER_PI, FLOAT32.rounder)
    n = marked - FLOAT32.rounder
    exact = fma(-n, HALF_PI[0], value)
    second = n * HALF_PI[1]
    r, lost = two_sum(exact, -second)
    r, r_low = fast_two_sum(r, lost + fma(-n, HALF_PI[2], fma(-n, HALF_PI[1], second)))
    square = r * r
    sine = r + fma(r, square * polynomial(square, SINE), r_low)
    high, low = fast_two_sum(r.lift(1), -0.5 * square)
    cosine = high + fma(square * square, polynomial(square, COSINE), fma(-r, r_low, low))
    turn = marked.as_integer() + quarters
    result = select((turn & 1) == 0, sine, cosine)
    result = select((turn & 2) == 0, result, -result)
    return select(abs(x) < INFINITY, result, NAN)


# The gamma family -------------------------------------------------------------------------------------------


def lgamma(x):
    """log |Γ(x)|; infinite at 0, −1, −2, …

    Its zeros at 1 and 2 keep their relative accuracy, those of negative x do not.
    """
    y = _right_half(x)
    # log Γ(y) = log Γ(y + 1) − log y below 1; the factors are exact
    low = y < 1
    shifted = select(low, y + 1, y)
    factors = select(low, y * (y - 1), (y - 1) * (y - 2))
    middle = factors * polynomial(shifted - 2.5, LGAMMA_MIDDLE)
    logarithm = library.log(y)
    middle = middle - select(low, logarithm, 0)
    z = 1 / y
    tail = fma(z, polynomial(z * z, STIRLING), HALF_LOG_TWO_PI_LESS_HALF)
    far = fma(y - 0.5, logarithm - 1, tail)
    result = select(y <= 4, middle, far)
    # log |Γ(x)| = log(π/|sin(π·x)|) − log Γ(1 − x)
    f = abs(x - rint(x))
    reflected = -library.log(f * polynomial(f * f, SINE_OF_PI)) - result
    result = select(x > 0, result, select(f == 0, INFINITY, reflected))
    return select(abs(x) < INFINITY, result, abs(x))


def digamma(x):
    """ψ(x), the derivative of log Γ; infinite at 0, NaN at its poles −1, −2, …

    Its zero at 1.46 keeps its relative accuracy, those of negative x do not.
    """
    y = _right_half(x)
    z = 1 / y
    low = y < 1
    shifted = select(low, y + 1, y)
    distance = (shifted - DIGAMMA_ROOT[0]) - DIGAMMA_ROOT[1]
    middle = distance * polynomial(shifted - 2.5, DIGAMMA_MIDDLE)
    middle = middle - select(low, z, 0)
    far = library.log(y) - z * fma(z, polynomial(z * z, DIGAMMA_TAIL), 0.5)
    result = select(y <= 4, middle, far)
    # ψ(x) = ψ(1 − x) − π·cot(π·x)
    f = x - rint(x)
    cotangent = fma(-f, polynomial(f * f, COTANGENT), 1 / f)
    left = select((f == 0) & (x < 0), NAN, result - cotangent)
    left = select(x == 0, copysign(x.lift(INFINITY), -x), left)
    result = select(x > 0, result, left)
    return select(x < INFINITY, result, x)


def trigamma(x):
    """ψ′(x), the second derivative of log Γ; infinite at 0, −1, −2, …"""
    y = _right_half(x)
    z = 1 / y
    # ψ′(y) = 1/y² + 1/(y + 1)² + ψ′(y + 2)
    low = y < 2
    middle = polynomial(select(low, y - 1, y - 3), TRIGAMMA_MIDDLE)
    next_inverse = 1 / (y + 1)
    middle = select(low, fma(z, z, fma(next_inverse, next_inverse, middle)), middle)
    far = fma(z * z, fma(z, polynomial(z * z, TRIGAMMA_TAIL), 0.5), z)
    result = select(y <= 4, middle, far)
    # ψ′(x) = π²/sin²(π·x) − ψ′(1 − x)
    f = x - rint(x)
    root = 1 / (f * polynomial(f * f, SINE_OF_PI))
    return select(x > 0, result, fma(root, root, -result))


def _right_half(x):
    """x, or 1 − x where x is not positive."""
    return select(x > 0, x, 1 - x)
