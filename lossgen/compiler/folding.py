"""Long lines of generated code, broken where a person would: after a call's commas, before a sum's signs."""

import re

WIDTH = 110


def fold(line: str) -> str:
    """The line itself if it fits or is no code that can be broken, else several lines."""
    stripped = line.lstrip()
    if len(line) <= WIDTH or stripped.startswith(("#", '"', "'")):
        return line
    indent = " " * (len(line) - len(stripped))
    if stripped.endswith(",") and len(_split(stripped[:-1], ", ")) == 1:
        return f"{fold(line[:-1])},"
    assignment = re.match(r"([\w, \[\]]+) = ", stripped)
    call = re.match(r"((?:def |return |\) = |[\w, \[\]]+ = |[+-] )?[\w.]*)\(", stripped)
    if stripped.startswith("from "):
        head, names = stripped.split(" import ")
        return _bracketed(indent, f"{head} import (", names.split(", "), ")")
    many = assignment and len(assignment.group()) > WIDTH - len(indent) - 40
    if call and not many and _closing(stripped, call.end() - 1) in (len(stripped) - 1, len(stripped) - 2):
        end = _closing(stripped, call.end() - 1)
        return _bracketed(
            indent, stripped[: call.end()], _split(stripped[call.end() : end], ", "), stripped[end:]
        )
    if stripped.startswith("return ") and len(_split(stripped[7:], ", ")) > 1:
        return _bracketed(indent, "return (", _split(stripped[7:], ", "), ")")
    if assignment and "," in assignment.group(1):
        names = assignment.group(1).split(", ")
        return _bracketed(indent, "(", names, fold(f"{indent}) = {stripped[assignment.end() :]}").lstrip())
    if assignment:
        terms = _terms(stripped[assignment.end() :])
        inner = "\n".join(fold(f"{indent}    {term}") for term in terms)
        return f"{indent}{stripped[: assignment.end()]}(\n{inner}\n{indent})"
    terms = _terms(stripped)
    return "\n".join(f"{indent}{term}" for term in terms) if len(terms) > 1 else line


def _bracketed(indent: str, opening: str, parts: list[str], closing: str) -> str:
    rows, current = [], ""
    for part in parts:
        candidate = f"{current} {part}," if current else f"{part},"
        if current and len(candidate) + len(indent) + 4 > WIDTH:
            rows.append(current)
            candidate = f"{part},"
        current = candidate
    rows.append(current)
    inner = "\n".join(fold(f"{indent}    {row}") for row in rows)
    return f"{indent}{opening}\n{inner}\n{indent}{closing}"


def _closing(text: str, opening: int) -> int:
    depth = 0
    for position in range(opening, len(text)):
        depth += (text[position] in "([{") - (text[position] in ")]}")
        if depth == 0:
            return position
    return -1


def _split(text: str, separator: str) -> list[str]:
    """Splits outside of brackets."""
    parts, depth, begin = [], 0, 0
    for position, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and text.startswith(separator, position):
            parts.append(text[begin:position].strip())
            begin = position + len(separator)
    parts.append(text[begin:].strip())
    return [part for part in parts if part]


def _terms(text: str) -> list[str]:
    """The addends of a sum, each with its sign in front."""
    terms, depth, begin = [], 0, 0
    for position, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and position and text[position : position + 3] in (" + ", " - "):
            terms.append(text[begin:position].strip())
            begin = position
    terms.append(text[begin:].strip())
    return terms
