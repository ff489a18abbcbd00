"""A page for every loss and penalty of the catalogue, written before Sphinx reads its sources.

Pages are Markdown in docs/losses/, which git ignores. `facts.py` collects what a page says, `measured.py`
what was measured, `snippets.py` what a person copies, `figures.py` draws; the templates place all of it.
"""

import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sphinx.application import Sphinx

from lossgen.inspection.explanation.content import KERNEL_HEADS, KERNEL_NOTE

from . import figures
from .facts import catalogue, groups

ROOT = Path(__file__).parents[3]
TEMPLATES = ROOT / "docs" / "_templates"
SOURCES = (
    (ROOT / "lossgen", "**/*.py"),
    (ROOT / "generated", "**/*.py"),
    (ROOT / "benchmarks" / "results", "*.json"),
    (ROOT / "docs", "verification.md"),
    (TEMPLATES, "*.jinja"),
    (Path(__file__).parent, "*.py"),
)
"""Everything that a page is made of."""


FILTERS = {"cell": lambda text: text.replace("|", r"\|")}  # text that a table can hold


def write(app: Sphinx) -> None:
    """Writes the pages and their figures, unless nothing that they are made of has changed."""
    folder = Path(app.srcdir, "losses")
    stamp = folder / "made_of.txt"
    digest = f"{_digest()} {app.config.loss_figures}"
    if stamp.exists() and stamp.read_text("utf-8") == digest:
        return
    folder.mkdir(exist_ok=True)
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters |= FILTERS
    templates.globals |= {"kernel_heads": KERNEL_HEADS, "kernel_note": KERNEL_NOTE}
    pages = catalogue()
    for page in pages:
        drawn = figures.draw(page, folder / "figures") if app.config.loss_figures else None
        text = templates.get_template("loss.md.jinja").render(page=page, drawn=drawn)
        _update(folder / f"{page.name}.md", text)
    index = templates.get_template("catalogue.md.jinja").render(groups=groups(pages))
    _update(folder / "index.md", index)
    for old in set(folder.glob("*.md")) - {folder / f"{page.name}.md" for page in pages}:
        if old.name != "index.md":
            old.unlink()
    stamp.write_text(digest, encoding="utf-8")


def _digest() -> str:
    digest = hashlib.sha256()
    for folder, pattern in SOURCES:
        for path in sorted(folder.glob(pattern)):
            digest.update(str(path.relative_to(ROOT)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _update(path: Path, text: str) -> None:
    """Leaves a file alone that holds the text already, so that its page is not built again."""
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("loss_figures", True, "env", bool)
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
