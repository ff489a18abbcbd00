"""The declaration of a loss: its formula for every combination of options, its arguments, and facts about it.

A declaration is data. It is made by the decorator (`decorator.py`), checked before it exists (`checks.py`)
and combined by arithmetic (`combination.py`); the compiler only reads it.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from sympy import Expr, Symbol, sympify

from lossgen.errors import DeclarationError, ParameterError
from lossgen.language.domains import Domain, is_nonnegative
from lossgen.language.inspected import Inspected
from lossgen.language.limits import check_size
from lossgen.language.names import suggestion
from lossgen.language.parameters import Option, Parameter, symbol_of
from lossgen.language.reductions import Gather
from lossgen.language.symbols import PREDICTION, TARGET, Input

Scope = int | tuple[int, ...] | None
"""The axes that become the columns of a row: one, several, or `None` for the whole tensor."""

Key = tuple[object, ...]
"""Option values in the order of a declaration's options."""


@dataclass(frozen=True)
class Term:
    """One ladder of a loss: an expression whose reductions run over the columns of `scope`."""

    scope: Scope
    expression: Expr


@dataclass(frozen=True)
class Case:
    """What a declaration says for one combination of options."""

    terms: tuple[Term, ...]
    domain: Mapping[str, Domain] = field(default_factory=dict)
    link: str | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Declaration(Inspected):
    """A loss as a person declared it. Made by `lg.loss`, `lg.declare` and arithmetic, never directly.

    Args:
        name: name of the function, in snake case; `class_name` is that of the class.
        parameters, options: the loss's own arguments; `own_arguments` is their common order.
        cases: what holds for each combination of option values (in the order of `options`).
        scope: axes of the (first) term; `axis_argument` says whether the constructor takes `axis`.
        arguments: explicit order of all constructor arguments, or `None` for the usual one.
        documentation: docstring for the class; `source`: file and function where the loss was declared.
        target_preparation: run-time step before the loss, `"signed_labels"` or `None`.
        kinks: where the loss is not smooth; `reference`: where it was published.
        identifiers: further strings that `lossgen.get` accepts.
        instance_name: default `name` of an instance.
        extra_inputs: arrays read besides target and prediction.
        parts: for a combination, the weight and class name of each part.
    """

    further_names: ClassVar[frozenset[str]] = frozenset()  # of arguments, beyond those that every loss allows

    name: str
    class_name: str
    cases: Mapping[Key, Case]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    options: Mapping[str, Option] = field(default_factory=dict)
    own_arguments: tuple[str, ...] = ()
    scope: Scope = -1
    axis_argument: bool = False
    arguments: tuple[str, ...] | None = None
    documentation: str = ""
    source: str | None = None
    target_preparation: str | None = None
    kinks: tuple[str, ...] = ()
    reference: str = ""
    identifiers: tuple[str, ...] = ()
    instance_name: str = ""
    extra_inputs: tuple[Input, ...] = ()
    parts: tuple[tuple[Expr, str], ...] = ()

    # What the compiler asks ------------------------------------------------------------------------

    def variants(self) -> tuple[dict[str, object], ...]:
        """Every combination of option values, the one of all defaults first."""
        names = tuple(self.options)
        choices = [
            (option.default, *(choice for choice in option.choices if not same(choice, option.default)))
            for option in self.options.values()
        ]
        return tuple(dict(zip(names, values, strict=True)) for values in itertools.product(*choices))

    def case(self, options: Mapping[str, object] | None = None) -> Case:
        """What the declaration says for these option values; options not given have their defaults."""
        return self.cases[self.variant_key(options)]

    def variant_key(self, options: Mapping[str, object] | None = None) -> Key:
        """The option values as a tuple in the order of `options`, checked."""
        options = dict(options or {})
        for name in options:
            if name in self.parameters:
                raise ParameterError(
                    f"`{name}` of {self.name} is no option but a parameter, which may have any value of its "
                    "range at run time"
                )
            if name not in self.options:
                end = suggestion(name, self.options, ".")
                raise ParameterError(f"{self.name} has no option `{name}`{end}")
        return tuple(
            option.check(name, options.get(name, option.default)) for name, option in self.options.items()
        )

    def terms(self, options: Mapping[str, object] | None = None) -> tuple[Term, ...]:
        """The ladders whose values add up to the loss, one for each scope."""
        return self.case(options).terms

    def uses_labels(self, options: Mapping[str, object] | None = None) -> bool:
        """Whether the target is one integer label a row instead of one number a column."""
        return any(term.expression.has(Gather) for term in self.terms(options))

    def domain_of(self, options: Mapping[str, object] | None = None) -> Mapping[str, Domain]:
        """Domains by role (`target`, `prediction`) or by the name of an extra input."""
        return self.case(options).domain

    def link_of(self, options: Mapping[str, object] | None = None) -> str | None:
        """The link between the prediction and the mean of the target."""
        return self.case(options).link

    def nonnegative_of(self, options: Mapping[str, object] | None = None) -> frozenset[Symbol]:
        """The symbols that are at least 0 for these options, by their range or domain."""
        domain = self.domain_of(options)
        inputs = {each.symbol for each in self.inputs if is_nonnegative(domain.get(domain_key(each), "real"))}
        parameters = {symbol_of(name, each) for name, each in self.parameters.items() if each.is_nonnegative}
        return frozenset(inputs | parameters)

    def symbols(self) -> dict[str, Symbol]:
        """The symbol of each parameter."""
        return {name: symbol_of(name, parameter) for name, parameter in self.parameters.items()}

    def constructor_arguments(self) -> tuple[str, ...]:
        """All arguments of the constructor, in order."""
        labels = any(self.uses_labels(options) for options in self.variants())
        if self.arguments is None:
            own = (*self.own_arguments, *(("ignore_class",) if labels else ()))
            return (*own, *(("axis",) if self.axis_argument else ()), "reduction", "name", "dtype")
        if labels and "ignore_class" not in self.arguments:
            position = sum(name in self.own_arguments for name in self.arguments)
            return (*self.arguments[:position], "ignore_class", *self.arguments[position:])
        return self.arguments

    @cached_property
    def domain(self) -> Mapping[str, Domain]:
        """Domains when all options have their defaults."""
        return self.domain_of()

    @cached_property
    def link(self) -> str | None:
        """The link when all options have their defaults."""
        return self.link_of()

    @cached_property
    def nonnegative(self) -> frozenset[Symbol]:
        """The symbols that are at least 0 whatever the options are."""
        return frozenset.intersection(*(self.nonnegative_of(options) for options in self.variants()))

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The arrays that the loss reads: target, prediction, then the extra ones."""
        return (TARGET, PREDICTION, *self.extra_inputs)

    @property
    def written_inputs(self) -> tuple[Input, ...]:
        """The same by the symbols that a person writes."""
        return self.inputs

    def as_read(self, expression: Expr) -> Expr:
        """A formula with the symbols that a person reads."""
        return expression

    @property
    def per_class(self) -> frozenset[str]:
        """The names of the parameters that may have one value a column."""
        return frozenset(name for name, parameter in self.parameters.items() if parameter.per_class)

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The different scopes of all terms, in order."""
        return tuple(dict.fromkeys(term.scope for case in self.cases.values() for term in case.terms))

    # What a person does with it --------------------------------------------------------------------

    def __call__(self, *inputs: Expr, **arguments: object) -> Expr:
        """The formula with other expressions for target, prediction and parameters, to build on.

        Raises:
            DeclarationError: something else than formulas was passed, or the loss has several scopes.
        """
        from lossgen.language.adaptation import substituted

        return substituted(self, inputs, arguments)

    def renamed(self, name: str) -> "Declaration":
        """The same loss under another name (of the class or of the function)."""
        from lossgen.language.adaptation import renamed

        return renamed(self, name)

    def renamed_arguments(self, **names: str) -> "Declaration":
        """The same loss with other names for some of its parameters and options: `old="new"`."""
        from lossgen.language.adaptation import renamed_arguments

        return renamed_arguments(self, names)

    def with_defaults(self, **values: object) -> "Declaration":
        """The same loss with other defaults for some of its parameters and options."""
        from lossgen.language.adaptation import with_defaults

        return with_defaults(self, values)

    def __add__(self, other: object) -> "Declaration":
        from lossgen.language.combination import added

        return added(self, other)

    __radd__ = __add__

    def __mul__(self, factor: object) -> "Declaration":
        from lossgen.language.combination import scaled

        return scaled(self, factor)

    __rmul__ = __mul__

    def __neg__(self) -> "Declaration":
        return self * -1

    def __sub__(self, other: object) -> "Declaration":
        return self + -other if isinstance(other, Declaration) else self.__add__(other)

    def __truediv__(self, divisor: object) -> "Declaration":
        from lossgen.language.combination import divided

        return divided(self, divisor)

    def __repr__(self) -> str:
        own: dict[str, Parameter | Option] = {**self.parameters, **self.options}
        arguments = ", ".join(f"{name}={own[name].default!r}" for name in self.own_arguments)
        formula = " + ".join(str(self.as_read(term.expression)) for term in self.terms())
        return f"<loss {self.class_name}({arguments}): {formula}>"


def domain_key(item: Input) -> str:
    """The key of an input in a table of domains."""
    return item.name if item.role == "extra" else item.role


def same(first: object, second: object) -> bool:
    """Whether two option values are equal and of one type (1 is not True)."""
    return type(first) is type(second) and first == second


def merged(loss: str, terms: list[Term]) -> tuple[Term, ...]:
    """The terms with those of one scope added up; terms that became 0 are left out."""
    sums: dict[Scope, Expr] = {}
    for term in terms:
        sums[term.scope] = sympify(sums.get(term.scope, 0)) + term.expression
    for expression in sums.values():
        check_size(loss, expression)
    result = tuple(Term(scope, expression) for scope, expression in sums.items() if expression != 0)
    if not result:
        raise DeclarationError(f"{loss}: the terms cancel; nothing is left of the loss.")
    return result
