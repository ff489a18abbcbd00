"""The explanation as a part of a page: what a notebook shows. Formulas are MathML, or `$$…$$` for MathJax.

Colours are those of the page around it: nothing has a background of its own, so that dark pages stay dark.
"""

from collections.abc import Iterable, Iterator
from html import escape

from lossgen.inspection.mathematics import is_available, mathml

from .content import KERNEL_HEADS, KERNEL_NOTE, Content, Formula, Rung, Term

STYLE = """
.lossgen-explanation { line-height: 1.5; max-width: 70em; }
.lossgen-explanation h3 { margin: 0 0 .2em; font-family: monospace; font-size: 1.15em; }
.lossgen-explanation h4
  { margin: 1.2em 0 .3em; font-size: 1em; border-bottom: 1px solid rgba(128,128,128,.4); }
.lossgen-explanation p { margin: .2em 0; }
.lossgen-explanation table { border-collapse: collapse; margin: 0; }
.lossgen-explanation td, .lossgen-explanation th
  { text-align: left; padding: .15em 1.2em .15em 0; border: 0; background: none; vertical-align: baseline; }
.lossgen-explanation td.number, .lossgen-explanation th.number { text-align: right; }
.lossgen-explanation tr { background: none !important; }
.lossgen-explanation .quiet, .lossgen-explanation th { opacity: .7; font-weight: normal; }
.lossgen-explanation .formula { overflow-x: auto; padding: .1em 0; }
.lossgen-explanation .scroll { overflow-x: auto; }
.lossgen-explanation math
  { font-family: "Latin Modern Math", "STIX Two Math", "Cambria Math", "DejaVu Math TeX Gyre", math; }
.lossgen-explanation td math { display: inline math; }
.lossgen-explanation .how
  { border: 1px solid currentColor; border-radius: .6em; padding: 0 .5em; font-size: .8em; }
.lossgen-explanation .proved { color: #1a7f37; } .lossgen-explanation .sampled { color: #9a6700; }
.lossgen-explanation .known { color: #0969da; } .lossgen-explanation .undecided { opacity: .7; }
@media (prefers-color-scheme: dark) {
  .lossgen-explanation .proved { color: #3fb950; } .lossgen-explanation .sampled { color: #d29922; }
  .lossgen-explanation .known { color: #58a6ff; }
}
""".strip()


def html(content: Content) -> str:
    """One `<div>` with its style."""
    return "\n".join(
        [f'<div class="lossgen-explanation"><style>{STYLE}</style>', *_sections(content), "</div>"]
    )


def typeset(formula: Formula, inline: bool = False) -> str:
    """A formula with its left-hand side as MathML, or as LaTeX for the page's own typesetting."""
    if is_available():
        return mathml(formula.equation, inline)
    mark = "$" if inline else "$$"
    return mark + escape(formula.equation) + mark


def _sections(content: Content) -> Iterator[str]:
    yield f"<h3>{escape(content.title)}</h3>"
    if content.summary:
        yield f"<p>{escape(content.summary)}</p>"
    if content.reference:
        yield f'<p class="quiet">Reference: {escape(content.reference)}</p>'
    several = len(content.terms) > 1
    for number, term in enumerate(content.terms, start=1):
        yield _heading(f"Term {number} of {len(content.terms)}, over {term.scope}" if several else "Formulas")
        yield _formulas(term)
    yield from _constant(content)
    yield _heading("Symbols")
    symbols = (
        (_inline(Formula("", each.symbol, each.latex)), escape(each.meaning), escape(each.values))
        for each in content.symbols
    )
    yield _table(symbols)
    yield _heading("Properties")
    yield _properties(content)
    for number, term in enumerate(content.terms, start=1):
        of = f" of term {number}" if several else ""
        yield _heading(f"Ladder{of}")
        yield _ladder(term)
        yield from _rewrites(f"Rewrites{of}", term)
        yield _heading(f"Kernels{of}")
        yield _kernels(term)


def _heading(words: str) -> str:
    return f"<h4>{escape(words)}</h4>"


def _inline(formula: Formula) -> str:
    return typeset(formula, inline=True)


def _table(rows: Iterable[Iterable[str]]) -> str:
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table>{body}</table></div>'


def _quiet(words: str) -> str:
    return f'<span class="quiet">{escape(words)}</span>' if words else ""


def _formulas(term: Term) -> str:
    rows = [("", typeset(each)) for each in term.definitions]
    rows += [(_quiet(name), typeset(each)) for name, each in term.formulas.items()]
    return _table(rows)


def _constant(content: Content) -> Iterator[str]:
    constant = content.constant
    if constant is None:
        return
    yield _heading("Optimal constant")
    if constant.formula is None:
        yield f"<p>{escape(constant.how)}: {escape(constant.where)}</p>"
    else:
        yield f"<p>{_inline(constant.formula)} &ensp;{_quiet(constant.where)}</p>"


def _properties(content: Content) -> str:
    rows = []
    for each in content.findings:
        kind = each.how.split()[-1] if each.how != "not decided" else "undecided"
        how = f'<span class="how {kind}">{escape(each.how)}</span>'
        rows.append((escape(each.property), f"<b>{escape(each.verdict)}</b>", how, escape(each.detail)))
    facts = [(escape(name), escape(says)) for name, says in content.facts]
    return _table(rows) + (_heading("For boosting") + _table(facts) if facts else "")


def _ladder(term: Term) -> str:
    def row(name: str, rung: Rung) -> tuple[str, str, str]:
        needs = f"needs {', '.join(rung.needs)}" if rung.needs else ""
        return _quiet(name), typeset(rung.formula), _quiet(needs)

    rows = [row("", rung) for rung in term.ladder if rung.output == "loss"]
    rows.append((_quiet("loss"), typeset(term.head), ""))
    before = "loss"
    for rung in term.ladder:
        if rung.output != "loss":
            rows.append(row("" if rung.output == before else rung.output, rung))
            before = rung.output
    return _table(rows)


def _rewrites(title: str, term: Term) -> Iterator[str]:
    """Every step, behind a click."""
    if not term.rewrites:
        return
    yield _heading(title)
    for rewrite in term.rewrites:
        times = f", {rewrite.count} times" if rewrite.count > 1 else ""
        if not rewrite.steps:
            yield f"<p>{escape(rewrite.rule)}{times}{_quiet(': reads the same')}</p>"
            continue
        steps = "".join(
            f'<div class="formula">{_inline(step.before)} &ensp;→&ensp; {_inline(step.after)}</div>'
            for step in rewrite.steps
        )
        yield f"<details><summary>{escape(rewrite.rule)}{times}</summary>{steps}</details>"


def _kernels(term: Term) -> str:
    first, *others = KERNEL_HEADS
    head = f"<th>{first}</th>" + "".join(f'<th class="number">{each}</th>' for each in others)
    body = ""
    for each in term.kernels:
        name, *numbers = each.cells
        cells = "".join(f'<td class="number">{number}</td>' for number in numbers)
        body += f"<tr><td>{escape(name)}</td>{cells}</tr>"
    note = f'<p class="quiet">{KERNEL_NOTE}</p>'
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>{note}'
