"""What the page shows of a loss, as plain data: arguments with their ranges, views, formulas, kernels."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from lossgen.compiler.driver import Derived, derive
from lossgen.compiler.module import modules, variant_names
from lossgen.errors import NoViewError, visible
from lossgen.inspection.classes import is_shipped
from lossgen.inspection.curves.sampling import column_axis, interior
from lossgen.inspection.curves.views import View, variables_of, view_of
from lossgen.inspection.explorer.javascript import variant_code
from lossgen.inspection.explorer.kernel import hot_kernel
from lossgen.inspection.formulas import SYMBOLS, latex, term_formulas
from lossgen.inspection.mathematics import mathml
from lossgen.language.declaration import Declaration, same
from lossgen.language.penalty import PenaltyDeclaration
from lossgen.language.printing import latex as latex_of
from lossgen.language.printing import symbol_text
from lossgen.language.symbols import y_pred
from lossgen.runtime.parameters import Parameter

FACTOR = 20.0
"""A positive parameter has a slider from its default divided by this to its default times this."""

CLEAR_OF_END = 1e-3
"""Share of a slider's length that it keeps clear of an end that the parameter may not attain."""

GROUPS = {"shared": "other"}
"""Modules of the catalogue whose name says little."""


@dataclass(frozen=True)
class Shown:
    """One loss of a page: its data, and its functions in JavaScript, an array of terms for every variant."""

    data: Mapping[str, Any]
    functions: str


def shown(declaration: Declaration, imports: tuple[str, ...] = ()) -> Shown:
    """Everything that the page knows of a loss.

    Args:
        declaration: of the catalogue or one's own.
        imports: lines of Python that make the class of a loss of one's own known.

    Raises:
        NoViewError: the loss has no one-dimensional view.
        MissingLibraryError: latex2mathml is not installed.
    """
    if isinstance(declaration, PenaltyDeclaration):
        raise NoViewError(
            f"{declaration.class_name} is a penalty, and the explorer shows losses; try `lossgen plot`"
        )
    variants, functions, kernels = [], [], _kernels(declaration)
    for options, kernel in zip(declaration.variants(), kernels, strict=True):
        view = checked_view(declaration, options)
        derived = derive(declaration, options)
        functions.append(variant_code(derived, declaration.per_class))
        variants.append(
            {
                "labels": view.labels,
                "views": [
                    _view_data(declaration, view_of(declaration, options, variable=variable))
                    for variable in variables_of(declaration, options)
                ],
                "formulas": _formulas(declaration, options, derived),
                "kernel": kernel,
            }
        )
    data = {
        "name": declaration.name,
        "className": declaration.class_name,
        "group": group(declaration),
        "summary": visible(declaration.documentation.strip().split("\n\n")[0].replace("\n", " ")),
        "reference": visible(declaration.reference),
        "imports": list(imports) or _imports(declaration),
        "options": [
            {"name": name, "choices": [repr(choice) for choice in choices]}
            for name, choices in _choices(declaration).items()
        ],
        "parameters": [_parameter(name, each) for name, each in declaration.parameters.items()],
        "variants": variants,
    }
    return Shown(data, "[\n" + ",\n".join(functions) + "\n]")


def checked_view(declaration: Declaration, options: Mapping[str, object]) -> View:
    """The view of a variant, for a loss whose terms all see its one row.

    Raises:
        NoViewError: there is none.
    """
    view = view_of(declaration, options)
    rank = 1 + max(
        (axis if axis >= 0 else -axis - 1 for scope in view.scopes for axis in _axes(scope)), default=0
    )
    rows = [{axis % rank for axis in _axes(scope)} for scope in view.scopes if scope is not None]
    if any(column_axis(view) not in axes for axes in rows):
        raise NoViewError(
            f"{declaration.class_name} has no one-dimensional view: its terms run over different axes "
            f"({', '.join(map(str, view.scopes))})"
        )
    return view


def _axes(scope: int | tuple[int, ...] | None) -> tuple[int, ...]:
    return () if scope is None else (scope,) if isinstance(scope, int) else scope


def group(declaration: Declaration) -> str:
    """The heading under which a loss is listed: its module of the catalogue, or `your own`."""
    if not is_shipped(declaration):
        return "your own"
    name = (declaration.source or "").partition(" ")[0].rpartition("/")[2].removesuffix(".py")
    return GROUPS.get(name, name)


def _choices(declaration: Declaration) -> dict[str, list[object]]:
    """The values of every option, the default first, as `Declaration.variants` orders them."""
    return {
        name: [option.default, *(each for each in option.choices if not same(each, option.default))]
        for name, option in declaration.options.items()
    }


def _kernels(declaration: Declaration) -> list[str]:
    """The hot kernel of every variant, from the generated modules."""
    variants = declaration.variants()
    if len(variants) == 1:
        names = [f"{declaration.name}.py"]
    else:
        names = [f"{declaration.name}/{name}.py" for name in variant_names(variants)]
    if is_shipped(declaration):
        folder = files("lossgen.generated")
        return [hot_kernel(folder.joinpath(name).read_text("utf-8")) for name in names]
    texts = modules(declaration)
    return [hot_kernel(texts[name]) for name in names]


def _imports(declaration: Declaration) -> list[str]:
    if is_shipped(declaration):
        return [f"from lossgen.losses import {declaration.class_name}"]
    return [
        "import lossgen as lg",
        "",
        f"{declaration.class_name} = lg.compile({declaration.name})   # {declaration.name}: your declaration",
    ]


def _view_data(declaration: Declaration, view: View) -> dict[str, Any]:
    low, high = interior(view)
    letter = "label" if view.labels else "y"
    return {
        "variable": view.variable,
        "bounded": any(map(math.isfinite, view.limits)),
        "axis": view.label,
        "low": low,
        "high": high,
        "usual": view.targets.index(1.0) if 1.0 in view.targets and not view.labels else 0,
        "targets": [
            {
                "name": f"{letter} = {target:g}",
                "label": int(target) if view.labels else 0,
                "y": [] if view.labels else _prepared(declaration, view.row(target)),
                "p": [0.0, *view.others(target)],
                "column": 0,
                "origin": view.offset(target),
                "slope": view.slope(target),
            }
            for target in view.targets
        ],
    }


def _prepared(declaration: Declaration, targets: tuple[float, ...]) -> list[float]:
    """What the kernels read of the targets: for a hinge −1 and 1, also where they were 0 and 1."""
    if declaration.target_preparation is None or not set(targets) <= {0.0, 1.0}:
        return list(targets)
    return [2 * target - 1 for target in targets]


def _formulas(
    declaration: Declaration, options: Mapping[str, object], derived: tuple[Derived, ...]
) -> dict[str, Any]:
    """MathML of loss, gradient, Hessian, and of the letters in them; several terms are spelt out."""
    if len(derived) > 1:
        return {which: mathml(latex(declaration, which, **options)) for which in SYMBOLS} | {"letters": []}
    (term,) = derived
    parts = term_formulas(term).read_by(declaration)
    prediction = str(declaration.as_read(y_pred))
    formulas: dict[str, Any] = {
        which: mathml(f"{symbol.replace('INPUT', prediction)} = {latex_of(getattr(parts, which))}")
        for which, symbol in SYMBOLS.items()
    }
    formulas["letters"] = [
        mathml(f"{latex_of(symbol)} = {latex_of(part)}") for symbol, part in parts.definitions
    ]
    return formulas


def _parameter(name: str, parameter: Parameter) -> dict[str, Any]:
    (low, low_allowed), (high, high_allowed) = parameter.lower, parameter.upper
    default = parameter.default
    return {
        "name": name,
        "symbol": symbol_text(name),
        "default": list(default) if isinstance(default, tuple) else default,
        "minimum": low if math.isfinite(low) else None,
        "minimumAllowed": low_allowed,
        "maximum": high if math.isfinite(high) else None,
        "maximumAllowed": high_allowed,
        "expected": parameter.expected(),
        "perClass": parameter.per_class,
        "slider": slider(parameter),
    }


def slider(parameter: Parameter) -> dict[str, Any]:
    """The part of a parameter's declared range that its slider covers: all of it, or around the default."""
    (low, low_allowed), (high, high_allowed) = parameter.lower, parameter.upper
    default = max(parameter.default) if isinstance(parameter.default, tuple) else parameter.default
    size = max(1.0, abs(default))
    if low == 0 and not low_allowed and math.isinf(high) and default > 0:
        return {"low": default / FACTOR, "high": default * FACTOR, "logarithmic": True}
    begin = low if math.isfinite(low) else min(default, high) - 4 * size
    end = high if math.isfinite(high) else max(default + (1 if default < 1 else 3 * size), begin + 1)
    clearance = CLEAR_OF_END * (end - begin)
    if math.isfinite(low) and not low_allowed:
        begin += clearance
    if math.isfinite(high) and not high_allowed:
        end -= clearance
    return {"low": begin, "high": end, "logarithmic": False}
