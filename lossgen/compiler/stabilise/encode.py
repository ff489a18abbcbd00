"""From the normal form of a product back to an expression whose factors do not overflow against one another.

e^(r·v)·(1+e^v)^−n becomes σ(v)^r·σ(−v)^(n−r): each factor tends to 1 on the side where the other one decides,
so no 0·inf can arise. The same for expm1 and bose; tanh, sech2, cosh, sinh, exprel are put together again.
"""

from __future__ import annotations

from sympy import Add, Expr, Mul, Pow, S, cosh, exp, sinh, tanh

from lossgen.language.atoms import (
    absolute,
    bose,
    expm1,
    exprel,
    greater,
    inside,
    power,
    power_curvature,
    power_slope,
    relu,
    sech2,
    sigmoid,
    signum,
    step,
    xdivy,
)

from .forms import coefficients, is_positive, multiple
from .product import Product

INDICATORS = (step, inside, greater)


def encode(product: Product) -> Expr:
    """The expression of a product; the product itself is left alone."""
    product = product.copy()
    _join_signed_differences(product)
    factors = [*_tanh(product), *_sums(product), *_differences(product)]
    product.exponent += Add(*[r * v for v, r in product.tilts.items()])
    if product.exponent is not S.Zero:
        factors.append(exp(product.exponent))
    _kinks(product)
    _guards(product)
    factors.extend(_power(base, exponent) for base, exponent in product.bases.items())
    return Mul(product.coefficient, *factors)


def _power(base: Expr, exponent: Expr) -> Expr:
    if exponent.is_Rational or exponent.is_integer or is_positive(base):
        return Pow(base, exponent)
    return power(base, exponent)


def share(product: Product, v: Expr) -> Expr:
    """Take everything that is proportional to v out of the exponent; returns r with e^(r·v) taken out."""
    r = product.tilts.pop(v, S.Zero)
    wanted = coefficients(v)
    if len(wanted) == 1:
        ((term, number),) = wanted.items()
        rest = []
        for addend in Add.make_args(product.exponent):
            ratio = addend / term
            if ratio.free_symbols & term.free_symbols or ratio.as_numer_denom()[1].free_symbols:
                rest.append(addend)
            else:
                r += ratio / number
        product.exponent = Add(*rest)
        return r
    terms = coefficients(product.exponent)
    lead, number = next(iter(wanted.items()))
    if lead in terms:
        ratio = terms[lead] / number
        if all(terms.get(key, S.Zero) == ratio * value for key, value in wanted.items()):
            product.exponent = Add(*[value * key for key, value in terms.items() if key not in wanted])
            r += ratio
    for addend, number in terms.items():
        if addend.is_Mul and v in addend.args:
            product.exponent -= number * addend
            r += number * addend / v
    return r


def within(r: Expr, n: Expr) -> Expr:
    """The part of r that (1+e^v)^−n can take up: numbers within 0..n, symbols whole."""
    if r.is_Rational and n.is_Rational:
        return min(max(r, S.Zero), n) if n > 0 else max(min(r, S.Zero), n)
    excess = r - n
    if excess.is_Rational and excess >= 0:
        return n
    return r


def _turns(r: Expr, j: Expr) -> Expr:
    """How many of j factors change the sign of their exponent when e^(r·w) is handed to them."""
    if not r.is_Rational:
        r = r.as_coeff_Add()[0]
    count = min(max(r, S.Zero), j)
    return count if count.is_Integer else S.Zero


def _sums(product: Product):
    """(1+e^v)^k: sigmoids for k < 0, cosh or a plain sum for k > 0."""
    for v, k in list(product.sums.items()):
        r = share(product, v)
        if k.is_Rational and k > 0:
            yield from _positive_sum(product, v, k, r)
            continue
        taken = within(r, -k)
        product.exponent += (r - taken) * v
        yield from _sigmoids(product, v, taken, -k - taken)


def _positive_sum(product, v, k, r):
    if r == -k / 2:
        product.coefficient *= S(2) ** k if k.is_Integer else S.One
        yield cosh(v / 2) ** k
        if not k.is_Integer:
            yield S(2) ** k
        return
    turned = _turns(-r, k)
    if r == -k:
        turned = k
    elif not k.is_Integer:
        turned = S.Zero
    product.exponent += (r + turned) * v
    yield (1 + exp(-v)) ** turned
    yield (1 + exp(v)) ** (k - turned)


def _sigmoids(product, v, forward, backward):
    """σ(v)^forward·σ(−v)^backward, as sech2(v/2) where that takes the number in front with it."""
    if forward.is_Rational and backward.is_Rational:
        both = min(forward, backward)
        if both > 0 and _is_even(v):
            shared = product.coefficient / 4**both
            if shared.is_Rational and shared.q <= product.coefficient.q:
                product.coefficient = shared
                forward, backward = forward - both, backward - both
                yield sech2(v / 2) ** both
    yield sigmoid(v) ** forward
    yield sigmoid(-v) ** backward


def _is_even(v):
    return all(number.q == 1 and number.p % 2 == 0 for number in coefficients(v).values())


def _tanh(product: Product):
    """expm1(v)^j·(1+e^v)^−n with j, n of one sign → tanh(v/2)^min."""
    for w, j in list(product.differences.items()):
        n = -product.sums.get(w, S.Zero)
        if n.is_zero:
            continue
        count = j
        if n.is_Rational:
            if n * j < 0 or not n.is_Integer:
                continue
            count = min(n, j) if j > 0 else max(n, j)
        elif j < 0:
            continue
        _add_power(product.sums, w, count)
        _add_power(product.differences, w, -count)
        yield tanh(w / 2) ** count


def _add_power(powers, key, amount):
    total = powers[key] + amount
    if total.is_zero:
        del powers[key]
    else:
        powers[key] = total


def _differences(product: Product):
    """expm1(w)^j: bose for j < 0, sinh, exprel or expm1 for j > 0; powers of e^w turn its sign."""
    for w, j in list(product.differences.items()):
        if w.has(exp) and j < 0:
            count = _exponentials_of_exponentials(product, w, j)
            yield exprel(w) ** -count
            j += count
            if j.is_zero:
                continue
        r = share(product, w)
        if r == -j / 2 and j > 0:
            product.coefficient *= S(2) ** j
            yield sinh(w / 2) ** j
            continue
        if j < 0:
            turned = _turns(r, -j)
            product.exponent += (r - turned) * w
            product.coefficient *= S.NegativeOne**turned
            yield from _ratio(product, w, j + turned)
            yield from _ratio(product, -w, -turned)
        else:
            turned = _turns(-r, j)
            product.exponent += (r + turned) * w
            product.coefficient *= S.NegativeOne**turned
            yield from _ratio(product, w, j - turned)
            yield from _ratio(product, -w, turned)


def _exponentials_of_exponentials(product, w, j):
    """How many of e^v/expm1(c·e^v) = 1/(c·exprel(c·e^v)) there are, taken out of the exponent.

    e^v alone may overflow, or vanish as its quotient does not.
    """
    exponentials = [factor for factor in Mul.make_args(w) if isinstance(factor, exp)]
    if len(exponentials) != 1:
        return S.Zero
    (inner,) = exponentials
    r = share(product, inner.exp)
    count = min(max(r, S.Zero), -j) if r.is_Rational else S.Zero
    count = count if count.is_Integer else S.Zero
    product.exponent += (r - count) * inner.exp
    product.multiply(w / inner, -count)
    return count


def _ratio(product, w, j):
    """expm1(w)^j, with x^−j among the bases taken up: expm1(x)/x = exprel(x)."""
    if j.is_zero:
        return
    for base, exponent in list(product.bases.items()):
        if not exponent.is_Integer or exponent * j >= 0:
            continue
        ratio = multiple(w, base)
        if ratio is None or ratio.is_zero:
            continue
        count = min(j, -exponent) if j > 0 else max(j, -exponent)
        _add_power(product.bases, base, count)
        product.coefficient *= ratio**count
        yield exprel(w) ** count
        j -= count
        break
    yield expm1(w) ** j if j > 0 else bose(w) ** -j


def _join_signed_differences(product: Product):
    """expm1(w)^j joins (±expm1(±w))^q, a base with an exponent that is no integer."""
    for base, exponent in list(product.bases.items()):
        number, inner = base.as_coeff_Mul()
        if inner.func is not expm1 or number not in (S.One, S.NegativeOne):
            continue
        (w,) = inner.args
        for key, turned in ((w, S.One), (-w, S.NegativeOne)):
            if key not in product.differences:
                continue
            j = product.differences.pop(key)
            if turned is S.NegativeOne:  # expm1(−w) = −e^(−w)·expm1(w)
                product.tilt(w, -j)
            product.coefficient *= (number * turned) ** j
            product.bases[base] = exponent + j


def _kinks(product: Product):
    """Indicators are idempotent; relu·step = relu; |x|·sign x = x; y/y guarded = 1."""
    bases = product.bases
    for base, exponent in list(bases.items()):
        if base.func in INDICATORS and exponent.is_Integer and exponent > 1:
            bases[base] = S.One
        elif base.func is xdivy and exponent.is_Integer and _divides(*base.args):
            del bases[base]
            product.multiply(base.args[0] / base.args[1], exponent)
        elif base.func is signum and exponent.is_Integer and exponent > 2:
            bases[base] = 2 - exponent % 2
    for base, exponent in list(bases.items()):
        if base not in bases:
            continue
        if base.func is relu and step(base.args[0]) in bases and exponent.is_positive:
            del bases[step(base.args[0])]
        elif base.func is signum and exponent.is_Integer and exponent > 0:
            _unfold_absolute(bases, base, exponent)
            _unfold_curvature(bases, base, exponent)


def _divides(x, y):
    return any(factor.as_base_exp() == (x, S.One) for factor in Mul.make_args(y))


def _unfold_absolute(bases, base, exponent):
    (x,) = base.args
    height = bases.get(absolute(x))
    if height is None or not height.is_positive:
        return
    if exponent == 2:  # |x|·sign² = |x|
        del bases[base]
    elif height.is_Integer:
        del bases[base]
        _add_power(bases, absolute(x), S.NegativeOne)
        bases[x] = bases.get(x, S.Zero) + 1


def _unfold_curvature(bases, base, exponent):
    """(|x|^a)″ has no sign(x)²: at 0 it is 2 for a = 2."""
    (x,) = base.args
    is_curvature = any(each.func is power_curvature and each.args[0] == absolute(x) for each in bases)
    if exponent == 2 and base in bases and is_curvature:
        del bases[base]


def _guards(product: Product):
    """power_slope(b, a)·b = a·b^a: the guard is needed only as long as b stands alone."""
    bases = product.bases
    for guard, count in list(bases.items()):
        if guard.func not in (power_slope, power_curvature) or count is not S.One:
            continue
        base, a = guard.args
        have = bases.get(base)
        if have is None or not have.is_Integer or have < 1:
            continue
        if guard.func is power_slope:
            _replace(product, guard, base, a, a - 1 + have)
        elif have >= 2:
            _replace(product, guard, base, a * (a - 1), a - 2 + have)
        else:
            del bases[guard], bases[base]
            product.multiply(a - 1)
            bases[power_slope(base, a)] = S.One


def _replace(product, guard, base, factor, exponent):
    del product.bases[guard], product.bases[base]
    product.multiply(factor)
    if not exponent.is_zero:
        product.bases[base] = exponent
