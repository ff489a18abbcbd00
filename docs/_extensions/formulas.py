"""LaTeX formulas become MathML, which browsers set by themselves: no JavaScript, no fonts, no network."""

from docutils import nodes
from latex2mathml.converter import convert as mathml
from sphinx.application import Sphinx


def inline(translator, node: nodes.math) -> None:
    translator.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def block(translator, node: nodes.math_block) -> None:
    formula = mathml(node.astext()).replace('display="inline"', 'display="block"')
    translator.body.append(f'<div class="formula" tabindex="0">{formula}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("formulas", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
