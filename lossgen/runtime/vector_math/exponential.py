"""exp, exp2, expm1, and the quotients and differences of exponentials that cancel near 0.

eˣ = 2ⁿ·eʳ, n the integer nearest to x/log 2; exp and expm1 share the polynomial for eʳ − 1.
"""

from math import factorial

from lossgen.runtime.tracing import copysign, fma, polynomial, select
from lossgen.runtime.vector_math.formats import format_of
from lossgen.runtime.vector_math.pairs import fast_two_sum

INVERSE_LN2 = 1.4426950408889634
INFINITY = float("inf")


def reduced(x, lowest, highest=None, form=None, coefficients=None):
    """n, as a float with the integer in its lowest bits, and eʳ − 1 = r + rest; x is confined to a range."""
    form = form or format_of(x)
    x = select(x < lowest, lowest, x)
    if highest is not None:
        x = select(x > highest, highest, x)
    marked = fma(x, INVERSE_LN2, form.rounder)
    n = marked - form.rounder
    exact = fma(-n, form.ln2[0], x)
    r = fma(-n, form.ln2[1], exact)
    lost = fma(-n, form.ln2[1], exact - r)
    return marked, r, fma(r * r, polynomial(r, coefficients or form.exp), lost)


def one_plus(r, rest):
    """1 + r + rest as a sum of two numbers, the first of them 1 + r rounded."""
    total, low = fast_two_sum(r.lift(1), r)
    return total, rest + low


def power_of_two(marked, shift):
    """2^(n + shift) from the integer in the lowest bits of a float; the shift may be traced."""
    form = format_of(marked)
    return ((marked.as_integer() << form.mantissa) + ((shift + form.bias) << form.mantissa)).as_float()


def _exp_in_two_steps(x, highest, correction=None):
    """e^(x + correction) as two factors, the second a power of two: 2ⁿ may be no normal number."""
    form = format_of(x)
    marked, r, rest = reduced(x, form.exp_lowest, highest)
    high, low = one_plus(r, rest)
    if correction is not None:
        low = fma(high + low, correction, low)
    return _scaled(high + low, marked, x < 0)


def _scaled(mantissa, marked, small):
    """mantissa·2ⁿ as two factors, the second a power of two; the first is small where the second is."""
    form = format_of(marked)
    shift = select(small, marked.as_integer().lift(form.half_range), -form.half_range)
    factor = select(small, marked.lift(2.0**-form.half_range), 2.0**form.half_range)
    return mantissa * power_of_two(marked, shift), factor


def exp_of_sum(x, correction):
    """e^(x + correction) for a small correction, with gradual underflow."""
    first, second = _exp_in_two_steps(x, format_of(x).exp_highest, correction)
    return first * second


def exp(x):
    """eˣ, with gradual underflow."""
    first, second = _exp_in_two_steps(x, format_of(x).exp_highest)
    return first * second


def exp2(x):
    """2ˣ, with gradual underflow."""
    form = format_of(x)
    lowest, highest = -float(form.bias + form.mantissa + 2), float(form.bias + 2)
    x = select(x < lowest, lowest, select(x > highest, highest, x))
    marked = x + form.rounder
    f = x - (marked - form.rounder)
    r = f * form.ln2[0]
    lost = fma(f, form.ln2[1], fma(f, form.ln2[0], -r))
    high, low = one_plus(r, fma(r * r, polynomial(r, form.exp), lost))
    first, second = _scaled(high + low, marked, x < 0)
    return first * second


def exp_short(x, form):
    """eˣ in float64, confined to the range of the given format and accurate to 2^-34."""
    marked, r, rest = reduced(x, form.exp_lowest, form.exp_highest, form)
    return (1 + (r + rest)) * power_of_two(marked, 0)


def decay_in_two(x):
    """e^-|x| as a pair, with gradual underflow."""
    form = format_of(x)
    marked, r, rest = reduced(-abs(x), form.exp_lowest)
    high, low = fast_two_sum(*one_plus(r, rest))
    scale = power_of_two(marked, form.half_range) * 2.0**-form.half_range
    return high * scale, low * scale


def decay(x, factor=1):
    """e^-|x| times a power of two from 1 to 4, with gradual underflow."""
    form = format_of(x)
    marked, r, rest = reduced(-abs(x), form.exp_lowest - 2)
    high, low = one_plus(r, rest)
    return (high + low) * power_of_two(marked, form.half_range) * (2.0**-form.half_range * factor)


def decay_less_one_in_two(x):
    """e^-|x| − 1 as a pair, accurate near 0; shares its polynomial with `decay`."""
    form = format_of(x)
    marked, r, rest = reduced(-abs(x), form.exp_lowest)
    scale = select(abs(x) > 2.0 * form.mantissa, 0, power_of_two(marked, 0))
    high, low = fast_two_sum(scale - 1, scale * r)
    return fast_two_sum(high, fma(scale, rest, low))


def expm1(x):
    """eˣ − 1, accurate near 0."""
    form = format_of(x)
    marked, r, rest = reduced(x, -2.0 * form.mantissa, form.exp_highest, coefficients=form.expm1)
    half = power_of_two(marked, -1)
    less = half - 0.5
    high, low = fast_two_sum(less, half * r)
    low = low + ((half - less) - 0.5)
    return select(abs(x) < form.tiny, x, 2 * (high + fma(half, rest, low)))


def sinh(x):
    """(eˣ − e⁻ˣ)/2, accurate near 0."""
    size = abs(x)
    grown = expm1(size)
    moderate = 0.5 * grown + 0.5 * (grown / (1 + grown))
    return copysign(select(size > format_of(x).mantissa, _half_exp(size), moderate), x)


def cosh(x):
    """(eˣ + e⁻ˣ)/2."""
    half = _half_exp(abs(x))
    return half + 0.25 / half


def _half_exp(x):
    """eˣ/2 for x ≥ 0, without overflow where that is in range."""
    first, second = _exp_in_two_steps(x, format_of(x).exp_highest + 1)
    return first * (0.5 * second)


def bose(x):
    """1/(eˣ − 1), accurate near 0 and in the tails; infinite at 0."""
    positive = decay(x) / -decay_less_one_in_two(x)[0]
    return select(x == 0, INFINITY, select(x > 0, positive, -1 - positive))


def exprel(x):
    """(eˣ − 1)/x, and 1 at 0."""
    near = select(abs(x) < format_of(x).tiny, 1, expm1(x) / x)
    return _with_large(x, near, lambda first: first / x)


def exprel_slope(x):
    """Derivative of (eˣ − 1)/x: ((x − 1)·eˣ + 1)/x², and ½ at 0."""
    near = _moment(x, lambda k: (k + 1) / factorial(k + 2), lambda k: 1 / factorial(k + 2))
    far = fma(_finite(x) - 1, exp(x), 1) / x / x
    return _with_large(x, select(abs(x) < 3, near, far), lambda first: first * ((x - 1) / x) / x)


def exprel_curvature(x):
    """Second derivative of (eˣ − 1)/x: ((x² − 2x + 2)·eˣ − 2)/x³, and ⅓ at 0."""
    near = _moment(x, lambda k: (k + 1) * (k + 2) / factorial(k + 3), lambda k: 2 / factorial(k + 3))
    bounded = _finite(x)
    far = fma(fma(bounded - 2, bounded, 2), exp(x), -2) / x / x / x
    large = 1 - 2 * ((x - 1) / x) / x
    return _with_large(x, select(abs(x) < 3, near, far), lambda first: first * large / x)


def _finite(x):
    """x, or where it is hugely negative a number that times its exponential is 0 as well."""
    huge = format_of(x).huge
    return select(x < -huge, x.lift(-huge), x)


def _moment(x, coefficient, reflected):
    """∫ tⁿ·e^(x·t) dt over [0, 1], |x| < 3: a power series in x, or eˣ times one in −x, of positive terms."""
    negative = x < 0
    terms = range(19 if x.bits == 32 else 29)
    series = polynomial(abs(x), [select(negative, x.lift(reflected(k)), coefficient(k)) for k in terms])
    return select(negative, decay(x), 1) * series


def _with_large(x, value, quotient):
    """The value; but for large x, where eˣ may overflow and its quotient does not, quotient(eˣ)."""
    form = format_of(x)
    highest = form.exp_highest + 16
    first, second = _exp_in_two_steps(x, highest)
    large = select(x > highest, INFINITY, quotient(first) * second)
    return select(x < 2.0 * form.mantissa, value, large)


def expm1mx(x):
    """eˣ − 1 − x, accurate near 0."""
    near = x * x * polynomial(x, [1 / factorial(k + 2) for k in range(16 if x.bits == 32 else 25)])
    far = select(x > format_of(x).exp_highest, INFINITY, expm1(x) - x)
    return select(abs(x) < 2, near, far)
