"""The page without a browser: what it says of a loss, how big it is, what is refused and how."""

import json
import re

import pytest
import sympy as sp
from requiring import require

import lossgen as lg
from lossgen.catalog import DECLARATIONS
from lossgen.cli import main
from lossgen.inspection.explorer import page as pages
from lossgen.inspection.explorer.content import shown, slider
from lossgen.inspection.explorer.javascript import printed
from lossgen.inspection.explorer.kernel import hot_kernel
from lossgen.inspection.source import source

require("plotly", "the explorer draws with plotly")
require("latex2mathml", "the explorer typesets formulas")

CATALOGUE = {each.name: each for each in DECLARATIONS}
LARGEST_PAGE = 1_500_000
"""Bytes of the catalogue's page, without the plotting library."""


def test_size_and_neighbours(catalogue_page):
    assert catalogue_page.stat().st_size < LARGEST_PAGE
    folder = catalogue_page.parent
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*.js")] == [
        "losses_files/plotly.min.js"
    ]
    text = catalogue_page.read_text("utf-8")
    assert '<script src="losses_files/plotly.min.js">' in text
    assert not re.search(r"(src|href)=.https?:", text)


def test_every_loss_and_variant_is_there(catalogue_page):
    text = catalogue_page.read_text("utf-8")
    data = json.loads(re.search(r'id="losses">(.*?)</script>', text, re.DOTALL)[1])
    assert [each["name"] for each in data] == list(CATALOGUE)
    for each in data:
        declaration = CATALOGUE[each["name"]]
        assert len(each["variants"]) == len(declaration.variants())
        assert [one["name"] for one in each["parameters"]] == list(declaration.parameters)
        for variant in each["variants"]:
            for which in ("value", "gradient", "hessian"):
                assert variant["formulas"][which].startswith("<math")
            assert re.search(r"^def value_and_gradient_(flat|rows)\(", variant["kernel"], re.MULTILINE)


def test_texts_end_no_script():
    evil = "</script><!--<script>&\u2028\u2029"
    written = str(pages.as_script({"text": evil}))
    assert not set(written) & set("<>&\u2028\u2029")
    assert json.loads(written) == {"text": evil}


def test_a_kernel_is_whole():
    """What is shown of a module defines every function of it that it calls."""
    for name in ("huber", "sparse_categorical_crossentropy", "dice"):
        module = source(CATALOGUE[name])
        defined = re.findall(r"^def (\w+)", module, re.MULTILINE)
        kernel = hot_kernel(module)
        kept = set(re.findall(r"^def (\w+)", kernel, re.MULTILINE))
        assert 0 < len(kept) < len(defined)
        assert {each for each in defined if re.search(rf"(?<!def )\b{each}\(", kernel)} <= kept
        compile(kernel, name, "exec")


@pytest.mark.parametrize(("parameter", "expected"), [
    (lg.Parameter(0.5, minimum=0, maximum=1), (0, 1, False)),
    (lg.Parameter(0.5, above=0, below=1), (0.001, 0.999, False)),
    (lg.Parameter(1.0, positive=True), (0.05, 20, True)),
    (lg.Parameter(2.0, minimum=0), (0, 8, False)),
    (lg.Parameter(1.0), (-3, 4, False)),
    (lg.Parameter(-2.0, maximum=-1), (-10, -1, False)),
])  # fmt: skip
def test_sliders_stay_within_the_declared_range(parameter, expected):
    made = slider(parameter)
    assert (made["low"], made["high"], made["logarithmic"]) == pytest.approx(expected)
    for end in ("low", "high"):
        parameter.check("it", made[end])


def test_every_slider_of_the_catalogue_holds_its_default():
    for declaration in DECLARATIONS:
        for name, parameter in declaration.parameters.items():
            made = slider(parameter)
            assert made["low"] <= parameter.default <= made["high"], (declaration.name, name)
            for end in ("low", "high"):
                parameter.check(name, made[end])


def test_javascript_names_what_repeats():
    x, delta = sp.Symbol("x", real=True), sp.Symbol("delta", real=True)
    lines, text = printed(sp.sqrt(x**2 + 1) * (1 + sp.sqrt(x**2 + 1)), {x: "p[j]", delta: "own.delta"})
    assert lines == ["const shared_1 = Math.sqrt(1 + Math.pow(p[j], 2));"]
    assert text == "shared_1*(1 + shared_1)"


def test_an_unknown_function_is_refused():
    with pytest.raises(lg.errors.CompileError, match="no JavaScript is known for zeta"):
        printed(sp.zeta(sp.Symbol("x")), {})


# Bad input -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("words", "message"), [
    (["hubr"], "there is no loss `hubr`; did you mean `huber`?"),
    (["l1"], "L1 is a penalty, and the explorer shows losses; try `lossgen plot`"),
    (["huber", "-o", "page.png"], "the page is HTML: write a name that ends in .html, not page.png"),
    (["huber", "-o", "{folder}/file/page.html"],
     "{folder}/file/page.html cannot be written: there is no folder {folder}/file"),
    (["huber", "-o", "{folder}/no/page.html"],
     "{folder}/no/page.html cannot be written: there is no folder {folder}/no"),
    (["huber", "delta=2"], "`delta=2`: explore takes names of losses only; move `delta` on the page"),
    (["nothing.py"], "there is no file nothing.py"),
])  # fmt: skip
def test_bad_input_is_one_line(words, message, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["explore", *(word.format(folder=tmp_path) for word in words)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"lossgen: {message.format(folder=tmp_path)}") and said.count("\n") == 1


def test_without_plotly(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(pages, "find_spec", lambda name: None)
    assert main(["explore", "huber", "-o", str(tmp_path / "page.html")]) == 2
    said = capsys.readouterr().err
    assert said == "lossgen: the explorer needs plotly and latex2mathml: pip install 'lossgen[explore]'\n"
    assert list(tmp_path.iterdir()) == []


def test_no_folder_is_made(tmp_path):
    with pytest.raises(lg.errors.FileError, match="there is no folder"):
        lg.explore(CATALOGUE["huber"], path=tmp_path / "no" / "page.html")
    with pytest.raises(lg.errors.FileError, match=r"write a name that ends in \.html, not .*/z"):
        lg.explore(CATALOGUE["huber"], path=tmp_path / "z")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [1, "huber", None, int])
def test_what_is_no_loss(wrong):
    with pytest.raises(lg.ParameterError, match="a loss, its class or declaration is expected, not "):
        lg.explore(wrong)


def test_a_loss_named_twice_is_shown_once(tmp_path, monkeypatch, capsys):
    (tmp_path / "f.py").write_text("import lossgen as lg\nmine = lg.declare('Mine', lg.Mean(lg.y_pred**2))\n")
    monkeypatch.chdir(tmp_path)
    for names in (["f.py:mine", "f.py:mine"], ["f.py", "f.py:mine"], ["huber", "Huber"]):
        assert main(["explore", *names, "-o", "page.html"]) == 0
        assert len(re.findall('"className"', (tmp_path / "page.html").read_text("utf-8"))) == 1


def test_two_losses_of_one_name():
    with pytest.raises(lg.ParameterError, match="two losses are called `huber`"):
        lg.explore(CATALOGUE["huber"], CATALOGUE["log_cosh"].renamed("huber"))


def test_a_loss_without_a_view():
    crossed = lg.declare("Crossed", lg.Sum(lg.y_pred**2), scope=-1) + lg.declare(
        "Others", lg.Sum(lg.y_pred), scope=-2
    )
    with pytest.raises(lg.NoViewError, match="its terms run over different axes"):
        shown(crossed)


def test_classes_are_explored_too(tmp_path, capsys):
    path = lg.explore(lg.losses.Huber, lg.losses.MeanSquaredError(), path=tmp_path / "page.html")
    assert "Loss explorer: 2 losses" in path.read_text("utf-8")
    assert main(["explore", "mse", "-o", str(path)]) == 0
    assert capsys.readouterr().out == f"wrote {path}\n"
    assert "Loss explorer: MeanSquaredError" in path.read_text("utf-8")
