"""The page as a file: data, functions, scripts in one HTML document, the plotting library beside it.

Nothing that a person declared becomes markup or script: names and texts travel as JSON whose `<`, `>` and `&`
are escaped, and the scripts of the page write them as text.
"""

import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from lossgen.compiler.files import write_atomically
from lossgen.errors import FileError, MissingLibraryError, ParameterError
from lossgen.inspection import mathematics
from lossgen.inspection.curves.subjects import Plottable, described_by
from lossgen.inspection.explorer.content import shown
from lossgen.language.declaration import Declaration
from lossgen.runtime.compiled import Compiled

LIBRARY = "plotly.min.js"
"""The plotting library, as the package `plotly` ships it."""

SCRIPTS = ("curves", "jumps", "links", "controls", "plot", "page")
"""In the order in which the page reads them, behind the atoms and the functions of the losses."""

ESCAPES = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"})
Imports = Mapping[str, tuple[str, ...]]


def explore(
    *losses: Plottable,
    path: str | Path = "loss_explorer.html",
    single_file: bool = False,
    imports: Imports | None = None,
) -> Path:
    """Writes the loss explorer: one page on which parameters are moved and curves move with them.

    The page needs no server and no network. The plotting library is copied into the folder `NAME_files`
    beside `NAME.html`; with `single_file` it becomes part of the page, which is then 5 MB larger.

    Args:
        losses: declarations or classes of losses (an instance stands for its class); all losses of the
            catalogue if there are none.
        path: of the page.
        single_file: whether the plotting library is written into the page.
        imports: for losses of one's own, by name: the lines of Python that make the class known, as the page
            shows them.

    Returns:
        The path of the page.

    Raises:
        NoViewError: a loss has no one-dimensional view.
        MissingLibraryError: plotly or latex2mathml is not installed.
        FileError: the page cannot be written, its folder does not exist, or its name does not end in .html.
        ParameterError: what was given is no loss, or two losses have one name.
    """
    path = _checked(path)
    library = _library()
    declarations = tuple(map(_declaration, losses)) or _catalogue()
    folder = path.with_name(f"{path.stem}_files")
    beside = None if single_file else f"{folder.name}/{LIBRARY}"
    text = page(declarations, library, beside, imports or {})
    try:
        if not single_file:
            write_atomically(folder / LIBRARY, library)
        write_atomically(path, text)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FileError(f"the page cannot be written to {path}: {reason}") from error
    return path


def _checked(path: str | Path) -> Path:
    """The path of a page.

    Raises:
        FileError: it does not end in .html or .htm, or its folder does not exist.
    """
    checked = Path(path)
    if checked.suffix not in (".html", ".htm"):
        raise FileError(f"the page is HTML: write a name that ends in .html, not {path}")
    if not checked.parent.is_dir():
        raise FileError(f"{path} cannot be written: there is no folder {checked.parent}")
    return checked


def _declaration(loss: Any) -> Declaration:
    is_class = isinstance(loss, type) and issubclass(loss, Compiled)
    if not (is_class or isinstance(loss, Declaration | Compiled)):
        raise ParameterError(f"a loss, its class or declaration is expected, not {loss!r}")
    return described_by(loss)[0]


def page(declarations: Iterable[Declaration], library: str, beside: str | None, imports: Imports) -> str:
    """The text of the page.

    Args:
        declarations: the losses, each once.
        library: the text of the plotting library.
        beside: where it will stand, relative to the page; None writes it into the page.
        imports: see `explore`.
    """
    import lossgen

    chosen = tuple(dict.fromkeys(declarations))
    names = [each.name for each in chosen]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ParameterError(f"two losses are called `{twice}`; give one another name with `.renamed(...)`")
    every = [shown(each, imports.get(each.name, ())) for each in chosen]
    title = every[0].data["className"] if len(every) == 1 else f"{len(every)} losses"
    environment = Environment(undefined=StrictUndefined, autoescape=True, trim_blocks=True)
    return environment.from_string(_template("page.html.jinja")).render(
        version=lossgen.__version__,
        title=f"Loss explorer: {title}",
        subtitle="Move a parameter; the loss, its gradient and its Hessian move with it.",
        style=Markup(_template("style.css")),
        losses=as_script([each.data for each in every]),
        functions=Markup("[\n" + ",\n".join(each.functions for each in every) + "\n]"),
        atoms=Markup(_template("atoms.js")),
        scripts=[Markup(_template(f"{name}.js")) for name in SCRIPTS],
        library_path=quote(beside) if beside else "",
        library="" if beside else Markup(library.replace("</script", "<\\/script").replace("<!--", "<\\!--")),
    )


def as_script(data: Any) -> Markup:
    """Data as JSON that ends no script element, whatever text it holds."""
    return Markup(json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(ESCAPES))


def _template(name: str) -> str:
    return files("lossgen.templates").joinpath("explorer", name).read_text("utf-8")


def _catalogue() -> tuple[Declaration, ...]:
    from lossgen.catalog import DECLARATIONS

    return tuple(DECLARATIONS)


def _library() -> str:
    """The text of the plotting library, from the installed package.

    Raises:
        MissingLibraryError: it is not installed, or latex2mathml is not.
    """
    spec = find_spec("plotly")
    folders = (spec and spec.submodule_search_locations) or ()
    found = [path for folder in folders if (path := Path(folder, "package_data", LIBRARY)).is_file()]
    if not found or not mathematics.is_available():
        raise MissingLibraryError(
            "the explorer needs plotly and latex2mathml: pip install 'lossgen[explore]'"
        )
    return found[0].read_text("utf-8")
