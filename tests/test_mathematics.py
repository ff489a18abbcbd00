"""Formulas as MathML: every formula of the catalogue becomes a page's mathematics, names and signs whole."""

import re
from xml.etree import ElementTree

import pytest

from lossgen.catalog import DECLARATIONS, PENALTIES
from lossgen.inspection import mathematics
from lossgen.inspection.formulas import WHICH, latex
from lossgen.inspection.mathematics import mathml

SPACE = '<mspace width="0.1667em" />'


@pytest.mark.parametrize("declaration", (*DECLARATIONS, *PENALTIES), ids=lambda each: each.name)
def test_formulas_of_the_catalogue(declaration):
    for which in WHICH:
        source = latex(declaration, which)
        page = mathml(source)
        root = ElementTree.fromstring(page)
        words = ["".join(each.itertext()) for each in root.iter() if len(each) == 0]
        assert not any(sign in word for word in words for sign in "\\{}&^" if word != "{"), page
        assert "normal" not in page, "letters of a name that were not joined"
        names = {name.replace(r"\_", "_") for name in re.findall(r"\\mathrm{([^}]+)}", source)}
        assert names <= set(words)
        assert page.count("<mfrac>") == source.count(r"\frac"), page
        assert page.count("<mtable>") == source.count(r"\begin{cases}"), page


def body(source: str) -> str:
    """What is inside of `<math>` and its row."""
    return re.fullmatch(r"<math[^>]*><mrow>(.*)</mrow></math>", mathml(source)).group(1)


def test_names_are_whole_and_stand_apart():
    assert body(r"y \mathrm{label\_smoothing}") == f"<mi>y</mi>{SPACE}<mrow><mi>label_smoothing</mi></mrow>"
    assert body(r"2 \log\left(p\right)").startswith(f"<mn>2</mn>{SPACE}<mi>log</mi><mrow>")
    assert body(r"\operatorname{clip}\left(p\right)").startswith("<mi>clip</mi><mrow><mo")


def test_signs_and_differences():
    assert '<mo form="prefix">\u2212</mo><mi>p</mi>' in body(r"\sigma\left(-p\right)")
    assert '<mi>p</mi><mo form="infix">\u2212</mo><mi>y</mi>' in body("p - y")


def test_cases_are_aligned_and_comparisons_escaped():
    page = mathml(r"\begin{cases} 1 & \text{for}\: p < 1 \\ 0 & \text{otherwise} \end{cases}")
    assert page.count("text-align: left") == 4
    assert "&lt;" in page


def test_inline_and_block():
    assert 'display="inline"' in mathml("p", inline=True)
    assert 'display="block"' in mathml("p")


def test_is_available():
    assert mathematics.is_available()


def test_a_product_of_names_is_not_one_name():
    page = body(r"\mathrm{slope}\, \mathrm{scale\_b}^{2}\, p")
    assert re.sub("<[^>]*mspace[^>]*>", " ", page).count(" ") == 2
    words = re.sub("<mspace[^>]*>", " ", page)
    assert re.sub("<[^>]*>", "", words) == "slope scale_b2 p"
