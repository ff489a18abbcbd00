"""The reference that is read from the program: the page of the command line, and links to the errors.

Docstrings name errors by their class; their descriptions are sections of docs/errors.md.
"""

import os
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import lossgen.errors

INTRODUCTION = """\
# Command line

What `lossgen COMMAND --help` prints. Exit codes: 0; 1 where a check failed; 2 for bad input, with one line on
standard error that says what to do.
"""


def write_commands(app: Sphinx) -> None:
    """Writes reference/commands.md, if its text has changed."""
    os.environ["COLUMNS"] = "100"
    os.environ["NO_COLOR"] = "1"
    from lossgen.cli.main import COMMANDS, parser

    commands = next(each for each in parser()._actions if each.dest == "command").choices or {}
    sections = [_section("lossgen", parser().format_help())]
    sections += [_section(f"lossgen {name}", commands[name].format_help()) for name in COMMANDS]
    page = Path(app.srcdir, "reference", "commands.md")
    text = "\n".join([INTRODUCTION, *sections])
    if not page.exists() or page.read_text("utf-8") != text:
        page.write_text(text, encoding="utf-8")


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n```text\n{text.rstrip()}\n```\n"


def link_to_error(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement):
    """A reference to an error of lossgen leads to its section; to one of Python it leads nowhere."""
    if node.get("refdomain") != "py":
        return None
    name = node["reftarget"].rpartition(".")[2]
    if name in lossgen.__all__ and hasattr(lossgen.errors, name):
        address = f"{app.builder.get_relative_uri(env.current_document.docname, 'errors')}#{name.lower()}"
        return nodes.reference("", "", content, internal=True, refuri=address)
    if node["reftype"] == "exc":
        return content
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", write_commands)
    app.connect("missing-reference", link_to_error)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
