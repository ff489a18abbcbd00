"""Hypothesis strategies for examples, drawn node by node: what fails shrinks to a minimal declaration."""

import re
from functools import cache

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from lossgen.errors import DeclarationError
from lossgen.language.penalty import PenaltyDeclaration

from .example import Example, Part
from .grammar import VALUES, productions

COLUMNS = 3
HOLE = re.compile(r"\{(\w+)\}")
DOMAINS = ("real", "probability", "nonnegative", "positive")
LINKS = ("identity", "log", "logit")


@st.composite
def node(draw, kind: str, depth: int, labels: bool, penalty: bool) -> str:
    """Source of an expression of this kind."""
    template = draw(st.sampled_from(productions(kind, depth, labels=labels, penalty=penalty)))

    def filled(hole: re.Match) -> str:
        return draw(node(hole[1], depth - 1, labels, penalty))

    return HOLE.sub(filled, template)


@st.composite
def part(draw, depth: int, labels: bool, penalty: bool, scope: str, variants: int) -> Part:
    """One decorated function. A formula that might not depend on the prediction, or need a label, does."""
    formulas = []
    for _ in range(variants):
        formula = draw(node("row", depth, labels, penalty))
        if labels and "Gather" not in formula:
            formula = f"{formula} + lg.Gather(y_pred)"
        formulas.append(formula)
    facts = [] if scope == "-1" else [("scope", scope)]
    domains = {}
    for role in ("prediction",) if labels or penalty else ("target", "prediction"):
        if (domain := draw(st.sampled_from(DOMAINS))) != "real":
            domains[role] = domain
    if penalty:
        facts += [("domain", repr(each)) for each in domains.values()]
        return Part(tuple(formulas), tuple(facts), True)
    facts += [("domain", repr(domains))] if domains else []
    link = draw(st.sampled_from(LINKS)) if domains.get("target") and "prediction" not in domains else None
    facts += [("link", repr(link))] if link not in (None, "identity") else []
    return Part(tuple(formulas), tuple(facts))


def value_in(domain: str, number: int) -> float:
    """A number of a domain that is at no kink: whole numbers are 1/7 apart, and off by a little."""
    plain = (number + 0.0371) / 7
    if domain == "probability":
        return (number % 64 + 0.371) / 65
    return plain if domain == "real" else abs(plain)


@st.composite
def examples(draw, depth: int = 3) -> Example:
    """A whole example: mostly one loss of numbers; else of labels, a penalty, options, or two terms."""
    kind = draw(st.sampled_from(("numbers", "numbers", "numbers", "labels", "penalty")))
    labels, penalty = kind == "labels", kind == "penalty"
    shape = draw(st.sampled_from(("one", "one", "one", "one", "option", "choices", "tensor", "sum")))
    variants = {"option": 2, "choices": 3}.get(shape, 1)
    depth = draw(st.integers(1, max(1, depth + 1 - variants)))
    scope = "None" if shape == "tensor" and not labels else "-1"
    parts = [draw(part(depth, labels, penalty, scope, variants))]
    if shape == "sum" and not labels:
        parts.append(draw(part(1, labels, penalty, draw(st.sampled_from(("-1", "None"))), 1)))
    columns = draw(st.sampled_from((COLUMNS, COLUMNS, COLUMNS, 1, 2)))
    arguments = {name: draw(st.sampled_from(values)) for name, values in VALUES.items()}
    domains = [dict(each.facts).get("domain", "") for each in parts]
    target, prediction = domain_of(domains, "target", penalty), domain_of(domains, "prediction", penalty)
    numbers = st.integers(-20, 20)
    width = draw(st.sampled_from((1, 1, 1, 4, 30))) if prediction != "probability" else 1
    rows = draw(st.integers(1, 2))
    predictions = tuple(
        tuple(value_in(prediction, draw(numbers)) * width + 1e-3 * column for column in range(columns))
        for _ in range(rows)
    )  # no two are equal, so that no maximum is attained twice
    if labels:
        targets = tuple(draw(st.integers(0, columns - 1)) for _ in range(rows))
    else:
        targets = tuple(tuple(value_in(target, draw(numbers)) for _ in range(columns)) for _ in range(rows))
    return Example(tuple(parts), arguments, targets, predictions)


def domain_of(facts: list[str], role: str, penalty: bool) -> str:
    """The narrowest of the domains that the parts declare for a role."""
    for domain in ("probability", "positive", "nonnegative"):
        wanted = f"'{domain}'" if penalty else f"'{role}': '{domain}'"
        if any(wanted in text for text in facts):
            return domain
    return "real"


@cache
def declared_examples(count: int, depth: int = 2) -> tuple[Example, ...]:
    """The first so many examples that are losses of one term over the last axis, for other tests."""
    found: dict[str, Example] = {}

    @seed(count)
    @settings(
        max_examples=12 * count,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(examples(depth))
    def collect(example: Example) -> None:
        try:
            declaration = example.case.declaration
        except DeclarationError:
            return
        if declaration.scopes == (-1,) and not isinstance(declaration, PenaltyDeclaration):
            found.setdefault(repr(declaration), example)

    collect()
    return tuple(found.values())[:count]
