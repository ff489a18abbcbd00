"""A loss in array code: its rows, its gradients, its Hessian-vector product, for arrays of any framework.

Everything here is plain code of the framework: it can be traced, compiled and differentiated. Nothing can be
raised for values: where a label names no column, the results of its row are NaN.
"""

from collections.abc import Mapping
from typing import Any

from lossgen.errors import NoGradientError
from lossgen.runtime.arrays.ops import ArrayOps
from lossgen.runtime.plan import BoundTerm, Plan
from lossgen.runtime.shapes import layout_of

Parameters = Mapping[str, Any] | None
"""Arrays that take the place of the numbers that a loss was made with, by the name of the parameter."""


def losses(Ops: type[ArrayOps], plan: Plan, y: Any, p: Any, parameters: Parameters = None) -> Any:
    """The loss of every row; 0 where its label is ignored.

    Args:
        Ops: the operations of the framework.
        plan: of an instance of the loss.
        y: targets in the shape and dtype of p; for losses of labels integers in the shape of the losses.
        p: predictions, float32 or float64.
        parameters: arrays for some of the parameters.

    Returns:
        An array in the shape of the losses and the dtype of p.
    """
    scene = _Scene(Ops, plan, y, p)
    total = 0
    for term, ops in scene.terms():
        total = total + ops.lift(term.arrays["value"](ops, scene.y, p, *_values(term, parameters)))
    return scene.in_rows(scene.only_used(total))


def gradient(
    Ops: type[ArrayOps], plan: Plan, y: Any, p: Any, cotangent: Any, parameters: Parameters = None
) -> Any:
    """d(Σ cotangent·loss)/dp, in the shape of p; 0 in rows whose cotangent is 0.

    Args:
        cotangent: one number a loss, in the shape of the losses.
    """
    return _by_element("gradient", Ops, plan, y, p, cotangent, parameters)


def product(
    Ops: type[ArrayOps],
    plan: Plan,
    y: Any,
    p: Any,
    cotangent: Any,
    vector: Any,
    parameters: Parameters = None,
) -> Any:
    """The Hessian of Σ cotangent·loss by p, times a vector in the shape of p."""
    return _by_element("product", Ops, plan, y, p, cotangent, parameters, (vector,))


def target_gradient(
    Ops: type[ArrayOps], plan: Plan, y: Any, p: Any, cotangent: Any, parameters: Parameters = None
) -> Any:
    """d(Σ cotangent·loss)/dy, in the shape of p.

    Raises:
        NoGradientError: the loss reads labels, or prepares its targets.
    """
    if plan.labels:
        raise NoGradientError("Labels are whole numbers: there is no gradient with respect to `y_true`.")
    return _by_element("gradient_to_y_true", Ops, plan, y, p, cotangent, parameters)


def parameter_gradients(
    Ops: type[ArrayOps], plan: Plan, y: Any, p: Any, cotangent: Any, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """d(Σ cotangent·loss)/d(parameter) of every parameter given, each in its own shape."""
    found: dict[str, Any] = {}
    scene = _Scene(Ops, plan, y, p)
    for name, parameter in parameters.items():
        total = 0
        for term, ops in scene.terms():
            output = f"gradient_to_{name}"
            if output not in term.arrays:
                continue
            change = ops.lift(term.arrays[output](ops, scene.y, p, *_values(term, parameters)))
            weight = scene.of_term(cotangent, ops)
            change = ops.guarded_product(weight, change)
            if name not in term.per_class:  # one number a row
                total = total + ops.total(change)
            elif len(parameter.shape) == 0:
                total = total + ops.total(ops.spread(change))
            else:
                total = total + ops.a_column(ops.spread(change))
        found[name] = scene.ops.lift(total) + 0 * scene.ops.cast(parameter)
    return found


class _Scene:
    """The data of one evaluation and how terms of different scopes see it."""

    def __init__(self, Ops: type[ArrayOps], plan: Plan, y: Any, p: Any):
        rank = len(p.shape)
        self.Ops, self.plan, self.p = Ops, plan, p
        axes = [axes_of(p.shape, scope) for scope in plan.scopes]
        self.joint = tuple(sorted(set.intersection(*map(set, axes))))
        self.ops = Ops(p, self.joint)
        self._axes, self._rank = axes, rank
        self.y, self.used, self.wrong = y, None, None
        if plan.labels:
            self._read_labels(y)

    def _read_labels(self, labels: Any) -> None:
        """Labels with the columns as axes of size 1; ignored ones replaced by one that names a column."""
        ops = self.ops
        labels = self.with_columns(labels)
        if self.plan.ignore_class is not None:
            self.used = labels != self.plan.ignore_class
            labels = ops.where(self.used, labels, labels - labels)
        self.wrong = (labels < 0) | (labels >= ops.column_count)
        self.y = labels

    def terms(self):
        """Every term and its operations."""
        for term, axes in zip(self.plan.terms, self._axes, strict=True):
            yield term, self.Ops(self.p, axes)

    def with_columns(self, losses: Any) -> Any:
        """An array in the shape of the losses with the columns as axes of size 1."""
        sizes = iter(range(len(losses.shape)))
        shape = tuple(
            1 if axis in self.joint else self.ops.size_of(losses, next(sizes)) for axis in range(self._rank)
        )
        return self.ops.reshape(losses, shape)

    def in_rows(self, losses: Any) -> Any:
        """An array with the columns as axes of size 1, in the shape of the losses."""
        sizes = tuple(self.ops.size(axis) for axis in range(self._rank) if axis not in self.joint)
        shape = tuple(
            1 if axis in self.joint else self.ops.size(axis) for axis in range(self._rank)
        )
        return self.ops.reshape(self.ops.spread_to(losses, shape), sizes)

    def only_used(self, losses: Any) -> Any:
        """Losses with the columns as 1: 0 where the label is ignored, NaN where it names no column."""
        if self.wrong is not None:
            losses = self.ops.select(self.wrong, self.ops.nan, losses)
        return losses if self.used is None else self.ops.select(self.used, losses, 0)

    def of_term(self, cotangent: Any, ops: ArrayOps) -> Any:
        """The cotangent of a term's rows: the sum over the losses that each contributes to."""
        cotangent = self.only_used(self.with_columns(cotangent))
        extra = tuple(axis for axis in ops.axes if axis not in self.joint)
        return ops.reduce_sum(cotangent, extra) if extra else cotangent


def _by_element(output, Ops, plan, y, p, cotangent, parameters, others=()):
    scene = _Scene(Ops, plan, y, p)
    total = 0
    for term, ops in scene.terms():
        derivative = ops.lift(term.arrays[output](ops, scene.y, p, *others, *_values(term, parameters)))
        total = total + ops.guarded_product(scene.of_term(cotangent, ops), derivative)
    return scene.ops.spread(total)


def _values(term: BoundTerm, parameters: Parameters) -> list[Any]:
    """The arguments of a term's parameters."""
    given = parameters or {}
    return [given.get(name, value) for name, value in term.values.items()]


def axes_of(shape: Any, scope: int | tuple[int, ...] | None) -> tuple[int, ...]:
    """The axes that are columns, of a shape whose sizes need not be known.

    Raises:
        ShapeError: the shape has no such axis, or an axis is named twice.
    """
    rank, axes = len(shape), []
    if scope is None:
        return tuple(range(rank))
    for axis in (scope,) if isinstance(scope, int) else scope:  # a loop, which every tracer follows
        if not -rank <= axis < rank or axis % rank in axes:
            return layout_of(tuple([1] * rank), scope).axes  # which says what is wrong
        axes.append(axis % rank)
    return tuple(sorted(axes))
