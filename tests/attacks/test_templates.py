"""Text that reaches templates stays text: the program is that of a harmless one, and reads back."""

import ast
import contextlib
import sys

import pytest

import lossgen as lg
from attacks.corpus import CANARY, TEXTS
from lossgen.compiler import module
from lossgen.compiler.build import index_text
from lossgen.compiler.cache import compiled_module
from lossgen.compiler.driver import derive
from lossgen.compiler.module import modules

HARMLESS = "harmless"


def declaration(text, penalty=False):
    """A loss, or a penalty, with the text wherever one may stand."""

    def formula(*inputs, mode=lg.Option(text, choices=(text, "other")), delta=1.0):
        return lg.Mean(delta * (inputs[-1] - 1) ** 2)

    def loss(y_true, y_pred, *, mode=lg.Option(text, choices=(text, "other")), delta=1.0):
        return formula(y_true, y_pred, mode=mode, delta=delta)

    def of_one(x, *, mode=lg.Option(text, choices=(text, "other")), delta=1.0):
        return formula(x, mode=mode, delta=delta)

    function = of_one if penalty else loss
    function.__doc__ = text
    facts = {"kinks": (text, text), "reference": text, "identifiers": (text,), "instance_name": text}
    return (lg.penalty if penalty else lg.loss)(name="attacked", **facts)(function)


def shape(code):
    """The syntax of a module without its texts and the name of the file."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


@pytest.fixture(scope="module")
def harmless():
    """Files of a harmless text by number, and what was derived for each variant."""
    calm = {penalty: declaration(HARMLESS, penalty) for penalty in (False, True)}
    derived = {
        penalty: [derive(each, options) for options in each.variants()] for penalty, each in calm.items()
    }
    return {penalty: list(modules(each).values()) for penalty, each in calm.items()}, derived


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_text_stays_text(number, harmless, monkeypatch):
    files, derived = harmless
    text = TEXTS[number]
    for penalty in (False, True) if number < 20 else (number % 2 == 0,):
        attacked = declaration(text, penalty)
        variants = [tuple(each.values()) for each in attacked.variants()]
        monkeypatch.setattr(
            module,
            "derive",
            lambda _, options, of=derived[penalty], known=variants: of[known.index(tuple(options.values()))],
        )
        codes = list(modules(attacked).values())
        for code, expected in zip(codes, files[penalty], strict=True):
            assert shape(code) == shape(expected)
            assert all(one.isprintable() or one == "\n" for one in code)
            code.encode()
        package = ast.parse(codes[-1])
        said = ast.get_docstring(next(each for each in package.body if isinstance(each, ast.ClassDef)), False)
        words = text.split()
        assert said.split()[: len(words)] == words or len(text) > 100  # long ones are wrapped within a word
        assert text in (each.value for each in ast.walk(package) if isinstance(each, ast.Constant))
        names = ast.parse(index_text((attacked,)))
        assert [type(each) for each in names.body] == [ast.Expr, ast.Assign, ast.Assign, ast.Assign]
        assert text in ast.literal_eval(names.body[3].value)


def test_nothing_runs_when_it_is_imported(tmp_path):
    """All texts at once, in the modules as the cache imports them."""
    canary = tmp_path / "canary"
    several = "\n".join(TEXTS).replace(CANARY, str(canary))[:19_000]
    made = lg.declare("Attacked", "mean((p - y)**2)", documentation=several)
    compiled_module(made)
    assert lg.compile(made)()([1.0], [2.0]) == 1
    assert not canary.exists()


def test_formulas_and_facts_show_themselves():
    for text in TEXTS:
        attacked = declaration(text)
        explanation = attacked.explain()
        for show in (explanation.text, explanation.latex, explanation.json, attacked.latex):
            with contextlib.suppress(UnicodeEncodeError):
                assert show()
        assert "<script" not in explanation.html().lower() and repr(attacked)


def test_a_person_sees_no_control_characters(capsys, tmp_path, monkeypatch):
    from lossgen.cli.main import main

    (tmp_path / "odd.py").write_text(
        'import lossgen as lg\nodd = lg.declare("Odd", "mean(p**2)", documentation="\\x1b[2J\\u202e[/red]")\n'
    )
    monkeypatch.setattr(sys, "path", [*sys.path])
    for words in (
        ["show", f"{tmp_path}/odd.py:odd"],
        ["build", f"{tmp_path}/odd.py", "-o", f"{tmp_path}/[/x]"],
    ):
        assert main(words) == 0
        said = capsys.readouterr()
        assert all(one.isprintable() or one == "\n" for one in said.out + said.err), words
