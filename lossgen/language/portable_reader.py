"""Plain data to a declaration: every key, every type, every name and every formula is checked, and what is
wrong is named by its place, as in `cases[0].terms[0].expression[2]`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sympy import Symbol

from lossgen.language.arguments import check_order, check_parameters, check_variant_count
from lossgen.language.budget import fresh_budget
from lossgen.language.checks import checked_expression
from lossgen.language.declaration import Case, Declaration, Key, Scope, Term
from lossgen.language.facts import case_facts, check_preparation
from lossgen.language.limits import MAXIMUM_DOCUMENTATION, MAXIMUM_PHRASE
from lossgen.language.parameters import Option, Parameter
from lossgen.language.penalty import PenaltyDeclaration
from lossgen.language.portable import BOUNDS, LISTS, TEXTS, VERSION, place, symbol_names
from lossgen.language.portable_expression import ExpressionReader, Plain, shown, wrong
from lossgen.language.portable_values import (
    array,
    check_keys,
    choice,
    dictionary,
    domain_of,
    name_of,
    scope_of,
    text,
    texts,
    value,
)
from lossgen.language.symbols import Input
from lossgen.runtime.inputs import PREPARATIONS
from lossgen.runtime.reduction import check_reduction

REQUIRED = ("lossgen", "kind", "name", "class", "arguments", "scope", "cases")
OPTIONAL = (*TEXTS, *LISTS, "instance_name", "constructor", "extra_inputs", "axis_argument", "parts")
OF_PENALTIES = ("preparation", "reduction")
LENGTHS = dict.fromkeys(("documentation", "reference"), MAXIMUM_DOCUMENTATION)


def declaration_from(data: Plain) -> Declaration:
    """The declaration that `portable` wrote down.

    Raises:
        PortableError: the data is none, of another version, or says what no loss may; names the place.
    """
    with fresh_budget():
        return _declaration_from(dictionary(data, ""))


def _declaration_from(entries: Mapping[str, Plain]) -> Declaration:
    check_version(entries)
    penalty = choice(entries.get("kind", "loss"), "kind", ("loss", "penalty")) == "penalty"
    check_keys(entries, "", REQUIRED, (*OPTIONAL, *(OF_PENALTIES if penalty else ())))
    empty = _without_cases(entries, penalty)
    with place("arguments"):
        check_variant_count(empty)
    names = symbol_names(empty)
    reader = ExpressionReader({name: symbol for symbol, name in names.items()})
    cases: dict[Key, Case] = {}
    found = array(entries["cases"], "cases")
    for number, each in enumerate(found):
        path = f"cases[{number}]"
        key, case = _case(empty, dictionary(each, path), path, reader)
        if key in cases:
            raise wrong(f"{path}.options", "these options have a case already")
        cases[key] = case
    missing = [options for options in empty.variants() if empty.variant_key(options) not in cases]
    if missing:
        raise wrong("cases", f"there is none for {missing[0] or 'the loss'}")
    declaration = replace(empty, cases=cases, parts=_parts(entries.get("parts", []), reader))
    if "constructor" in entries:
        declaration = replace(declaration, arguments=texts(entries["constructor"], "constructor"))
    with place("arguments"):
        check_parameters(declaration)
    with place("constructor"):
        check_order(declaration)
    return declaration


def check_version(entries: Mapping[str, Plain]) -> None:
    """Refuses data of another version of the format."""
    version = entries.get("lossgen")
    if type(version) is not int or version < 1:
        raise wrong("lossgen", f"the version of the format is expected, {VERSION}, not {shown(version)}")
    if version > VERSION:
        raise wrong(
            "lossgen",
            f"the declaration was written by a newer lossgen, in version {shown(version)} of the format; "
            f"this one reads version {VERSION}. Upgrade lossgen",
        )


def _without_cases(entries: Mapping[str, Plain], penalty: bool) -> Declaration:
    """The declaration but for its formulas."""
    kind: type[Declaration] = PenaltyDeclaration if penalty else Declaration
    name = name_of(entries["name"], "name", "loss", "loss")
    class_name = name_of(entries["class"], "class", "loss", name)
    if class_name == name:
        raise wrong("class", f"{shown(name)} is the name of the function; another one is expected")
    own: dict[str, Parameter | Option] = {}
    for number, each in enumerate(array(entries["arguments"], "arguments")):
        path = f"arguments[{number}]"
        argument_name, argument = _argument(name, dictionary(each, path), path, kind.further_names)
        if argument_name in own:
            raise wrong(f"{path}.name", f"there are two arguments `{argument_name}`")
        own[argument_name] = argument
    inputs = [
        name_of(each, f"extra_inputs[{number}]", "input", name)
        for number, each in enumerate(array(entries.get("extra_inputs", []), "extra_inputs"))
    ]
    if len({*inputs, *own, *(("x",) if penalty else ())}) != len(inputs) + len(own) + penalty:
        raise wrong("extra_inputs", "a name is that of two inputs or arguments")
    axis_argument = entries.get("axis_argument", False)
    scope = scope_of(entries["scope"], "scope", axis_argument)
    facts: dict[str, Any] = {
        key: text(entries[key], key, LENGTHS.get(key, MAXIMUM_PHRASE)) for key in TEXTS if key in entries
    }
    facts |= {key: texts(entries[key], key) for key in LISTS if key in entries}
    with place("target_preparation"):
        check_preparation(name, entries.get("target_preparation"))
    if penalty:
        facts |= _facts_of_a_penalty(entries, scope, axis_argument)
    return kind(
        name=name,
        class_name=class_name,
        cases={},
        parameters={key: each for key, each in own.items() if isinstance(each, Parameter)},
        options={key: each for key, each in own.items() if isinstance(each, Option)},
        own_arguments=tuple(own),
        scope=scope,
        axis_argument=axis_argument,
        instance_name=text(entries.get("instance_name", name), "instance_name"),
        extra_inputs=tuple(Input(each, "extra", Symbol(each, real=True)) for each in inputs),
        **facts,
    )


def _facts_of_a_penalty(entries: Mapping[str, Plain], scope: Scope, axis_argument: bool) -> dict[str, Any]:
    for key in ("target_preparation", "extra_inputs"):
        if entries.get(key):
            raise wrong(key, "a penalty has one input and no target")
    preparation = entries.get("preparation")
    if preparation is not None:
        choice(preparation, "preparation", tuple(PREPARATIONS))
        if scope is not None or axis_argument:
            raise wrong(
                "scope", "what is prepared has no axes left; its scope is null, without axis_argument"
            )
    with place("reduction"):
        reduction = check_reduction(text(entries.get("reduction", "sum"), "reduction"))
    return {"preparation": preparation, "reduction": reduction}


def _argument(
    loss: str, entries: Mapping[str, Plain], path: str, further: frozenset[str]
) -> tuple[str, Parameter | Option]:
    check_keys(entries, path, ("name", "default"), ("choices", *BOUNDS))
    if "choices" in entries:
        check_keys(entries, path, ("name", "default", "choices"), ())
    name = text(entries["name"], f"{path}.name")
    if name not in further:
        name_of(name, f"{path}.name", "option" if "choices" in entries else "parameter", loss)
    default = value(entries["default"], f"{path}.default")
    if "choices" in entries:
        choices = array(entries["choices"], f"{path}.choices")
        read = tuple(value(each, f"{path}.choices[{number}]") for number, each in enumerate(choices))
        with place(path):
            return name, Option(default, read)
    said = {bound: entries[bound] for bound in BOUNDS if bound in entries}
    for bound, given in said.items():
        wanted = bool if bound in ("positive", "per_class") else (int, float)
        if not isinstance(given, wanted) or (wanted is not bool and isinstance(given, bool)):
            expected = "true or false" if wanted is bool else "a number"
            raise wrong(f"{path}.{bound}", f"{expected} is expected, not {shown(given)}")
    with place(path):
        return name, Parameter(default, **said)


def _case(
    empty: Declaration, entries: Mapping[str, Plain], path: str, reader: ExpressionReader
) -> tuple[Key, Case]:
    check_keys(entries, path, ("terms",), ("options", "domain", "link"))
    given = dictionary(entries.get("options", {}), f"{path}.options")
    options = {name: value(each, f"{path}.options.{name}") for name, each in given.items()}
    with place(f"{path}.options"):
        key = empty.variant_key(options)
    if len(options) != len(empty.options):
        raise wrong(f"{path}.options", f"a value of each option is expected: {', '.join(empty.options)}")
    options = dict(zip(empty.options, key, strict=True))
    domains = dictionary(entries.get("domain", {}), f"{path}.domain")
    ends = {role: domain_of(each, f"{path}.domain.{role}") for role, each in domains.items()}
    link = text(entries["link"], f"{path}.link") if "link" in entries else None
    with place(path):
        domain, link = case_facts(empty.name, ends, link, options, empty.extra_inputs)
    terms: dict[Scope, Term] = {}
    for number, each in enumerate(array(entries["terms"], f"{path}.terms")):
        here = f"{path}.terms[{number}]"
        term = _term(empty, options, dictionary(each, here), here, reader)
        if term.scope in terms:
            raise wrong(f"{here}.scope", "another term has this scope; terms of one scope are one expression")
        terms[term.scope] = term
    if not terms:
        raise wrong(f"{path}.terms", "one term or more is expected")
    return key, Case(tuple(terms.values()), domain, link)


def _term(
    empty: Declaration,
    options: Mapping[str, object],
    entries: Mapping[str, Plain],
    path: str,
    reader: ExpressionReader,
) -> Term:
    check_keys(entries, path, ("scope", "expression"), ())
    scope = scope_of(entries["scope"], f"{path}.scope", False)
    expression = reader.expression(entries["expression"], f"{path}.expression")
    with place(f"{path}.expression"):
        checked_expression(empty, options, empty.as_read(expression))
    return Term(scope, expression)


def _parts(data: Plain, reader: ExpressionReader) -> tuple[tuple[Any, str], ...]:
    parts = []
    for number, each in enumerate(array(data, "parts")):
        path = f"parts[{number}]"
        pair = array(each, path)
        if len(pair) != 2:
            raise wrong(path, "a pair [weight, class] is expected")
        weight = reader.expression(pair[0], f"{path}[0]")
        if not weight.is_Rational:
            raise wrong(f"{path}[0]", "a number is expected")
        parts.append((weight, name_of(pair[1], f"{path}[1]", "loss", "parts")))
    return tuple(parts)
