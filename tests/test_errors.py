"""Errors: each class is raised somewhere, and stands in docs/errors.md with a message that it really has."""

import ast
import doctest
import re
import sys
from pathlib import Path

import pytest
from requiring import require

import lossgen as lg
from lossgen import errors
from lossgen.errors import LONGEST, LossgenError

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "errors.md"
CLASSES = {name: each for name, each in vars(errors).items() if isinstance(each, type)}
BLOCK = re.compile(r"^```pycon\n(.*?)^```", re.MULTILINE | re.DOTALL)


def raised():
    """The names of the classes that the package raises, returns or warns of."""
    names = set()
    for path in (ROOT / "lossgen").rglob("*.py"):
        if path == ROOT / "lossgen" / "errors.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = [node.func, *node.args] if ast.unparse(node.func) == "warnings.warn" else [node.func]
                names |= {each.id for each in called if isinstance(each, ast.Name)}
                names |= {each.attr for each in called if isinstance(each, ast.Attribute)}
    return names


def test_every_class_is_raised_documented_and_public():
    page = PAGE.read_text("utf-8")
    headings = re.findall(r"^### (\w+)$", page, re.MULTILINE) + re.findall(r"^- `(\w+)`", page, re.MULTILINE)
    assert sorted([*headings, "LossgenError"]) == sorted(CLASSES)
    assert raised() & {*CLASSES} == {*CLASSES} - {"LossgenError"}, "the base says nothing of what is wrong"
    for name, each in CLASSES.items():
        assert getattr(lg, name) is each
        assert issubclass(each, LossgenError if name.endswith("Error") else Warning)
        assert each.__doc__.endswith(".")


def test_the_examples_of_the_page(monkeypatch):
    require("sklearn")
    monkeypatch.setitem(sys.modules, "matplotlib", require("matplotlib", "plots"))  # the page hides it
    examples = "\n".join(BLOCK.findall(PAGE.read_text("utf-8")))
    parsed = doctest.DocTestParser().get_doctest(examples, {"__name__": "my_losses"}, "errors.md", None, 0)
    said = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    assert runner.run(parsed, out=said.append).failed == 0, "".join(said)
    shown = re.findall(r"^lossgen\.errors\.(\w+): ", examples, re.MULTILINE)
    assert len(shown) == len(set(shown)) >= 20


def test_messages_steer_no_terminal_and_are_of_bounded_length():
    error = errors.ConfigError("a\x1b[2Jb\u202ec\nd\ud800" + "x" * 10_000_000 + "the end")
    text = str(error)
    assert text.startswith("a\\x1b[2Jb\\u202ec\nd\\ud800xxx")
    assert text.endswith("xthe end")
    assert len(text) < 1.1 * LONGEST
    assert str(errors.MissingLibraryError("σ − p")) == "σ − p"


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_errors_are_value_errors_that_travel(name):
    import pickle

    each = CLASSES[name]
    again = pickle.loads(pickle.dumps(each("what is wrong")))
    assert type(again) is each
    assert str(again) == "what is wrong"
    assert issubclass(each, ValueError | Warning)
