"""What is plotted: a declaration, a class or an instance, with the values that its arguments have.

Checks what a person wrote; draws nothing.
"""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lossgen.compiler.carried import declaration_of
from lossgen.errors import ParameterError
from lossgen.language.declaration import Declaration
from lossgen.language.names import suggestion
from lossgen.language.printing import symbol_text
from lossgen.runtime.compiled import Compiled
from lossgen.runtime.parameters import Option, Parameter, plain_value

Plottable = Declaration | Compiled | type[Compiled]


@dataclass(frozen=True)
class Subject:
    """One loss of a picture.

    Args:
        declaration: of the loss.
        fixed: values that were given for some of its arguments.
        families: for the others that were given, the values that there is a curve for.
    """

    declaration: Declaration
    fixed: Mapping[str, object]
    families: Mapping[str, tuple[object, ...]]

    @property
    def name(self) -> str:
        """The class with the arguments that were given: `Huber(delta=2)`."""
        own: dict[str, Parameter | Option] = {**self.declaration.parameters, **self.declaration.options}
        changed = [name for name, value in self.fixed.items() if value != own[name].default]
        arguments = ", ".join(f"{name}={value_text(self.fixed[name])}" for name in changed)
        return self.declaration.class_name + (f"({arguments})" if arguments else "")

    def members(self) -> list[tuple[str, dict[str, object]]]:
        """For each combination of the families' values what to call it, and all values."""
        combinations = itertools.product(*self.families.values())
        several = [dict(zip(self.families, values, strict=True)) for values in combinations]
        return [
            (
                ", ".join(f"{symbol_text(name)} = {_typeset(value)}" for name, value in each.items()),
                {**self.fixed, **each},
            )
            for each in several
        ]

    def widest(self) -> dict[str, object]:
        """The values of all parameters: for a family the list of them."""
        values = {**self.fixed, **{name: list(each) for name, each in self.families.items()}}
        return {name: value for name, value in values.items() if name in self.declaration.parameters}

    def options(self, values: Mapping[str, object]) -> dict[str, object]:
        """The options among some values."""
        return {name: value for name, value in values.items() if name in self.declaration.options}


def subjects_of(plotted: Iterable[Plottable], arguments: Mapping[str, object]) -> tuple[Subject, ...]:
    """The losses of a picture; each takes those of the arguments that it has.

    Raises:
        ParameterError: an argument that no loss has, or a value outside its range.
    """
    described = [described_by(each) for each in plotted]
    known = {name for declaration, _ in described for name in declaration.own_arguments}
    for name in arguments:
        if name not in known:
            losses = " and ".join(declaration.class_name for declaration, _ in described)
            has = "have" if len(described) > 1 else "has"
            takes = f"; what may be set is {', '.join(sorted(known))}" if known else "; nothing can be set"
            raise ParameterError(
                f"{losses} {has} no parameter or option `{name}`{suggestion(name, known, takes)}"
            )
    return tuple(_subject(declaration, {**own, **arguments}) for declaration, own in described)


def described_by(plotted: Any) -> tuple[Declaration, dict[str, object]]:
    """The declaration behind what a person plots, and the values that an instance has.

    Raises:
        ParameterError: it is no loss and no penalty.
        ConfigError: it was built as a module, which does not hold its declaration.
        NoGradientError: it is written by hand.
    """
    if isinstance(plotted, Declaration):
        return plotted, {}
    if isinstance(plotted, Compiled):
        declaration = plotted.declaration
        return declaration, {name: getattr(plotted, name) for name in declaration.own_arguments}
    if isinstance(plotted, type) and issubclass(plotted, Compiled) and plotted.is_compiled:
        return declaration_of(plotted), {}
    raise ParameterError(
        "what is plotted is a declaration, a class such as lossgen.losses.Huber, or an instance of one. "
        f"Received: {plotted!r}"
    )


def is_plottable(plotted: Any) -> bool:
    """Whether it is a loss or penalty: a declaration, a class or an instance."""
    return isinstance(plotted, Declaration | Compiled) or (
        isinstance(plotted, type) and issubclass(plotted, Compiled) and plotted.is_compiled
    )


def _subject(declaration: Declaration, values: Mapping[str, object]) -> Subject:
    own: dict[str, Parameter | Option] = {**declaration.parameters, **declaration.options}
    fixed: dict[str, object] = {}
    families: dict[str, tuple[object, ...]] = {}
    for name in (each for each in values if each in own):
        value: Any = values[name]
        if _is_family(value, own[name]):
            several = tuple(own[name].check(name, each) for each in value)
            if not several:
                raise ParameterError(f"`{name}` has no value; write one, or several as {name}=[…]")
            families[name] = tuple(dict.fromkeys(several))
        else:
            fixed[name] = own[name].check(name, value)
    return Subject(declaration, fixed, families)


def _is_family(value: Any, argument: Parameter | Option) -> bool:
    """Whether a value stands for several curves: a list, or any other sequence but one number a column."""
    value = plain_value(value)
    if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
        return False
    return isinstance(value, list) or not getattr(argument, "per_class", False)


def _typeset(value: object) -> str:
    return value_text(value) if isinstance(value, str) else value_text(value).replace("-", "−")


def value_text(value: object) -> str:
    """A value of an argument, as short as it is told apart."""
    if isinstance(value, tuple):
        return f"({', '.join(map(value_text, value))})"
    return f"{value:g}" if isinstance(value, float) else str(value)
