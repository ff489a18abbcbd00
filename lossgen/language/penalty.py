"""Penalties: declarations with one input, `@penalty`, for `add_loss` and for regularizers of weights.

To the compiler a penalty is a loss whose formula holds no target: its input takes the prediction's place. A
person writes and reads `x`.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict, Unpack, cast, overload

from sympy import Expr, Symbol

from lossgen.errors import DeclarationError
from lossgen.language.declaration import Declaration, Scope
from lossgen.language.decorator import Formula, build, formula_of, name_of
from lossgen.language.domains import Domain
from lossgen.language.facts import Facts, check_names
from lossgen.language.notation import replace
from lossgen.language.signature import read_signature, source_of
from lossgen.language.symbols import PREDICTION, Input, y_pred
from lossgen.runtime.inputs import PREPARATIONS
from lossgen.runtime.reduction import check_reduction

penalized = Symbol("x", real=True)
"""The input of a penalty as it is written and read; compiled formulas call it `p`."""


class PenaltyFacts(TypedDict, total=False):
    """The keyword arguments of `lg.penalty`, which explains them."""

    name: str
    scope: Scope
    axis_argument: bool
    arguments: tuple[str, ...]
    domain: Domain | Callable[..., Domain]
    preparation: str | None
    reduction: str
    kinks: str | tuple[str, ...]
    reference: str
    identifiers: str | tuple[str, ...]
    instance_name: str


@dataclass(frozen=True, eq=False, repr=False)
class PenaltyDeclaration(Declaration):
    """A penalty as a person declared it. Made by `lg.penalty` and arithmetic, never directly.

    Args:
        preparation: run-time step before the formula, which then reads its result: `"differences"` or `None`.
        reduction: what becomes of the rows where the scope is not the whole tensor: `"sum"` or `"mean"`.
    """

    further_names = frozenset({"weight"})  # a penalty takes no weights of samples

    preparation: str | None = None
    reduction: str = "sum"

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The one array that the penalty reads."""
        return (PREDICTION,)

    @property
    def written_inputs(self) -> tuple[Input, ...]:
        """The input as a person writes it."""
        return (Input("x", "prediction", penalized),)

    @property
    def has_rows(self) -> bool:
        """Whether there may be more than one row, so that a reduction has something to do."""
        return self.axis_argument or self.scope is not None

    def constructor_arguments(self) -> tuple[str, ...]:
        """All arguments of the constructor, in order."""
        if self.arguments is not None:
            return self.arguments
        own = (*self.own_arguments, *(("axes",) if self.preparation else ()))
        axis = ("axis",) if self.axis_argument else ()
        return (*own, *axis, *(("reduction",) if self.has_rows else ()), "name", "dtype")

    def as_read(self, expression: Expr) -> Expr:
        """A formula with `x` for its input."""
        return replace(expression, {y_pred: penalized})

    def __repr__(self) -> str:
        return super().__repr__().replace("<loss ", "<penalty ", 1)


@overload
def penalty(function: Formula, /) -> PenaltyDeclaration: ...


@overload
def penalty(**facts: Unpack[PenaltyFacts]) -> Callable[[Formula], PenaltyDeclaration]: ...


def penalty(
    function: Formula | None = None, /, **facts: Unpack[PenaltyFacts]
) -> PenaltyDeclaration | Callable[[Formula], PenaltyDeclaration]:
    """Declare a penalty: a decorator for `f(x, *, parameter=default, …)` that returns its formula.

    As `lg.loss`, but for one input instead of target and prediction, and for its columns, which are all
    elements of the tensor unless `scope` says otherwise.

    Args:
        name: name of the class (or function), instead of the decorated function's.
        scope: axis or axes that the reductions run over; `None` is the whole tensor.
        axis_argument: whether the constructor takes `axis`, with `scope` as its default.
        arguments: order of all constructor arguments.
        domain: of the input: a name, an interval `(low, high)` or a function of options that gives one.
        preparation: `"differences"`: the formula reads the differences of neighbours along the constructor's
            `axes` instead of the input itself.
        reduction: default of the constructor's `reduction`: `"sum"` or `"mean"` over the rows.
        kinks: where the penalty is not smooth, in words.
        reference: paper, section, equation.
        identifiers: further strings that `lossgen.penalties.get` accepts.
        instance_name: default `name` of an instance.

    Raises:
        DeclarationError: the penalty cannot be compiled; says which part is wrong and what to write.
    """
    if function is None:
        return lambda function: declared(function, facts)
    return declared(function, facts)


def declared(function: Formula, facts: PenaltyFacts) -> PenaltyDeclaration:
    """The declaration of a function of one input."""
    name = name_of(function, facts.get("name"), "penalty")
    check_names(name, facts, PenaltyFacts, "lg.penalty")
    _, own = read_signature(name, function, ("x",), "a penalty is a function of its input")
    if "x" in own:
        raise DeclarationError(f"{name}: `x` is the input in every penalty; rename the argument.")
    preparation = facts.get("preparation")
    if preparation is not None and preparation not in PREPARATIONS:
        known = ", ".join(map(repr, PREPARATIONS))
        raise DeclarationError(f"{name}: preparation is {preparation!r}; the only one is {known}.")
    given = {key: fact for key, fact in facts.items() if key in Facts.__annotations__ and key != "domain"}
    shared = cast(Facts, given)
    shared["scope"] = facts.get("scope")
    shared["domain"] = {"prediction": facts["domain"]} if "domain" in facts else {}
    if preparation is not None and (shared["scope"] is not None or facts.get("axis_argument")):
        raise DeclarationError(f"{name}: what is prepared has no axes left; its scope is the whole tensor.")
    reduction = check_reduction(facts.get("reduction", "sum"))
    return build(
        name,
        formula_of(name, function, [penalized]),
        own,
        shared,
        source=source_of(function),
        documentation=inspect.getdoc(function) or "",
        kind=PenaltyDeclaration,
        more={"preparation": preparation, "reduction": reduction},
        place={penalized: y_pred},
    )

