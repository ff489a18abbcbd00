"""A figure of a loss, its gradient and its Hessian over the prediction. Needs matplotlib."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from lossgen.compiler.api import compile
from lossgen.errors import MissingLibraryError, ParameterError
from lossgen.language.declaration import Declaration
from lossgen.language.domains import bounds
from lossgen.language.penalty import PenaltyDeclaration
from lossgen.language.printing import symbol_text

STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "axes.titleweight": "bold",
}
LINES = ("-", "--", "-.", ":")
POINTS = 801
Curve = tuple[np.ndarray, ...]
TARGETS = {
    "probability": (0.0, 1.0),
    "signs": (-1.0, 1.0),
    "nonnegative": (0.0, 1.0, 3.0),
    "positive": (0.5, 1.0, 3.0),
}
"""Targets that a domain is shown for; any other domain gets its middle."""


def plot(
    declaration: Declaration,
    path: str | Path | None = None,
    *,
    targets: Sequence[float] | None = None,
    interval: tuple[float, float] | None = None,
    **arguments,
):
    """Loss, gradient and Hessian diagonal over one prediction, a curve for each target and argument value.

    A loss whose columns meet (softmax, Dice) is shown over the prediction of the first of three columns, the
    others held fixed.

    Args:
        declaration: the loss.
        path: where the figure is saved, by its ending as PNG, SVG or PDF; None leaves that to the caller.
        targets: target values, or labels for losses of labels; by default typical ones of the domain.
        interval: range of the prediction; by default typical of the domain.
        arguments: constructor arguments; a list gives a curve for each of its values.

    Returns:
        The matplotlib figure.

    Raises:
        MissingLibraryError: matplotlib is not installed.
        ParameterError: an argument is unknown or outside its range.
    """
    if isinstance(declaration, PenaltyDeclaration):
        raise ParameterError(f"{declaration.class_name} is a penalty; only losses are plotted")
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingLibraryError("plots need matplotlib: pip install 'lossgen[plot]'") from error

    with rc_context(STYLE):
        figure = Figure(figsize=(13, 3.8), layout="constrained")
        panels = figure.subplots(1, 3)
        for label, curve in _curves(declaration, targets, interval, arguments):
            for panel, values in zip(panels, curve[1:], strict=True):
                panel.plot(curve[0], values, LINES[len(panel.lines) % len(LINES)], label=label)
        for panel, title in zip(panels, ("loss", "gradient", "Hessian"), strict=True):
            panel.set(title=title, xlabel="prediction")
            panel.axhline(0, color="black", linewidth=0.6)
        panels[0].legend()
        figure.suptitle(declaration.class_name)
        if path is not None:
            figure.savefig(path, dpi=120)
    return figure


def _curves(declaration, targets, interval, arguments) -> Iterator[tuple[str, Curve]]:
    made = compile(declaration)
    lists = {name: value for name, value in arguments.items() if isinstance(value, list)}
    for values in itertools.product(*lists.values()):
        several = dict(zip(lists, values, strict=True))
        loss = made(**{**arguments, **several}, reduction="none")
        options = {name: value for name, value in arguments.items() if name in declaration.options}
        for target in targets or _targets(declaration, options):
            words = [f"{symbol_text(name)} = {value:g}" for name, value in several.items()]
            words.append(f"{'label' if declaration.uses_labels(options) else 'y'} = {target:g}")
            yield ", ".join(words), _curve(declaration, options, loss, target, interval)


def _targets(declaration: Declaration, options: Mapping) -> tuple[float, ...]:
    if declaration.uses_labels(options):
        return (0, 1)
    domain = declaration.domain_of(options).get("target", "real")
    if isinstance(domain, str):
        return TARGETS.get(domain, (0.0,))
    low, high = _finite(domain)
    return ((low + high) / 2,)


def _curve(declaration: Declaration, options: Mapping, loss, target: float, interval) -> Curve:
    """The predictions, and loss, gradient and Hessian at each."""
    low, high = interval or _finite(declaration.domain_of(options).get("prediction", "real"))
    margin = 0 if interval else (high - low) * 1e-3
    swept = np.linspace(low + margin, high - margin, POINTS)
    alone = _is_elementwise(declaration, options)
    columns = 1 if alone else 3
    prediction = np.full((POINTS, columns), 0.0 if alone else (low + high) / 2)
    prediction[:, 0] = swept
    truth = np.zeros((POINTS, columns))
    truth[:, 0] = target
    truth[:, 1:2] = 1 - target
    if declaration.uses_labels(options):
        truth = np.full(POINTS, int(target))
    step = POINTS if -1 in declaration.scopes else 1  # a loss of the whole tensor sees one row at a time
    blocks = [slice(start, start + step) for start in range(0, POINTS, step)]
    values = [np.ravel(loss.call(truth[rows], prediction[rows])) for rows in blocks]
    pairs = [loss.gradient_and_hessian(truth[rows], prediction[rows]) for rows in blocks]
    derivatives = (np.concatenate([pair[each][:, 0] for pair in pairs]) for each in (0, 1))
    return swept, np.concatenate(values), *derivatives


def _is_elementwise(declaration: Declaration, options: Mapping) -> bool:
    """Whether every column contributes by itself, so that one column shows it all."""
    from lossgen.compiler.driver import derive
    from lossgen.inspection.formulas import checked

    terms = derive(declaration, checked(declaration, dict(options)))
    return not any(plan.needs_row_result for term in terms for plan in term.schedules.values())


def _finite(domain) -> tuple[float, float]:
    low, high = bounds(domain)
    if np.isinf(low) and np.isinf(high):
        return -4.0, 4.0
    return (high - 5.0 if np.isinf(low) else low), (low + 5.0 if np.isinf(high) else high)
