"""What an explanation consists of: plain data, collected once, which every rendering shows.

Formulas are here as text and as LaTeX; numbers are counted. A renderer chooses places and colours, it
computes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lossgen.inspection.evidence.finding import Finding

BEST = "p₀"
"""What the best constant prediction is called: no parameter can be."""


@dataclass(frozen=True)
class Formula:
    """An expression with what it is called.

    Args:
        symbol: the left-hand side as text, `g`; empty where there is none.
        text: the expression as one line of Unicode.
        latex: the expression as LaTeX.
        left: the left-hand side as LaTeX.
    """

    symbol: str
    text: str
    latex: str
    left: str = ""

    def __str__(self) -> str:
        return f"{self.symbol} = {self.text}" if self.symbol else self.text

    @property
    def equation(self) -> str:
        """The whole as LaTeX."""
        return f"{self.left} = {self.latex}" if self.left else self.latex


@dataclass(frozen=True)
class Rung:
    """One reduction of the ladder.

    Args:
        formula: `R₁ = Σ (p − y)²`.
        output: which output asks for it first: "loss", "gradient" or "Hessian".
        needs: the symbols of the rungs that it reads.
    """

    formula: Formula
    output: str
    needs: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """A sub-expression before and after a rewrite, and how often this was done."""

    before: Formula
    after: Formula
    count: int


@dataclass(frozen=True)
class Rewrite:
    """A rule of the stabiliser with what it did.

    Args:
        rule: its name.
        count: how often it was used.
        steps: the different steps that change what a reader sees; the rule may only have named functions.
    """

    rule: str
    count: int
    steps: tuple[Step, ...]

    def shown(self, trace: bool) -> tuple[Step, ...]:
        """All steps, or the shortest of them as an example."""
        if trace or not self.steps:
            return self.steps
        return (min(self.steps, key=lambda step: len(step.before.text) + len(step.after.text)),)


KERNEL_HEADS = (
    "kernel", "passes", "operations", "before sharing", "bytes read", "bytes written", "least bytes",
)  # fmt: skip
KERNEL_NOTE = "Operations and bytes at a column, in float32; least bytes: every array moved once."


@dataclass(frozen=True)
class Kernel:
    """What one kernel costs at a column of a row, in float32.

    Args:
        output: `value`, `value_and_gradient`, …, as everywhere in the library.
        name: the same in words.
        passes: sweeps over the columns of a row.
        operations: at a column over all passes, common subexpressions shared.
        before_sharing: operations of the expressions one by one.
        bytes_read, bytes_written: by all passes; a label, a weight and a loss of a row are left out.
        bytes_least: the same where a row stays in the cache between passes: every array once.
    """

    output: str
    name: str
    passes: int
    operations: int
    before_sharing: int
    bytes_read: int
    bytes_written: int
    bytes_least: int

    @property
    def bytes(self) -> int:
        """Bytes moved at a column by all passes."""
        return self.bytes_read + self.bytes_written

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of a table under `KERNEL_HEADS`."""
        counted = (self.passes, self.operations, self.before_sharing)
        return (self.name, *map(str, (*counted, self.bytes_read, self.bytes_written, self.bytes_least)))


@dataclass(frozen=True)
class Term:
    """One ladder of the loss, with all that follows from it."""

    scope: str
    definitions: tuple[Formula, ...]
    value: Formula
    gradient: Formula
    hessian: Formula
    ladder: tuple[Rung, ...]
    head: Formula
    rewrites: tuple[Rewrite, ...]
    kernels: tuple[Kernel, ...]

    @property
    def formulas(self) -> dict[str, Formula]:
        """The three formulas by name."""
        return {"loss": self.value, "gradient": self.gradient, "Hessian": self.hessian}


@dataclass(frozen=True)
class Constant:
    """The constant prediction with the least mean loss; see `lossgen.inspection.evidence.constant`."""

    formula: Formula | None
    where: str
    how: str


@dataclass(frozen=True)
class Symbol:
    """A letter of the formulas: what it means and which values it may have."""

    symbol: str
    latex: str
    meaning: str
    values: str


@dataclass(frozen=True, eq=False)
class Content:
    """Everything that is known of one variant of a declaration."""

    title: str
    name: str
    class_name: str
    summary: str
    reference: str
    options: Mapping[str, object]
    terms: tuple[Term, ...]
    constant: Constant | None
    symbols: tuple[Symbol, ...]
    findings: tuple[Finding, ...]
    facts: tuple[tuple[str, str], ...] = ()
    trace: bool = field(default=False)
