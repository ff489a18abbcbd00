"""Everything that the compiler found out about a declaration, as text for a terminal."""

from collections import Counter
from collections.abc import Iterator
from textwrap import wrap

from lossgen.compiler.counts import operations, passes
from lossgen.compiler.driver import Derived, derive
from lossgen.compiler.properties import properties_of
from lossgen.errors import visible
from lossgen.inspection import properties
from lossgen.inspection.formulas import checked, term_formulas
from lossgen.language.declaration import Declaration
from lossgen.language.penalty import PenaltyDeclaration
from lossgen.language.printing import symbol_text, text

WIDTH = 100
KERNELS = {
    "value": "loss",
    "value_and_gradient": "loss and gradient",
    "gradient_and_hessian": "gradient and Hessian",
    "hessian_vector_product": "Hessian-vector product",
    "gradient_and_fisher": "gradient, expected Hessian",
    "gradient_and_upper_bound": "gradient, upper bound",
}


def explain(declaration: Declaration, *, trace: bool = False, **options) -> str:
    """Formula and derivatives in textbook form, properties, rewrites, passes and operation counts.

    Args:
        declaration: the loss.
        trace: show every rewrite with the sub-expression before and after, not only which rules were used.
        options: values of the declaration's options; the others have their defaults.

    Raises:
        ParameterError: an option is unknown or has none of its choices.
    """
    chosen = checked(declaration, options)
    derived = derive(declaration, chosen)
    paragraphs = [_title(declaration, chosen)]
    paragraphs += [
        _formulas(declaration, term, number, len(derived)) for number, term in enumerate(derived, start=1)
    ]
    paragraphs += [_symbols(declaration, chosen, derived)]
    if not isinstance(declaration, PenaltyDeclaration):
        known = properties_of(declaration, chosen, derived)
        paragraphs += [["Properties\n", *properties.lines(known, derived)]]
    paragraphs += [_rewrites(declaration, term, trace) for term in derived if term.trace]
    paragraphs += [_kernels(term) for term in derived]
    return "\n\n".join("\n".join(lines) for lines in paragraphs) + "\n"


def _title(declaration: Declaration, options: dict) -> Iterator[str]:
    defaults = {**declaration.parameters, **declaration.options}
    values = {**{name: each.default for name, each in defaults.items()}, **options}
    arguments = ", ".join(f"{name}={_value(values[name])}" for name in declaration.own_arguments)
    yield f"{declaration.class_name}({arguments})"
    if declaration.documentation:
        yield from wrap(visible(declaration.documentation.strip().split("\n\n")[0]), WIDTH)
    if declaration.reference:
        yield from wrap(visible(f"Reference: {declaration.reference}"), WIDTH)


def _formulas(declaration: Declaration, term: Derived, number: int, count: int) -> Iterator[str]:
    yield f"Term {number} of {count}, over {columns(term.scope)}\n" if count > 1 else "Formulas\n"
    yield from (f"    {line}" for line in term_formulas(term).read_by(declaration).lines(WIDTH - 4))


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _symbols(declaration: Declaration, options: dict, derived: tuple[Derived, ...]) -> Iterator[str]:
    domain = declaration.domain_of(options)
    labels = ", an integer label a row" if derived[0].labels else ""
    data = [("y", f"target{labels}", domain.get("target"))]
    data += [("p", "prediction at a column", domain.get("prediction"))]
    if isinstance(declaration, PenaltyDeclaration):
        data = [("x", f"{declaration.preparation or 'input'} at a column", domain.get("prediction"))]
    rows = [
        *data,
        *((symbol_text(each.name), each.name, domain.get(each.name)) for each in declaration.extra_inputs),
        *((symbol_text(name), name, each.expected()) for name, each in declaration.parameters.items()),
        ("C", f"number of columns, {columns(derived[0].scope)}", None),
    ]
    yield "Symbols\n"
    width = 2 + max(len(symbol) for symbol, _, _ in rows)
    for symbol, meaning, values in rows:
        meaning = "" if meaning == symbol else meaning
        yield f"    {symbol:{width}}" + ": ".join(part for part in (meaning, domain_text(values)) if part)


def domain_text(domain: object) -> str:
    """A domain in words: a name as it is, an interval with its ends."""
    if isinstance(domain, tuple):
        low, high = ("∞" if end is None else f"{float(end):g}" for end in domain)
        return f"from {'−∞' if domain[0] is None else low} to {high}"
    return str(domain or "")


def columns(scope: object) -> str:
    """The columns of a row in words."""
    if scope is None:
        return "all elements of the tensor"
    if scope == -1:
        return "the last axis"
    return f"axis {scope}" if isinstance(scope, int) else f"axes {', '.join(map(str, scope))}"


def _rewrites(declaration: Declaration, term: Derived, trace: bool) -> Iterator[str]:
    """The rules that the stabiliser used, each once with how often, or every step."""
    yield "Rewrites\n"
    if trace:
        for rule, before, after in term.trace:
            before, after = declaration.as_read(before), declaration.as_read(after)
            step = f"{rule}: {text(before)}  →  {text(after)}"
            yield from wrap(step, WIDTH, initial_indent="    ", subsequent_indent=" " * 8)
        return
    for rule, count in Counter(rule for rule, _, _ in term.trace).items():
        yield f"    {rule}" + (f"  ({count} times)" if count > 1 else "")


def _kernels(term: Derived) -> Iterator[str]:
    yield f"{'Kernels':30}{'passes':>8}{'operations a column':>22}{'before sharing':>16}"
    for output, plan in {**term.schedules, **term.further}.items():
        after, before = operations(plan)
        yield f"    {KERNELS[output]:26}{passes(plan):8}{after:22}{before:16}"
