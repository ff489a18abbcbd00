"""The curves of a loss or penalty, as SVG beside its page."""

from pathlib import Path

from lossgen.errors import NoViewError
from lossgen.inspection.curves.figure import save

from .facts import Page

SIZE = (10.2, 3.9)
"""Inches; smaller than usual, so that the letters are not small in a column of text."""


def draw(page: Page, folder: Path) -> bool:
    """Writes NAME.svg; False where the loss has no curve over one number."""
    folder.mkdir(exist_ok=True)
    try:
        figure = page.declaration.plot()
    except NoViewError:
        return False
    for title in figure.texts:  # the page has one, and the formula
        title.set_text("")
    figure.set_size_inches(SIZE)
    save(figure, folder / f"{page.name}.svg")
    return True
