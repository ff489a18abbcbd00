"""The built documentation: strict, whole, without a request to the network."""

import os
import re
import shutil
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from requiring import require

import lossgen as lg
from lossgen.catalog import DECLARATIONS, PENALTIES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BESIDE = ("CHANGELOG.md", "benchmarks", "examples", "generated", "lossgen")
"""What pages are made of or link to, beside docs/."""

NEEDED = ("sphinx", "myst_parser", "sphinx_gallery", "pydata_sphinx_theme", "plotly", "torch", "jax")
EXPLORER = Path("loss_explorer.html")

LOADED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src", "video": "src"}
"""Attributes whose addresses a browser loads by itself."""

pytestmark = pytest.mark.xdist_group("documentation")


class Page(HTMLParser):
    """The addresses and anchors of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if given.get(LOADED.get(tag)):
            self.loaded.append(given[LOADED[tag]])


def build(folder: Path) -> subprocess.CompletedProcess:
    """All pages as `make docs` has them, but for what takes long: no curves, no run of the examples."""
    command = ["-m", "sphinx", "-b", "html", "-n", "-W", "--keep-going", "-q"]
    quick = ["-D", "loss_figures=0", "-D", "plot_gallery=0"]
    return subprocess.run(
        [sys.executable, *command, *quick, folder / "docs", folder / "html"],
        capture_output=True, text=True, env=os.environ | {"KERAS_BACKEND": "torch"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A copy of docs/ with what it needs beside it."""
    for module in NEEDED:
        require(module, "builds the documentation")
    folder = tmp_path_factory.mktemp("documentation")
    leftovers = shutil.ignore_patterns("_build", "losses", "gallery", "__pycache__")
    shutil.copytree(DOCS, folder / "docs", ignore=leftovers)
    for name in BESIDE:
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.fixture(scope="module")
def pages(folder) -> dict[Path, Page]:
    run = build(folder)
    assert run.returncode == 0, run.stderr
    assert "WARNING:" not in re.sub("WARNING: All log messages before absl.*", "", run.stderr), run.stderr
    html = folder / "html"
    paths = [path for path in html.rglob("*.html") if "_static" not in path.parts]  # templates of the theme
    return {path.relative_to(html): Page(path.read_text("utf-8")) for path in paths}


def test_internal_links_and_anchors_lead_somewhere(pages, folder):
    html, broken = (folder / "html").resolve(), []
    for path, page in pages.items():
        for link in (*page.links, *page.loaded):
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = (html / path.parent / unquote(address.path)).resolve() if address.path else html / path
            target = target / "index.html" if target.is_dir() else target
            anchored = pages.get(target.relative_to(html)) if address.fragment else None
            if target.name == EXPLORER.name:  # what follows # in its address is its state
                anchored = None
            if not target.exists() or (anchored and unquote(address.fragment) not in anchored.anchors):
                broken.append(f"{path}: {link}")
    assert not broken


def test_no_page_loads_anything_from_the_network(pages, folder):
    loaded = {f"{path}: {link}" for path, page in pages.items() for link in page.loaded}
    assert not [link for link in loaded if re.search(r": (https?:)?//", link)]
    for style in (folder / "html").rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", style.read_text("utf-8")), style


def test_formulas_are_mathml_without_a_script(pages, folder):
    text = (folder / "html" / "losses" / "huber.html").read_text("utf-8")
    assert text.count("<math") > 5
    assert not [each for page in pages.values() for each in page.loaded if "mathjax" in each.lower()]


@pytest.mark.parametrize("declaration", (*DECLARATIONS, *PENALTIES), ids=lambda each: each.name)
def test_every_loss_has_a_page(declaration, pages, folder):
    page = pages[Path("losses", f"{declaration.name}.html")]
    assert page.anchors >= {
        "curves-and-formulas", "domain-and-properties", "drop-it-in", "accuracy", "speed", "kernels",
    }  # fmt: skip
    text = (folder / "html" / "losses" / f"{declaration.name}.html").read_text("utf-8")
    assert declaration.class_name in text
    assert text.count("<math") >= 3 * len(declaration.variants())


def test_every_public_name_is_in_the_reference(pages, folder):
    inventory = (folder / "html" / "objects.inv").read_bytes().split(b"\n", 4)[4]
    lines = zlib.decompress(inventory).decode().splitlines()
    described = {line.split()[0].rpartition(".")[2] for line in lines}
    written = "".join((DOCS / page).read_text("utf-8") for page in ("errors.md", "language.md"))
    missing = set(lg.__all__) - described
    assert not [name for name in missing if not re.search(rf"\b{name}\b", written)]


def test_nothing_is_built_again_without_a_reason(pages, folder):
    """And what a build writes beside its sources, git ignores."""
    made = {path: (folder / "html" / path).stat().st_mtime_ns for path in pages}
    run = build(folder)
    assert run.returncode == 0, run.stderr
    again = {path for path, time in made.items() if (folder / "html" / path).stat().st_mtime_ns != time}
    assert not {path for path in again if path.parts[0] == "losses"}
    written = {path.relative_to(folder) for path in (folder / "docs").rglob("*") if path.is_file()}
    written = {path for path in written if not (ROOT / path).exists() and "__pycache__" not in path.parts}
    if not (ROOT / ".git").exists():
        return
    ignored = subprocess.run(
        ["git", "check-ignore", *map(str, written)], cwd=ROOT, capture_output=True, text=True
    ).stdout.split()
    assert set(ignored) == set(map(str, written))
