"""exp, expm1 and what is made of e^-|x|: sigmoid, softplus, tanh.

eˣ = 2ⁿ·(1 + t), n the integer nearest to x/log 2, t = expm1(x − n·log 2). The functions of a logit all start from
e^-|x|, so that LLVM computes it once for sigmoid(x), sigmoid(−x), softplus(x) and softplus(−x).
"""

from lossgen.runtime.tracing import copysign, fma, polynomial, select
from lossgen.runtime.vector_math.formats import format_of

INVERSE_LN2 = 1.4426950408889634


def _reduce(x):
    """n as a float whose lowest bits hold the integer, and t, with eˣ = 2ⁿ·(1 + t)."""
    form = format_of(x)
    marked = fma(x, INVERSE_LN2, form.rounder)
    n = marked - form.rounder
    rest = fma(-n, form.ln2[0], x)
    r = fma(-n, form.ln2[1], rest)
    lost = fma(-n, form.ln2[1], rest - r)
    return marked, r, fma(r * r, polynomial(r, form.exp), lost)


def _power_of_two(marked, shift=0):
    """2^(n + shift), from n in the lowest bits of a float."""
    form = format_of(marked)
    return ((marked.as_integer() << form.mantissa) + ((form.bias + shift) << form.mantissa)).as_float()


def exp(x):
    """eˣ, with gradual underflow."""
    form = format_of(x)
    marked, r, tail = _reduce(_clamped(x))
    mantissa = 1 + (r + tail)
    # 2ⁿ in two steps, as n may lie outside the exponent range
    shift = 64 if form.bits == 32 else 512
    one = form.bias << form.mantissa
    down = x < 0
    offset = select(down, marked.as_integer().lift(one + (shift << form.mantissa)), one - (shift << form.mantissa))
    scale = ((marked.as_integer() << form.mantissa) + offset).as_float()
    return mantissa * scale * select(down, x.lift(2.0**-shift), 2.0**shift)


def _clamped(x):
    form = format_of(x)
    x = select(x < form.exp_lowest, form.exp_lowest, x)
    return select(x > form.exp_highest, form.exp_highest, x)


def decay(x):
    """e^-|x|, with gradual underflow."""
    form = format_of(x)
    x = -abs(x)
    marked, r, tail = _reduce(select(x < form.exp_lowest, form.exp_lowest, x))
    shift = 64 if form.bits == 32 else 512
    return (1 + (r + tail)) * _power_of_two(marked, shift) * 2.0**-shift


def expm1(x):
    """eˣ − 1, accurate near 0."""
    form = format_of(x)
    lowest = -(form.mantissa + 3.0)
    safe = select(x < lowest, lowest, x)
    safe = select(safe > form.exp_highest, form.exp_highest, safe)
    marked, r, tail = _reduce(safe)
    half_scale = _power_of_two(marked, -1)
    result = 2 * fma(half_scale, r + tail, half_scale - 0.5)
    return select(abs(x) < form.tiny, x, result)


def sigmoid(x):
    """1/(1 + e^-x), accurate in both tails."""
    e = decay(x)
    r = 1 / (1 + e)
    return select(x >= 0, r, e * r)


def log1p_unit(x):
    """log(1 + x) for 0 ≤ x ≤ 1."""
    return fma(x * x, polynomial(x, format_of(x).log1p), x)


def softplus(x):
    """log(1 + eˣ), accurate in both tails."""
    return select(x < 0, 0, x) + log1p_unit(decay(x))


def tanh(x):
    """Hyperbolic tangent."""
    m = expm1(-2 * abs(x))
    return copysign(m / (2 + m), x)
