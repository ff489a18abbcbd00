"""The explanation of a loss: one collection, five renderings."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lossgen.language.declaration import Declaration

from .collect import collect
from .content import Content

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult


def explain(declaration: Declaration, *, trace: bool = False, **options: object) -> "Explanation":
    """Formulas, properties with their evidence, ladder, rewrites and the costs of kernels.

    Args:
        declaration: the loss.
        trace: show every rewrite with the sub-expression before and after, not one for each rule.
        options: values of the declaration's options; the others have their defaults.

    Raises:
        ParameterError: an option is unknown or has none of its choices.
    """
    return Explanation(collect(declaration, options, trace))


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """What the compiler found out about a loss, to be printed, typeset or read by a program.

    `print` and `str` give plain text, a rich console a page with colours, a notebook typeset formulas;
    `latex()` and `json()` are for documents and programs.
    """

    content: Content

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<explanation of {self.content.title}>"

    def text(self, width: int = 100) -> str:
        """Plain text.

        Args:
            width: characters of the longest line.
        """
        from .text import text

        return text(self.content, width)

    def latex(self) -> str:
        """Sections of LaTeX with the formulas, the ladder, symbols, properties and costs; needs amsmath."""
        from .tex import tex

        return tex(self.content)

    def json(self) -> str:
        """JSON, whose keys docs/explain.md lists; `version` counts their changes."""
        from .data import json_text

        return json_text(self.content)

    def html(self) -> str:
        """A part of a page for a notebook or a document; formulas are MathML where latex2mathml is there."""
        from .notebook import html

        return html(self.content)

    def _repr_html_(self) -> str:
        return self.html()

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        from .terminal import sections

        yield from sections(self.content)
