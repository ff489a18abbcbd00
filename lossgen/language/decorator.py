"""`@loss` and `declare`: from a Python function or an expression to a checked declaration."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import PurePath

from sympy import Expr, Symbol, SympifyError

from lossgen.errors import DeclarationError, LossgenError
from lossgen.language.arguments import check_order, check_parameters, check_variant_count
from lossgen.language.checks import checked_expression
from lossgen.language.declaration import Case, Declaration, Scope, Term
from lossgen.language.domains import Domain, check_domain
from lossgen.language.names import camel_case, check_name, snake_case, suggestion
from lossgen.language.parameters import Option, Parameter, argument_of
from lossgen.language.symbols import Input, y_pred, y_true

FACTS = (
    "name", "scope", "axis_argument", "arguments", "domain", "link", "target_preparation", "kinks",
    "reference", "identifiers", "instance_name",
)  # fmt: skip
TARGET_PREPARATIONS = (None, "signed_labels")

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


def loss(function: Callable | None = None, /, **facts):
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
        return lambda function: loss(function, **facts)
    if not callable(function):
        raise DeclarationError(
            f"lg.loss decorates a function; {function!r} is none. For an expression write "
            "lg.declare(name, expression, **parameters)."
        )
    own_name = function.__name__
    name = facts.pop("name", None)
    if own_name == "<lambda>":
        if name is None:
            raise DeclarationError("lg.loss: a lambda has no name; write lg.loss(name=…)(lambda …).")
        own_name = snake_case(str(name))
    inputs, arguments = read_signature(own_name, function)
    symbols = [y_true, y_pred, *(item.symbol for item in inputs)]

    def formula(options: Mapping[str, object], parameters: Mapping[str, Symbol]):
        try:
            return function(*symbols, **parameters, **options)
        except LossgenError:
            raise
        except (TypeError, AttributeError, SympifyError, ValueError) as error:
            advice = next((text for part, text in ADVICE.items() if part in str(error)), None)
            raise DeclarationError(
                f"{own_name}: the formula cannot be built ({error})" + (f"; {advice}." if advice else ".")
            ) from error

    return build(
        own_name, formula, arguments, class_name=name or own_name, extra_inputs=inputs,
        documentation=inspect.getdoc(function) or "", source=source_of(function), **facts,
    )  # fmt: skip


def declare(
    name: str,
    expression: Expr | str,
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
    arguments = {key: argument_of(name, key, default) for key, default in parameters.items()}
    for key, argument in arguments.items():
        if isinstance(argument, Option):
            raise DeclarationError(
                f"{name}: `{key}` is an option, but one expression has no variants; "
                f"decorate a function with @lg.loss instead."
            )

    def formula(options, symbols):
        if isinstance(expression, str):
            from lossgen.language.parser import parse

            return parse(expression, **symbols)
        return with_parameters(name, expression, symbols)

    return build(
        snake_case(name), formula, arguments, class_name=name, scope=scope, domain=domain, link=link,
        reference=reference, documentation=documentation,
    )  # fmt: skip


def build(
    name: str,
    formula: Callable,
    own: Mapping[str, Parameter | Option],
    *,
    class_name: str,
    extra_inputs: tuple[Input, ...] = (),
    documentation: str = "",
    source: str | None = None,
    scope: Scope = -1,
    axis_argument: bool = False,
    arguments: tuple[str, ...] | None = None,
    domain: Mapping[str, Domain] | None = None,
    link: str | Callable | None = None,
    target_preparation: str | None = None,
    kinks: str | tuple[str, ...] = (),
    reference: str = "",
    identifiers: str | tuple[str, ...] = (),
    instance_name: str = "",
    **unknown,
) -> Declaration:
    """The declaration of a formula, after every check of names, facts and each variant's expression."""
    for fact in unknown:
        raise DeclarationError(f"{name}: lg.loss knows no `{fact}`{suggestion(fact, FACTS)}")
    check_name(name, "loss", name)
    class_name = camel_case(check_name(name, "loss", class_name))
    check_name(name, "loss", class_name)
    for key, argument in own.items():
        check_name(name, "parameter" if isinstance(argument, Parameter) else "option", key)
    if target_preparation not in TARGET_PREPARATIONS:
        raise DeclarationError(
            f"{name}: target_preparation is {target_preparation!r}; the only preparation is 'signed_labels'."
        )
    scope = check_scope(name, scope, axis_argument)
    empty = Declaration(
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
        target_preparation=target_preparation,
        kinks=texts(kinks),
        reference=reference,
        identifiers=texts(identifiers),
        instance_name=instance_name or name,
        extra_inputs=extra_inputs,
    )
    check_variant_count(empty)
    cases = {}
    for options in empty.variants():
        expression = checked_expression(empty, options, formula(options, empty.symbols()))
        facts = case_facts(name, domain, link, options, extra_inputs)
        cases[empty.variant_key(options)] = Case((Term(scope, expression),), *facts)
    declaration = replace(empty, cases=cases, arguments=texts(arguments) if arguments else None)
    check_parameters(declaration)
    check_order(declaration)
    return declaration


def read_signature(name: str, function: Callable) -> tuple[tuple[Input, ...], dict[str, Parameter | Option]]:
    """The extra inputs and the parameters and options that a function's signature declares."""
    inputs, arguments = [], {}
    for key, item in inspect.signature(function).parameters.items():
        if item.kind in (item.VAR_POSITIONAL, item.VAR_KEYWORD):
            raise DeclarationError(f"{name}: `{item}` names nothing; write every parameter with its default.")
        if item.default is not item.empty:
            arguments[key] = argument_of(name, key, item.default)
        elif item.kind is item.KEYWORD_ONLY:
            raise DeclarationError(
                f"{name}: the keyword `{key}` has no default; write {key}=1.0, {key}=lg.Parameter(…), "
                f"{key}=False or {key}=lg.Option(…)."
            )
        else:
            inputs.append(key)
    if len(inputs) < 2:
        raise DeclarationError(
            f"{name}: a loss is a function of target and prediction; write def {name}(y_true, y_pred, …)."
        )
    for key in inputs[2:]:
        check_name(name, "input", key)
    return tuple(Input(key, "extra", Symbol(key, real=True)) for key in inputs[2:]), arguments


def source_of(function: Callable) -> str | None:
    """`catalog/regression.py (huber)`: file and function; `None` for what was typed at a prompt."""
    path = PurePath(inspect.getfile(function)) if hasattr(function, "__code__") else PurePath("<unknown>")
    if path.name.startswith("<") or path.suffix != ".py":
        return None
    inside = function.__module__.startswith("lossgen.")
    file = "/".join(path.parts[-2:]) if inside else path.name
    return f"{file} ({function.__name__})"


def check_scope(name: str, scope, axis_argument: bool) -> Scope:
    """The scope as one axis, a tuple of different axes, or `None`."""
    axes = tuple(scope) if isinstance(scope, list | tuple) else (scope,)
    whole = scope is None
    if not whole and not (axes and all(type(axis) is int for axis in axes) and len(set(axes)) == len(axes)):
        raise DeclarationError(
            f"{name}: scope={scope!r}; write one axis (-1), a tuple of axes, or None for the whole tensor."
        )
    if type(axis_argument) is not bool:
        raise DeclarationError(f"{name}: axis_argument={axis_argument!r}; write True or False.")
    return None if whole else axes[0] if len(axes) == 1 else axes


def case_facts(name: str, domain, link, options: Mapping[str, object], extra_inputs: tuple[Input, ...]):
    """Domain and link for one combination of options."""
    known = ("target", "prediction", *(item.name for item in extra_inputs))
    resolved = {}
    for role, given in dict(domain or {}).items():
        if role not in known:
            raise DeclarationError(f"{name}: domain of `{role}`; the inputs are {', '.join(known)}.")
        resolved[role] = check_domain(name, role, for_options(name, given, options))
    link = for_options(name, link, options)
    if link is not None and not isinstance(link, str):
        raise DeclarationError(f"{name}: link={link!r}; write the name of the link, for example 'logit'.")
    return resolved, link


def for_options(name: str, fact, options: Mapping[str, object]):
    """A fact as it is for these options: a function is called with the options that it names."""
    if not callable(fact):
        return fact
    wanted = inspect.signature(fact).parameters
    for key in wanted:
        if key not in options:
            raise DeclarationError(f"{name}: a fact asks for `{key}`, no option{suggestion(key, options)}")
    return fact(**{key: options[key] for key in wanted})


def with_parameters(name: str, expression, symbols: Mapping[str, Symbol]):
    """The expression with the person's symbols replaced by those of the parameters with the same names."""
    replacements = {}
    for symbol in getattr(expression, "free_symbols", ()):
        proper = symbols.get(getattr(symbol, "name", None))
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
    return expression.xreplace(replacements) if replacements else expression


def texts(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """One text or several as a tuple."""
    return (value,) if isinstance(value, str) else tuple(value)
