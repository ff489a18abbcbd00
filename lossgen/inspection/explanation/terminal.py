"""The explanation in a terminal: the text's sections, with colours and tables, through rich."""

from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from lossgen.inspection.evidence.finding import Finding

from .content import BEST, KERNEL_HEADS, KERNEL_NOTE, Content, Formula, Term

HOW = {"proved": "green", "sampled": "yellow", "known": "cyan", "not decided": "dim"}


def sections(content: Content) -> Iterator[RenderableType]:
    """One renderable a section."""
    yield _head(content)
    several = len(content.terms) > 1
    for number, term in enumerate(content.terms, start=1):
        yield _title(f"Term {number} of {len(content.terms)}, over {term.scope}" if several else "Formulas")
        yield _formulas(content, term, is_last=number == len(content.terms))
    yield _title("Symbols")
    yield _symbols(content)
    yield _title("Properties")
    yield _properties(content)
    for number, term in enumerate(content.terms, start=1):
        of = f" of term {number}" if several else ""
        yield _title(f"Ladder{of}")
        yield _ladder(term)
        if term.rewrites:
            yield _title(f"Rewrites{of}")
            yield _rewrites(term, content.trace)
        yield _title(f"Kernels{of}")
        yield _kernels(term)


def _head(content: Content) -> Group:
    lines: list[RenderableType] = [Text(content.title, style="bold")]
    if content.summary:
        lines.append(Text(content.summary))
    if content.reference:
        lines.append(Text(f"Reference: {content.reference}", style="dim"))
    return Group(*lines)


def _title(words: str) -> Padding:
    return Padding(Rule(Text(words, style="bold cyan"), align="left", style="dim"), (1, 0, 0, 0))


def _grid(columns: int) -> Table:
    """A table without lines, indented as the text is."""
    table = Table.grid(padding=(0, 2))
    for _ in range(columns):
        table.add_column()
    return table


def _indented(table: RenderableType) -> Padding:
    return Padding(table, (0, 0, 0, 2))


def _written(formula: Formula) -> Text:
    """A formula with its left-hand side in bold."""
    return Text.assemble((f"{formula.symbol} = ", "bold"), formula.text)


def _formulas(content: Content, term: Term, is_last: bool) -> Padding:
    table = _grid(2)
    for each in term.definitions:
        table.add_row("", _written(each))
    for name, each in term.formulas.items():
        table.add_row(Text(name, style="dim"), _written(each))
    constant = content.constant
    if constant is not None and is_last:
        if constant.formula is None:
            says = Text.assemble((f"{BEST} ", "bold"), f"{constant.how}: {constant.where}")
        else:
            says = _written(constant.formula)
            says.append(f", {constant.where}" if constant.where else "", style="dim")
        table.add_row(Text("constant", style="dim"), says)
    return _indented(table)


def _symbols(content: Content) -> Padding:
    table = _grid(3)
    for each in content.symbols:
        table.add_row(Text(each.symbol, style="bold"), Text(each.meaning), Text(each.values, style="dim"))
    return _indented(table)


def _properties(content: Content) -> Padding:
    table = _grid(2)
    for each in content.findings:
        table.add_row(Text(each.property, style="bold"), _says(each))
    for name, says in content.facts:
        table.add_row(Text(name), Text(says))
    return _indented(table)


def _says(finding: Finding) -> Text:
    text = Text.assemble((finding.verdict, "bold"), " ", (finding.how, HOW[finding.how]))
    return text.append(f"  {finding.detail}", style="dim") if finding.detail else text


def _ladder(term: Term) -> Padding:
    table = _grid(3)
    outputs = [rung.output for rung in term.ladder]
    for number, rung in enumerate(term.ladder):
        if rung.output != "loss" and (number == 0 or outputs[number - 1] == "loss"):
            table.add_row("loss", _written(term.head), "")
        starts = number == 0 or outputs[number - 1] != rung.output
        needs = f"needs {', '.join(rung.needs)}" if rung.needs else ""
        name = rung.output if starts and rung.output != "loss" else ""
        table.add_row(Text(name, style="dim"), _written(rung.formula), Text(needs, style="dim"))
    if "loss" in outputs and outputs[-1] == "loss":
        table.add_row(Text("loss", style="dim"), _written(term.head), "")
    return _indented(table)


def _rewrites(term: Term, trace: bool) -> Padding:
    lines: list[RenderableType] = []
    for rewrite in term.rewrites:
        times = f"  {rewrite.count} times" if rewrite.count > 1 else ""
        same = "" if rewrite.steps else "  reads the same"
        lines.append(Text.assemble((rewrite.rule, "bold"), (times + same, "dim")))
        for step in rewrite.shown(trace):
            change = Text.assemble((str(step.before), "red"), "  →  ", (str(step.after), "green"))
            lines.append(Padding(change, (0, 0, 0, 4)))
    return _indented(Group(*lines))


def _kernels(term: Term) -> Padding:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    first, *others = KERNEL_HEADS
    table.add_column(first)
    for head in others:
        table.add_column(head, justify="right")
    for each in term.kernels:
        table.add_row(*each.cells)
    return _indented(Group(table, Text(KERNEL_NOTE, style="dim")))
