"""Formulas for a page: LaTeX → MathML, which browsers typeset without scripts or a network.

The conversion is that of the library latex2mathml; what it leaves as typewriter work is mended here: names
of several letters, spaces between factors, signs, the columns of a case distinction.
"""

import itertools
import re
from functools import lru_cache
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from lossgen.errors import MissingLibraryError

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
THIN_SPACE = "0.1667em"
SIGNS = {"−", "+", "-"}
BEFORE_SIGNS = {"(", "[", "{", "=", "<", ">", "≤", "≥", ",", "⋅", "→"}
"""After these (and at the beginning) a minus is a sign, and stands close to what follows."""


def is_available() -> bool:
    """Whether latex2mathml is installed."""
    try:
        import latex2mathml.converter  # noqa: F401
    except ImportError:
        return False
    return True


@lru_cache(maxsize=1000)
def mathml(latex: str, inline: bool = False) -> str:
    r"""A formula as a `<math>` element.

    Args:
        latex: source without dollar signs, such as `lossgen.language.printing.latex` writes.
        inline: small, to stand in a line of text; otherwise on a line of its own.

    Raises:
        MissingLibraryError: latex2mathml is not installed.
    """
    try:
        from latex2mathml.converter import convert
    except ImportError as error:
        raise MissingLibraryError(
            "typeset formulas need latex2mathml: `pip install lossgen[notebook]`"
        ) from error
    source = latex.replace(r"\arg", r"\operatorname{arg}")  # which latex2mathml does not know
    root = ElementTree.fromstring(convert(source, display="inline" if inline else "block"))
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{NAMESPACE}}}")
    root.set("xmlns", NAMESPACE)
    for parent in reversed(list(root.iter())):  # what is inside first
        _mend(parent)
    return ElementTree.tostring(root, encoding="unicode")


def _mend(parent: Element) -> None:
    """The children of one element, without what looks wrong on a page."""
    if parent.tag in ("mrow", "mtd"):
        _join_letters(parent)
        _write_names(parent)
        _place_signs(parent)
        _space_names(parent)
    if parent.tag == "mtd" and parent.get("columnalign") == "left":  # browsers read only the style
        parent.set("style", "text-align: left; padding-right: 0.8em")


def _join_letters(row: Element) -> None:
    """`\\mathrm{label\\ smoothing}` is one name, not fourteen."""
    letters = list(row)
    if len(letters) < 2 or not any(_is_upright(each) for each in letters):
        return
    if all(_is_upright(each) or each.tag in ("mn", "mtext") for each in letters):
        name = "".join(each.text or "" for each in letters)
        row.clear()
        SubElement(row, "mi").text = name


def _is_upright(element: Element) -> bool:
    return element.tag == "mi" and element.get("mathvariant") == "normal"


def _write_names(row: Element) -> None:
    """`\\operatorname{clip}` is a name, not an operator with spaces on both sides."""
    for each in row:
        core = each[0] if each.tag in ("msup", "msub") and len(each) else each
        if core.tag == "mo" and re.fullmatch(r"[A-Za-z]{2,}", core.text or ""):
            core.tag = "mi"


def _place_signs(row: Element) -> None:
    """A minus that subtracts nothing stands close to its number: `(−p)`."""
    before: Element | None = None
    for each in row:
        if each.tag == "mo" and each.text in SIGNS:
            opens = before is None or (before.tag == "mo" and before.text in BEFORE_SIGNS)
            each.set("form", "prefix" if opens else "infix")
        before = each


def _space_names(row: Element) -> None:
    """A thin space between a factor and a function or name of several letters, on either side."""
    children = list(row)
    for place, (before, each) in reversed(list(enumerate(itertools.pairwise(children), start=1))):
        names = (_is_name(before) and not _is_bracket(each)) or _is_name(each)
        if names and "mo" not in (before.tag, each.tag) and "mspace" not in (before.tag, each.tag):
            row.insert(place, Element("mspace", width=THIN_SPACE))


def _is_name(element: Element) -> bool:
    """Whether it is, or consists of, one name of several letters."""
    core = element
    while core.tag in ("msup", "msub", "mrow") and len(core) and (core.tag != "mrow" or len(core) == 1):
        core = core[0]
    return core.tag == "mi" and len((core.text or "").strip()) > 1


def _is_bracket(element: Element) -> bool:
    """Whether it is an expression in brackets: the argument of the function before."""
    core: Element | None = element
    while core is not None and core.tag == "mrow":
        core = next(iter(core), None)
    return core is not None and core.tag == "mo" and core.text in ("(", "[")


