"""`@loss` and `declare`: from a Python function or an expression to a checked declaration."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar, Unpack, overload

from sympy import Expr, Symbol, SympifyError

from lossgen.errors import DeclarationError, LimitError, LossgenError
from lossgen.language.arguments import check_order, check_parameters, check_variant_count
from lossgen.language.checks import checked_expression
from lossgen.language.declaration import Case, Declaration, Scope, Term
from lossgen.language.domains import Domain
from lossgen.language.facts import (
    Facts,
    case_facts,
    check_names,
    check_preparation,
    check_scope,
    phrase,
    phrases,
)
from lossgen.language.limits import MAXIMUM_DOCUMENTATION, MAXIMUM_PHRASE, check_size, check_text
from lossgen.language.names import camel_case, check_name, snake_case
from lossgen.language.parameters import Option, Parameter, argument_of
from lossgen.language.signature import read_signature, source_of
from lossgen.language.symbols import Input, y_pred, y_true

ADVICE = {
    "truth value": "`if`, `and`, `or`, `not`, `min()` and `max()` cannot look at a formula: "
    "write lg.where(condition, a, b), sympy.And(a, b), sympy.Max(a, b)",
    "ufunc": "NumPy functions cannot read a formula: write sympy.exp, sympy.log, …",
    "onvert expression to float": "the `math` module cannot read a formula: write sympy.exp, sympy.log, …",
    "must be real number": "the `math` module cannot read a formula: write sympy.exp, sympy.log, …",
    "iterable": "y_true and y_pred are one element each: write lg.Sum(…), lg.Mean(…) over the columns",
    "subscriptable": "y_true and y_pred are one element each: write lg.Gather(…) for the label's column",
    "has no attribute": "y_true and y_pred are symbols, no arrays: write lg.Sum(…), lg.Mean(…), sympy.exp(…)",
    "Invalid limits": "sympy.Sum is a sum over an index: write lg.Sum(expression)",
    "StrictGreaterThan": "a comparison is no number: write lg.where(condition, 1, 0)",
    "StrictLessThan": "a comparison is no number: write lg.where(condition, 1, 0)",
}
"""What to write instead, by a part of the message that SymPy or Python gives for an impossible formula."""


Declared = TypeVar("Declared", bound=Declaration)

Formula = Callable[..., object]
"""A person's function from symbols to an expression; what it really returns is checked."""


@overload
def loss(function: Formula, /) -> Declaration: ...


@overload
def loss(**facts: Unpack[Facts]) -> Callable[[Formula], Declaration]: ...


def loss(
    function: Formula | None = None, /, **facts: Unpack[Facts]
) -> Declaration | Callable[[Formula], Declaration]:
    """Declare a loss: a decorator for `f(y_true, y_pred, *, parameter=default, …)` that returns its formula.

    The function is called once for each combination of options, with SymPy symbols for inputs and parameters
    and plain values for options. Numbers as defaults declare parameters, booleans options; `lg.Parameter` and
    `lg.Option` say more. A further positional argument is an extra input.

    Args:
        name: name of the class (or function), instead of the decorated function's.
        scope: axis or axes that the reductions run over; `None` is the whole tensor.
        axis_argument: whether the constructor takes `axis`, with `scope` as its default.
        arguments: order of all constructor arguments.
        domain: `{"target": …, "prediction": …}`, each a name, an interval `(low, high)` or a function of
            options that gives one.
        link: name of the link between prediction and mean of the target, or a function of options.
        target_preparation: `"signed_labels"` maps targets that are all 0 or 1 to −1 and 1.
        kinks: where the loss is not smooth, in words.
        reference: paper, section, equation.
        identifiers: further strings that `lossgen.get` accepts.
        instance_name: default `name` of an instance.

    Raises:
        DeclarationError: the loss cannot be compiled; says which sub-expression is wrong and what to write.
    """
    if function is None:
        return lambda function: declared(function, facts)
    return declared(function, facts)


def declared(function: Formula, facts: Facts) -> Declaration:
    """The declaration of a function."""
    name = name_of(function, facts.get("name"), "loss")
    check_names(name, facts)
    inputs, own = read_signature(name, function)
    symbols = [y_true, y_pred, *(item.symbol for item in inputs)]
    documentation = inspect.getdoc(function) or ""
    formula = formula_of(name, function, symbols)
    return build(name, formula, own, facts, inputs, documentation, source_of(function))


def name_of(function: Formula, given: object, kind: str) -> str:
    """The name of a decorated function; of a lambda the one that is given."""
    if not callable(function):
        advice = (
            " For an expression write lg.declare(name, expression, **parameters)." if kind == "loss" else ""
        )
        raise DeclarationError(f"lg.{kind} decorates a function; {function!r} is none.{advice}")
    name: str = getattr(function, "__name__", type(function).__name__)
    if name != "<lambda>":
        return name
    if given is None:
        raise DeclarationError(f"lg.{kind}: a lambda has no name; write lg.{kind}(name=…)(lambda …).")
    return snake_case(str(given))


def formula_of(name: str, function: Formula, symbols: list[Symbol]) -> Formula:
    """A person's function as one of options and parameter symbols, whose failures say what to write."""

    def formula(options: Mapping[str, object], parameters: Mapping[str, Symbol]) -> object:
        try:
            return function(*symbols, **parameters, **options)
        except LossgenError:
            raise
        except RecursionError:
            raise LimitError(f"{name}: the formula is nested too deeply; write it flatter.") from None
        except (TypeError, AttributeError, SympifyError, ValueError) as error:
            advice = next((f"; {text}" for part, text in ADVICE.items() if part in str(error)), "")
            raise DeclarationError(f"{name}: the formula cannot be built ({error}){advice}.") from error

    return formula


def declare(
    name: str,
    expression: Expr | str,
    /,
    *,
    scope: Scope = -1,
    domain: Mapping[str, Domain] | None = None,
    link: str | None = None,
    reference: str = "",
    documentation: str = "",
    **parameters: float | Parameter,
) -> Declaration:
    """Declare a loss from an expression of `lg.y_true`, `lg.y_pred` and symbols named as the parameters.

    Args:
        name: name of the class or function.
        expression: SymPy expression, or text for `lg.parse`.
        scope, domain, link, reference, documentation: as for `lg.loss`.
        parameters: default, or `lg.Parameter`, of each parameter of the formula.

    Raises:
        DeclarationError: the loss cannot be compiled; says which sub-expression is wrong and what to write.
    """
    name = str(name)
    own = {key: argument_of(name, key, default) for key, default in parameters.items()}
    for key, argument in own.items():
        if isinstance(argument, Option):
            raise DeclarationError(
                f"{name}: `{key}` is an option, but one expression has no variants; "
                f"decorate a function with @lg.loss instead."
            )

    def formula(options: Mapping[str, object], symbols: Mapping[str, Symbol]) -> object:
        if isinstance(expression, str):
            from lossgen.language.parser import parse

            return parse(expression, **symbols)
        return with_parameters(name, expression, symbols)

    facts: Facts = {
        "name": name,
        "scope": scope,
        "domain": domain or {},
        "link": link,
        "reference": reference,
    }
    return build(snake_case(name), formula, own, facts, documentation=documentation)


def build(
    name: str,
    formula: Formula,
    own: Mapping[str, Parameter | Option],
    facts: Facts,
    extra_inputs: tuple[Input, ...] = (),
    documentation: str = "",
    source: str | None = None,
    kind: type[Declared] = Declaration,  # type: ignore[assignment]
    more: Mapping[str, Any] | None = None,
    place: Mapping[Symbol, Symbol] | None = None,
) -> Declared:
    """The declaration of a formula, after every check of names, facts and each variant's expression.

    Args:
        kind: class of the declaration; `more` are its further fields.
        place: what the symbols that a person writes are called in the compiler.
    """
    check_name(name, "loss", name)
    class_name = camel_case(check_name(name, "loss", facts.get("name", name)))
    check_name(name, "loss", class_name)
    for key, argument in own.items():
        for choice in argument.choices if isinstance(argument, Option) else ():
            check_text(name, f"a choice of `{key}`", str(choice), MAXIMUM_PHRASE)
        if key not in kind.further_names:
            check_name(name, "parameter" if isinstance(argument, Parameter) else "option", key)
    if not isinstance(documentation, str):
        raise DeclarationError(f"{name}: documentation={documentation!r}; write a text.")
    check_text(name, "the docstring", documentation, MAXIMUM_DOCUMENTATION)
    check_preparation(name, facts.get("target_preparation"))
    axis_argument = facts.get("axis_argument", False)
    scope = check_scope(name, facts.get("scope", -1), axis_argument)
    empty = kind(
        name=name,
        class_name=class_name,
        cases={},
        parameters={key: each for key, each in own.items() if isinstance(each, Parameter)},
        options={key: each for key, each in own.items() if isinstance(each, Option)},
        own_arguments=tuple(own),
        scope=scope,
        axis_argument=axis_argument,
        documentation=documentation,
        source=source,
        target_preparation=facts.get("target_preparation"),
        kinks=phrases(name, "kinks", facts.get("kinks", ())),
        reference=phrase(name, "reference", facts.get("reference", "")),
        identifiers=phrases(name, "identifiers", facts.get("identifiers", ())),
        instance_name=phrase(name, "instance_name", facts.get("instance_name", name)),
        extra_inputs=extra_inputs,
        **(more or {}),
    )
    check_variant_count(empty)
    cases = {}
    for options in empty.variants():
        expression = checked_expression(empty, options, formula(options, empty.symbols()))
        domain, link = case_facts(name, facts.get("domain"), facts.get("link"), options, extra_inputs)
        term = Term(scope, expression.xreplace(place or {}))
        cases[empty.variant_key(options)] = Case((term,), domain, link)
    order = facts.get("arguments")
    order = None if order is None else phrases(name, "arguments", order)
    declaration = replace(empty, cases=cases, arguments=order)
    check_parameters(declaration)
    check_order(declaration)
    return declaration


def with_parameters(name: str, expression: object, symbols: Mapping[str, Symbol]) -> object:
    """The expression with the person's symbols replaced by those of the parameters with the same names."""
    if not isinstance(expression, Expr):
        return expression
    check_size(name, expression)
    replacements = {}
    for symbol in expression.free_symbols:
        proper = symbols.get(symbol.name)
        if proper is None or proper == symbol:
            continue
        for sign in ("positive", "nonnegative", "integer"):
            if getattr(symbol, f"is_{sign}") and not getattr(proper, f"is_{sign}"):
                advice = {
                    "positive": f"write {symbol}=lg.Parameter(…, positive=True)",
                    "nonnegative": f"write {symbol}=lg.Parameter(…, minimum=0)",
                    "integer": "leave out integer=True",
                }[sign]
                raise DeclarationError(
                    f"{name}: the symbol `{symbol}` is {sign}, its parameter need not be; {advice}."
                )
        replacements[symbol] = proper
    return expression.xreplace(replacements)
