"""One explanation, five renderings: the same content in each, for losses, penalties and sums of terms."""

import json
import sys

import pytest
from rich.console import Console

import lossgen as lg
from lossgen.catalog import DECLARATIONS, PENALTIES
from lossgen.cli.main import main
from lossgen.errors import MissingLibraryError
from lossgen.inspection.mathematics import mathml

NAMED = {each.name: each for each in (*DECLARATIONS, *PENALTIES)}
BOTH = (0.5 * NAMED["mean_squared_error"] + 0.5 * NAMED["dice"]).renamed("Both")
SHOWN = [NAMED["huber"], NAMED["sparse_categorical_crossentropy"], NAMED["l1_l2"], BOTH]


@pytest.mark.parametrize("declaration", SHOWN, ids=lambda each: each.name)
def test_five_renderings_show_one_content(declaration):
    explanation = declaration.explain()
    data = json.loads(explanation.json())
    console = Console(record=True, width=400, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(explanation)
    terminal, text, page, document = (
        console.export_text(), explanation.text(10_000), explanation.html(), explanation.latex(),
    )  # fmt: skip
    assert data["version"] == 1 and len(data["terms"]) == len(explanation.content.terms)
    for term in data["terms"]:
        for which in ("loss", "gradient", "hessian"):
            assert term[which]["text"] in text and term[which]["text"] in terminal
            assert term[which]["latex"] in document
        assert all(kernel["name"] in page and kernel["name"] in document for kernel in term["kernels"])
        assert term["ladder"] and term["head"]["symbol"] == "L"
    for finding in data["properties"]:
        assert finding["detail"] in text and finding["detail"] in terminal
        assert finding["property"] in page and finding["property"] in document
    assert page.count("<math") >= 6 and str(explanation) == explanation.text(100)


def test_bytes_and_constants_of_losses_that_are_known():
    kernels = {each.output: each for each in NAMED["mean_squared_error"].explain().content.terms[0].kernels}
    moved = {name: (each.bytes_read, each.bytes_written) for name, each in kernels.items()}
    assert moved["value"] == (8, 0) and moved["value_and_gradient"] == (8, 4)
    crossentropy = NAMED["sparse_categorical_crossentropy"].explain(from_logits=True).content.terms[0]
    assert next(each for each in crossentropy.kernels if each.output == "value").bytes_read >= 4
    expected = {
        "mean_squared_error": "m", "mean_absolute_error": "median(y)", "quantile": "Q(quantile)",
        "poisson_nll": "log(m)", "mean_squared_logarithmic_error": "exp(m) − 1", "huber": None,
    }  # fmt: skip
    for name, constant in expected.items():
        formula = NAMED[name].explain().content.constant.formula
        assert (formula.text if formula else None) == constant


def test_without_the_library_formulas_are_left_to_the_notebook(monkeypatch):
    monkeypatch.setitem(sys.modules, "latex2mathml.converter", None)
    mathml.cache_clear()
    assert "$$" in NAMED["huber"].explain().html()
    with pytest.raises(MissingLibraryError, match=r"lossgen\[notebook\]"):
        mathml("p")


def test_words_of_a_person_are_escaped():
    odd = lg.declare("Odd", "mean(p**2)", documentation="<b>&\\x_y%")
    explanation = odd.explain()
    assert "<b>&" not in explanation.html() and r"\_" in explanation.latex()
    assert json.loads(explanation.json())["summary"] == "<b>&\\x_y%"


def test_the_command_shows_every_form(capsys):
    for form, begins in (("--json", "{"), ("--html", "<div"), ("--latex", "\\section*")):
        assert main(["show", "mse", form]) == 0
        assert capsys.readouterr().out.startswith(begins)
    assert main(["show", "huberr", "--json"]) != 0
    assert "did you mean `huber`" in capsys.readouterr().err
