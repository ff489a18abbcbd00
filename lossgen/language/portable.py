"""Declarations as plain data and back, so that a loss travels without the program that declared it.

`portable` writes dictionaries, lists, texts and numbers; `declaration_from` builds from them what it names
and checks it as the decorators do: nothing is evaluated, imported or looked up. `portable_text` has the same
as JSON.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

from sympy import Symbol

from lossgen.errors import LossgenError, PortableError
from lossgen.language.declaration import Case, Declaration, Term
from lossgen.language.domains import Domain
from lossgen.language.parameters import Option, Parameter
from lossgen.language.penalty import PenaltyDeclaration
from lossgen.language.portable_expression import Plain, written
from lossgen.language.symbols import column_count, y_pred, y_true

VERSION = 1
"""Of the format. A change that readers of this version would misunderstand raises it; `portable_reader`
refuses what is newer, and is where older data will be upgraded."""

BOUNDS = ("positive", "minimum", "maximum", "above", "below", "per_class")
"""What a parameter may say besides its default."""

TEXTS = ("documentation", "reference", "source", "target_preparation")
"""Facts that are one text and left out where they are not said."""

LISTS = ("kinks", "identifiers")
"""Facts that are several texts."""


def portable(declaration: Declaration) -> dict[str, Plain]:
    """Everything that a declaration says as plain data, of which `declaration_from` makes an equal one.

    Raises:
        PortableError: it cannot be written down, or not be read again; says what the matter is.
    """
    from lossgen.language.portable_reader import declaration_from

    with place(declaration.name):
        data = _written(declaration)
        again = declaration_from(data)
    for each in fields(declaration):
        if getattr(again, each.name) != getattr(declaration, each.name):
            raise PortableError(
                f"{declaration.name}: its {each.name} would not come back as it is; please report the "
                "declaration."
            )
    return data


def symbol_names(declaration: Declaration) -> dict[Symbol, str]:
    """What each symbol of a declaration is called in portable expressions."""
    inputs = (
        {y_pred: "x"} if isinstance(declaration, PenaltyDeclaration) else {y_true: "y_true", y_pred: "y_pred"}
    )
    extra = {each.symbol: each.name for each in declaration.extra_inputs}
    own = {symbol: name for name, symbol in declaration.symbols().items()}
    return {**inputs, column_count: "C", **extra, **own}


@contextmanager
def place(path: str) -> Iterator[None]:
    """Errors of the language as `PortableError`s that name the place."""
    try:
        yield
    except PortableError:
        raise
    except LossgenError as error:
        raise PortableError(f"{path}: {error}") from None


def _written(declaration: Declaration) -> dict[str, Plain]:
    penalty = isinstance(declaration, PenaltyDeclaration)
    names = symbol_names(declaration)
    data: dict[str, Plain] = {
        "lossgen": VERSION,
        "kind": "penalty" if penalty else "loss",
        "name": declaration.name,
        "class": declaration.class_name,
    }
    if declaration.instance_name != declaration.name:
        data["instance_name"] = declaration.instance_name
    data |= {name: getattr(declaration, name) for name in TEXTS if getattr(declaration, name)}
    data |= {name: list(getattr(declaration, name)) for name in LISTS if getattr(declaration, name)}
    own: dict[str, Parameter | Option] = {**declaration.parameters, **declaration.options}
    data["arguments"] = [_argument(name, own[name]) for name in declaration.own_arguments]
    if declaration.arguments is not None:
        data["constructor"] = list(declaration.arguments)
    if declaration.extra_inputs:
        data["extra_inputs"] = [each.name for each in declaration.extra_inputs]
    data["scope"] = _plain(declaration.scope)
    if declaration.axis_argument:
        data["axis_argument"] = True
    if isinstance(declaration, PenaltyDeclaration):
        data |= {"preparation": declaration.preparation} if declaration.preparation else {}
        data["reduction"] = declaration.reduction
    if declaration.parts:
        data["parts"] = [[written(weight, {}), name] for weight, name in declaration.parts]
    data["cases"] = [
        _case(dict(zip(declaration.options, key, strict=True)), case, names)
        for key, case in declaration.cases.items()
    ]
    return data


def _argument(name: str, argument: Parameter | Option) -> dict[str, Plain]:
    data: dict[str, Plain] = {"name": name, "default": _plain(argument.default)}
    if isinstance(argument, Option):
        return {**data, "choices": _plain(argument.choices)}
    said = {bound: getattr(argument, bound) for bound in BOUNDS}
    return data | {bound: value for bound, value in said.items() if value is not None and value is not False}


def _case(options: Mapping[str, Any], case: Case, names: Mapping[Symbol, str]) -> dict[str, Plain]:
    data: dict[str, Plain] = {}
    if options:
        data["options"] = {name: _plain(value) for name, value in options.items()}
    if case.domain:
        data["domain"] = {role: _domain(domain) for role, domain in case.domain.items()}
    if case.link is not None:
        data["link"] = case.link
    return data | {"terms": [_term(term, names) for term in case.terms]}


def _term(term: Term, names: Mapping[Symbol, str]) -> dict[str, Plain]:
    return {"scope": _plain(term.scope), "expression": written(term.expression, names)}


def _domain(domain: Domain) -> Plain:
    return domain if isinstance(domain, str) else [_plain(end) for end in domain]


def _plain(value: Any) -> Plain:
    """A value in types that JSON has; a float that is not finite is `{"float": "inf"}`."""
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return {"float": repr(value)}
    return value
