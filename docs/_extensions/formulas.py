"""LaTeX formulas become MathML, which browsers set by themselves: no JavaScript, no fonts, no network."""

from docutils import nodes
from sphinx.application import Sphinx

from lossgen.inspection.mathematics import mathml


def inline(translator, node: nodes.math) -> None:
    translator.body.append(mathml(node.astext(), inline=True))
    raise nodes.SkipNode


def block(translator, node: nodes.math_block) -> None:
    translator.body.append(f'<div class="formula" tabindex="0">{mathml(node.astext())}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("formulas", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
