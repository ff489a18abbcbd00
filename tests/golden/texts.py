"""The texts, now and as they were accepted; which lines of the templates they came from."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from golden.declarations import DECLARATIONS
from lossgen.compiler.digest import toolchain_digest
from lossgen.compiler.module import modules
from lossgen.compiler.render import environment

EXPECTED = Path(__file__).parent / "expected"


def texts() -> dict[str, str]:
    """Every generated file by its path, without what changes whenever the runtime does."""
    found = {name: text for each in DECLARATIONS for name, text in modules(each).items()}
    return {name: re.sub(rf"\b{toolchain_digest()}\b", "RUNTIME", text) for name, text in found.items()}


def place(name: str) -> Path:
    """Where the text of a file is kept: no module, so that nothing imports or formats it."""
    return EXPECTED / f"{name}.txt"


def update() -> list[str]:
    """Accepts what is generated now; the names of the files that changed."""
    found, changed = texts(), []
    for path in EXPECTED.rglob("*.txt"):
        name = path.relative_to(EXPECTED).as_posix().removesuffix(".txt")
        if name not in found:
            path.unlink()
            changed.append(name)
    for name, text in found.items():
        path = place(name)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


@contextmanager
def lines_used() -> Iterator[dict[str, set[int]]]:
    """Collects the lines of the templates that are rendered while the context lasts."""
    used: dict[str, set[int]] = {}

    def trace(frame, event, argument):
        if frame.f_code.co_filename != "<template>" or "name" not in frame.f_globals:
            return None
        if event == "line":
            template = environment().get_template(frame.f_globals["name"])
            used.setdefault(template.name, set()).add(template.get_corresponding_lineno(frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield used
    finally:
        sys.settrace(before)


def lines_of(template: str) -> set[int]:
    """The lines of a template that place something."""
    return {line for line, _ in environment().get_template(template).debug_info}
