"""What one-dimensional view a loss has: variable, range, targets, and how the other columns are filled.

Reads declarations only: nothing is derived or compiled here.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sympy import Expr

from lossgen.errors import NoViewError, ParameterError
from lossgen.inspection.curves.structure import (
    clipped,
    finite,
    is_alone,
    numbers,
    reductions_of,
    scales_of,
    still_has,
    vectors,
)
from lossgen.language.declaration import Declaration, Scope
from lossgen.language.domains import Domain, bounds
from lossgen.language.penalty import PenaltyDeclaration
from lossgen.language.reductions import LogSoftmax, LogSumExp, Mean, Softmax
from lossgen.language.symbols import y_pred, y_true

VARIABLES = ("residual", "margin", "prediction")
TARGETS = {
    "real": (0.0, 1.0),
    "probability": (0.0, 1.0),
    "signs": (-1.0, 1.0),
    "nonnegative": (0.0, 1.0, 3.0),
    "positive": (0.5, 1.0, 3.0),
}
"""Targets that a domain is shown for; an interval gets its ends and middle, a loss of labels two of them."""

LINKS = {"logit": "logit", "softmax": "logit", "log": "logarithm of the mean"}
QUANTITIES = {"probability": "probability", "nonnegative": "amount", "positive": "amount"}
RANGES = {"residual": 4.0, "margin": 3.0, "logit": 6.0, "logarithm of the mean": 3.0}
"""Half the width of what is shown of an unbounded variable; ±4 of any other."""

FARTHEST = 1e6
"""A parameter beyond it is no place to look at: it switches something off."""

CLASSES = 3
"""Columns of a loss whose columns meet."""


@dataclass(frozen=True)
class View:
    """How a loss is drawn over one number, the prediction of its first column.

    Args:
        variable: "residual" (p − y), "margin" (y·p with y = ±1; for targets 0 and 1 the logit, signed) or
            "prediction".
        quantity: what the prediction is: "probability", "logit", "amount", "logarithm of the mean",
            "prediction"; of a penalty "input", "difference of neighbours" or "mean of the column".
        label: of the axis.
        interval: what is shown of the variable.
        limits: the smallest closed interval around what the variable may be.
        is_open: whether the curve may have no value at its finite limits, which it then keeps clear of.
        targets: those that curves are drawn for; one where the curve is the same for all.
        target: domain of the target, "labels" for one integer label a row, None for a penalty.
        alone: whether an element decides by itself; then there is one column.
        columns: how many there are.
        rest: the prediction of every other column, which stays as it is.
        scopes: the axes that are the columns of each term; None is the whole tensor.
        differences: whether the formula reads the differences of neighbours (a penalty of images).
    """

    variable: str
    quantity: str
    label: str
    interval: tuple[float, float]
    limits: tuple[float, float]
    is_open: bool
    targets: tuple[float, ...]
    target: Domain | None
    alone: bool
    columns: int
    rest: float
    scopes: tuple[Scope, ...]
    differences: bool = False

    @property
    def labels(self) -> bool:
        """Whether the target is one integer label a row."""
        return self.target == "labels"

    def slope(self, target: float) -> float:
        """d prediction / d variable: −1 over the margin of the negative class, else 1."""
        return -1.0 if self.variable == "margin" and target <= 0 else 1.0

    def offset(self, target: float) -> float:
        """prediction = offset + slope·variable."""
        return target if self.variable == "residual" else 0.0

    def row(self, target: float) -> tuple[float, ...]:
        """The targets of a row: that of the first column, of a second one its complement, else 0.

        Over the residual all columns have the target of the first, and the others a residual of `rest`.
        """
        if self.variable == "residual":
            return (target,) * self.columns
        return (target, 1 - target, *(0.0,) * self.columns)[: self.columns]

    def others(self, target: float) -> tuple[float, ...]:
        """The predictions of the other columns."""
        return (self.offset(target) + self.rest,) * (self.columns - 1)


def view_of(
    declaration: Declaration,
    options: Mapping[str, object] | None = None,
    parameters: Mapping[str, object] | None = None,
    variable: str | None = None,
) -> View:
    """The view of a loss or penalty.

    Args:
        declaration: of the catalogue or one's own.
        options: values of its options; the others have their defaults.
        parameters: values of its parameters, which widen the interval to where the formula switches; a list
            stands for a family of curves, a tuple for one number a column. The others have their defaults.
        variable: "residual", "margin" or "prediction", where the usual one of the loss is not wanted.

    Raises:
        ParameterError: an option or the variable is unknown.
        NoViewError: the loss has no view, or not this one.
    """
    if variable not in (None, *VARIABLES):
        known = ", ".join(map(repr, VARIABLES))
        raise ParameterError(f"`view` must be one of {known}. Received: view={variable!r}")
    return _deciding(declaration, options, parameters).made(variable)


def variables_of(
    declaration: Declaration, options: Mapping[str, object] | None = None
) -> tuple[str, ...]:
    """The variables that a loss may be drawn over, the usual one first.

    Raises:
        ParameterError: an option is unknown.
        NoViewError: the loss has no view.
    """
    return _deciding(declaration, options, None).allowed()


def _deciding(
    declaration: Declaration,
    options: Mapping[str, object] | None,
    parameters: Mapping[str, object] | None,
) -> "_View":
    chosen = dict(zip(declaration.options, declaration.variant_key(options), strict=True))
    if declaration.extra_inputs:
        names = ", ".join(each.name for each in declaration.extra_inputs)
        raise NoViewError(
            f"{declaration.class_name} has no one-dimensional view: it reads more than target and "
            f"prediction ({names}); make them parameters to plot it"
        )
    values = {name: each.default for name, each in declaration.parameters.items()} | dict(parameters or {})
    return _View(declaration, chosen, values)


class _View:
    """What the parts of a view are decided from."""

    def __init__(self, declaration: Declaration, options: Mapping[str, object], values: Mapping[str, object]):
        self.declaration, self.values = declaration, values
        self.terms = declaration.terms(options)
        self.formulas = [term.expression for term in self.terms]
        domain = declaration.domain_of(options)
        self.is_penalty = isinstance(declaration, PenaltyDeclaration)
        self.labels = declaration.uses_labels(options)
        self.declared = domain.get("target")
        self.prediction: Domain = domain.get("prediction", "real")
        self.limits = bounds(self.prediction)
        self.is_real = self.limits == (-math.inf, math.inf)
        self.link = declaration.link_of(options)
        width = max([1, *(len(each) for value in values.values() for each in vectors(value))])
        self.alone = all(map(is_alone, self.terms)) or self._is_mean_of_columns()
        self.columns = max(width, 1 if self.alone else CLASSES)
        self.alone = self.alone and self.columns == 1

    def made(self, variable: str | None) -> View:
        allowed = self.allowed()
        if variable not in (None, *allowed):
            raise NoViewError(
                f"{self.declaration.class_name} has no view over the {variable}; "
                f"write view={' or view='.join(map(repr, allowed))}"
            )
        variable = variable or allowed[0]
        quantity = self._quantity()
        limits = self.limits if variable == "prediction" else (-math.inf, math.inf)
        return View(
            variable=variable,
            quantity=quantity,
            label=self._label(variable, quantity),
            interval=self._interval(variable, quantity),
            limits=limits,
            is_open=any(map(math.isfinite, limits)),
            targets=self._targets(variable),
            target=None if self.is_penalty else "labels" if self.labels else self.declared or "real",
            alone=self.alone,
            columns=self.columns,
            rest=self._rest(),
            scopes=tuple(term.scope for term in self.terms),
            differences=bool(getattr(self.declaration, "preparation", None)),
        )

    def allowed(self) -> tuple[str, ...]:
        """The variables that make sense, the usual one first."""
        if self.is_penalty or self.labels or not self.is_real:
            return ("prediction",)
        if self._is_residual():
            return "residual", "prediction"
        if self.declared == "signs" or (self.declared is None and self._is_margin()):
            return "margin", "prediction"
        if self.declared == "real" and self.alone:
            return "residual", "prediction"
        if self.declared == "probability" and self.alone:
            return "prediction", "margin"
        return ("prediction",)

    def _is_free_of_target(self, prediction: Expr) -> bool:
        """Whether the formula is one of the variable alone, once the prediction is written by it."""
        formulas = [formula.xreplace({y_pred: prediction}) for formula in self.formulas]
        if not any(y_true in formula.free_symbols for formula in self.formulas):
            return False
        return not any(still_has(formula, y_true) for formula in formulas)

    def _quantity(self) -> str:
        if self.is_penalty:
            if getattr(self.declaration, "preparation", None):
                return "difference of neighbours"
            return "mean of the column" if self._is_mean_of_columns() else "input"
        if self.link in LINKS:
            return LINKS[self.link]
        is_binary = self.declared == "probability" and self.alone and not self._is_residual()
        if self.is_real and (self._has_softmax() or is_binary):
            return "logit"
        return QUANTITIES.get(str(self.prediction), "prediction")

    def _has_softmax(self) -> bool:
        return any(formula.has(LogSumExp, Softmax, LogSoftmax) for formula in self.formulas)

    def _is_residual(self) -> bool:
        """Whether the formula depends on prediction − target only."""
        return self._is_free_of_target(y_pred + y_true)

    def _is_margin(self) -> bool:
        """Whether the formula depends on target·prediction only, the target being −1 or 1."""
        return self._is_free_of_target(y_pred / y_true)

    def _label(self, variable: str, quantity: str) -> str:
        if self.is_penalty:
            words = f"{quantity} x"
        elif variable == "residual":
            words = "residual p − y"
        elif variable == "margin":
            words = "margin y·p" if self.declared in (None, "signs") else "margin ±p"
        else:
            words = "prediction p" if quantity == "prediction" else f"{quantity} p"
        if self.columns > 1:
            words += f" of one column, the others {self._rest():g}"
        return words

    def _targets(self, variable: str) -> tuple[float, ...]:
        if self.is_penalty:
            return (0.0,)
        if self.labels:
            return (0.0, 1.0)
        if variable == "residual" and self._is_residual():
            return (0.0,)
        if variable == "residual":
            return (1.0, 3.0)
        if variable == "margin" and self._is_margin():
            return (1.0,)
        if variable == "margin":
            return (-1.0, 1.0) if self.declared in (None, "signs") else (0.0, 1.0)
        domain = self.declared or "real"
        low, high = clipped(self.formulas, y_true, bounds(domain))
        if isinstance(domain, str):
            usual = TARGETS.get(domain, TARGETS["real"])
            within = tuple(each for each in usual if low <= each <= high)
            if within == usual:
                return within
        low, high = finite((low, high))
        return low, (low + high) / 2, high

    def _interval(self, variable: str, quantity: str) -> tuple[float, float]:
        if variable == "prediction" and not self.is_real:
            low, high = clipped(self.formulas, y_pred, self.limits)
            margin = (high - low) / 8 if (low, high) != self.limits and math.isfinite(high - low) else 0.0
            low, high = finite((low, high))
            return max(self.limits[0], low - margin), min(self.limits[1], high + margin)
        half = RANGES.get(variable if variable != "prediction" else quantity, 4.0)
        half = max([half, *(1.5 * value for value in self._scales() if value < FARTHEST)])
        return -half, half

    def _scales(self) -> Iterable[float]:
        """The values of parameters that the variable is compared with, or divided by."""
        names = {str(symbol) for formula in self.formulas for symbol in scales_of(formula)}
        for name in names & set(self.values):
            yield from map(abs, numbers(self.values[name]))

    def _rest(self) -> float:
        if self.columns == 1:
            return 0.0
        if self.is_real:
            declared_real = self.declared in (None, "real") and not self.labels and not self._has_softmax()
            return 0.5 if declared_real and not self.is_penalty else 0.0
        low, high = finite(self.limits)
        return low + (high - low) / (2 if None in {term.scope for term in self.terms} or high > 1 else 4)

    def _is_mean_of_columns(self) -> bool:
        """Whether a penalty is a function of the mean of its input, which one element shows."""
        if not self.is_penalty:
            return False
        return all(reductions_of(formula) == {Mean(y_pred)} for formula in self.formulas)
