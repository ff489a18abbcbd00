"""What is verified: a declaration with one choice of options and values of its parameters."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from sympy import Add, Expr, Mul, Piecewise, Pow, Symbol
from sympy.core.relational import Relational

from lossgen.language.atoms import power
from lossgen.language.declaration import Declaration
from lossgen.language.domains import Domain, bounds
from lossgen.language.parameters import Parameter
from lossgen.language.penalty import PenaltyDeclaration
from lossgen.language.reductions import LogSoftmax, LogSumExp, Mean, Reduction, Softmax, Sum
from lossgen.language.symbols import y_true

Value = float | tuple[float, ...]

EXPONENTS = (1.5, 0.5, 0.0, 1.0, 2.0)
"""Where powers change their nature, and between."""

SHARES = (0.75, 0.0, 1.0)
"""Places in a closed interval, from its lower to its upper end."""

DISTANCES = (0.375, 2.5)
"""From an end, where there is no other; as all numbers here sums of powers of two, which float32 holds."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A loss as it is called.

    Args:
        declaration: what it was declared as.
        options: one of the declaration's variants.
        arguments: the parameters whose values are not the defaults.
    """

    declaration: Declaration
    options: Mapping[str, object] = field(default_factory=dict)
    arguments: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        known = self.declaration.options
        chosen = {name: value for name, value in self.options.items() if value != known[name].default}
        changed = ", ".join(f"{name}={value!r}" for name, value in {**chosen, **self.arguments}.items())
        return f"{self.declaration.class_name}({changed})"

    @property
    def name(self) -> str:
        """The declaration's name."""
        return self.declaration.name

    @cached_property
    def expression(self) -> Expr:
        """The formula of one row, whose columns are those of all terms."""
        return Add(*(term.expression for term in self.declaration.terms(self.options)))

    @property
    def is_penalty(self) -> bool:
        """Whether there is one input and no target."""
        return isinstance(self.declaration, PenaltyDeclaration)

    @property
    def labels(self) -> bool:
        """Whether the target is one integer label a row."""
        return self.declaration.uses_labels(self.options)

    @cached_property
    def values(self) -> dict[str, Value]:
        """The value of each parameter: numbers that float32 holds, as kernels compute in that dtype."""
        own = self.declaration.parameters
        given = {name: self.arguments.get(name, each.default) for name, each in own.items()}
        return {name: held(own[name], value) for name, value in given.items()}

    @cached_property
    def parameters(self) -> dict[Symbol, Value]:
        """The value of each parameter's symbol."""
        return {symbol: self.values[name] for name, symbol in self.declaration.symbols().items()}

    @cached_property
    def differentiable(self) -> dict[str, Symbol]:
        """The parameters that the formula depends on, by name."""
        free = self.expression.free_symbols
        return {name: each for name, each in self.declaration.symbols().items() if each in free}

    @property
    def reads_target(self) -> bool:
        """Whether there is a derivative by the target."""
        return not self.labels and y_true in self.expression.free_symbols

    def domain(self, role: str) -> Domain:
        """The domain of the target or the prediction."""
        return self.declaration.domain_of(self.options).get(role, "real")

    def bounds(self, role: str) -> tuple[float, float]:
        """The interval around that domain."""
        return bounds(self.domain(role))

    @property
    def hard_targets(self) -> tuple[float, ...]:
        """Targets that are labels, and so exact."""
        return {"probability": (0.0, 1.0), "signs": (-1.0, 1.0)}.get(self.domain("target"), ())

    @cached_property
    def is_elementwise(self) -> bool:
        """Whether the loss is a sum or mean of a function of one target and one prediction."""
        found = self.expression.atoms(Reduction)
        return len(found) == 1 and isinstance(next(iter(found)), Sum | Mean)

    @cached_property
    def is_normalised(self) -> bool:
        """Whether predictions are made shares of one by their exponentials."""
        return self.expression.has(Softmax, LogSoftmax)

    @cached_property
    def is_power(self) -> bool:
        """Whether the loss is a power of sums: its Hessian is a difference of gradient²/loss and the like."""
        return any(
            isinstance(each, Pow | power) and each.args[0].has(Reduction) and not each.args[1].is_number
            for each in Mul.make_args(self.expression)
        )

    @cached_property
    def takes_logits(self) -> bool:
        """Whether predictions meet in an exponential sum."""
        return self.expression.has(Softmax, LogSoftmax, LogSumExp)

    @property
    def fitting_columns(self) -> int | None:
        """The number of columns that values of one number a column leave; None for any."""
        return next((len(value) for value in self.values.values() if isinstance(value, tuple)), None)


def held(parameter: Parameter, value: Value) -> Value:
    """The number of float32 nearest to a value, inside the parameter's range."""
    if isinstance(value, tuple):
        return tuple(held(parameter, each) for each in value)
    near = np.float32(value)
    for candidate in (near, np.nextafter(near, np.float32(np.inf)), np.nextafter(near, np.float32(-np.inf))):
        if parameter.contains(float(candidate)):
            return float(candidate)
    return value


def subjects(
    declaration: Declaration, options: Mapping[str, object], *, quick: bool = False
) -> Iterator[Subject]:
    """One variant with the parameters' defaults, then with other admissible values, all parameters at once.

    Every value of every parameter is tried, in as few settings as that takes.

    Args:
        quick: the defaults and one other setting.
    """
    first = Subject(declaration, options)
    yield first
    values: dict[str, list[Value]] = {}
    for name, symbol in first.differentiable.items():
        parameter = declaration.parameters[name]
        others = [
            each for each in admissible(parameter, symbol, first.expression) if each != parameter.default
        ]
        values[name] = [*others, parameter.default]
    count = max((len(each) for each in values.values()), default=0)
    for number in range(min(count, 1) if quick else count):
        chosen = {name: each[number % len(each)] for name, each in values.items()}
        changed = {
            name: value for name, value in chosen.items() if value != declaration.parameters[name].default
        }
        if changed:
            yield Subject(declaration, options, changed)


def admissible(parameter: Parameter, symbol: Symbol, expression: Expr) -> list[Value]:
    """Values of a parameter: inside its range, at its ends, where the formula treats it differently."""
    (low, _), (high, _) = parameter.lower, parameter.upper
    if math.isfinite(low) and math.isfinite(high):
        found = [low + share * (high - low) for share in SHARES]
    elif is_exponent(symbol, expression):
        found = list(EXPONENTS)
    elif math.isfinite(low) or math.isfinite(high):
        end, sign = (low, 1.0) if math.isfinite(low) else (high, -1.0)
        found = [*(end + sign * distance for distance in DISTANCES), end]
    else:
        found = [-0.5, 2.5, 0.0]
    found += special(symbol, expression)
    found = [held(parameter, value) for value in dict.fromkeys(found) if parameter.contains(value)]
    found = list(dict.fromkeys(found))
    if parameter.per_class and found:
        found.append(tuple(found[k % len(found)] for k in range(3)))
    return found


def special(symbol: Symbol, expression: Expr) -> list[float]:
    """The values at which a condition on this parameter alone changes, and one on either side."""
    found = []
    for each in expression.atoms(Piecewise):
        for _, condition in each.args:
            for relation in condition.atoms(Relational):
                if relation.free_symbols == {symbol}:
                    other = relation.rhs if relation.lhs == symbol else relation.lhs
                    if other.is_number and symbol in relation.args:
                        found += [float(other), 2 * float(other)]
    return found


def is_exponent(symbol: Symbol, expression: Expr) -> bool:
    """Whether the parameter stands in an exponent whose base varies."""
    powers = [*expression.atoms(Pow), *expression.atoms(power)]
    return any(symbol in each.args[1].free_symbols and not each.args[0].is_number for each in powers)
