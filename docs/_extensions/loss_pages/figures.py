"""The curves of a loss or penalty, as SVG beside its page: one figure for each choice of its options."""

from pathlib import Path

from lossgen.errors import NoViewError
from lossgen.inspection.curves.figure import save

from .facts import Page

SIZE = (11.4, 4.1)
"""Inches; smaller than usual, so that the letters are not small in a column of text."""


def draw(page: Page, folder: Path) -> tuple[str, ...]:
    """Writes the figures; their names without ending, empty where there is no curve over one number."""
    folder.mkdir(exist_ok=True)
    names = []
    for number, variant in enumerate(page.variants):
        try:
            figure = page.declaration.plot(**variant.content.options)
        except NoViewError:
            names.append("")
            continue
        for title in figure.texts:  # the page has one, and the formula
            title.set_text("")
        figure.set_size_inches(SIZE)
        names.append(f"{page.name}_{number}" if len(page.variants) > 1 else page.name)
        save(figure, folder / f"{names[-1]}.svg")
    return tuple(names)
