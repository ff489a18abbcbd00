"""Further second derivatives of a loss of raw predictions, for gradient boosting: `FURTHER_OUTPUTS`.

Only those that differ from the Hessian's diagonal and that are known in closed form.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf

from sympy import Expr

from lossgen.language.declaration import Declaration, Scope
from lossgen.language.domains import bounds
from lossgen.language.penalty import PenaltyDeclaration

from .differentiate import Derivative
from .expectation import Model, expected, is_free_of_target
from .ladder import Builder, Ladder
from .row_bound import place, row_bound


@dataclass(frozen=True)
class Further:
    """The ladders and outputs of further kernels, and what `Properties.fisher` says of them."""

    fisher: str | None = None
    outputs: Mapping[str, tuple[Ladder, dict[str, Expr]]] = field(default_factory=dict)


def takes_raw(declaration: Declaration, options: Mapping[str, object], scope: Scope) -> bool:
    """Whether raw scores can be the predictions of a term: any numbers, in rows of the last axis."""
    if isinstance(declaration, PenaltyDeclaration) or scope != -1:
        return False
    return bounds(declaration.domain_of(options).get("prediction", "real")) == (-inf, inf)


def further(first: Derivative, second: Derivative, model: Model, stable: Callable[[Expr], Expr]) -> Further:
    """What there is for a term whose gradient and Hessian diagonal are `first` and `second`."""
    if second.expression == 0:
        return Further()
    outputs = {}
    fisher = None
    if is_free_of_target(second, model):
        fisher = "exact"
    elif (mean := expected(second, model, stable)) is not None:
        fisher = "own"
        outputs["gradient_and_fisher"] = _joined(first, mean, stable)
    bound = row_bound(first, second, stable)
    if bound is not None:
        outputs["gradient_and_upper_bound"] = _joined(first, bound, stable)
    return Further(fisher, outputs)


def _joined(
    first: Derivative, other: Derivative, stable: Callable[[Expr], Expr]
) -> tuple[Ladder, dict[str, Expr]]:
    """One ladder for the gradient and for what takes the place of the Hessian."""
    builder = Builder(first.ladder)
    names = place(builder, other.ladder.rungs)
    hessian = stable(other.expression.xreplace(names))
    return builder.ladder(), {"gradient": first.expression, "hessian": hessian}
