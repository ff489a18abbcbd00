"""What the page of a loss says: from the compiler, the generated modules and recorded measurements."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lossgen import losses, penalties
from lossgen.catalog import DECLARATIONS, PENALTIES
from lossgen.cli.list_command import group
from lossgen.compiler.driver import derive
from lossgen.compiler.module import variant_names
from lossgen.compiler.properties import properties_of
from lossgen.inspection import properties
from lossgen.inspection.explain import columns, domain_text
from lossgen.inspection.formulas import SYMBOLS, formulas_of
from lossgen.language.declaration import Declaration
from lossgen.language.penalty import PenaltyDeclaration
from lossgen.language.printing import latex
from lossgen.language.symbols import y_pred

from .measured import Table, accuracy, speed
from .snippets import Snippet, snippets

GENERATED = Path(__file__).parents[3] / "generated"


@dataclass(frozen=True)
class Variant:
    """What holds for one choice of the options: formulas as LaTeX, domains, properties, generated module."""

    title: str
    definitions: tuple[str, ...]
    value: str
    gradient: str
    hessian: str
    symbols: tuple[tuple[str, str], ...]
    properties: tuple[tuple[str, str], ...]
    module: str
    code: str


@dataclass(frozen=True)
class Page:
    """Everything on the page of one loss."""

    declaration: Declaration
    summary: str
    remarks: str
    signature: str
    variants: tuple[Variant, ...]
    snippets: tuple[Snippet, ...]
    accuracy: Table | None
    speed: Table | None

    @property
    def name(self) -> str:
        return self.declaration.name

    @property
    def title(self) -> str:
        return self.declaration.class_name

    @property
    def group(self) -> str:
        return group(self.declaration)

    @property
    def is_penalty(self) -> bool:
        return isinstance(self.declaration, PenaltyDeclaration)

    @property
    def home(self) -> str:
        return "lossgen.penalties" if self.is_penalty else "lossgen.losses"


def catalogue() -> tuple[Page, ...]:
    """A page for every loss and penalty that ships, in the order of the catalogue."""
    return tuple(map(page_of, (*DECLARATIONS, *PENALTIES)))


def groups(pages: tuple[Page, ...]) -> dict[str, list[Page]]:
    """Pages by the module of the catalogue that declares them."""
    found: dict[str, list[Page]] = {}
    for page in pages:
        found.setdefault(page.group, []).append(page)
    return found


def page_of(declaration: Declaration) -> Page:
    summary, _, remarks = declaration.documentation.strip().partition("\n\n")
    home = penalties if isinstance(declaration, PenaltyDeclaration) else losses
    made = getattr(home, declaration.class_name)
    return Page(
        declaration,
        summary=" ".join(summary.split()),
        remarks=" ".join(remarks.split()),
        signature=f"{declaration.class_name}{_signature(made)}",
        variants=tuple(_variants(declaration)),
        snippets=snippets(declaration, made),
        accuracy=accuracy(declaration.class_name),
        speed=speed(declaration.name),
    )


def _signature(made: type) -> str:
    from inspect import signature

    return str(signature(made)).partition(" -> ")[0]


def _variants(declaration: Declaration) -> Iterator[Variant]:
    choices = declaration.variants()
    names = variant_names(choices) if len(choices) > 1 else [""]
    for options, name in zip(choices, names, strict=True):
        derived = derive(declaration, options)
        (formulas,) = formulas_of(declaration, **options)
        module = f"{'penalties/' if isinstance(declaration, PenaltyDeclaration) else ''}{declaration.name}"
        module += f"/{name}.py" if name else ".py"
        symbol = str(declaration.as_read(y_pred))
        left = {which: text.replace("INPUT", symbol) for which, text in SYMBOLS.items()}
        known = ()
        if not isinstance(declaration, PenaltyDeclaration):
            lines = properties.lines(properties_of(declaration, options, derived), derived)
            known = tuple((line[:16].strip(), line[16:].strip()) for line in lines)
        yield Variant(
            title=", ".join(f"{key}={value}" for key, value in options.items()) or "formulas",
            definitions=tuple(f"{latex(symbol)} = {latex(part)}" for symbol, part in formulas.definitions),
            value=f"{left['value']} = {latex(formulas.value)}",
            gradient=f"{left['gradient']} = {latex(formulas.gradient)}",
            hessian=f"{left['hessian']} = {latex(formulas.hessian)}",
            symbols=tuple(_symbols(declaration, options, derived)),
            properties=known,
            module=f"generated/{module}",
            code=(GENERATED / module).read_text("utf-8").rstrip(),
        )


def _symbols(declaration: Declaration, options: dict, derived) -> Iterator[tuple[str, str]]:
    domain = declaration.domain_of(options)
    prediction = domain_text(domain.get("prediction", "real"))
    if isinstance(declaration, PenaltyDeclaration):
        yield "$x$", f"{declaration.preparation or 'input'} at a column: {prediction}"
    else:
        target = "an integer label a row" if derived[0].labels else domain_text(domain.get("target", "real"))
        yield "$y$", f"target: {target}"
        yield "$p$", f"prediction: {prediction}"
    for each in declaration.extra_inputs:
        yield f"${latex(each)}$", f"`{each.name}`: {domain_text(domain.get(each.name))}"
    for name, parameter in declaration.parameters.items():
        meaning = f"`{name}`: {parameter.expected()}; {parameter.default:g} if not said"
        yield f"${latex(declaration.symbols()[name])}$", meaning
    yield "$C$", f"number of columns, {columns(derived[0].scope)}"
