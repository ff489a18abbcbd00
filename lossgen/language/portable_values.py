"""The values of portable declarations but for formulas: each of the type and size that its place allows."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from lossgen.language.declaration import Scope
from lossgen.language.facts import check_scope
from lossgen.language.limits import MAXIMUM_ARGUMENTS, MAXIMUM_NAME, MAXIMUM_PHRASE, MAXIMUM_VECTOR
from lossgen.language.names import check_name, suggestion
from lossgen.language.portable import place
from lossgen.language.portable_expression import Plain, shown, wrong


def dictionary(data: Plain, path: str) -> Mapping[str, Plain]:
    """The data, if it is a dictionary of texts."""
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise wrong(path, f"a dictionary is expected, not {shown(data)}")
    return data


def array(data: Plain, path: str, most: int = MAXIMUM_ARGUMENTS) -> list[Plain]:
    """The data, if it is a list of no more than `most` entries."""
    if not isinstance(data, list):
        raise wrong(path, f"a list is expected, not {shown(data)}")
    if len(data) > most:
        raise wrong(path, f"a list of at most {most} entries is expected, not of {len(data)}")
    return data


def text(data: Plain, path: str, most: int = MAXIMUM_PHRASE) -> str:
    """The data, if it is text of bounded length that a file can hold: without halves of characters."""
    if not isinstance(data, str):
        raise wrong(path, f"text is expected, not {shown(data)}")
    if len(data) > most:
        raise wrong(path, f"the text has {len(data)} characters; at most {most} are read")
    for character in data:
        if unicodedata.category(character) == "Cs":
            raise wrong(path, f"the text holds {character!r}, half of a character; leave it out")
    return data


def texts(data: Plain, path: str) -> tuple[str, ...]:
    """The data, if it is a list of texts."""
    return tuple(text(each, f"{path}[{number}]") for number, each in enumerate(array(data, path)))


def value(data: Plain, path: str) -> Any:
    """A plain value: text, a number, a truth value, null; a list of them is a tuple."""
    if isinstance(data, list):
        entries = array(data, path, MAXIMUM_VECTOR)
        return tuple(value(each, f"{path}[{number}]") for number, each in enumerate(entries))
    if isinstance(data, dict):
        check_keys(data, path, ("float",), ())
        return float(choice(data["float"], f"{path}.float", ("inf", "-inf")))
    if isinstance(data, str):
        return text(data, path)
    if data is None or isinstance(data, bool | int | float):
        return data
    raise wrong(path, f"a plain value is expected, not {shown(data)}")


def name_of(data: Plain, path: str, kind: str, loss: str) -> str:
    """The data, if it is a name that generated code can use."""
    found = text(data, path)
    with place(path):
        return check_name(loss[:MAXIMUM_NAME], kind, found)


def scope_of(data: Plain, path: str, axis_argument: object) -> Scope:
    """A scope: an axis, a list of them, or null."""
    with place(path):
        return check_scope("scope", value(data, path), axis_argument)


def domain_of(data: Plain, path: str) -> Any:
    """A domain: a name, or the two ends of an interval."""
    return text(data, path) if isinstance(data, str) else value(data, path)


def choice(data: Plain, path: str, known: tuple[str, ...]) -> str:
    """The data, if it is one of some texts."""
    if not isinstance(data, str) or data not in known:
        raise wrong(path, f"{shown(data)} is none of {', '.join(map(repr, known))}")
    return data


def check_keys(
    entries: Mapping[str, Plain], path: str, required: tuple[str, ...], optional: tuple[str, ...]
) -> None:
    """Refuses a dictionary that lacks a key, or has one that it may not have."""
    known = (*required, *optional)
    for key in entries:
        if key not in known:
            end = suggestion(key[:80], known, f"; known are {', '.join(known)}")
            raise wrong(path, f"there is no key {shown(key)} here{end}")
    for key in required:
        if key not in entries:
            raise wrong(path, f"the key {key!r} is missing")
