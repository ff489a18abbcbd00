"""A browser, and pages of the explorer in it. Without Chromium the tests are skipped, see `requiring`."""

import shutil
from pathlib import Path

import pytest
from requiring import missing, require

ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage"]  # it may run as root, and in a container
COMPLAINTS = ("error", "warning")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser():
    """Chromium; it is closed with the module, so that its event loop is in the way of nobody else."""
    playwright = require("playwright.sync_api", "the explorer is tested in a browser")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        missing("the explorer is tested in Chromium, and there is none: apt-get install chromium")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def opened(browser):
    """Opens a page from its file; at the end nothing may have gone wrong, and nothing come from a network."""
    contexts, wrong = [], []

    def open_page(path: Path, link: str = "", width: int = 1280, height: int = 900, **settings):
        context = browser.new_context(viewport={"width": width, "height": height}, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: wrong.append(said.text) if said.type in COMPLAINTS else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("requestfailed", lambda request: wrong.append(f"not there: {request.url}"))
        page.on("request", lambda asked: None if _is_near(asked.url) else wrong.append(asked.url))
        page.goto(path.as_uri() + link)
        page.locator("#plot .scatterlayer .trace").nth(2).wait_for(state="attached")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def _is_near(url: str) -> bool:
    return url.startswith(("file:", "data:", "blob:"))


@pytest.fixture(scope="session")
def catalogue_page(tmp_path_factory) -> Path:
    """The page of the whole catalogue."""
    require("plotly", "the explorer draws with plotly")
    require("latex2mathml", "the explorer typesets formulas")
    from lossgen.inspection.explorer.page import explore

    return explore(path=tmp_path_factory.mktemp("explorer") / "losses.html")
