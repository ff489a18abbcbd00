"""A diagonal that bounds the Hessian of a row from above: the sum of the absolute values of each of its rows.

The Hessian is diag(D) + Σ u·vᵀ with few vectors u and v, which the Hessian-vector product shows: u stands
before the sums Σ v·(direction). So the bound |H_kk| + Σ |u_k|·(Σ_j |v_j| − |v_k|) takes one more sum for each
v, and bound − H is diagonally dominant.
"""

from collections.abc import Callable, Mapping

from sympy import Add, Expr, Integer, Mul, Pow, Symbol

from lossgen.language.atoms import absolute, expm1
from lossgen.language.symbols import column_count

from .differentiate import Derivative, tangent
from .ladder import DIRECTION, LABEL_HIT, Builder, Rung, hit_symbol, prune


def row_bound(first: Derivative, second: Derivative, stable: Callable[[Expr], Expr]) -> Derivative | None:
    """The bound at a column; None where columns do not meet, so that the diagonal says everything.

    Args:
        first: the gradient.
        second: the diagonal of the Hessian; its ladder is that of the gradient and more.
        stable: rewrites an expression into atoms.
    """
    product = tangent(first)
    rungs = prune(product.ladder, product.expression).rungs
    along = {rung.symbol: rung for rung in rungs if DIRECTION in rung.summand.free_symbols}
    if not along:
        return None
    builder = Builder(second.ladder)
    names = place(builder, tuple(rung for rung in rungs if rung.symbol not in along))
    magnitude = _Magnitude(builder, stable)
    bound = magnitude(second.expression)
    for factor, kind, at, vector in _products(product, along):
        if kind == "pick":  # it counts at all other columns
            factor = factor.subs(at, 0)
        size = magnitude.of_others(vector.xreplace(names), kind, names.get(at, at))
        bound += magnitude(factor.xreplace(names)) * size
    return Derivative(builder.ladder(), bound, bound)


def _products(
    product: Derivative, along: Mapping[Symbol, Rung]
) -> list[tuple[Expr, str, Symbol | None, Expr]]:
    """(u, kind and place of the reduction, v) of each product; sums with the same u are one."""
    found: dict[tuple, Expr] = {}
    for symbol, rung in along.items():
        factor, vector = product.expression.diff(symbol), rung.summand.diff(DIRECTION)
        assert not (factor.free_symbols | vector.free_symbols) & {DIRECTION, *along}
        turned = (-factor, rung.kind, rung.at)
        key, vector = (turned, -vector) if turned in found else ((factor, rung.kind, rung.at), vector)
        found[key] = found.get(key, Integer(0)) + vector
    return [(*key, vector) for key, vector in found.items()]


def place(builder: Builder, rungs: tuple[Rung, ...]) -> dict[Symbol, Expr]:
    """Adds rungs of another ladder; the symbols here of those that have other names there."""
    names: dict[Symbol, Expr] = {}
    for rung in rungs:
        at = names.get(rung.at, rung.at)
        placed = builder.add(rung.kind, rung.summand.xreplace(names), at)
        if placed != rung.symbol:
            names[rung.symbol] = placed
        own = next(each for each in builder.rungs if each.symbol == placed)
        if hit_symbol(own) != hit_symbol(rung):
            names[hit_symbol(rung)] = hit_symbol(own)
    return names


class _Magnitude:
    """Absolute values, factor by factor."""

    def __init__(self, builder: Builder, stable: Callable[[Expr], Expr]):
        self.builder = builder
        self.stable = stable
        self.hits = {LABEL_HIT, *(hit_symbol(rung) for rung in builder.rungs)}

    def __call__(self, expression: Expr) -> Expr:
        """|expression|, which is at most as large where it is a sum: |a + b| stays whole."""
        expression = self.stable(expression)
        return Mul(*(self._of_factor(factor) for factor in Mul.make_args(expression)))

    def _of_factor(self, factor: Expr) -> Expr:
        if factor.is_nonnegative or factor in (*self.hits, column_count):
            return factor
        if factor.is_nonpositive:
            return -factor
        if isinstance(factor, Pow) and factor.exp.is_Integer:
            return self._of_factor(factor.base) ** factor.exp
        if isinstance(factor, expm1) and self._is_log_softmax(factor.args[0]):
            return -factor
        if isinstance(factor, Add) and all(each.could_extract_minus_sign() for each in factor.args):
            return absolute(-factor)
        return absolute(factor)

    def _is_log_softmax(self, expression: Expr) -> bool:
        rungs = [rung for rung in self.builder.rungs if rung.kind == "logsumexp"]
        return any(expression == rung.summand - rung.symbol for rung in rungs)

    def of_others(self, vector: Expr, kind: str, at: Symbol | None) -> Expr:
        """Σ |v| over the columns but this one."""
        size = self(vector)
        if kind == "pick":
            return self.builder.pick(size * at, at) * (1 - at)
        if self.builder.depends_on_column(size):
            outside, inside = size.as_independent(*self.builder.element_symbols, as_Add=False)
            return outside * self.stable(self.builder.sum(inside) - inside)
        return size * (column_count - 1)
