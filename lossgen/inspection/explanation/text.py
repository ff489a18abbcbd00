"""The explanation as plain text: what `print` shows, and what stands in files."""

from collections.abc import Iterator
from textwrap import wrap

from .content import BEST, Content, Formula, Rewrite, Term

WIDTH = 100
INDENT = " " * 4
NAMES = {"loss": "loss      ", "gradient": "gradient  ", "Hessian": "Hessian   ", "constant": "constant  "}


def text(content: Content, width: int = WIDTH) -> str:
    """All sections, one below the other.

    Args:
        width: characters of the longest line; a formula that is longer goes on in the next.
    """
    several = len(content.terms) > 1
    sections: list[Iterator[str]] = [_head(content, width)]
    for number, term in enumerate(content.terms, start=1):
        title = f"Term {number} of {len(content.terms)}, over {term.scope}" if several else "Formulas"
        sections.append(_formulas(title, term, None if several else content, width))
    if several and content.constant is not None:
        sections.append(_constant_alone(content, width))
    sections.append(_symbols(content))
    sections.append(_properties(content, width))
    for number, term in enumerate(content.terms, start=1):
        of = f" of term {number}" if several else ""
        sections.append(_ladder(f"Ladder{of}", term, width))
    for number, term in enumerate(content.terms, start=1):
        of = f" of term {number}" if several else ""
        if term.rewrites:
            sections.append(_rewrites(f"Rewrites{of}", term.rewrites, content.trace, width))
    for number, term in enumerate(content.terms, start=1):
        sections.append(_kernels(f"Kernels of term {number}" if several else "Kernels", term))
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _head(content: Content, width: int) -> Iterator[str]:
    yield content.title
    if content.summary:
        yield from wrap(content.summary, width)
    if content.reference:
        yield from wrap(f"Reference: {content.reference}", width)


def _formulas(title: str, term: Term, content: Content | None, width: int) -> Iterator[str]:
    yield title + "\n"
    for each in term.definitions:
        yield from _equation(" " * 10, each, width)
    for name, each in term.formulas.items():
        yield from _equation(NAMES[name], each, width)
    if content is not None and content.constant is not None:
        yield from _constant(content, width)


def _constant_alone(content: Content, width: int) -> Iterator[str]:
    yield "Optimal constant\n"
    yield from _constant(content, width)


def _constant(content: Content, width: int) -> Iterator[str]:
    constant = content.constant
    assert constant is not None, "a penalty has none, and no such section"
    if constant.formula is None:
        yield from _wrapped(f"{NAMES['constant']}{BEST}  {constant.how}: {constant.where}", width, 14)
        return
    written = f"{NAMES['constant']}{constant.formula}"
    yield from _wrapped(f"{written}, {constant.where}" if constant.where else written, width, 14)


def _equation(name: str, formula: Formula, width: int) -> Iterator[str]:
    yield from _wrapped(f"{name}{formula}", width, 14)


def _wrapped(line: str, width: int, hang: int) -> list[str]:
    return wrap(
        line,
        width,
        initial_indent=INDENT,
        subsequent_indent=INDENT + " " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _symbols(content: Content) -> Iterator[str]:
    yield "Symbols\n"
    width = 2 + max(len(each.symbol) for each in content.symbols)
    for each in content.symbols:
        says = ": ".join(part for part in (each.meaning, each.values) if part)
        yield f"{INDENT}{each.symbol:{width}}{says}"


def _properties(content: Content, width: int) -> Iterator[str]:
    yield "Properties\n"
    names = [each.property for each in content.findings] + [name for name, _ in content.facts]
    column = 2 + max(map(len, names))
    for each in content.findings:
        says = f"{each.verdict} ({each.how})" + (f": {each.detail}" if each.detail else "")
        yield from _wrapped(f"{each.property:{column}}{says}", width, column)
    for name, says in content.facts:
        yield from _wrapped(f"{name:{column}}{says}", width, column)


def _ladder(title: str, term: Term, width: int) -> Iterator[str]:
    yield title + "\n"
    output = "loss"
    for rung in term.ladder:
        if rung.output != output:
            if output == "loss":
                yield from _equation("", term.head, width)
            output = rung.output
            yield f"{INDENT}for the {output}:"
        needs = f"   (needs {', '.join(rung.needs)})" if rung.needs else ""
        yield from _wrapped(f"{rung.formula}{needs}", width, 5)
    if output == "loss":
        yield from _equation("", term.head, width)


def _rewrites(title: str, rewrites: tuple[Rewrite, ...], trace: bool, width: int) -> Iterator[str]:
    """Every rule with its first step, or with all of them."""
    yield title + "\n"
    for rewrite in rewrites:
        times = f"  ({rewrite.count} times)" if rewrite.count > 1 else ""
        yield f"{INDENT}{rewrite.rule}{times}" + ("" if rewrite.steps else ": reads the same")
        for step in rewrite.shown(trace):
            yield from wrap(
                f"{step.before}  →  {step.after}",
                width,
                initial_indent=INDENT * 2,
                subsequent_indent=INDENT * 3,
                break_long_words=False,
            )


def _kernels(title: str, term: Term) -> Iterator[str]:
    heads = ("passes", "operations a column", "before sharing", "bytes a column")
    yield f"{title:30}" + f"{heads[0]:>8}{heads[1]:>22}{heads[2]:>16}{heads[3]:>16}"
    for each in term.kernels:
        yield (
            f"{INDENT}{each.name:26}{each.passes:8}{each.operations:22}{each.before_sharing:16}{each.bytes:16}"
        )
