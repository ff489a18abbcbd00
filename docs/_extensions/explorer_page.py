"""The loss explorer of the catalogue, beside the built pages; docs/explorer.md shows it in a frame."""

from pathlib import Path

from sphinx.application import Sphinx

from lossgen.inspection.explorer.page import explore

PAGE = "loss_explorer.html"


def write(app: Sphinx, failure: Exception | None) -> None:
    """Writes the explorer where the pages are, unless it is there and newer than the pages of the losses."""
    page, losses = Path(app.outdir, PAGE), Path(app.srcdir, "losses", "made_of.txt")
    if failure or app.builder.name != "html":
        return
    if not page.exists() or page.stat().st_mtime < losses.stat().st_mtime:
        explore(path=page)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
