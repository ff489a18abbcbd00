"""Weighted sums of declarations: `0.5*bce + 0.5*dice` is a declaration, with the scope of each part kept."""

import math
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from sympy import Expr, Float, Integer, Number, Rational

from lossgen.errors import DeclarationError
from lossgen.language.adaptation import renamed
from lossgen.language.arguments import check_variant_count
from lossgen.language.declaration import Case, Declaration, Term, merged
from lossgen.language.domains import intersection
from lossgen.language.numbers import rational
from lossgen.language.parameters import Option, Parameter
from lossgen.runtime.parameters import is_number, plain_value

# Weighted sums ------------------------------------------------------------------------------------------


def scaled(declaration: Declaration, factor: object) -> Declaration:
    """The declaration times a number."""
    factor = number(declaration, "*", factor)
    if factor == 0:
        raise DeclarationError(f"0*{declaration.name}: nothing is left of the loss; leave it out.")
    cases = {
        key: replace(case, terms=tuple(Term(term.scope, factor * term.expression) for term in case.terms))
        for key, case in declaration.cases.items()
    }
    parts = tuple((factor * weight, name) for weight, name in parts_of(declaration))
    return named_after_parts(replace(declaration, cases=cases, parts=parts))


def divided(declaration: Declaration, divisor: object) -> Declaration:
    """The declaration divided by a number."""
    exact_divisor = number(declaration, "/", divisor)
    if exact_divisor == 0:
        raise DeclarationError(f"{declaration.name}/0: a loss cannot be divided by 0.")
    return scaled(declaration, 1 / exact_divisor)


def number(declaration: Declaration, sign: str, value: object) -> Rational:
    """The exact value of a finite real number."""
    plain = plain_value(value)
    if isinstance(plain, Number) and plain.is_finite:
        return rational(plain) if isinstance(plain, Float) else plain
    if is_number(plain) and math.isfinite(plain):
        return rational(Float(plain)) if isinstance(plain, float) else Rational(Fraction(plain))
    if isinstance(plain, Declaration):
        problem, advice = plain.name, "declare the product or quotient as one formula"
    elif isinstance(plain, Expr):
        problem, advice = (
            plain,
            "for a weight that is a parameter, declare one formula that contains both losses",
        )
    else:
        problem, advice = repr(plain), "write a finite number"
    raise DeclarationError(
        f"{declaration.name} {sign} {problem}: a loss is multiplied by numbers only; {advice}."
    )


def added(first: Declaration, second: object) -> Declaration:
    """The sum of two declarations; parameters and options that are equal are shared."""
    if is_number(second) and second == 0:
        return first
    if not isinstance(second, Declaration):
        raise DeclarationError(
            f"{first.name} + {second!r}: losses are added to losses; a constant belongs inside the formula."
        )
    name = f"{first.name} + {second.name}"
    check_kind(name, first, second)
    check_target(name, first, second)
    inputs = {item.name: item for item in (*first.extra_inputs, *second.extra_inputs)}
    for key in (*first.own_arguments, *second.own_arguments):
        if key in inputs:
            raise DeclarationError(
                f"{name}: `{key}` is an input of one and an argument of the other; rename the argument with "
                f'.renamed_arguments({key}="…").'
            )
    own = shared(name, first, second)
    empty = replace(
        first,
        cases={},
        parameters={key: item for key, item in own.items() if isinstance(item, Parameter)},
        options={key: item for key, item in own.items() if isinstance(item, Option)},
        own_arguments=tuple(own),
        axis_argument=first.axis_argument and second.axis_argument and first.scopes == second.scopes,
        arguments=None,
        kinks=tuple(dict.fromkeys((*first.kinks, *second.kinks))),
        reference="; ".join(dict.fromkeys(text for text in (first.reference, second.reference) if text)),
        extra_inputs=tuple(inputs.values()),
        parts=(*parts_of(first), *parts_of(second)),
    )
    check_variant_count(empty)
    cases = {
        empty.variant_key(options): sum_of_cases(name, case_of(first, options), case_of(second, options))
        for options in empty.variants()
    }
    return named_after_parts(replace(empty, cases=cases))


def case_of(declaration: Declaration, options: Mapping[str, object]) -> Case:
    """The case of one part, given the options of the whole."""
    return declaration.case({name: options[name] for name in declaration.options})


def sum_of_cases(name: str, first: Case, second: Case) -> Case:
    """Terms of one scope added up; inputs that satisfy both domains; a link only where both have it."""
    domain = dict(first.domain)
    for role, other in second.domain.items():
        domain[role] = intersection(domain[role], other) if role in domain else other
    link = first.link if first.link == second.link else None
    return Case(merged(name, [*first.terms, *second.terms]), domain, link)


def shared(name: str, first: Declaration, second: Declaration) -> dict[str, Parameter | Option]:
    """The parameters and options of both in order, where equal names must mean equal things."""
    own: dict[str, Parameter | Option] = {}
    for declaration in (first, second):
        for key in declaration.own_arguments:
            item = declaration.parameters.get(key) or declaration.options[key]
            if own.setdefault(key, item) != item:
                raise DeclarationError(
                    f"{name}: both have `{key}`, but {own[key]} is not {item}; rename one with "
                    f'.renamed_arguments({key}="…"), or make them equal with .with_defaults({key}=…).'
                )
    return own


def check_kind(name: str, first: Declaration, second: Declaration) -> None:
    """Refuse a sum of a loss and a penalty, and of penalties that read or reduce their input differently."""
    if type(first) is not type(second):
        raise DeclarationError(
            f"{name}: a loss reads target and prediction, a penalty one input; add their values instead."
        )
    for fact in ("preparation", "reduction"):
        one, other = getattr(first, fact, None), getattr(second, fact, None)
        if one != other:
            raise DeclarationError(
                f"{name}: the {fact} of one is {one!r}, of the other {other!r}; declare one formula for both."
            )


def check_target(name: str, first: Declaration, second: Declaration) -> None:
    """Refuse two losses that read the target differently."""
    labels = [any(each.uses_labels(options) for options in each.variants()) for each in (first, second)]
    if labels[0] != labels[1]:
        sparse, dense = (first, second) if labels[0] else (second, first)
        raise DeclarationError(
            f"{name}: the target of {sparse.name} is an integer label, of {dense.name} one number a column; "
            "use losses that read the target in the same way."
        )
    if first.target_preparation != second.target_preparation:
        raise DeclarationError(
            f"{name}: one prepares its target ({first.target_preparation or second.target_preparation}), "
            "the other takes it as it is; declare one formula for both."
        )


# Names ----------------------------------------------------------------------------------------------------


def parts_of(declaration: Declaration) -> tuple[tuple[Expr, str], ...]:
    """Weight and class name of each part of a combination; a plain loss is its own part."""
    return declaration.parts or ((Integer(1), declaration.class_name),)


def named_after_parts(declaration: Declaration) -> Declaration:
    """`BinaryCrossentropyPlusDice` for 0.5·BinaryCrossentropy + 0.5·Dice."""
    parts = declaration.parts
    if len(parts) == 1:
        class_name = {True: "Scaled", False: "Negative"}[bool(parts[0][0] > 0)] + parts[0][1]
    else:
        words = [("Plus" if weight > 0 else "Minus") + name for weight, name in parts]
        class_name = "".join(words).removeprefix("Plus")
    weighted = " ".join(
        f"{'+' if weight > 0 else '−'} {weight_text(abs(weight))}{name}" for weight, name in parts
    )
    weighted = weighted.removeprefix("+ ")
    return replace(
        renamed(declaration, class_name),
        documentation=f"{weighted}.\n\nThe arguments are those of its parts.",
        source=None,
        identifiers=(),
    )


def weight_text(weight: Rational) -> str:
    """A weight before a name: nothing for 1, else a short decimal or a fraction."""
    decimal = f"{float(weight):.6g}"
    exact = Rational(decimal) == weight
    return "" if weight == 1 else f"{decimal}·" if exact else f"{weight}·"
