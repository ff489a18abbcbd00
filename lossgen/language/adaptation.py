"""A declaration under other names, with other defaults, or as a formula inside another one."""

from collections.abc import Mapping
from dataclasses import replace

from sympy import Expr, Float, Symbol, sympify

from lossgen.errors import DeclarationError, ParameterError
from lossgen.language.constants import check_constants
from lossgen.language.declaration import Case, Declaration, Key, Term
from lossgen.language.limits import check_size
from lossgen.language.names import camel_case, check_name, snake_case, suggestion
from lossgen.language.numbers import rational
from lossgen.language.parameters import symbol_of
from lossgen.language.symbols import y_true


def renamed(declaration: Declaration, name: str) -> Declaration:
    """The declaration under another name of its class or function."""
    check_name(declaration.name, "loss", name)
    snake = check_name(declaration.name, "loss", snake_case(name))
    return replace(
        declaration, name=snake, class_name=camel_case(name), instance_name=snake, identifiers=(), source=None
    )


def renamed_arguments(declaration: Declaration, names: Mapping[str, str]) -> Declaration:
    """The declaration with other names for some of its parameters and options."""
    for old, new in names.items():
        if old not in declaration.own_arguments:
            raise no_argument(declaration, old)
        check_name(declaration.name, "parameter", new)
        taken = {each for each in declaration.own_arguments if each not in names} | {
            item.name for item in declaration.extra_inputs
        }
        if new in taken or list(names.values()).count(new) > 1:
            raise DeclarationError(
                f"{declaration.name}: the name `{new}` is already taken; choose another one."
            )
    symbols = declaration.symbols()
    table = {
        symbols[old]: symbol_of(new, declaration.parameters[old])
        for old, new in names.items()
        if old in symbols
    }
    return replace(
        declaration,
        cases=exchanged(declaration.cases, table),
        parameters={names.get(key, key): item for key, item in declaration.parameters.items()},
        options={names.get(key, key): item for key, item in declaration.options.items()},
        own_arguments=tuple(names.get(key, key) for key in declaration.own_arguments),
        arguments=declaration.arguments and tuple(names.get(key, key) for key in declaration.arguments),
    )


def with_defaults(declaration: Declaration, values: Mapping[str, object]) -> Declaration:
    """The declaration with other defaults for some of its parameters and options."""
    for key in values:
        if key not in declaration.own_arguments:
            raise no_argument(declaration, key)
    parameters = {
        key: replace(item, default=item.check(key, values.get(key, item.default)))
        for key, item in declaration.parameters.items()
    }
    options = {
        key: replace(item, default=item.check(key, values.get(key, item.default)))
        for key, item in declaration.options.items()
    }
    return replace(declaration, parameters=parameters, options=options)


def no_argument(declaration: Declaration, name: str) -> ParameterError:
    """The error for a name that is no argument of the loss."""
    return ParameterError(
        f"{declaration.name} has no argument `{name}`{suggestion(name, declaration.own_arguments, '.')}"
    )


def exchanged(cases: Mapping[Key, Case], table: Mapping[Symbol, Expr]) -> dict[Key, Case]:
    """The cases with symbols replaced in every expression."""
    return {
        key: replace(
            case, terms=tuple(Term(term.scope, term.expression.xreplace(table)) for term in case.terms)
        )
        for key, case in cases.items()
    }


def substituted(declaration: Declaration, inputs: tuple[Expr, ...], arguments: Mapping[str, object]) -> Expr:
    """The formula of a declaration with expressions in place of its inputs and arguments."""
    name = declaration.name
    for item in inputs:
        if not isinstance(item, Expr | int | float):
            raise DeclarationError(
                f"{name} is a declaration: called with formulas it gives a formula. For arrays write "
                f"lg.compile({name})()(y_true, y_pred). Received: {type(item).__name__}"
            )
    if len(inputs) != len(declaration.inputs):
        usual = {"y": "y_true", "p": "y_pred"}
        expected = ", ".join(usual.get(item.name, item.name) for item in declaration.written_inputs)
        raise DeclarationError(f"{name} reads {expected}; received {len(inputs)} inputs.")
    for key in arguments:
        if key not in declaration.own_arguments:
            raise no_argument(declaration, key)
    options = {key: value for key, value in arguments.items() if key in declaration.options}
    terms = declaration.terms(options)
    if len(terms) > 1:
        raise DeclarationError(
            f"{name} has terms of different scopes, which one formula cannot hold; add declarations instead."
        )
    if declaration.uses_labels(options) and inputs[0] != y_true:
        raise DeclarationError(f"{name} reads integer labels; pass lg.y_true itself as its target.")
    for value in (*inputs, *arguments.values()):
        if isinstance(value, Expr):
            check_size(name, value)
            check_constants(value)
    table = {item.symbol: sympify(value) for item, value in zip(declaration.inputs, inputs, strict=True)}
    for key, parameter in declaration.parameters.items():
        value = arguments.get(key, parameter.default)
        if not isinstance(value, Expr):
            value = parameter.check(key, value)
            if isinstance(value, tuple):
                raise DeclarationError(f"{name}: inside a formula `{key}` is one number or a parameter.")
            value = rational(Float(value))
        table[symbol_of(key, parameter)] = value
    return terms[0].expression.xreplace(table)
