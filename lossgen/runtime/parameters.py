"""The arguments of a loss: `Parameter`, a number at run time, and `Option`, a choice made at compile time.

Generated modules and declarations share these plain classes; SymPy is not needed to check a value.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Real
from typing import Any, TypeGuard

from lossgen.errors import DeclarationError, ParameterError


@dataclass(frozen=True)
class Parameter:
    """A number that a loss takes as a constructor argument and its kernels take at run time.

    Args:
        default: value used when the argument is not given; with `per_class` also a sequence of values.
        positive: the value must be greater than 0.
        minimum, maximum: smallest and largest allowed value.
        above, below: bounds that the value must not attain.
        per_class: the argument may be one number or one number a column.

    Raises:
        DeclarationError: the range is empty, or the default is not a finite number inside it.
    """

    default: float | tuple[float, ...]
    positive: bool = False
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    per_class: bool = False

    def __post_init__(self) -> None:
        for bound in ("minimum", "maximum", "above", "below"):
            value = getattr(self, bound)
            if value is None:
                continue
            number = finite(value)
            if number is None:
                raise DeclarationError(f"Parameter({bound}={value!r}): a bound must be a finite number.")
            object.__setattr__(self, bound, value if type(value) is int else number)
        if self.is_empty:
            raise DeclarationError(f"Parameter(default={self.default!r}): no number is {self.expected()}.")
        try:
            object.__setattr__(self, "default", self.check("default", self.default))
        except ParameterError as error:
            raise DeclarationError(f"Parameter(default={self.default!r}): {error}") from None

    @property
    def lower(self) -> tuple[float, bool]:
        """The largest lower bound, and whether the value may attain it."""
        bounds = [(-math.inf, False)]
        if self.positive:
            bounds.append((0.0, False))
        if self.above is not None:
            bounds.append((self.above, False))
        if self.minimum is not None:
            bounds.append((self.minimum, True))
        return max(bounds, key=lambda bound: (bound[0], not bound[1]))

    @property
    def upper(self) -> tuple[float, bool]:
        """The smallest upper bound, and whether the value may attain it."""
        bounds = [(math.inf, False)]
        if self.below is not None:
            bounds.append((self.below, False))
        if self.maximum is not None:
            bounds.append((self.maximum, True))
        return min(bounds)

    @property
    def is_empty(self) -> bool:
        """Whether no number fulfils the bounds."""
        (low, low_closed), (high, high_closed) = self.lower, self.upper
        return low > high or (low == high and not (low_closed and high_closed))

    @property
    def is_positive(self) -> bool:
        """Whether the range guarantees a value greater than 0."""
        low, closed = self.lower
        return low > 0 or (low == 0 and not closed)

    @property
    def is_nonnegative(self) -> bool:
        """Whether the range guarantees a value of at least 0."""
        return self.lower[0] >= 0

    def expected(self) -> str:
        """The range in words, as error messages and documents show it."""
        (low, low_closed), (high, high_closed) = self.lower, self.upper
        limits = [f"{'≥' if low_closed else '>'} {low:g}"] if low > -math.inf else []
        limits += [f"{'≤' if high_closed else '<'} {high:g}"] if high < math.inf else []
        number = "a finite number" + (" " + " and ".join(limits) if limits else "")
        return f"{number}, or one such number a column" if self.per_class else number

    def check(self, name: str, value: object) -> float | tuple[float, ...]:
        """The value as a float (or a tuple of floats, one a column).

        Raises:
            ParameterError: the value is not a finite number inside the range; names `name`.
        """
        plain = plain_value(value)
        if is_number(plain):
            if self.contains(plain):
                return float(plain)
        elif self.per_class and is_constant_sequence(plain):
            values = tuple(plain_value(item) for item in plain)
            if values and all(is_number(item) and self.contains(item) for item in values):
                return tuple(float(item) for item in values)
        raise ParameterError(f"`{name}` must be {self.expected()}. Received: {name}={value!r}")

    def contains(self, value: float) -> bool:
        """Whether a number is finite and inside the range."""
        (low, low_closed), (high, high_closed) = self.lower, self.upper
        number = finite(value)
        return (
            number is not None
            and (number >= low if low_closed else number > low)
            and (number <= high if high_closed else number < high)
        )


@dataclass(frozen=True)
class Option:
    """A choice among a few values; every combination of choices has its own kernels.

    Args:
        default: the choice used when the argument is not given.
        choices: two or more different strings, numbers, booleans or `None`; the default is one of them.

    Raises:
        DeclarationError: the choices are not such values, or the default is none of them.
    """

    default: str | int | float | bool | None
    choices: tuple[str | int | float | bool | None, ...] = (False, True)

    def __post_init__(self) -> None:
        if isinstance(self.choices, str) or not isinstance(self.choices, Iterable):
            raise DeclarationError(
                f"Option(choices={self.choices!r}): write the choices as a tuple, as in choices=('a', 'b')."
            )
        object.__setattr__(self, "choices", tuple(self.choices))
        for choice in self.choices:
            if choice is not None and type(choice) not in (str, int, float, bool):
                raise DeclarationError(
                    f"Option(choices={self.choices!r}): {choice!r} is no plain value; "
                    "choices are strings, numbers, booleans or None."
                )
            if isinstance(choice, float) and not math.isfinite(choice):
                raise DeclarationError(f"Option(choices={self.choices!r}): {choice} is no finite number.")
        kinds = {(type(choice), choice) for choice in self.choices}
        if len(kinds) != len(self.choices):
            raise DeclarationError(f"Option(choices={self.choices!r}): the same choice is listed twice.")
        if len(self.choices) < 2:
            raise DeclarationError(
                f"Option(choices={self.choices!r}): an option needs two or more choices; "
                "a value that never changes belongs in the formula."
            )
        try:
            self.check("default", self.default)
        except ParameterError as error:
            raise DeclarationError(f"Option(default={self.default!r}): {error}") from None

    def expected(self) -> str:
        """The choices in words, as error messages and documents show them."""
        return "one of " + ", ".join(repr(choice) for choice in self.choices)

    def check(self, name: str, value: object) -> str | int | float | bool | None:
        """The choice that equals the value, of the same type (1 is not True).

        Raises:
            ParameterError: the value is none of the choices; names `name`.
        """
        plain = plain_value(value)
        for choice in self.choices:
            if type(choice) is type(plain) and choice == plain:
                return choice
        raise ParameterError(f"`{name}` must be {self.expected()}. Received: {name}={value!r}")


def plain_value(value: Any) -> Any:
    """A Python number for a NumPy scalar or an array of rank 0; anything else as it is.

    Constants of TensorFlow count as arrays; its variables, which change, do not.
    """
    if hasattr(value, "numpy") and not hasattr(value, "item") and not hasattr(value, "assign"):
        value = value.numpy()
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", None) == 0 else value


def is_constant_sequence(value: Any) -> TypeGuard[Iterable[Any]]:
    """Whether the value may hold one number a column; a variable of TensorFlow does not stay what it is."""
    return (
        isinstance(value, Iterable)
        and not isinstance(value, str | bytes | dict)
        and not hasattr(value, "assign")
    )


def finite(value: object) -> float | None:
    """A real number as a float; None for what is none, is not finite, or too large for one."""
    if not is_number(value):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def is_number(value: object) -> TypeGuard[float]:
    """Whether the value is a real number (a boolean is not)."""
    return isinstance(value, Real) and not isinstance(value, bool)
