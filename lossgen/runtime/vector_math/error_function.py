"""erf and erfc, for float32 in float64.

Near 0 erf is x times a polynomial in x². Beyond, erfc(x) = e^(−x²)·h(t)/(x + 3) with a polynomial h in
t = (x − 3)/(x + 3).
"""

from lossgen.runtime.tracing import copysign, fma, polynomial, select
from lossgen.runtime.vector_math.coefficients import ERF, SCALED_ERFC
from lossgen.runtime.vector_math.exponential import exp_short, one_plus, power_of_two, reduced
from lossgen.runtime.vector_math.formats import FLOAT64, SHORT
from lossgen.runtime.vector_math.pairs import fast_two_sum, inverse, product, two_sum

NEAR = 0.46875
FURTHEST = {32: 11.0, 64: 27.3}  # erfc of it rounds to 0
SLOPE = tuple(k * c for k, c in enumerate(SCALED_ERFC["short"]))[1:]
MIDDLE = (1 + SCALED_ERFC[64][0], (1 - (1 + SCALED_ERFC[64][0])) + SCALED_ERFC[64][0])  # their sum is h(0)


def erf(x):
    """Error function."""
    near, far = _near_and_far(x)
    return select(abs(x) < 0.5, near, copysign(1 - far, x.to(64))).to(x.bits)


def erfc(x):
    """1 − erf(x), accurate in the tail."""
    near, far = _near_and_far(x)
    return select(abs(x) < NEAR, 1 - near, select(x < 0, 2 - far, far)).to(x.bits)


def _near_and_far(x):
    """erf(x) for |x| ≤ ½, and erfc(|x|) for |x| ≥ NEAR."""
    value, kind = x.to(64), 64 if x.bits == 64 else "short"
    near = fma(value, polynomial(value * value, ERF[kind]), value)
    size = select(abs(value) > FURTHEST[x.bits], FURTHEST[x.bits], abs(value))
    return near, (_short_tail if x.bits == 32 else _tail)(size)


def _short_tail(x):
    """erfc(x) for x > NEAR, for a result that is rounded to float32."""
    w = 1 / (x + 3)
    return exp_short(-x * x, SHORT) * fma(w, polynomial((x - 3) * w, SCALED_ERFC["short"]), w)


def _tail(x):
    """erfc(x) for x > NEAR, rounded once but for a small part."""
    w, w_low = inverse(*two_sum(x, x.lift(3)))
    t = fma(w, -6, 1)
    rest, lost = fast_two_sum(x.lift(1), -t)
    t_low = fma(w, -6, rest) + fma(w_low, -6, lost)
    # h = 1 + c₀ + t·(c₁ + …); its derivative is short, which is enough for the rounding of t
    step, step_low = product(t, 0, polynomial(t, SCALED_ERFC[64][1:]), 0)
    h, h_low = two_sum(step, x.lift(MIDDLE[0]))
    h_low = fma(t_low, polynomial(t, SLOPE), h_low + (step_low + MIDDLE[1]))
    square = x * x
    marked, r, e_rest = reduced(-square, FLOAT64.exp_lowest)
    e, e_low = fast_two_sum(*one_plus(r, e_rest))
    e_low = fma(-e, fma(x, x, -square), e_low)
    result, low = product(*product(e, e_low, w, w_low), h, h_low)
    scale = power_of_two(marked, FLOAT64.half_range)
    return (result + low) * scale * 2.0**-FLOAT64.half_range
