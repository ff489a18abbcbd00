"""The explanation as JSON, for programs; docs/explain.md lists the keys."""

import json
from typing import Any

from lossgen.inspection.evidence.finding import Finding

from .content import Constant, Content, Formula, Kernel, Rewrite, Rung, Term

VERSION = 1
"""Grows when a key changes its meaning or goes; new keys do not change it."""


def json_text(content: Content) -> str:
    """Indented JSON in UTF-8 text."""
    return json.dumps(data(content), ensure_ascii=False, indent=2) + "\n"


def data(content: Content) -> dict[str, Any]:
    """The same as dictionaries, lists and plain values."""
    return {
        "version": VERSION,
        "name": content.name,
        "class": content.class_name,
        "title": content.title,
        "summary": content.summary,
        "reference": content.reference,
        "options": dict(content.options),
        "terms": [_term(each) for each in content.terms],
        "constant": None if content.constant is None else _constant(content.constant),
        "symbols": [
            {"symbol": each.symbol, "latex": each.latex, "meaning": each.meaning, "values": each.values}
            for each in content.symbols
        ],
        "properties": [_finding(each) for each in content.findings],
        "facts": dict(content.facts),
    }


def _term(term: Term) -> dict[str, Any]:
    return {
        "scope": term.scope,
        "definitions": [_formula(each) for each in term.definitions],
        "loss": _formula(term.value),
        "gradient": _formula(term.gradient),
        "hessian": _formula(term.hessian),
        "ladder": [_rung(each) for each in term.ladder],
        "head": _formula(term.head),
        "rewrites": [_rewrite(each) for each in term.rewrites],
        "kernels": [_kernel(each) for each in term.kernels],
    }


def _formula(formula: Formula) -> dict[str, str]:
    return {"symbol": formula.symbol, "text": formula.text, "latex": formula.latex}


def _constant(constant: Constant) -> dict[str, Any]:
    formula = None if constant.formula is None else _formula(constant.formula)
    return {"formula": formula, "where": constant.where, "how": constant.how}


def _rung(rung: Rung) -> dict[str, Any]:
    return {**_formula(rung.formula), "output": rung.output.lower(), "needs": list(rung.needs)}


def _rewrite(rewrite: Rewrite) -> dict[str, Any]:
    steps = [
        {"before": step.before.text, "after": step.after.text, "count": step.count} for step in rewrite.steps
    ]
    return {"rule": rewrite.rule, "count": rewrite.count, "steps": steps}


def _kernel(kernel: Kernel) -> dict[str, Any]:
    return {
        "output": kernel.output,
        "name": kernel.name,
        "passes": kernel.passes,
        "operations": kernel.operations,
        "operations_before_sharing": kernel.before_sharing,
        "bytes_read": kernel.bytes_read,
        "bytes_written": kernel.bytes_written,
        "bytes_least": kernel.bytes_least,
    }


def _finding(finding: Finding) -> dict[str, str]:
    return {
        "property": finding.property,
        "verdict": finding.verdict,
        "how": finding.how,
        "detail": finding.detail,
    }
