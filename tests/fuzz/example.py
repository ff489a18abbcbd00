"""One example: a declaration as source that can be pasted, with arguments and inputs that it is tested at."""

import hashlib
import re
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from lossgen.language.declaration import Declaration
from lossgen.language.domains import bounds

from .grammar import PARAMETERS

HEAD = """import sympy

import lossgen as lg
from lossgen.language import atoms  # noqa: F401
"""


@dataclass(frozen=True)
class Part:
    """One decorated function: a formula for each choice of the option, if there is one."""

    formulas: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = ()
    is_penalty: bool = False

    def source(self, name: str) -> str:
        """The function as a person would write it."""
        text = " ".join(self.formulas)
        own = [f"{each}={PARAMETERS[each]}" for each in PARAMETERS if re.search(rf"\b{each}\b", text)]
        if len(self.formulas) == 2:
            own.append("second=lg.Option(False)")
        elif len(self.formulas) > 2:
            choices = tuple(f"form_{number}" for number in range(len(self.formulas)))
            own.append(f"form=lg.Option({choices[0]!r}, choices={choices})")
        inputs = "x" if self.is_penalty else "y_true, y_pred"
        signature = ", ".join([inputs, *(["*", *own] if own else [])])
        decorator = "penalty" if self.is_penalty else "loss"
        facts = ", ".join(f"{key}={value}" for key, value in self.facts)
        lines = [f"@lg.{decorator}({facts})", f"def {name}({signature}):"]
        for number, formula in enumerate(self.formulas):
            formula = re.sub(r"\by_pred\b", "x", formula) if self.is_penalty else formula
            if number < len(self.formulas) - 1:
                choice = "not second" if len(self.formulas) == 2 else f'form == "form_{number}"'
                lines += [f"    if {choice}:", f"        return {formula}"]
            else:
                lines.append(f"    return {formula}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Example:
    """What the fuzzer tries: parts that are added up, arguments, and rows of inputs (targets or labels)."""

    parts: tuple[Part, ...]
    arguments: dict = field(hash=False)
    targets: tuple = ()
    predictions: tuple = ()

    def declaration_source(self) -> str:
        """The declaration alone."""
        names = ("example", "other")[: len(self.parts)]
        functions = [part.source(name) for name, part in zip(names, self.parts, strict=True)]
        total = "example + 0.5*other" if len(self.parts) > 1 else "example"
        return "\n\n\n".join([HEAD, *functions, f"declaration = {total}\n"])

    def source(self) -> str:
        """Everything, as a file that a test replays."""
        return (
            f"{self.declaration_source()}arguments = {self.arguments!r}\n"
            f"targets = {self.targets!r}\npredictions = {self.predictions!r}\n"
        )

    def __repr__(self) -> str:
        return self.source()

    @property
    def digest(self) -> str:
        """A name for the file."""
        return hashlib.sha256(self.source().encode()).hexdigest()[:10]

    @cached_property
    def case(self) -> "Case":
        """The declaration and the inputs as arrays."""
        return replayed(self.source())


@dataclass(frozen=True)
class Case:
    """An example that has been executed."""

    declaration: Declaration
    arguments: dict
    targets: np.ndarray
    predictions: np.ndarray

    @property
    def is_joint(self) -> bool:
        """Whether a row is a tensor of its own: the scope is the whole tensor, or there are several."""
        return self.declaration.scopes != (-1,)


def replayed(source: str) -> Case:
    """The case that a source file describes.

    Raises:
        DeclarationError: the language refuses the declaration.
    """
    space: dict = {"__name__": "fuzzed"}
    exec(compile(source, "fuzzed.py", "exec"), space)
    declaration = space["declaration"]
    own = {name: value for name, value in space["arguments"].items() if name in declaration.parameters}
    predictions = np.array(space["predictions"], float)
    columns = predictions.shape[1]
    own = {name: value[:columns] if isinstance(value, tuple) else value for name, value in own.items()}
    return Case(declaration, own, np.array(space["targets"]), predictions)


def ordinary_inputs(declaration: Declaration, options: dict, seed: int, rows: int, columns: int = 3):
    """Targets (or labels) and predictions of a declaration's domains."""
    generator = np.random.default_rng(seed)
    domains = declaration.domain_of(options)

    def drawn(role: str) -> np.ndarray:
        low, high = bounds(domains.get(role, "real"))
        if high == 1:
            return generator.uniform(0.01, 0.99, (rows, columns))
        numbers = 1.5 * generator.standard_normal((rows, columns))
        return np.abs(numbers) if low == 0 else numbers

    p = drawn("prediction")
    return (generator.integers(0, columns, rows) if declaration.uses_labels(options) else drawn("target")), p
