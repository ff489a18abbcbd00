"""Sums of exponentials: addends that cancel one another become one product (rule A1)."""

from __future__ import annotations

from sympy import Add, Dummy, Expr, Mul, Poly, Rational, S

from lossgen.language.atoms import sigmoid

from .encode import encode
from .forms import common_unit, is_backward, multiple, size
from .product import Product

MAXIMUM_DEGREE = 16
_t = Dummy("t")


def combine_exponentials(expression: Expr) -> Expr | None:
    """A1: addends of equal cofactor, rational in one t = e^w, that make one product."""
    found = _combine_groups(expression)
    if found is not None:
        return found
    opened = _open_cofactors(expression)
    if opened is None:
        return None
    found, combined = opened, opened
    while combined is not None:
        found = combined
        combined = _combine_groups(found) if found.is_Add else None
    if found is opened and len(Add.make_args(opened)) > len(expression.args):
        return None  # nothing has cancelled
    return found if size(found) < size(expression) else None


def _open_cofactors(expression):
    """(1 − y)·σ(p) as σ(p) − y·σ(p), for every addend with exponentials and a sum among its factors."""
    opened = []
    for addend in expression.args:
        sums = [factor for factor in Mul.make_args(addend) if factor.is_Add]
        if addend.is_Mul and len(sums) == 1 and Product.of(addend).has_exponentials:
            others = Mul(*[factor for factor in addend.args if factor is not sums[0]])
            opened.extend(term * others for term in sums[0].args)
        else:
            opened.append(addend)
    return Add(*opened) if len(opened) > len(expression.args) else None


def _combine_groups(expression):
    groups: dict[frozenset, list[int]] = {}
    products = [Product.of(addend) for addend in expression.args]
    for index, product in enumerate(products):
        groups.setdefault(frozenset(product.bases.items()), []).append(index)
    for members in groups.values():
        if len(members) < 2 or not any(products[index].has_exponentials for index in members):
            continue
        for direction in _directions([products[index] for index in members]):
            found = _combine_direction(expression, products, members, direction)
            if found is not None:
                return found
    return None


def _exponent_of(product: Product) -> Expr:
    return product.exponent + Add(*[r * v for v, r in product.tilts.items()])


def _directions(products):
    """Candidates for w: what the products' sums, differences and exponents are powers of e of."""
    found = []
    for product in products:
        for v in (*product.sums, *product.differences, *product.tilts, _exponent_of(product)):
            if v is S.Zero:
                continue
            v = -v if is_backward(v) else v
            if all(multiple(v, other) is None for other in found):
                found.append(v)
    return found


def _combine_direction(expression, products, members, direction):
    """Try the largest family of addends whose ratios are rational in e^direction."""
    for first in members:
        family = {}
        for index in members:
            ratio = _ratio(products[index], products[first], direction)
            if ratio is not None:
                family[index] = ratio
        if len(family) < 2:
            continue
        if not _is_anchored([products[index] for index in family], direction):
            continue
        combined = _one_product(products[first], family, direction)
        if combined is None:
            continue
        rest = [addend for index, addend in enumerate(expression.args) if index not in family]
        result = Add(*rest, encode(combined[0]))
        if combined[1] or size(result) < size(expression):
            return result if result != expression else None
        return None
    return None


def _is_anchored(products, direction):
    """The direction belongs to the formula: e^a − e^b for unrelated a, b stays (softmax differences do)."""
    keys = (key for product in products for key in (*product.sums, *product.differences))
    if any(multiple(key, direction) is not None for key in keys):
        return True
    return all(multiple(_exponent_of(product), direction) is not None for product in products)


def _ratio(product, reference, direction):
    """product/reference as {"c": number, "e": exponent, "sums": {r: k}, "differences": {r: j}}."""
    exponent = multiple(_exponent_of(product) - _exponent_of(reference), direction)
    if exponent is None:
        return None
    result = {"c": product.coefficient / reference.coefficient, "e": exponent}
    for name in ("sums", "differences"):
        mine, other = getattr(product, name), getattr(reference, name)
        powers = {}
        for key in (*mine, *other):
            change = mine.get(key, S.Zero) - other.get(key, S.Zero)
            if change.is_zero:
                continue
            unit = multiple(key, direction)
            if unit is None or not change.is_Integer:
                return None
            powers[unit] = int(change)
        result[name] = powers
    return result


def _one_product(reference, family, direction):
    """(product, whether addends cancelled) if the sum is one of t, 1 + t^n, t^n − 1, positive rest."""
    ratios = list(family.values())
    keys = [key for ratio in ratios for name in ("sums", "differences") for key in ratio[name]]
    unit = common_unit([ratio["e"] for ratio in ratios] + keys)
    lowest = {
        name: {
            key: min(ratio[name].get(key, 0) for ratio in ratios)
            for key in {key for ratio in ratios for key in ratio[name]}
        }
        for name in ("sums", "differences")
    }
    shift = min(int(ratio["e"] / unit) for ratio in ratios)
    degree = 0
    parts = []
    for ratio in ratios:
        part = Poly(ratio["c"] * _t ** (int(ratio["e"] / unit) - shift), _t, domain="QQ")
        for name, sign in (("sums", 1), ("differences", -1)):
            for key, low in lowest[name].items():
                count = ratio[name].get(key, 0) - low
                n = int(key / unit)
                degree = max(degree, part.degree() + n * count)
                if degree > MAXIMUM_DEGREE:
                    return None
                part *= Poly(_t**n + sign, _t, domain="QQ") ** count
        parts.append(part)
    total = sum(parts[1:], parts[0])
    result = reference.copy()
    for name in ("sums", "differences"):
        for key, low in lowest[name].items():
            getattr(result, "sum" if name == "sums" else "difference")(key * direction, Rational(low))
    result.tilt(direction, shift * unit)
    if total.is_zero:
        result.coefficient = S.Zero
        return result, True
    cancelled = _cancels(parts, total)
    return (result, cancelled) if _factor(result, total, unit, direction, lowest) else None


def _cancels(parts, total):
    """Addends of opposite sign dominate one another somewhere: at t → 0, t → ∞ or t = 1."""
    highest, low = max(part.degree() for part in parts), min(_order(part) for part in parts)
    return total.degree() < highest or _order(total) > low or (total.eval(1) == 0)


def _order(polynomial):
    return min(power for (power,) in polynomial.monoms())


def _factor(result, total, unit, direction, lowest):
    """Divide the polynomial into the result's factors; False if something is left that has a sign change."""
    w = direction * unit
    order = _order(total)
    if order:
        total = total.exquo(Poly(_t**order, _t, domain="QQ"))
        result.tilt(direction, order * unit)
    known = {1} | {int(key / unit) for name in lowest for key in lowest[name]}
    for n in sorted(known, reverse=True):
        for sign, absorb in ((1, result.sum), (-1, result.difference)):
            factor = Poly(_t**n + sign, _t, domain="QQ")
            while total.degree() >= n and (division := total.div(factor))[1].is_zero:
                total = division[0]
                absorb(n * w, S.One)
    if total.degree() == 0:
        result.coefficient *= Rational(total.LC())
        return True
    return _positive_rest(result, total, w)


def _positive_rest(result, total, w):
    """A polynomial with positive coefficients of degree d takes up (1+t)^−d: Σ c·σ(w)^k·σ(−w)^(d−k)."""
    d = total.degree()
    numbers = [Rational(number) for number in reversed(total.all_coeffs())]
    power = result.sums.get(w)
    if power is None or not (power + d).is_nonpositive or any(number < 0 for number in numbers):
        return False
    result.sum(w, Rational(d))
    result.base(Add(*[c * sigmoid(w) ** k * sigmoid(-w) ** (d - k) for k, c in enumerate(numbers)]), S.One)
    return True

