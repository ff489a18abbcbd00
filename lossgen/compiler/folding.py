"""Long lines of generated code, broken where a person would: after a call's commas, before a sum's signs."""

import re

WIDTH = 110
TEXT = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
HIDDEN = "\uf8ff"  # stands for each character of a text, whose brackets, commas and signs are none


def fold(line: str) -> str:
    """A statement: the line itself if it fits or cannot be broken, else several lines that say the same."""
    stripped = line.lstrip()
    if len(line) <= WIDTH or stripped.startswith(("#", '"', "'")):
        return line
    texts = iter(TEXT.findall(line))
    folded = _folded(TEXT.sub(lambda text: HIDDEN * len(text.group()), line))
    return re.sub(f"{HIDDEN}+", lambda _: next(texts), folded)


def _folded(line: str) -> str:
    stripped = line.lstrip()
    indent = line[: len(line) - len(stripped)]
    if stripped.startswith("return ") and len(_terms(stripped[7:])) > 1 == len(_split(stripped[7:], ", ")):
        return _summed(indent, "return (", stripped[7:], ")")
    folded = _fold_part(line)
    return folded if _is_closed(folded) else line


def _is_closed(folded: str) -> bool:
    """Whether every line but the last ends inside of a bracket, so that all are one statement."""
    depth = 0
    for line in folded.splitlines()[:-1]:
        depth += sum(line.count(each) for each in "([{") - sum(line.count(each) for each in ")]}")
        if depth == 0:
            return False
    return True


def _fold_part(line: str) -> str:
    """What stands in brackets, or is an assignment or a call and gets brackets here."""
    stripped = line.lstrip()
    if len(line) <= WIDTH:
        return line
    indent = " " * (len(line) - len(stripped))
    if stripped.endswith(",") and len(_split(stripped[:-1], ", ")) == 1:
        return f"{_fold_part(line[:-1])},"
    assignment = re.match(r"([\w, \[\]]+) = ", stripped)
    call = re.match(r"((?:def |return |\) = |[\w, \[\]]+ = |[+-] )?[\w.]*)\(", stripped)
    if stripped.startswith("from "):
        head, names = stripped.split(" import ")
        return _bracketed(indent, f"{head} import (", names.split(", "), ")")
    many = assignment and len(assignment.group()) > WIDTH - len(indent) - 40
    if call and not many and _closing(stripped, call.end() - 1) in (len(stripped) - 1, len(stripped) - 2):
        end = _closing(stripped, call.end() - 1)
        opening, closing = stripped[: call.end()], stripped[end:]
        parts = _split(stripped[call.end() : end], ", ")
        if len(parts) == 1 and not re.search(r"\w\($", opening):  # a comma would make a tuple of it
            return _summed(indent, opening, parts[0], closing)
        return _bracketed(indent, opening, parts, closing)
    if stripped.startswith("return ") and len(_split(stripped[7:], ", ")) > 1:
        return _bracketed(indent, "return (", _split(stripped[7:], ", "), ")")
    if assignment and "," in assignment.group(1):
        names = assignment.group(1).split(", ")
        results = _fold_part(f"{indent}) = {stripped[assignment.end() :]}").lstrip()
        return _bracketed(indent, "(", names, results)
    if assignment:
        return _summed(indent, f"{assignment.group()}(", stripped[assignment.end() :], ")")
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
    inner = "\n".join(_fold_part(f"{indent}    {row}") for row in rows)
    return f"{indent}{opening}\n{inner}\n{indent}{closing}"


def _summed(indent: str, opening: str, text: str, closing: str) -> str:
    """An expression in brackets, one addend a line."""
    inner = "\n".join(_fold_part(f"{indent}    {term}") for term in _terms(text))
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
