r"""The explanation as a part of a LaTeX document: `\section*`, align, tabular; needs amsmath, amssymb."""

import re
from collections.abc import Iterable, Iterator

from .content import KERNEL_HEADS, KERNEL_NOTE, Content, Formula, Term

SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
    "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$", ">": r"$>$",
    "−": r"$-$", "≤": r"$\leq$", "≥": r"$\geq$", "≠": r"$\neq$", "∞": r"$\infty$", "→": r"$\to$",
    "·": r"$\cdot$", "²": r"$^2$", "³": r"$^3$", "Σ": r"$\sum$", "√": r"$\sqrt{\ }$", "ₖ": "$_k$",
    "ȳ": r"$\bar y$", "′": "$'$", "±": r"$\pm$", "⁻": "$^{-}$", "…": r"\ldots{}", "₁": "$_1$", "₂": "$_2$",
    "₃": "$_3$", "₀": "$_0$", "∈": r"$\in$", "ψ": r"$\psi$", "∂": r"$\partial$", "ø": r"{\o}",
}  # fmt: skip
GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta",
    "θ": "theta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "ρ": "rho",
    "σ": "sigma", "τ": "tau", "φ": "phi", "χ": "chi", "ω": "omega", "Γ": "Gamma",
}  # fmt: skip
SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"


def tex(content: Content) -> str:
    """All sections."""
    return "\n".join(_lines(content)) + "\n"


def escaped(words: str) -> str:
    """Words of a person as LaTeX shows them."""
    words = "".join(SPECIAL.get(each, each) for each in words)
    words = re.sub(f"[{''.join(GREEK)}]", lambda found: rf"$\{GREEK[found.group()]}$", words)
    return re.sub(f"[{SUPERSCRIPTS}]", lambda found: f"$^{SUPERSCRIPTS.index(found.group())}$", words)


def _lines(content: Content) -> Iterator[str]:
    yield rf"\section*{{{escaped(content.title)}}}"
    if content.summary:
        yield escaped(content.summary)
    if content.reference:
        yield rf"\par Reference: {escaped(content.reference)}"
    for number, term in enumerate(content.terms, start=1):
        several = len(content.terms) > 1
        title = f"Term {number} of {len(content.terms)}, over {term.scope}" if several else "Formulas"
        yield from _formulas(title, term, content)
    yield r"\subsection*{Symbols}"
    symbols = ((f"${each.latex}$", *map(escaped, (each.meaning, each.values))) for each in content.symbols)
    yield from _table("lll", symbols)
    yield r"\subsection*{Properties}"
    rows = [(each.property, f"{each.verdict} ({each.how})", each.detail) for each in content.findings]
    rows += [(name, says, "") for name, says in content.facts]
    yield from _table(r"lp{0.25\linewidth}p{0.5\linewidth}", (map(escaped, row) for row in rows))
    for term in content.terms:
        yield r"\subsection*{Ladder}"
        yield from _aligned([*(rung.formula for rung in term.ladder if rung.output == "loss"), term.head])
        derivatives = [rung.formula for rung in term.ladder if rung.output != "loss"]
        if derivatives:
            yield "For the derivatives:"
            yield from _aligned(derivatives)
        yield from _rewrites(term, content.trace)
        yield r"\subsection*{Kernels}"
        yield from _table("lrrrrrr", (KERNEL_HEADS, *(each.cells for each in term.kernels)))
        yield rf"\par {KERNEL_NOTE}"


def _formulas(title: str, term: Term, content: Content) -> Iterator[str]:
    yield rf"\subsection*{{{escaped(title)}}}"
    formulas = [*term.definitions, *term.formulas.values()]
    constant = content.constant if term is content.terms[-1] else None
    if constant is not None and constant.formula is not None:
        formulas.append(constant.formula)
    yield from _aligned(formulas)
    if constant is not None:
        says = constant.where if constant.formula else f"{constant.how}: {constant.where}"
        yield f"Optimal constant $p_{{0}}$: {escaped(says)}." if says else ""


def _aligned(formulas: list[Formula]) -> Iterator[str]:
    if not formulas:
        return
    yield r"\begin{align*}"
    yield " \\\\\n".join(f"  {each.left} &= {each.latex}" for each in formulas)
    yield r"\end{align*}"


def _table(columns: str, rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield rf"\par\noindent\begin{{tabular}}{{{columns}}}"
    yield from (f"  {' & '.join(row)} \\\\" for row in rows)
    yield r"\end{tabular}"


def _rewrites(term: Term, trace: bool) -> Iterator[str]:
    if not term.rewrites:
        return
    yield r"\subsection*{Rewrites}"
    for rewrite in term.rewrites:
        times = f" ({rewrite.count} times)" if rewrite.count > 1 else ""
        yield rf"\par {escaped(rewrite.rule)}{times}" + ("" if rewrite.steps else ": reads the same")
        for step in rewrite.shown(trace):
            yield rf"\[ {step.before.latex} \;\to\; {step.after.latex} \]"
