"""Declaration → the content of its explanation, from what the compiler derived."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from sympy import Expr
from sympy import Symbol as Letter

from lossgen.compiler.counts import operations, passes, traffic
from lossgen.compiler.driver import Derived, derive
from lossgen.compiler.ladder import DIRECTION, LABEL_HIT, Ladder, Rung, prune
from lossgen.compiler.properties import properties_of
from lossgen.compiler.properties.signs import ranges_of
from lossgen.compiler.textbook import Formulas, reduction, textbook
from lossgen.errors import visible
from lossgen.inspection.evidence.constant import MEAN, Constant, constant_of
from lossgen.inspection.evidence.findings import findings_of
from lossgen.inspection.formulas import checked, term_formulas
from lossgen.inspection.letters import with_complements
from lossgen.language import reductions
from lossgen.language.declaration import Declaration
from lossgen.language.penalty import PenaltyDeclaration
from lossgen.language.printing import latex, symbol_text, text
from lossgen.language.symbols import y_pred, y_true

from . import content
from .facts import facts_of

KERNELS = {
    "value": "loss",
    "value_and_gradient": "loss and gradient",
    "gradient_and_hessian": "gradient and Hessian",
    "hessian_vector_product": "Hessian-vector product",
    "gradient_and_fisher": "gradient, expected Hessian",
    "gradient_and_upper_bound": "gradient, upper bound",
}
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def collect(declaration: Declaration, options: Mapping[str, object], trace: bool) -> content.Content:
    """Everything that an explanation shows.

    Raises:
        ParameterError: an option is unknown or has none of its choices.
    """
    chosen = checked(declaration, dict(options))
    derived = derive(declaration, chosen)
    is_penalty = isinstance(declaration, PenaltyDeclaration)
    known = None if is_penalty else properties_of(declaration, chosen, derived)
    best = None if known is None else constant_of(derived, known, ranges_of(declaration, chosen))
    return content.Content(
        title=_title(declaration, chosen),
        name=declaration.name,
        class_name=declaration.class_name,
        summary=visible(declaration.documentation.strip().split("\n\n")[0]).replace("\n", " "),
        reference=visible(declaration.reference),
        options=chosen,
        terms=tuple(_term(declaration, each) for each in derived),
        constant=None if best is None else _constant(declaration, best),
        symbols=tuple(_symbols(declaration, chosen, derived)),
        findings=findings_of(declaration, chosen, derived, known, best),
        facts=() if known is None else tuple(facts_of(known, derived)),
        trace=trace,
    )


def _title(declaration: Declaration, options: dict) -> str:
    defaults = {**declaration.parameters, **declaration.options}
    values = {**{name: each.default for name, each in defaults.items()}, **options}
    arguments = ", ".join(f"{name}={_value(values[name])}" for name in declaration.own_arguments)
    return f"{declaration.class_name}({arguments})"


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)


def formula(expression: Expr, symbol: str = "", left: str = "") -> content.Formula:
    """The expression in both spellings."""
    return content.Formula(symbol, text(expression), latex(expression), left)


def _term(declaration: Declaration, derived: Derived) -> content.Term:
    forms = term_formulas(derived).read_by(declaration)
    derived = with_complements(derived)
    rungs, head = _ladder(declaration, derived)
    return content.Term(
        scope=columns(derived.scope),
        definitions=tuple(
            formula(part, symbol_text(symbol.name), latex(symbol)) for symbol, part in forms.definitions
        ),
        **_formulas(declaration, forms),
        ladder=rungs,
        head=head,
        rewrites=tuple(_rewrites(declaration, derived)),
        kernels=tuple(_kernels(declaration, derived)),
    )


def _formulas(declaration: Declaration, forms: Formulas) -> dict[str, content.Formula]:
    letter = str(declaration.as_read(y_pred))
    value, gradient, hessian = (free_letter(declaration, each) for each in "Lgh")
    return {
        "value": formula(forms.value, value, "L"),
        "gradient": formula(forms.gradient, gradient, rf"\frac{{\partial L}}{{\partial {letter}}}"),
        "hessian": formula(forms.hessian, hessian, rf"\frac{{\partial^2 L}}{{\partial {letter}^2}}"),
    }


def _constant(declaration: Declaration, best: Constant) -> content.Constant:
    if best.expression is None:
        return content.Constant(None, best.where, best.how)
    letter = free_letter(declaration, MEAN.name)
    written = formula(best.expression.xreplace({MEAN: Letter(letter, real=True)}), content.BEST, "p_{0}")
    return content.Constant(written, re.sub(rf"\b{MEAN.name}\b", letter, best.where), best.how)


def free_letter(declaration: Declaration, letter: str) -> str:
    """The letter, or one that no parameter is called, since names of Python have no subscripts."""
    return f"{letter}₀" if letter in declaration.own_arguments else letter


# The ladder ---------------------------------------------------------------------------------------


def _ladder(declaration: Declaration, derived: Derived) -> tuple[tuple[content.Rung, ...], content.Formula]:
    """The rungs of the loss, then those that its derivatives ask for, and the head."""
    wanted = {
        "loss": derived.ladder,
        "gradient": prune(derived.gradient.ladder, derived.gradient.textbook),
        "Hessian": prune(derived.hessian.ladder, derived.hessian.textbook),
    }
    first: dict[Letter, tuple[str, Rung, Ladder]] = {}
    for output, ladder in wanted.items():
        for rung in ladder.rungs:
            first.setdefault(rung.symbol, (output, rung, ladder))
    names = {
        symbol: Letter(f"R{number}".translate(SUBSCRIPTS), real=True)
        for number, symbol in enumerate(first, start=1)
    }

    def read(expression: Expr) -> Expr:
        return declaration.as_read(expression.xreplace(names))

    rungs = []
    for symbol, (output, rung, ladder) in first.items():
        needs = tuple(names[each].name for each in names if each in rung.summand.free_symbols)
        name = names[symbol]
        reduced = formula(read(_reduced(rung, ladder)), name.name, latex(name))
        rungs.append(content.Rung(reduced, output, needs))
    return tuple(rungs), formula(read(textbook_head(derived.ladder)), "L", "L")


def textbook_head(ladder: Ladder) -> Expr:
    """The row's loss in terms of the rungs, in its shortest spelling."""
    return textbook(ladder.head, Ladder((), ladder.head))


def _reduced(rung: Rung, ladder: Ladder) -> Expr:
    """The reduction; what is picked at the largest column is written as a sum over an indicator."""
    found = reduction(rung, ladder)
    if isinstance(found, reductions.Gather) and rung.at != LABEL_HIT:
        return reductions.Sum(rung.at * found.args[0])
    return found


# Rewrites and kernels -----------------------------------------------------------------------------


def _rewrites(declaration: Declaration, derived: Derived) -> Iterator[content.Rewrite]:
    """Each rule with its steps, equal ones once; a step that only names functions reads the same twice."""
    by_rule: dict[str, Counter[tuple[Expr, Expr]]] = {}
    for rule, before, after in derived.trace:
        by_rule.setdefault(rule, Counter())[before, after] += 1
    for rule, counted in by_rule.items():
        steps = [
            content.Step(formula(declaration.as_read(before)), formula(declaration.as_read(after)), count)
            for (before, after), count in counted.items()
        ]
        changing = tuple(step for step in steps if step.before.text != step.after.text)
        yield content.Rewrite(rule, counted.total(), changing)


def _kernels(declaration: Declaration, derived: Derived) -> Iterator[content.Kernel]:
    arrays = frozenset({y_true, y_pred, DIRECTION, *(each.symbol for each in declaration.extra_inputs)})
    arrays -= {y_true} if derived.labels else set()
    for output, plan in {**derived.schedules, **derived.further}.items():
        after, before = operations(plan)
        moved = traffic(plan, arrays)
        yield content.Kernel(
            output, KERNELS[output], passes(plan), after, before, moved.read, moved.written, moved.least
        )


# Symbols ------------------------------------------------------------------------------------------


def _symbols(
    declaration: Declaration, options: dict, derived: tuple[Derived, ...]
) -> Iterator[content.Symbol]:
    domain = declaration.domain_of(options)
    labels = ", an integer label a row" if derived[0].labels else ""
    data = [("y", f"target{labels}", domain.get("target"))]
    data += [("p", "prediction at a column", domain.get("prediction"))]
    if isinstance(declaration, PenaltyDeclaration):
        data = [("x", f"{declaration.preparation or 'input'} at a column", domain.get("prediction"))]
    rows: list[tuple[str, str, object]] = [
        *data,
        *((each.name, each.name, domain.get(each.name)) for each in declaration.extra_inputs),
        *((name, name, each.expected()) for name, each in declaration.parameters.items()),
        ("C", f"number of columns, {columns(derived[0].scope)}", None),
    ]
    for name, meaning, values in rows:
        symbol = symbol_text(name)
        yield content.Symbol(
            symbol, latex(Letter(name)), "" if meaning == symbol else meaning, domain_text(values)
        )


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
