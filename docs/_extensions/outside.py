"""Files above docs/ that pages link to.

The changelog becomes a page. Everything else that a page links to is a file to download, which MyST does by
itself; a folder cannot be downloaded and is shown as its name.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

PAGES = {"../CHANGELOG.md": "changelog.md"}
"""Links of pages directly in docs/, and the pages that are made of their targets."""

FOLDER = re.compile(r"\[([^\]]+)\]\(\.\./[a-z]+/?\)")


def write(app: Sphinx) -> None:
    """Copies each file into a page, unless it is there already: an old page is not built again."""
    for link, page in PAGES.items():
        source, target = Path(app.srcdir, link), Path(app.srcdir, page)
        text = source.read_text("utf-8")
        if not target.exists() or target.read_text("utf-8") != text:
            target.write_text(text, encoding="utf-8")


def redirect(app: Sphinx, name: str, content: list[str]) -> None:
    """Lets a page link to the pages made above instead of the files."""
    for link, page in PAGES.items():
        content[0] = content[0].replace(f"]({link}", f"]({page}")
    content[0] = FOLDER.sub(r"`\1`", content[0])


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", write)
    app.connect("source-read", redirect)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
