"""Generated text is what was accepted: a change of the compiler that changes it shows line by line."""

import difflib

import pytest
from golden.texts import EXPECTED, lines_of, lines_used, place, texts, update

from lossgen.compiler.render import environment

pytestmark = pytest.mark.xdist_group("golden")

TEMPLATES = ("cuda.jinja", "functions.jinja", "lanes.jinja", "module.jinja")


@pytest.fixture(scope="module")
def generated():
    with lines_used() as used:
        found = texts()
    return found, used


def test_the_text_is_what_was_accepted(generated):
    found, _ = generated
    for name, text in found.items():
        accepted = place(name).read_text(encoding="utf-8") if place(name).exists() else ""
        both = accepted.splitlines(), text.splitlines()
        changes = difflib.unified_diff(*both, "accepted", name, "", "", 1, "")
        assert text == accepted, "`make golden-update` accepts:\n" + "\n".join(changes)


def test_nothing_else_is_kept(generated):
    kept = {path.relative_to(EXPECTED).as_posix().removesuffix(".txt") for path in EXPECTED.rglob("*.txt")}
    assert kept == set(generated[0])


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_line_of_a_template_is_used(generated, template):
    unused = lines_of(template) - generated[1].get(template, set())
    source = environment().loader.get_source(environment(), template)[0].splitlines()
    assert not unused, [f"{line}: {source[line - 1]}" for line in sorted(unused)]


def test_a_change_is_accepted_by_the_command(monkeypatch, tmp_path, generated):
    monkeypatch.setattr("golden.texts.EXPECTED", tmp_path)
    monkeypatch.setattr("golden.texts.texts", lambda: {"a.py": "1\n", "b/c.py": "2\n"})
    (tmp_path / "gone.py.txt").write_text("")
    assert sorted(update()) == ["a.py", "b/c.py", "gone.py"] and update() == []
    assert (tmp_path / "b" / "c.py.txt").read_text() == "2\n"
