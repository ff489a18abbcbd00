"""Declarations as JSON text and back: what `portable` writes, laid out for people and for `diff`."""

import json
from collections import Counter
from typing import Any

from lossgen.errors import PortableError
from lossgen.language.declaration import Declaration
from lossgen.language.limits import MAXIMUM_FILE
from lossgen.language.portable import portable
from lossgen.language.portable_expression import Plain, shown

WIDTH = 100


def to_json(declaration: Declaration) -> str:
    """A declaration as JSON, from which `lossgen.from_json` makes an equal one anywhere.

    Args:
        declaration: what `@lg.loss`, `@lg.penalty`, `lg.declare` or arithmetic on declarations made.

    Raises:
        PortableError: it cannot be written down.
    """
    if not isinstance(declaration, Declaration):
        raise PortableError(
            f"lg.to_json writes a declaration, made with @lg.loss or lg.declare. Received: {declaration!r}"
        )
    return laid_out(portable(declaration)) + "\n"


def from_json(text: str | bytes) -> Declaration:
    """The declaration that `lossgen.to_json` wrote down. Nothing in the text is evaluated or imported.

    Args:
        text: JSON of at most a million characters.

    Raises:
        PortableError: it is no JSON, or no declaration; names the place.
    """
    from lossgen.language.portable_reader import declaration_from

    if not isinstance(text, str | bytes):
        raise PortableError(f"lg.from_json reads text; received {type(text).__name__}.")
    if len(text) > MAXIMUM_FILE:
        raise PortableError(f"The text has {len(text)} characters; at most {MAXIMUM_FILE} are read.")
    return declaration_from(parsed(text))


def parsed(text: str | bytes) -> Plain:
    """JSON as plain data, each key once and every number finite.

    Raises:
        PortableError: it is no such JSON.
    """
    try:
        return json.loads(text, object_pairs_hook=_without_repetition, parse_constant=_refuse_constant)
    except PortableError:
        raise
    except json.JSONDecodeError as error:
        where = f"in line {error.lineno}, column {error.colno}"
        raise PortableError(f"This is no JSON: {error.msg} {where}.") from None
    except RecursionError:
        raise PortableError("The JSON is nested too deeply.") from None
    except ValueError as error:  # a number of too many digits, bytes that are no text
        raise PortableError(f"This JSON cannot be read: {str(error)[:80]}.") from None


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise PortableError(f"The JSON has the key {shown(twice)} twice in one place.")
    return entries


def _refuse_constant(name: str) -> None:
    raise PortableError(f"The JSON holds {name}, which is no number.")


def laid_out(data: Plain, indent: str = "", used: int = 0) -> str:
    """Plain data as JSON; what fits stands on one line.

    Args:
        used: characters that stand on its first line already, and behind its end.
    """
    line = json.dumps(data, ensure_ascii=False)
    if not isinstance(data, dict | list) or len(indent) + used + len(line) <= WIDTH:
        return line
    inner = indent + "  "
    if isinstance(data, dict):
        keys = [f"{json.dumps(key, ensure_ascii=False)}: " for key in data]
        parts = [
            key + laid_out(value, inner, len(key) + 1) for key, value in zip(keys, data.values(), strict=True)
        ]
        opening, parts, closing = "{", parts, "}"
    else:
        parts = [laid_out(value, inner, 1) for value in data]
        opening, closing = "[", "]"
        if data and isinstance(data[0], str):  # the word of an expression stands beside its bracket
            opening, parts = f"[{parts[0]}{',' * (len(parts) > 1)}", parts[1:]
    body = ",\n".join(inner + part for part in parts)
    return f"{opening}\n{body}\n{indent}{closing}" if parts else opening + closing
