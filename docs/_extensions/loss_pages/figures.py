"""The curves of a loss, as SVG beside its page: one for light pages, one for dark ones."""

from pathlib import Path

from .facts import Page


def draw(page: Page, folder: Path) -> None:
    """Writes NAME.svg."""
    if page.is_penalty:
        return
    folder.mkdir(exist_ok=True)
    page.declaration.plot(path=folder / f"{page.name}.svg")
