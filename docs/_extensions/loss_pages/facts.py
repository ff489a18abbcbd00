"""What the page of a loss says: from the compiler, the generated modules and recorded measurements."""

from collections.abc import Iterator
from dataclasses import dataclass
from inspect import signature
from pathlib import Path

from lossgen import losses, penalties
from lossgen.catalog import DECLARATIONS, PENALTIES
from lossgen.cli.list_command import group
from lossgen.compiler.module import variant_names
from lossgen.inspection.explanation.content import Content
from lossgen.language.declaration import Declaration
from lossgen.language.penalty import PenaltyDeclaration

from .measured import Table, accuracy, speed
from .snippets import Snippet, snippets

GENERATED = Path(__file__).parents[3] / "generated"


@dataclass(frozen=True)
class Variant:
    """What holds for one choice of the options.

    Args:
        title: the options as a person writes them.
        content: what `explain` found out.
        module: path of the generated module in the repository.
        code: its text.
    """

    title: str
    content: Content
    module: str
    code: str


@dataclass(frozen=True)
class Page:
    """Everything on the page of one loss."""

    declaration: Declaration
    signature: str
    variants: tuple[Variant, ...]
    snippets: tuple[Snippet, ...]
    accuracy: Table | None
    speed: Table | None

    @property
    def name(self) -> str:
        return self.declaration.name

    @property
    def title(self) -> str:
        return self.declaration.class_name

    @property
    def group(self) -> str:
        return group(self.declaration)

    @property
    def is_penalty(self) -> bool:
        return isinstance(self.declaration, PenaltyDeclaration)

    @property
    def home(self) -> str:
        return "lossgen.penalties" if self.is_penalty else "lossgen.losses"

    @property
    def summary(self) -> str:
        return self.variants[0].content.summary

    @property
    def remarks(self) -> str:
        """The documentation below its first paragraph."""
        return " ".join(self.declaration.documentation.strip().partition("\n\n")[2].split())

    @property
    def inputs(self) -> str:
        """What goes in, in a few words: the domains of the first variant."""
        symbols = {each.symbol: each.values or each.meaning for each in self.variants[0].content.symbols}
        if self.is_penalty:
            return symbols["x"] if symbols["x"].count(" ") < 2 else "real"
        target = "labels" if self.declaration.uses_labels(self.variants[0].content.options) else symbols["y"]
        return f"{target} → {symbols['p']}"


def catalogue() -> tuple[Page, ...]:
    """A page for every loss and penalty that ships, in the order of the catalogue."""
    return tuple(map(page_of, (*DECLARATIONS, *PENALTIES)))


def groups(pages: tuple[Page, ...]) -> dict[str, list[Page]]:
    """Pages by the module of the catalogue that declares them."""
    found: dict[str, list[Page]] = {}
    for page in pages:
        found.setdefault(page.group, []).append(page)
    return found


def page_of(declaration: Declaration) -> Page:
    """The page of one loss or penalty."""
    home = penalties if isinstance(declaration, PenaltyDeclaration) else losses
    made = getattr(home, declaration.class_name)
    return Page(
        declaration,
        signature=f"{declaration.class_name}{signature(made)}".partition(" -> ")[0],
        variants=tuple(_variants(declaration)),
        snippets=snippets(declaration, made),
        accuracy=accuracy(declaration.class_name),
        speed=speed(declaration.name),
    )


def _variants(declaration: Declaration) -> Iterator[Variant]:
    choices = declaration.variants()
    names = variant_names(choices) if len(choices) > 1 else [""]
    folder = "penalties/" if isinstance(declaration, PenaltyDeclaration) else ""
    for options, name in zip(choices, names, strict=True):
        module = f"{folder}{declaration.name}/{name}.py" if name else f"{folder}{declaration.name}.py"
        title = ", ".join(f"{key}={value}" for key, value in options.items())
        code = (GENERATED / module).read_text("utf-8").rstrip()
        yield Variant(title, declaration.explain(**options).content, f"generated/{module}", code)
